CREATE TABLE outcomes (
    id TEXT NOT NULL PRIMARY KEY,
    tip_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    result TEXT NOT NULL CHECK (result IN ('fixed', 'partly', 'not_fixed', 'not_applicable')),
    counting TEXT NOT NULL CHECK (counting IN ('counted', 'own', 'replaced')),
    occasion TEXT NOT NULL,
    minutes_spent INTEGER CHECK (minutes_spent >= 0),
    minutes_saved INTEGER CHECK (minutes_saved >= 0),
    product TEXT,
    work_order TEXT,
    note TEXT,
    client_id TEXT,
    happened_at TEXT NOT NULL,
    reported_at TEXT NOT NULL,
    seq INTEGER NOT NULL UNIQUE REFERENCES change_log (seq),
    UNIQUE (user_id, client_id),
    FOREIGN KEY (tip_id, revision) REFERENCES revisions (tip_id, number)
) STRICT;
-- Over an expression, because SQLite names an index in its errors only then.
CREATE UNIQUE INDEX one_counted_outcome ON outcomes (tip_id, user_id, lower(occasion)) WHERE counting = 'counted';
CREATE INDEX outcomes_by_tip ON outcomes (tip_id, seq);

-- All but what may have to be erased of a person or a customer, and whether it counts.
CREATE TRIGGER outcomes_are_not_rewritten
BEFORE UPDATE OF id, tip_id, revision, user_id, result, occasion, minutes_spent, minutes_saved, client_id,
    happened_at, reported_at, seq ON outcomes
BEGIN
    SELECT RAISE(ABORT, 'outcomes');
END;

-- What a tip's counted outcomes add up to: all of them under the empty product, and those of each product.
CREATE TABLE proofs (
    tip_id TEXT NOT NULL REFERENCES tips (id),
    product TEXT NOT NULL,
    fixed INTEGER NOT NULL,
    partly INTEGER NOT NULL,
    not_fixed INTEGER NOT NULL,
    weight REAL NOT NULL,
    worth REAL NOT NULL,
    last_at TEXT NOT NULL,
    PRIMARY KEY (tip_id, product)
) STRICT, WITHOUT ROWID;

INSERT INTO change_kinds (kind) VALUES ('outcome.recorded');
