-- Who people are to an outside identity provider: its `iss` and `sub`, and the newest token that was seen of them. What its
-- groups gave is marked as such, so that they can take it away again, and nothing else.
CREATE TABLE identities (
    id TEXT NOT NULL PRIMARY KEY,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    linked_at TEXT NOT NULL,
    token_at TEXT,
    rules TEXT NOT NULL,
    revoked_at TEXT,
    gave_admin INTEGER NOT NULL CHECK (gave_admin IN (0, 1)),
    UNIQUE (issuer, subject)
) STRICT;
CREATE INDEX identities_by_user ON identities (user_id);

ALTER TABLE members ADD COLUMN given_by TEXT REFERENCES identities (id);

INSERT INTO change_kinds (kind) VALUES ('identity.linked'), ('identity.unlinked');
