//! Peer review: claims, decisions. Reviewers' edits and what their authors say to them are in `reviews/edits.rs`, what a
//! reviewer reads in `desk.rs`, what is said in `comments.rs`, what waits and for how long in `queue.rs`, `late.rs` and
//! `stats.rs`.

mod comments;
mod desk;
mod edits;
mod late;
mod queue;
mod stats;

use std::collections::BTreeSet;
use std::sync::Arc;

use eureka_domain::access::{self, Caller};
use eureka_domain::change::{Facts, Kind};
use eureka_domain::clock::Ids;
use eureka_domain::community::{Community, Role};
use eureka_domain::ids::{DecisionId, ReviewId, TipRef, UserId};
use eureka_domain::review::{Decision, Quorum, Reason, Review, Verdict};
use eureka_domain::tip::{Revision, Tip};
use eureka_domain::workflow::{self, Action, Decided};
use eureka_domain::{Instant, RuleError, visibility};
use eureka_store::tips::TipSheet;
use eureka_store::{Conn, Written, communities, reviews, revisions, tips, users};

use crate::notifications::record;
use crate::rechecks;
use crate::tips::{change, successor};
use crate::{Answer, Once, Person, Service, ServiceError, TipChanges, audit, gaps, once, relations};

pub use comments::{CommentView, NewComment};
pub use desk::{EarlierReason, ReviewDesk};
pub use queue::{QueueCounts, QueueQuery};
pub use stats::{QueueStats, ThinProduct};

/// A decision as a reviewer sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionDraft {
    /// What.
    pub verdict: Verdict,
    /// Why, from the list.
    pub reason: Option<Reason>,
    /// Why, in words.
    pub comment: Option<String>,
    /// The tip that says the same, where the text is turned down because it belongs there.
    pub into: Option<TipRef>,
    /// What to change in the text first, where it is approved with edits.
    pub edits: Option<TipChanges>,
    /// The revision it was made on.
    pub revision: i32,
}

/// A review with the text it is about: what a reviewer needs to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewDetail {
    /// The review; its claim is absent once it has run out.
    pub review: Review,
    /// The tip.
    pub tip: Tip,
    /// The community's slug.
    pub community: String,
    /// Whose name is on the tip.
    pub author: Person,
    /// The revision under review.
    pub revision: Revision,
    /// The revision that readers see now, if any.
    pub live: Option<Revision>,
    /// What it takes to publish it.
    pub quorum: Quorum,
    /// Whether an answer that was promised has not come.
    pub overdue: bool,
    /// Those named in the review.
    pub people: Vec<Person>,
    /// What the caller can do to it now.
    pub possible: Vec<Action>,
}

impl ReviewDetail {
    /// The strong entity tag of this view.
    pub fn etag(&self) -> String {
        crate::entity_tag(self)
    }
}

/// A review that the caller may know of, with what it is about.
struct Found {
    review: Review,
    tip: Tip,
    revision: Revision,
    community: Community,
}

/// A review locked for change, with all it is about.
struct Open {
    review: Review,
    /// The revision it is of: the newest, while it is open.
    revision: Revision,
    sheet: TipSheet,
    community: Community,
}

const NONE: ServiceError = ServiceError::NotFound("review");

