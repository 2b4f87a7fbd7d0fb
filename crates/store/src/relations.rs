//! How tips relate to those that look like them.

use diesel::prelude::*;
use eureka_domain::ids::{TipId, UserId};
use eureka_domain::relation::{Confirmed, Relation, RelationKind};

use crate::schema::relations;
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Writes down what is said of two tips, instead of what was said of them before.
pub fn set(conn: &mut Conn<'_>, relation: &Relation) -> Result<(), StoreError> {
    let row = Row::from(relation);
    on_each!(conn, c => diesel::insert_into(relations::table)
        .values(&row)
        .on_conflict((relations::tip_id, relations::other_id))
        .do_update()
        .set(&row)
        .execute(*c))?;
    Ok(())
}

/// Takes back what was said of two tips; whether anything was.
pub fn remove(conn: &mut Conn<'_>, tip: TipId, other: TipId) -> Result<bool, StoreError> {
    let pair = relations::table.find((DbUuid(tip.0), DbUuid(other.0)));
    Ok(on_each!(conn, c => diesel::delete(pair).execute(*c))? > 0)
}

/// What is said of a tip and others, the first said first.
pub fn of_tip(conn: &mut Conn<'_>, tip: TipId) -> Result<Vec<Relation>, StoreError> {
    let query =
        relations::table.filter(relations::tip_id.eq(DbUuid(tip.0))).order((relations::said_at, relations::other_id));
    let rows: Vec<Row> = on_each!(conn, c => query.select(Row::as_select()).load(*c))?;
    rows.into_iter().map(Relation::try_from).collect()
}

/// What peers agreed to of a tip and others, whichever of the two it was said of.
pub fn confirmed(conn: &mut Conn<'_>, tip: TipId, kind: RelationKind) -> Result<Vec<Relation>, StoreError> {
    let tip = DbUuid(tip.0);
    let query = relations::table
        .filter(relations::tip_id.eq(tip).or(relations::other_id.eq(tip)))
        .filter(relations::kind.eq(kind.word()))
        .filter(relations::confirmed_at.is_not_null());
    let rows: Vec<Row> = on_each!(conn, c => query.select(Row::as_select()).load(*c))?;
    rows.into_iter().map(Relation::try_from).collect()
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = relations, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Row {
    tip_id: DbUuid,
    other_id: DbUuid,
    kind: String,
    reason: Option<String>,
    said_by: DbUuid,
    said_at: DbInstant,
    confirmed_revision: Option<i32>,
    confirmed_other: Option<i32>,
    confirmed_at: Option<DbInstant>,
}

impl From<&Relation> for Row {
    fn from(relation: &Relation) -> Self {
        Self {
            tip_id: DbUuid(relation.tip.0),
            other_id: DbUuid(relation.other.0),
            kind: relation.kind.word().to_owned(),
            reason: relation.reason.clone(),
            said_by: DbUuid(relation.by.0),
            said_at: DbInstant(relation.at),
            confirmed_revision: relation.confirmed.map(|confirmed| confirmed.revision),
            confirmed_other: relation.confirmed.map(|confirmed| confirmed.other),
            confirmed_at: relation.confirmed.map(|confirmed| DbInstant(confirmed.at)),
        }
    }
}

impl TryFrom<Row> for Relation {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let kind = RelationKind::from_word(&row.kind);
        let confirmed = match (row.confirmed_revision, row.confirmed_other, row.confirmed_at) {
            (Some(revision), Some(other), Some(at)) => Some(Confirmed { revision, other, at: at.0 }),
            _ => None,
        };
        Ok(Self {
            tip: TipId(row.tip_id.0),
            other: TipId(row.other_id.0),
            kind: kind.ok_or_else(|| StoreError::corrupt("relations.kind", &row.kind))?,
            reason: row.reason,
            by: UserId(row.said_by.0),
            at: row.said_at.0,
            confirmed,
        })
    }
}
