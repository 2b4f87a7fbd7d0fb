-- Needs that the base could not answer. `home` and `key` are what its searches have in common: the community's id, or
-- nothing; the product and the words.
CREATE TABLE gaps (
    id uuid NOT NULL PRIMARY KEY,
    community_id uuid REFERENCES communities (id),
    home text NOT NULL,
    key text NOT NULL,
    product text,
    terms text NOT NULL,
    wording text,
    asked integer NOT NULL,
    people integer NOT NULL,
    first_asked_at timestamptz NOT NULL,
    last_asked_at timestamptz NOT NULL,
    claimed_by uuid REFERENCES users (id),
    claimed_since timestamptz,
    claimed_until timestamptz,
    tip_id uuid REFERENCES tips (id),
    closed_at timestamptz,
    CHECK ((claimed_by IS NULL) = (claimed_until IS NULL) AND (claimed_by IS NULL) = (claimed_since IS NULL)),
    CHECK ((tip_id IS NULL) = (closed_at IS NULL))
);
CREATE UNIQUE INDEX open_gaps ON gaps (home, key) WHERE closed_at IS NULL;
CREATE INDEX gaps_by_tip ON gaps (tip_id) WHERE tip_id IS NOT NULL;
CREATE INDEX gaps_by_claim ON gaps (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX gaps_by_community ON gaps (community_id) WHERE community_id IS NOT NULL;

-- What was searched for, and by whom; kept for a time, and shown to nobody. A search without key belongs to no gap.
CREATE TABLE searches (
    id uuid NOT NULL PRIMARY KEY,
    at timestamptz NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    home text NOT NULL,
    key text,
    product text,
    typed text NOT NULL,
    hits bigint NOT NULL,
    opened_at timestamptz,
    gap_id uuid REFERENCES gaps (id)
);
CREATE INDEX searches_by_age ON searches (at);
CREATE INDEX searches_by_user ON searches (user_id, at);
CREATE INDEX searches_by_gap ON searches (gap_id) WHERE gap_id IS NOT NULL;

-- Tips written to answer gaps.
CREATE TABLE gap_tips (
    gap_id uuid NOT NULL REFERENCES gaps (id),
    tip_id uuid NOT NULL REFERENCES tips (id),
    at timestamptz NOT NULL,
    PRIMARY KEY (gap_id, tip_id)
);
CREATE INDEX gap_tips_by_tip ON gap_tips (tip_id);

INSERT INTO change_kinds (kind) VALUES ('gap.claimed'), ('gap.released'), ('gap.answered');
