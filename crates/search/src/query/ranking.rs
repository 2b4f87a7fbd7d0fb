//! Every number that ranking depends on, and the formulas they stand in. Change one only with figures.

use std::sync::OnceLock;

use tantivy::fieldnorm::FieldNormReader;

use super::slot::Slot;

/// Saturation of repeated words (BM25, Robertson and others, TREC-3).
pub(crate) const K1: f32 = 1.2;
/// How much length counts in the whole text.
pub(crate) const B: f32 = 0.75;
/// How much length counts in the headline.
pub(crate) const B_HEADLINE: f32 = 0.5;
/// What a word in the headline adds to the same word in the text.
pub(crate) const HEADLINE: f32 = 0.7;
/// What two words that follow each other in the query add when they do so in the tip, in a short query.
pub(crate) const PROXIMITY: f32 = 4.0;
/// How slowly that fades with the distance between them: a sentence further on they still are about one thing.
const FADING: f32 = 0.4;
/// Words further apart than this do not help each other.
pub(crate) const FAR: u32 = 50;
/// What a word adds, in a short query, that stands at the very beginning of a tip: people type what they see, and tips
/// begin with that. Causes and fixes come later.
const EARLY: f32 = 2.0;
/// How far into a tip that is down to a half, in words.
const EARLY_HALF: f32 = 50.0;
/// What a word adds that stands exactly as typed, in a short query.
pub(crate) const EXACT: f32 = 0.7;
/// Up to this many words a query is short: its words were chosen from what stands there, in that order. The longer it
/// is, the less do order and form say.
pub(crate) const SHORT: usize = 3;
/// What a declared fault code or part number is worth: more than any number of mentions, in the title too, can be,
/// whatever [`standing`] says for them.
pub(crate) const DECLARED: f32 = 5.5;
/// What a tip adds whose own fault code or part, and whose own product, are all that a query asks for: more than all else
/// that a word can add, headline, nearness, place and [`standing`] included.
pub(crate) const OWN_MACHINE: f32 = 14.0;
/// A tip in the language of the query.
pub(crate) const SAME_LANGUAGE: f32 = 1.1;
/// A tip in the language of the caller's screen, when the query is too short to tell.
pub(crate) const SCREEN_LANGUAGE: f32 = 1.05;
/// Weights of ways a word can be met.
pub(crate) mod weight {
    pub(crate) const EXACT: f32 = 1.0;
    pub(crate) const OTHER_LANGUAGE: f32 = 0.95;
    pub(crate) const SYNONYM: f32 = 0.8;
    pub(crate) const WITHOUT_SEPARATORS: f32 = 0.9;
    pub(crate) const JOINED: f32 = 0.9;
    pub(crate) const PART: f32 = 0.6;
    pub(crate) const PREFIX: f32 = 0.7;
    /// A longer identifier than the one asked for, which stands elsewhere as it is: declared, it is worth less than one
    /// mention of that.
    pub(crate) const LONGER: f32 = 0.15;
    pub(crate) const TYPO: f32 = 0.8;
    pub(crate) const TWO_TYPOS: f32 = 0.6;
    /// A word inside an identifier that was asked for as a whole.
    pub(crate) const INSIDE: f32 = 0.5;
}
/// Words that say nothing add this share of their weight, and only to tips found by other words.
pub(crate) const STOP: f32 = 0.1;

/// Tips looked at closely (proximity, exactness, proof) after the first pass.
pub(crate) const WINDOW: usize = 200;

/// Words that stand in more than a third of all tips say nothing.
const IDLE: f32 = 1.1;

/// Whether every word that is asked for says nothing.
pub(crate) fn says_nothing(slots: &[Slot]) -> bool {
    slots.iter().filter(|slot| slot.required && !slot.silent).all(|slot| slot.idf < IDLE)
}

/// Inverse document frequency, always positive (as Lucene's and the engine's).
pub(crate) fn idf(frequency: u32, tips: f32) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "a weight needs no more")]
    let frequency = (frequency as f32).min(tips);
    (1.0 + (tips - frequency + 0.5) / (frequency + 0.5)).ln()
}

