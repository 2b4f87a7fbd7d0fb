//! The queue: which reviews wait, for whom.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::ids::{CommunityId, ReviewId, UserId};
use eureka_domain::review::Review;
use eureka_domain::tip::Safety;

use super::{Row, with_decisions};
use crate::revisions::{holds, stored_form};
use crate::schema::{decisions, reviews, revision_credits, revisions};
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Which reviews, by how they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueState {
    /// Not decided yet.
    Open,
    /// Open, and somebody holds it.
    Claimed,
    /// Open, and nobody holds it (any more).
    Unclaimed,
    /// Decided, or taken back.
    Closed,
}

/// Which reviews come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueSort {
    /// Those that have waited longest.
    Oldest,
    /// Those that came last.
    Newest,
}

/// Which reviews to list. What else is `None` filters nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFilter {
    /// Of these communities; none, no reviews.
    pub communities: Vec<CommunityId>,
    /// By how they stand.
    pub state: QueueState,
    /// Of texts for this product.
    pub product: Option<String>,
    /// Of texts in this language.
    pub lang: Option<String>,
    /// Of texts of this safety level.
    pub safety: Option<Safety>,
    /// Held by this person now.
    pub claimed_by: Option<UserId>,
    /// Which come first.
    pub sort: QueueSort,
    /// The present moment: claims that have run out by then are none.
    pub now: Instant,
}

/// The reviews that a filter lets through, in its order, at most `limit` after one of them.
pub fn queue(
    conn: &mut Conn<'_>,
    filter: &QueueFilter,
    after: Option<(Instant, ReviewId)>,
    limit: i64,
) -> Result<Vec<Review>, StoreError> {
    let now = DbInstant(filter.now);
    let communities: Vec<DbUuid> = filter.communities.iter().map(|id| DbUuid(id.0)).collect();
    let product = filter.product.as_deref().map(stored_form).transpose()?;
    let text = revisions::tip_id.eq(reviews::tip_id).and(revisions::number.eq(reviews::revision));
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = reviews::table
            .inner_join(revisions::table.on(text))
            .filter(reviews::community_id.eq_any(communities))
            .select(Row::as_select())
            .into_boxed();
        query = match filter.state {
            QueueState::Closed => query.filter(reviews::closed_at.is_not_null()),
            QueueState::Open => query.filter(reviews::closed_at.is_null()),
            QueueState::Claimed => {
                query.filter(reviews::closed_at.is_null()).filter(reviews::claimed_until.gt(now))
            }
            QueueState::Unclaimed => query
                .filter(reviews::closed_at.is_null())
                .filter(reviews::claimed_until.is_null().or(reviews::claimed_until.le(now))),
        };
        if let Some(form) = &product {
            query = query.filter(holds!(revisions::products, form));
        }
        if let Some(lang) = &filter.lang {
            query = query.filter(revisions::lang.eq(lang));
        }
        if let Some(safety) = filter.safety {
            query = query.filter(revisions::safety.eq(safety.word()));
        }
        if let Some(holder) = filter.claimed_by {
            query = query.filter(reviews::claimed_by.eq(DbUuid(holder.0))).filter(reviews::claimed_until.gt(now));
        }
        if let Some((at, id)) = after {
            let (at, id) = (DbInstant(at), DbUuid(id.0));
            // The first condition is implied by the second, and is the one that an index can begin at.
            query = match filter.sort {
                QueueSort::Oldest => {
                    query.filter(reviews::opened_at.ge(at)).filter(reviews::opened_at.gt(at).or(reviews::id.gt(id)))
                }
                QueueSort::Newest => {
                    query.filter(reviews::opened_at.le(at)).filter(reviews::opened_at.lt(at).or(reviews::id.lt(id)))
                }
            };
        }
        query = match filter.sort {
            QueueSort::Oldest => query.order((reviews::opened_at.asc(), reviews::id.asc())),
            QueueSort::Newest => query.order((reviews::opened_at.desc(), reviews::id.desc())),
        };
        query.limit(limit).load(*c)
    })?;
    with_decisions(conn, rows)
}

/// The review that has waited longest of those that nobody holds and `user` may decide: not credited on the text, not
/// having decided before.
pub fn next_for(
    conn: &mut Conn<'_>,
    communities: &[CommunityId],
    user: UserId,
    now: Instant,
) -> Result<Option<Review>, StoreError> {
    let (user, now) = (DbUuid(user.0), DbInstant(now));
    let communities: Vec<DbUuid> = communities.iter().map(|id| DbUuid(id.0)).collect();
    let credited = revision_credits::table
        .filter(revision_credits::tip_id.eq(reviews::tip_id))
        .filter(revision_credits::revision.eq(reviews::revision))
        .filter(revision_credits::user_id.eq(user));
    let decided = decisions::table.filter(decisions::review_id.eq(reviews::id)).filter(decisions::reviewer_id.eq(user));
    let query = reviews::table
        .filter(reviews::community_id.eq_any(communities))
        .filter(reviews::closed_at.is_null())
        .filter(reviews::claimed_until.is_null().or(reviews::claimed_until.le(now)))
        .filter(not(exists(credited)))
        .filter(not(exists(decided)))
        .order((reviews::opened_at, reviews::id));
    let row: Option<Row> = on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?;
    Ok(with_decisions(conn, row.into_iter().collect())?.pop())
}
