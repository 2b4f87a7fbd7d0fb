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
        /// The text under review was changed; the next revision's review took over.
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

/// A reviewer's approval of a text as they have edited it: it counts once somebody whose words it was agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amendment {
    /// Who approved, and edited.
    pub by: UserId,
    /// What they were in the community then.
    pub role: Role,
    /// When somebody agreed.
    pub agreed_at: Option<Instant>,
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
    /// The revision that holds the text as they would have it, where they approved it so edited.
    pub edited_into: Option<i32>,
    /// When.
    pub at: Instant,
}

/// Longest comment, in characters.
pub const COMMENT_MAX: usize = 10_000;

impl Decision {
    /// Refuses a decision that owes the author a reason, as edits to their text do too.
    pub fn checked(mut self) -> Result<Self, RuleError> {
        let mut errors = Vec::new();
        self.comment = self.comment.map(|c| c.trim().to_owned()).filter(|c| !c.is_empty());
        let approves = self.verdict == Verdict::Approve;
        if self.reason.is_none() && !approves {
            errors.push(FieldError::new("/reason", "required", "the author is owed a reason"));
        }
        if self.comment.is_none() && !(approves && self.edited_into.is_none()) {
            errors.push(FieldError::new("/comment", "required", "the author is owed the reason in words"));
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
    /// The approval under which a reviewer made the text of the one before it, if it came about so.
    pub amendment: Option<Amendment>,
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
            amendment: None,
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
        self.approvals() >= quorum.approvals && (!quorum.steward || self.approvers().any(|role| role == Role::Steward))
    }

    /// Whether this reviewer has decided in it, if only by the approval under which they made its text.
    pub fn has_decided(&self, reviewer: UserId) -> bool {
        let amended = self.amendment.is_some_and(|amendment| amendment.by == reviewer);
        amended || self.decisions.iter().any(|decision| decision.reviewer == reviewer)
    }

    /// The claim, if it has not run out.
    pub fn live_claim(&self, now: Instant) -> Option<Claim> {
        self.claim.filter(|claim| claim.until > now)
    }

    /// Has a reviewer hold the review from now on for so many minutes; whoever holds it goes on doing so.
    pub fn claim_for(&mut self, reviewer: UserId, minutes: i32, now: Instant) {
        let since = self.live_claim(now).filter(|claim| claim.by == reviewer).map_or(now, |claim| claim.since);
        self.claim = Some(Claim { by: reviewer, since, until: now + chrono::Duration::minutes(i64::from(minutes)) });
    }

    /// Refuses when another reviewer holds a live claim.
    pub fn free_for(&self, reviewer: UserId, now: Instant) -> Result<(), RuleError> {
        match self.live_claim(now) {
            Some(claim) if claim.by != reviewer => Err(RuleError::Claimed { by: claim.by, until: claim.until }),
            _ => Ok(()),
        }
    }

    /// Refuses when another reviewer holds a live claim, or this one has decided.
    pub fn open_to(&self, reviewer: UserId, now: Instant) -> Result<(), RuleError> {
        self.free_for(reviewer, now)?;
        if self.has_decided(reviewer) { Err(RuleError::AlreadyDecided) } else { Ok(()) }
    }

    /// How many distinct reviewers have approved.
    pub fn approvals(&self) -> i32 {
        i32::try_from(self.approvers().count()).unwrap_or(i32::MAX)
    }

    /// What those who have approved were in the community then.
    fn approvers(&self) -> impl Iterator<Item = Role> {
        let agreed = self.amendment.filter(|amendment| amendment.agreed_at.is_some());
        let approvals = self.decisions.iter().filter(|decision| decision.verdict == Verdict::Approve);
        approvals.map(|decision| decision.role).chain(agreed.map(|amendment| amendment.role))
    }

    /// Whether those whose words a reviewer has edited are asked if they agree.
    pub fn asks(&self) -> bool {
        self.closed.is_none() && self.amendment.is_some_and(|amendment| amendment.agreed_at.is_none())
    }

    /// Ends the review.
    pub fn close(&mut self, outcome: Outcome, at: Instant) {
        self.claim = None;
        self.closed = Some((outcome, at));
    }
}
