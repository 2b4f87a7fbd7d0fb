//! The closer look at the best of the first: words that stand together, words exactly as typed, words without
//! meaning, then proof, freshness, confidence and language.

use tantivy::columnar::Column;
use tantivy::postings::{Postings, SegmentPostings};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet};

use super::ranking;
use super::retrieve::Candidate;
use super::scope::{In, Scope, View};
use super::slot::{Slot, SlotKind, Source};
use crate::error::SearchError;
use crate::index::proof;
use crate::index::record::{label, term};
use crate::schema::column;

/// What the closer look found out about one tip.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Closer {
    pub(crate) proximity: f32,
    pub(crate) exact: f32,
    pub(crate) silent: f32,
    /// Words that stand early in the tip.
    pub(crate) early: f32,
    /// The tip's own code and product being all that is asked for.
    pub(crate) own_machine: f32,
    /// Proof, freshness and confidence.
    pub(crate) standing: f32,
    pub(crate) language: f32,
}

impl Closer {
    /// The score after the closer look.
    pub(crate) fn score(&self, text: f32) -> f32 {
        (text + self.proximity + self.exact + self.silent + self.early + self.own_machine)
            * self.standing
            * self.language
    }
}

/// Looks at candidates and replaces their ranks. `closers` come back in the order of `candidates`.
pub(crate) fn look(
    scope: &Scope<'_>,
    slots: &[Slot],
    language: Option<(&str, f32)>,
    now_micros: i64,
    candidates: &mut [Candidate],
) -> Result<Vec<Closer>, SearchError> {
    candidates.sort_by_key(|candidate| (candidate.view, candidate.doc));
    let mut closers = Vec::with_capacity(candidates.len());
    let mut eye: Option<(usize, Eye)> = None;
    for candidate in candidates.iter_mut() {
        let Some(view) = scope.views.get(candidate.view) else { continue };
        if eye.as_ref().is_none_or(|(place, _)| *place != candidate.view) {
            eye = Some((candidate.view, Eye::new(scope, view, slots, language)?));
        }
        let Some((_, eye)) = &mut eye else { continue };
        let closer = eye.look(candidate.doc, now_micros);
        #[allow(clippy::cast_possible_truncation, reason = "it began as single precision")]
        let text = candidate.rank as f32;
        candidate.rank = f64::from(closer.score(text));
        closers.push(closer);
    }
    Ok(closers)
}

/// Everything that is read of one segment.
struct Eye {
    words: Vec<Word>,
    standing: Standing,
    language: Option<(Column<u64>, u64, f32)>,
    positions: Vec<Vec<u32>>,
    /// How many words say something.
    telling: usize,
    shortness: f32,
}

struct Word {
    placed: Vec<Placed>,
    surface: Vec<SegmentPostings>,
    /// Absent for what is not demanded.
    labelled: Option<Labelled>,
    idf: f32,
    surface_idf: f32,
    silent: bool,
    /// Whether its place in the tip says something: identifiers are worth the same wherever they stand.
    placeable: bool,
    /// Whether closeness to the word before it means anything.
    follows: bool,
}

/// Where one form of a word stands, in all tips or in those of one community.
struct Placed {
    postings: SegmentPostings,
    own: Option<SegmentPostings>,
}

/// Tips that have a word among their labels.
struct Labelled {
    /// As a fault code or a part, unless products are called so: `10` is a code of few machines that are asked for with it.
    codes: Vec<SegmentPostings>,
    /// In the name of a product.
    products: Option<SegmentPostings>,
}

impl Placed {
    fn stands_in(&mut self, doc: DocId) -> bool {
        self.own.as_mut().is_none_or(|own| seek(own, doc)) && seek(&mut self.postings, doc)
    }
}

