-- A tip whose place another one has taken: merged into it, or superseded by it.
ALTER TABLE tips ADD COLUMN replaced_by TEXT REFERENCES tips (id);
ALTER TABLE tips ADD COLUMN replaced_how TEXT
    CHECK ((replaced_how IS NULL) = (replaced_by IS NULL) AND replaced_how IN ('merged', 'superseded'));
CREATE INDEX tips_by_replacement ON tips (replaced_by) WHERE replaced_by IS NOT NULL;

-- A text turned down because it belongs into another tip.
ALTER TABLE decisions ADD COLUMN merged_into TEXT REFERENCES tips (id);
DROP TRIGGER decisions_are_not_rewritten;
CREATE TRIGGER decisions_are_not_rewritten
BEFORE UPDATE OF id, review_id, tip_id, revision, reviewer_id, role, verdict, reason, merged_into, at ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions');
END;

INSERT INTO change_kinds (kind) VALUES ('tip.reverted'), ('tip.merged'), ('tip.superseded'), ('tip.separated');
