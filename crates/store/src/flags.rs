//! Flags, and the list of tasks that they are.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::community::{Openness, Role};
use eureka_domain::flag::{Flag, FlagKind, Resolution, Resolved};
use eureka_domain::ids::{CommunityId, FlagId, TipId, UserId};
use eureka_domain::user::UserStatus;
use eureka_domain::visibility::Audience;

use crate::schema::{communities, flags, members, users};
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Who asks, and for which flags. What is `None` filters nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagFilter {
    /// Who asks: they see what they raised.
    pub caller: UserId,
    /// Whose live texts they read, and so of whose tips their own flags still are.
    pub audience: Audience,
    /// Where they review, and so see every flag.
    pub reviews_in: Vec<CommunityId>,
    /// Open, or ended.
    pub open: Option<bool>,
    /// Of this community.
    pub community: Option<CommunityId>,
    /// Of this tip.
    pub tip: Option<TipId>,
    /// Of this kind.
    pub kind: Option<FlagKind>,
    /// For this person to see to.
    pub assignee: Option<UserId>,
    /// Open, and due before this moment.
    pub overdue_at: Option<Instant>,
}

/// Raises a flag. Conflicts: `one_open_flag`, `one_open_recheck`.
pub fn insert(conn: &mut Conn<'_>, flag: &Flag) -> Result<(), StoreError> {
    let row = Row::from(flag);
    on_each!(conn, c => diesel::insert_into(flags::table).values(&row).execute(*c))?;
    Ok(())
}

/// Writes what may change of a flag: whose task it is, and how it ended.
pub fn save(conn: &mut Conn<'_>, flag: &Flag) -> Result<(), StoreError> {
    let row = Row::from(flag);
    let state = (
        flags::assignee.eq(row.assignee),
        flags::resolution.eq(row.resolution),
        flags::reason.eq(row.reason),
        flags::resolved_by.eq(row.resolved_by),
        flags::resolved_at.eq(row.resolved_at),
    );
    on_each!(conn, c => diesel::update(flags::table.find(row.id)).set(state).execute(*c))?;
    Ok(())
}

/// One flag.
pub fn find(conn: &mut Conn<'_>, id: FlagId) -> Result<Option<Flag>, StoreError> {
    let query = flags::table.find(DbUuid(id.0));
    on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(Flag::try_from).transpose()
}

/// The open flag of a kind that a person has raised on a tip.
pub fn open_of(conn: &mut Conn<'_>, tip: TipId, kind: FlagKind, by: UserId) -> Result<Option<Flag>, StoreError> {
    let query = flags::table
        .filter(flags::tip_id.eq(DbUuid(tip.0)))
        .filter(flags::kind.eq(kind.word()))
        .filter(flags::flagged_by.eq(DbUuid(by.0)))
        .filter(flags::resolved_at.is_null());
    on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(Flag::try_from).transpose()
}

/// Every flag on a tip, the first raised first.
pub fn of_tip(conn: &mut Conn<'_>, tip: TipId) -> Result<Vec<Flag>, StoreError> {
    let query = flags::table.filter(flags::tip_id.eq(DbUuid(tip.0))).order((flags::opened_at, flags::id));
    let rows: Vec<Row> = on_each!(conn, c => query.select(Row::as_select()).load(*c))?;
    rows.into_iter().map(Flag::try_from).collect()
}

/// The open re-check of a tip.
pub fn open_recheck(conn: &mut Conn<'_>, tip: TipId) -> Result<Option<Flag>, StoreError> {
    let query = flags::table
        .filter(flags::tip_id.eq(DbUuid(tip.0)))
        .filter(flags::kind.eq(FlagKind::Recheck.word()))
        .filter(flags::resolved_at.is_null());
    on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(Flag::try_from).transpose()
}

/// How many open re-checks a community has.
pub fn open_rechecks(conn: &mut Conn<'_>, community: CommunityId) -> Result<i64, StoreError> {
    let query = flags::table
        .filter(flags::community_id.eq(DbUuid(community.0)))
        .filter(flags::kind.eq(FlagKind::Recheck.word()))
        .filter(flags::resolved_at.is_null());
    Ok(on_each!(conn, c => query.count().get_result(*c))?)
}

