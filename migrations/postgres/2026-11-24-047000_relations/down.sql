DELETE FROM change_kinds WHERE kind IN ('tip.related', 'tip.unrelated');
DROP TABLE relations;
