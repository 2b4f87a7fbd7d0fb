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
//! place of the old one in the queue, as a reviewer's approval with edits does; editing one that has ended starts a draft.

use std::collections::BTreeSet;

use crate::clock::Instant;
use crate::error::RuleError;
use crate::ids::UserId;
use crate::review::{Amendment, Decision, Outcome, Quorum, Review, Verdict};
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
        /// Agree to what a reviewer has edited.
        AcceptEdits = "accept_edits",
        /// Have one's own text back under review, without a reviewer's edits.
        DeclineEdits = "decline_edits",
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
            Self::AcceptEdits => "agreed to",
            Self::DeclineEdits => "taken back as it was",
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
/// For [`Action::Edit`] and [`Action::DeclineEdits`] the state is that of the revision that then holds the text. For
/// [`Action::Approve`] and [`Action::AcceptEdits`] it is that of a revision whose quorum is reached. Hold, archive, merge
/// and their opposites act on the tip and leave the state.
pub const fn after(state: State, action: Action) -> Option<State> {
    use State::{ChangesRequested, Draft, InReview, Published, Rejected, Submitted, Superseded, Withdrawn};
    match (state, action) {
        (Draft | ChangesRequested | Published | Rejected | Withdrawn, Action::Edit) => Some(Draft),
        (Submitted, Action::Edit | Action::DeclineEdits) | (Draft, Action::Submit) => Some(Submitted),
        (InReview, Action::Edit | Action::DeclineEdits) | (Submitted | InReview, Action::Claim) => Some(InReview),
        (InReview, Action::Release) => Some(Submitted),
        (Draft | Submitted | InReview, Action::Withdraw) => Some(Withdrawn),
        (Submitted | InReview, Action::Approve | Action::AcceptEdits) => Some(Published),
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

/// What can be answered in a review that asks whether a reviewer's edits are agreed to.
pub fn answers(review: &Review) -> &'static [Action] {
    if review.asks() { &[Action::AcceptEdits, Action::DeclineEdits] } else { &[] }
}

fn is_possible(tip: &Tip, latest: &Revision, action: Action) -> bool {
    let fits_tip = match action {
        Action::Hold => tip.live.is_some() && tip.hold.is_none(),
        Action::Unhold => tip.hold.is_some(),
        Action::Archive => tip.live.is_some() && tip.confidence != Confidence::Archived,
        Action::Restore => tip.confidence == Confidence::Archived,
        Action::Merge | Action::Supersede => tip.live.is_some() && !latest.state.is_open() && tip.replaced.is_none(),
        Action::Separate => tip.replaced.is_some(),
        // A review knows whether it asks: see `answers`.
        Action::AcceptEdits | Action::DeclineEdits => false,
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
    if latest.state == State::Draft {
        tip.updated_at = now;
        let credited = with(&latest.credited, editor);
        return Ok(Edited::Rewritten(Revision { text, editor, credited, updated_at: now, ..latest }));
    }
    // What peers have approved is not under review again; what they have not is, whoever edits after.
    let credited = match latest.state {
        State::Published => BTreeSet::from([tip.author, editor]),
        _ => with(&latest.credited, editor),
    };
    let (before, next) = start(tip, latest, text, editor, credited, now);
    Ok(Edited::Started { before, next })
}

/// Starts the next revision, in the place of one that is under review. Answers the one before and the new one.
fn start(
    tip: &mut Tip,
    latest: Revision,
    text: TipText,
    editor: UserId,
    credited: BTreeSet<UserId>,
    now: Instant,
) -> (Revision, Revision) {
    tip.updated_at = now;
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
    (before, next)
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
    review.open_to(reviewer, now)?;
    review.claim_for(reviewer, minutes, now);
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
    may_still_decide(tip, &latest, review, &decision)?;
    let (verdict, now) = (decision.verdict, decision.at);
    if let Some(by) = decision.into {
        if tip.live.is_some() {
            let detail = "readers see this tip: merge the tip itself, not a revision of it";
            return Err(RuleError::field("/into", "invalid", detail));
        }
        tip.replaced = Some(Replacement { by, how: Replaced::Merged });
    }
    take_down(review, decision);
    tip.updated_at = now;
    let (state, outcome) = match verdict {
        Verdict::Approve => return Ok(approved(tip, latest, live, review, quorum, now)),
        Verdict::RequestChanges => (State::ChangesRequested, Outcome::ChangesRequested),
        Verdict::Reject => (State::Rejected, Outcome::Rejected),
    };
    tip.review = None;
    review.close(outcome, now);
    Ok(Decided { revision: ended(latest, state, now), superseded: None })
}

/// What an approval with edits did to a tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amended {
    /// The revision that was decided on: the next one has taken its place.
    pub before: Revision,
    /// The text as the reviewer would have it.
    pub next: Revision,
    /// The approval that counts for it once somebody whose words it was agrees.
    pub amendment: Amendment,
}

/// Records a reviewer's approval of a text as they would have it. That takes the place of the one under review, and
/// those whose words it was are asked; the reviewer is credited on it now and decides no more, but others may.
pub fn approve_with_edits(
    tip: &mut Tip,
    latest: Revision,
    review: &mut Review,
    decision: Decision,
    text: TipText,
) -> Result<Amended, RuleError> {
    may_still_decide(tip, &latest, review, &decision)?;
    if text == latest.text {
        return Err(RuleError::field("/edits", "invalid", "they leave the text as it is: approve it"));
    }
    let now = decision.at;
    let amendment = Amendment { by: decision.reviewer, role: decision.role, agreed_at: None };
    let credited = with(&latest.credited, decision.reviewer);
    let (before, next) = start(tip, latest, text, decision.reviewer, credited, now);
    take_down(review, decision);
    Ok(Amended { before, next, amendment })
}

/// Agrees to what a reviewer has edited: their approval counts, and publishes where it is enough.
pub fn accept_edits(
    tip: &mut Tip,
    latest: Revision,
    live: Option<Revision>,
    review: &mut Review,
    quorum: Quorum,
    now: Instant,
) -> Result<Decided, RuleError> {
    let amendment = asked(tip, &latest, review, Action::AcceptEdits)?;
    review.amendment = Some(Amendment { agreed_at: Some(now), ..amendment });
    tip.updated_at = now;
    Ok(approved(tip, latest, live, review, quorum, now))
}

/// Has the text from before a reviewer's edits under review again. Those who were not credited on it then are not now:
/// none of their words are in it. Answers the revision with the edits and the new one.
pub fn decline_edits(
    tip: &mut Tip,
    latest: Revision,
    original: Revision,
    review: &Review,
    by: UserId,
    now: Instant,
) -> Result<(Revision, Revision), RuleError> {
    asked(tip, &latest, review, Action::DeclineEdits)?;
    let credited = with(&original.credited, by);
    Ok(start(tip, latest, original.text, by, credited, now))
}

/// Refuses a decision on a text that has changed meanwhile, that another reviewer holds, or that they decided on before.
fn may_still_decide(tip: &Tip, latest: &Revision, review: &Review, decision: &Decision) -> Result<(), RuleError> {
    require(tip, latest, decision.verdict.action())?;
    if decision.revision != latest.number {
        return Err(RuleError::StaleRevision { decided: decision.revision, current: latest.number });
    }
    review.open_to(decision.reviewer, decision.at)
}

/// Refuses an answer that no review asks for.
fn asked(tip: &Tip, latest: &Revision, review: &Review, action: Action) -> Result<Amendment, RuleError> {
    match review.amendment {
        Some(amendment) if review.asks() => Ok(amendment),
        _ => Err(RuleError::WrongState { state: latest.state, action, possible: possible(tip, latest) }),
    }
}

/// Notes a decision in its review, which ends the reviewer's claim.
fn take_down(review: &mut Review, decision: Decision) {
    review.claim = None;
    review.responded_at.get_or_insert(decision.at);
    review.decisions.push(decision);
}

/// Publishes a revision that has the approvals it takes; any other stays under review.
fn approved(
    tip: &mut Tip,
    latest: Revision,
    live: Option<Revision>,
    review: &mut Review,
    quorum: Quorum,
    now: Instant,
) -> Decided {
    if !review.meets(quorum) {
        return Decided { revision: Revision { state: State::InReview, updated_at: now, ..latest }, superseded: None };
    }
    tip.review = None;
    review.close(Outcome::Approved, now);
    publish(tip, latest.number, now);
    let superseded = live.map(|old| ended(old, State::Superseded, now));
    Decided { revision: ended(latest, State::Published, now), superseded }
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
