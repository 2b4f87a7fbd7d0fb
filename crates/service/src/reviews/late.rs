//! Promises that were not kept: reviewers are reminded of what nobody has taken up in time, stewards are told of what has
//! not been decided.

use std::collections::BTreeSet;

use eureka_domain::Instant;
use eureka_domain::change::{Change, Kind};
use eureka_domain::community::Role;
use eureka_domain::ids::UserId;
use eureka_domain::review::Review;
use eureka_store::reviews::Promise;
use eureka_store::{Conn, communities, log, notifications, reviews, revisions};

use crate::{Service, ServiceError};

/// How many reviews are looked after in one transaction.
const SLICE: i64 = 200;

impl Service {
    /// Reminds and escalates where a promise was broken since the last time; says how many times. Called now and then, by
    /// every process: each promise is told of once.
    pub fn remind_reviewers(&self) -> Result<usize, ServiceError> {
        let now = self.clock.now();
        let mut told = 0;
        for (promise, kind, role) in [
            (Promise::Response, Kind::ReviewReminded, Role::Reviewer),
            (Promise::Decision, Kind::ReviewEscalated, Role::Steward),
        ] {
            loop {
                let written = self.store.write(move |conn| {
                    let late = reviews::late(conn, promise, now, SLICE)?;
                    for review in &late {
                        tell(conn, review, kind, role, now)?;
                        reviews::told_late(conn, review.id, promise, now)?;
                    }
                    Ok::<_, ServiceError>(late.len())
                })?;
                told += written.value;
                if i64::try_from(written.value).is_ok_and(|count| count < SLICE) {
                    break;
                }
            }
        }
        Ok(told)
    }
}

/// Records that a review is late, and tells those who could decide it.
fn tell(conn: &mut Conn<'_>, review: &Review, kind: Kind, role: Role, now: Instant) -> Result<(), ServiceError> {
    let change = Change::new(kind, None, now).of_tip(review.tip).about(review.id.0).on_revision(review.revision);
    let seq = log::append(conn, &change)?;
    let mut people: BTreeSet<UserId> = communities::with_role(conn, review.community, role)?.into_iter().collect();
    if let Some(text) = revisions::find(conn, review.tip, review.revision)? {
        people.retain(|user| !text.credited.contains(user));
    }
    Ok(notifications::tell(conn, seq, &people)?)
}
