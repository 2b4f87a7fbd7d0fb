INSERT INTO change_kinds (kind) VALUES ('outcomes.moved');
