-- Keys for programs: the hash of a secret that is stored nowhere, what it may be used for, until when.
CREATE TABLE api_keys (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    name text NOT NULL,
    hash text NOT NULL CHECK (length(hash) = 64),
    scopes text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX api_keys_by_user ON api_keys (user_id, id);
CREATE INDEX api_keys_by_expiry ON api_keys (expires_at);

INSERT INTO change_kinds (kind) VALUES ('api_key.created'), ('api_key.ended');
