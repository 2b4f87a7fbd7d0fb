-- Who people are to an outside identity provider: its `iss` and `sub`, and the newest token that was seen of them. What its
-- groups gave is marked as such, so that they can take it away again, and nothing else.
CREATE TABLE identities (
    id uuid NOT NULL PRIMARY KEY,
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    linked_at timestamptz NOT NULL,
    token_at timestamptz,
    rules text NOT NULL,
    revoked_at timestamptz,
    gave_admin integer NOT NULL CHECK (gave_admin IN (0, 1)),
    CONSTRAINT "identities.subject" UNIQUE (issuer, subject)
);
CREATE INDEX identities_by_user ON identities (user_id);

ALTER TABLE members ADD COLUMN given_by uuid REFERENCES identities (id);

INSERT INTO change_kinds (kind) VALUES ('identity.linked'), ('identity.unlinked');
