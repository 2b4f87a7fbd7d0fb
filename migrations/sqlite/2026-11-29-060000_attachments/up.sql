-- Photos and PDFs. A text lists its own, with the SHA-256 of each, and is as immutable with them as in its words; the bytes
-- stand once for each SHA-256, in parts, so that nobody has to hold a whole file to send it.
CREATE TABLE attachment_files (
    sha256 TEXT NOT NULL PRIMARY KEY CHECK (length(sha256) = 64),
    thumbnail BLOB
) STRICT;
CREATE TABLE attachment_parts (
    sha256 TEXT NOT NULL REFERENCES attachment_files (sha256),
    place INTEGER NOT NULL CHECK (place >= 0),
    bytes BLOB NOT NULL,
    PRIMARY KEY (sha256, place)
) STRICT;
-- Which tip holds on to which file: the texts list them by these ids.
CREATE TABLE attachments (
    id TEXT NOT NULL PRIMARY KEY,
    tip_id TEXT NOT NULL REFERENCES tips (id),
    sha256 TEXT NOT NULL REFERENCES attachment_files (sha256)
) STRICT;
CREATE INDEX attachments_by_file ON attachments (sha256);

ALTER TABLE revisions ADD COLUMN attachments TEXT NOT NULL DEFAULT '[]';
DROP TRIGGER submitted_text_is_immutable;
CREATE TRIGGER submitted_text_is_immutable BEFORE UPDATE ON revisions
WHEN OLD.submitted_at IS NOT NULL AND (
    NEW.submitted_at IS NOT OLD.submitted_at
    OR NEW.title IS NOT OLD.title OR NEW.problem IS NOT OLD.problem
    OR NEW.cause IS NOT OLD.cause OR NEW.solution IS NOT OLD.solution
    OR NEW.products IS NOT OLD.products OR NEW.fault_codes IS NOT OLD.fault_codes
    OR NEW.parts IS NOT OLD.parts OR NEW.tags IS NOT OLD.tags
    OR NEW.safety IS NOT OLD.safety OR NEW.hazard IS NOT OLD.hazard OR NEW.lang IS NOT OLD.lang
    OR NEW.attachments IS NOT OLD.attachments OR NEW.editor_id IS NOT OLD.editor_id
)
BEGIN
    SELECT RAISE(ABORT, 'submitted_text');
END;

INSERT INTO change_kinds (kind) VALUES ('tip.attached'), ('tip.detached');
