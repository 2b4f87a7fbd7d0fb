//! The tips of any of several slots, in one segment, without those that cannot be among the best (`MaxScore`, Turtle and
//! Flood 1995). Lists are read a window of tips at a time, which adds up at most what each tip can have; few of them are
//! then looked at.

use std::ops::Range;

use tantivy::{DocId, TERMINATED};

use super::docs::{AllNorms, Walk, Way};
use super::ranking::Sum;
use super::scope::{Scope, View};
use super::slot::Slot;
use super::watch::Watch;
use crate::error::SearchError;

/// Tips of a window.
const WINDOW: u32 = 2_048;
/// A slot is left out that has so many times the tips of those that remain: to read them is much cheaper than to ask of
/// each of the others whether it has the slot, too.
const WORTH_LEAVING_OUT: u32 = 16;
/// Sums of single precision are rounded: what misses by less than this may not miss.
const ROUNDING: f32 = 1.000_01;

/// A walk over a union.
pub(crate) struct Union<'v, 's> {
    view: &'v View<'s>,
    norms: &'v AllNorms,
    /// Those that are left out stand first: no tip is looked at that has nothing else, but in its headline.
    slots: Vec<Asked>,
    left_out: usize,
    /// The most that the texts of slots left out can add.
    unseen: f32,
    window: Window,
    doc: DocId,
    /// The most that the tip it stands on has of all the others.
    seen: f32,
}

/// A slot as it is asked for: in all tips of a window, and in the few that are looked at.
struct Asked {
    required: bool,
    text: Vec<Way>,
    headlines: Vec<Way>,
    walk: Walk,
}

impl Asked {
    /// Adds what a tip has of it, and answers that.
    fn add(&mut self, doc: DocId, view: &View<'_>, norms: &AllNorms, to: &mut Scored) -> f32 {
        if self.walk.seek(doc) != doc {
            return 0.0;
        }
        let gain = self.walk.gain(view, norms).score;
        to.sum.add(gain);
        to.met += usize::from(self.required);
        gain
    }
}

/// What a tip has of the slots.
#[derive(Default)]
pub(crate) struct Scored {
    pub(crate) sum: Sum,
    /// How many required slots it has.
    pub(crate) met: usize,
}

