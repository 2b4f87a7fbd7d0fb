//! Communities and their members.

use std::collections::BTreeMap;

use diesel::prelude::*;
use eureka_domain::access::Standing;
use eureka_domain::community::{Community, Membership, Openness, ReviewPolicy, Role};
use eureka_domain::ids::{CommunityId, IdentityId, UserId};
use eureka_domain::user::User;
use eureka_domain::visibility::Audience;

use crate::schema::{communities, members, users};
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Founds a community. A conflict is `communities.slug`.
pub fn insert(conn: &mut Conn<'_>, community: &Community) -> Result<(), StoreError> {
    let row = Row::from(community);
    on_each!(conn, c => diesel::insert_into(communities::table).values(&row).execute(*c))?;
    Ok(())
}

/// Writes all of a community.
pub fn save(conn: &mut Conn<'_>, community: &Community) -> Result<(), StoreError> {
    let row = Row::from(community);
    on_each!(conn, c => diesel::update(communities::table.find(row.id)).set(&row).execute(*c))?;
    Ok(())
}

/// One community.
pub fn find(conn: &mut Conn<'_>, id: CommunityId) -> Result<Option<Community>, StoreError> {
    let query = communities::table.find(DbUuid(id.0));
    on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(Community::try_from).transpose()
}

/// The community with this word in its URLs.
pub fn find_slug(conn: &mut Conn<'_>, slug: &str) -> Result<Option<Community>, StoreError> {
    let query = communities::table.filter(communities::slug.eq(slug));
    on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(Community::try_from).transpose()
}

/// Every community there is, in the order of founding.
pub fn ids(conn: &mut Conn<'_>) -> Result<Vec<CommunityId>, StoreError> {
    let query = communities::table.order(communities::id).select(communities::id);
    let ids: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
    Ok(ids.into_iter().map(|id| CommunityId(id.0)).collect())
}

/// The communities an audience reads, in the order of founding, at most `limit` after one of them.
pub fn list(
    conn: &mut Conn<'_>,
    audience: &Audience,
    after: Option<CommunityId>,
    limit: i64,
) -> Result<Vec<Community>, StoreError> {
    let private: Vec<DbUuid> = audience.private.iter().map(|id| DbUuid(id.0)).collect();
    let reads = communities::openness.eq(Openness::Open.word()).or(communities::id.eq_any(private));
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = communities::table.select(Row::as_select()).into_boxed();
        if !audience.everything {
            query = query.filter(reads);
        }
        if let Some(after) = after {
            query = query.filter(communities::id.gt(DbUuid(after.0)));
        }
        query.order(communities::id).limit(limit).load(*c)
    })?;
    rows.into_iter().map(Community::try_from).collect()
}

/// Makes somebody a member, or gives a member another role; `given_by` is the identity whose groups gave it, where it was
/// not a person or the operator.
pub fn set_member(
    conn: &mut Conn<'_>,
    membership: &Membership,
    given_by: Option<IdentityId>,
) -> Result<(), StoreError> {
    let row = MemberRow {
        community_id: DbUuid(membership.community.0),
        user_id: DbUuid(membership.user.0),
        role: membership.role.word().to_owned(),
        since: DbInstant(membership.since),
        given_by: given_by.map(|id| DbUuid(id.0)),
    };
    on_each!(conn, c => diesel::insert_into(members::table)
        .values(&row)
        .on_conflict((members::community_id, members::user_id))
        .do_update()
        .set((members::role.eq(&row.role), members::since.eq(row.since), members::given_by.eq(row.given_by)))
        .execute(*c))?;
    Ok(())
}

/// Ends a membership; says whether there was one.
pub fn remove_member(conn: &mut Conn<'_>, community: CommunityId, user: UserId) -> Result<bool, StoreError> {
    let membership = members::table.find((DbUuid(community.0), DbUuid(user.0)));
    Ok(on_each!(conn, c => diesel::delete(membership).execute(*c))? == 1)
}

/// Somebody's membership.
pub fn member(conn: &mut Conn<'_>, community: CommunityId, user: UserId) -> Result<Option<Membership>, StoreError> {
    let query = members::table.find((DbUuid(community.0), DbUuid(user.0)));
    on_each!(conn, c => query.select(MemberRow::as_select()).first(*c).optional())?
        .map(Membership::try_from)
        .transpose()
}

