//! Working time: Monday to Friday, in UTC. Who promises an answer within two days does not promise it for Sunday.

use chrono::{Datelike, Duration, Weekday};

use crate::clock::Instant;

/// The same time of day, so many working days later.
pub fn after(from: Instant, working_days: i32) -> Instant {
    let mut at = from;
    let mut left = working_days.max(0);
    while left > 0 || is_weekend(at) {
        at += Duration::days(1);
        if !is_weekend(at) {
            left = (left - 1).max(0);
        }
    }
    at
}

fn is_weekend(at: Instant) -> bool {
    matches!(at.weekday(), Weekday::Sat | Weekday::Sun)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn weekends_do_not_count() {
        for (from, days, due) in [
            ("2026-11-23T10:00:00Z", 2, "2026-11-25T10:00:00Z"), // Monday to Wednesday
            ("2026-11-26T10:00:00Z", 2, "2026-11-30T10:00:00Z"), // Thursday to Monday
            ("2026-11-27T10:00:00Z", 1, "2026-11-30T10:00:00Z"), // Friday to Monday
            ("2026-11-28T10:00:00Z", 1, "2026-11-30T10:00:00Z"), // Saturday to Monday
            ("2026-11-28T10:00:00Z", 0, "2026-11-30T10:00:00Z"), // nothing is due on a Saturday
            ("2026-11-23T10:00:00Z", 10, "2026-12-07T10:00:00Z"), // two weeks
            ("2026-11-23T10:00:00Z", 0, "2026-11-23T10:00:00Z"),
        ] {
            assert_eq!(after(instant(from), days), instant(due), "{from} + {days}");
        }
    }
}
