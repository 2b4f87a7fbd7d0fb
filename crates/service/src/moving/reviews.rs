//! The reviews of moved tips: claims, decisions, and what was said. They come with their tip, and get ids of the new place.

use eureka_domain::comment::Comment;
use eureka_domain::ids::{CommentId, CommunityId, DecisionId, ReviewId, TipId, UserId};
use eureka_domain::review::{Amendment, Claim, Decision, Outcome, Review};
use eureka_domain::tip::{Field, Revision, Tip};
use eureka_domain::{Ids, Instant};
use eureka_store::reviews::{Promise, ToldLate};
use eureka_store::{Conn, comments, reviews};

use super::MovedName;
use super::away::named;
use super::here::{People, claim_here, find_named, here, is_erased, not_here, told};
use crate::ServiceError;

/// The review of one text of a moved tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedReview {
    /// The review, without its decisions; ids, tip and community in it are those of the place it comes from.
    pub review: Review,
    /// What was decided, oldest first.
    pub decisions: Vec<MovedDecision>,
    /// What was said, the thread that was begun first before the others.
    pub threads: Vec<MovedThread>,
    /// When people were told that it was late, if they were.
    pub reminded_at: Option<Instant>,
    /// When stewards were told that it was not decided in time, if they were.
    pub escalated_at: Option<Instant>,
}

/// One reviewer's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedDecision {
    /// The decision; ids in it are those of the place it comes from.
    pub decision: Decision,
    /// The tip that the text belongs into, where it was turned down for that.
    pub into: Option<MovedName>,
}

/// What was said about one thing: a remark, and the answers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedThread {
    /// The field it is about; absent where it is about the whole text.
    pub field: Option<Field>,
    /// What was said, oldest first.
    pub remarks: Vec<Remark>,
}

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Who.
    pub by: UserId,
    /// What.
    pub text: String,
    /// When.
    pub at: Instant,
}

impl MovedReview {
    /// Everybody who is named in it.
    pub fn people(&self) -> impl Iterator<Item = UserId> {
        let Review { offered_to, claim, amendment, .. } = &self.review;
        let holders = [*offered_to, claim.map(|claim| claim.by), amendment.map(|amendment| amendment.by)];
        let decided = self.decisions.iter().map(|moved| moved.decision.reviewer);
        let said = self.threads.iter().flat_map(|thread| &thread.remarks).map(|remark| remark.by);
        holders.into_iter().flatten().chain(decided).chain(said)
    }
}

/// The reviews of a tip, as they are moved away.
pub(super) fn to_move(conn: &mut Conn<'_>, tip: TipId) -> Result<Vec<MovedReview>, ServiceError> {
    let mut moved = Vec::new();
    for mut review in reviews::of_tip(conn, tip)? {
        let mut decisions = Vec::with_capacity(review.decisions.len());
        for decision in std::mem::take(&mut review.decisions) {
            let into = decision.into.map(|id| named(conn, id)).transpose()?.flatten();
            decisions.push(MovedDecision { decision, into });
        }
        let threads = threads(comments::list(conn, review.id, None, i64::MAX)?);
        let ToldLate { reminded_at, escalated_at } = reviews::was_told_late(conn, review.id)?;
        moved.push(MovedReview { review, decisions, threads, reminded_at, escalated_at });
    }
    Ok(moved)
}

/// Comments by what they answer, all of them oldest first.
fn threads(comments: Vec<Comment>) -> Vec<MovedThread> {
    let (answers, first): (Vec<_>, Vec<_>) = comments.into_iter().partition(|comment| comment.reply_to.is_some());
    let remark = |Comment { author: by, text, at, .. }| Remark { by, text, at };
    let begun = |first: Comment| (first.id, MovedThread { field: first.field, remarks: vec![remark(first)] });
    let mut threads: Vec<(CommentId, MovedThread)> = first.into_iter().map(begun).collect();
    for answer in answers {
        if let Some((_, thread)) = threads.iter_mut().find(|(first, _)| Some(*first) == answer.reply_to) {
            thread.remarks.push(remark(answer));
        }
    }
    threads.into_iter().map(|(_, thread)| thread).collect()
}

/// A review as it is kept here.
pub(super) struct Placed {
    pub(super) review: Review,
    comments: Vec<Comment>,
    reminded_at: Option<Instant>,
    escalated_at: Option<Instant>,
}

/// What reviews are taken in with.
pub(super) struct Arriving<'a> {
    /// The tip, as it is here.
    pub(super) tip: TipId,
    /// Its community.
    pub(super) community: CommunityId,
    /// Its texts.
    pub(super) texts: &'a [Revision],
    /// Who people are here.
    pub(super) people: &'a People,
    /// Where ids come from.
    pub(super) ids: &'a dyn Ids,
    /// The present moment.
    pub(super) now: Instant,
}

