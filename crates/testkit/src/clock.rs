//! Time and identity that a test decides.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Duration};
use eureka_domain::{Clock, Ids, Instant};
use uuid::Uuid;

/// A clock that stands still until a test moves it.
pub struct FixedClock(AtomicU64);

impl FixedClock {
    /// A clock that shows a moment of the year 2026.
    pub fn new() -> Self {
        Self(AtomicU64::new(1_790_000_000_000_000))
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        let micros = u64::try_from(by.num_microseconds().unwrap_or_default()).unwrap_or_default();
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Default for FixedClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Instant {
        let micros = i64::try_from(self.0.load(Ordering::SeqCst)).unwrap_or_default();
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }
}

/// `UUIDv7`s that count up.
#[derive(Default)]
pub struct CountedIds(AtomicU64);

impl Ids for CountedIds {
    fn next(&self, now: Instant) -> Uuid {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        let bits = (u128::from(millis) << 80) | u128::from(count & 0x3fff_ffff_ffff_ffff);
        Uuid::from_u128(bits | (0x7 << 76) | (0b10 << 62))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_version_seven_and_count_up() {
        let (clock, ids) = (FixedClock::new(), CountedIds::default());
        let first = ids.next(clock.now());
        clock.advance(Duration::minutes(1));
        let second = ids.next(clock.now());
        assert!(first < second);
        assert_eq!(first.get_version_num(), 7);
    }
}
