//! The review workflow: which action leads from which state to which, and the transitions that carry data.
//!
//! ```text
//!            edit                      claim                    approve (quorum)
//!   draft ─────────► draft   submitted ─────────► in_review ─────────────────────► published ──► superseded
//!     │ submit ─────────────────►▲  ▲     release    │  │ request_changes            (by the next published revision)
//!     │ withdraw                 │  └────────────────┘  ├──────────────► changes_requested
//!     ▼                          │                      │ reject
//!   withdrawn ◄── withdraw ──────┴──────────────────────┴──────────────► rejected
//! ```
//!
//! A revision is immutable once submitted. Editing one that is under review starts the next revision, which takes the
//! place of the old one in the queue; editing one that has ended starts a draft.

use std::collections::BTreeSet;

use crate::clock::Instant;
use crate::error::RuleError;
use crate::ids::UserId;
use crate::review::{Claim, Decision, Outcome, Quorum, Review, Verdict};
use crate::tip::{Confidence, Replaced, Replacement, Revision, State, Tip, TipText};
use crate::word::word_enum;

word_enum! {
    /// What can be done to a tip.
    Action {
        /// Change the text of the newest revision, or start the next one.
        Edit = "edit",
        /// Send a draft to reviewers.
        Submit = "submit",
        /// Take a draft or a submission back.
        Withdraw = "withdraw",
        /// Take up a review.
        Claim = "claim",
        /// Give a review back.
        Release = "release",
        /// Approve.
        Approve = "approve",
        /// Send back to the author, with a reason.
        RequestChanges = "request_changes",
        /// Turn down, with a reason.
        Reject = "reject",
        /// Stop the use of a published tip at once.
        Hold = "hold",
        /// Lift a hold.
        Unhold = "unhold",
        /// Take a published tip out of all results.
        Archive = "archive",
        /// Bring an archived tip back.
        Restore = "restore",
        /// Have another tip take its place that says the same.
        Merge = "merge",
        /// Have another tip take its place that says it better.
        Supersede = "supersede",
        /// Give a replaced tip its place back.
        Separate = "separate",
    }
}

impl Action {
    /// The participle, for sentences.
    pub const fn past(self) -> &'static str {
        match self {
            Self::Edit => "edited",
            Self::Submit => "submitted",
            Self::Withdraw => "withdrawn",
            Self::Claim => "claimed",
            Self::Release => "released",
            Self::Approve => "approved",
            Self::RequestChanges => "sent back",
            Self::Reject => "rejected",
            Self::Hold => "put on hold",
            Self::Unhold => "taken off hold",
            Self::Archive => "archived",
            Self::Restore => "restored",
            Self::Merge => "merged",
            Self::Supersede => "superseded",
            Self::Separate => "separated",
        }
    }
}

/// Longest reason, in characters.
pub const REASON_MAX: usize = 2000;

/// The reason that those concerned are owed, trimmed.
pub fn owed_reason(reason: &str) -> Result<String, RuleError> {
    let Some(reason) = given_reason(Some(reason))? else {
        return Err(RuleError::field("/reason", "required", "those concerned are owed a reason"));
    };
    Ok(reason)
}

/// The reason that is given where none is owed, trimmed; an empty one is none.
pub fn given_reason(reason: Option<&str>) -> Result<Option<String>, RuleError> {
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    if reason.is_some_and(|reason| reason.chars().count() > REASON_MAX) {
        return Err(RuleError::field("/reason", "too_long", format!("at most {REASON_MAX} characters")));
    }
    Ok(reason.map(str::to_owned))
}

/// The one table: the state that `action` on a revision leads to, or `None` where it is impossible.
///
/// For [`Action::Edit`] the state is that of the revision that then holds the new text. For [`Action::Approve`] it is
/// that of a revision whose quorum is reached. Hold, archive, merge and their opposites act on the tip and leave the state.
pub const fn after(state: State, action: Action) -> Option<State> {
    use State::{ChangesRequested, Draft, InReview, Published, Rejected, Submitted, Superseded, Withdrawn};
    match (state, action) {
        (Draft | ChangesRequested | Published | Rejected | Withdrawn, Action::Edit) => Some(Draft),
        (Submitted, Action::Edit) | (Draft, Action::Submit) => Some(Submitted),
        (InReview, Action::Edit) | (Submitted | InReview, Action::Claim) => Some(InReview),
        (InReview, Action::Release) => Some(Submitted),
        (Draft | Submitted | InReview, Action::Withdraw) => Some(Withdrawn),
        (Submitted | InReview, Action::Approve) => Some(Published),
        (Submitted | InReview, Action::RequestChanges) => Some(ChangesRequested),
        (Submitted | InReview, Action::Reject) => Some(Rejected),
        (Superseded, _) => None,
        (
            _,
            Action::Hold
            | Action::Unhold
            | Action::Archive
            | Action::Restore
            | Action::Merge
            | Action::Supersede
            | Action::Separate,
        ) => Some(state),
        _ => None,
    }
}

