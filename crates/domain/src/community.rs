//! A community: the people who share a domain, own its tips and set how they are reviewed.

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::error::{FieldError, RuleError};
use crate::ids::{CommunityId, UserId};
use crate::review::{Due, Quorum};
use crate::tip::Safety;
use crate::word::word_enum;
use crate::working_time;

word_enum! {
    /// Who reads a community's approved tips.
    Openness {
        /// Everyone who is signed in.
        Open = "open",
        /// Its members.
        Private = "private",
    }
}

word_enum! {
    /// What a member does in a community; each role includes those before it.
    Role {
        /// Reads.
        Reader = "reader",
        /// Writes tips.
        Contributor = "contributor",
        /// Decides on others' tips.
        Reviewer = "reviewer",
        /// Looks after members, policy and stale tips.
        Steward = "steward",
    }
}

/// How a community reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewPolicy {
    /// How many distinct reviewers have to approve.
    pub quorum: i32,
    /// How many have to approve a tip with a safety level; the greater of the two counts.
    pub safety_quorum: i32,
    /// How many minutes a claim lasts.
    pub claim_minutes: i32,
    /// Within how many working days somebody takes a submission up.
    pub first_response_days: i32,
    /// Within how many working days it is decided.
    pub decision_days: i32,
}

impl Default for ReviewPolicy {
    fn default() -> Self {
        Self { quorum: 1, safety_quorum: 2, claim_minutes: 30, first_response_days: 2, decision_days: 10 }
    }
}

impl ReviewPolicy {
    /// What it takes to publish a text of this safety level. Of those who approve work that may kill, one is a steward.
    pub fn quorum_for(&self, safety: Safety) -> Quorum {
        let approvals = if safety == Safety::None { self.quorum } else { self.quorum.max(self.safety_quorum) };
        Quorum { approvals, steward: safety == Safety::Danger }
    }

    /// When a text that enters the queue now is to be taken up and decided.
    pub fn due(&self, opened_at: Instant) -> Due {
        Due {
            respond_by: working_time::after(opened_at, self.first_response_days),
            decide_by: working_time::after(opened_at, self.decision_days),
        }
    }
}

/// The people who share a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Community {
    /// For ever.
    pub id: CommunityId,
    /// The word in URLs; unique.
    pub slug: String,
    /// The name people use.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Who reads its approved tips.
    pub openness: Openness,
    /// How it reviews.
    pub policy: ReviewPolicy,
    /// When it was founded.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

/// One person's place in one community.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Where.
    pub community: CommunityId,
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: Role,
    /// Since when.
    pub since: Instant,
}

/// The parts of a community that its founder or steward chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charter {
    /// The word in URLs.
    pub slug: String,
    /// The name people use.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Who reads its approved tips.
    pub openness: Openness,
    /// How it reviews.
    pub policy: ReviewPolicy,
}

impl Charter {
    /// Trims, and refuses what breaks a rule, naming each field.
    pub fn checked(mut self) -> Result<Self, RuleError> {
        let mut errors = Vec::new();
        self.name = self.name.trim().to_owned();
        self.description = self.description.trim().to_owned();
        if !is_slug(&self.slug) {
            errors.push(FieldError::new(
                "/slug",
                "invalid",
                "2 to 60 lower-case letters, digits and single dashes, starting with a letter",
            ));
        }
        if self.name.is_empty() {
            errors.push(FieldError::new("/name", "required", "must not be empty"));
        }
        for (pointer, text, max) in [("/name", &self.name, 120), ("/description", &self.description, 4000)] {
            if text.chars().count() > max {
                errors.push(FieldError::new(pointer, "too_long", format!("at most {max} characters")));
            }
        }
        let policy = &self.policy;
        for (field, value, max) in [
            ("quorum", policy.quorum, 5),
            ("safety_quorum", policy.safety_quorum, 5),
            ("claim_minutes", policy.claim_minutes, 1440),
            ("first_response_days", policy.first_response_days, 100),
            ("decision_days", policy.decision_days, 100),
        ] {
            if !(1..=max).contains(&value) {
                errors.push(FieldError::new(format!("/policy/{field}"), "invalid", format!("1 to {max}")));
            }
        }
        if errors.is_empty() { Ok(self) } else { Err(RuleError::Invalid(errors)) }
    }
}

fn is_slug(text: &str) -> bool {
    (2..=60).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && !text.contains("--")
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_a_plain_word_for_urls() {
        for right in ["ab", "office-printers", "hvac2"] {
            assert!(is_slug(right), "{right}");
        }
        for wrong in ["", "a", "-ab", "ab-", "a--b", "Ab", "2ab", "a b", "a/b", "ä-b"] {
            assert!(!is_slug(wrong), "{wrong}");
        }
    }

    #[test]
    fn roles_include_those_before_them() {
        assert!(Role::Reader < Role::Contributor);
        assert!(Role::Contributor < Role::Reviewer);
        assert!(Role::Reviewer < Role::Steward);
    }
}
