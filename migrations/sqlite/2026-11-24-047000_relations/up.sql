-- How a tip relates to one that looks like it, as its author says; confirmed, of which revisions of both, when peers
-- approved a text with it.
CREATE TABLE relations (
    tip_id TEXT NOT NULL REFERENCES tips (id),
    other_id TEXT NOT NULL REFERENCES tips (id),
    kind TEXT NOT NULL CHECK (kind IN ('same', 'adds_to', 'differs_because', 'replaces')),
    reason TEXT,
    said_by TEXT NOT NULL REFERENCES users (id),
    said_at TEXT NOT NULL,
    confirmed_revision INTEGER,
    confirmed_other INTEGER,
    confirmed_at TEXT,
    PRIMARY KEY (tip_id, other_id),
    CHECK (tip_id <> other_id),
    CHECK (reason IS NOT NULL OR kind <> 'differs_because'),
    CHECK ((confirmed_revision IS NULL) = (confirmed_at IS NULL) AND (confirmed_other IS NULL) = (confirmed_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX relations_by_other ON relations (other_id);

INSERT INTO change_kinds (kind) VALUES ('tip.related'), ('tip.unrelated');
