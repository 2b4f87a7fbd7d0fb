//! The queue: which reviews wait, for whom.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::ids::{CommunityId, ReviewId, UserId};
use eureka_domain::review::Review;
use eureka_domain::tip::Safety;

use super::{Row, with_decisions};
use crate::revisions::{from_json, holds, stored_form};
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
    /// Only open ones whose promised response or decision has not come.
    pub overdue: bool,
    /// That entered the queue then, or before.
    pub opened_before: Option<Instant>,
    /// Which come first.
    pub sort: QueueSort,
    /// The present moment: claims that have run out by then are none.
    pub now: Instant,
}

/// A filter in the forms that are stored.
struct Criteria<'a> {
    filter: &'a QueueFilter,
    communities: Vec<DbUuid>,
    product: Option<String>,
    now: DbInstant,
}

impl<'a> Criteria<'a> {
    fn of(filter: &'a QueueFilter) -> Result<Self, StoreError> {
        Ok(Self {
            filter,
            communities: filter.communities.iter().map(|id| DbUuid(id.0)).collect(),
            product: filter.product.as_deref().map(stored_form).transpose()?,
            now: DbInstant(filter.now),
        })
    }
}

/// The reviews that criteria let through, with their texts; boxed for the database of the place.
macro_rules! let_through {
    ($criteria:expr) => {{
        let Criteria { filter, communities, product, now } = $criteria;
        let now = *now;
        let text = revisions::tip_id.eq(reviews::tip_id).and(revisions::number.eq(reviews::revision));
        let mut query = reviews::table
            .inner_join(revisions::table.on(text))
            .filter(reviews::community_id.eq_any(communities.clone()))
            .into_boxed();
        query = match filter.state {
            QueueState::Closed => query.filter(reviews::closed_at.is_not_null()),
            QueueState::Open => query.filter(reviews::closed_at.is_null()),
            QueueState::Claimed => query.filter(reviews::closed_at.is_null()).filter(reviews::claimed_until.gt(now)),
            QueueState::Unclaimed => query
                .filter(reviews::closed_at.is_null())
                .filter(reviews::claimed_until.is_null().or(reviews::claimed_until.le(now))),
        };
        if let Some(form) = product {
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
        if let Some(before) = filter.opened_before {
            query = query.filter(reviews::opened_at.le(DbInstant(before)));
        }
        if filter.overdue {
            let unanswered = reviews::responded_at.is_null().and(reviews::respond_by.lt(now));
            let promised = reviews::decide_by.is_null().or(reviews::decide_by.lt(now)).or(unanswered);
            query = query.filter(reviews::closed_at.is_null()).filter(promised.assume_not_null());
        }
        query
    }};
}

/// The reviews that a filter lets through, in its order, at most `limit` after one of them.
pub fn queue(
    conn: &mut Conn<'_>,
    filter: &QueueFilter,
    after: Option<(Instant, ReviewId)>,
    limit: i64,
) -> Result<Vec<Review>, StoreError> {
    let criteria = Criteria::of(filter)?;
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = let_through!(&criteria).select(Row::as_select());
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

/// How many reviews a filter lets through.
pub fn count(conn: &mut Conn<'_>, filter: &QueueFilter) -> Result<i64, StoreError> {
    let criteria = Criteria::of(filter)?;
    Ok(on_each!(conn, c => let_through!(&criteria).count().get_result(*c))?)
}

/// A review that waits, and what its text is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The review.
    pub review: Review,
    /// The machines that its text is for.
    pub products: Vec<String>,
    /// The language of its text.
    pub lang: Option<String>,
}

/// The reviews that nobody holds and `user` may decide, the longest waiting first, at most `limit`: not credited on the
/// text, not having decided before.
pub fn waiting_for(
    conn: &mut Conn<'_>,
    communities: &[CommunityId],
    user: UserId,
    now: Instant,
    limit: i64,
) -> Result<Vec<Waiting>, StoreError> {
    let (user, now) = (DbUuid(user.0), DbInstant(now));
    let communities: Vec<DbUuid> = communities.iter().map(|id| DbUuid(id.0)).collect();
    let credited = revision_credits::table
        .filter(revision_credits::tip_id.eq(reviews::tip_id))
        .filter(revision_credits::revision.eq(reviews::revision))
        .filter(revision_credits::user_id.eq(user));
    let decided = decisions::table.filter(decisions::review_id.eq(reviews::id)).filter(decisions::reviewer_id.eq(user));
    let text = revisions::tip_id.eq(reviews::tip_id).and(revisions::number.eq(reviews::revision));
    let query = reviews::table
        .inner_join(revisions::table.on(text))
        .filter(reviews::community_id.eq_any(communities))
        .filter(reviews::closed_at.is_null())
        .filter(reviews::claimed_until.is_null().or(reviews::claimed_until.le(now)))
        .filter(not(exists(credited)))
        .filter(not(exists(decided)))
        .order((reviews::opened_at, reviews::id))
        .limit(limit);
    let rows: Vec<(Row, String, Option<String>)> =
        on_each!(conn, c => query.select((Row::as_select(), revisions::products, revisions::lang)).load(*c))?;
    let (rows, about): (Vec<_>, Vec<_>) = rows.into_iter().map(|(row, products, lang)| (row, (products, lang))).unzip();
    let waiting = |(review, (products, lang)): (Review, (String, Option<String>))| {
        Ok(Waiting { review, products: from_json(&products)?, lang })
    };
    with_decisions(conn, rows)?.into_iter().zip(about).map(waiting).collect()
}

/// How many reviews somebody holds now.
pub fn held_by(conn: &mut Conn<'_>, user: UserId, now: Instant) -> Result<i64, StoreError> {
    let held = reviews::table
        .filter(reviews::claimed_by.eq(DbUuid(user.0)))
        .filter(reviews::claimed_until.gt(DbInstant(now)))
        .filter(reviews::closed_at.is_null());
    Ok(on_each!(conn, c => held.count().get_result(*c))?)
}

/// What a text is about: machines, and the language it is in.
pub type About = (Vec<String>, Option<String>);

/// What the texts are about that somebody has decided on or written, the newest `limit` of each.
pub fn worked_on(conn: &mut Conn<'_>, user: UserId, limit: i64) -> Result<Vec<About>, StoreError> {
    let user = DbUuid(user.0);
    let text = revisions::tip_id.eq(decisions::tip_id).and(revisions::number.eq(decisions::revision));
    let decided = decisions::table
        .inner_join(revisions::table.on(text))
        .filter(decisions::reviewer_id.eq(user))
        .order(decisions::at.desc())
        .limit(limit)
        .select((revisions::products, revisions::lang));
    let written = revisions::table
        .filter(revisions::editor_id.eq(user))
        .filter(revisions::submitted_at.is_not_null())
        .order(revisions::created_at.desc())
        .limit(limit)
        .select((revisions::products, revisions::lang));
    let mut rows: Vec<(String, Option<String>)> = on_each!(conn, c => decided.load(*c))?;
    rows.extend(on_each!(conn, c => written.load::<(String, Option<String>)>(*c))?);
    rows.into_iter().map(|(products, lang)| Ok((from_json(&products)?, lang))).collect()
}

/// The reviews whose promise was broken and nobody has been told of it yet: not taken up in time, or not decided.
pub fn late(conn: &mut Conn<'_>, promise: Promise, now: Instant, limit: i64) -> Result<Vec<Review>, StoreError> {
    let now = DbInstant(now);
    let open =
        reviews::table.filter(reviews::closed_at.is_null()).order((reviews::opened_at, reviews::id)).limit(limit);
    let rows: Vec<Row> = match promise {
        Promise::Response => {
            let late = open
                .filter(reviews::respond_by.lt(now))
                .filter(reviews::responded_at.is_null())
                .filter(reviews::reminded_at.is_null());
            on_each!(conn, c => late.select(Row::as_select()).load(*c))?
        }
        Promise::Decision => {
            let late = open.filter(reviews::decide_by.lt(now)).filter(reviews::escalated_at.is_null());
            on_each!(conn, c => late.select(Row::as_select()).load(*c))?
        }
    };
    with_decisions(conn, rows)
}

/// What is promised to those who submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// That somebody takes it up.
    Response,
    /// That it is decided.
    Decision,
}

