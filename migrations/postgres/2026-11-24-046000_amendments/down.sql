DELETE FROM change_kinds WHERE kind IN ('review.edited', 'review.edits_accepted', 'review.edits_declined');

DROP TRIGGER decisions_are_not_rewritten ON decisions;
ALTER TABLE decisions DROP COLUMN edited_into;
CREATE TRIGGER decisions_are_not_rewritten
BEFORE UPDATE OF id, review_id, tip_id, revision, reviewer_id, role, verdict, reason, merged_into, at ON decisions
FOR EACH ROW EXECUTE FUNCTION refuse('decisions');

ALTER TABLE reviews DROP COLUMN agreed_at, DROP COLUMN amended_as, DROP COLUMN amended_by;
