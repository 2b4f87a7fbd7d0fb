//! Tips, and their sheets: a tip with the revision that is live and the newest one. Which tips a caller sees is in
//! `tips/seen.rs`, which ones they find in `tips/listed.rs`.

mod listed;
mod seen;

use std::collections::HashMap;

use diesel::prelude::*;
use eureka_domain::ids::{CommunityId, ReviewId, TipId, TipNumber, TipRef, UserId};
use eureka_domain::tip::{Confidence, Replaced, Replacement, Revision, Tip};

use crate::revisions::Row as TextRow;
use crate::schema::{revisions, tips};
use crate::sql_types::{DbInstant, DbUuid};
use crate::update::update;
use crate::{Conn, StoreError};

pub use listed::{ListedFilter, listed};
pub use seen::{TipFilter, list};

/// A tip with the texts that matter now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TipSheet {
    /// The tip.
    pub tip: Tip,
    /// The revision that readers see.
    pub live: Option<Revision>,
    /// The newest revision; it may be the live one.
    pub latest: Revision,
}

/// Adds a tip; its first revision follows. Conflicts: `tips.id`, `tips.number`, `tips.external_id`.
pub fn insert(conn: &mut Conn<'_>, tip: &Tip) -> Result<(), StoreError> {
    let row = Row::from(tip);
    on_each!(conn, c => diesel::insert_into(tips::table).values(&row).execute(*c))?;
    Ok(())
}

/// Writes all of a tip.
pub fn save(conn: &mut Conn<'_>, tip: &Tip) -> Result<(), StoreError> {
    let row = Row::from(tip);
    on_each!(conn, c => update(tips::table, tips::id.eq(row.id), &row).execute(*c))?;
    Ok(())
}

/// One tip.
pub fn find(conn: &mut Conn<'_>, tip: &TipRef) -> Result<Option<Tip>, StoreError> {
    row(conn, tip)?.map(Tip::try_from).transpose()
}

fn row(conn: &mut Conn<'_>, tip: &TipRef) -> Result<Option<Row>, StoreError> {
    Ok(match tip {
        TipRef::Id(id) => {
            let query = tips::table.find(DbUuid(id.0));
            on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?
        }
        TipRef::Number(number) => {
            let query = tips::table.filter(tips::number.eq(number.0));
            on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?
        }
    })
}

/// The sheet of one tip.
pub fn sheet(conn: &mut Conn<'_>, tip: &TipRef) -> Result<Option<TipSheet>, StoreError> {
    let row = row(conn, tip)?;
    Ok(with_revisions(conn, row.into_iter().collect())?.pop())
}

/// The sheet of one tip, for changing it: nobody else can until the transaction ends.
pub fn lock(conn: &mut Conn<'_>, tip: &TipRef) -> Result<Option<TipSheet>, StoreError> {
    let Conn::Postgres(c) = conn else {
        return sheet(conn, tip);
    };
    let row: Option<Row> = match tip {
        TipRef::Id(id) => tips::table.find(DbUuid(id.0)).select(Row::as_select()).for_update().first(*c).optional()?,
        TipRef::Number(number) => {
            let query = tips::table.filter(tips::number.eq(number.0)).select(Row::as_select());
            query.for_update().first(*c).optional()?
        }
    };
    Ok(with_revisions(conn, row.into_iter().collect())?.pop())
}

/// The number for the next tip.
pub fn next_number(conn: &mut Conn<'_>) -> Result<TipNumber, StoreError> {
    let query = tips::table.select(diesel::dsl::max(tips::number));
    let last: Option<i64> = on_each!(conn, c => query.get_result(*c))?;
    Ok(last.map_or(TipNumber::FIRST, |last| TipNumber(last + 1)))
}

/// Which of these external ids a community has tips for.
pub fn by_external_ids(
    conn: &mut Conn<'_>,
    community: CommunityId,
    external_ids: &[String],
) -> Result<HashMap<String, TipId>, StoreError> {
    let mut found = HashMap::new();
    for ids in external_ids.chunks(crate::MANY) {
        let query = tips::table
            .filter(tips::community_id.eq(DbUuid(community.0)))
            .filter(tips::external_id.eq_any(ids))
            .select((tips::external_id.assume_not_null(), tips::id));
        let rows: Vec<(String, DbUuid)> = on_each!(conn, c => query.load(*c))?;
        found.extend(rows.into_iter().map(|(external, id)| (external, TipId(id.0))));
    }
    Ok(found)
}

