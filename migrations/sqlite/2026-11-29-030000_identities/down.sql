DELETE FROM change_kinds
WHERE kind IN ('identity.linked', 'identity.unlinked') AND kind NOT IN (SELECT kind FROM change_log);
ALTER TABLE members DROP COLUMN given_by;
DROP TABLE identities;
