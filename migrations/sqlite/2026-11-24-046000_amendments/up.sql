-- The approval of a text as its reviewer has edited it: it counts for the edited text once its author agrees.
ALTER TABLE reviews ADD COLUMN amended_by TEXT REFERENCES users (id);
ALTER TABLE reviews ADD COLUMN amended_as TEXT
    CHECK ((amended_as IS NULL) = (amended_by IS NULL) AND amended_as IN ('reviewer', 'steward'));
ALTER TABLE reviews ADD COLUMN agreed_at TEXT CHECK (agreed_at IS NULL OR amended_by IS NOT NULL);

-- The revision that such a decision made.
ALTER TABLE decisions ADD COLUMN edited_into INTEGER CHECK (edited_into IS NULL OR (edited_into > revision AND verdict = 'approve'));
DROP TRIGGER decisions_are_not_rewritten;
CREATE TRIGGER decisions_are_not_rewritten
BEFORE UPDATE OF id, review_id, tip_id, revision, reviewer_id, role, verdict, reason, merged_into, edited_into, at
ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions');
END;

INSERT INTO change_kinds (kind) VALUES ('review.edited'), ('review.edits_accepted'), ('review.edits_declined');
