CREATE TABLE flags (
    id TEXT NOT NULL PRIMARY KEY,
    tip_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    community_id TEXT NOT NULL REFERENCES communities (id),
    kind TEXT NOT NULL
        CHECK (kind IN ('wrong', 'unsafe', 'outdated', 'duplicate', 'unclear', 'customer_data', 'recheck')),
    flagged_by TEXT REFERENCES users (id),
    text TEXT,
    duplicate_of TEXT REFERENCES tips (id),
    assignee TEXT REFERENCES users (id),
    due_at TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    resolution TEXT CHECK (resolution IN ('fixed', 'merged', 'held', 'no_action')),
    reason TEXT,
    resolved_by TEXT REFERENCES users (id),
    resolved_at TEXT,
    FOREIGN KEY (tip_id, revision) REFERENCES revisions (tip_id, number),
    CHECK ((resolution IS NULL) = (resolved_at IS NULL)),
    CHECK ((kind = 'recheck') = (flagged_by IS NULL))
) STRICT;
-- Over an expression, because SQLite names an index in its errors only then.
CREATE UNIQUE INDEX one_open_flag ON flags (tip_id, flagged_by, lower(kind)) WHERE resolved_at IS NULL;
CREATE UNIQUE INDEX one_open_recheck ON flags (lower(tip_id)) WHERE kind = 'recheck' AND resolved_at IS NULL;
CREATE INDEX flags_by_due ON flags (community_id, due_at, id);
CREATE INDEX flags_by_flagger ON flags (flagged_by) WHERE flagged_by IS NOT NULL;
CREATE INDEX open_flags_by_assignee ON flags (assignee) WHERE resolved_at IS NULL;
CREATE INDEX flags_by_tip ON flags (tip_id);
-- All but the task's own state, and the words, which may have to be erased.
CREATE TRIGGER flags_are_not_rewritten
BEFORE UPDATE OF id, tip_id, revision, community_id, kind, flagged_by, duplicate_of, opened_at ON flags
BEGIN
    SELECT RAISE(ABORT, 'flags');
END;

-- When peers or use last said that a tip holds.
CREATE INDEX confirmations ON change_log (tip_id, seq)
    WHERE kind IN ('tip.published', 'tip.imported', 'tip.restored', 'tip.renewed', 'tip.disputed');

INSERT INTO change_kinds (kind)
VALUES ('flag.opened'), ('flag.assigned'), ('flag.resolved'), ('tip.disputed'), ('tip.renewed');
