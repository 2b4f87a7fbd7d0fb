//! Who is told of which change. A notification is a person and a row of the change log: what it says stands there, so
//! that what is erased there is gone here too.

use std::collections::BTreeSet;

use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::change::Recorded;
use eureka_domain::ids::UserId;

use crate::schema::{change_log, notifications};
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError, log};

/// A change that somebody is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// What happened; its place in the log is the notification's name.
    pub change: Recorded,
    /// When they said that they had read it.
    pub read_at: Option<Instant>,
}

/// Tells people of the change at a place of the log. Whoever has been told is not told again.
pub fn tell(conn: &mut Conn<'_>, seq: i64, people: &BTreeSet<UserId>) -> Result<(), StoreError> {
    let told = |user: &UserId| (notifications::user_id.eq(DbUuid(user.0)), notifications::seq.eq(seq));
    let people: Vec<_> = people.iter().map(told).collect();
    for people in people.chunks(crate::MANY) {
        if let [one] = people {
            let insert = diesel::insert_into(notifications::table).values(one).on_conflict_do_nothing();
            on_each!(conn, c => insert.execute(*c))?; // one form, which stays prepared
        } else {
            let insert = diesel::insert_into(notifications::table).values(people).on_conflict_do_nothing();
            on_each!(conn, c => insert.execute(*c))?;
        }
    }
    Ok(())
}

/// What somebody is told, the newest first, at most `limit` before a place of the log.
pub fn list(
    conn: &mut Conn<'_>,
    user: UserId,
    unread: bool,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Notification>, StoreError> {
    let rows: Vec<(log::Row, Option<DbInstant>)> = on_each!(conn, c => {
        let mut query = notifications::table
            .inner_join(change_log::table)
            .filter(notifications::user_id.eq(DbUuid(user.0)))
            .select((log::Row::as_select(), notifications::read_at))
            .into_boxed();
        if unread {
            query = query.filter(notifications::read_at.is_null());
        }
        if let Some(before) = before {
            query = query.filter(notifications::seq.lt(before));
        }
        query.order(notifications::seq.desc()).limit(limit).load(*c)
    })?;
    rows.into_iter().map(notification).collect()
}

/// One of somebody's notifications.
pub fn find(conn: &mut Conn<'_>, user: UserId, seq: i64) -> Result<Option<Notification>, StoreError> {
    let query = notifications::table
        .inner_join(change_log::table)
        .filter(notifications::user_id.eq(DbUuid(user.0)))
        .filter(notifications::seq.eq(seq));
    let row: Option<(log::Row, Option<DbInstant>)> =
        on_each!(conn, c => query.select((log::Row::as_select(), notifications::read_at)).first(*c).optional())?;
    row.map(notification).transpose()
}

/// Notes that somebody has read one; the first time counts.
pub fn mark_read(conn: &mut Conn<'_>, user: UserId, seq: i64, now: Instant) -> Result<(), StoreError> {
    let unread = notifications::table.find((DbUuid(user.0), seq)).filter(notifications::read_at.is_null());
    on_each!(conn, c => diesel::update(unread).set(notifications::read_at.eq(DbInstant(now))).execute(*c))?;
    Ok(())
}

/// Forgets what people were told of changes before a moment; says how many. The log keeps the changes.
pub fn purge(conn: &mut Conn<'_>, before: Instant) -> Result<usize, StoreError> {
    let old = change_log::table.filter(change_log::at.lt(DbInstant(before))).select(change_log::seq);
    let told = notifications::table.filter(notifications::seq.eq_any(old));
    Ok(on_each!(conn, c => diesel::delete(told).execute(*c))?)
}

fn notification((row, read_at): (log::Row, Option<DbInstant>)) -> Result<Notification, StoreError> {
    Ok(Notification { change: row.try_into()?, read_at: read_at.map(|at| at.0) })
}
