DELETE FROM change_kinds WHERE kind = 'outcomes.moved' AND kind NOT IN (SELECT kind FROM change_log);