impl Eye {
    fn new(
        scope: &Scope<'_>,
        view: &View<'_>,
        slots: &[Slot],
        language: Option<(&str, f32)>,
    ) -> Result<Self, SearchError> {
        let mut words = Vec::with_capacity(slots.len());
        let asks_for_code = slots.iter().any(|slot| slot.kind == SlotKind::Identifier);
        for slot in slots.iter().filter(|slot| slot.kind != SlotKind::Phrase) {
            let mut placed = Vec::new();
            for alternative in &slot.alternatives {
                let terms = match &alternative.source {
                    Source::Term(In::All, text) => std::slice::from_ref(text),
                    Source::AnyOf(In::All, terms) => terms.get(..12).unwrap_or(terms),
                    _ => continue,
                };
                for text in terms {
                    let Some(postings) = positions_of(scope, view, text)? else { continue };
                    let own = match alternative.within {
                        None => None,
                        Some(community) => match view.own_tips(scope, community)? {
                            None => continue,
                            some => some,
                        },
                    };
                    placed.push(Placed { postings, own });
                }
            }
            for text in slot.near.iter().take(12) {
                placed.extend(positions_of(scope, view, text)?.map(|postings| Placed { postings, own: None }));
            }
            let mut surface = Vec::new();
            let mut frequency = 0;
            if slot.kind == SlotKind::Word && !slot.silent {
                for word in &slot.read_as {
                    frequency += scope.public_frequency(In::Words, word)?;
                    surface.extend(view.postings(scope.term(In::Words, word), In::Words, IndexRecordOption::Basic)?);
                }
            }
            let demanded = asks_for_code && slot.required && !slot.silent;
            let labelled = demanded.then(|| Labelled::of(scope, view, slot)).transpose()?;
            let surface_idf = ranking::idf(frequency, scope.snapshot.public.tips);
            words.push(Word {
                placed,
                surface,
                labelled,
                surface_idf,
                idf: slot.idf,
                silent: slot.silent,
                placeable: slot.kind == SlotKind::Word,
                follows: true,
            });
        }
        if let Some(first) = words.first_mut() {
            first.follows = false;
        }
        let language = match (language, view.labels(column::LANG)?) {
            (Some((code, factor)), Some(column)) => {
                column.dictionary().term_ord(code.as_bytes())?.map(|ord| (column.ords().clone(), ord, factor))
            }
            _ => None,
        };
        let positions = vec![Vec::new(); words.len()];
        let telling = words.iter().filter(|word| !word.silent).count();
        let shortness = ranking::shortness(telling);
        Ok(Self { words, telling, shortness, standing: Standing::new(view), language, positions })
    }

    fn look(&mut self, doc: DocId, now_micros: i64) -> Closer {
        let mut closer = Closer { standing: self.standing.factor(doc, now_micros), language: 1.0, ..Closer::default() };
        let mut met = 0;
        for (word, positions) in self.words.iter_mut().zip(&mut self.positions) {
            positions.clear();
            for placed in &mut word.placed {
                if placed.stands_in(doc) {
                    placed.postings.append_positions_with_offset(0, positions);
                }
            }
            if word.placed.len() > 1 {
                positions.sort_unstable();
            }
            if word.silent {
                if !positions.is_empty() {
                    closer.silent += ranking::STOP * word.idf;
                }
                continue;
            }
            if word.surface.iter_mut().any(|surface| seek(surface, doc)) {
                closer.exact += ranking::EXACT * word.surface_idf;
            }
            if word.placeable
                && self.telling <= ranking::SHORT
                && let Some(first) = positions.first()
            {
                met += 1;
                closer.early += ranking::earliness(word.idf, *first);
            }
        }
        closer.own_machine = self.own_machine(doc);
        closer.exact *= self.shortness;
        closer.early *= share(met, self.telling);
        closer.proximity = self.proximity() * self.shortness;
        if let Some((ords, wanted, factor)) = &self.language
            && ords.first(doc) == Some(*wanted)
        {
            closer.language = *factor;
        }
        closer
    }

    /// Says something where a code or part of the tip's own, and words of its own product's name, are all that is asked for.
    fn own_machine(&mut self, doc: DocId) -> f32 {
        let (mut idf, mut codes, mut products) = (0.0, 0, 0);
        for word in &mut self.words {
            let Some(labelled) = &mut word.labelled else { continue };
            if labelled.codes.iter_mut().any(|codes| seek(codes, doc)) {
                codes += 1;
            } else if labelled.products.as_mut().is_some_and(|products| seek(products, doc)) {
                products += 1;
            } else {
                return 0.0;
            }
            idf += word.idf;
        }
        if codes > 0 && products > 0 { ranking::OWN_MACHINE * idf } else { 0.0 }
    }