/// The reviews of a tip as they are kept here, or why they cannot be; whether they could have come about is asked of
/// [`eureka_domain::past`] next.
pub(super) fn placed(
    conn: &mut Conn<'_>,
    moved: &[MovedReview],
    arriving: &Arriving<'_>,
) -> Result<Result<Vec<Placed>, String>, ServiceError> {
    let mut placed = Vec::with_capacity(moved.len());
    for told in moved {
        let mut decisions = Vec::with_capacity(told.decisions.len());
        for MovedDecision { decision, into } in &told.decisions {
            let into = match into {
                None => None,
                Some(name) => match find_named(conn, name)? {
                    Some(other) if other.community == arriving.community && other.live.is_some() => Some(other.id),
                    Some(_) => {
                        return Ok(Err("a text belongs into a tip of its community that readers see".to_owned()));
                    }
                    None => return Ok(Err(not_here(name))),
                },
            };
            decisions.push(Decision { into, ..decision.clone() });
        }
        let mut one = match arriving.place(told, decisions) {
            Ok(one) => one,
            Err(why) => return Ok(Err(why)),
        };
        one.review.claim = claim_here(conn, one.review.claim, arriving.now)?;
        if let Some(user) = one.review.offered_to
            && one.review.closed.is_none()
            && is_erased(conn, user)?
        {
            one.review.offered_to = None;
        }
        placed.push(one);
    }
    Ok(Ok(placed))
}

impl Arriving<'_> {
    fn place(&self, moved: &MovedReview, decisions: Vec<Decision>) -> Result<Placed, String> {
        let there = &moved.review;
        let here = |user: UserId| here(self.people, user);
        let decide = |decision: Decision| {
            let decision = Decision { id: DecisionId(self.id()), reviewer: here(decision.reviewer)?, ..decision };
            decision.checked().map_err(told)
        };
        let claim = |claim: Claim| here(claim.by).map(|by| Claim { by, ..claim });
        let amend = |amendment: Amendment| here(amendment.by).map(|by| Amendment { by, ..amendment });
        let review = Review {
            id: ReviewId(self.id()),
            tip: self.tip,
            community: self.community,
            round: self.texts.iter().find(|text| text.number == there.revision).map_or(there.round, |text| text.round),
            offered_to: there.offered_to.map(here).transpose()?,
            claim: there.claim.map(claim).transpose()?,
            decisions: decisions.into_iter().map(decide).collect::<Result<_, _>>()?,
            amendment: there.amendment.map(amend).transpose()?,
            ..there.clone()
        };
        let comments = self.said(&moved.threads, review.id)?;
        Ok(Placed { review, comments, reminded_at: moved.reminded_at, escalated_at: moved.escalated_at })
    }

    /// What was said in a review.
    fn said(&self, threads: &[MovedThread], review: ReviewId) -> Result<Vec<Comment>, String> {
        let mut said = Vec::new();
        for thread in threads {
            let mut first = None;
            for Remark { by, text, at } in &thread.remarks {
                let comment = Comment {
                    id: CommentId(self.id()),
                    review,
                    reply_to: first,
                    field: thread.field,
                    author: here(self.people, *by)?,
                    text: text.clone(),
                    at: *at,
                };
                first.get_or_insert(comment.id);
                said.push(comment.checked().map_err(told)?);
            }
            if first.is_none() {
                return Err("a thread in which nobody says anything".to_owned());
            }
        }
        Ok(said)
    }

    fn id(&self) -> uuid::Uuid {
        self.ids.next(self.now)
    }
}

/// The review of a tip that is not over.
pub(super) fn open(placed: &[Placed]) -> Option<ReviewId> {
    placed.iter().map(|placed| &placed.review).find(|review| review.closed.is_none()).map(|review| review.id)
}

/// Keeps the reviews of a tip whose texts are here now.
pub(super) fn take(conn: &mut Conn<'_>, placed: Vec<Placed>) -> Result<(), ServiceError> {
    for Placed { review, comments: said, reminded_at, escalated_at } in placed {
        reviews::insert(conn, &review)?;
        for decision in &review.decisions {
            reviews::add_decision(conn, &review, decision)?;
        }
        for comment in &said {
            comments::insert(conn, comment)?;
        }
        for (promise, told_at) in [(Promise::Response, reminded_at), (Promise::Decision, escalated_at)] {
            if let Some(at) = told_at {
                reviews::told_late(conn, review.id, promise, at)?;
            }
        }
    }
    Ok(())
}

/// Whether the newest text of a tip was turned down because it belongs into another one.
pub(super) fn belongs_into(conn: &mut Conn<'_>, tip: &Tip, other: TipId) -> Result<bool, ServiceError> {
    let last = reviews::of_tip(conn, tip.id)?.pop().filter(|review| review.revision == tip.latest);
    let rejected = last.filter(|review| review.closed.is_some_and(|(outcome, _)| outcome == Outcome::Rejected));
    Ok(rejected.is_some_and(|review| review.decisions.iter().any(|decision| decision.into == Some(other))))
}
