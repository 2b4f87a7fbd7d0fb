DROP TRIGGER change_log_words ON change_log;
DROP FUNCTION refuse_unknown_kind();
ALTER TABLE change_log DROP CONSTRAINT "change_log.words";
-- What was recorded since stays, whatever it is.
ALTER TABLE change_log ADD CONSTRAINT "change_log.words" CHECK (
    kind IN (
        'tip.created', 'tip.edited', 'tip.submitted', 'tip.withdrawn', 'review.claimed', 'review.released', 'review.approved',
        'tip.changes_requested', 'tip.rejected', 'tip.published', 'tip.imported', 'tip.held', 'tip.unheld', 'tip.archived',
        'tip.restored', 'community.created', 'community.updated', 'member.set', 'member.removed', 'user.created', 'user.updated'
    )
    AND from_state IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')
    AND to_state IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')
) NOT VALID;
DROP TABLE change_kinds;
