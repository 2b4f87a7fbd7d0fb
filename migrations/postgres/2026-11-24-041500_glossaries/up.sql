-- Each version of each community's glossary; the last one is in force.
CREATE TABLE glossaries (
    community_id uuid NOT NULL REFERENCES communities (id),
    version integer NOT NULL CHECK (version > 0),
    entries text NOT NULL,
    editor_id uuid REFERENCES users (id),
    created_at timestamptz NOT NULL,
    CONSTRAINT "glossaries.version" PRIMARY KEY (community_id, version)
);
CREATE INDEX glossaries_by_editor ON glossaries (editor_id) WHERE editor_id IS NOT NULL;
CREATE TRIGGER glossaries_are_not_rewritten BEFORE UPDATE ON glossaries FOR EACH ROW
EXECUTE FUNCTION refuse('glossaries');

INSERT INTO change_kinds (kind) VALUES ('community.glossary_updated');
