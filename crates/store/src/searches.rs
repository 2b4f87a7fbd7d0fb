//! Searches as they were made, kept for a time: who asked, what, how much was found, whether a hit was opened. They are
//! shown to nobody; see [`crate::gaps`] for what comes of them.

use std::collections::BTreeSet;

use diesel::dsl::{count, count_star, exists};
use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::ids::{CommunityId, GapId, UserId};
use uuid::Uuid;

use crate::schema::searches;
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Rows in one statement: ten columns each stay below SQLite's limit of 32,766 bound values.
const ROWS: usize = 1000;

/// A search as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Its name.
    pub id: Uuid,
    /// When.
    pub at: Instant,
    /// Who asked.
    pub user: UserId,
    /// The community that a gap of it would belong to, if it is one's.
    pub home: Option<CommunityId>,
    /// What it has in common with searches for the same; absent when no gap is to come of it.
    pub key: Option<String>,
    /// The product it was for.
    pub product: Option<String>,
    /// What was typed.
    pub typed: String,
    /// How many tips were found.
    pub hits: i64,
    /// The gap it asks for.
    pub gap: Option<GapId>,
}

/// Searches for the same whose hits were opened too rarely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unopened {
    /// The community that a gap of them belongs to, if it is one's.
    pub home: Option<CommunityId>,
    /// What they have in common.
    pub key: String,
}

/// A gap's home as it is compared: a community's id, or nothing.
pub(crate) fn home_word(home: Option<CommunityId>) -> String {
    home.map(|id| id.to_string()).unwrap_or_default()
}

fn home_of(word: &str) -> Result<Option<CommunityId>, StoreError> {
    if word.is_empty() {
        return Ok(None);
    }
    word.parse().map(Some).map_err(|_| StoreError::corrupt("searches.home", word))
}

/// Adds searches.
pub fn insert(conn: &mut Conn<'_>, all: &[Search]) -> Result<(), StoreError> {
    for some in all.chunks(ROWS) {
        let rows: Vec<Row> = some.iter().map(Row::from).collect();
        on_each!(conn, c => diesel::insert_into(searches::table).values(&rows).execute(*c))?;
    }
    Ok(())
}

/// Notes that somebody opened a hit of a search of theirs; the first time counts.
pub fn opened(conn: &mut Conn<'_>, id: Uuid, user: UserId, at: Instant) -> Result<(), StoreError> {
    let own = searches::table
        .find(DbUuid(id))
        .filter(searches::user_id.eq(DbUuid(user.0)))
        .filter(searches::opened_at.is_null());
    on_each!(conn, c => diesel::update(own).set(searches::opened_at.eq(DbInstant(at))).execute(*c))?;
    Ok(())
}

/// Who asked for a gap, as far as it is remembered.
pub fn who_asked(conn: &mut Conn<'_>, gap: GapId) -> Result<BTreeSet<UserId>, StoreError> {
    let query = searches::table.filter(searches::gap_id.eq(DbUuid(gap.0))).select(searches::user_id).distinct();
    let ids: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
    Ok(ids.into_iter().map(|id| UserId(id.0)).collect())
}

/// How many people asked for a gap, and how it was worded most often, the first in order among equals.
pub fn wording(conn: &mut Conn<'_>, gap: GapId) -> Result<(i64, Option<String>), StoreError> {
    let of_gap = || searches::gap_id.eq(DbUuid(gap.0));
    let people = searches::table.filter(of_gap()).select(count(searches::user_id).aggregate_distinct());
    let most_often = searches::table
        .filter(of_gap())
        .group_by(searches::typed)
        .select(searches::typed)
        .order((count_star().desc(), searches::typed.asc()));
    on_each!(conn, c => Ok((people.first(*c)?, most_often.first(*c).optional()?)))
}