/// Everything that can be done now to a tip whose newest revision is `latest`.
pub fn possible(tip: &Tip, latest: &Revision) -> Vec<Action> {
    Action::ALL.iter().copied().filter(|&action| is_possible(tip, latest, action)).collect()
}

fn is_possible(tip: &Tip, latest: &Revision, action: Action) -> bool {
    let fits_tip = match action {
        Action::Hold => tip.live.is_some() && tip.hold.is_none(),
        Action::Unhold => tip.hold.is_some(),
        Action::Archive => tip.live.is_some() && tip.confidence != Confidence::Archived,
        Action::Restore => tip.confidence == Confidence::Archived,
        Action::Merge | Action::Supersede => tip.live.is_some() && !latest.state.is_open() && tip.replaced.is_none(),
        Action::Separate => tip.replaced.is_some(),
        _ => tip.replaced.is_none(),
    };
    fits_tip && after(latest.state, action).is_some()
}

/// Refuses an action that the tip's state does not allow, saying what it does allow.
pub fn require(tip: &Tip, latest: &Revision, action: Action) -> Result<(), RuleError> {
    if is_possible(tip, latest, action) {
        return Ok(());
    }
    Err(RuleError::WrongState { state: latest.state, action, possible: possible(tip, latest) })
}

/// What an edit does to a tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// The draft now says this.
    Rewritten(Revision),
    /// The next revision was started; the one before it is as given, superseded if it was under review.
    Started {
        /// The revision before.
        before: Revision,
        /// The new one.
        next: Revision,
    },
}

/// Puts a new text into the draft, or starts the next revision with it.
pub fn edit(tip: &mut Tip, latest: Revision, text: TipText, editor: UserId, now: Instant) -> Result<Edited, RuleError> {
    require(tip, &latest, Action::Edit)?;
    tip.updated_at = now;
    if latest.state == State::Draft {
        let credited = with(&latest.credited, editor);
        return Ok(Edited::Rewritten(Revision { text, editor, credited, updated_at: now, ..latest }));
    }
    // What peers have approved is not under review again; what they have not is, whoever edits after.
    let credited = match latest.state {
        State::Published => BTreeSet::from([tip.author, editor]),
        _ => with(&latest.credited, editor),
    };
    let takes_its_place = latest.state.is_open();
    let next = Revision {
        number: latest.number + 1,
        round: if latest.state == State::Published { 1 } else { latest.round + 1 },
        state: if takes_its_place { latest.state } else { State::Draft },
        text,
        editor,
        credited,
        created_at: now,
        updated_at: now,
        submitted_at: if takes_its_place { Some(now) } else { None },
        decided_at: None,
        tip: latest.tip,
    };
    let before = if takes_its_place { ended(latest, State::Superseded, now) } else { latest };
    tip.latest = next.number;
    Ok(Edited::Started { before, next })
}

/// Sends a draft to reviewers.
pub fn submit(tip: &mut Tip, draft: Revision, now: Instant) -> Result<Revision, RuleError> {
    require(tip, &draft, Action::Submit)?;
    tip.updated_at = now;
    Ok(Revision { state: State::Submitted, submitted_at: Some(now), updated_at: now, ..draft })
}

/// Takes a draft or a submission back.
pub fn withdraw(tip: &mut Tip, latest: Revision, now: Instant) -> Result<Revision, RuleError> {
    require(tip, &latest, Action::Withdraw)?;
    tip.updated_at = now;
    tip.review = None;
    Ok(ended(latest, State::Withdrawn, now))
}

/// Gives a reviewer the review until the claim runs out; the holder renews it.
pub fn claim(
    tip: &Tip,
    latest: Revision,
    review: &mut Review,
    reviewer: UserId,
    minutes: i32,
    now: Instant,
) -> Result<Revision, RuleError> {
    require(tip, &latest, Action::Claim)?;
    review.free_for(reviewer, now)?;
    if review.has_decided(reviewer) {
        return Err(RuleError::AlreadyDecided);
    }
    let since = match review.live_claim(now) {
        Some(held) => held.since,
        None => now,
    };
    let until = now + chrono::Duration::minutes(i64::from(minutes));
    review.claim = Some(Claim { by: reviewer, since, until });
    review.responded_at.get_or_insert(now);
    Ok(Revision { state: State::InReview, updated_at: now, ..latest })
}

/// Gives a review back to the queue. The holder and a steward may (`access` has made sure); a claim that is not live
/// has nothing to give back.
pub fn release(tip: &Tip, latest: Revision, review: &mut Review, now: Instant) -> Result<Revision, RuleError> {
    require(tip, &latest, Action::Release)?;
    review.claim = None;
    let state = if review.approvals() == 0 { State::Submitted } else { State::InReview };
    Ok(Revision { state, updated_at: now, ..latest })
}

