DELETE FROM change_kinds WHERE kind IN ('tip.attached', 'tip.detached');

DROP TRIGGER submitted_text_is_immutable ON revisions;
ALTER TABLE revisions DROP COLUMN attachments;
CREATE TRIGGER submitted_text_is_immutable BEFORE UPDATE ON revisions FOR EACH ROW
WHEN (OLD.submitted_at IS NOT NULL AND (
    NEW.submitted_at IS DISTINCT FROM OLD.submitted_at
    OR NEW.title IS DISTINCT FROM OLD.title OR NEW.problem IS DISTINCT FROM OLD.problem
    OR NEW.cause IS DISTINCT FROM OLD.cause OR NEW.solution IS DISTINCT FROM OLD.solution
    OR NEW.products IS DISTINCT FROM OLD.products OR NEW.fault_codes IS DISTINCT FROM OLD.fault_codes
    OR NEW.parts IS DISTINCT FROM OLD.parts OR NEW.tags IS DISTINCT FROM OLD.tags
    OR NEW.safety IS DISTINCT FROM OLD.safety OR NEW.hazard IS DISTINCT FROM OLD.hazard
    OR NEW.lang IS DISTINCT FROM OLD.lang OR NEW.editor_id IS DISTINCT FROM OLD.editor_id
))
EXECUTE FUNCTION refuse('submitted_text');

DROP TABLE attachments;
DROP TABLE attachment_parts;
DROP TABLE attachment_files;
