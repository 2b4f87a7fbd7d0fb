DROP TRIGGER change_log_words;
CREATE TRIGGER change_log_words BEFORE INSERT ON change_log
WHEN NEW.kind NOT IN (
    'tip.created', 'tip.edited', 'tip.submitted', 'tip.withdrawn', 'review.claimed', 'review.released', 'review.approved',
    'tip.changes_requested', 'tip.rejected', 'tip.published', 'tip.imported', 'tip.held', 'tip.unheld', 'tip.archived',
    'tip.restored', 'community.created', 'community.updated', 'member.set', 'member.removed', 'user.created', 'user.updated'
)
OR NEW.from_state NOT IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')
OR NEW.to_state NOT IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')
BEGIN
    SELECT RAISE(ABORT, 'change_log.words');
END;
DROP TABLE change_kinds;
