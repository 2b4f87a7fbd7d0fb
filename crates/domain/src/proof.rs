//! Proof: what the counted outcomes of a tip add up to, recent ones weighing more.
//!
//! An outcome weighs `0.5^(age / 365 days)`. All weights fade alike, so a sum of them is kept as it would weigh at one
//! fixed moment, and the fading since then is applied when it is looked at: what is stored stays true for ever.

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::outcome::OutcomeResult;

/// Quantile of the interval: 90 % of the mass, 5 % on each side.
pub const Z: f64 = 1.645;
/// Days after which an outcome weighs half.
pub const HALF_LIFE_DAYS: f64 = 365.0;
/// What `partly` is worth, where `fixed` is worth 1.
pub const PARTLY: f64 = 0.5;

/// The moment that stored weights are of, in microseconds since 1970: the beginning of 2020.
const REFERENCE_MICROS: i64 = 1_577_836_800_000_000;

/// What outcomes add up to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// How many fixed it.
    pub fixed: u32,
    /// How many fixed it in part.
    pub partly: u32,
    /// How many did not fix it.
    pub not_fixed: u32,
    /// The sum of their weights, as at the reference moment.
    pub weight: f64,
    /// The sum of their weights times what each is worth, as at the reference moment.
    pub worth: f64,
    /// The last use that is counted.
    pub last: Instant,
}

/// Where the share of uses that fix the problem probably lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end, 0 to 1.
    pub lower: f64,
    /// Upper end, 0 to 1.
    pub upper: f64,
}

impl Tally {
    /// What these outcomes, each with the time of the use, add up to; `None` when none of them says anything. The order
    /// matters in the last bits of the sums.
    pub fn of(outcomes: impl IntoIterator<Item = (OutcomeResult, Instant)>) -> Option<Self> {
        let mut sum: Option<Self> = None;
        for (result, at) in outcomes {
            let Some(worth) = worth(result) else { continue };
            let sum = sum.get_or_insert(Self { fixed: 0, partly: 0, not_fixed: 0, weight: 0.0, worth: 0.0, last: at });
            match result {
                OutcomeResult::Fixed => sum.fixed += 1,
                OutcomeResult::Partly => sum.partly += 1,
                OutcomeResult::NotFixed | OutcomeResult::NotApplicable => sum.not_fixed += 1,
            }
            let weight = half_lives(at.timestamp_micros()).exp2();
            sum.weight += weight;
            sum.worth += weight * worth;
            sum.last = sum.last.max(at);
        }
        sum
    }

    /// How many uses there were.
    pub fn total(&self) -> u32 {
        self.fixed + self.partly + self.not_fixed
    }

    /// The share of uses that fixed it, weighed: 0 to 1, the same at any time.
    pub fn share(&self) -> f64 {
        if self.weight > 0.0 { (self.worth / self.weight).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// What the uses weigh together at a moment.
    pub fn weight_at(&self, now: Instant) -> f64 {
        self.weight * (-half_lives(now.timestamp_micros())).exp2()
    }

    /// Where the share probably lies, seen from a moment.
    pub fn interval(&self, now: Instant) -> Interval {
        wilson(self.share(), self.weight_at(now))
    }
}

impl Interval {
    /// Both ends in thousandths.
    pub fn thousandths(&self) -> (u16, u16) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1")]
        let whole = |end: f64| (end.clamp(0.0, 1.0) * 1000.0).round() as u16;
        (whole(self.lower), whole(self.upper))
    }
}

/// What an outcome is worth; one that says nothing of the tip, nothing.
fn worth(result: OutcomeResult) -> Option<f64> {
    match result {
        OutcomeResult::Fixed => Some(1.0),
        OutcomeResult::Partly => Some(PARTLY),
        OutcomeResult::NotFixed => Some(0.0),
        OutcomeResult::NotApplicable => None,
    }
}

/// How many half-lives a moment lies after the reference moment.
pub fn half_lives(micros: i64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "microseconds of our time fit")]
    let days = (micros - REFERENCE_MICROS) as f64 / 86_400_000_000.0;
    days / HALF_LIFE_DAYS
}

/// The score interval (Wilson 1927) of a share seen in `n` trials, which need not be a whole number.
pub fn wilson(share: f64, n: f64) -> Interval {
    const ZZ: f64 = Z * Z;
    let centre = n * share + ZZ / 2.0;
    let spread = Z * (n * share * (1.0 - share) + ZZ / 4.0).sqrt();
    let end = |sum: f64| (sum / (n + ZZ)).clamp(0.0, 1.0);
    Interval { lower: end(centre - spread), upper: end(centre + spread) }
}
