DELETE FROM change_kinds WHERE kind IN ('review.reminded', 'review.escalated');

DROP TRIGGER decisions_are_not_rewritten;
ALTER TABLE decisions DROP COLUMN role;
CREATE TRIGGER decisions_are_not_rewritten
BEFORE UPDATE OF id, review_id, tip_id, revision, reviewer_id, verdict, reason, at ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions');
END;

ALTER TABLE reviews DROP COLUMN escalated_at;
ALTER TABLE reviews DROP COLUMN reminded_at;
ALTER TABLE reviews DROP COLUMN responded_at;
ALTER TABLE reviews DROP COLUMN decide_by;
ALTER TABLE reviews DROP COLUMN respond_by;
ALTER TABLE reviews DROP COLUMN offered_to;

ALTER TABLE communities DROP COLUMN decision_days;
ALTER TABLE communities DROP COLUMN first_response_days;
ALTER TABLE communities DROP COLUMN safety_quorum;
