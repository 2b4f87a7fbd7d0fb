CREATE TABLE flags (
    id uuid NOT NULL PRIMARY KEY,
    tip_id uuid NOT NULL,
    revision integer NOT NULL,
    community_id uuid NOT NULL REFERENCES communities (id),
    kind text NOT NULL
        CHECK (kind IN ('wrong', 'unsafe', 'outdated', 'duplicate', 'unclear', 'customer_data', 'recheck')),
    flagged_by uuid REFERENCES users (id),
    text text,
    duplicate_of uuid REFERENCES tips (id),
    assignee uuid REFERENCES users (id),
    due_at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    resolution text CHECK (resolution IN ('fixed', 'merged', 'held', 'no_action')),
    reason text,
    resolved_by uuid REFERENCES users (id),
    resolved_at timestamptz,
    FOREIGN KEY (tip_id, revision) REFERENCES revisions (tip_id, number),
    CHECK ((resolution IS NULL) = (resolved_at IS NULL)),
    CHECK ((kind = 'recheck') = (flagged_by IS NULL))
);
CREATE UNIQUE INDEX one_open_flag ON flags (tip_id, flagged_by, lower(kind)) WHERE resolved_at IS NULL;
CREATE UNIQUE INDEX one_open_recheck ON flags (tip_id) WHERE kind = 'recheck' AND resolved_at IS NULL;
CREATE INDEX flags_by_due ON flags (community_id, due_at, id);
CREATE INDEX flags_by_flagger ON flags (flagged_by) WHERE flagged_by IS NOT NULL;
CREATE INDEX open_flags_by_assignee ON flags (assignee) WHERE resolved_at IS NULL;
CREATE INDEX flags_by_tip ON flags (tip_id);
-- All but the task's own state, and the words, which may have to be erased.
CREATE TRIGGER flags_are_not_rewritten
BEFORE UPDATE OF id, tip_id, revision, community_id, kind, flagged_by, duplicate_of, opened_at ON flags
FOR EACH ROW EXECUTE FUNCTION refuse('flags');

-- When peers or use last said that a tip holds.
CREATE INDEX confirmations ON change_log (tip_id, seq)
    WHERE kind IN ('tip.published', 'tip.imported', 'tip.restored', 'tip.renewed', 'tip.disputed');

INSERT INTO change_kinds (kind)
VALUES ('flag.opened'), ('flag.assigned'), ('flag.resolved'), ('tip.disputed'), ('tip.renewed');
