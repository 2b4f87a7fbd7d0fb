//! The review of one submitted revision: its claim, its decisions, its end.

use crate::clock::Instant;
use crate::community::Role;
use crate::error::{FieldError, RuleError};
use crate::ids::{CommunityId, DecisionId, ReviewId, TipId, UserId};
use crate::tip::Revision;
use crate::word::word_enum;
use crate::workflow::Action;

word_enum! {
    /// What a reviewer decides.
    Verdict {
        /// Good as it is.
        Approve = "approve",
        /// Good if the author changes something.
        RequestChanges = "request_changes",
        /// Not to be published.
        Reject = "reject",
    }
}

impl Verdict {
    /// The workflow's action for this verdict.
    pub const fn action(self) -> Action {
        match self {
            Self::Approve => Action::Approve,
            Self::RequestChanges => Action::RequestChanges,
            Self::Reject => Action::Reject,
        }
    }
}

word_enum! {
    /// Why a tip is turned down or sent back; the comment says it in words.
    Reason {
        /// The same knowledge stands in another tip.
        Duplicate = "duplicate",
        /// It does not fix the problem, or is not true.
        Incorrect = "incorrect",
        /// Doing it would endanger people or machines.
        Unsafe = "unsafe",
        /// Something a reader needs is missing.
        Incomplete = "incomplete",
        /// A reader would not understand it.
        Unclear = "unclear",
        /// It no longer applies.
        Outdated = "outdated",
        /// It belongs elsewhere.
        OutOfScope = "out_of_scope",
        /// It names a customer or a person, or holds a secret.
        CustomerData = "customer_data",
        /// None of the others.
        Other = "other",
    }
}

word_enum! {
    /// How a review ended.
    Outcome {
        /// Published.
        Approved = "approved",
        /// Sent back.
        ChangesRequested = "changes_requested",
        /// Turned down.
        Rejected = "rejected",
        /// Taken back by the author.
        Withdrawn = "withdrawn",
        /// The author changed the text under review; the next revision's review took over.
        Superseded = "superseded",
    }
}

/// A reviewer's lease on a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Who holds it.
    pub by: UserId,
    /// Since when.
    pub since: Instant,
    /// When it ends by itself.
    pub until: Instant,
}

/// What it takes to publish a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quorum {
    /// How many distinct reviewers have to approve.
    pub approvals: i32,
    /// Whether one of them has to be a steward.
    pub steward: bool,
}

/// When a text in the queue is to be taken up and decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When somebody should have taken it up.
    pub respond_by: Instant,
    /// When it should have been decided.
    pub decide_by: Instant,
}

/// One reviewer's decision on one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// For ever.
    pub id: DecisionId,
    /// The revision it was made on.
    pub revision: i32,
    /// Who decided.
    pub reviewer: UserId,
    /// What they were in the community then.
    pub role: Role,
    /// What.
    pub verdict: Verdict,
    /// Why, from the list; owed unless the verdict is `approve`.
    pub reason: Option<Reason>,
    /// Why, in words; owed unless the verdict is `approve`.
    pub comment: Option<String>,
    /// The tip that says the same, where the text is turned down because it belongs there.
    pub into: Option<TipId>,
    /// When.
    pub at: Instant,
}

/// Longest comment, in characters.
pub const COMMENT_MAX: usize = 10_000;

impl Decision {
    /// Refuses a decision that owes the author a reason.
    pub fn checked(mut self) -> Result<Self, RuleError> {
        let mut errors = Vec::new();
        self.comment = self.comment.map(|c| c.trim().to_owned()).filter(|c| !c.is_empty());
        if self.verdict != Verdict::Approve {
            if self.reason.is_none() {
                errors.push(FieldError::new("/reason", "required", "the author is owed a reason"));
            }
            if self.comment.is_none() {
                errors.push(FieldError::new("/comment", "required", "the author is owed the reason in words"));
            }
        }
        if self.comment.as_ref().is_some_and(|c| c.chars().count() > COMMENT_MAX) {
            errors.push(FieldError::new("/comment", "too_long", format!("at most {COMMENT_MAX} characters")));
        }
        if errors.is_empty() { Ok(self) } else { Err(RuleError::Invalid(errors)) }
    }
}

/// The review of one submitted revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// For ever.
    pub id: ReviewId,
    /// The tip.
    pub tip: TipId,
    /// The revision under review.
    pub revision: i32,
    /// The tip's community.
    pub community: CommunityId,
    /// How often the text has been sent to reviewers, counting this time.
    pub round: i32,
    /// Who is to take it up first: the reviewer who sent the text back the last time.
    pub offered_to: Option<UserId>,
    /// Who holds it, if anybody; it may have run out.
    pub claim: Option<Claim>,
    /// The decisions so far, oldest first.
    pub decisions: Vec<Decision>,
    /// How and when it ended.
    pub closed: Option<(Outcome, Instant)>,
    /// When the text entered the queue; a text that replaces one under review keeps its place.
    pub opened_at: Instant,
    /// When it is to be taken up and decided.
    pub due: Due,
    /// When a reviewer first took it up, or decided.
    pub responded_at: Option<Instant>,
}

impl Review {
    /// The review of a text that enters the queue.
    pub fn opened(id: ReviewId, community: CommunityId, text: &Revision, due: Due, opened_at: Instant) -> Self {
        Self {
            id,
            tip: text.tip,
            revision: text.number,
            community,
            round: text.round,
            offered_to: None,
            claim: None,
            decisions: Vec::new(),
            closed: None,
            opened_at,
            due,
            responded_at: None,
        }
    }

    /// Whether an answer that was promised has not come.
    pub fn is_overdue(&self, now: Instant) -> bool {
        self.closed.is_none()
            && (self.due.decide_by < now || (self.responded_at.is_none() && self.due.respond_by < now))
    }

    /// Whether those who have approved are enough to publish.
    pub fn meets(&self, quorum: Quorum) -> bool {
        let by_steward = |decision: &Decision| decision.verdict == Verdict::Approve && decision.role == Role::Steward;
        self.approvals() >= quorum.approvals && (!quorum.steward || self.decisions.iter().any(by_steward))
    }

    /// Whether this reviewer has decided in it.
    pub fn has_decided(&self, reviewer: UserId) -> bool {
        self.decisions.iter().any(|decision| decision.reviewer == reviewer)
    }

    /// The claim, if it has not run out.
    pub fn live_claim(&self, now: Instant) -> Option<Claim> {
        self.claim.filter(|claim| claim.until > now)
    }

    /// Refuses when another reviewer holds a live claim.
    pub fn free_for(&self, reviewer: UserId, now: Instant) -> Result<(), RuleError> {
        match self.live_claim(now) {
            Some(claim) if claim.by != reviewer => Err(RuleError::Claimed { by: claim.by, until: claim.until }),
            _ => Ok(()),
        }
    }

    /// How many distinct reviewers have approved.
    pub fn approvals(&self) -> i32 {
        let count = self.decisions.iter().filter(|d| d.verdict == Verdict::Approve).count();
        i32::try_from(count).unwrap_or(i32::MAX)
    }

    /// Ends the review.
    pub fn close(&mut self, outcome: Outcome, at: Instant) {
        self.claim = None;
        self.closed = Some((outcome, at));
    }
}
