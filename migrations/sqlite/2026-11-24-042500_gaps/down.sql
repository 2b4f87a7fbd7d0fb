DELETE FROM change_kinds
WHERE kind IN ('gap.claimed', 'gap.released', 'gap.answered') AND kind NOT IN (SELECT kind FROM change_log);
DROP TABLE gap_tips;
DROP TABLE searches;
DROP TABLE gaps;
