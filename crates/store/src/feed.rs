//! What the change feed reads: rows of the log by kind, and the approved tips that one of them concerns, in the order of
//! their ids.

use diesel::dsl::exists;
use diesel::prelude::*;
use eureka_domain::change::{Kind, Recorded};
use eureka_domain::community::Openness;
use eureka_domain::ids::{CommunityId, TipId, UserId};
use eureka_domain::tip::{Replaced, Tip};

use crate::schema::{change_log, communities, tips};
use crate::sql_types::DbUuid;
use crate::tips::Row;
use crate::{Conn, StoreError};

/// Which approved tips a change concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concerned {
    /// These.
    These(Vec<TipId>),
    /// Those of a community that had been approved before this place in the log.
    OfCommunity(CommunityId, i64),
    /// Those of every private community that had been approved before this place in the log.
    OfPrivate(i64),
    /// Those by an author, or with what they wrote merged into it.
    By(UserId),
}

/// The rows of these kinds after a place and up to another, at most `limit`, in order.
pub fn rows(
    conn: &mut Conn<'_>,
    kinds: &[Kind],
    after: i64,
    until: i64,
    limit: i64,
) -> Result<Vec<Recorded>, StoreError> {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
    let query = change_log::table
        .filter(change_log::seq.gt(after).and(change_log::seq.le(until)))
        .filter(change_log::kind.eq_any(words))
        .order(change_log::seq)
        .limit(limit);
    crate::log::recorded(on_each!(conn, c => query.select(crate::log::Row::as_select()).load(*c))?)
}

/// The approved tips that are concerned, in the order of their ids, at most `limit` after one of them.
pub fn tips(
    conn: &mut Conn<'_>,
    concerned: &Concerned,
    after: Option<TipId>,
    limit: i64,
) -> Result<Vec<Tip>, StoreError> {
    let merged = diesel::alias!(tips as merged);
    let approved_before = |seq: i64| {
        let approvals = [Kind::TipPublished.word(), Kind::TipImported.word()];
        let of_tip = change_log::tip_id.assume_not_null().eq(tips::id);
        exists(
            change_log::table.filter(of_tip).filter(change_log::kind.eq_any(approvals)).filter(change_log::seq.lt(seq)),
        )
    };
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = tips::table
            .inner_join(communities::table)
            .filter(tips::live.is_not_null())
            .select(Row::as_select())
            .into_boxed();
        query = match concerned {
            Concerned::These(ids) => query.filter(tips::id.eq_any(ids.iter().map(|id| DbUuid(id.0)).collect::<Vec<_>>())),
            Concerned::OfCommunity(community, seq) => {
                query.filter(tips::community_id.eq(DbUuid(community.0))).filter(approved_before(*seq))
            }
            Concerned::OfPrivate(seq) => {
                query.filter(communities::openness.eq(Openness::Private.word())).filter(approved_before(*seq))
            }
            Concerned::By(author) => {
                let merged_here = merged.field(tips::replaced_by).eq(tips::id.nullable());
                let whose_was_merged = merged
                    .filter(merged_here.assume_not_null())
                    .filter(merged.field(tips::replaced_how).eq(Replaced::Merged.word()))
                    .filter(merged.field(tips::author_id).eq(DbUuid(author.0)));
                query.filter(tips::author_id.eq(DbUuid(author.0)).or(exists(whose_was_merged)))
            }
        };
        if let Some(after) = after {
            query = query.filter(tips::id.gt(DbUuid(after.0)));
        }
        query.order(tips::id).limit(limit).load(*c)
    })?;
    rows.into_iter().map(Tip::try_from).collect()
}
