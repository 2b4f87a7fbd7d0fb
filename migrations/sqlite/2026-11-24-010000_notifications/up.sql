-- Who is told of which change; what it was stands in the log.
CREATE TABLE notifications (
    user_id TEXT NOT NULL REFERENCES users (id),
    seq INTEGER NOT NULL REFERENCES change_log (seq),
    read_at TEXT,
    PRIMARY KEY (user_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX unread_notifications ON notifications (user_id, seq) WHERE read_at IS NULL;

-- Who wants to be told of what happens to a tip.
CREATE TABLE watches (
    tip_id TEXT NOT NULL REFERENCES tips (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    since TEXT NOT NULL,
    PRIMARY KEY (tip_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX watches_by_user ON watches (user_id);
