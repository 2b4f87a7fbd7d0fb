-- What came of each import over HTTP: line by line, as JSON. One that has no end broke off, and can be sent again.
CREATE TABLE imports (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    dry_run integer NOT NULL CHECK (dry_run IN (0, 1)),
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    lines text NOT NULL
);
