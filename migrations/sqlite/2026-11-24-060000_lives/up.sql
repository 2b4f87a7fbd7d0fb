INSERT INTO change_kinds (kind) VALUES ('log.restored'), ('user.erased');
