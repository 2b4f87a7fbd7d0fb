//! Typed identifiers: a tip's id cannot be passed where a user's is wanted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

id! {
    /// Identifies a tip for ever.
    TipId,
    /// Identifies a person or a service account.
    UserId,
    /// Identifies a community.
    CommunityId,
    /// Identifies the review of one submitted revision.
    ReviewId,
    /// Identifies one reviewer's decision.
    DecisionId,
    /// Identifies something that was said in a review.
    CommentId,
    /// Identifies a gap for ever.
    GapId,
    /// Identifies a login session.
    SessionId,
    /// Identifies an API key; the part of it that is no secret.
    ApiKeyId,
    /// Identifies what happened when a tip was used.
    OutcomeId,
    /// Identifies a flag, and the task that it is.
    FlagId,
    /// Identifies a file of a tip, in every text that has it.
    AttachmentId,
    /// Identifies an import of tips over HTTP.
    ImportId,
    /// Identifies a webhook.
    WebhookId,
    /// Identifies a message of a webhook, however often it is sent.
    DeliveryId,
    /// Identifies who a person is to an outside identity provider.
    IdentityId,
}

/// A tip's human key, written `T-1042`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TipNumber(pub i64);

impl TipNumber {
    /// The number of the first tip of a database.
    pub const FIRST: Self = Self(1001);
}

impl fmt::Display for TipNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T-{}", self.0)
    }
}

impl FromStr for TipNumber {
    type Err = NotATipNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("T-").or_else(|| text.strip_prefix("t-")).ok_or(NotATipNumber)?;
        if digits.starts_with('0') || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotATipNumber);
        }
        digits.parse().map(Self).map_err(|_| NotATipNumber)
    }
}

/// The text is not of the form `T-1042`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a tip number")]
pub struct NotATipNumber;

/// How a caller names a tip: by id or by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TipRef {
    /// By its id.
    Id(TipId),
    /// By its human key.
    Number(TipNumber),
}

impl FromStr for TipRef {
    type Err = NotATipNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(id) => Ok(Self::Id(TipId(id))),
            Err(_) => text.parse().map(Self::Number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tip_number_reads_back_and_nothing_else_does() {
        assert_eq!("T-1042".parse(), Ok(TipNumber(1042)));
        assert_eq!(TipNumber(1042).to_string(), "T-1042");
        for wrong in ["1042", "T-", "T-01", "T--1", "T-+1", "T-1 ", "T-99999999999999999999", "X-1"] {
            assert_eq!(wrong.parse::<TipNumber>(), Err(NotATipNumber), "{wrong}");
        }
    }
}