/// BM25's length norms of one field, by the engine's 256 length classes.
pub(crate) struct Norms([f32; 256]);

impl Norms {
    pub(crate) fn new(mean: f32, b: f32) -> Self {
        let mut table = [0.0; 256];
        for (id, norm) in (0..=u8::MAX).zip(&mut table) {
            #[allow(clippy::cast_precision_loss, reason = "lengths are classes already")]
            let length = FieldNormReader::id_to_fieldnorm(id) as f32;
            *norm = K1 * (1.0 - b + b * length / mean);
        }
        Self(table)
    }

    /// How much `frequency` occurrences say, 0 to `K1 + 1`.
    pub(crate) fn saturate(&self, frequency: u32, length_class: u8) -> f32 {
        #[allow(clippy::cast_precision_loss, reason = "a frequency in one tip")]
        let frequency = frequency as f32;
        let norm = self.0.get(usize::from(length_class)).copied().unwrap_or(K1);
        (K1 + 1.0) * frequency / (frequency + norm)
    }
}

/// The most that one way to have a slot can add to a score, its headline aside.
pub(crate) fn most(worth: f32, declared: bool) -> f32 {
    worth * if declared { DECLARED } else { K1 + 1.0 }
}

/// A sum of gains. Rounded once, so that the order they come in is not seen: tips that the caller may not see help to
/// decide it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum(f64);

impl Sum {
    pub(crate) fn add(&mut self, gain: f32) {
        self.0 += f64::from(gain);
    }

    #[allow(clippy::cast_possible_truncation, reason = "gains are of single precision")]
    pub(crate) fn score(self) -> f32 {
        self.0 as f32
    }
}

/// How much order and form say in a query of this many words.
pub(crate) fn shortness(words: usize) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "a query has few words")]
    let share = SHORT as f32 / words.max(1) as f32;
    share.min(1.0).powi(2)
}

/// What the place of its first occurrence adds to a word of weight `idf`, in a short query.
pub(crate) fn earliness(idf: f32, place: u32) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "a place in a text")]
    let place = place as f32;
    EARLY * idf / (1.0 + place / EARLY_HALF)
}

/// How much nearness says: 1 for neighbours, falling with the distance.
pub(crate) fn nearness(distance: u32) -> f32 {
    static POWERS: OnceLock<Vec<f32>> = OnceLock::new();
    #[allow(clippy::cast_precision_loss, reason = "at most FAR")]
    let powers = POWERS.get_or_init(|| (0..=FAR).map(|distance| (distance.max(1) as f32).powf(-FADING)).collect());
    powers.get(distance as usize).copied().unwrap_or_default()
}

/// Proof, freshness and confidence as one factor between 0.88 and 1.12: enough to order equals, too little to lift a
/// tip over a better match.
pub(crate) fn standing(proof: f32, age_days: f32, confidence: u64) -> f32 {
    proof_factor(proof) * freshness_factor(age_days) * confidence_factor(confidence)
}

/// 1 without outcomes, up to 1.06 when they nearly always fixed it.
pub(crate) fn proof_factor(lower: f32) -> f32 {
    1.0 + 0.06 * lower.clamp(0.0, 1.0)
}

/// 1.03 when new, 1 after a year, 0.97 when very old.
pub(crate) fn freshness_factor(age_days: f32) -> f32 {
    let years = age_days.max(0.0) / 365.0;
    0.97 + 0.06 / (1.0 + years)
}

/// 1.02 when validated, less when in doubt. `confidence` is its place in the domain's list.
pub(crate) fn confidence_factor(confidence: u64) -> f32 {
    match confidence {
        2 => 1.02,
        1 => 0.97,
        _ => 0.95,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popularity_stays_within_its_bounds() {
        let best = standing(1.0, 0.0, 2);
        let worst = standing(0.0, 100_000.0, 0);
        assert!(best < 1.13 && worst > 0.87, "{best} {worst}");
    }

    #[test]
    fn rarer_words_weigh_more_and_none_weighs_less_than_nothing() {
        assert!(idf(1, 1000.0) > idf(10, 1000.0));
        assert!(idf(1000, 1000.0) > 0.0);
        assert!(idf(0, 0.0) > 0.0);
    }
}
