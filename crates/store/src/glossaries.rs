//! The glossaries of communities: every version is kept, the last one is in force.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use eureka_domain::community::Openness;
use eureka_domain::glossary::Glossary;
use eureka_domain::ids::{CommunityId, UserId};

use crate::schema::{communities, glossaries};
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Adds a version. A conflict is `glossaries.version`.
pub fn insert(conn: &mut Conn<'_>, glossary: &Glossary) -> Result<(), StoreError> {
    let row = Row::try_from(glossary)?;
    on_each!(conn, c => diesel::insert_into(glossaries::table).values(&row).execute(*c))?;
    Ok(())
}

/// The version of a community that is in force, if it has ever had a glossary.
pub fn latest(conn: &mut Conn<'_>, community: CommunityId) -> Result<Option<Glossary>, StoreError> {
    Ok(versions(conn, community, None, 1)?.pop())
}

/// The versions of a community's glossary, the newest first, at most `limit` before one of them.
pub fn versions(
    conn: &mut Conn<'_>,
    community: CommunityId,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<Glossary>, StoreError> {
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = glossaries::table
            .filter(glossaries::community_id.eq(DbUuid(community.0)))
            .select(Row::as_select())
            .into_boxed();
        if let Some(before) = before {
            query = query.filter(glossaries::version.lt(before));
        }
        query.order(glossaries::version.desc()).limit(limit).load(*c)
    })?;
    rows.into_iter().map(Glossary::try_from).collect()
}

/// Every version of every community.
pub fn all(conn: &mut Conn<'_>) -> Result<Vec<Glossary>, StoreError> {
    let query = glossaries::table.order((glossaries::community_id, glossaries::version));
    let rows: Vec<Row> = on_each!(conn, c => query.select(Row::as_select()).load(*c))?;
    rows.into_iter().map(Glossary::try_from).collect()
}

/// Puts a version in the place of the one with its number, for erasing a person: nothing else rewrites a version, and the
/// table refuses an update.
pub fn replace(conn: &mut Conn<'_>, glossary: &Glossary) -> Result<(), StoreError> {
    let old = glossaries::table.find((DbUuid(glossary.community.0), glossary.version));
    on_each!(conn, c => diesel::delete(old).execute(*c))?;
    insert(conn, glossary)
}

/// What is in force in each community, with who reads there.
pub fn in_force(conn: &mut Conn<'_>) -> Result<Vec<(Openness, Glossary)>, StoreError> {
    let later = diesel::alias!(glossaries as later);
    let is_later = later
        .field(glossaries::community_id)
        .eq(glossaries::community_id)
        .and(later.field(glossaries::version).gt(glossaries::version));
    let query = glossaries::table
        .inner_join(communities::table)
        .filter(not(exists(later.filter(is_later))))
        .order(glossaries::community_id);
    let rows: Vec<(String, Row)> =
        on_each!(conn, c => query.select((communities::openness, Row::as_select())).load(*c))?;
    rows.into_iter().map(|(openness, row)| Ok((crate::communities::openness_of(&openness)?, row.try_into()?))).collect()
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = glossaries, treat_none_as_default_value = false)]
struct Row {
    community_id: DbUuid,
    version: i32,
    entries: String,
    editor_id: Option<DbUuid>,
    created_at: DbInstant,
}

impl TryFrom<&Glossary> for Row {
    type Error = StoreError;

    fn try_from(glossary: &Glossary) -> Result<Self, StoreError> {
        Ok(Self {
            community_id: DbUuid(glossary.community.0),
            version: glossary.version,
            entries: serde_json::to_string(&glossary.entries)
                .map_err(|error| StoreError::corrupt("glossaries.entries", error))?,
            editor_id: glossary.editor.map(|id| DbUuid(id.0)),
            created_at: DbInstant(glossary.at),
        })
    }
}

impl TryFrom<Row> for Glossary {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            community: CommunityId(row.community_id.0),
            version: row.version,
            entries: serde_json::from_str(&row.entries)
                .map_err(|error| StoreError::corrupt("glossaries.entries", error))?,
            editor: row.editor_id.map(|id| UserId(id.0)),
            at: row.created_at.0,
        })
    }
}
