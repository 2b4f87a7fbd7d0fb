-- What reviewers promise, and what it takes to publish a text with a safety level. The defaults are for the rows that
-- are there; the program gives every value.
ALTER TABLE communities
    ADD COLUMN safety_quorum integer NOT NULL DEFAULT 2 CHECK (safety_quorum > 0),
    ADD COLUMN first_response_days integer NOT NULL DEFAULT 2 CHECK (first_response_days > 0),
    ADD COLUMN decision_days integer NOT NULL DEFAULT 10 CHECK (decision_days > 0);
ALTER TABLE communities
    ALTER COLUMN safety_quorum DROP DEFAULT,
    ALTER COLUMN first_response_days DROP DEFAULT,
    ALTER COLUMN decision_days DROP DEFAULT;

-- Reviews from before have no promise: they count as due when they were opened.
ALTER TABLE reviews
    ADD COLUMN offered_to uuid REFERENCES users (id),
    ADD COLUMN respond_by timestamptz,
    ADD COLUMN decide_by timestamptz,
    ADD COLUMN responded_at timestamptz,
    ADD COLUMN reminded_at timestamptz,
    ADD COLUMN escalated_at timestamptz;

-- What a reviewer was when they decided; unknown of decisions from before.
ALTER TABLE decisions ADD COLUMN role text CHECK (role IN ('reviewer', 'steward'));
DROP TRIGGER decisions_are_not_rewritten ON decisions;
CREATE TRIGGER decisions_are_not_rewritten
BEFORE UPDATE OF id, review_id, tip_id, revision, reviewer_id, role, verdict, reason, at ON decisions
FOR EACH ROW EXECUTE FUNCTION refuse('decisions');

INSERT INTO change_kinds (kind) VALUES ('review.reminded'), ('review.escalated');
