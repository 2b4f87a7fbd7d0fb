-- Enumerations are the words of the domain. No defaults, no now(): every value comes from the program.
-- Unique constraints carry the name that StoreError::Conflict reports.

CREATE TABLE users (
    id uuid NOT NULL CONSTRAINT "users.id" PRIMARY KEY,
    email text CONSTRAINT "users.email" UNIQUE,
    name text NOT NULL,
    site_role text NOT NULL CHECK (site_role IN ('member', 'admin')),
    status text NOT NULL CHECK (status IN ('active', 'suspended')),
    auth_epoch integer NOT NULL,
    password_hash text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX users_imported ON users (name, id) WHERE email IS NULL;

CREATE TABLE sessions (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    hash text NOT NULL PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

CREATE TABLE communities (
    id uuid NOT NULL PRIMARY KEY,
    slug text NOT NULL CONSTRAINT "communities.slug" UNIQUE,
    name text NOT NULL,
    description text NOT NULL,
    openness text NOT NULL CHECK (openness IN ('open', 'private')),
    quorum integer NOT NULL CHECK (quorum > 0),
    claim_minutes integer NOT NULL CHECK (claim_minutes > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE members (
    community_id uuid NOT NULL REFERENCES communities (id),
    user_id uuid NOT NULL REFERENCES users (id),
    role text NOT NULL CHECK (role IN ('reader', 'contributor', 'reviewer', 'steward')),
    since timestamptz NOT NULL,
    PRIMARY KEY (community_id, user_id)
);
CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE tips (
    id uuid NOT NULL CONSTRAINT "tips.id" PRIMARY KEY,
    number bigint NOT NULL CONSTRAINT "tips.number" UNIQUE,
    community_id uuid NOT NULL REFERENCES communities (id),
    author_id uuid NOT NULL REFERENCES users (id),
    confidence text NOT NULL
        CHECK (confidence IN ('work_in_progress', 'not_validated', 'validated', 'archived')),
    hold text,
    live integer,
    latest integer NOT NULL,
    review_id uuid,
    external_id text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    published_at timestamptz,
    CONSTRAINT "tips.external_id" UNIQUE (community_id, external_id),
    CHECK (live <= latest)
);
CREATE INDEX tips_by_age ON tips (created_at, id);
CREATE INDEX tips_by_community ON tips (community_id, created_at, id);
CREATE INDEX tips_by_author ON tips (author_id, created_at, id);

CREATE TABLE revisions (
    tip_id uuid NOT NULL REFERENCES tips (id),
    number integer NOT NULL CHECK (number > 0),
    state text NOT NULL
        CHECK (state IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')),
    round integer NOT NULL,
    title text NOT NULL,
    problem text NOT NULL,
    cause text,
    solution text,
    products text NOT NULL,
    fault_codes text NOT NULL,
    parts text NOT NULL,
    tags text NOT NULL,
    safety text NOT NULL CHECK (safety IN ('none', 'caution', 'danger')),
    hazard text,
    lang text,
    editor_id uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    submitted_at timestamptz,
    decided_at timestamptz,
    CONSTRAINT "revisions.number" PRIMARY KEY (tip_id, number)
);
CREATE UNIQUE INDEX one_open_revision ON revisions (tip_id)
    WHERE state IN ('draft', 'submitted', 'in_review');
CREATE UNIQUE INDEX one_published_revision ON revisions (tip_id)
    WHERE state = 'published';

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'check_violation', CONSTRAINT = TG_ARGV[0];
END
$$;

CREATE TRIGGER submitted_text_is_immutable BEFORE UPDATE ON revisions FOR EACH ROW
WHEN (OLD.submitted_at IS NOT NULL AND (
    NEW.submitted_at IS DISTINCT FROM OLD.submitted_at
    OR NEW.title IS DISTINCT FROM OLD.title OR NEW.problem IS DISTINCT FROM OLD.problem
    OR NEW.cause IS DISTINCT FROM OLD.cause OR NEW.solution IS DISTINCT FROM OLD.solution
    OR NEW.products IS DISTINCT FROM OLD.products OR NEW.fault_codes IS DISTINCT FROM OLD.fault_codes
    OR NEW.parts IS DISTINCT FROM OLD.parts OR NEW.tags IS DISTINCT FROM OLD.tags
    OR NEW.safety IS DISTINCT FROM OLD.safety OR NEW.hazard IS DISTINCT FROM OLD.hazard
    OR NEW.lang IS DISTINCT FROM OLD.lang OR NEW.editor_id IS DISTINCT FROM OLD.editor_id
))
EXECUTE FUNCTION refuse('submitted_text');

CREATE TABLE revision_credits (
    tip_id uuid NOT NULL,
    revision integer NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    PRIMARY KEY (tip_id, revision, user_id),
    FOREIGN KEY (tip_id, revision) REFERENCES revisions (tip_id, number)
);
CREATE INDEX revision_credits_by_user ON revision_credits (user_id);

CREATE TABLE reviews (
    id uuid NOT NULL PRIMARY KEY,
    tip_id uuid NOT NULL,
    revision integer NOT NULL,
    community_id uuid NOT NULL REFERENCES communities (id),
    round integer NOT NULL,
    claimed_by uuid REFERENCES users (id),
    claimed_since timestamptz,
    claimed_until timestamptz,
    outcome text CHECK (outcome IN ('approved', 'changes_requested', 'rejected', 'withdrawn', 'superseded')),
    closed_at timestamptz,
    opened_at timestamptz NOT NULL,
    CONSTRAINT "reviews.revision" UNIQUE (tip_id, revision),
    FOREIGN KEY (tip_id, revision) REFERENCES revisions (tip_id, number),
    CHECK ((claimed_by IS NULL) = (claimed_until IS NULL) AND (claimed_by IS NULL) = (claimed_since IS NULL)),
    CHECK ((outcome IS NULL) = (closed_at IS NULL))
);
CREATE UNIQUE INDEX one_open_review ON reviews (tip_id) WHERE closed_at IS NULL;
CREATE INDEX reviews_by_age ON reviews (community_id, opened_at, id);
CREATE INDEX open_reviews_by_age ON reviews (opened_at, id) WHERE closed_at IS NULL;
CREATE INDEX reviews_by_claim ON reviews (claimed_by) WHERE claimed_by IS NOT NULL;

CREATE TABLE decisions (
    id uuid NOT NULL PRIMARY KEY,
    review_id uuid NOT NULL REFERENCES reviews (id),
    tip_id uuid NOT NULL,
    revision integer NOT NULL,
    reviewer_id uuid NOT NULL REFERENCES users (id),
    verdict text NOT NULL CHECK (verdict IN ('approve', 'request_changes', 'reject')),
    reason text
        CHECK (reason IN ('duplicate', 'incorrect', 'unsafe', 'incomplete', 'unclear', 'outdated', 'out_of_scope', 'customer_data', 'other')),
    comment text,
    at timestamptz NOT NULL,
    CONSTRAINT "decisions.reviewer" UNIQUE (review_id, reviewer_id),
    FOREIGN KEY (tip_id, revision) REFERENCES revisions (tip_id, number)
);
CREATE INDEX decisions_by_revision ON decisions (tip_id, revision);
CREATE INDEX decisions_by_reviewer ON decisions (reviewer_id);

CREATE FUNCTION refuse_self_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM revision_credits AS credit
        WHERE credit.tip_id = NEW.tip_id AND credit.revision = NEW.revision AND credit.user_id = NEW.reviewer_id
    ) THEN
        RAISE EXCEPTION 'self_review' USING ERRCODE = 'check_violation', CONSTRAINT = 'self_review';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER nobody_decides_their_own_text BEFORE INSERT ON decisions FOR EACH ROW
EXECUTE FUNCTION refuse_self_review();
-- All but the comment, which may say something of a person that has to be erased.
CREATE TRIGGER decisions_are_not_rewritten
BEFORE UPDATE OF id, review_id, tip_id, revision, reviewer_id, verdict, reason, at ON decisions
FOR EACH ROW EXECUTE FUNCTION refuse('decisions');

CREATE TABLE change_log (
    seq bigint NOT NULL PRIMARY KEY,
    at timestamptz NOT NULL,
    actor uuid,
    kind text NOT NULL,
    tip_id uuid,
    revision integer,
    from_state text,
    to_state text,
    subject uuid,
    commitment text,
    prev_hash text NOT NULL,
    hash text NOT NULL,
    CONSTRAINT "change_log.words" CHECK (
        kind IN (
            'tip.created', 'tip.edited', 'tip.submitted', 'tip.withdrawn', 'review.claimed', 'review.released', 'review.approved',
            'tip.changes_requested', 'tip.rejected', 'tip.published', 'tip.imported', 'tip.held', 'tip.unheld', 'tip.archived',
            'tip.restored', 'community.created', 'community.updated', 'member.set', 'member.removed', 'user.created', 'user.updated'
        )
        AND from_state IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')
        AND to_state IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')
    )
);
CREATE INDEX change_log_by_tip ON change_log (tip_id, seq);

CREATE TRIGGER change_log_is_not_rewritten BEFORE UPDATE ON change_log FOR EACH ROW
EXECUTE FUNCTION refuse('change_log');
CREATE TRIGGER change_log_is_not_shortened BEFORE DELETE ON change_log FOR EACH ROW
EXECUTE FUNCTION refuse('change_log');
CREATE TRIGGER change_log_is_not_emptied BEFORE TRUNCATE ON change_log FOR EACH STATEMENT
EXECUTE FUNCTION refuse('change_log');

CREATE TABLE change_payloads (
    seq bigint NOT NULL PRIMARY KEY REFERENCES change_log (seq),
    salt text NOT NULL CHECK (length(salt) = 32),
    body text NOT NULL
);

CREATE TABLE change_head (
    id integer NOT NULL PRIMARY KEY CHECK (id = 1),
    log_id uuid NOT NULL,
    seq bigint NOT NULL,
    hash text NOT NULL
);

CREATE TABLE idempotency_keys (
    caller text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    status integer NOT NULL,
    headers text NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT "idempotency_keys.key" PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
