DELETE FROM change_kinds WHERE kind IN ('review.reminded', 'review.escalated');

DROP TRIGGER decisions_are_not_rewritten ON decisions;
ALTER TABLE decisions DROP COLUMN role;
CREATE TRIGGER decisions_are_not_rewritten
BEFORE UPDATE OF id, review_id, tip_id, revision, reviewer_id, verdict, reason, at ON decisions
FOR EACH ROW EXECUTE FUNCTION refuse('decisions');

ALTER TABLE reviews
    DROP COLUMN escalated_at,
    DROP COLUMN reminded_at,
    DROP COLUMN responded_at,
    DROP COLUMN decide_by,
    DROP COLUMN respond_by,
    DROP COLUMN offered_to;

ALTER TABLE communities
    DROP COLUMN decision_days,
    DROP COLUMN first_response_days,
    DROP COLUMN safety_quorum;
