//! Reviews, their decisions, and the queue.

mod queue;
mod stats;

use std::collections::HashMap;

use diesel::dsl::exists;
use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::community::Role;
use eureka_domain::ids::{CommunityId, DecisionId, ReviewId, TipId, UserId};
use eureka_domain::review::{Amendment, Claim, Decision, Due, Outcome, Reason, Review, Verdict};

use crate::schema::{decisions, reviews, tips};
use crate::sql_types::{DbInstant, DbUuid};
use crate::update::update;
use crate::{Conn, StoreError};

pub use queue::{
    About, Promise, QueueFilter, QueueSort, QueueState, ToldLate, Waiting, count, held_by, late, queue, told_late,
    waiting_for, was_told_late, worked_on,
};
pub use stats::{Recent, active_reviewers, recent};

/// Opens a review. Its decisions are added one by one. A conflict is `reviews.revision`.
pub fn insert(conn: &mut Conn<'_>, review: &Review) -> Result<(), StoreError> {
    let row = Row::from(review);
    on_each!(conn, c => diesel::insert_into(reviews::table).values(&row).execute(*c))?;
    Ok(())
}

/// Writes all of a review but its decisions.
pub fn save(conn: &mut Conn<'_>, review: &Review) -> Result<(), StoreError> {
    let row = Row::from(review);
    on_each!(conn, c => update(reviews::table, reviews::id.eq(row.id), &row).execute(*c))?;
    Ok(())
}

/// Adds a reviewer's decision. Conflicts: `decisions.reviewer` (a second one), `self_review` (on a text they are
/// credited on).
pub fn add_decision(conn: &mut Conn<'_>, review: &Review, decision: &Decision) -> Result<(), StoreError> {
    let row = DecisionRow {
        id: DbUuid(decision.id.0),
        review_id: DbUuid(review.id.0),
        tip_id: DbUuid(review.tip.0),
        revision: decision.revision,
        reviewer_id: DbUuid(decision.reviewer.0),
        role: Some(decision.role.word().to_owned()),
        verdict: decision.verdict.word().to_owned(),
        reason: decision.reason.map(|reason| reason.word().to_owned()),
        comment: decision.comment.clone(),
        merged_into: decision.into.map(|id| DbUuid(id.0)),
        edited_into: decision.edited_into,
        at: DbInstant(decision.at),
    };
    on_each!(conn, c => diesel::insert_into(decisions::table).values(&row).execute(*c))?;
    Ok(())
}

/// One review with its decisions.
pub fn find(conn: &mut Conn<'_>, id: ReviewId) -> Result<Option<Review>, StoreError> {
    let query = reviews::table.find(DbUuid(id.0));
    let row: Option<Row> = on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?;
    Ok(with_decisions(conn, row.into_iter().collect())?.pop())
}

/// The tip that a review is of.
pub fn tip_of(conn: &mut Conn<'_>, id: ReviewId) -> Result<Option<TipId>, StoreError> {
    let query = reviews::table.find(DbUuid(id.0)).select(reviews::tip_id);
    let tip: Option<DbUuid> = on_each!(conn, c => query.first(*c).optional())?;
    Ok(tip.map(|id| TipId(id.0)))
}

/// Every review of a tip, in the order of its revisions.
pub fn of_tip(conn: &mut Conn<'_>, tip: TipId) -> Result<Vec<Review>, StoreError> {
    let query = reviews::table.filter(reviews::tip_id.eq(DbUuid(tip.0))).order(reviews::revision);
    let rows: Vec<Row> = on_each!(conn, c => query.select(Row::as_select()).load(*c))?;
    with_decisions(conn, rows)
}

/// The tips of which a text was turned down because it belongs into another tip, in the order in which they were published;
/// those that never were come last.
pub fn turned_into_others(conn: &mut Conn<'_>) -> Result<Vec<TipId>, StoreError> {
    let query = tips::table
        .filter(exists(
            decisions::table.filter(decisions::tip_id.eq(tips::id)).filter(decisions::merged_into.is_not_null()),
        ))
        .order((tips::published_at.is_null(), tips::published_at, tips::id))
        .select(tips::id);
    let ids: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
    Ok(ids.into_iter().map(|id| TipId(id.0)).collect())
}

/// What reviewers of a community last told an author, other than that they approved; the newest first.
pub fn reasons_given(
    conn: &mut Conn<'_>,
    community: CommunityId,
    author: UserId,
    limit: i64,
) -> Result<Vec<(TipId, Decision)>, StoreError> {
    let query = decisions::table
        .inner_join(tips::table.on(tips::id.eq(decisions::tip_id)))
        .filter(tips::author_id.eq(DbUuid(author.0)))
        .filter(tips::community_id.eq(DbUuid(community.0)))
        .filter(decisions::verdict.ne(Verdict::Approve.word()))
        .order((decisions::at.desc(), decisions::id))
        .limit(limit);
    let rows: Vec<DecisionRow> = on_each!(conn, c => query.select(DecisionRow::as_select()).load(*c))?;
    rows.into_iter().map(|row| Ok((TipId(row.tip_id.0), row.try_into()?))).collect()
}

