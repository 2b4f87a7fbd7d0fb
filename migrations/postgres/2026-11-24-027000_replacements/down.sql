DELETE FROM change_kinds WHERE kind IN ('tip.reverted', 'tip.merged', 'tip.superseded', 'tip.separated');

DROP TRIGGER decisions_are_not_rewritten ON decisions;
ALTER TABLE decisions DROP COLUMN merged_into;
CREATE TRIGGER decisions_are_not_rewritten
BEFORE UPDATE OF id, review_id, tip_id, revision, reviewer_id, role, verdict, reason, at ON decisions
FOR EACH ROW EXECUTE FUNCTION refuse('decisions');

ALTER TABLE tips DROP COLUMN replaced_how, DROP COLUMN replaced_by;