/// The sheets of these tips, in the order asked for; those that do not exist are left out.
pub fn sheets(conn: &mut Conn<'_>, ids: &[TipId]) -> Result<Vec<TipSheet>, StoreError> {
    let mut rows = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(crate::MANY) {
        let ids: Vec<DbUuid> = ids.iter().map(|id| DbUuid(id.0)).collect();
        let query = tips::table.filter(tips::id.eq_any(ids));
        let found: Vec<Row> = on_each!(conn, c => query.select(Row::as_select()).load(*c))?;
        rows.extend(found.into_iter().map(|row| (row.id, row)));
    }
    let in_order = ids.iter().filter_map(|id| rows.remove(&DbUuid(id.0))).collect();
    with_revisions(conn, in_order)
}

/// The sheets of all tips, in the order of their ids, at most `limit` after one of them.
pub fn sheets_after(conn: &mut Conn<'_>, after: Option<TipId>, limit: i64) -> Result<Vec<TipSheet>, StoreError> {
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = tips::table.select(Row::as_select()).into_boxed();
        if let Some(after) = after {
            query = query.filter(tips::id.gt(DbUuid(after.0)));
        }
        query.order(tips::id).limit(limit).load(*c)
    })?;
    with_revisions(conn, rows)
}

/// Those whose tips were merged into each of these.
pub fn merged_authors(conn: &mut Conn<'_>, ids: &[TipId]) -> Result<HashMap<TipId, Vec<UserId>>, StoreError> {
    let mut authors: HashMap<TipId, Vec<UserId>> = HashMap::new();
    for ids in ids.chunks(crate::MANY) {
        let ids: Vec<DbUuid> = ids.iter().map(|id| DbUuid(id.0)).collect();
        let query = tips::table
            .filter(tips::replaced_by.eq_any(ids))
            .filter(tips::replaced_how.eq(Replaced::Merged.word()))
            .order((tips::created_at, tips::id))
            .select((tips::replaced_by.assume_not_null(), tips::author_id));
        let rows: Vec<(DbUuid, DbUuid)> = on_each!(conn, c => query.load(*c))?;
        for (tip, author) in rows {
            authors.entry(TipId(tip.0)).or_default().push(UserId(author.0));
        }
    }
    Ok(authors)
}

/// Every tip that was merged into each of these, or into one that was.
pub fn merged_into(conn: &mut Conn<'_>, ids: &[TipId]) -> Result<HashMap<TipId, Vec<TipId>>, StoreError> {
    let mut found: HashMap<TipId, Vec<TipId>> = HashMap::new();
    // Each tip to look at, and for which of those asked for.
    let mut last: Vec<(TipId, TipId)> = ids.iter().map(|id| (*id, *id)).collect();
    while !last.is_empty() {
        let mut next = Vec::new();
        for last in last.chunks(crate::MANY) {
            let ids: Vec<DbUuid> = last.iter().map(|(id, _)| DbUuid(id.0)).collect();
            let query = tips::table
                .filter(tips::replaced_by.eq_any(ids))
                .filter(tips::replaced_how.eq(Replaced::Merged.word()))
                .order(tips::id)
                .select((tips::replaced_by.assume_not_null(), tips::id));
            let rows: Vec<(DbUuid, DbUuid)> = on_each!(conn, c => query.load(*c))?;
            for (by, id) in rows {
                let id = TipId(id.0);
                for (_, of) in last.iter().filter(|(last, _)| last.0 == by.0) {
                    let those = found.entry(*of).or_default();
                    if id != *of && !those.contains(&id) {
                        those.push(id);
                        next.push((id, *of));
                    }
                }
            }
        }
        last = next;
    }
    Ok(found)
}

/// Every tip that one of these was merged into, and so on.
pub fn merged_from(conn: &mut Conn<'_>, ids: &[TipId]) -> Result<Vec<TipId>, StoreError> {
    let mut found: Vec<TipId> = Vec::new();
    let mut last = ids.to_vec();
    while !last.is_empty() {
        let mut next = Vec::new();
        for ids in last.chunks(crate::MANY) {
            let ids: Vec<DbUuid> = ids.iter().map(|id| DbUuid(id.0)).collect();
            let query = tips::table
                .filter(tips::id.eq_any(ids))
                .filter(tips::replaced_how.eq(Replaced::Merged.word()))
                .order(tips::id)
                .select(tips::replaced_by.assume_not_null());
            let rows: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
            next.extend(rows.into_iter().map(|id| TipId(id.0)));
        }
        next.retain(|id| !found.contains(id));
        next.sort_unstable();
        next.dedup();
        found.extend(&next);
        last = next;
    }
    Ok(found)
}

/// The ids of a community's tips.
pub fn of_community(conn: &mut Conn<'_>, community: CommunityId) -> Result<Vec<TipId>, StoreError> {
    let query = tips::table
        .filter(tips::community_id.eq(DbUuid(community.0)))
        .order((tips::created_at, tips::id))
        .select(tips::id);
    let ids: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
    Ok(ids.into_iter().map(|id| TipId(id.0)).collect())
}

