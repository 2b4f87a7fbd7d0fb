//! How often something may be done: the generic cell rate algorithm (ITU-T I.371), of which all that is kept is one moment.

use chrono::Duration;

use crate::clock::Instant;

/// How far the clocks of those who count together may differ.
const SKEW: Duration = Duration::minutes(1);

/// So many at once, and one more each time that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    burst: i32,
    every: Duration,
}

impl Rate {
    /// `burst` at once, and one more after each `every`.
    pub const fn new(burst: i32, every: Duration) -> Self {
        Self { burst, every }
    }

    /// So many a minute, all of them at once if need be; `None` for zero: no limit.
    pub fn per_minute(count: u32) -> Option<Self> {
        let every = Duration::microseconds((60_000_000 / i64::from(count.max(1))).max(1));
        (count > 0).then(|| Self { burst: i32::try_from(count).unwrap_or(i32::MAX), every })
    }

    /// How many at once.
    pub fn burst(self) -> i32 {
        self.burst
    }

    /// The time in which as many more come as may be done at once.
    pub fn window(self) -> Duration {
        self.every * self.burst
    }

    /// Does one more, of an allowance that is full again at `full_at`: when it is after that, or how long to wait for one.
    /// A clock that was set back costs a minute at most: by more than that, and counting begins anew.
    pub fn take(self, full_at: Option<Instant>, now: Instant) -> Result<Instant, Duration> {
        let next = self.sane(full_at, now) + self.every;
        let wait = next - now - self.window();
        if wait > Duration::zero() { Err(wait) } else { Ok(next) }
    }

    /// When the allowance is full again if one of what was taken counts no longer.
    pub fn give_back(self, full_at: Instant) -> Instant {
        full_at - self.every
    }

    /// How many may be done now.
    pub fn remaining(self, full_at: Option<Instant>, now: Instant) -> i64 {
        let free = self.window() - (self.sane(full_at, now) - now);
        let micros = |duration: Duration| duration.num_microseconds().unwrap_or(i64::MAX);
        micros(free) / micros(self.every).max(1)
    }

    fn sane(self, full_at: Option<Instant>, now: Instant) -> Instant {
        let most = now + self.window();
        // Later than any clock of now can have made it: a clock showed a later time once. Whoever is refused writes
        // nothing, so that without this they would be until then.
        full_at.filter(|at| *at <= most + SKEW).unwrap_or(now).clamp(now, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_burst_and_then_one_at_a_time() {
        let rate = Rate::new(3, Duration::seconds(10));
        let mut full = None;
        for left in [2, 1, 0] {
            full = Some(rate.take(full, at(0)).unwrap());
            assert_eq!(rate.remaining(full, at(0)), left);
        }
        assert_eq!(rate.take(full, at(0)), Err(Duration::seconds(10)));
        assert_eq!(rate.take(full, at(4)), Err(Duration::seconds(6)));
        full = Some(rate.take(full, at(10)).unwrap());
        assert!(rate.take(full, at(10)).is_err());
        assert_eq!(rate.remaining(full, at(40)), 3);
        assert!(rate.take(Some(rate.give_back(full.unwrap())), at(10)).is_ok());
    }

    #[test]
    fn a_clock_that_was_set_back_costs_a_minute_at_most() {
        let rate = Rate::per_minute(60).unwrap();
        // An hour or a day: counting begins anew.
        assert_eq!(rate.take(Some(at(86_400)), at(0)), Ok(at(1)));
        assert_eq!(rate.remaining(Some(at(86_400)), at(0)), 60);
        // Less than clocks may differ by: one that lags is no way around the limit.
        let full = Some(at(60 + 45));
        assert_eq!(rate.take(full, at(0)), Err(Duration::seconds(1)));
        assert!(rate.take(full, at(45)).is_err() && rate.take(full, at(46)).is_ok());
        assert_eq!(Rate::per_minute(0), None);
        assert!(Rate::per_minute(u32::MAX).unwrap().take(None, at(0)).is_ok());
    }
}
