//! What the rules refuse, each refusal with a stable code that clients may match on.

use serde::Serialize;

use crate::clock::Instant;
use crate::ids::UserId;
use crate::tip::State;
use crate::workflow::Action;

/// One field that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the field in the request body.
    pub pointer: String,
    /// Stable word: `required`, `too_long`, `too_many`, `invalid`, `unknown`, `taken`, `common`.
    pub code: &'static str,
    /// What is wrong, for people.
    pub detail: String,
}

impl FieldError {
    /// A field error at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}

/// Why a rule refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The input breaks rules about its fields.
    #[error("the input breaks {} rule(s)", .0.len())]
    Invalid(Vec<FieldError>),
    /// The caller may know of the thing, but not do this to it.
    #[error("you may not {0}")]
    NotPermitted(&'static str),
    /// Nobody decides a text they are credited on.
    #[error("nobody decides a tip they are credited on; another reviewer has to")]
    OwnTip,
    /// The revision's state does not allow the action.
    #[error("a revision that is {state} cannot be {}", .action.past())]
    WrongState {
        /// The state the revision is in.
        state: State,
        /// What was tried.
        action: Action,
        /// What is possible now.
        possible: Vec<Action>,
    },
    /// Another holds a live claim.
    #[error("another holds this until {until}")]
    Claimed {
        /// Who holds it.
        by: UserId,
        /// When the claim ends by itself.
        until: Instant,
    },
    /// The decision names a revision that is not the one under review.
    #[error("the decision is on revision {decided}, but revision {current} is under review")]
    StaleRevision {
        /// The revision the decision names.
        decided: i32,
        /// The revision under review.
        current: i32,
    },
    /// The reviewer has decided this review before.
    #[error("you have already decided this review")]
    AlreadyDecided,
    /// The person has raised such a flag on the tip, and it is open.
    #[error("you have an open flag of this kind on this tip")]
    AlreadyFlagged,
    /// Peers agreed that the two tips are about different things.
    #[error("peers agreed that these tips are about different things, and neither has changed since")]
    ToldApart,
    /// The flag has ended.
    #[error("this flag has been resolved")]
    AlreadyResolved,
    /// A tip answers the gap.
    #[error("a tip answers this gap already")]
    Answered,
    /// Only what readers see can be used.
    #[error("no revision of this tip is published")]
    NotPublished,
}

impl RuleError {
    /// The stable word for this refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_failed",
            Self::NotPermitted(_) => "not_permitted",
            Self::OwnTip => "own_tip",
            Self::WrongState { .. } => "invalid_state",
            Self::Claimed { .. } => "claimed_by_other",
            Self::StaleRevision { .. } => "stale_revision",
            Self::AlreadyDecided => "already_decided",
            Self::AlreadyFlagged => "already_flagged",
            Self::ToldApart => "told_apart",
            Self::AlreadyResolved => "already_resolved",
            Self::Answered => "already_answered",
            Self::NotPublished => "not_published",
        }
    }

    /// The refusal of fields that stand within another.
    #[must_use]
    pub fn within(self, pointer: &str) -> Self {
        let moved = |field: FieldError| FieldError { pointer: format!("{pointer}{}", field.pointer), ..field };
        match self {
            Self::Invalid(fields) => Self::Invalid(fields.into_iter().map(moved).collect()),
            other => other,
        }
    }

    /// A refusal of one field.
    pub fn field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, code, detail)])
    }
}
