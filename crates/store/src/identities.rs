//! Who people are to outside identity providers.

use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::identity::Identity;
use eureka_domain::ids::{IdentityId, UserId};

use crate::schema::identities;
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Adds an identity. A conflict is `identities.subject`.
pub fn insert(conn: &mut Conn<'_>, identity: &Identity) -> Result<(), StoreError> {
    let row = Row::from(identity);
    on_each!(conn, c => diesel::insert_into(identities::table).values(&row).execute(*c))?;
    Ok(())
}

/// Writes all of an identity.
pub fn save(conn: &mut Conn<'_>, identity: &Identity) -> Result<(), StoreError> {
    let row = Row::from(identity);
    on_each!(conn, c => diesel::update(identities::table.find(row.id)).set(&row).execute(*c))?;
    Ok(())
}

/// Whom a provider means by a subject.
pub fn find(conn: &mut Conn<'_>, issuer: &str, subject: &str) -> Result<Option<Identity>, StoreError> {
    let query = identities::table.filter(identities::issuer.eq(issuer)).filter(identities::subject.eq(subject));
    Ok(on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(Identity::from))
}

/// All that a person is to providers.
pub fn of_user(conn: &mut Conn<'_>, user: UserId) -> Result<Vec<Identity>, StoreError> {
    let query = identities::table.filter(identities::user_id.eq(DbUuid(user.0))).order(identities::id);
    let rows: Vec<Row> = on_each!(conn, c => query.select(Row::as_select()).load(*c))?;
    Ok(rows.into_iter().map(Identity::from).collect())
}

/// Makes every token of a person that a provider has issued until a moment worth nothing.
pub fn revoke(conn: &mut Conn<'_>, user: UserId, until: Instant) -> Result<(), StoreError> {
    let theirs = identities::table.filter(identities::user_id.eq(DbUuid(user.0)));
    let revoked = identities::revoked_at.eq(DbInstant(until));
    on_each!(conn, c => diesel::update(theirs).set(revoked).execute(*c))?;
    Ok(())
}

/// Has it be nobody's groups that made a person an admin: somebody else has decided that.
pub fn disown_admin(conn: &mut Conn<'_>, user: UserId) -> Result<(), StoreError> {
    let theirs = identities::table.filter(identities::user_id.eq(DbUuid(user.0)));
    on_each!(conn, c => diesel::update(theirs).set(identities::gave_admin.eq(0)).execute(*c))?;
    Ok(())
}

/// Takes an identity away. The memberships that it gave have to be taken before.
pub fn remove(conn: &mut Conn<'_>, id: IdentityId) -> Result<(), StoreError> {
    on_each!(conn, c => diesel::delete(identities::table.find(DbUuid(id.0))).execute(*c))?;
    Ok(())
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = identities, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Row {
    id: DbUuid,
    issuer: String,
    subject: String,
    user_id: DbUuid,
    linked_at: DbInstant,
    token_at: Option<DbInstant>,
    rules: String,
    revoked_at: Option<DbInstant>,
    gave_admin: i32,
}

impl From<&Identity> for Row {
    fn from(identity: &Identity) -> Self {
        Self {
            id: DbUuid(identity.id.0),
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
            user_id: DbUuid(identity.user.0),
            linked_at: DbInstant(identity.linked_at),
            token_at: identity.token_at.map(DbInstant),
            rules: identity.rules.clone(),
            revoked_at: identity.revoked_at.map(DbInstant),
            gave_admin: i32::from(identity.gave_admin),
        }
    }
}

impl From<Row> for Identity {
    fn from(row: Row) -> Self {
        Self {
            id: IdentityId(row.id.0),
            issuer: row.issuer,
            subject: row.subject,
            user: UserId(row.user_id.0),
            linked_at: row.linked_at.0,
            token_at: row.token_at.map(|at| at.0),
            rules: row.rules,
            revoked_at: row.revoked_at.map(|at| at.0),
            gave_admin: row.gave_admin != 0,
        }
    }
}
