DELETE FROM change_kinds WHERE kind IN ('review.edited', 'review.edits_accepted', 'review.edits_declined');

DROP TRIGGER decisions_are_not_rewritten;
ALTER TABLE decisions DROP COLUMN edited_into;
CREATE TRIGGER decisions_are_not_rewritten
BEFORE UPDATE OF id, review_id, tip_id, revision, reviewer_id, role, verdict, reason, merged_into, at ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions');
END;

ALTER TABLE reviews DROP COLUMN agreed_at;
ALTER TABLE reviews DROP COLUMN amended_as;
ALTER TABLE reviews DROP COLUMN amended_by;
