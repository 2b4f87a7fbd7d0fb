//! Many approved tips at once, as an import brings them, and what came of each import over HTTP.

use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::ids::{ImportId, UserId};
use eureka_domain::tip::{Revision, Tip};

use crate::schema::{imports, revision_credits, revisions, tips};
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Rows in one statement: 21 columns each stay below SQLite's limit of 32,766 bound values.
const ROWS: usize = 500;

/// Adds tips with one revision each, and credits their authors. One conflict (`tips.external_id`, `tips.number`) refuses
/// them all.
pub fn insert_imported(conn: &mut Conn<'_>, imported: &[(Tip, Revision)]) -> Result<(), StoreError> {
    for slice in imported.chunks(ROWS) {
        let tips: Vec<_> = slice.iter().map(|(tip, _)| crate::tips::Row::from(tip)).collect();
        let revisions = slice
            .iter()
            .map(|(_, revision)| crate::revisions::Row::try_from(revision))
            .collect::<Result<Vec<_>, _>>()?;
        let credits: Vec<_> =
            slice.iter().flat_map(|(tip, revision)| crate::revisions::credits(tip, revision)).collect();
        on_each!(conn, c => {
            diesel::insert_into(tips::table).values(&tips).execute(*c)?;
            diesel::insert_into(revisions::table).values(&revisions).execute(*c)?;
            diesel::insert_into(revision_credits::table).values(&credits).execute(*c)
        })?;
    }
    Ok(())
}

/// An import over HTTP, as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// For ever.
    pub id: ImportId,
    /// Who sent it.
    pub user: UserId,
    /// Whether it only said what would come of it.
    pub dry_run: bool,
    /// When it began.
    pub started_at: Instant,
    /// When it ended; one without an end broke off.
    pub finished_at: Option<Instant>,
    /// What came of each line, as JSON.
    pub lines: String,
}

/// Writes down how far an import has come.
pub fn save(conn: &mut Conn<'_>, import: &Import) -> Result<(), StoreError> {
    let row = Row {
        id: DbUuid(import.id.0),
        user_id: DbUuid(import.user.0),
        dry_run: i32::from(import.dry_run),
        started_at: DbInstant(import.started_at),
        finished_at: import.finished_at.map(DbInstant),
        lines: import.lines.clone(),
    };
    on_each!(conn, c => diesel::insert_into(imports::table)
        .values(&row)
        .on_conflict(imports::id)
        .do_update()
        .set(&row)
        .execute(*c))?;
    Ok(())
}

/// One import.
pub fn find(conn: &mut Conn<'_>, id: ImportId) -> Result<Option<Import>, StoreError> {
    let query = imports::table.find(DbUuid(id.0));
    let row: Option<Row> = on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?;
    Ok(row.map(|row| Import {
        id: ImportId(row.id.0),
        user: UserId(row.user_id.0),
        dry_run: row.dry_run != 0,
        started_at: row.started_at.0,
        finished_at: row.finished_at.map(|at| at.0),
        lines: row.lines,
    }))
}

/// Forgets what came of the imports that began before a moment; says how many. The tips stay.
pub fn purge(conn: &mut Conn<'_>, before: Instant) -> Result<usize, StoreError> {
    let old = imports::table.filter(imports::started_at.lt(DbInstant(before)));
    Ok(on_each!(conn, c => diesel::delete(old).execute(*c))?)
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = imports, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Row {
    id: DbUuid,
    user_id: DbUuid,
    dry_run: i32,
    started_at: DbInstant,
    finished_at: Option<DbInstant>,
    lines: String,
}
