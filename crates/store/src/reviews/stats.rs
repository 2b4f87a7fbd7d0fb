//! How the queue does: what it takes to tell how long texts wait, and who there is to take them.

use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::ids::{CommunityId, UserId};
use eureka_domain::review::Review;

use super::{Row, with_decisions};
use crate::revisions::from_json;
use crate::schema::{decisions, reviews, revisions};
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// A review, with the machines that its text is for.
pub type Recent = (Review, Vec<String>);

/// The reviews of some communities that are open, or ended after a moment; at most `limit`, the newest first.
pub fn recent(
    conn: &mut Conn<'_>,
    communities: &[CommunityId],
    since: Instant,
    limit: i64,
) -> Result<Vec<Recent>, StoreError> {
    let communities: Vec<DbUuid> = communities.iter().map(|id| DbUuid(id.0)).collect();
    let text = revisions::tip_id.eq(reviews::tip_id).and(revisions::number.eq(reviews::revision));
    let query = reviews::table
        .inner_join(revisions::table.on(text))
        .filter(reviews::community_id.eq_any(communities))
        .filter(reviews::closed_at.is_null().or(reviews::closed_at.gt(DbInstant(since)).assume_not_null()))
        .order((reviews::opened_at.desc(), reviews::id))
        .limit(limit);
    let rows: Vec<(Row, String)> = on_each!(conn, c => query.select((Row::as_select(), revisions::products)).load(*c))?;
    let (rows, products): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let of = |(review, products): (Review, String)| Ok((review, from_json(&products)?));
    with_decisions(conn, rows)?.into_iter().zip(products).map(of).collect()
}

/// Who has decided since a moment on texts for which machines.
pub fn active_reviewers(
    conn: &mut Conn<'_>,
    communities: &[CommunityId],
    since: Instant,
) -> Result<Vec<(UserId, Vec<String>)>, StoreError> {
    let communities: Vec<DbUuid> = communities.iter().map(|id| DbUuid(id.0)).collect();
    let text = revisions::tip_id.eq(decisions::tip_id).and(revisions::number.eq(decisions::revision));
    let query = decisions::table
        .inner_join(revisions::table.on(text))
        .inner_join(reviews::table.on(reviews::id.eq(decisions::review_id)))
        .filter(reviews::community_id.eq_any(communities))
        .filter(decisions::at.gt(DbInstant(since)))
        .select((decisions::reviewer_id, revisions::products))
        .distinct();
    let rows: Vec<(DbUuid, String)> = on_each!(conn, c => query.load(*c))?;
    rows.into_iter().map(|(user, products)| Ok((UserId(user.0), from_json(&products)?))).collect()
}