/// Notes that people have been told of a broken promise.
pub fn told_late(conn: &mut Conn<'_>, id: ReviewId, promise: Promise, now: Instant) -> Result<(), StoreError> {
    let (review, now) = (reviews::table.find(DbUuid(id.0)), DbInstant(now));
    match promise {
        Promise::Response => on_each!(conn, c => diesel::update(review).set(reviews::reminded_at.eq(now)).execute(*c))?,
        Promise::Decision => {
            on_each!(conn, c => diesel::update(review).set(reviews::escalated_at.eq(now)).execute(*c))?
        }
    };
    Ok(())
}

/// When people were told of the broken promises of a review, if they were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ToldLate {
    /// That nobody had taken it up in time.
    pub reminded_at: Option<Instant>,
    /// That it was not decided in time.
    pub escalated_at: Option<Instant>,
}

/// When people were told of the broken promises of a review.
pub fn was_told_late(conn: &mut Conn<'_>, id: ReviewId) -> Result<ToldLate, StoreError> {
    let query = reviews::table.find(DbUuid(id.0)).select((reviews::reminded_at, reviews::escalated_at));
    let told: Option<(Option<DbInstant>, Option<DbInstant>)> = on_each!(conn, c => query.first(*c).optional())?;
    let (reminded, escalated) = told.unwrap_or_default();
    Ok(ToldLate { reminded_at: reminded.map(|at| at.0), escalated_at: escalated.map(|at| at.0) })
}