impl<'v, 's> Union<'v, 's> {
    pub(crate) fn new<'q>(
        scope: &Scope<'_>,
        view: &'v View<'s>,
        norms: &'v AllNorms,
        slots: impl Iterator<Item = &'q Slot>,
    ) -> Result<Self, SearchError> {
        let mut asked = Vec::new();
        for slot in slots {
            let walk = Walk::new(scope, view, slot)?;
            if walk.doc() != TERMINATED {
                let (text, headlines) = Way::apart(scope, view, slot)?;
                asked.push(Asked { required: slot.required, text, headlines, walk });
            }
        }
        // The more tips it spares and the less it adds, the sooner a slot is left out.
        #[allow(clippy::cast_precision_loss, reason = "an order needs no more")]
        let most_of_a_tip = |slot: &Asked| slot.walk.most / slot.walk.cost as f32;
        asked.sort_by(|a, b| most_of_a_tip(a).total_cmp(&most_of_a_tip(b)));
        Ok(Self { view, norms, slots: asked, left_out: 0, unseen: 0.0, window: Window::new(), doc: 0, seen: 0.0 })
    }

    /// Whether nothing was left out.
    pub(crate) fn is_whole(&self) -> bool {
        self.left_out == 0
    }

    /// Goes on to the next tip. Those may be left out that are not over a score; with `passed_over` it also passes over
    /// all others that cannot be, and counts them.
    #[inline]
    pub(crate) fn next(
        &mut self,
        threshold: f32,
        mut passed_over: Option<&mut u64>,
        watch: &Watch,
    ) -> Result<DocId, SearchError> {
        loop {
            while let Some((doc, seen)) = self.window.next() {
                match &mut passed_over {
                    Some(passed_over) if (self.unseen + seen) * ROUNDING <= threshold => **passed_over += 1,
                    _ => {
                        (self.doc, self.seen) = (doc, seen);
                        return Ok(doc);
                    }
                }
            }
            if !self.read(threshold) {
                return Ok(TERMINATED);
            }
            watch.look()?;
        }
    }

    /// Reads the next window, if any tip is left.
    fn read(&mut self, threshold: f32) -> bool {
        // How many tips a restricted segment has must show in nothing, not even in whether a count is exact.
        while self.view.open
            && let Some((slot, rest)) = self.slots.get(self.left_out..).and_then(<[Asked]>::split_first)
            && (self.unseen + slot.walk.most) * ROUNDING <= threshold
            && slot.walk.cost / WORTH_LEAVING_OUT >= rest.iter().map(|slot| slot.walk.cost).fold(0, u32::saturating_add)
        {
            self.unseen += slot.walk.most;
            self.left_out += 1;
        }
        let (left_out, walked) = self.slots.split_at_mut(self.left_out);
        let text = walked.iter().flat_map(|slot| &slot.text);
        let headlines = left_out.iter().chain(&*walked).flat_map(|slot| &slot.headlines);
        let first = text.chain(headlines).map(Way::doc).min().unwrap_or(TERMINATED);
        if first == TERMINATED {
            return false;
        }
        let tips = self.window.begin(first);
        let mut add = |doc, gain| self.window.add(doc, gain);
        for way in walked.iter_mut().flat_map(|slot| &mut slot.text) {
            way.give(tips.clone(), &self.norms.all, &self.view.norms_all, &mut add);
        }
        for way in left_out.iter_mut().chain(walked).flat_map(|slot| &mut slot.headlines) {
            way.give(tips.clone(), &self.norms.headline, &self.view.norms_headline, &mut add);
        }
        true
    }

    /// The score of the tip it stands on, unless that is not over a threshold.
    pub(crate) fn score(&mut self, threshold: f32) -> Option<Scored> {
        let mut most = self.unseen + self.seen;
        let (left_out, walked) = self.slots.split_at_mut(self.left_out);
        let mut scored = Scored::default();
        for slot in left_out.iter_mut().rev() {
            if most * ROUNDING <= threshold {
                return None;
            }
            most += slot.add(self.doc, self.view, self.norms, &mut scored) - slot.walk.most;
        }
        if most * ROUNDING <= threshold {
            return None;
        }
        for slot in walked {
            slot.add(self.doc, self.view, self.norms, &mut scored);
        }
        Some(scored)
    }
}

/// What tips have that follow each other.
struct Window {
    first: DocId,
    scores: Vec<f32>,
    /// A bit for each tip that has anything.
    touched: [u64; (WINDOW / u64::BITS) as usize],
    /// The first word of bits that may have some.
    word: u32,
}

impl Window {
    fn new() -> Self {
        let scores = vec![0.0; WINDOW as usize];
        Self { first: 0, scores, touched: [0; (WINDOW / u64::BITS) as usize], word: WINDOW / u64::BITS }
    }

    /// Stands before these tips, once all that were in it are taken.
    fn begin(&mut self, first: DocId) -> Range<DocId> {
        self.first = first;
        self.word = 0;
        first..first.saturating_add(WINDOW).min(TERMINATED)
    }

    #[inline]
    fn add(&mut self, doc: DocId, gain: f32) {
        let place = doc - self.first;
        if let (Some(score), Some(word)) =
            (self.scores.get_mut(place as usize), self.touched.get_mut((place / u64::BITS) as usize))
        {
            *score += gain;
            *word |= 1 << (place % u64::BITS);
        }
    }