impl Service {
    /// Takes up a review, or renews the claim on it.
    pub fn claim_review(&self, caller: &Caller, id: ReviewId) -> Result<Written<ReviewDetail>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store.write(move |conn| {
            let open = lock(conn, &caller, id)?.permit(&caller, Action::Claim)?;
            claim(conn, &caller, open, now)
        })
    }

    /// Gives a review back to the queue: its holder, or a steward.
    pub fn release_review(&self, caller: &Caller, id: ReviewId) -> Result<Written<ReviewDetail>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store.write(move |conn| {
            let open = lock(conn, &caller, id)?.permit(&caller, Action::Release)?;
            free_for(&open.review, &caller, Action::Release, now)?;
            let Open { mut review, sheet: TipSheet { tip, live, latest }, community, .. } = open;
            let before = latest.state;
            let latest = workflow::release(&tip, latest, &mut review, now)?;
            revisions::save_state(conn, &latest)?;
            reviews::save(conn, &review)?;
            let change = change(Kind::ReviewReleased, &caller, &tip, now).about(review.id.0);
            record(conn, &change.at_revision(Some(before), &latest), &tip, &latest)?;
            detail(conn, &caller, Found { review, tip, revision: latest, community }, live, now)
        })
    }

    /// Records the caller's decision. The approval that meets the quorum publishes; a request for changes or a rejection
    /// ends the round. Nobody decides a text they are credited on.
    pub fn decide_review(
        &self,
        caller: &Caller,
        id: ReviewId,
        draft: DecisionDraft,
        once: Once<ReviewDetail>,
    ) -> Result<Answer, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let decision = Decision {
            id: DecisionId(self.new_id(now)),
            revision: draft.revision,
            reviewer: caller.user,
            role: Role::Reviewer, // until the community is known
            verdict: draft.verdict,
            reason: draft.reason,
            comment: draft.comment,
            into: None, // until it is known to be there
            edited_into: draft.edits.as_ref().map(|_| draft.revision.saturating_add(1)),
            at: now,
        }
        .checked()?;
        let review_id = ReviewId(self.new_id(now));
        let ids = Arc::clone(&self.ids);
        let written = self.store.write(move |conn| {
            let permit = |conn: &mut Conn<'_>| lock(conn, &caller, id);
            once::run(conn, caller.user, once, now, permit, |conn, open| {
                let open = open.permit(&caller, decision.verdict.action())?;
                let role = caller.role_in(open.community.id).unwrap_or(Role::Reviewer);
                if let Some(edits) = draft.edits {
                    return edits::approve(conn, &caller, open, Decision { role, ..decision }, edits, review_id);
                }
                let Open { mut review, sheet: TipSheet { mut tip, live, latest }, community, .. } = open;
                let (before, confidence) = (latest.state, tip.confidence);
                let quorum = community.policy.quorum_for(latest.text.safety);
                let target = match draft.into {
                    Some(named) => Some(successor(conn, &caller, &tip, named, "/into")?),
                    None => None,
                };
                let decision = Decision { role, into: target.as_ref().map(|target| target.id), ..decision };
                let decided = workflow::decide(&mut tip, latest, live.clone(), &mut review, decision.clone(), quorum)?;
                reviews::add_decision(conn, &review, &decision)?;
                save(conn, &tip, &decided, &review)?;
                let kind = match (decision.verdict, review.closed.is_some()) {
                    (Verdict::Approve, true) => Kind::TipPublished,
                    (Verdict::Approve, false) => Kind::ReviewApproved,
                    (Verdict::RequestChanges, _) => Kind::TipChangesRequested,
                    (Verdict::Reject, _) if target.is_some() => Kind::TipMerged,
                    (Verdict::Reject, _) => Kind::TipRejected,
                };
                let facts = Facts {
                    reason: decision.comment.clone(),
                    reason_code: decision.reason.map(|reason| reason.word().to_owned()),
                    ..match &target {
                        Some(target) => Facts { value: Some(target.number.to_string()), ..Facts::default() },
                        None => audit::turned(confidence, tip.confidence),
                    }
                };
                let change = change(kind, &caller, &tip, now).about(review.id.0).telling(audit::payload(&facts)?);
                record(conn, &change.at_revision(Some(before), &decided.revision), &tip, &decided.revision)?;
                if kind == Kind::TipPublished {
                    settle(conn, caller.user, &tip, &decided.revision, &*ids, now)?;
                }
                detail(conn, &caller, Found { review, tip, revision: decided.revision, community }, live, now)
            })
        })?;
        Ok(written.value)
    }
}

/// Writes down what became of a review and its tip.
fn save(conn: &mut Conn<'_>, tip: &Tip, decided: &Decided, review: &Review) -> Result<(), ServiceError> {
    if let Some(old) = &decided.superseded {
        revisions::save_state(conn, old)?;
    }
    revisions::save_state(conn, &decided.revision)?;
    reviews::save(conn, review)?;
    Ok(tips::save(conn, tip)?)
}

/// Settles what a published text settles: gaps and re-checks, and how it relates to others.
fn settle(
    conn: &mut Conn<'_>,
    by: UserId,
    tip: &Tip,
    published: &Revision,
    ids: &dyn Ids,
    now: Instant,
) -> Result<(), ServiceError> {
    gaps::close_answered(conn, by, tip, now)?;
    rechecks::close_by_approval(conn, tip, published, now)?;
    relations::confirm(conn, by, tip, published, ids, now)
}

fn claim(conn: &mut Conn<'_>, caller: &Caller, open: Open, now: Instant) -> Result<ReviewDetail, ServiceError> {
    let Open { mut review, sheet: TipSheet { tip, live, latest }, community, .. } = open;
    let before = latest.state;
    let minutes = community.policy.claim_minutes;
    let latest = workflow::claim(&tip, latest, &mut review, caller.user, minutes, now)?;
    revisions::save_state(conn, &latest)?;
    reviews::save(conn, &review)?;
    let change = change(Kind::ReviewClaimed, caller, &tip, now).about(review.id.0);
    record(conn, &change.at_revision(Some(before), &latest), &tip, &latest)?;
    detail(conn, caller, Found { review, tip, revision: latest, community }, live, now)
}

/// Refuses what another's live claim stands against. A steward gives back what anybody holds.
fn free_for(review: &Review, caller: &Caller, action: Action, now: Instant) -> Result<(), RuleError> {
    let gives_back = action == Action::Release && caller.has(review.community, Role::Steward);
    if gives_back { Ok(()) } else { review.free_for(caller.user, now) }
}