    /// Each word gains from the word before it in the query, by how near the two come in the tip; the right order
    /// counts double. After Rasolofo and Savoy (2003), with the nearest pair only.
    fn proximity(&self) -> f32 {
        let mut sum = 0.0;
        let mut before: Option<(&Word, &[u32])> = None;
        for (word, positions) in self.words.iter().zip(&self.positions) {
            if positions.is_empty() {
                continue;
            }
            if let Some((previous, earlier)) = before
                && word.follows
                && !(previous.silent && word.silent)
            {
                let (distance, in_order) = nearest(earlier, positions);
                let weight = previous.idf.min(word.idf) * if in_order { 1.0 } else { 0.5 };
                sum += weight * ranking::nearness(distance);
            }
            before = Some((word, positions));
        }
        ranking::PROXIMITY * sum
    }
}

fn share(met: usize, of: usize) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "a query has few words")]
    let share = met as f32 / of.max(1) as f32;
    share
}

/// The least distance between two lists of positions, and whether the nearest pair is in order.
fn nearest(earlier: &[u32], later: &[u32]) -> (u32, bool) {
    let mut best = (u32::MAX, false);
    let (mut a, mut b) = (earlier.iter().peekable(), later.iter().peekable());
    while let (Some(&&left), Some(&&right)) = (a.peek(), b.peek()) {
        if left < right {
            if (right - left, false) < (best.0, best.1) || right - left < best.0 {
                best = (right - left, true);
            }
            a.next();
        } else {
            if left - right < best.0 {
                best = (left - right, false);
            }
            b.next();
        }
    }
    best
}

impl Labelled {
    fn of(scope: &Scope<'_>, view: &View<'_>, slot: &Slot) -> Result<Self, SearchError> {
        let postings = |text: &str| view.postings(scope.term(In::Label, text), In::Label, IndexRecordOption::Basic);
        let product = term(label::PRODUCT_WORD, &slot.surface);
        let is_a_name = scope.public_frequency(In::Label, &product)? > 0;
        let mut codes = Vec::new();
        for alternative in slot.alternatives.iter().filter(|_| !is_a_name) {
            if let Source::Term(In::Label, text) = &alternative.source
                && text.starts_with([label::FAULT_CODE, label::PART])
            {
                codes.extend(postings(text)?);
            }
        }
        Ok(Self { codes, products: postings(&product)? })
    }
}

fn positions_of(scope: &Scope<'_>, view: &View<'_>, text: &str) -> Result<Option<SegmentPostings>, SearchError> {
    view.postings(scope.term(In::All, text), In::All, IndexRecordOption::WithFreqsAndPositions)
}

fn seek(postings: &mut SegmentPostings, doc: DocId) -> bool {
    postings.doc() <= doc && (postings.doc() == doc || postings.seek(doc) == doc)
}

/// Proof, freshness and confidence of the tips of one segment.
pub(crate) struct Standing {
    proof: Column<u64>,
    updated: Column<i64>,
    confidence: Column<u64>,
}

impl Standing {
    pub(crate) fn new(view: &View<'_>) -> Self {
        let columns = view.columns;
        Self { proof: columns.proof.clone(), updated: columns.updated.clone(), confidence: columns.confidence.clone() }
    }

    /// See [`ranking::standing`].
    pub(crate) fn factor(&self, doc: DocId, now_micros: i64) -> f32 {
        let (proof, age_days, confidence) = self.parts(doc, now_micros);
        ranking::standing(proof, age_days, confidence)
    }

    /// The proof's lower bound, the age in days and the confidence's place.
    pub(crate) fn parts(&self, doc: DocId, now_micros: i64) -> (f32, f32, u64) {
        let updated = self.updated.first(doc).unwrap_or(now_micros);
        #[allow(clippy::cast_precision_loss, reason = "days")]
        let age_days = (now_micros.saturating_sub(updated) / 1_000_000) as f32 / 86_400.0;
        #[allow(clippy::cast_possible_truncation, reason = "a weight needs no more")]
        let proof = proof::lower(self.proof.first(doc).unwrap_or_default(), now_micros) as f32;
        (proof, age_days, self.confidence.first(doc).unwrap_or(2))
    }
}
