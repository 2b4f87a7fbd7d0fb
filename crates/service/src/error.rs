//! Why a use case did not happen. The API turns each into one problem.

use eureka_domain::RuleError;
use eureka_search::SearchError;
use eureka_store::StoreError;

use crate::Hold;

/// Why a use case did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A rule refuses.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// It does not exist, or the caller may not know that it does.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// No valid credentials.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// `If-Match` names another state than the present one.
    #[error("it has changed since you read it")]
    Stale {
        /// The present entity tag.
        current: String,
    },
    /// Something of that name exists.
    #[error("{what} is taken")]
    Taken {
        /// JSON pointer to the field.
        pointer: &'static str,
        /// What is taken.
        what: &'static str,
    },
    /// The idempotency key was used with another request.
    #[error("this Idempotency-Key was used for a different request")]
    KeyReused,
    /// The client's own id was used with another outcome.
    #[error("this client_id was used for a different outcome")]
    ClientIdReused,
    /// A cursor that this service did not make.
    #[error("the cursor is not one of this service's")]
    InvalidCursor,
    /// A cursor of the change log of another life of the database.
    #[error("the change log is not the one that this cursor belongs to")]
    OtherLife,
    /// The index has not reached the position the caller asked to wait for.
    #[error("the index is at position {at}, not yet at {wanted}")]
    Behind {
        /// Where the index is.
        at: i64,
        /// Where the caller wants it.
        wanted: i64,
    },
    /// Such a work is under way.
    #[error("a work on the index is under way")]
    AlreadyRunning,
    /// Tried too often.
    #[error("too many attempts; try again in {} seconds", wait.num_seconds() + 1)]
    Throttled {
        /// How long to wait.
        wait: chrono::Duration,
    },
    /// Too much to do; try again soon.
    #[error("too busy: {0}")]
    Busy(&'static str),
    /// The database or the index is away; try again soon.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The index cannot be opened, read or written; nothing of it was wiped. It goes on by itself when the reason is gone.
    #[error("{why}")]
    Held {
        /// What holds it up.
        by: Hold,
        /// In words, for the log.
        why: String,
    },
    /// A defect or a damaged record.
    #[error("internal error: {0}")]
    Internal(String),
}

impl ServiceError {
    /// A defect, told in words.
    pub(crate) fn internal(why: impl std::fmt::Display) -> Self {
        Self::Internal(why.to_string())
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => Self::Unavailable(why),
            StoreError::Busy => Self::Busy("the writer's queue is full"),
            StoreError::Conflict { what: "self_review" } => Self::Rule(RuleError::OwnTip),
            StoreError::Conflict { what: "decisions.reviewer" } => Self::Rule(RuleError::AlreadyDecided),
            StoreError::Conflict { what: "users.email" } => {
                Self::Taken { pointer: "/email", what: "this e-mail address" }
            }
            StoreError::Conflict { what: "communities.slug" } => Self::Taken { pointer: "/slug", what: "this slug" },
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<SearchError> for ServiceError {
    fn from(error: SearchError) -> Self {
        if let Some(by) = Hold::of_index(&error) {
            return Self::Held { by, why: error.to_string() };
        }
        match error {
            SearchError::Busy => Self::Busy("too many searches wait"),
            SearchError::TimedOut => Self::Busy("the search took too long"),
            other => Self::Internal(other.to_string()),
        }
    }
}
