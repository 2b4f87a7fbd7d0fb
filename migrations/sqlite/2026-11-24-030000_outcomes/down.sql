DROP TABLE proofs;
DROP TABLE outcomes;
DELETE FROM change_kinds WHERE kind = 'outcome.recorded' AND NOT EXISTS (SELECT 1 FROM change_log WHERE kind = 'outcome.recorded');
