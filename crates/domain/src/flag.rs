//! Flags: what readers say is wrong with a tip. Each is a task for a reviewer, with a due date and an end that the
//! flagger is told of. A re-check is such a task that nobody flagged.

use crate::access::Caller;
use crate::clock::Instant;
use crate::community::{ReviewPolicy, Role};
use crate::error::{FieldError, RuleError};
use crate::ids::{CommunityId, FlagId, TipId, UserId};
use crate::renewal::Turn;
use crate::word::word_enum;
use crate::working_time;

word_enum! {
    /// What is said of a tip.
    FlagKind {
        /// It is not true, or does not fix the problem.
        Wrong = "wrong",
        /// Doing it would endanger people or machines.
        Unsafe = "unsafe",
        /// It no longer applies.
        Outdated = "outdated",
        /// The same knowledge stands in another tip.
        Duplicate = "duplicate",
        /// A reader does not understand it.
        Unclear = "unclear",
        /// It names a customer or a person, or holds a secret.
        CustomerData = "customer_data",
        /// Whether it still holds has to be looked at: opened by Eureka itself, never by a reader.
        Recheck = "recheck",
    }
}

word_enum! {
    /// How a flag ended.
    Resolution {
        /// What it says is so, and it is seen to.
        Fixed = "fixed",
        /// The tip went into another one.
        Merged = "merged",
        /// The use of the tip is stopped.
        Held = "held",
        /// Nothing is to be done; of a re-check: the tip holds as it is.
        NoAction = "no_action",
    }
}

/// Longest text, in characters.
pub const TEXT_MAX: usize = 2000;

/// A flag as a reader raises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagDraft {
    /// What is said of the tip.
    pub kind: FlagKind,
    /// In words.
    pub text: Option<String>,
    /// With `duplicate`: whether the other tip is named.
    pub names_other: bool,
}

/// A flag, and the task that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// For ever.
    pub id: FlagId,
    /// The tip.
    pub tip: TipId,
    /// The revision that readers saw.
    pub revision: i32,
    /// The tip's community.
    pub community: CommunityId,
    /// What is said of the tip.
    pub kind: FlagKind,
    /// Who says so; absent for Eureka itself.
    pub flagged_by: Option<UserId>,
    /// In words.
    pub text: Option<String>,
    /// With `duplicate`: the other tip.
    pub duplicate_of: Option<TipId>,
    /// The reviewer who is to see to it.
    pub assignee: Option<UserId>,
    /// When it is to be seen to.
    pub due_at: Instant,
    /// When it was raised.
    pub opened_at: Instant,
    /// How it ended.
    pub resolved: Option<Resolved>,
}

/// How a flag ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// How.
    pub resolution: Resolution,
    /// Why, in words.
    pub reason: String,
    /// Who ended it; absent for Eureka itself.
    pub by: Option<UserId>,
    /// When.
    pub at: Instant,
}

impl FlagDraft {
    /// Trims, and refuses what breaks a rule, naming each field.
    pub fn checked(mut self) -> Result<Self, RuleError> {
        let mut errors = Vec::new();
        self.text = self.text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if self.text.as_ref().is_some_and(|text| text.chars().count() > TEXT_MAX) {
            errors.push(FieldError::new("/text", "too_long", format!("at most {TEXT_MAX} characters")));
        }
        if self.kind == FlagKind::Recheck {
            errors.push(FieldError::new("/kind", "invalid", "a re-check is opened by what use tells, not by a reader"));
        }
        match (self.kind == FlagKind::Duplicate, self.names_other) {
            (true, false) => {
                errors.push(FieldError::new("/duplicate_of", "required", "name the tip that says the same"));
            }
            (false, true) => {
                errors.push(FieldError::new("/duplicate_of", "invalid", "only a duplicate is one of another tip"));
            }
            _ => {}
        }
        if errors.is_empty() { Ok(self) } else { Err(RuleError::Invalid(errors)) }
    }
}

impl FlagKind {
    /// When a flag is to be seen to: what may hurt at once, what may mislead or leak as soon as a submission is to be
    /// taken up, the rest as soon as one is to be decided.
    pub fn due(self, policy: &ReviewPolicy, opened_at: Instant) -> Instant {
        match self {
            Self::Unsafe => opened_at,
            Self::Wrong | Self::Outdated | Self::CustomerData => {
                working_time::after(opened_at, policy.first_response_days)
            }
            Self::Duplicate | Self::Unclear | Self::Recheck => working_time::after(opened_at, policy.decision_days),
        }
    }

    /// Whether raising it stops the use of the tip at once: `unsafe`, by somebody who writes in the community.
    pub fn stops_use(self, by: &Caller, community: CommunityId) -> bool {
        self == Self::Unsafe && by.has(community, Role::Contributor)
    }
}

impl Flag {
    /// What an end of it says of the tip, if readers still see the text that it was raised on: that it is in doubt, where
    /// a flag that it misleads is accepted; that it holds, where a re-check finds nothing to do.
    pub fn says_of_the_tip(&self, resolution: Resolution, live: i32) -> Option<Turn> {
        let accepted = matches!(resolution, Resolution::Fixed | Resolution::Held);
        match self.kind {
            FlagKind::Wrong | FlagKind::Unsafe | FlagKind::Outdated if accepted && self.revision == live => {
                Some(Turn::Disputed)
            }
            FlagKind::Recheck if resolution == Resolution::NoAction => Some(Turn::Renewed),
            _ => None,
        }
    }

    /// Refuses an end that settles nothing: a re-check is not `fixed` while readers see the same text.
    pub fn may_end_as(&self, resolution: Resolution, live: i32) -> Result<(), RuleError> {
        if self.kind == FlagKind::Recheck && resolution == Resolution::Fixed && self.revision == live {
            let detail = "publish the text that fixes it, or say with `no_action` that the tip holds";
            return Err(RuleError::field("/resolution", "invalid", detail));
        }
        Ok(())
    }
}

/// Of the reviewers and how many open tasks each has, the one to give the next to: the least busy, and of equals the
/// first by id.
pub fn least_busy(reviewers: impl IntoIterator<Item = (UserId, i64)>) -> Option<UserId> {
    reviewers.into_iter().min_by_key(|&(user, tasks)| (tasks, user)).map(|(user, _)| user)
}
