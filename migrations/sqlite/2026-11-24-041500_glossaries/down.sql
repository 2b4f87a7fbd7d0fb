DELETE FROM change_kinds
WHERE kind = 'community.glossary_updated' AND kind NOT IN (SELECT kind FROM change_log);
DROP TABLE glossaries;
