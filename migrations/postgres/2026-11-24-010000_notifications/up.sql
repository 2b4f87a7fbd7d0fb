-- Who is told of which change; what it was stands in the log.
CREATE TABLE notifications (
    user_id uuid NOT NULL REFERENCES users (id),
    seq bigint NOT NULL REFERENCES change_log (seq),
    read_at timestamptz,
    PRIMARY KEY (user_id, seq)
);
CREATE INDEX unread_notifications ON notifications (user_id, seq) WHERE read_at IS NULL;

-- Who wants to be told of what happens to a tip.
CREATE TABLE watches (
    tip_id uuid NOT NULL REFERENCES tips (id),
    user_id uuid NOT NULL REFERENCES users (id),
    since timestamptz NOT NULL,
    PRIMARY KEY (tip_id, user_id)
);
CREATE INDEX watches_by_user ON watches (user_id);
