//! How the queue does: how long texts wait, what is late, who is busy, and for which machines there is hardly anybody.
//! It counts the queue's work, not people's: nobody is ranked.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use eureka_domain::Instant;
use eureka_domain::access::Caller;
use eureka_domain::error::RuleError;
use eureka_domain::ids::UserId;
use eureka_domain::queue::Waits;
use eureka_domain::review::{Outcome, Review};
use eureka_store::{reviews, users};

use super::queue::reviewed;
use crate::{Person, Service, ServiceError};

/// How far back waits are counted.
const WAITS: Duration = Duration::days(90);
/// How long a decision shows that a reviewer is active.
const ACTIVE: Duration = Duration::days(180);
/// How many active reviewers a product should have.
const ENOUGH: usize = 2;
/// How many reviews are looked at, the newest first.
const LOOKED_AT: i64 = 10_000;

/// How the queue does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueStats {
    /// How many reviews are open.
    pub open: usize,
    /// How many of them somebody holds.
    pub claimed: usize,
    /// How many of them are late.
    pub overdue: usize,
    /// When the oldest of them entered the queue.
    pub oldest_opened_at: Option<Instant>,
    /// How long those that are open have waited.
    pub backlog: Option<Waits>,
    /// How long texts waited for somebody to take them up, in the last 90 days.
    pub first_response: Option<Waits>,
    /// How long they waited for the decision.
    pub decision: Option<Waits>,
    /// Who holds reviews now, and how many.
    pub load: Vec<(Person, usize)>,
    /// The machines that fewer than two reviewers have decided on in the last 180 days, fewest first.
    pub thin_products: Vec<ThinProduct>,
}

/// A machine with hardly anybody to review its tips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThinProduct {
    /// The machine.
    pub product: String,
    /// How many active reviewers it has.
    pub reviewers: usize,
    /// How many of its texts wait.
    pub open: usize,
}

impl Service {
    /// How the queue does in the communities the caller reviews in, or in one of them.
    pub fn review_stats(&self, caller: &Caller, community: Option<&str>) -> Result<QueueStats, ServiceError> {
        let now = self.clock.now();
        self.store.read(|conn| {
            let reviewed = reviewed(conn, caller, community)?;
            if reviewed.is_empty() {
                return Err(RuleError::NotPermitted("see the queue of communities you do not review in").into());
            }
            let recent = reviews::recent(conn, &reviewed, now - WAITS, LOOKED_AT)?;
            let active = reviews::active_reviewers(conn, &reviewed, now - ACTIVE)?;
            let (open, ended): (Vec<_>, Vec<_>) = recent.into_iter().partition(|(review, _)| review.closed.is_none());
            let mut held: BTreeMap<UserId, usize> = BTreeMap::new();
            for claim in open.iter().filter_map(|(review, _)| review.live_claim(now)) {
                *held.entry(claim.by).or_default() += 1;
            }
            let names = users::names(conn, &held.keys().copied().collect::<Vec<_>>())?;
            let answered = |review: &Review| Some(review.responded_at? - review.opened_at);
            Ok(QueueStats {
                open: open.len(),
                claimed: held.values().sum(),
                overdue: open.iter().filter(|(review, _)| review.is_overdue(now)).count(),
                oldest_opened_at: open.iter().map(|(review, _)| review.opened_at).min(),
                backlog: Waits::of(open.iter().map(|(review, _)| now - review.opened_at).collect()),
                first_response: Waits::of(ended.iter().filter_map(|(review, _)| answered(review)).collect()),
                decision: Waits::of(ended.iter().filter_map(|(review, _)| decided_after(review)).collect()),
                load: held.into_iter().map(|(user, count)| (Person::named(user, &names), count)).collect(),
                thin_products: thin(&open, active),
            })
        })
    }
}

/// How long a text waited for its decision, if peers decided it.
fn decided_after(review: &Review) -> Option<Duration> {
    match review.closed? {
        (Outcome::Approved | Outcome::ChangesRequested | Outcome::Rejected, at) => Some(at - review.opened_at),
        (Outcome::Withdrawn | Outcome::Superseded, _) => None,
    }
}

fn thin(open: &[(Review, Vec<String>)], active: Vec<(UserId, Vec<String>)>) -> Vec<ThinProduct> {
    let mut products: BTreeMap<String, (BTreeSet<UserId>, usize)> = BTreeMap::new();
    for (reviewer, of) in active {
        for product in of {
            products.entry(product).or_default().0.insert(reviewer);
        }
    }
    for product in open.iter().flat_map(|(_, products)| products) {
        products.entry(product.clone()).or_default().1 += 1;
    }
    let thin = products.into_iter().filter(|(_, (reviewers, _))| reviewers.len() < ENOUGH);
    let mut thin: Vec<_> =
        thin.map(|(product, (reviewers, open))| ThinProduct { product, reviewers: reviewers.len(), open }).collect();
    thin.sort_by(|one, other| (one.reviewers, other.open).cmp(&(other.reviewers, one.open)));
    thin
}
