//! When use puts a tip in doubt and when it confirms it: the borders, written out.
#![allow(clippy::unwrap_used, reason = "a test that stops has failed")]

use chrono::{DateTime, Duration};
use eureka_domain::Instant;
use eureka_domain::ids::{CommunityId, TipId, TipNumber, UserId};
use eureka_domain::outcome::OutcomeResult::{self, Fixed, NotApplicable, NotFixed, Partly};
use eureka_domain::renewal::{LiveUse, Turn, look_again_before, turn};
use eureka_domain::tip::{Confidence, Safety, Tip};
use proptest::prelude::*;
use uuid::Uuid;

fn now() -> Instant {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn tip(confidence: Confidence) -> Tip {
    Tip {
        id: TipId(Uuid::from_u128(1)),
        number: TipNumber(1001),
        community: CommunityId(Uuid::from_u128(1)),
        author: UserId(Uuid::from_u128(100)),
        confidence,
        hold: None,
        replaced: None,
        live: Some(1),
        latest: 1,
        review: None,
        external_id: None,
        created_at: now(),
        updated_at: now(),
        published_at: Some(now()),
    }
}

/// A use by the nth person, so many days ago.
fn used(user: u128, result: OutcomeResult, days: i64) -> LiveUse {
    LiveUse { user: UserId(Uuid::from_u128(user)), result, at: now() - Duration::days(days), is_news: true }
}

fn each(people: std::ops::Range<u128>, result: OutcomeResult, days: i64) -> Vec<LiveUse> {
    people.map(|user| used(user, result, days)).collect()
}

#[test]
fn three_people_whom_it_failed_lately_put_a_tip_in_doubt_where_it_mostly_fails() {
    use Confidence::{NotValidated, Validated};
    let old = |uses: Vec<LiveUse>| uses.into_iter().map(|used| LiveUse { is_news: false, ..used }).collect::<Vec<_>>();
    for (confidence, uses, expected) in [
        (Validated, each(0..3, NotFixed, 0), Some(Turn::Disputed)),
        (Validated, each(0..2, NotFixed, 0), None),
        (Validated, [each(0..2, NotFixed, 0), vec![used(1, NotFixed, 1)]].concat(), None), // two people
        (Validated, [each(0..2, NotFixed, 0), each(2..3, Partly, 0)].concat(), None),
        (Validated, [each(0..2, NotFixed, 0), each(2..3, NotApplicable, 0)].concat(), None),
        (Validated, [each(0..2, NotFixed, 0), each(2..3, NotFixed, 89)].concat(), Some(Turn::Disputed)),
        (Validated, [each(0..2, NotFixed, 0), each(2..3, NotFixed, 90)].concat(), None),
        (Validated, [each(0..3, NotFixed, 0), each(3..4, Fixed, 0)].concat(), None), // 1 of 4: up to 0.64
        (Validated, [each(0..6, NotFixed, 0), each(6..7, Fixed, 0)].concat(), Some(Turn::Disputed)), // up to 0.45
        (Validated, [old(each(0..9, NotFixed, 5)), each(0..2, NotFixed, 0)].concat(), None), // looked at since
        (NotValidated, each(0..9, NotFixed, 0), None),
        (Confidence::Archived, each(0..9, NotFixed, 0), None),
    ] {
        assert_eq!(turn(&tip(confidence), &uses, now()), expected, "{confidence} {uses:?}");
    }
}

#[test]
fn five_people_for_whom_it_fixed_it_lately_confirm_a_tip() {
    use Confidence::{NotValidated, Validated};
    let old = |uses: Vec<LiveUse>| uses.into_iter().map(|used| LiveUse { is_news: false, ..used }).collect::<Vec<_>>();
    for (confidence, uses, expected) in [
        (NotValidated, each(0..5, Fixed, 0), Some(Turn::Renewed)),
        (Validated, each(0..5, Fixed, 0), Some(Turn::Renewed)),
        (NotValidated, each(0..4, Fixed, 0), None),
        (NotValidated, [each(0..4, Fixed, 0), vec![used(3, Fixed, 1)]].concat(), None), // four people
        (NotValidated, [each(0..4, Fixed, 0), each(4..5, Fixed, 90)].concat(), None),
        (NotValidated, [old(each(0..3, NotFixed, 1)), each(3..8, Fixed, 0)].concat(), Some(Turn::Renewed)), // 5 of 8
        (NotValidated, [old(each(0..20, NotFixed, 1)), each(20..25, Fixed, 0)].concat(), None),             // 5 of 25
        (NotValidated, [old(each(0..5, Fixed, 1)), each(0..4, Fixed, 0)].concat(), None),
        (Confidence::Archived, each(0..9, Fixed, 0), None),
        (Confidence::WorkInProgress, each(0..9, Fixed, 0), None),
    ] {
        assert_eq!(turn(&tip(confidence), &uses, now()), expected, "{confidence} {uses:?}");
    }
}

#[test]
fn dangerous_work_is_looked_at_twice_as_often() {
    let now: Instant = "2026-08-31T12:00:00Z".parse().unwrap();
    for (safety, before) in [
        (Safety::None, "2025-08-31T12:00:00Z"),
        (Safety::Caution, "2026-02-28T12:00:00Z"),
        (Safety::Danger, "2026-02-28T12:00:00Z"),
    ] {
        assert_eq!(look_again_before(safety, now), before.parse::<Instant>().unwrap(), "{safety}");
    }
}

proptest! {
    #[test]
    fn a_tip_that_mostly_fixes_it_is_never_in_doubt_and_one_that_mostly_fails_never_confirmed(
        uses in prop::collection::vec((0u128..20, prop::sample::select(OutcomeResult::ALL), 0i64..200), 0..60),
        confidence in prop::sample::select(Confidence::ALL),
    ) {
        let uses: Vec<_> = uses.into_iter().map(|(user, result, days)| used(user, result, days)).collect();
        let count = |result| uses.iter().filter(|used| used.result == result && used.at > now() - Duration::days(90)).count();
        match turn(&tip(confidence), &uses, now()) {
            Some(Turn::Disputed) => {
                prop_assert_eq!(confidence, Confidence::Validated);
                prop_assert!(count(NotFixed) >= 3);
            }
            Some(Turn::Renewed) => prop_assert!(count(Fixed) >= 5),
            None => {}
        }
    }
}
