-- Each version of each community's glossary; the last one is in force.
CREATE TABLE glossaries (
    community_id TEXT NOT NULL REFERENCES communities (id),
    version INTEGER NOT NULL CHECK (version > 0),
    entries TEXT NOT NULL,
    editor_id TEXT REFERENCES users (id),
    created_at TEXT NOT NULL,
    PRIMARY KEY (community_id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX glossaries_by_editor ON glossaries (editor_id) WHERE editor_id IS NOT NULL;
CREATE TRIGGER glossaries_are_not_rewritten BEFORE UPDATE ON glossaries
BEGIN
    SELECT RAISE(ABORT, 'glossaries');
END;

INSERT INTO change_kinds (kind) VALUES ('community.glossary_updated');
