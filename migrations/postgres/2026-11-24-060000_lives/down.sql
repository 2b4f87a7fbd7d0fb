DELETE FROM change_kinds
WHERE kind IN ('log.restored', 'user.erased') AND kind NOT IN (SELECT kind FROM change_log);
