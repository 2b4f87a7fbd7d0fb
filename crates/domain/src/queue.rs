//! Which review a reviewer is handed next, and how long texts wait.

use std::cmp::Reverse;
use std::collections::HashSet;

use chrono::Duration;

use crate::clock::Instant;
use crate::ids::UserId;
use crate::review::Review;

/// How many reviews somebody may hold before they are handed no more: a claim is a promise.
pub const MOST_CLAIMS: i64 = 5;

/// What a reviewer knows about, told from what they have written and decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Competence {
    products: HashSet<String>,
    langs: HashSet<String>,
}

impl Competence {
    /// Adds a text that they wrote or decided.
    pub fn add(&mut self, products: &[String], lang: Option<&str>) {
        self.products.extend(products.iter().map(|product| product.to_lowercase()));
        self.langs.extend(lang.map(str::to_owned));
    }

    /// How well a text suits them: the machine counts more than the language.
    pub fn fit(&self, products: &[String], lang: Option<&str>) -> u8 {
        let product = products.iter().any(|product| self.products.contains(&product.to_lowercase()));
        let lang = lang.is_none_or(|lang| self.langs.contains(lang));
        2 * u8::from(product) + u8::from(lang)
    }
}

/// What a reviewer is handed first has the least of these: what is offered to them; then what is late, what suits them,
/// what has waited longest. What is offered to somebody else comes last until it is late.
pub fn order(review: &Review, fit: u8, reviewer: UserId, now: Instant) -> impl Ord + use<> {
    let late = review.is_overdue(now);
    let offer = match review.offered_to {
        Some(user) if user == reviewer => 0,
        Some(_) if !late => 2,
        _ => 1,
    };
    (offer, !late, Reverse(fit), review.opened_at, review.id)
}

/// The middle and the slow end of some waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// How many there were.
    pub count: usize,
    /// Half of them were no longer than this.
    pub median: Duration,
    /// Nine in ten were no longer than this.
    pub p90: Duration,
}

impl Waits {
    /// Of these waits, if there are any (nearest rank).
    pub fn of(mut waits: Vec<Duration>) -> Option<Self> {
        waits.sort_unstable();
        let rank = |percent: usize| waits.get((waits.len() * percent).div_ceil(100).max(1) - 1).copied();
        Some(Self { count: waits.len(), median: rank(50)?, p90: rank(90)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_slow_end_are_waits_that_there_were() {
        let of = |hours: &[i64]| Waits::of(hours.iter().map(|&hours| Duration::hours(hours)).collect());
        assert_eq!(of(&[]), None);
        for (hours, median, p90) in
            [(&[3][..], 3, 3), (&[1, 2], 1, 2), (&[5, 1, 3], 3, 5), (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 5, 9)]
        {
            let waits = of(hours).unwrap();
            assert_eq!((waits.median, waits.p90), (Duration::hours(median), Duration::hours(p90)), "{hours:?}");
        }
    }

    #[test]
    fn a_machine_one_knows_counts_more_than_a_language() {
        let mut competence = Competence::default();
        competence.add(&["DocuColor 40".to_owned()], Some("de"));
        let fit = |product: &str, lang| competence.fit(&[product.to_owned()], lang);
        assert_eq!(fit("docucolor 40", Some("de")), 3);
        assert_eq!(fit("DocuColor 40", Some("en")), 2);
        assert_eq!(fit("X-500", Some("de")), 1);
        assert_eq!(fit("X-500", None), 1, "a text of no known language is for everybody");
        assert_eq!(fit("X-500", Some("en")), 0);
    }
}
