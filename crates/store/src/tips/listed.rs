//! The tips that an audience finds, listed: the SQL twin of `visibility::is_listed` and `Audience::reads`. A filter looks at
//! the live text.

use diesel::dsl::exists;
use diesel::prelude::*;
use eureka_domain::community::Openness;
use eureka_domain::ids::{CommunityId, TipId, UserId};
use eureka_domain::tip::{Confidence, Replaced};
use eureka_domain::visibility::Audience;

use super::{Row, TipSheet, with_revisions};
use crate::revisions::{holds, stored_form};
use crate::schema::{communities, revisions, tips};
use crate::sql_types::DbUuid;
use crate::{Conn, StoreError};

/// For whom, and which of them. What is `None` filters nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedFilter {
    /// Whose tips are read.
    pub audience: Audience,
    /// Of this community.
    pub community: Option<CommunityId>,
    /// By this author, or with what they wrote merged into it.
    pub author: Option<UserId>,
    /// Of this confidence.
    pub confidence: Option<Confidence>,
    /// For this product.
    pub product: Option<String>,
    /// With this fault code.
    pub fault_code: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
}

/// The tips that an audience finds, in the order of their ids, at most `limit` after one of them.
pub fn listed(
    conn: &mut Conn<'_>,
    filter: &ListedFilter,
    after: Option<TipId>,
    limit: i64,
) -> Result<Vec<TipSheet>, StoreError> {
    let merged = diesel::alias!(tips as merged);
    let live = revisions::tip_id.eq(tips::id).and(revisions::number.nullable().eq(tips::live).assume_not_null());
    let private: Vec<DbUuid> = filter.audience.private.iter().map(|id| DbUuid(id.0)).collect();
    let form = |label: &Option<String>| label.as_deref().map(stored_form).transpose();
    let (product, fault_code, tag) = (form(&filter.product)?, form(&filter.fault_code)?, form(&filter.tag)?);
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = tips::table
            .inner_join(communities::table)
            .inner_join(revisions::table.on(live))
            .filter(tips::hold.is_null().and(tips::replaced_by.is_null()))
            .filter(tips::confidence.ne(Confidence::Archived.word()))
            .select(Row::as_select())
            .into_boxed();
        if !filter.audience.everything {
            let is_open = communities::openness.eq(Openness::Open.word());
            query = query.filter(is_open.or(communities::id.eq_any(private)));
        }
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
        if let Some(form) = &product {
            query = query.filter(holds!(revisions::products, form));
        }
        if let Some(form) = &fault_code {
            query = query.filter(holds!(revisions::fault_codes, form));
        }
        if let Some(form) = &tag {
            query = query.filter(holds!(revisions::tags, form));
        }
        if let Some(after) = after {
            query = query.filter(tips::id.gt(DbUuid(after.0)));
        }
        query.order(tips::id).limit(limit).load(*c)
    })?;
    with_revisions(conn, rows)
}
