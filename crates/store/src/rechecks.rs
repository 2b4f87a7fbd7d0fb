//! When tips were last confirmed, and which have to be looked at again.

use std::collections::HashMap;

use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use eureka_domain::Instant;
use eureka_domain::change::Kind;
use eureka_domain::flag::FlagKind;
use eureka_domain::ids::{CommunityId, TipId};
use eureka_domain::tip::{Confidence, Safety};

use crate::schema::{change_log, flags, revisions, tips};
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// The changes that confirm a tip or put it in doubt, in the words of the index `confirmations`: SQLite takes that index
/// for a query that repeats its condition to the letter.
const TURNING: &str =
    "change_log.kind IN ('tip.published', 'tip.imported', 'tip.restored', 'tip.renewed', 'tip.disputed')";

/// The place in the log at which a tip was last confirmed or put in doubt; 0 where it never was.
pub fn turning_point(conn: &mut Conn<'_>, tip: TipId) -> Result<i64, StoreError> {
    let query = change_log::table
        .filter(change_log::tip_id.eq(DbUuid(tip.0)))
        .filter(sql::<Bool>(TURNING))
        .order(change_log::seq.desc())
        .select(change_log::seq);
    let last: Option<i64> = on_each!(conn, c => query.first(*c).optional())?;
    Ok(last.unwrap_or(0))
}

/// When each of these tips was last confirmed, by peers or by use.
pub fn confirmed(conn: &mut Conn<'_>, ids: &[TipId]) -> Result<HashMap<TipId, Instant>, StoreError> {
    let mut found = HashMap::new();
    for ids in ids.chunks(crate::MANY) {
        let ids: Vec<Option<DbUuid>> = ids.iter().map(|id| Some(DbUuid(id.0))).collect();
        let query = change_log::table
            .filter(change_log::tip_id.eq_any(ids))
            .filter(sql::<Bool>(TURNING))
            .filter(change_log::kind.ne_all([Kind::TipDisputed.word(), Kind::TipRestored.word()]))
            .order(change_log::seq)
            .select((change_log::tip_id.assume_not_null(), change_log::at));
        let rows: Vec<(DbUuid, DbInstant)> = on_each!(conn, c => query.load(*c))?;
        found.extend(rows.into_iter().map(|(tip, at)| (TipId(tip.0), at.0))); // the last of each stays
    }
    Ok(found)
}

/// Validated tips of a community and a safety level that nobody has confirmed since a moment and that have no open
/// re-check, the oldest first, at most `limit`.
pub fn due(
    conn: &mut Conn<'_>,
    community: CommunityId,
    safety: Safety,
    since: Instant,
    limit: i64,
) -> Result<Vec<TipId>, StoreError> {
    let open = flags::table
        .filter(flags::tip_id.eq(tips::id))
        .filter(flags::kind.eq(FlagKind::Recheck.word()))
        .filter(flags::resolved_at.is_null());
    let confirmed = change_log::table
        .filter(change_log::tip_id.eq(tips::id.nullable()))
        .filter(sql::<Bool>(TURNING))
        .filter(change_log::kind.ne_all([Kind::TipDisputed.word(), Kind::TipRestored.word()]))
        .filter(change_log::at.gt(DbInstant(since)));
    let is_live = revisions::tip_id.eq(tips::id).and(revisions::number.nullable().eq(tips::live));
    let query = tips::table
        .inner_join(revisions::table.on(is_live))
        .filter(tips::community_id.eq(DbUuid(community.0)))
        .filter(tips::confidence.eq(Confidence::Validated.word()))
        .filter(tips::hold.is_null())
        .filter(tips::replaced_by.is_null())
        .filter(revisions::safety.eq(safety.word()))
        .filter(not(exists(open)))
        .filter(not(exists(confirmed)))
        .order(tips::id)
        .limit(limit)
        .select(tips::id);
    let ids: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
    Ok(ids.into_iter().map(|id| TipId(id.0)).collect())
}
