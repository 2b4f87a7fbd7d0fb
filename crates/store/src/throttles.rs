//! How often something was tried lately, by whoever it was: one moment for each, shared by all processes.

use diesel::prelude::*;
use eureka_domain::Instant;

use crate::schema::throttles;
use crate::sql_types::DbInstant;
use crate::{Conn, StoreError};

/// When somebody's allowance is full again; `None` if it is.
pub fn find(conn: &mut Conn<'_>, subject: &str) -> Result<Option<Instant>, StoreError> {
    let query = throttles::table.find(subject).select(throttles::full_at);
    let found: Option<DbInstant> = on_each!(conn, c => query.first(*c).optional())?;
    Ok(found.map(|at| at.0))
}

/// Says when somebody's allowance is full again.
pub fn set(conn: &mut Conn<'_>, subject: &str, full_at: Instant) -> Result<(), StoreError> {
    let full_at = DbInstant(full_at);
    let row = (throttles::subject.eq(subject), throttles::full_at.eq(full_at));
    on_each!(conn, c => diesel::insert_into(throttles::table)
        .values(row)
        .on_conflict(throttles::subject)
        .do_update()
        .set(throttles::full_at.eq(full_at))
        .execute(*c))?;
    Ok(())
}

/// Somebody's allowance is full again.
pub fn remove(conn: &mut Conn<'_>, subject: &str) -> Result<(), StoreError> {
    on_each!(conn, c => diesel::delete(throttles::table.find(subject)).execute(*c))?;
    Ok(())
}

/// Forgets the allowances that were full again before a moment; says how many.
pub fn purge(conn: &mut Conn<'_>, before: Instant) -> Result<usize, StoreError> {
    let full = throttles::table.filter(throttles::full_at.lt(DbInstant(before)));
    Ok(on_each!(conn, c => diesel::delete(full).execute(*c))?)
}
