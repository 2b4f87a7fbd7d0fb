//! Gaps: what searches asked for and did not get.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use eureka_domain::Instant;
use eureka_domain::gap::{ASKED_LEAST, Gap, GapState};
use eureka_domain::ids::{CommunityId, GapId, TipId, UserId};
use eureka_domain::review::Claim;

use crate::schema::{gap_tips, gaps};
use crate::searches::home_word;
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Which gaps to list. What is `None` filters nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapFilter {
    /// Of these communities; absent: of every one.
    pub communities: Option<Vec<CommunityId>>,
    /// Also those that are no community's own.
    pub shared: bool,
    /// For the product that is so named, as products are compared.
    pub product: Option<String>,
    /// In this state; open and claimed ones when absent.
    pub state: Option<GapState>,
    /// The present moment: claims that have run out by now do not count.
    pub now: Instant,
}

/// Adds a gap with what its searches have in common.
pub fn insert(conn: &mut Conn<'_>, gap: &Gap, key: &str) -> Result<(), StoreError> {
    let row = (Row::from(gap), gaps::home.eq(home_word(gap.community)), gaps::key.eq(key));
    on_each!(conn, c => diesel::insert_into(gaps::table).values(&row).execute(*c))?;
    Ok(())
}

/// Writes all of a gap.
pub fn save(conn: &mut Conn<'_>, gap: &Gap) -> Result<(), StoreError> {
    let row = Row::from(gap);
    on_each!(conn, c => diesel::update(gaps::table.find(row.id)).set(&row).execute(*c))?;
    Ok(())
}

/// One gap.
pub fn find(conn: &mut Conn<'_>, id: GapId) -> Result<Option<Gap>, StoreError> {
    let query = gaps::table.find(DbUuid(id.0));
    Ok(on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(Gap::from))
}

/// The gap that is not closed and whose searches have this in common.
pub fn find_key(conn: &mut Conn<'_>, home: Option<CommunityId>, key: &str) -> Result<Option<Gap>, StoreError> {
    let query =
        gaps::table.filter(gaps::home.eq(home_word(home)).and(gaps::key.eq(key))).filter(gaps::closed_at.is_null());
    Ok(on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(Gap::from))
}

/// The gaps that have been asked for often enough to be shown, the newest first, at most `limit` before one of them.
pub fn list(
    conn: &mut Conn<'_>,
    filter: &GapFilter,
    before: Option<GapId>,
    limit: i64,
) -> Result<Vec<Gap>, StoreError> {
    let now = DbInstant(filter.now);
    let claimed = gaps::claimed_until.is_not_null().and(gaps::claimed_until.assume_not_null().gt(now));
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = gaps::table.filter(gaps::asked.ge(ASKED_LEAST)).select(Row::as_select()).into_boxed();
        if let Some(communities) = &filter.communities {
            let homes: Vec<String> = communities.iter().map(|id| home_word(Some(*id))).collect();
            let shared = gaps::home.eq("").and(filter.shared.into_sql::<Bool>());
            query = query.filter(gaps::home.eq_any(homes).or(shared));
        }
        if let Some(product) = &filter.product {
            // A key begins with the product's name between tabs, which no name holds.
            let named = format!("\t{product}\t");
            query = query.filter(crate::schema::replace(gaps::key, named, "").ne(gaps::key));
        }
        query = match filter.state {
            None => query.filter(gaps::closed_at.is_null()),
            Some(GapState::Closed) => query.filter(gaps::closed_at.is_not_null()),
            Some(GapState::Claimed) => query.filter(gaps::closed_at.is_null()).filter(claimed),
            Some(GapState::Open) => {
                let free = gaps::claimed_until.is_null().or(gaps::claimed_until.assume_not_null().le(now));
                query.filter(gaps::closed_at.is_null()).filter(free)
            }
        };
        if let Some(before) = before {
            query = query.filter(gaps::id.lt(DbUuid(before.0)));
        }
        query.order(gaps::id.desc()).limit(limit).load(*c)
    })?;
    Ok(rows.into_iter().map(Gap::from).collect())
}

/// Notes that a tip is meant to answer a gap.
pub fn add_tip(conn: &mut Conn<'_>, gap: GapId, tip: TipId, at: Instant) -> Result<(), StoreError> {
    let row = (gap_tips::gap_id.eq(DbUuid(gap.0)), gap_tips::tip_id.eq(DbUuid(tip.0)), gap_tips::at.eq(DbInstant(at)));
    on_each!(conn, c => diesel::insert_into(gap_tips::table).values(row).on_conflict_do_nothing().execute(*c))?;
    Ok(())
}

