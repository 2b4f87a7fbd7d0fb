-- Attempts to log in, by account, by address and all together: until when the allowance is not full again.
CREATE TABLE throttles (
    subject TEXT NOT NULL PRIMARY KEY,
    full_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX throttles_by_end ON throttles (full_at);
