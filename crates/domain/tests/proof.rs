//! What outcomes prove: figures worked out by hand, and what holds of any outcomes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stops has failed")]

use chrono::{DateTime, Duration};
use eureka_domain::Instant;
use eureka_domain::outcome::OutcomeResult::{self, Fixed, NotApplicable, NotFixed, Partly};
use eureka_domain::proof::{Tally, wilson};
use proptest::prelude::*;

fn now() -> Instant {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn days_ago(days: i64) -> Instant {
    now() - Duration::days(days)
}

fn told(results: &[(OutcomeResult, usize, i64)]) -> Option<Tally> {
    let each = results.iter().flat_map(|&(result, times, days)| vec![(result, days_ago(days)); times]);
    Tally::of(each)
}

#[test]
fn the_interval_is_the_one_that_was_worked_out() {
    for (outcomes, lower, upper) in [
        (vec![(Fixed, 3, 0)], 0.526, 1.0),
        (vec![(NotFixed, 3, 0)], 0.0, 0.474),
        (vec![(Fixed, 41, 0), (NotFixed, 6, 0)], 0.772, 0.933),
        (vec![(Fixed, 5, 0), (NotFixed, 3, 0)], 0.348, 0.839),
        (vec![(Partly, 4, 0)], 0.182, 0.818),
        // A year later the same three weigh one and a half.
        (vec![(Fixed, 3, 365)], 0.357, 1.0),
        (vec![(Fixed, 3, 365), (NotFixed, 3, 730)], 0.216, 0.936),
    ] {
        let interval = told(&outcomes).unwrap().interval(now());
        let near = |a: f64, b: f64| (a - b).abs() < 0.0006;
        assert!(near(interval.lower, lower) && near(interval.upper, upper), "{outcomes:?}: {interval:?}");
    }
}

#[test]
fn what_is_counted_is_what_was_used() {
    let tally = told(&[(Fixed, 41, 3), (Partly, 2, 9), (NotFixed, 4, 30), (NotApplicable, 7, 1)]).unwrap();
    assert_eq!((tally.fixed, tally.partly, tally.not_fixed, tally.total()), (41, 2, 4, 47));
    assert_eq!(tally.last, days_ago(3), "what did not apply was no use");
    assert_eq!(told(&[(NotApplicable, 7, 1)]), None);
    assert_eq!(told(&[]), None);
}

#[test]
fn nothing_known_is_anything_possible() {
    assert_eq!(wilson(0.0, 0.0).thousandths(), (0, 1000));
    let ages_ago = told(&[(NotFixed, 1, 365 * 60)]).unwrap().interval(now());
    assert_eq!(ages_ago.thousandths(), (0, 1000));
}

fn any_result() -> impl Strategy<Value = OutcomeResult> {
    prop::sample::select(OutcomeResult::ALL)
}

proptest! {
    #[test]
    fn the_share_lies_within_an_interval_that_widens_with_time(
        outcomes in prop::collection::vec((any_result(), 0i64..2000), 1..60),
        later in 1i64..2000,
    ) {
        let Some(tally) = Tally::of(outcomes.iter().map(|&(result, days)| (result, days_ago(days)))) else {
            return Ok(());
        };
        let (soon, late) = (tally.interval(now()), tally.interval(now() + Duration::days(later)));
        prop_assert!(0.0 <= soon.lower && soon.lower <= tally.share() + 1e-9);
        prop_assert!(tally.share() <= soon.upper + 1e-9 && soon.upper <= 1.0);
        prop_assert!(late.lower <= soon.lower + 1e-9 && soon.upper <= late.upper + 1e-9, "{soon:?} {late:?}");
        let counted = outcomes.iter().filter(|(result, _)| *result != NotApplicable).count();
        prop_assert_eq!(tally.total() as usize, counted);
    }

    #[test]
    fn one_more_fix_never_lowers_the_proof_nor_one_more_failure_raise_it(
        outcomes in prop::collection::vec((any_result(), 0i64..2000), 0..60),
    ) {
        let with = |more: OutcomeResult| {
            let each = outcomes.iter().map(|&(result, days)| (result, days_ago(days)));
            Tally::of(each.chain([(more, now())])).unwrap().interval(now())
        };
        let before = Tally::of(outcomes.iter().map(|&(result, days)| (result, days_ago(days))));
        let before = before.map_or(wilson(0.0, 0.0), |tally| tally.interval(now()));
        prop_assert!(with(Fixed).lower >= before.lower - 1e-9);
        prop_assert!(with(NotFixed).upper <= before.upper + 1e-9);
    }

    #[test]
    fn the_weight_is_the_one_of_the_ages(days in 0i64..4000, later in 0i64..4000) {
        let tally = told(&[(Fixed, 1, days)]).unwrap();
        let age = f64::from(u32::try_from(days + later).unwrap());
        let weight = tally.weight_at(now() + Duration::days(later));
        prop_assert!((weight - 0.5f64.powf(age / 365.0)).abs() < 1e-9, "{}", weight);
    }
}
