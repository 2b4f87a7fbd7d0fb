DELETE FROM change_kinds WHERE kind IN ('tip.attached', 'tip.detached');

DROP TRIGGER submitted_text_is_immutable;
ALTER TABLE revisions DROP COLUMN attachments;
CREATE TRIGGER submitted_text_is_immutable BEFORE UPDATE ON revisions
WHEN OLD.submitted_at IS NOT NULL AND (
    NEW.submitted_at IS NOT OLD.submitted_at
    OR NEW.title IS NOT OLD.title OR NEW.problem IS NOT OLD.problem
    OR NEW.cause IS NOT OLD.cause OR NEW.solution IS NOT OLD.solution
    OR NEW.products IS NOT OLD.products OR NEW.fault_codes IS NOT OLD.fault_codes
    OR NEW.parts IS NOT OLD.parts OR NEW.tags IS NOT OLD.tags
    OR NEW.safety IS NOT OLD.safety OR NEW.hazard IS NOT OLD.hazard OR NEW.lang IS NOT OLD.lang
    OR NEW.editor_id IS NOT OLD.editor_id
)
BEGIN
    SELECT RAISE(ABORT, 'submitted_text');
END;

DROP TABLE attachments;
DROP TABLE attachment_parts;
DROP TABLE attachment_files;
