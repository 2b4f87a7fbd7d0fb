-- Whoever is told of changes at a URL: where in the log they are, and how it fares.
CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    community_id TEXT REFERENCES communities (id),
    kinds TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'paused', 'failing', 'gone')),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    secret_at TEXT NOT NULL,
    failures INTEGER NOT NULL CHECK (failures >= 0),
    failing_since TEXT,
    resting_until TEXT,
    log_id TEXT NOT NULL,
    since INTEGER NOT NULL CHECK (since >= 0),
    seq INTEGER NOT NULL CHECK (seq >= 0),
    within TEXT
) STRICT;
CREATE INDEX webhooks_by_user ON webhooks (user_id, id);

-- What signs: as it is, since a hash signs nothing. One that was replaced has an end.
CREATE TABLE webhook_secrets (
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    until TEXT,
    PRIMARY KEY (webhook_id, secret)
) STRICT, WITHOUT ROWID;

-- Messages: of what, and what became of them. What they say is made when they are sent.
CREATE TABLE webhook_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    kind TEXT REFERENCES change_kinds (kind),
    position INTEGER,
    at TEXT,
    tip_id TEXT REFERENCES tips (id),
    was_read INTEGER NOT NULL CHECK (was_read IN (0, 1)),
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    created_at TEXT NOT NULL,
    tried_at TEXT,
    next_at TEXT,
    response INTEGER,
    error TEXT,
    CHECK ((status = 'pending') = (next_at IS NOT NULL)),
    CHECK ((kind IS NULL) = (tip_id IS NULL) AND (kind IS NULL) = (position IS NULL) AND (kind IS NULL) = (at IS NULL))
) STRICT;
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (next_at) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

-- The tips that a webhook's receiver may have a copy of, because it was told.
CREATE TABLE webhook_told (
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    tip_id TEXT NOT NULL REFERENCES tips (id),
    PRIMARY KEY (webhook_id, tip_id)
) STRICT, WITHOUT ROWID;

-- Which process sends.
CREATE TABLE webhook_lease (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    holder TEXT,
    until TEXT
) STRICT;
INSERT INTO webhook_lease (id) VALUES (1);

INSERT INTO change_kinds (kind) VALUES
    ('webhook.created'), ('webhook.updated'), ('webhook.secret_rotated'), ('webhook.disabled'), ('webhook.ended');
