//! A tip's proof as one number of a column: the share of its uses that fixed it, and what they weigh on the scale of
//! logarithms, where time only moves the zero. So a column that was written years ago still tells the proof of today.

use eureka_domain::proof::{self, Tally};

/// Steps in which shares are kept.
const SHARES: f64 = 4_294_967_295.0;
/// Steps of one halving in which weights are kept.
const STEPS: f64 = 1_048_576.0;
/// Halvings below one that a weight may have.
const LEAST: f64 = 1024.0;

/// A proof as a number; 0 is no proof.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 32 bits first")]
pub(crate) fn packed(tally: &Tally) -> u64 {
    let share = (tally.share() * SHARES).round() as u64;
    let weight = ((tally.weight.log2() + LEAST) * STEPS).round().clamp(1.0, SHARES) as u64;
    (share << 32) | weight
}

/// The lower end of the interval that a number of the column tells at a moment: 0 to 1.
#[allow(clippy::cast_precision_loss, reason = "halves of 64 bits")]
pub(crate) fn lower(packed: u64, now_micros: i64) -> f64 {
    if packed == 0 {
        return 0.0;
    }
    let share = (packed >> 32) as f64 / SHARES;
    let weight = (packed & 0xffff_ffff) as f64 / STEPS - LEAST;
    proof::wilson(share, (weight - proof::half_lives(now_micros)).exp2()).lower
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration};
    use eureka_domain::outcome::OutcomeResult::{Fixed, NotFixed};

    use super::*;

    #[test]
    fn the_column_tells_the_proof_of_any_day() {
        let told = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        for (fixed, failed) in [(3, 0), (0, 3), (41, 6), (1, 1), (5000, 40)] {
            let uses = vec![(Fixed, told); fixed].into_iter().chain(vec![(NotFixed, told); failed]);
            let tally = Tally::of(uses).unwrap();
            for days in [0, 1, 90, 365, 3650] {
                let now = told + Duration::days(days);
                let (exact, kept) = (tally.interval(now).lower, lower(packed(&tally), now.timestamp_micros()));
                assert!((exact - kept).abs() < 1e-5, "{fixed} of {}: {exact} {kept}", fixed + failed);
            }
        }
        assert!(lower(0, told.timestamp_micros()).abs() < f64::EPSILON);
    }
}
