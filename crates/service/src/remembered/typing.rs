//! Searches made while somebody types: each is held back for a moment, and given up when the next one goes on with it.

use std::collections::HashMap;
use std::time::{Duration, Instant as Stopwatch};

use chrono::TimeDelta;
use eureka_domain::ids::UserId;
use uuid::Uuid;

use super::{Asked, QUEUE};

/// Longest time between two searches of somebody who is still typing.
const PAUSE: TimeDelta = TimeDelta::seconds(5);
/// How long a search is held back: longer than [`PAUSE`], so that a batch in between does not end it.
const HELD: Duration = Duration::from_secs(6);

/// The last search of each person, if it is a moment old at most.
#[derive(Default)]
pub(super) struct Typing {
    held: HashMap<UserId, (Stopwatch, Asked)>,
}

impl Typing {
    /// Holds a search back, and gives the one before it if the person had ended on that.
    pub(super) fn take(&mut self, asked: Asked) -> Option<Asked> {
        if self.held.len() >= QUEUE && !self.held.contains_key(&asked.user) {
            return Some(asked);
        }
        let (user, goes_on) = (asked.user, self.held.get(&asked.user).is_some_and(|(_, last)| goes_on(last, &asked)));
        let before = self.held.insert(user, (Stopwatch::now(), asked));
        before.filter(|_| !goes_on).map(|(_, before)| before)
    }

    /// The search of a person that is held back, if it is this one: a hit of it was opened.
    pub(super) fn end(&mut self, user: UserId, search: Uuid) -> Option<Asked> {
        if self.held.get(&user).is_none_or(|(_, asked)| asked.id != search) {
            return None;
        }
        self.held.remove(&user).map(|(_, asked)| asked)
    }

    /// Those that nothing came after.
    pub(super) fn end_due(&mut self) -> Vec<Asked> {
        self.held.extract_if(|_, (since, _)| since.elapsed() >= HELD).map(|(_, (_, asked))| asked).collect()
    }

    /// All that are held back.
    pub(super) fn end_all(&mut self) -> Vec<Asked> {
        self.held.drain().map(|(_, (_, asked))| asked).collect()
    }

    /// How long until the first of them is due.
    pub(super) fn patience(&self) -> Option<Duration> {
        self.held.values().map(|(since, _)| HELD.saturating_sub(since.elapsed())).min()
    }
}

/// Whether a search only goes on with the one before: a moment later, for the same, with more or less of the same text.
fn goes_on(before: &Asked, next: &Asked) -> bool {
    let (one, other) = (before.q.trim().to_lowercase(), next.q.trim().to_lowercase());
    next.at - before.at <= PAUSE
        && (&before.home, &before.product, &before.fault_code) == (&next.home, &next.product, &next.fault_code)
        && !one.is_empty()
        && !other.is_empty()
        && (one.starts_with(&other) || other.starts_with(&one))
}
