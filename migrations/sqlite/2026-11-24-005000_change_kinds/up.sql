-- The words of the log stand in a table, so that a later migration adds one with an INSERT.
CREATE TABLE change_kinds (
    kind TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO change_kinds (kind) VALUES
    ('tip.created'), ('tip.edited'), ('tip.submitted'), ('tip.withdrawn'), ('review.claimed'), ('review.released'), ('review.approved'),
    ('tip.changes_requested'), ('tip.rejected'), ('tip.published'), ('tip.imported'), ('tip.held'), ('tip.unheld'), ('tip.archived'), ('tip.restored'),
    ('community.created'), ('community.updated'), ('member.set'), ('member.removed'), ('user.created'), ('user.updated'),
    ('community.openness_changed'), ('user.renamed'), ('user.password_changed'), ('user.role_changed'), ('user.status_changed');

DROP TRIGGER change_log_words;
CREATE TRIGGER change_log_words BEFORE INSERT ON change_log
WHEN NEW.kind NOT IN (SELECT kind FROM change_kinds)
OR NEW.from_state NOT IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')
OR NEW.to_state NOT IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')
BEGIN
    SELECT RAISE(ABORT, 'change_log.words');
END;
