//! Why the database did not do what it was asked, told alike for both kinds.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or went away: whether a write took effect is then unknown to its caller. Try again soon.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Too many writes are waiting, or another process holds what this one needs. Try again soon.
    #[error("the database is busy")]
    Busy,
    /// The closure panicked; its changes are undone.
    #[error("a database task panicked")]
    Panicked,
    /// A constraint refused it.
    #[error("conflict: {what}")]
    Conflict {
        /// Which one: `table.column` of a unique column, or the constraint's name.
        what: &'static str,
    },
    /// The database holds what the domain does not know, or lacks what must be there.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The schema is of a newer release than this binary.
    #[error("the database's schema is newer than this binary")]
    NewerSchema,
    /// The URL names no database that this binary may open.
    #[error("{0}")]
    Refused(String),
    /// Anything else: a defect.
    #[error("database error: {0}")]
    Database(#[source] DieselError),
}

impl StoreError {
    /// Whether the same request may succeed soon.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_)
                | Self::Busy
                | Self::Database(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _))
        )
    }

    pub(crate) fn corrupt(what: &str, value: impl std::fmt::Display) -> Self {
        Self::Corrupt(format!("{what}: {value}"))
    }

    /// Says the same to each of those who waited for one commit.
    pub(crate) fn repeat(&self) -> Self {
        match self {
            Self::Busy => Self::Busy,
            Self::Panicked => Self::Panicked,
            Self::Conflict { what } => Self::Conflict { what },
            Self::Corrupt(why) => Self::Corrupt(why.clone()),
            Self::NewerSchema => Self::NewerSchema,
            Self::Refused(why) => Self::Refused(why.clone()),
            Self::Unavailable(why) => Self::Unavailable(why.clone()),
            Self::Database(error) => Self::Unavailable(error.to_string()),
        }
    }
}

/// The constraints that have a meaning to callers. PostgreSQL reports the name (the migrations give it), SQLite the
/// columns, the index over an expression, or the words of a trigger.
const CONSTRAINTS: &[(&str, &str)] = &[
    ("users.email", "users.email"),
    ("users.id", "users.id"),
    ("communities.slug", "communities.slug"),
    ("glossaries.version", "glossaries.community_id, glossaries.version"),
    ("glossaries", "glossaries"),
    ("tips.id", "tips.id"),
    ("tips.number", "tips.number"),
    ("tips.external_id", "tips.community_id, tips.external_id"),
    ("revisions.number", "revisions.tip_id, revisions.number"),
    ("one_open_revision", "index 'one_open_revision'"),
    ("one_published_revision", "index 'one_published_revision'"),
    ("one_open_review", "index 'one_open_review'"),
    ("reviews.revision", "reviews.tip_id, reviews.revision"),
    ("decisions.reviewer", "decisions.review_id, decisions.reviewer_id"),
    ("outcomes.client_id", "outcomes.user_id, outcomes.client_id"),
    ("one_counted_outcome", "index 'one_counted_outcome'"),
    ("outcomes", "outcomes"),
    ("one_open_flag", "index 'one_open_flag'"),
    ("one_open_recheck", "index 'one_open_recheck'"),
    ("flags", "flags"),
    ("identities.subject", "identities.issuer, identities.subject"),
    ("idempotency_keys.key", "idempotency_keys.caller, idempotency_keys.key"),
    ("self_review", "self_review"),
    ("submitted_text", "submitted_text"),
    ("decisions", "decisions"),
    ("change_log", "change_log"),
    ("change_log.words", "change_log.words"),
];

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(kind, info) => classify(*kind, &**info).unwrap_or(Self::Database(error)),
            DieselError::BrokenTransactionManager | DieselError::RollbackErrorOnCommit { .. } => {
                Self::Unavailable(error.to_string())
            }
            DieselError::DeserializationError(why) => Self::Corrupt(why.to_string()),
            _ => Self::Database(error),
        }
    }
}

fn classify(kind: DatabaseErrorKind, info: &dyn DatabaseErrorInformation) -> Option<StoreError> {
    let message = info.message();
    match kind {
        DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::UnableToSendCommand
        | DatabaseErrorKind::ReadOnlyTransaction => Some(StoreError::Unavailable(message.to_owned())),
        DatabaseErrorKind::UniqueViolation => Some(conflict(info).unwrap_or(StoreError::Conflict { what: "unique" })),
        DatabaseErrorKind::ForeignKeyViolation => Some(StoreError::Conflict { what: "foreign_key" }),
        DatabaseErrorKind::CheckViolation => Some(conflict(info).unwrap_or(StoreError::Conflict { what: "check" })),
        DatabaseErrorKind::NotNullViolation => Some(StoreError::Conflict { what: "not_null" }),
        DatabaseErrorKind::Unknown => conflict(info).or_else(|| by_message(message)),
        _ => None,
    }
}

fn conflict(info: &dyn DatabaseErrorInformation) -> Option<StoreError> {
    let told = match info.constraint_name() {
        Some(name) => name,
        None => info.message().strip_prefix("UNIQUE constraint failed: ").unwrap_or(info.message()),
    };
    CONSTRAINTS
        .iter()
        .find(|(what, on_sqlite)| *what == told || *on_sqlite == told)
        .map(|&(what, _)| StoreError::Conflict { what })
}

/// What neither database gives a kind of its own: SQLite's words for its result codes (`sqlite3ErrStr`), and
/// PostgreSQL's on its way down or full.
fn by_message(message: &str) -> Option<StoreError> {
    const BUSY: [&str; 3] = ["database is locked", "database table is locked", "due to lock timeout"];
    const AWAY: [&str; 8] = [
        "disk I/O error",
        "database or disk is full",
        "unable to open database file",
        "attempt to write a readonly database",
        "terminating connection",
        "the database system is",
        "No space left on device",
        "cannot execute",
    ];
    if BUSY.iter().any(|word| message.contains(word)) {
        return Some(StoreError::Busy);
    }
    if message.contains("malformed") || message.contains("file is not a database") {
        return Some(StoreError::Corrupt(message.to_owned()));
    }
    AWAY.iter().any(|word| message.contains(word)).then(|| StoreError::Unavailable(message.to_owned()))
}