/// The flags that a filter lets through, those that are due first before the others, at most `limit` after one of them.
pub fn list(
    conn: &mut Conn<'_>,
    filter: &FlagFilter,
    after: Option<(Instant, FlagId)>,
    limit: i64,
) -> Result<Vec<Flag>, StoreError> {
    let reviewed: Vec<DbUuid> = filter.reviews_in.iter().map(|id| DbUuid(id.0)).collect();
    let private: Vec<DbUuid> = filter.audience.private.iter().map(|id| DbUuid(id.0)).collect();
    let everything = filter.audience.everything.into_sql::<diesel::sql_types::Bool>();
    let reads = communities::openness.eq(Openness::Open.word()).or(communities::id.eq_any(private)).or(everything);
    let raised = flags::flagged_by.is_not_null().and(flags::flagged_by.assume_not_null().eq(DbUuid(filter.caller.0)));
    let sees = flags::community_id.eq_any(reviewed).or(raised.and(reads));
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = flags::table
            .inner_join(communities::table)
            .filter(sees)
            .select(Row::as_select())
            .into_boxed();
        query = match filter.open {
            Some(true) => query.filter(flags::resolved_at.is_null()),
            Some(false) => query.filter(flags::resolved_at.is_not_null()),
            None => query,
        };
        if let Some(community) = filter.community {
            query = query.filter(flags::community_id.eq(DbUuid(community.0)));
        }
        if let Some(tip) = filter.tip {
            query = query.filter(flags::tip_id.eq(DbUuid(tip.0)));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(flags::kind.eq(kind.word()));
        }
        if let Some(assignee) = filter.assignee {
            query = query.filter(flags::assignee.eq(DbUuid(assignee.0)));
        }
        if let Some(now) = filter.overdue_at {
            query = query.filter(flags::resolved_at.is_null()).filter(flags::due_at.lt(DbInstant(now)));
        }
        if let Some((at, id)) = after {
            let (at, id) = (DbInstant(at), DbUuid(id.0));
            // The first condition is implied by the second, and is the one that an index can begin at.
            query = query.filter(flags::due_at.ge(at)).filter(flags::due_at.gt(at).or(flags::id.gt(id)));
        }
        query.order((flags::due_at, flags::id)).limit(limit).load(*c)
    })?;
    rows.into_iter().map(Flag::try_from).collect()
}

/// The reviewers of a community who may sign in, and how many open tasks each has.
pub fn reviewers(conn: &mut Conn<'_>, community: CommunityId) -> Result<HashMap<UserId, i64>, StoreError> {
    let query = members::table
        .inner_join(users::table)
        .filter(members::community_id.eq(DbUuid(community.0)))
        .filter(members::role.eq_any([Role::Reviewer.word(), Role::Steward.word()]))
        .filter(users::status.eq(UserStatus::Active.word()))
        .select(members::user_id);
    let people: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
    let mut found: HashMap<UserId, i64> = people.iter().map(|id| (UserId(id.0), 0)).collect();
    for people in people.chunks(crate::MANY) {
        let busy = flags::table
            .filter(flags::assignee.eq_any(people))
            .filter(flags::resolved_at.is_null())
            .group_by(flags::assignee)
            .select((flags::assignee.assume_not_null(), count_star()));
        let rows: Vec<(DbUuid, i64)> = on_each!(conn, c => busy.load(*c))?;
        found.extend(rows.into_iter().map(|(id, tasks)| (UserId(id.0), tasks)));
    }
    Ok(found)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = flags, treat_none_as_default_value = false)]
struct Row {
    id: DbUuid,
    tip_id: DbUuid,
    revision: i32,
    community_id: DbUuid,
    kind: String,
    flagged_by: Option<DbUuid>,
    text: Option<String>,
    duplicate_of: Option<DbUuid>,
    assignee: Option<DbUuid>,
    due_at: DbInstant,
    opened_at: DbInstant,
    resolution: Option<String>,
    reason: Option<String>,
    resolved_by: Option<DbUuid>,
    resolved_at: Option<DbInstant>,
}

impl From<&Flag> for Row {
    fn from(flag: &Flag) -> Self {
        let user = |id: Option<UserId>| id.map(|id| DbUuid(id.0));
        let resolved = flag.resolved.as_ref();
        Self {
            id: DbUuid(flag.id.0),
            tip_id: DbUuid(flag.tip.0),
            revision: flag.revision,
            community_id: DbUuid(flag.community.0),
            kind: flag.kind.word().to_owned(),
            flagged_by: user(flag.flagged_by),
            text: flag.text.clone(),
            duplicate_of: flag.duplicate_of.map(|id| DbUuid(id.0)),
            assignee: user(flag.assignee),
            due_at: DbInstant(flag.due_at),
            opened_at: DbInstant(flag.opened_at),
            resolution: resolved.map(|end| end.resolution.word().to_owned()),
            reason: resolved.map(|end| end.reason.clone()),
            resolved_by: user(resolved.and_then(|end| end.by)),
            resolved_at: resolved.map(|end| DbInstant(end.at)),
        }
    }
}

impl TryFrom<Row> for Flag {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let user = |id: Option<DbUuid>| id.map(|id| UserId(id.0));
        let resolved = match (row.resolution, row.resolved_at) {
            (Some(word), Some(at)) => Some(Resolved {
                resolution: Resolution::from_word(&word)
                    .ok_or_else(|| StoreError::corrupt("flags.resolution", &word))?,
                reason: row.reason.unwrap_or_default(), // erased
                by: user(row.resolved_by),
                at: at.0,
            }),
            _ => None,
        };
        Ok(Self {
            id: FlagId(row.id.0),
            tip: TipId(row.tip_id.0),
            revision: row.revision,
            community: CommunityId(row.community_id.0),
            kind: FlagKind::from_word(&row.kind).ok_or_else(|| StoreError::corrupt("flags.kind", &row.kind))?,
            flagged_by: user(row.flagged_by),
            text: row.text,
            duplicate_of: row.duplicate_of.map(|id| TipId(id.0)),
            assignee: user(row.assignee),
            due_at: row.due_at.0,
            opened_at: row.opened_at.0,
            resolved,
        })
    }
}
