-- Needs that the base could not answer. `home` and `key` are what its searches have in common: the community's id, or
-- nothing; the product and the words.
CREATE TABLE gaps (
    id TEXT NOT NULL PRIMARY KEY,
    community_id TEXT REFERENCES communities (id),
    home TEXT NOT NULL,
    key TEXT NOT NULL,
    product TEXT,
    terms TEXT NOT NULL,
    wording TEXT,
    asked INTEGER NOT NULL,
    people INTEGER NOT NULL,
    first_asked_at TEXT NOT NULL,
    last_asked_at TEXT NOT NULL,
    claimed_by TEXT REFERENCES users (id),
    claimed_since TEXT,
    claimed_until TEXT,
    tip_id TEXT REFERENCES tips (id),
    closed_at TEXT,
    CHECK ((claimed_by IS NULL) = (claimed_until IS NULL) AND (claimed_by IS NULL) = (claimed_since IS NULL)),
    CHECK ((tip_id IS NULL) = (closed_at IS NULL))
) STRICT;
CREATE UNIQUE INDEX open_gaps ON gaps (home, key) WHERE closed_at IS NULL;
CREATE INDEX gaps_by_tip ON gaps (tip_id) WHERE tip_id IS NOT NULL;
CREATE INDEX gaps_by_claim ON gaps (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX gaps_by_community ON gaps (community_id) WHERE community_id IS NOT NULL;

-- What was searched for, and by whom; kept for a time, and shown to nobody. A search without key belongs to no gap.
CREATE TABLE searches (
    id TEXT NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    home TEXT NOT NULL,
    key TEXT,
    product TEXT,
    typed TEXT NOT NULL,
    hits INTEGER NOT NULL,
    opened_at TEXT,
    gap_id TEXT REFERENCES gaps (id)
) STRICT;
CREATE INDEX searches_by_age ON searches (at);
CREATE INDEX searches_by_user ON searches (user_id, at);
CREATE INDEX searches_by_gap ON searches (gap_id) WHERE gap_id IS NOT NULL;

-- Tips written to answer gaps.
CREATE TABLE gap_tips (
    gap_id TEXT NOT NULL REFERENCES gaps (id),
    tip_id TEXT NOT NULL REFERENCES tips (id),
    at TEXT NOT NULL,
    PRIMARY KEY (gap_id, tip_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX gap_tips_by_tip ON gap_tips (tip_id);

INSERT INTO change_kinds (kind) VALUES ('gap.claimed'), ('gap.released'), ('gap.answered');