/// What a review is about, if the caller may know of it: as the author of the text, or as a reviewer.
fn find(conn: &mut Conn<'_>, caller: &Caller, review: Review) -> Result<Found, ServiceError> {
    let tip = tips::find(conn, &TipRef::Id(review.tip))?.ok_or(NONE)?;
    let community = communities::find(conn, tip.community)?.ok_or(NONE)?;
    let revision = revisions::find(conn, tip.id, review.revision)?.ok_or(NONE)?;
    if knows(caller, &tip, &revision, &community) { Ok(Found { review, tip, revision, community }) } else { Err(NONE) }
}

/// Whether a caller may know of the review of a revision.
fn knows(caller: &Caller, tip: &Tip, revision: &Revision, community: &Community) -> bool {
    let inside = access::is_credited(caller.user, tip, revision) || caller.reviews(community.id) || caller.is_admin();
    inside && visibility::sees_revision(caller, tip, revision, community)
}

/// Locks a review and its tip, if the caller may know of them (404).
fn lock(conn: &mut Conn<'_>, caller: &Caller, id: ReviewId) -> Result<Open, ServiceError> {
    let tip = reviews::tip_of(conn, id)?.ok_or(NONE)?;
    let sheet = tips::lock(conn, &TipRef::Id(tip))?.ok_or(NONE)?;
    let review = reviews::find(conn, id)?.ok_or(NONE)?;
    let community = communities::find(conn, sheet.tip.community)?.ok_or(NONE)?;
    let revision = match review.revision {
        newest if newest == sheet.latest.number => sheet.latest.clone(),
        earlier => revisions::find(conn, tip, earlier)?.ok_or(NONE)?,
    };
    if knows(caller, &sheet.tip, &revision, &community) {
        Ok(Open { review, revision, sheet, community })
    } else {
        Err(NONE)
    }
}

impl Open {
    /// Refuses what the caller may not do (403), and what comes after the review's end (409).
    fn permit(self, caller: &Caller, action: Action) -> Result<Self, RuleError> {
        access::may(caller, action, &self.sheet.tip, &self.revision)?;
        if self.review.closed.is_some() {
            let possible = workflow::possible(&self.sheet.tip, &self.sheet.latest);
            return Err(RuleError::WrongState { state: self.revision.state, action, possible });
        }
        Ok(self)
    }
}

/// The review as the caller sees it.
fn read(conn: &mut Conn<'_>, caller: &Caller, review: Review, now: Instant) -> Result<ReviewDetail, ServiceError> {
    let found = find(conn, caller, review)?;
    let live = match found.tip.live {
        Some(number) if number != found.revision.number => revisions::find(conn, found.tip.id, number)?,
        _ => None,
    };
    detail(conn, caller, found, live, now)
}

/// A review and the text that was live before it, as the caller sees them.
fn detail(
    conn: &mut Conn<'_>,
    caller: &Caller,
    Found { mut review, tip, revision, community }: Found,
    live: Option<Revision>,
    now: Instant,
) -> Result<ReviewDetail, ServiceError> {
    let live = live
        .filter(|live| tip.live == Some(live.number) && live.number != revision.number)
        .filter(|live| visibility::sees_revision(caller, &tip, live, &community));
    review.claim = review.live_claim(now);
    let possible = if review.closed.is_none() {
        workflow::possible(&tip, &revision)
            .into_iter()
            .filter(|action| REVIEW_ACTIONS.contains(action))
            .filter(|&action| free_for(&review, caller, action, now).is_ok())
            .filter(|action| *action == Action::Release || !review.has_decided(caller.user))
            .chain(workflow::answers(&review).iter().copied())
            .filter(|&action| access::may(caller, action, &tip, &revision).is_ok())
            .collect()
    } else {
        Vec::new()
    };
    let mut named: BTreeSet<UserId> = review.decisions.iter().map(|d| d.reviewer).collect();
    named.extend(review.claim.map(|claim| claim.by));
    named.extend(review.offered_to);
    named.extend(review.amendment.map(|amendment| amendment.by));
    named.insert(tip.author);
    let names = users::names(conn, &named.iter().copied().collect::<Vec<_>>())?;
    Ok(ReviewDetail {
        author: Person::named(tip.author, &names),
        people: named.into_iter().map(|id| Person::named(id, &names)).collect(),
        community: community.slug,
        quorum: community.policy.quorum_for(revision.text.safety),
        overdue: review.is_overdue(now),
        review,
        tip,
        revision,
        live,
        possible,
    })
}

/// What can be done in a review.
const REVIEW_ACTIONS: [Action; 5] =
    [Action::Claim, Action::Release, Action::Approve, Action::RequestChanges, Action::Reject];