/// The ids of an author's tips.
pub fn of_author(conn: &mut Conn<'_>, author: UserId) -> Result<Vec<TipId>, StoreError> {
    let query =
        tips::table.filter(tips::author_id.eq(DbUuid(author.0))).order((tips::created_at, tips::id)).select(tips::id);
    let ids: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
    Ok(ids.into_iter().map(|id| TipId(id.0)).collect())
}

/// Adds to each tip the live and the newest revision, with one query for many tips.
fn with_revisions(conn: &mut Conn<'_>, rows: Vec<Row>) -> Result<Vec<TipSheet>, StoreError> {
    let mut texts: HashMap<(TipId, i32), Revision> = HashMap::with_capacity(rows.len());
    for rows in rows.chunks(crate::MANY) {
        let found: Vec<TextRow> = if let [row] = rows {
            let numbers = [Some(row.latest), row.live].into_iter().flatten();
            let query = revisions::table.filter(revisions::tip_id.eq(row.id)).filter(revisions::number.eq_any(numbers));
            on_each!(conn, c => query.select(TextRow::as_select()).load(*c))?
        } else {
            let ids: Vec<DbUuid> = rows.iter().map(|row| row.id).collect();
            let query = revisions::table.inner_join(tips::table).filter(tips::id.eq_any(ids)).filter(
                revisions::number.eq(tips::latest).or(revisions::number.nullable().eq(tips::live).assume_not_null()),
            );
            on_each!(conn, c => query.select(TextRow::as_select()).load(*c))?
        };
        for revision in crate::revisions::with_credits(conn, found)? {
            texts.insert((revision.tip, revision.number), revision);
        }
    }
    let sheet = |row| {
        let tip = Tip::try_from(row)?;
        let latest = texts.get(&(tip.id, tip.latest)).cloned();
        let latest = latest.ok_or_else(|| StoreError::corrupt("a tip without its newest revision", tip.id))?;
        let live = match tip.live {
            None => None,
            Some(number) => {
                let live = texts.get(&(tip.id, number)).cloned();
                Some(live.ok_or_else(|| StoreError::corrupt("a tip without its live revision", tip.id))?)
            }
        };
        Ok(TipSheet { tip, live, latest })
    };
    rows.into_iter().map(sheet).collect()
}

/// A tip as it is stored.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = tips, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct Row {
    id: DbUuid,
    number: i64,
    community_id: DbUuid,
    author_id: DbUuid,
    confidence: String,
    hold: Option<String>,
    live: Option<i32>,
    latest: i32,
    review_id: Option<DbUuid>,
    external_id: Option<String>,
    created_at: DbInstant,
    updated_at: DbInstant,
    published_at: Option<DbInstant>,
    replaced_by: Option<DbUuid>,
    replaced_how: Option<String>,
}

impl From<&Tip> for Row {
    fn from(tip: &Tip) -> Self {
        Self {
            id: DbUuid(tip.id.0),
            number: tip.number.0,
            community_id: DbUuid(tip.community.0),
            author_id: DbUuid(tip.author.0),
            confidence: tip.confidence.word().to_owned(),
            hold: tip.hold.clone(),
            live: tip.live,
            latest: tip.latest,
            review_id: tip.review.map(|id| DbUuid(id.0)),
            external_id: tip.external_id.clone(),
            created_at: DbInstant(tip.created_at),
            updated_at: DbInstant(tip.updated_at),
            published_at: tip.published_at.map(DbInstant),
            replaced_by: tip.replaced.map(|replaced| DbUuid(replaced.by.0)),
            replaced_how: tip.replaced.map(|replaced| replaced.how.word().to_owned()),
        }
    }
}

impl TryFrom<Row> for Tip {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let confidence = Confidence::from_word(&row.confidence);
        let how =
            |word: String| Replaced::from_word(&word).ok_or_else(|| StoreError::corrupt("tips.replaced_how", word));
        let replaced = match (row.replaced_by, row.replaced_how) {
            (Some(by), Some(word)) => Some(Replacement { by: TipId(by.0), how: how(word)? }),
            _ => None,
        };
        Ok(Self {
            id: TipId(row.id.0),
            number: TipNumber(row.number),
            community: CommunityId(row.community_id.0),
            author: UserId(row.author_id.0),
            confidence: confidence.ok_or_else(|| StoreError::corrupt("tips.confidence", &row.confidence))?,
            hold: row.hold,
            replaced,
            live: row.live,
            latest: row.latest,
            review: row.review_id.map(|id| ReviewId(id.0)),
            external_id: row.external_id,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            published_at: row.published_at.map(|at| at.0),
        })
    }
}
