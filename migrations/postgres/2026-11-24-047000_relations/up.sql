-- How a tip relates to one that looks like it, as its author says; confirmed, of which revisions of both, when peers
-- approved a text with it.
CREATE TABLE relations (
    tip_id uuid NOT NULL REFERENCES tips (id),
    other_id uuid NOT NULL REFERENCES tips (id),
    kind text NOT NULL CHECK (kind IN ('same', 'adds_to', 'differs_because', 'replaces')),
    reason text,
    said_by uuid NOT NULL REFERENCES users (id),
    said_at timestamptz NOT NULL,
    confirmed_revision integer,
    confirmed_other integer,
    confirmed_at timestamptz,
    PRIMARY KEY (tip_id, other_id),
    CHECK (tip_id <> other_id),
    CHECK (reason IS NOT NULL OR kind <> 'differs_because'),
    CHECK ((confirmed_revision IS NULL) = (confirmed_at IS NULL) AND (confirmed_other IS NULL) = (confirmed_at IS NULL))
);
CREATE INDEX relations_by_other ON relations (other_id);

INSERT INTO change_kinds (kind) VALUES ('tip.related'), ('tip.unrelated');
