DELETE FROM change_kinds WHERE kind = 'user.password_reset' AND kind NOT IN (SELECT kind FROM change_log);
DROP TABLE password_resets;