/// What a decision did to a tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The revision that was decided on.
    pub revision: Revision,
    /// The revision that readers saw until now, if another has taken its place.
    pub superseded: Option<Revision>,
}

/// Records one reviewer's decision: the approval that meets the quorum publishes; a request for changes or a rejection
/// ends the round at once. `live` is the revision that readers see now, if any.
pub fn decide(
    tip: &mut Tip,
    latest: Revision,
    live: Option<Revision>,
    review: &mut Review,
    decision: Decision,
    quorum: Quorum,
) -> Result<Decided, RuleError> {
    let now = decision.at;
    let action = decision.verdict.action();
    require(tip, &latest, action)?;
    if decision.revision != latest.number {
        return Err(RuleError::StaleRevision { decided: decision.revision, current: latest.number });
    }
    review.free_for(decision.reviewer, now)?;
    if review.has_decided(decision.reviewer) {
        return Err(RuleError::AlreadyDecided);
    }
    let verdict = decision.verdict;
    if let Some(by) = decision.into {
        if tip.live.is_some() {
            let detail = "readers see this tip: merge the tip itself, not a revision of it";
            return Err(RuleError::field("/into", "invalid", detail));
        }
        tip.replaced = Some(Replacement { by, how: Replaced::Merged });
    }
    review.claim = None;
    review.responded_at.get_or_insert(now);
    review.decisions.push(decision);
    tip.updated_at = now;

    if verdict == Verdict::Approve && !review.meets(quorum) {
        let revision = Revision { state: State::InReview, updated_at: now, ..latest };
        return Ok(Decided { revision, superseded: None });
    }
    tip.review = None;
    let (state, outcome) = match verdict {
        Verdict::Approve => (State::Published, Outcome::Approved),
        Verdict::RequestChanges => (State::ChangesRequested, Outcome::ChangesRequested),
        Verdict::Reject => (State::Rejected, Outcome::Rejected),
    };
    review.close(outcome, now);
    let superseded = if state == State::Published {
        publish(tip, latest.number, now);
        live.map(|old| ended(old, State::Superseded, now))
    } else {
        None
    };
    Ok(Decided { revision: ended(latest, state, now), superseded })
}

/// Makes a revision the one that readers see.
fn publish(tip: &mut Tip, number: i32, now: Instant) {
    tip.live = Some(number);
    tip.published_at.get_or_insert(now);
    if tip.confidence != Confidence::Archived {
        tip.confidence = Confidence::Validated;
    }
}

/// Stops the use of a published tip.
pub fn hold(tip: &mut Tip, latest: &Revision, reason: String, now: Instant) -> Result<(), RuleError> {
    require(tip, latest, Action::Hold)?;
    tip.hold = Some(reason);
    tip.updated_at = now;
    Ok(())
}

/// Lifts a hold.
pub fn unhold(tip: &mut Tip, latest: &Revision, now: Instant) -> Result<(), RuleError> {
    require(tip, latest, Action::Unhold)?;
    tip.hold = None;
    tip.updated_at = now;
    Ok(())
}

/// Takes a published tip out of all results.
pub fn archive(tip: &mut Tip, latest: &Revision, now: Instant) -> Result<(), RuleError> {
    require(tip, latest, Action::Archive)?;
    tip.confidence = Confidence::Archived;
    tip.updated_at = now;
    Ok(())
}

/// Brings an archived tip back, to be validated anew by use.
pub fn restore(tip: &mut Tip, latest: &Revision, now: Instant) -> Result<(), RuleError> {
    require(tip, latest, Action::Restore)?;
    tip.confidence = Confidence::NotValidated;
    tip.updated_at = now;
    Ok(())
}

/// Has another tip take a published one's place.
pub fn replace(tip: &mut Tip, latest: &Revision, replacement: Replacement, now: Instant) -> Result<(), RuleError> {
    let action = match replacement.how {
        Replaced::Merged => Action::Merge,
        Replaced::Superseded => Action::Supersede,
    };
    require(tip, latest, action)?;
    tip.replaced = Some(replacement);
    tip.updated_at = now;
    Ok(())
}

/// Gives a replaced tip its place back.
pub fn separate(tip: &mut Tip, latest: &Revision, now: Instant) -> Result<(), RuleError> {
    require(tip, latest, Action::Separate)?;
    tip.replaced = None;
    tip.updated_at = now;
    Ok(())
}

fn with(people: &BTreeSet<UserId>, one: UserId) -> BTreeSet<UserId> {
    people.iter().copied().chain([one]).collect()
}

fn ended(revision: Revision, state: State, now: Instant) -> Revision {
    Revision { state, decided_at: Some(now), updated_at: now, ..revision }
}