/// The tips that are meant to answer a gap, and since when; the first that was begun first.
pub fn tips_of(conn: &mut Conn<'_>, gap: GapId) -> Result<Vec<(TipId, Instant)>, StoreError> {
    let query = gap_tips::table
        .filter(gap_tips::gap_id.eq(DbUuid(gap.0)))
        .order((gap_tips::at, gap_tips::tip_id))
        .select((gap_tips::tip_id, gap_tips::at));
    let rows: Vec<(DbUuid, DbInstant)> = on_each!(conn, c => query.load(*c))?;
    Ok(rows.into_iter().map(|(id, at)| (TipId(id.0), at.0)).collect())
}

/// The gaps that have been asked for often enough to be shown, however they stand, in the order of their ids, at most
/// `limit` after one of them.
pub fn shown_after(conn: &mut Conn<'_>, after: Option<GapId>, limit: i64) -> Result<Vec<Gap>, StoreError> {
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = gaps::table.filter(gaps::asked.ge(ASKED_LEAST)).select(Row::as_select()).into_boxed();
        if let Some(after) = after {
            query = query.filter(gaps::id.gt(DbUuid(after.0)));
        }
        query.order(gaps::id).limit(limit).load(*c)
    })?;
    Ok(rows.into_iter().map(Gap::from).collect())
}

/// The gaps that a tip is meant to answer and that nothing answers yet.
pub fn answered_by(conn: &mut Conn<'_>, tip: TipId) -> Result<Vec<Gap>, StoreError> {
    let query = gaps::table
        .inner_join(gap_tips::table)
        .filter(gap_tips::tip_id.eq(DbUuid(tip.0)))
        .filter(gaps::closed_at.is_null())
        .order(gaps::id);
    let rows: Vec<Row> = on_each!(conn, c => query.select(Row::as_select()).load(*c))?;
    Ok(rows.into_iter().map(Gap::from).collect())
}

/// Forgets gaps that were never asked for often enough to be shown, and not since a moment; says how many. To be called
/// when their searches have been forgotten.
pub fn purge(conn: &mut Conn<'_>, before: Instant) -> Result<usize, StoreError> {
    let rare = gaps::table.filter(gaps::asked.lt(ASKED_LEAST)).filter(gaps::last_asked_at.lt(DbInstant(before)));
    let unclaimed = rare.filter(gaps::closed_at.is_null());
    Ok(on_each!(conn, c => diesel::delete(unclaimed).execute(*c))?)
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = gaps, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Row {
    id: DbUuid,
    community_id: Option<DbUuid>,
    product: Option<String>,
    terms: String,
    wording: Option<String>,
    asked: i32,
    people: i32,
    first_asked_at: DbInstant,
    last_asked_at: DbInstant,
    claimed_by: Option<DbUuid>,
    claimed_since: Option<DbInstant>,
    claimed_until: Option<DbInstant>,
    tip_id: Option<DbUuid>,
    closed_at: Option<DbInstant>,
}

impl From<&Gap> for Row {
    fn from(gap: &Gap) -> Self {
        Self {
            id: DbUuid(gap.id.0),
            community_id: gap.community.map(|id| DbUuid(id.0)),
            product: gap.product.clone(),
            terms: gap.terms.join("\n"),
            wording: gap.wording.clone(),
            asked: gap.asked,
            people: gap.people,
            first_asked_at: DbInstant(gap.first_asked_at),
            last_asked_at: DbInstant(gap.last_asked_at),
            claimed_by: gap.claim.map(|claim| DbUuid(claim.by.0)),
            claimed_since: gap.claim.map(|claim| DbInstant(claim.since)),
            claimed_until: gap.claim.map(|claim| DbInstant(claim.until)),
            tip_id: gap.answer.map(|(tip, _)| DbUuid(tip.0)),
            closed_at: gap.answer.map(|(_, at)| DbInstant(at)),
        }
    }
}

impl From<Row> for Gap {
    fn from(row: Row) -> Self {
        let claim = match (row.claimed_by, row.claimed_since, row.claimed_until) {
            (Some(by), Some(since), Some(until)) => Some(Claim { by: UserId(by.0), since: since.0, until: until.0 }),
            _ => None,
        };
        Self {
            id: GapId(row.id.0),
            community: row.community_id.map(|id| CommunityId(id.0)),
            product: row.product,
            terms: row.terms.lines().map(str::to_owned).collect(),
            wording: row.wording,
            asked: row.asked,
            people: row.people,
            first_asked_at: row.first_asked_at.0,
            last_asked_at: row.last_asked_at.0,
            claim,
            answer: row.tip_id.zip(row.closed_at).map(|(tip, at)| (TipId(tip.0), at.0)),
        }
    }
}
