-- The words of the log stand in a table, so that a later migration adds one with an INSERT.
CREATE TABLE change_kinds (
    kind text NOT NULL PRIMARY KEY
);
INSERT INTO change_kinds (kind) VALUES
    ('tip.created'), ('tip.edited'), ('tip.submitted'), ('tip.withdrawn'), ('review.claimed'), ('review.released'), ('review.approved'),
    ('tip.changes_requested'), ('tip.rejected'), ('tip.published'), ('tip.imported'), ('tip.held'), ('tip.unheld'), ('tip.archived'), ('tip.restored'),
    ('community.created'), ('community.updated'), ('member.set'), ('member.removed'), ('user.created'), ('user.updated'),
    ('community.openness_changed'), ('user.renamed'), ('user.password_changed'), ('user.role_changed'), ('user.status_changed');

ALTER TABLE change_log DROP CONSTRAINT "change_log.words";
ALTER TABLE change_log ADD CONSTRAINT "change_log.words" CHECK (
    from_state IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')
    AND to_state IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')
);
CREATE FUNCTION refuse_unknown_kind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind NOT IN (SELECT kind FROM change_kinds) THEN
        RAISE EXCEPTION 'change_log.words' USING ERRCODE = 'check_violation', CONSTRAINT = 'change_log.words';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER change_log_words BEFORE INSERT ON change_log FOR EACH ROW EXECUTE FUNCTION refuse_unknown_kind();
