-- Keys for programs: the hash of a secret that is stored nowhere, what it may be used for, until when.
CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    hash TEXT NOT NULL CHECK (length(hash) = 64),
    scopes TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    last_used_at TEXT
) STRICT;
CREATE INDEX api_keys_by_user ON api_keys (user_id, id);
CREATE INDEX api_keys_by_expiry ON api_keys (expires_at);

INSERT INTO change_kinds (kind) VALUES ('api_key.created'), ('api_key.ended');
