-- A tip whose place another one has taken: merged into it, or superseded by it.
ALTER TABLE tips
    ADD COLUMN replaced_by uuid REFERENCES tips (id),
    ADD COLUMN replaced_how text,
    ADD CHECK ((replaced_how IS NULL) = (replaced_by IS NULL) AND replaced_how IN ('merged', 'superseded'));
CREATE INDEX tips_by_replacement ON tips (replaced_by) WHERE replaced_by IS NOT NULL;

-- A text turned down because it belongs into another tip.
ALTER TABLE decisions ADD COLUMN merged_into uuid REFERENCES tips (id);
DROP TRIGGER decisions_are_not_rewritten ON decisions;
CREATE TRIGGER decisions_are_not_rewritten
BEFORE UPDATE OF id, review_id, tip_id, revision, reviewer_id, role, verdict, reason, merged_into, at ON decisions
FOR EACH ROW EXECUTE FUNCTION refuse('decisions');

INSERT INTO change_kinds (kind) VALUES ('tip.reverted'), ('tip.merged'), ('tip.superseded'), ('tip.separated');
