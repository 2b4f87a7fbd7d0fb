//! Gaps: needs that the base could not answer, made of searches that found nothing, or nothing that anybody opened.

use chrono::Duration;

use crate::clock::Instant;
use crate::error::RuleError;
use crate::ids::{CommunityId, GapId, TipId, UserId};
use crate::review::Claim;
use crate::word::word_enum;

/// From how many searches on a gap is shown.
pub const ASKED_LEAST: i32 = 3;
/// From how many people on the wording of a gap is shown, and not only its words.
pub const PEOPLE_LEAST: i32 = 2;
/// How long a search is remembered; afterwards it is only counted in its gap.
pub const REMEMBERED: Duration = Duration::days(180);
/// How long after a search a hit may still be opened before the search counts as one that helped nobody.
pub const OPENED_WITHIN: Duration = Duration::minutes(30);
/// Searches whose hits are opened less often than once in so many times help too rarely.
pub const OPENED_LEAST: i64 = 5;
/// Longest wording, product, or words of a gap that comes from elsewhere, in characters: longer than any query.
pub const WORDING_MAX: usize = 10_000;
/// How long a claim on a gap lasts.
pub const CLAIMED_FOR: Duration = Duration::days(14);

word_enum! {
    /// How a gap stands.
    GapState {
        /// Nobody has undertaken to answer it.
        Open = "open",
        /// Somebody has.
        Claimed = "claimed",
        /// A tip answers it.
        Closed = "closed",
    }
}

/// Searches that asked the same, and were not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// For ever.
    pub id: GapId,
    /// Where it was asked; absent when it may concern any open community.
    pub community: Option<CommunityId>,
    /// The product it was asked for, if one was named.
    pub product: Option<String>,
    /// The words that all its searches have in common, in their base forms.
    pub terms: Vec<String>,
    /// How it is asked most often; absent while one person alone has asked it.
    pub wording: Option<String>,
    /// How many searches asked it.
    pub asked: i32,
    /// How many people asked it.
    pub people: i32,
    /// When it was first asked.
    pub first_asked_at: Instant,
    /// When it was last asked.
    pub last_asked_at: Instant,
    /// Who has undertaken to answer it; the claim may have run out.
    pub claim: Option<Claim>,
    /// The tip that answers it, and since when.
    pub answer: Option<(TipId, Instant)>,
}

impl Gap {
    /// Refuses a gap that no searches leave: one that is asked by more people than times, without words, or held though it
    /// is answered. The wording of one person alone is not told.
    pub fn checked(self) -> Result<Self, RuleError> {
        let is_word = |word: &String| !word.is_empty() && !word.contains(['\n', '\r']);
        let words = self.terms.iter().map(|term| term.chars().count()).sum::<usize>();
        for (pointer, fits, detail) in [
            ("/people", self.people > 0 && self.people <= self.asked, "asked by more people than times, or by nobody"),
            (
                "/terms",
                !self.terms.is_empty() && self.terms.iter().all(is_word),
                "the words that its searches have in common",
            ),
            ("/terms", words <= WORDING_MAX, "too long"),
            ("/product", self.product.iter().all(|name| name.chars().count() <= WORDING_MAX), "too long"),
            ("/wording", self.wording.is_none() || self.people >= PEOPLE_LEAST, "one person's words are not told"),
            ("/wording", self.wording.iter().all(|text| text.chars().count() <= WORDING_MAX), "too long"),
            ("/claim", self.claim.is_none() || self.answer.is_none(), "nobody undertakes to answer what is answered"),
        ] {
            if !fits {
                return Err(RuleError::field(pointer, "invalid", detail));
            }
        }
        Ok(self)
    }

    /// Whether enough have asked for it to be shown.
    pub fn is_shown(&self) -> bool {
        self.asked >= ASKED_LEAST
    }

    /// The claim, if it has not run out and the gap is not closed.
    pub fn live_claim(&self, now: Instant) -> Option<Claim> {
        self.claim.filter(|claim| claim.until > now && self.answer.is_none())
    }

    /// How it stands.
    pub fn state(&self, now: Instant) -> GapState {
        match (self.answer, self.live_claim(now)) {
            (Some(_), _) => GapState::Closed,
            (None, Some(_)) => GapState::Claimed,
            (None, None) => GapState::Open,
        }
    }

    /// Lets somebody undertake to answer it, or renews their claim.
    pub fn claim(&mut self, by: UserId, now: Instant) -> Result<(), RuleError> {
        self.free_for(by, now)?;
        let since = self.live_claim(now).map_or(now, |claim| claim.since);
        self.claim = Some(Claim { by, since, until: now + CLAIMED_FOR });
        Ok(())
    }

    /// Refuses when it is answered, or when another holds a live claim.
    pub fn free_for(&self, user: UserId, now: Instant) -> Result<(), RuleError> {
        if self.answer.is_some() {
            return Err(RuleError::Answered);
        }
        match self.live_claim(now) {
            Some(claim) if claim.by != user => Err(RuleError::Claimed { by: claim.by, until: claim.until }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn gap() -> Gap {
        let at = Instant::UNIX_EPOCH;
        Gap {
            id: GapId(Uuid::nil()),
            community: None,
            product: None,
            terms: vec!["squeal".to_owned()],
            wording: None,
            asked: 3,
            people: 1,
            first_asked_at: at,
            last_asked_at: at,
            claim: None,
            answer: None,
        }
    }

    #[test]
    fn a_claim_is_one_persons_until_it_runs_out_and_nobodys_once_there_is_an_answer() {
        let (ana, pat) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let start = Instant::UNIX_EPOCH;
        let mut gap = gap();
        gap.claim(ana, start).unwrap();
        assert_eq!(gap.state(start), GapState::Claimed);
        assert!(matches!(gap.claim(pat, start), Err(RuleError::Claimed { by, .. }) if by == ana));
        let later = start + Duration::days(10);
        gap.claim(ana, later).unwrap();
        assert_eq!(gap.claim.map(|claim| (claim.since, claim.until)), Some((start, later + CLAIMED_FOR)));
        let over = later + CLAIMED_FOR;
        assert_eq!(gap.state(over), GapState::Open);
        gap.claim(pat, over).unwrap();
        gap.answer = Some((TipId(Uuid::nil()), over));
        assert_eq!((gap.state(over), gap.live_claim(over)), (GapState::Closed, None));
        assert_eq!(gap.claim(pat, over), Err(RuleError::Answered));
    }

    #[test]
    fn a_gap_is_shown_from_the_third_search_on() {
        assert!(gap().is_shown());
        assert!(!Gap { asked: 2, ..gap() }.is_shown());
    }
}
