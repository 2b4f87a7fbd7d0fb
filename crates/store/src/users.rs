//! People and their password hashes.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::ids::UserId;
use eureka_domain::user::{SiteRole, User, UserStatus};

use crate::schema::{identities, users};
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Adds a person; without a password hash they cannot log in. A conflict is `users.email`.
pub fn insert(conn: &mut Conn<'_>, user: &User, password_hash: Option<&str>) -> Result<(), StoreError> {
    let row = (Row::from(user), users::password_hash.eq(password_hash));
    on_each!(conn, c => diesel::insert_into(users::table).values(row).execute(*c))?;
    Ok(())
}

/// Writes all of a person but the password hash.
pub fn save(conn: &mut Conn<'_>, user: &User) -> Result<(), StoreError> {
    let row = Row::from(user);
    on_each!(conn, c => diesel::update(users::table.find(row.id)).set(&row).execute(*c))?;
    Ok(())
}

/// One person.
pub fn find(conn: &mut Conn<'_>, id: UserId) -> Result<Option<User>, StoreError> {
    let query = users::table.find(DbUuid(id.0));
    on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(User::try_from).transpose()
}

/// The person with this login name, in lower case.
pub fn find_email(conn: &mut Conn<'_>, email: &str) -> Result<Option<User>, StoreError> {
    let query = users::table.filter(users::email.eq(email));
    on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(User::try_from).transpose()
}

/// The author of this name who has no login name: one who was imported.
pub fn find_imported(conn: &mut Conn<'_>, name: &str) -> Result<Option<UserId>, StoreError> {
    // Whoever was erased bears a name that others bear too, and is suspended.
    let query = users::table
        .filter(users::email.is_null().and(users::name.eq(name)))
        .filter(users::status.eq(UserStatus::Active.word()))
        // And whoever came through an identity provider may call themselves what they like.
        .filter(diesel::dsl::not(diesel::dsl::exists(identities::table.filter(identities::user_id.eq(users::id)))))
        .order(users::id)
        .select(users::id);
    let found: Option<DbUuid> = on_each!(conn, c => query.first(*c).optional())?;
    Ok(found.map(|id| UserId(id.0)))
}

/// The stored password hash, if the person has one.
pub fn password_hash(conn: &mut Conn<'_>, id: UserId) -> Result<Option<String>, StoreError> {
    let query = users::table.find(DbUuid(id.0)).select(users::password_hash);
    let found: Option<Option<String>> = on_each!(conn, c => query.first(*c).optional())?;
    Ok(found.flatten())
}

/// Replaces the password hash.
pub fn set_password_hash(conn: &mut Conn<'_>, id: UserId, hash: &str, now: Instant) -> Result<(), StoreError> {
    let change = (users::password_hash.eq(hash), users::updated_at.eq(DbInstant(now)));
    on_each!(conn, c => diesel::update(users::table.find(DbUuid(id.0))).set(change).execute(*c))?;
    Ok(())
}

/// The names of these people.
pub fn names(conn: &mut Conn<'_>, ids: &[UserId]) -> Result<HashMap<UserId, String>, StoreError> {
    let mut names = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(crate::MANY) {
        let ids: Vec<DbUuid> = ids.iter().map(|id| DbUuid(id.0)).collect();
        let query = users::table.filter(users::id.eq_any(ids)).select((users::id, users::name));
        let rows: Vec<(DbUuid, String)> = on_each!(conn, c => query.load(*c))?;
        names.extend(rows.into_iter().map(|(id, name)| (UserId(id.0), name)));
    }
    Ok(names)
}

/// Those of these people who may sign in: they are neither suspended nor erased.
pub fn active(conn: &mut Conn<'_>, ids: &[UserId]) -> Result<HashSet<UserId>, StoreError> {
    let mut active = HashSet::with_capacity(ids.len());
    for ids in ids.chunks(crate::MANY) {
        let ids: Vec<DbUuid> = ids.iter().map(|id| DbUuid(id.0)).collect();
        let query = users::table.filter(users::id.eq_any(ids)).filter(users::status.eq(UserStatus::Active.word()));
        let rows: Vec<DbUuid> = on_each!(conn, c => query.select(users::id).load(*c))?;
        active.extend(rows.into_iter().map(|id| UserId(id.0)));
    }
    Ok(active)
}

/// People in the order of their ids, at most `limit` after one of them.
pub fn list(conn: &mut Conn<'_>, after: Option<UserId>, limit: i64) -> Result<Vec<User>, StoreError> {
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = users::table.select(Row::as_select()).into_boxed();
        if let Some(after) = after {
            query = query.filter(users::id.gt(DbUuid(after.0)));
        }
        query.order(users::id).limit(limit).load(*c)
    })?;
    rows.into_iter().map(User::try_from).collect()
}

/// How many active site admins there are.
pub fn admins(conn: &mut Conn<'_>) -> Result<i64, StoreError> {
    let query = users::table
        .filter(users::site_role.eq(SiteRole::Admin.word()))
        .filter(users::status.eq(UserStatus::Active.word()))
        .count();
    Ok(on_each!(conn, c => query.get_result(*c))?)
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct Row {
    id: DbUuid,
    email: Option<String>,
    name: String,
    site_role: String,
    status: String,
    auth_epoch: i32,
    created_at: DbInstant,
    updated_at: DbInstant,
}

impl From<&User> for Row {
    fn from(user: &User) -> Self {
        Self {
            id: DbUuid(user.id.0),
            email: user.email.clone(),
            name: user.name.clone(),
            site_role: user.site_role.word().to_owned(),
            status: user.status.word().to_owned(),
            auth_epoch: user.auth_epoch,
            created_at: DbInstant(user.created_at),
            updated_at: DbInstant(user.updated_at),
        }
    }
}

impl TryFrom<Row> for User {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let site_role = SiteRole::from_word(&row.site_role);
        let status = UserStatus::from_word(&row.status);
        Ok(Self {
            id: UserId(row.id.0),
            email: row.email,
            name: row.name,
            site_role: site_role.ok_or_else(|| StoreError::corrupt("users.site_role", &row.site_role))?,
            status: status.ok_or_else(|| StoreError::corrupt("users.status", &row.status))?,
            auth_epoch: row.auth_epoch,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        })
    }
}