/// Every membership of a person, and the identity whose groups gave it, where it was not a person or the operator.
pub fn memberships(conn: &mut Conn<'_>, user: UserId) -> Result<Vec<(Membership, Option<IdentityId>)>, StoreError> {
    let query = members::table.filter(members::user_id.eq(DbUuid(user.0)));
    let rows: Vec<MemberRow> = on_each!(conn, c => query.select(MemberRow::as_select()).load(*c))?;
    rows.into_iter()
        .map(|row| {
            let given_by = row.given_by.map(|id| IdentityId(id.0));
            Ok((Membership::try_from(row)?, given_by))
        })
        .collect()
}

/// The members of a community in the order of their ids, at most `limit` after one of them.
pub fn members(
    conn: &mut Conn<'_>,
    community: CommunityId,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<(Membership, User)>, StoreError> {
    let rows: Vec<(MemberRow, crate::users::Row)> = on_each!(conn, c => {
        let mut query = members::table
            .inner_join(users::table)
            .filter(members::community_id.eq(DbUuid(community.0)))
            .select((MemberRow::as_select(), crate::users::Row::as_select()))
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(members::user_id.gt(DbUuid(after.0)));
        }
        query.order(members::user_id).limit(limit).load(*c)
    })?;
    rows.into_iter().map(|(member, user)| Ok((member.try_into()?, user.try_into()?))).collect()
}

/// Those who have at least a role in a community.
pub fn with_role(conn: &mut Conn<'_>, community: CommunityId, role: Role) -> Result<Vec<UserId>, StoreError> {
    let enough: Vec<&str> = Role::ALL.iter().filter(|&&held| held >= role).map(|held| held.word()).collect();
    let query = members::table
        .filter(members::community_id.eq(DbUuid(community.0)))
        .filter(members::role.eq_any(enough))
        .select(members::user_id);
    let rows: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
    Ok(rows.into_iter().map(|id| UserId(id.0)).collect())
}

/// What a person is in each of their communities.
pub fn standings(conn: &mut Conn<'_>, user: UserId) -> Result<BTreeMap<CommunityId, Standing>, StoreError> {
    let query = members::table.inner_join(communities::table).filter(members::user_id.eq(DbUuid(user.0))).select((
        members::community_id,
        members::role,
        communities::openness,
    ));
    let rows: Vec<(DbUuid, String, String)> = on_each!(conn, c => query.load(*c))?;
    rows.into_iter()
        .map(|(id, role, openness)| {
            Ok((CommunityId(id.0), Standing { role: role_of(&role)?, openness: openness_of(&openness)? }))
        })
        .collect()
}

fn role_of(word: &str) -> Result<Role, StoreError> {
    Role::from_word(word).ok_or_else(|| StoreError::corrupt("members.role", word))
}

pub(crate) fn openness_of(word: &str) -> Result<Openness, StoreError> {
    Openness::from_word(word).ok_or_else(|| StoreError::corrupt("communities.openness", word))
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = communities)]
struct Row {
    id: DbUuid,
    slug: String,
    name: String,
    description: String,
    openness: String,
    quorum: i32,
    safety_quorum: i32,
    claim_minutes: i32,
    first_response_days: i32,
    decision_days: i32,
    created_at: DbInstant,
    updated_at: DbInstant,
}

impl From<&Community> for Row {
    fn from(community: &Community) -> Self {
        Self {
            id: DbUuid(community.id.0),
            slug: community.slug.clone(),
            name: community.name.clone(),
            description: community.description.clone(),
            openness: community.openness.word().to_owned(),
            quorum: community.policy.quorum,
            safety_quorum: community.policy.safety_quorum,
            claim_minutes: community.policy.claim_minutes,
            first_response_days: community.policy.first_response_days,
            decision_days: community.policy.decision_days,
            created_at: DbInstant(community.created_at),
            updated_at: DbInstant(community.updated_at),
        }
    }
}

impl TryFrom<Row> for Community {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: CommunityId(row.id.0),
            slug: row.slug,
            name: row.name,
            description: row.description,
            openness: openness_of(&row.openness)?,
            policy: ReviewPolicy {
                quorum: row.quorum,
                safety_quorum: row.safety_quorum,
                claim_minutes: row.claim_minutes,
                first_response_days: row.first_response_days,
                decision_days: row.decision_days,
            },
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = members, treat_none_as_default_value = false)]
struct MemberRow {
    community_id: DbUuid,
    user_id: DbUuid,
    role: String,
    since: DbInstant,
    given_by: Option<DbUuid>,
}

impl TryFrom<MemberRow> for Membership {
    type Error = StoreError;

    fn try_from(row: MemberRow) -> Result<Self, StoreError> {
        Ok(Self {
            community: CommunityId(row.community_id.0),
            user: UserId(row.user_id.0),
            role: role_of(&row.role)?,
            since: row.since.0,
        })
    }
}
