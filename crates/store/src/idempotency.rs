//! Replies kept under the caller's idempotency key, written in the transaction of what they reply to.

use diesel::prelude::*;
use eureka_domain::Instant;

use crate::schema::idempotency_keys;
use crate::sql_types::DbInstant;
use crate::{Conn, StoreError};

/// A reply as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = idempotency_keys)]
pub struct StoredReply {
    /// What tells the request from another one under the same key.
    pub fingerprint: String,
    /// HTTP status.
    pub status: i32,
    /// Headers, as JSON.
    pub headers: String,
    /// Body.
    pub body: Vec<u8>,
}

/// The reply under a caller's key, unless it has expired.
pub fn find(conn: &mut Conn<'_>, caller: &str, key: &str, now: Instant) -> Result<Option<StoredReply>, StoreError> {
    let query = idempotency_keys::table.find((caller, key)).filter(idempotency_keys::expires_at.gt(DbInstant(now)));
    Ok(on_each!(conn, c => query.select(StoredReply::as_select()).first(*c).optional())?)
}

/// Keeps a reply; one that has expired makes room. A conflict is `idempotency_keys.key`.
pub fn insert(
    conn: &mut Conn<'_>,
    caller: &str,
    key: &str,
    reply: &StoredReply,
    created_at: Instant,
    expires_at: Instant,
) -> Result<(), StoreError> {
    let expired =
        idempotency_keys::table.find((caller, key)).filter(idempotency_keys::expires_at.le(DbInstant(created_at)));
    let row = (
        idempotency_keys::caller.eq(caller),
        idempotency_keys::key.eq(key),
        idempotency_keys::fingerprint.eq(&reply.fingerprint),
        idempotency_keys::status.eq(reply.status),
        idempotency_keys::headers.eq(&reply.headers),
        idempotency_keys::body.eq(&reply.body),
        idempotency_keys::created_at.eq(DbInstant(created_at)),
        idempotency_keys::expires_at.eq(DbInstant(expires_at)),
    );
    on_each!(conn, c => diesel::delete(expired).execute(*c))?;
    on_each!(conn, c => diesel::insert_into(idempotency_keys::table).values(row).execute(*c))?;
    Ok(())
}

/// Gives every reply whose body `change` has another one for that body.
pub fn rewrite(conn: &mut Conn<'_>, change: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Result<(), StoreError> {
    let keys = idempotency_keys::table.select((idempotency_keys::caller, idempotency_keys::key));
    let keys: Vec<(String, String)> = on_each!(conn, c => keys.load(*c))?;
    for (caller, key) in keys {
        let row = idempotency_keys::table.find((&caller, &key));
        let body: Vec<u8> = on_each!(conn, c => row.select(idempotency_keys::body).first(*c))?;
        if let Some(body) = change(&body) {
            on_each!(conn, c => diesel::update(row).set(idempotency_keys::body.eq(&body)).execute(*c))?;
        }
    }
    Ok(())
}

/// Forgets the replies that expired before a moment; says how many.
pub fn purge(conn: &mut Conn<'_>, before: Instant) -> Result<usize, StoreError> {
    let expired = idempotency_keys::table.filter(idempotency_keys::expires_at.lt(DbInstant(before)));
    Ok(on_each!(conn, c => diesel::delete(expired).execute(*c))?)
}