/// Adds to each review its decisions, oldest first, with one query for many reviews.
fn with_decisions(conn: &mut Conn<'_>, rows: Vec<Row>) -> Result<Vec<Review>, StoreError> {
    let mut of_review: HashMap<DbUuid, Vec<Decision>> = HashMap::new();
    for rows in rows.chunks(crate::MANY) {
        let ids: Vec<DbUuid> = rows.iter().map(|row| row.id).collect();
        let query = decisions::table.filter(decisions::review_id.eq_any(ids)).order((decisions::at, decisions::id));
        let found: Vec<DecisionRow> = on_each!(conn, c => query.select(DecisionRow::as_select()).load(*c))?;
        for row in found {
            of_review.entry(row.review_id).or_default().push(row.try_into()?);
        }
    }
    let whole = |row: Row| {
        let decisions = of_review.remove(&row.id).unwrap_or_default();
        Ok(Review { decisions, ..Review::try_from(row)? })
    };
    rows.into_iter().map(whole).collect()
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = reviews, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Row {
    id: DbUuid,
    tip_id: DbUuid,
    revision: i32,
    community_id: DbUuid,
    round: i32,
    claimed_by: Option<DbUuid>,
    claimed_since: Option<DbInstant>,
    claimed_until: Option<DbInstant>,
    outcome: Option<String>,
    closed_at: Option<DbInstant>,
    opened_at: DbInstant,
    offered_to: Option<DbUuid>,
    respond_by: Option<DbInstant>,
    decide_by: Option<DbInstant>,
    responded_at: Option<DbInstant>,
    amended_by: Option<DbUuid>,
    amended_as: Option<String>,
    agreed_at: Option<DbInstant>,
}

impl From<&Review> for Row {
    fn from(review: &Review) -> Self {
        Self {
            id: DbUuid(review.id.0),
            tip_id: DbUuid(review.tip.0),
            revision: review.revision,
            community_id: DbUuid(review.community.0),
            round: review.round,
            claimed_by: review.claim.map(|claim| DbUuid(claim.by.0)),
            claimed_since: review.claim.map(|claim| DbInstant(claim.since)),
            claimed_until: review.claim.map(|claim| DbInstant(claim.until)),
            outcome: review.closed.map(|(outcome, _)| outcome.word().to_owned()),
            closed_at: review.closed.map(|(_, at)| DbInstant(at)),
            opened_at: DbInstant(review.opened_at),
            offered_to: review.offered_to.map(|id| DbUuid(id.0)),
            respond_by: Some(DbInstant(review.due.respond_by)),
            decide_by: Some(DbInstant(review.due.decide_by)),
            responded_at: review.responded_at.map(DbInstant),
            amended_by: review.amendment.map(|amendment| DbUuid(amendment.by.0)),
            amended_as: review.amendment.map(|amendment| amendment.role.word().to_owned()),
            agreed_at: review.amendment.and_then(|amendment| amendment.agreed_at).map(DbInstant),
        }
    }
}

/// Without its decisions.
impl TryFrom<Row> for Review {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let claim = match (row.claimed_by, row.claimed_since, row.claimed_until) {
            (Some(by), Some(since), Some(until)) => Some(Claim { by: UserId(by.0), since: since.0, until: until.0 }),
            _ => None,
        };
        let amendment = match (row.amended_by, row.amended_as) {
            (Some(by), Some(word)) => {
                let role = Role::from_word(&word).ok_or_else(|| StoreError::corrupt("reviews.amended_as", word))?;
                Some(Amendment { by: UserId(by.0), role, agreed_at: row.agreed_at.map(|at| at.0) })
            }
            _ => None,
        };
        let outcome =
            |word: String| Outcome::from_word(&word).ok_or_else(|| StoreError::corrupt("reviews.outcome", word));
        let closed: Option<(Outcome, Instant)> = match (row.outcome, row.closed_at) {
            (Some(word), Some(at)) => Some((outcome(word)?, at.0)),
            _ => None,
        };
        Ok(Self {
            id: ReviewId(row.id.0),
            tip: TipId(row.tip_id.0),
            revision: row.revision,
            community: CommunityId(row.community_id.0),
            round: row.round,
            claim,
            decisions: Vec::new(),
            amendment,
            closed,
            opened_at: row.opened_at.0,
            offered_to: row.offered_to.map(|id| UserId(id.0)),
            due: Due {
                respond_by: row.respond_by.unwrap_or(row.opened_at).0,
                decide_by: row.decide_by.unwrap_or(row.opened_at).0,
            },
            responded_at: row.responded_at.map(|at| at.0),
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = decisions, treat_none_as_default_value = false)]
struct DecisionRow {
    id: DbUuid,
    review_id: DbUuid,
    tip_id: DbUuid,
    revision: i32,
    reviewer_id: DbUuid,
    verdict: String,
    reason: Option<String>,
    comment: Option<String>,
    at: DbInstant,
    role: Option<String>,
    merged_into: Option<DbUuid>,
    edited_into: Option<i32>,
}

impl TryFrom<DecisionRow> for Decision {
    type Error = StoreError;

    fn try_from(row: DecisionRow) -> Result<Self, StoreError> {
        let verdict = Verdict::from_word(&row.verdict);
        let role = row.role.as_deref().map_or(Some(Role::Reviewer), Role::from_word);
        let reason =
            |word: String| Reason::from_word(&word).ok_or_else(|| StoreError::corrupt("decisions.reason", word));
        Ok(Self {
            id: DecisionId(row.id.0),
            revision: row.revision,
            reviewer: UserId(row.reviewer_id.0),
            role: role.ok_or_else(|| StoreError::corrupt("decisions.role", row.role.unwrap_or_default()))?,
            verdict: verdict.ok_or_else(|| StoreError::corrupt("decisions.verdict", &row.verdict))?,
            reason: row.reason.map(reason).transpose()?,
            comment: row.comment,
            into: row.merged_into.map(|id| TipId(id.0)),
            edited_into: row.edited_into,
            at: row.at.0,
        })
    }
}
