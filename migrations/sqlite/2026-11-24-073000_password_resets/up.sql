-- The one token with which a person may set a new password: the hash of it. The next one takes its place.
CREATE TABLE password_resets (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64),
    expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO change_kinds (kind) VALUES ('user.password_reset');
