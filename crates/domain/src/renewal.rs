//! How use changes the confidence in a tip: what fails again and again is in doubt, what goes on fixing it is as good as
//! reviewed; and time alone asks for another look.

use std::collections::BTreeSet;

use chrono::{Duration, Months};

use crate::clock::Instant;
use crate::ids::UserId;
use crate::outcome::OutcomeResult;
use crate::proof::Tally;
use crate::tip::{Confidence, Safety, Tip};

/// How many days a use is fresh.
pub const FRESH_DAYS: i64 = 90;
/// How many people whom a tip has failed put it in doubt.
pub const FAILURES: usize = 3;
/// How many people for whom it fixed the problem confirm a tip.
pub const FIXES: usize = 5;

/// Most re-checks that a community has open before age alone opens another: a year after many tips came at once, they
/// are looked at one after the other.
pub const MOST_RECHECKS: i64 = 25;

/// A counted use of the text that readers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveUse {
    /// Who used it.
    pub user: UserId,
    /// What it did.
    pub result: OutcomeResult,
    /// When.
    pub at: Instant,
    /// Whether it was told after the tip was last approved, disputed or renewed.
    pub is_news: bool,
}

/// What use says of the confidence in a tip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is in doubt.
    Disputed,
    /// It is proven.
    Renewed,
}

/// What the uses of the live text say of a tip, all of them together: three people whom it failed lately put it in doubt,
/// five for whom it fixed the problem confirm it; and in doubt is what probably fails more often than it fixes.
pub fn turn(tip: &Tip, uses: &[LiveUse], now: Instant) -> Option<Turn> {
    let tally = Tally::of(uses.iter().map(|used| (used.result, used.at)))?;
    let fails = tally.interval(now).upper < 0.5;
    let people = |result: OutcomeResult| {
        let fresh = |used: &&LiveUse| used.is_news && used.at > now - Duration::days(FRESH_DAYS);
        let told = uses.iter().filter(fresh).filter(|used| used.result == result);
        told.map(|used| used.user).collect::<BTreeSet<_>>().len()
    };
    match tip.confidence {
        Confidence::Validated if fails && people(OutcomeResult::NotFixed) >= FAILURES => Some(Turn::Disputed),
        Confidence::Validated | Confidence::NotValidated if !fails && people(OutcomeResult::Fixed) >= FIXES => {
            Some(Turn::Renewed)
        }
        _ => None,
    }
}

/// Puts a tip in doubt; says whether that is news.
pub fn dispute(tip: &mut Tip, now: Instant) -> bool {
    turned(tip, Confidence::Validated, Confidence::NotValidated, now)
}

/// Has a tip validated again; says whether it was in doubt.
pub fn renew(tip: &mut Tip, now: Instant) -> bool {
    turned(tip, Confidence::NotValidated, Confidence::Validated, now)
}

fn turned(tip: &mut Tip, from: Confidence, to: Confidence, now: Instant) -> bool {
    let turns = tip.confidence == from;
    if turns {
        tip.confidence = to;
        tip.updated_at = now;
    }
    turns
}

/// A text that was last confirmed before this moment is to be looked at again: after a year, half a year where the work
/// is dangerous.
pub fn look_again_before(safety: Safety, now: Instant) -> Instant {
    let months = Months::new(if safety == Safety::None { 12 } else { 6 });
    now.checked_sub_months(months).unwrap_or(now)
}
