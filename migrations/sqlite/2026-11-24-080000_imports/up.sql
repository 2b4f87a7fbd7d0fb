-- What came of each import over HTTP: line by line, as JSON. One that has no end broke off, and can be sent again.
CREATE TABLE imports (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    dry_run INTEGER NOT NULL CHECK (dry_run IN (0, 1)),
    started_at TEXT NOT NULL,
    finished_at TEXT,
    lines TEXT NOT NULL
) STRICT, WITHOUT ROWID;