    /// Takes the next tip that has anything.
    #[inline]
    fn next(&mut self) -> Option<(DocId, f32)> {
        while let Some(word) = self.touched.get_mut(self.word as usize) {
            if *word == 0 {
                self.word += 1;
                continue;
            }
            let place = self.word * u64::BITS + word.trailing_zeros();
            *word &= *word - 1;
            let score = std::mem::take(self.scores.get_mut(place as usize)?);
            return Some((self.first + place, score));
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stops has failed")]
mod tests {
    use std::time::{Duration, Instant};

    use eureka_domain::community::Openness;
    use eureka_domain::ids::CommunityId;
    use eureka_domain::visibility::Audience;
    use uuid::Uuid;

    use super::*;
    use crate::document::{Change, TipDocument};
    use crate::index::{Cursor, Index, OpenOptions, Opened};
    use crate::query::plan;
    use crate::query::request::SynonymGroup;

    /// How many are the best.
    const BEST: usize = 10;

    /// Pseudo-random numbers (Knuth's MMIX generator): the same ones at every run.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, most: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % most
        }

        /// Words of a vocabulary in which a few are common and most are rare.
        fn words(&mut self, least: usize, most: usize) -> String {
            const SYLLABLES: [&str; 10] = ["ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru"];
            let count = least + self.below(most - least + 1);
            let words = (0..count).map(|_| {
                let rank = match self.below(3) {
                    0 => self.below(4),
                    1 => 4 + self.below(40),
                    _ => 44 + self.below(900),
                };
                [SYLLABLES[rank / 100], SYLLABLES[rank / 10 % 10], SYLLABLES[rank % 10], "nt"].concat()
            });
            words.collect::<Vec<_>>().join(" ")
        }

        fn tip(&mut self, number: i64, openness: Openness) -> TipDocument {
            let community = CommunityId(Uuid::from_u128(1 + u128::from(number.unsigned_abs() % 2)));
            let (title, problem) = (self.words(2, 6), self.words(10, 60));
            TipDocument { community, openness, title, problem, ..TipDocument::sample(number) }
        }
    }

    fn index(dir: &std::path::Path, dice: &mut Dice, openness: Openness) -> Index {
        let index = match Index::open(dir, OpenOptions::default()).unwrap() {
            Opened::Fresh(index) | Opened::Usable(index) => index,
            Opened::Unusable { why } => panic!("{why}"),
        };
        for half in 0..2 {
            let tips =
                (0..2_500).map(|number| Change::Put(Box::new(dice.tip(2_500 * half + number, openness)))).collect();
            index.apply(tips, &Cursor::new(Uuid::nil(), half + 1, "0".repeat(64))).unwrap();
        }
        index
    }

    /// The best scores, and how many tips were met.
    type Outcome = (Vec<f32>, u64);

    fn best(scores: &mut Vec<f32>) -> f32 {
        scores.sort_by(|a, b| b.total_cmp(a));
        scores.truncate(BEST);
        scores.get(BEST - 1).copied().unwrap_or(f32::NEG_INFINITY)
    }

    fn by_brute_force(scope: &Scope<'_>, slots: &[Slot], norms: &AllNorms) -> Outcome {
        let (mut scores, mut met) = (Vec::new(), 0);
        for view in &scope.views {
            let mut walks = slots.iter().map(|slot| Walk::new(scope, view, slot).unwrap()).collect::<Vec<_>>();
            for doc in 0..view.reader.max_doc() {
                let gains = walks.iter_mut().filter_map(|walk| (walk.seek(doc) == doc).then(|| walk.gain(view, norms)));
                let gains = gains.map(|gain| gain.score).collect::<Vec<_>>();
                if !gains.is_empty() {
                    scores.push(gains.iter().sum());
                    met += 1;
                }
            }
        }
        best(&mut scores);
        (scores, met)
    }

    /// What a union finds, and whether it left nothing out.
    fn by_union(scope: &Scope<'_>, slots: &[Slot], norms: &AllNorms, passes_over: bool) -> (Outcome, bool) {
        let (mut scores, mut met) = (Vec::new(), 0);
        let (mut threshold, mut whole) = (f32::NEG_INFINITY, true);
        let watch = Watch::new(Instant::now() + Duration::from_mins(1));
        for view in &scope.views {
            let mut union = Union::new(scope, view, norms, slots.iter()).unwrap();
            while union.next(threshold, passes_over.then_some(&mut met), &watch).unwrap() != TERMINATED {
                met += 1;
                if let Some(scored) = union.score(threshold) {
                    scores.push(scored.sum.score());
                    threshold = best(&mut scores).max(threshold);
                }
            }
            whole &= union.is_whole();
        }
        ((scores, met), whole)
    }

    #[test]
    fn nothing_is_left_out_that_is_among_the_best() {
        let mut dice = Dice(1994);
        let dir = tempfile::tempdir().unwrap();
        let index = index(dir.path(), &mut dice, Openness::Open);
        let snapshot = index.snapshot();
        let scope = Scope::new(&snapshot, &Audience::default()).unwrap();
        let norms = AllNorms::of(snapshot.public);
        let phrases = vec!["bababant".to_owned(), "babafint".to_owned()];
        let glossary = [SynonymGroup { community: CommunityId(Uuid::from_u128(1)), phrases }];
        let mut left_out = 0;
        for _ in 0..200 {
            let q = dice.words(1, 6);
            let slots = plan::plan(&scope, &q, &[], &[], &glossary, None).unwrap().slots;
            let (wanted, tips) = by_brute_force(&scope, &slots, &norms);
            for passes_over in [true, false] {
                let ((found, met), whole) = by_union(&scope, &slots, &norms, passes_over);
                assert_eq!(found.len(), wanted.len(), "{q}");
                assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-4), "{q}: {found:?} {wanted:?}");
                assert!(if whole { met == tips } else { met < tips }, "{q}: {met} of {tips}");
                left_out += usize::from(!whole);
            }
        }
        assert!(left_out >= 20, "something was left out of {left_out} only");
    }

    #[test]
    fn of_a_restricted_segment_everything_is_read() {
        let mut dice = Dice(1996);
        let dir = tempfile::tempdir().unwrap();
        let index = index(dir.path(), &mut dice, Openness::Private);
        let snapshot = index.snapshot();
        let scope = Scope::new(&snapshot, &Audience { everything: true, ..Audience::default() }).unwrap();
        let norms = AllNorms::of(snapshot.public);
        for _ in 0..100 {
            let slots = plan::plan(&scope, &dice.words(1, 6), &[], &[], &[], None).unwrap().slots;
            let (wanted, tips) = by_brute_force(&scope, &slots, &norms);
            let ((found, met), whole) = by_union(&scope, &slots, &norms, true);
            assert!(whole && met == tips && found.len() == wanted.len());
        }
    }

    #[test]
    fn the_same_text_has_the_same_score_whatever_else_its_segment_holds() {
        const COPY: i64 = 10_000;
        let mut dice = Dice(1998);
        let dir = tempfile::tempdir().unwrap();
        let index = index(dir.path(), &mut dice, Openness::Open);
        let tips = (0..100).map(|number| dice.tip(COPY + number, Openness::Open)).collect::<Vec<_>>();
        for half in 0..2 {
            let copies = tips.iter().map(|tip| {
                let number = tip.number.0 + half * COPY;
                let (title, problem) = (tip.title.clone(), tip.problem.clone());
                Change::Put(Box::new(TipDocument { title, problem, ..TipDocument::sample(number) }))
            });
            let others = (0..100).map(|_| Change::Put(Box::new(dice.tip(5_000 + 100 * half, Openness::Open))));
            let changes = copies.chain(others).collect();
            index.apply(changes, &Cursor::new(Uuid::nil(), 3 + half, "0".repeat(64))).unwrap();
        }
        let snapshot = index.snapshot();
        let scope = Scope::new(&snapshot, &Audience::default()).unwrap();
        let norms = AllNorms::of(snapshot.public);
        let watch = Watch::new(Instant::now() + Duration::from_mins(1));
        for tip in &tips {
            let q = tip.problem.split(' ').take(9).collect::<Vec<_>>().join(" ");
            let slots = plan::plan(&scope, &q, &[], &[], &[], None).unwrap().slots;
            let mut scores = Vec::new();
            for view in &scope.views {
                let mut union = Union::new(&scope, view, &norms, slots.iter()).unwrap();
                while let doc @ ..TERMINATED = union.next(f32::NEG_INFINITY, None, &watch).unwrap() {
                    let number = view.columns.number.first(doc).unwrap();
                    if number % COPY == tip.number.0 % COPY && number >= COPY {
                        scores.push(union.score(f32::NEG_INFINITY).unwrap().sum.score());
                    }
                }
            }
            assert!(scores.len() == 2 && scores[0].to_bits() == scores[1].to_bits(), "{q}: {scores:?}");
        }
    }
}
