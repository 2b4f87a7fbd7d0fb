-- What reviewers promise, and what it takes to publish a text with a safety level. The defaults are for the rows that
-- are there; the program gives every value.
ALTER TABLE communities ADD COLUMN safety_quorum INTEGER NOT NULL DEFAULT 2 CHECK (safety_quorum > 0);
ALTER TABLE communities ADD COLUMN first_response_days INTEGER NOT NULL DEFAULT 2 CHECK (first_response_days > 0);
ALTER TABLE communities ADD COLUMN decision_days INTEGER NOT NULL DEFAULT 10 CHECK (decision_days > 0);

-- Reviews from before have no promise: they count as due when they were opened.
ALTER TABLE reviews ADD COLUMN offered_to TEXT REFERENCES users (id);
ALTER TABLE reviews ADD COLUMN respond_by TEXT;
ALTER TABLE reviews ADD COLUMN decide_by TEXT;
ALTER TABLE reviews ADD COLUMN responded_at TEXT;
ALTER TABLE reviews ADD COLUMN reminded_at TEXT;
ALTER TABLE reviews ADD COLUMN escalated_at TEXT;

-- What a reviewer was when they decided; unknown of decisions from before.
ALTER TABLE decisions ADD COLUMN role TEXT CHECK (role IN ('reviewer', 'steward'));
DROP TRIGGER decisions_are_not_rewritten;
CREATE TRIGGER decisions_are_not_rewritten
BEFORE UPDATE OF id, review_id, tip_id, revision, reviewer_id, role, verdict, reason, at ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions');
END;

INSERT INTO change_kinds (kind) VALUES ('review.reminded'), ('review.escalated');
