//! The tips that a caller sees, listed: the SQL twin of `visibility::sees_tip` and `visibility::sees_revision`. A filter on
//! a text looks only at the text that the caller sees.

use diesel::dsl::{case_when, exists};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use eureka_domain::Instant;
use eureka_domain::community::Openness;
use eureka_domain::ids::{CommunityId, TipId, UserId};
use eureka_domain::tip::{Confidence, Replaced, State};
use eureka_domain::visibility::Audience;

use super::{Row, TipSheet, with_revisions};
use crate::revisions::{holds, stored_form};
use crate::schema::{communities, revision_credits, revisions, tips};
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Who asks, and for which tips. What is `None` filters nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TipFilter {
    /// Who asks.
    pub caller: UserId,
    /// Whose live texts they read.
    pub audience: Audience,
    /// Where they review, and so read what was sent to reviewers.
    pub reviews_in: Vec<CommunityId>,
    /// Whether they are a site admin, who reads everything that was sent to reviewers.
    pub is_admin: bool,
    /// Of this community.
    pub community: Option<CommunityId>,
    /// By this author, or with what they wrote merged into it.
    pub author: Option<UserId>,
    /// Whose newest revision that the caller sees is in this state.
    pub state: Option<State>,
    /// Of this confidence.
    pub confidence: Option<Confidence>,
    /// Whose newest revision that the caller sees is for this product.
    pub product: Option<String>,
    /// … has this fault code.
    pub fault_code: Option<String>,
    /// … has this tag.
    pub tag: Option<String>,
}

/// The tips that a caller sees, newest first, at most `limit` after one of them.
pub fn list(
    conn: &mut Conn<'_>,
    filter: &TipFilter,
    after: Option<(Instant, TipId)>,
    limit: i64,
) -> Result<Vec<TipSheet>, StoreError> {
    // The table itself is joined as the newest revision, its alias looks at the one the caller sees.
    let shown = diesel::alias!(revisions as shown);
    let merged = diesel::alias!(tips as merged);
    let newest = revisions::tip_id.eq(tips::id).and(revisions::number.eq(tips::latest));
    let private: Vec<DbUuid> = filter.audience.private.iter().map(|id| DbUuid(id.0)).collect();
    let reviewed: Vec<DbUuid> = filter.reviews_in.iter().map(|id| DbUuid(id.0)).collect();
    let caller = DbUuid(filter.caller.0);

    let reads = || {
        let is_open = communities::openness.eq(Openness::Open.word());
        let everywhere = filter.audience.everything.into_sql::<Bool>();
        is_open.or(communities::id.eq_any(private.clone())).or(everywhere)
    };
    let sees_newest = || {
        let credited = revision_credits::table
            .filter(revision_credits::tip_id.eq(tips::id))
            .filter(revision_credits::revision.eq(tips::latest))
            .filter(revision_credits::user_id.eq(caller));
        let writes = tips::author_id.eq(caller).or(revisions::editor_id.eq(caller)).or(exists(credited).and(reads()));
        let was_sent = revisions::state.ne(State::Draft.word()).and(revisions::submitted_at.is_not_null());
        let reviews = communities::id.eq_any(reviewed.clone()).or(filter.is_admin.into_sql::<Bool>());
        writes.or(was_sent.and(reviews))
    };
    let sees_live = tips::live.is_not_null().and(reads());
    let number_shown = || case_when(sees_newest(), tips::latest.nullable()).otherwise(tips::live);
    /// Whether the newest text of a tip that the caller sees meets a condition.
    macro_rules! shows {
        ($condition:expr) => {{
            let of_tip = shown.field(revisions::tip_id).eq(tips::id);
            let is_shown = shown.field(revisions::number).nullable().eq(number_shown());
            exists(shown.filter(of_tip.and(is_shown)).filter($condition))
        }};
    }
    let form = |label: &Option<String>| label.as_deref().map(stored_form).transpose();
    let (product, fault_code, tag) = (form(&filter.product)?, form(&filter.fault_code)?, form(&filter.tag)?);

    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = tips::table
            .inner_join(communities::table)
            .inner_join(revisions::table.on(newest))
            .filter(sees_newest().or(sees_live))
            .select(Row::as_select())
            .into_boxed();
        if let Some(community) = filter.community {
            query = query.filter(tips::community_id.eq(DbUuid(community.0)));
        }
        if let Some(author) = filter.author {
            let merged_here = merged.field(tips::replaced_by).eq(tips::id.nullable());
            let whose_was_merged = merged
                .filter(merged_here.assume_not_null())
                .filter(merged.field(tips::replaced_how).eq(Replaced::Merged.word()))
                .filter(merged.field(tips::author_id).eq(DbUuid(author.0)));
            query = query.filter(tips::author_id.eq(DbUuid(author.0)).or(exists(whose_was_merged)));
        }
        if let Some(confidence) = filter.confidence {
            query = query.filter(tips::confidence.eq(confidence.word()));
        }
        if let Some(state) = filter.state {
            query = query.filter(shows!(shown.field(revisions::state).eq(state.word())));
        }
        if let Some(form) = &product {
            query = query.filter(shows!(holds!(shown.field(revisions::products), form)));
        }
        if let Some(form) = &fault_code {
            query = query.filter(shows!(holds!(shown.field(revisions::fault_codes), form)));
        }
        if let Some(form) = &tag {
            query = query.filter(shows!(holds!(shown.field(revisions::tags), form)));
        }
        if let Some((at, id)) = after {
            let (at, id) = (DbInstant(at), DbUuid(id.0));
            // The first condition is implied by the second, and is the one that an index can begin at.
            query = query.filter(tips::created_at.le(at)).filter(tips::created_at.lt(at).or(tips::id.lt(id)));
        }
        query.order((tips::created_at.desc(), tips::id.desc())).limit(limit).load(*c)
    })?;
    with_revisions(conn, rows)
}
