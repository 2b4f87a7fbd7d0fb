//! The measures, by the formulas of `trec_eval`: nDCG@10 with linear gains, recall among a hundred, reciprocal rank
//! among ten.

use std::collections::HashMap;
use std::ops::Add;
use std::time::Duration;

/// What one query scored, or several together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Scores {
    /// Normalised discounted cumulative gain of the first ten (Järvelin and Kekäläinen 2002).
    pub(super) ndcg: f64,
    /// The share of all relevant documents that is among the first hundred.
    pub(super) recall: f64,
    /// One over the rank of the first relevant document among ten.
    pub(super) rank: f64,
}

impl Add for Scores {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { ndcg: self.ndcg + other.ndcg, recall: self.recall + other.recall, rank: self.rank + other.rank }
    }
}

impl Scores {
    /// The mean, of a sum over so many queries.
    #[allow(clippy::cast_precision_loss, reason = "queries are few")]
    pub(super) fn over(self, queries: usize) -> Self {
        let of = queries.max(1) as f64;
        Self { ndcg: self.ndcg / of, recall: self.recall / of, rank: self.rank / of }
    }
}

/// What a ranking scores against grades; grades of 0 and less are not relevant.
#[allow(clippy::cast_precision_loss, reason = "ranks and grades are small")]
pub(super) fn score(ranked: &[String], relevant: &HashMap<String, i32>) -> Scores {
    let grade = |name: &String| f64::from(relevant.get(name).copied().unwrap_or_default().max(0));
    let gains = |grades: &mut dyn Iterator<Item = f64>| -> f64 {
        (2..).zip(grades.take(10)).map(|(place, grade)| grade / f64::from(place).log2()).sum()
    };
    let mut ideal: Vec<f64> = relevant.values().filter(|grade| **grade > 0).map(|grade| f64::from(*grade)).collect();
    ideal.sort_by(|a, b| b.total_cmp(a));
    if ideal.is_empty() {
        return Scores::default();
    }
    let found = ranked.iter().take(100).filter(|name| grade(name) > 0.0).count();
    let first = (1..).zip(ranked.iter().take(10)).find(|(_, name)| grade(name) > 0.0);
    Scores {
        ndcg: gains(&mut ranked.iter().map(grade)) / gains(&mut ideal.iter().copied()),
        recall: found as f64 / ideal.len() as f64,
        rank: first.map_or(0.0, |(place, _)| 1.0 / f64::from(place)),
    }
}

/// The time that a share of all took at most. `times` rise.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a list"
)]
pub(super) fn percentile(times: &[Duration], share: f64) -> Duration {
    let place = ((times.len() as f64 * share).ceil() as usize).clamp(1, times.len().max(1)) - 1;
    times.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(ranked: &[&str], grades: &[(&str, i32)]) -> Scores {
        let ranked: Vec<String> = ranked.iter().map(|name| (*name).to_owned()).collect();
        score(&ranked, &grades.iter().map(|(name, grade)| ((*name).to_owned(), *grade)).collect())
    }

    #[test]
    fn the_measures_are_those_of_trec_eval() {
        let grades = [("a", 2), ("b", 1), ("c", 0), ("d", -1)];
        let best = scores(&["a", "b"], &grades);
        assert_eq!(best, Scores { ndcg: 1.0, recall: 1.0, rank: 1.0 });
        // 1/log2(3) + 2/log2(5) over 2/log2(2) + 1/log2(3), by hand.
        let worse = scores(&["c", "b", "d", "a"], &grades);
        assert!((worse.ndcg - 0.567_207).abs() < 1e-6, "{worse:?}");
        assert_eq!((worse.recall, worse.rank), (1.0, 0.5));
        let mut late = vec!["x"; 10];
        late.push("a");
        assert_eq!(scores(&late, &grades), Scores { ndcg: 0.0, recall: 0.5, rank: 0.0 });
        assert_eq!(scores(&[], &grades), Scores::default());
        assert_eq!(scores(&["c"], &[("c", 0)]), Scores::default());
    }

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        for (share, wanted) in [(0.0, 1), (0.5, 50), (0.99, 99), (1.0, 100)] {
            assert_eq!(percentile(&times, share), Duration::from_millis(wanted), "{share}");
        }
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }
}
