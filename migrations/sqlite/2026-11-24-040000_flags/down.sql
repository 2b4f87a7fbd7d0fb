DROP INDEX confirmations;
DROP TABLE flags;
DELETE FROM change_kinds
WHERE kind IN ('flag.opened', 'flag.assigned', 'flag.resolved', 'tip.disputed', 'tip.renewed')
    AND kind NOT IN (SELECT kind FROM change_log);
