//! The one place where the system's clock and randomness are read; and the clock of a script.

use chrono::{Duration, Utc};
use eureka_domain::clock::{self, Clock, Ids, Instant};
use uuid::{ContextV7, Timestamp, Uuid};

/// The system's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock")]
    fn now(&self) -> Instant {
        clock::truncate(Utc::now())
    }
}

/// A clock that stands still until it is moved, and never goes back.
pub(crate) struct ScriptedClock(parking_lot::Mutex<Instant>);

impl ScriptedClock {
    /// A clock that shows a moment.
    pub(crate) fn new(at: Instant) -> Self {
        Self(parking_lot::Mutex::new(at))
    }

    /// Moves it to a moment, unless that is past.
    pub(crate) fn set(&self, at: Instant) {
        let mut now = self.0.lock();
        *now = at.max(*now);
    }

    /// Moves it on.
    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock() += by;
    }
}

impl Clock for ScriptedClock {
    fn now(&self) -> Instant {
        *self.0.lock()
    }
}

/// `UUIDv7`s of the given moment, in order within this process.
pub(crate) struct SystemIds(parking_lot::Mutex<ContextV7>);

impl SystemIds {
    pub(crate) fn new() -> Self {
        Self(parking_lot::Mutex::new(ContextV7::new()))
    }
}

impl Ids for SystemIds {
    fn next(&self, now: Instant) -> Uuid {
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        let timestamp = Timestamp::from_unix(&*self.0.lock(), seconds, now.timestamp_subsec_nanos());
        Uuid::new_v7(timestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_moment_come_in_order() {
        let (ids, now) = (SystemIds::new(), SystemClock.now());
        let made: Vec<Uuid> = (0..1000).map(|_| ids.next(now)).collect();
        assert!(made.is_sorted());
        assert_eq!(now.timestamp_subsec_nanos() % 1000, 0);
    }
}
