//! Tokens with which people set a new password: one for each person, the newest, kept as its hash.

use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::ids::UserId;

use crate::schema::password_resets;
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Gives a person a token, in place of any before it.
pub fn set(conn: &mut Conn<'_>, user: UserId, hash: &str, expires_at: Instant) -> Result<(), StoreError> {
    remove(conn, user)?;
    let row = (
        password_resets::user_id.eq(DbUuid(user.0)),
        password_resets::hash.eq(hash),
        password_resets::expires_at.eq(DbInstant(expires_at)),
    );
    on_each!(conn, c => diesel::insert_into(password_resets::table).values(row).execute(*c))?;
    Ok(())
}

/// Whose token has this hash, if it has not expired.
pub fn owner(conn: &mut Conn<'_>, hash: &str, now: Instant) -> Result<Option<UserId>, StoreError> {
    let query = password_resets::table
        .filter(password_resets::hash.eq(hash))
        .filter(password_resets::expires_at.gt(DbInstant(now)))
        .select(password_resets::user_id);
    let found: Option<DbUuid> = on_each!(conn, c => query.first(*c).optional())?;
    Ok(found.map(|id| UserId(id.0)))
}

/// Takes a person's token away.
pub fn remove(conn: &mut Conn<'_>, user: UserId) -> Result<(), StoreError> {
    on_each!(conn, c => diesel::delete(password_resets::table.find(DbUuid(user.0))).execute(*c))?;
    Ok(())
}

/// Forgets the tokens that expired before a moment; says how many.
pub fn purge(conn: &mut Conn<'_>, before: Instant) -> Result<usize, StoreError> {
    let expired = password_resets::table.filter(password_resets::expires_at.lt(DbInstant(before)));
    Ok(on_each!(conn, c => diesel::delete(expired).execute(*c))?)
}
