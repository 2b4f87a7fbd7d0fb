//! Many approved tips at once, as an import brings them.

use diesel::prelude::*;
use eureka_domain::tip::{Revision, Tip};

use crate::schema::{revision_credits, revisions, tips};
use crate::{Conn, StoreError};

/// Rows in one statement: 20 columns each stay below SQLite's limit of 32,766 bound values.
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
