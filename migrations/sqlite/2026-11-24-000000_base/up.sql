-- Ids are UUIDs as text, instants are UTC as `YYYY-MM-DDTHH:MM:SS.ffffffZ` (so that text order is time order),
-- enumerations are the words of the domain. No defaults, no now(): every value comes from the program.

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT,
    name TEXT NOT NULL,
    site_role TEXT NOT NULL CHECK (site_role IN ('member', 'admin')),
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
    auth_epoch INTEGER NOT NULL,
    password_hash TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
-- Partial, or SQLite takes it for the best way to those without an address, who are many.
CREATE UNIQUE INDEX users_by_email ON users (email) WHERE email IS NOT NULL;
CREATE INDEX users_imported ON users (name, id) WHERE email IS NULL;

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    ended_at TEXT,
    end_reason TEXT,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    hash TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at TEXT
) STRICT;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

CREATE TABLE communities (
    id TEXT NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    openness TEXT NOT NULL CHECK (openness IN ('open', 'private')),
    quorum INTEGER NOT NULL CHECK (quorum > 0),
    claim_minutes INTEGER NOT NULL CHECK (claim_minutes > 0),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE members (
    community_id TEXT NOT NULL REFERENCES communities (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('reader', 'contributor', 'reviewer', 'steward')),
    since TEXT NOT NULL,
    PRIMARY KEY (community_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE tips (
    id TEXT NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    community_id TEXT NOT NULL REFERENCES communities (id),
    author_id TEXT NOT NULL REFERENCES users (id),
    confidence TEXT NOT NULL
        CHECK (confidence IN ('work_in_progress', 'not_validated', 'validated', 'archived')),
    hold TEXT,
    live INTEGER,
    latest INTEGER NOT NULL,
    review_id TEXT,
    external_id TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    published_at TEXT,
    UNIQUE (community_id, external_id),
    CHECK (live <= latest)
) STRICT;
CREATE INDEX tips_by_age ON tips (created_at, id);
CREATE INDEX tips_by_community ON tips (community_id, created_at, id);
CREATE INDEX tips_by_author ON tips (author_id, created_at, id);

CREATE TABLE revisions (
    tip_id TEXT NOT NULL REFERENCES tips (id),
    number INTEGER NOT NULL CHECK (number > 0),
    state TEXT NOT NULL
        CHECK (state IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')),
    round INTEGER NOT NULL,
    title TEXT NOT NULL,
    problem TEXT NOT NULL,
    cause TEXT,
    solution TEXT,
    products TEXT NOT NULL,
    fault_codes TEXT NOT NULL,
    parts TEXT NOT NULL,
    tags TEXT NOT NULL,
    safety TEXT NOT NULL CHECK (safety IN ('none', 'caution', 'danger')),
    hazard TEXT,
    lang TEXT,
    editor_id TEXT NOT NULL REFERENCES users (id),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    submitted_at TEXT,
    decided_at TEXT,
    PRIMARY KEY (tip_id, number)
) STRICT;
-- Over an expression, because SQLite names an index in its errors only then.
CREATE UNIQUE INDEX one_open_revision ON revisions (lower(tip_id))
    WHERE state IN ('draft', 'submitted', 'in_review');
CREATE UNIQUE INDEX one_published_revision ON revisions (lower(tip_id))
    WHERE state = 'published';

CREATE TRIGGER submitted_text_is_immutable BEFORE UPDATE ON revisions
WHEN OLD.submitted_at IS NOT NULL AND (
    NEW.submitted_at IS NOT OLD.submitted_at
    OR NEW.title IS NOT OLD.title OR NEW.problem IS NOT OLD.problem
    OR NEW.cause IS NOT OLD.cause OR NEW.solution IS NOT OLD.solution
    OR NEW.products IS NOT OLD.products OR NEW.fault_codes IS NOT OLD.fault_codes
    OR NEW.parts IS NOT OLD.parts OR NEW.tags IS NOT OLD.tags
    OR NEW.safety IS NOT OLD.safety OR NEW.hazard IS NOT OLD.hazard OR NEW.lang IS NOT OLD.lang
    OR NEW.editor_id IS NOT OLD.editor_id
)
BEGIN
    SELECT RAISE(ABORT, 'submitted_text');
END;

CREATE TABLE revision_credits (
    tip_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (tip_id, revision, user_id),
    FOREIGN KEY (tip_id, revision) REFERENCES revisions (tip_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX revision_credits_by_user ON revision_credits (user_id);

CREATE TABLE reviews (
    id TEXT NOT NULL PRIMARY KEY,
    tip_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    community_id TEXT NOT NULL REFERENCES communities (id),
    round INTEGER NOT NULL,
    claimed_by TEXT REFERENCES users (id),
    claimed_since TEXT,
    claimed_until TEXT,
    outcome TEXT CHECK (outcome IN ('approved', 'changes_requested', 'rejected', 'withdrawn', 'superseded')),
    closed_at TEXT,
    opened_at TEXT NOT NULL,
    UNIQUE (tip_id, revision),
    FOREIGN KEY (tip_id, revision) REFERENCES revisions (tip_id, number),
    CHECK ((claimed_by IS NULL) = (claimed_until IS NULL) AND (claimed_by IS NULL) = (claimed_since IS NULL)),
    CHECK ((outcome IS NULL) = (closed_at IS NULL))
) STRICT;
CREATE UNIQUE INDEX one_open_review ON reviews (lower(tip_id)) WHERE closed_at IS NULL;
CREATE INDEX reviews_by_age ON reviews (community_id, opened_at, id);
CREATE INDEX open_reviews_by_age ON reviews (opened_at, id) WHERE closed_at IS NULL;
CREATE INDEX reviews_by_claim ON reviews (claimed_by) WHERE claimed_by IS NOT NULL;

CREATE TABLE decisions (
    id TEXT NOT NULL PRIMARY KEY,
    review_id TEXT NOT NULL REFERENCES reviews (id),
    tip_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    reviewer_id TEXT NOT NULL REFERENCES users (id),
    verdict TEXT NOT NULL CHECK (verdict IN ('approve', 'request_changes', 'reject')),
    reason TEXT
        CHECK (reason IN ('duplicate', 'incorrect', 'unsafe', 'incomplete', 'unclear', 'outdated', 'out_of_scope', 'customer_data', 'other')),
    comment TEXT,
    at TEXT NOT NULL,
    UNIQUE (review_id, reviewer_id),
    FOREIGN KEY (tip_id, revision) REFERENCES revisions (tip_id, number)
) STRICT;
CREATE INDEX decisions_by_revision ON decisions (tip_id, revision);
CREATE INDEX decisions_by_reviewer ON decisions (reviewer_id);

CREATE TRIGGER nobody_decides_their_own_text BEFORE INSERT ON decisions
WHEN EXISTS (
    SELECT 1 FROM revision_credits AS credit
    WHERE credit.tip_id = NEW.tip_id AND credit.revision = NEW.revision AND credit.user_id = NEW.reviewer_id
)
BEGIN
    SELECT RAISE(ABORT, 'self_review');
END;
-- All but the comment, which may say something of a person that has to be erased.
CREATE TRIGGER decisions_are_not_rewritten
BEFORE UPDATE OF id, review_id, tip_id, revision, reviewer_id, verdict, reason, at ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions');
END;

CREATE TABLE change_log (
    seq INTEGER NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    actor TEXT,
    kind TEXT NOT NULL,
    tip_id TEXT,
    revision INTEGER,
    from_state TEXT,
    to_state TEXT,
    subject TEXT,
    commitment TEXT,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX change_log_by_tip ON change_log (tip_id, seq);

-- A trigger and not a CHECK: a later migration replaces it to allow a new word without copying the log.
CREATE TRIGGER change_log_words BEFORE INSERT ON change_log
WHEN NEW.kind NOT IN (
    'tip.created', 'tip.edited', 'tip.submitted', 'tip.withdrawn', 'review.claimed', 'review.released', 'review.approved',
    'tip.changes_requested', 'tip.rejected', 'tip.published', 'tip.imported', 'tip.held', 'tip.unheld', 'tip.archived',
    'tip.restored', 'community.created', 'community.updated', 'member.set', 'member.removed', 'user.created', 'user.updated'
)
OR NEW.from_state NOT IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')
OR NEW.to_state NOT IN ('draft', 'submitted', 'in_review', 'changes_requested', 'published', 'rejected', 'withdrawn', 'superseded')
BEGIN
    SELECT RAISE(ABORT, 'change_log.words');
END;
CREATE TRIGGER change_log_is_not_rewritten BEFORE UPDATE ON change_log
BEGIN
    SELECT RAISE(ABORT, 'change_log');
END;
CREATE TRIGGER change_log_is_not_shortened BEFORE DELETE ON change_log
BEGIN
    SELECT RAISE(ABORT, 'change_log');
END;

CREATE TABLE change_payloads (
    seq INTEGER NOT NULL PRIMARY KEY REFERENCES change_log (seq),
    salt TEXT NOT NULL CHECK (length(salt) = 32),
    body TEXT NOT NULL
) STRICT;

CREATE TABLE change_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    log_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency_keys (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT;
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