/// What was searched for at least `least` times in a time, with hits, and opened less often than once in `once_in` times.
/// Only searches of those count whose clients tell what is opened.
pub fn unopened(
    conn: &mut Conn<'_>,
    from: Instant,
    to: Instant,
    least: i64,
    once_in: i64,
) -> Result<Vec<Unopened>, StoreError> {
    let telling = diesel::alias!(searches as telling);
    let tells =
        telling.field(searches::user_id).eq(searches::user_id).and(telling.field(searches::opened_at).is_not_null());
    let query = searches::table
        .filter(searches::at.ge(DbInstant(from)).and(searches::at.lt(DbInstant(to))))
        .filter(searches::gap_id.is_null().and(searches::hits.gt(0)))
        .filter(searches::key.is_not_null())
        .filter(exists(telling.filter(tells)))
        .group_by((searches::home, searches::key))
        .having(count_star().ge(least))
        .select((searches::home, searches::key, count_star(), count(searches::opened_at)));
    let rows: Vec<(String, Option<String>, i64, i64)> = on_each!(conn, c => query.load(*c))?;
    let rarely = rows.into_iter().filter(|(_, _, asked, opened)| opened.saturating_mul(once_in) < *asked);
    rarely.map(|(home, key, ..)| Ok(Unopened { home: home_of(&home)?, key: key.unwrap_or_default() })).collect()
}

/// The unopened searches of such a kind in a time.
pub fn of_unopened(conn: &mut Conn<'_>, of: &Unopened, from: Instant, to: Instant) -> Result<Vec<Search>, StoreError> {
    let query = searches::table
        .filter(searches::home.eq(home_word(of.home)).and(searches::key.eq(&of.key)))
        .filter(searches::at.ge(DbInstant(from)).and(searches::at.lt(DbInstant(to))))
        .filter(searches::gap_id.is_null().and(searches::hits.gt(0)).and(searches::opened_at.is_null()))
        .order(searches::at);
    let rows: Vec<Row> = on_each!(conn, c => query.select(Row::as_select()).load(*c))?;
    rows.into_iter().map(Search::try_from).collect()
}

/// Says for which gap searches asked.
pub fn assign(conn: &mut Conn<'_>, ids: &[Uuid], gap: GapId) -> Result<(), StoreError> {
    for ids in ids.chunks(crate::MANY) {
        let ids: Vec<DbUuid> = ids.iter().copied().map(DbUuid).collect();
        let these = searches::table.filter(searches::id.eq_any(ids));
        on_each!(conn, c => diesel::update(these).set(searches::gap_id.eq(DbUuid(gap.0))).execute(*c))?;
    }
    Ok(())
}

/// Forgets the searches before a moment; says how many. Their gaps keep the counts.
pub fn purge(conn: &mut Conn<'_>, before: Instant) -> Result<usize, StoreError> {
    let old = searches::table.filter(searches::at.lt(DbInstant(before)));
    Ok(on_each!(conn, c => diesel::delete(old).execute(*c))?)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = searches, treat_none_as_default_value = false)]
struct Row {
    id: DbUuid,
    at: DbInstant,
    user_id: DbUuid,
    home: String,
    key: Option<String>,
    product: Option<String>,
    typed: String,
    hits: i64,
    gap_id: Option<DbUuid>,
}

impl From<&Search> for Row {
    fn from(search: &Search) -> Self {
        Self {
            id: DbUuid(search.id),
            at: DbInstant(search.at),
            user_id: DbUuid(search.user.0),
            home: home_word(search.home),
            key: search.key.clone(),
            product: search.product.clone(),
            typed: search.typed.clone(),
            hits: search.hits,
            gap_id: search.gap.map(|id| DbUuid(id.0)),
        }
    }
}

impl TryFrom<Row> for Search {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.0,
            at: row.at.0,
            user: UserId(row.user_id.0),
            home: home_of(&row.home)?,
            key: row.key,
            product: row.product,
            typed: row.typed,
            hits: row.hits,
            gap: row.gap_id.map(|id| GapId(id.0)),
        })
    }
}
