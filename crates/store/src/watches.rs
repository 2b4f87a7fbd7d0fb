//! Who wants to be told of what happens to a tip.

use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::ids::{TipId, UserId};

use crate::schema::watches;
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Has somebody watch a tip, if they do not yet.
pub fn set(conn: &mut Conn<'_>, tip: TipId, user: UserId, since: Instant) -> Result<(), StoreError> {
    let row =
        (watches::tip_id.eq(DbUuid(tip.0)), watches::user_id.eq(DbUuid(user.0)), watches::since.eq(DbInstant(since)));
    on_each!(conn, c => diesel::insert_into(watches::table).values(row).on_conflict_do_nothing().execute(*c))?;
    Ok(())
}

/// Has somebody watch a tip no longer.
pub fn remove(conn: &mut Conn<'_>, tip: TipId, user: UserId) -> Result<(), StoreError> {
    let watch = watches::table.find((DbUuid(tip.0), DbUuid(user.0)));
    on_each!(conn, c => diesel::delete(watch).execute(*c))?;
    Ok(())
}

/// Whoever watches a tip.
pub fn of_tip(conn: &mut Conn<'_>, tip: TipId) -> Result<Vec<UserId>, StoreError> {
    let query = watches::table.filter(watches::tip_id.eq(DbUuid(tip.0))).select(watches::user_id);
    let rows: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
    Ok(rows.into_iter().map(|id| UserId(id.0)).collect())
}

/// Whoever watches a tip, and since when; those who have watched it longest first.
pub fn since(conn: &mut Conn<'_>, tip: TipId) -> Result<Vec<(UserId, Instant)>, StoreError> {
    let query = watches::table
        .filter(watches::tip_id.eq(DbUuid(tip.0)))
        .order((watches::since, watches::user_id))
        .select((watches::user_id, watches::since));
    let rows: Vec<(DbUuid, DbInstant)> = on_each!(conn, c => query.load(*c))?;
    Ok(rows.into_iter().map(|(id, since)| (UserId(id.0), since.0)).collect())
}
