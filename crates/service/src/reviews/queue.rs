//! The queue: which reviews wait, and which one a reviewer is handed next.

use chrono::Duration;
use eureka_domain::Instant;
use eureka_domain::access::Caller;
use eureka_domain::ids::CommunityId;
use eureka_domain::queue::{self, Competence};
use eureka_domain::tip::Safety;
use eureka_domain::workflow::Action;
use eureka_store::reviews::{QueueFilter, QueueSort, QueueState};
use eureka_store::{Conn, Written, communities, reviews};

use super::{ReviewDetail, claim, lock, read};
use crate::{Page, PageRequest, Service, ServiceError};

/// How many of the longest waiting reviews are looked at for the one that suits somebody best.
const LOOKED_AT: i64 = 100;
/// How many texts tell what somebody knows about.
const WORKED_ON: i64 = 300;

/// Which reviews to list, of the communities the caller reviews in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueQuery {
    /// Of the community with this slug.
    pub community: Option<String>,
    /// Open, claimed, unclaimed or closed; open when absent.
    pub state: Option<QueueState>,
    /// For this product.
    pub product: Option<String>,
    /// In this language.
    pub lang: Option<String>,
    /// Of this safety level.
    pub safety: Option<Safety>,
    /// Claimed by the caller.
    pub mine: Option<bool>,
    /// Only those whose promised response or decision has not come.
    pub overdue: Option<bool>,
    /// That have waited at least so many days.
    pub waiting_days: Option<u32>,
    /// The newest first, instead of the oldest.
    pub sort: Option<QueueSort>,
}

/// How many open reviews there are of what a query asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// All of them.
    pub open: i64,
    /// That somebody holds.
    pub claimed: i64,
    /// Whose promised response or decision has not come.
    pub overdue: i64,
    /// That the caller holds.
    pub mine: i64,
}

impl Service {
    /// The queue of the communities the caller reviews in: oldest first unless asked otherwise.
    pub fn list_reviews(
        &self,
        caller: &Caller,
        query: QueueQuery,
        page: &PageRequest,
    ) -> Result<(Page<ReviewDetail>, QueueCounts), ServiceError> {
        let now = self.clock.now();
        self.store.read(|conn| {
            let filter = queue_filter(conn, caller, query, now)?;
            if filter.communities.is_empty() {
                return Ok((Page { items: Vec::new(), next: None }, QueueCounts::default()));
            }
            let found = reviews::queue(conn, &filter, page.after()?, page.fetch())?;
            let found = page.page(found, |review| (review.opened_at, review.id))?;
            let counts = counts(conn, caller, &filter)?;
            Ok((found.try_map(|review| read(conn, caller, review, now))?, counts))
        })
    }

    /// Takes up the review that the caller is best placed to decide, of those that nobody has claimed: see
    /// [`queue::order`]. None for whoever holds [`queue::MOST_CLAIMS`] already.
    pub fn claim_next_review(
        &self,
        caller: &Caller,
        community: Option<String>,
    ) -> Result<Written<Option<ReviewDetail>>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store.write(move |conn| {
            if reviews::held_by(conn, caller.user, now)? >= queue::MOST_CLAIMS {
                return Ok(None);
            }
            let reviewed = reviewed(conn, &caller, community.as_deref())?;
            let waiting = reviews::waiting_for(conn, &reviewed, caller.user, now, LOOKED_AT)?;
            let mut competence = Competence::default();
            for (products, lang) in reviews::worked_on(conn, caller.user, WORKED_ON)? {
                competence.add(&products, lang.as_deref());
            }
            let next = waiting.into_iter().min_by_key(|waiting| {
                let fit = competence.fit(&waiting.products, waiting.lang.as_deref());
                queue::order(&waiting.review, fit, caller.user, now)
            });
            let Some(next) = next else { return Ok(None) };
            let open = lock(conn, &caller, next.review.id)?.permit(&caller, Action::Claim)?;
            claim(conn, &caller, open, now).map(Some)
        })
    }
}

/// How many open reviews a filter lets through, however they stand.
fn counts(conn: &mut Conn<'_>, caller: &Caller, filter: &QueueFilter) -> Result<QueueCounts, ServiceError> {
    let open = QueueFilter { state: QueueState::Open, claimed_by: None, overdue: false, ..filter.clone() };
    let mine = QueueFilter { claimed_by: Some(caller.user), ..open.clone() };
    let claimed = QueueFilter { state: QueueState::Claimed, ..open.clone() };
    let overdue = QueueFilter { overdue: true, ..open.clone() };
    Ok(QueueCounts {
        open: reviews::count(conn, &open)?,
        claimed: reviews::count(conn, &claimed)?,
        overdue: reviews::count(conn, &overdue)?,
        mine: reviews::count(conn, &mine)?,
    })
}

/// The communities the caller reviews in; of them the one with this slug, if one is named.
pub(super) fn reviewed(
    conn: &mut Conn<'_>,
    caller: &Caller,
    slug: Option<&str>,
) -> Result<Vec<CommunityId>, ServiceError> {
    let mut reviewed = caller.reviewed();
    if let Some(slug) = slug {
        let named = communities::find_slug(conn, slug)?.map(|community| community.id);
        reviewed.retain(|&community| Some(community) == named);
    }
    Ok(reviewed)
}

fn queue_filter(
    conn: &mut Conn<'_>,
    caller: &Caller,
    query: QueueQuery,
    now: Instant,
) -> Result<QueueFilter, ServiceError> {
    Ok(QueueFilter {
        communities: reviewed(conn, caller, query.community.as_deref())?,
        state: query.state.unwrap_or(QueueState::Open),
        product: query.product,
        lang: query.lang,
        safety: query.safety,
        claimed_by: query.mine.unwrap_or(false).then_some(caller.user),
        overdue: query.overdue.unwrap_or(false),
        opened_before: query.waiting_days.map(|days| now - Duration::days(i64::from(days))),
        sort: query.sort.unwrap_or(QueueSort::Oldest),
        now,
    })
}
