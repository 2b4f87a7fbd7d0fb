DELETE FROM change_kinds WHERE kind IN ('tip.reverted', 'tip.merged', 'tip.superseded', 'tip.separated');

DROP TRIGGER decisions_are_not_rewritten;
ALTER TABLE decisions DROP COLUMN merged_into;
CREATE TRIGGER decisions_are_not_rewritten
BEFORE UPDATE OF id, review_id, tip_id, revision, reviewer_id, role, verdict, reason, at ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions');
END;

DROP INDEX tips_by_replacement;
ALTER TABLE tips DROP COLUMN replaced_how;
ALTER TABLE tips DROP COLUMN replaced_by;
