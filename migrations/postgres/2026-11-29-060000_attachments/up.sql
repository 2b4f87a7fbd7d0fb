-- Photos and PDFs. A text lists its own, with the SHA-256 of each, and is as immutable with them as in its words; the bytes
-- stand once for each SHA-256, in parts, so that nobody has to hold a whole file to send it.
CREATE TABLE attachment_files (
    sha256 text NOT NULL PRIMARY KEY CHECK (length(sha256) = 64),
    thumbnail bytea
);
CREATE TABLE attachment_parts (
    sha256 text NOT NULL REFERENCES attachment_files (sha256),
    place integer NOT NULL CHECK (place >= 0),
    bytes bytea NOT NULL,
    PRIMARY KEY (sha256, place)
);
-- Which tip holds on to which file: the texts list them by these ids.
CREATE TABLE attachments (
    id uuid NOT NULL PRIMARY KEY,
    tip_id uuid NOT NULL REFERENCES tips (id),
    sha256 text NOT NULL REFERENCES attachment_files (sha256)
);
CREATE INDEX attachments_by_file ON attachments (sha256);
-- They are compressed already.
ALTER TABLE attachment_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE attachment_files ALTER COLUMN thumbnail SET STORAGE EXTERNAL;

ALTER TABLE revisions ADD COLUMN attachments text NOT NULL DEFAULT '[]';
DROP TRIGGER submitted_text_is_immutable ON revisions;
CREATE TRIGGER submitted_text_is_immutable BEFORE UPDATE ON revisions FOR EACH ROW
WHEN (OLD.submitted_at IS NOT NULL AND (
    NEW.submitted_at IS DISTINCT FROM OLD.submitted_at
    OR NEW.title IS DISTINCT FROM OLD.title OR NEW.problem IS DISTINCT FROM OLD.problem
    OR NEW.cause IS DISTINCT FROM OLD.cause OR NEW.solution IS DISTINCT FROM OLD.solution
    OR NEW.products IS DISTINCT FROM OLD.products OR NEW.fault_codes IS DISTINCT FROM OLD.fault_codes
    OR NEW.parts IS DISTINCT FROM OLD.parts OR NEW.tags IS DISTINCT FROM OLD.tags
    OR NEW.safety IS DISTINCT FROM OLD.safety OR NEW.hazard IS DISTINCT FROM OLD.hazard
    OR NEW.lang IS DISTINCT FROM OLD.lang OR NEW.attachments IS DISTINCT FROM OLD.attachments
    OR NEW.editor_id IS DISTINCT FROM OLD.editor_id
))
EXECUTE FUNCTION refuse('submitted_text');

INSERT INTO change_kinds (kind) VALUES ('tip.attached'), ('tip.detached');
