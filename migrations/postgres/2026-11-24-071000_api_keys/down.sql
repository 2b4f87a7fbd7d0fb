DELETE FROM change_kinds
WHERE kind IN ('api_key.created', 'api_key.ended') AND kind NOT IN (SELECT kind FROM change_log);
DROP TABLE api_keys;
