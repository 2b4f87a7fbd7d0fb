//! API keys: each with the hash of its secret.

use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::api_key::{ApiKey, Scopes};
use eureka_domain::ids::{ApiKeyId, UserId};

use crate::schema::api_keys;
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Adds a key with the hash of its secret; the secret itself is stored nowhere.
pub fn insert(conn: &mut Conn<'_>, key: &ApiKey, hash: &str) -> Result<(), StoreError> {
    let row = (Row::from(key), api_keys::hash.eq(hash));
    on_each!(conn, c => diesel::insert_into(api_keys::table).values(row).execute(*c))?;
    Ok(())
}

/// One key.
pub fn find(conn: &mut Conn<'_>, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
    let query = api_keys::table.find(DbUuid(id.0));
    on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(ApiKey::try_from).transpose()
}

/// One key, with the hash of its secret.
pub fn find_with_hash(conn: &mut Conn<'_>, id: ApiKeyId) -> Result<Option<(ApiKey, String)>, StoreError> {
    let query = api_keys::table.find(DbUuid(id.0));
    let found: Option<(Row, String)> =
        on_each!(conn, c => query.select((Row::as_select(), api_keys::hash)).first(*c).optional())?;
    found.map(|(row, hash)| Ok((ApiKey::try_from(row)?, hash))).transpose()
}

/// How many keys a person has that are in force.
pub fn count(conn: &mut Conn<'_>, owner: UserId, now: Instant) -> Result<i64, StoreError> {
    let query = api_keys::table
        .filter(api_keys::user_id.eq(DbUuid(owner.0)))
        .filter(api_keys::expires_at.gt(DbInstant(now)))
        .count();
    Ok(on_each!(conn, c => query.get_result(*c))?)
}

/// A person's keys, the oldest first, at most `limit` after one of them.
pub fn list(
    conn: &mut Conn<'_>,
    owner: UserId,
    after: Option<ApiKeyId>,
    limit: i64,
) -> Result<Vec<ApiKey>, StoreError> {
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = api_keys::table.filter(api_keys::user_id.eq(DbUuid(owner.0))).into_boxed();
        if let Some(after) = after {
            query = query.filter(api_keys::id.gt(DbUuid(after.0)));
        }
        query.select(Row::as_select()).order(api_keys::id).limit(limit).load(*c)
    })?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// Says when a key was last used.
pub fn touch(conn: &mut Conn<'_>, id: ApiKeyId, at: Instant) -> Result<(), StoreError> {
    let used = api_keys::last_used_at.eq(DbInstant(at));
    on_each!(conn, c => diesel::update(api_keys::table.find(DbUuid(id.0))).set(used).execute(*c))?;
    Ok(())
}

/// Ends a key for good; whether there was one.
pub fn remove(conn: &mut Conn<'_>, id: ApiKeyId) -> Result<bool, StoreError> {
    Ok(on_each!(conn, c => diesel::delete(api_keys::table.find(DbUuid(id.0))).execute(*c))? == 1)
}

/// Ends every key of a person; says how many there were.
pub fn remove_all(conn: &mut Conn<'_>, owner: UserId) -> Result<usize, StoreError> {
    let theirs = api_keys::table.filter(api_keys::user_id.eq(DbUuid(owner.0)));
    Ok(on_each!(conn, c => diesel::delete(theirs).execute(*c))?)
}

/// Forgets the keys that expired before a moment; says how many.
pub fn purge(conn: &mut Conn<'_>, before: Instant) -> Result<usize, StoreError> {
    let expired = api_keys::table.filter(api_keys::expires_at.lt(DbInstant(before)));
    Ok(on_each!(conn, c => diesel::delete(expired).execute(*c))?)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys, treat_none_as_default_value = false)]
struct Row {
    id: DbUuid,
    user_id: DbUuid,
    name: String,
    scopes: String,
    created_at: DbInstant,
    expires_at: DbInstant,
    last_used_at: Option<DbInstant>,
}

impl From<&ApiKey> for Row {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: DbUuid(key.id.0),
            user_id: DbUuid(key.owner.0),
            name: key.name.clone(),
            scopes: key.scopes.to_string(),
            created_at: DbInstant(key.created_at),
            expires_at: DbInstant(key.expires_at),
            last_used_at: key.last_used_at.map(DbInstant),
        }
    }
}

impl TryFrom<Row> for ApiKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: ApiKeyId(row.id.0),
            owner: UserId(row.user_id.0),
            name: row.name,
            scopes: Scopes::from_words(&row.scopes)
                .ok_or_else(|| StoreError::corrupt("api_keys.scopes", &row.scopes))?,
            created_at: row.created_at.0,
            expires_at: row.expires_at.0,
            last_used_at: row.last_used_at.map(|at| at.0),
        })
    }
}
