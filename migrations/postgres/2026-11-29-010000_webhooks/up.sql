-- Whoever is told of changes at a URL: where in the log they are, and how it fares.
CREATE TABLE webhooks (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    url text NOT NULL,
    description text NOT NULL,
    community_id uuid REFERENCES communities (id),
    kinds text NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'paused', 'failing', 'gone')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    secret_at timestamptz NOT NULL,
    failures integer NOT NULL CHECK (failures >= 0),
    failing_since timestamptz,
    resting_until timestamptz,
    log_id uuid NOT NULL,
    since bigint NOT NULL CHECK (since >= 0),
    seq bigint NOT NULL CHECK (seq >= 0),
    within uuid
);
CREATE INDEX webhooks_by_user ON webhooks (user_id, id);

-- What signs: as it is, since a hash signs nothing. One that was replaced has an end.
CREATE TABLE webhook_secrets (
    webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    secret text NOT NULL,
    until timestamptz,
    PRIMARY KEY (webhook_id, secret)
);

-- Messages: of what, and what became of them. What they say is made when they are sent.
CREATE TABLE webhook_deliveries (
    id uuid NOT NULL PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    kind text REFERENCES change_kinds (kind),
    position bigint,
    at timestamptz,
    tip_id uuid REFERENCES tips (id),
    was_read integer NOT NULL CHECK (was_read IN (0, 1)),
    status text NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts integer NOT NULL CHECK (attempts >= 0),
    created_at timestamptz NOT NULL,
    tried_at timestamptz,
    next_at timestamptz,
    response integer,
    error text,
    CHECK ((status = 'pending') = (next_at IS NOT NULL)),
    CHECK ((kind IS NULL) = (tip_id IS NULL) AND (kind IS NULL) = (position IS NULL) AND (kind IS NULL) = (at IS NULL))
);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (next_at) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

-- The tips that a webhook's receiver may have a copy of, because it was told.
CREATE TABLE webhook_told (
    webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    tip_id uuid NOT NULL REFERENCES tips (id),
    PRIMARY KEY (webhook_id, tip_id)
);

-- Which process sends.
CREATE TABLE webhook_lease (
    id integer NOT NULL PRIMARY KEY CHECK (id = 1),
    holder uuid,
    until timestamptz
);
INSERT INTO webhook_lease (id) VALUES (1);

INSERT INTO change_kinds (kind) VALUES
    ('webhook.created'), ('webhook.updated'), ('webhook.secret_rotated'), ('webhook.disabled'), ('webhook.ended');
