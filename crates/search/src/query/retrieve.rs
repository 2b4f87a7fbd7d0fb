//! The first look: which tips have everything asked for, which have most of it, and a text score for each.
//!
//! Complete matches are found by intersection and all scored; partial ones by a [`Union`].

use std::collections::HashSet;
use std::time::Instant;

use tantivy::{DocId, TERMINATED};

use super::docs::{AllNorms, Walk};
use super::filter::{Demand, Gate, Passes};
use super::ranking;
use super::request::Sort;
use super::scope::{Scope, View};
use super::slot::{Slot, Source};
use super::union::{Scored, Union};
use super::watch::Watch;
use crate::answer::facets::Counter;
use crate::error::SearchError;
use crate::index::proof;

/// Most tips looked at when every word stands in a good part of all tips: none of them is better than the others.
const MOST_OF_IDLE: u64 = 10_000;
/// The same for words that say nothing in any text.
const MOST_OF_EMPTY: u64 = 1_000;
/// Most such tips looked at when nearly all of them are left out for something else, and enough of the others found.
const MOST_LEFT_OUT: u64 = 50_000;

/// A tip that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    /// Whether it has everything that was required.
    pub(crate) complete: bool,
    /// The key it is ordered by: a score, or the column of another order.
    pub(crate) rank: f64,
    pub(crate) view: usize,
    pub(crate) doc: DocId,
    /// The tip's number: orders equals, and names the tip in a cursor.
    pub(crate) number: i64,
}

/// What a pass found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The best, in no order; at most as many as asked for.
    pub(crate) best: Vec<Candidate>,
    /// How many tips matched.
    pub(crate) count: u64,
    /// Whether `count` is all of them.
    pub(crate) exact: bool,
}

/// One search's passes over the index.
pub(crate) struct Passage<'a, 's> {
    pub(crate) scope: &'a Scope<'s>,
    pub(crate) slots: &'a [Slot],
    pub(crate) demands: &'a [Demand],
    pub(crate) excluded: &'a [Source],
    pub(crate) norms: &'a AllNorms,
    pub(crate) sort: Sort,
    pub(crate) deadline: Instant,
    /// Numbers of tips that earlier pages showed: counted, but not offered again.
    pub(crate) shown: &'a HashSet<i64>,
    /// The key of the last tip shown, for orders whose keys do not move.
    pub(crate) after: Option<(f64, i64)>,
    /// The present moment, in microseconds.
    pub(crate) now_micros: i64,
    /// Whether nothing was asked for but words that say nothing.
    pub(crate) only_empty: bool,
}

impl<'s> Passage<'_, 's> {
    /// Tips that have every required slot.
    pub(crate) fn complete(&self, keep: usize, mut counter: Option<&mut Counter>) -> Result<Found, SearchError> {
        let mut best = Best::new(keep, self.shown, self.after);
        let mut watch = Watch::new(self.deadline);
        let idle = counter.is_none() && self.sort == Sort::Relevance && ranking::says_nothing(self.slots);
        let most_of_idle = if self.only_empty { MOST_OF_EMPTY } else { MOST_OF_IDLE };
        let mut looked_at = 0;
        for (place, view) in self.scope.views.iter().enumerate() {
            let Some(mut walks) = self.required_walks(view)? else { continue };
            let mut others = self.walks(view, |slot| !slot.required && !slot.silent)?;
            let mut gate = Gate::new(self.scope, view, self.demands, self.excluded)?;
            let key = Key::new(self.sort, view, self.now_micros);
            let numbers = &view.columns.number;
            if let Some(counter) = counter.as_deref_mut() {
                counter.enter(view)?;
            }
            walks.sort_by_key(|walk| walk.cost);
            let mut target = 0;
            'docs: loop {
                watch.tick()?;
                let Some((lead, rest)) = walks.split_first_mut() else { break };
                let doc = lead.seek(target);
                if doc == TERMINATED {
                    break;
                }
                for other in rest {
                    let found = other.seek(doc);
                    if found != doc {
                        target = found;
                        continue 'docs;
                    }
                }
                target = doc + 1;
                looked_at += u64::from(view.open); // hidden tips show in nothing
                let found_enough = best.count >= most_of_idle
                    || (looked_at > MOST_LEFT_OUT && best.count >= u64::try_from(keep).unwrap_or(u64::MAX));
                if idle && found_enough {
                    self.scope.cut_short();
                    break;
                }
                let passes = gate.check(doc);
                if let Some(counter) = counter.as_deref_mut() {
                    counter.count(doc, passes);
                }
                if passes != Passes::All {
                    continue;
                }
                let mut sum = ranking::Sum::default();
                for each in &mut walks {
                    sum.add(each.gain(view, self.norms).score);
                }
                for each in &mut others {
                    if each.seek(doc) == doc {
                        sum.add(each.gain(view, self.norms).score);
                    }
                }
                let score = sum.score();
                best.offer(key.of(doc, score), || Candidate {
                    complete: true,
                    rank: key.of(doc, score),
                    view: place,
                    doc,
                    number: numbers.first(doc).unwrap_or_default(),
                });
            }
            if let Some(counter) = counter.as_deref_mut() {
                counter.leave()?;
            }
        }
        Ok(best.into_found(!self.scope.is_cut_short()))
    }

    /// Tips that have something of what was asked for. Those that have everything may be among them, marked so.
    pub(crate) fn partial(&self, keep: usize, mut counter: Option<&mut Counter>) -> Result<Found, SearchError> {
        let mut best = Best::new(keep, self.shown, self.after);
        let mut watch = Watch::new(self.deadline);
        let by_score = self.sort == Sort::Relevance;
        let required = self.slots.iter().filter(|slot| slot.required && !slot.silent).count();
        let mut exact = true;
        for (place, view) in self.scope.views.iter().enumerate() {
            let mut gate = Gate::new(self.scope, view, self.demands, self.excluded)?;
            let key = Key::new(self.sort, view, self.now_micros);
            let numbers = &view.columns.number;
            if let Some(counter) = counter.as_deref_mut() {
                counter.enter(view)?;
            }
            let slots = self.slots.iter().filter(|slot| !slot.silent);
            let all_pass = gate.is_open();
            let mut union = Union::new(self.scope, view, self.norms, slots)?;
            loop {
                watch.tick()?;
                let threshold = if by_score { best.threshold() } else { f32::NEG_INFINITY };
                let doc = match counter {
                    None => union.next(threshold, all_pass.then_some(&mut best.count), &watch)?,
                    Some(_) => union.next(f32::NEG_INFINITY, None, &watch)?,
                };
                if doc == TERMINATED {
                    break;
                }
                let passes = gate.check(doc);
                if let Some(counter) = counter.as_deref_mut() {
                    counter.count(doc, passes);
                }
                if passes == Passes::All {
                    match union.score(threshold) {
                        Some(Scored { sum, met }) => best.offer(key.of(doc, sum.score()), || Candidate {
                            complete: met == required && required > 0,
                            rank: key.of(doc, sum.score()),
                            view: place,
                            doc,
                            number: numbers.first(doc).unwrap_or_default(),
                        }),
                        None => best.count += 1,
                    }
                }
            }
            exact &= union.is_whole();
            if let Some(counter) = counter.as_deref_mut() {
                counter.leave()?;
            }
        }
        Ok(best.into_found(exact && !self.scope.is_cut_short()))
    }

    /// Tips that meet the demands, when no text was given.
    pub(crate) fn by_demands(
        &self,
        keep: usize,
        mut counter: Option<&mut Counter>,
        now_micros: i64,
    ) -> Result<Found, SearchError> {
        let mut best = Best::new(keep, self.shown, self.after);
        let mut watch = Watch::new(self.deadline);
        for (place, view) in self.scope.views.iter().enumerate() {
            let mut gate = Gate::new(self.scope, view, self.demands, self.excluded)?;
            let key = Key::new(self.sort, view, self.now_micros);
            let numbers = &view.columns.number;
            let standing = super::rerank::Standing::new(view);
            if let Some(counter) = counter.as_deref_mut() {
                counter.enter(view)?;
            }
            // Facets count tips that miss one demand, so only one demand or none may lead then.
            let lead = if counter.is_some() { None } else { gate.cheapest() };
            let mut target = 0;
            while target < view.reader.max_doc() {
                watch.tick()?;
                let doc = lead.map_or(target, |lead| gate.next_of(lead, target));
                if doc >= view.reader.max_doc() {
                    break;
                }
                target = doc + 1;
                let passes = gate.check(doc);
                if let Some(counter) = counter.as_deref_mut() {
                    counter.count(doc, passes);
                }
                if passes == Passes::All {
                    let score = standing.factor(doc, now_micros);
                    best.offer(key.of(doc, score), || Candidate {
                        complete: true,
                        rank: key.of(doc, score),
                        view: place,
                        doc,
                        number: numbers.first(doc).unwrap_or_default(),
                    });
                }
            }
            if let Some(counter) = counter.as_deref_mut() {
                counter.leave()?;
            }
        }
        Ok(best.into_found(!self.scope.is_cut_short()))
    }

    /// The walks of all required slots, or `None` when one of them has no tip in the segment.
    fn required_walks(&self, view: &View<'s>) -> Result<Option<Vec<Walk>>, SearchError> {
        let walks = self.walks(view, |slot| slot.required && !slot.silent)?;
        let wanted = self.slots.iter().filter(|slot| slot.required && !slot.silent).count();
        Ok((walks.len() == wanted && wanted > 0).then_some(walks))
    }

    fn walks(&self, view: &View<'s>, which: impl Fn(&Slot) -> bool) -> Result<Vec<Walk>, SearchError> {
        let mut out = Vec::with_capacity(self.slots.len());
        for slot in self.slots.iter().filter(|slot| which(slot)) {
            let walk = Walk::new(self.scope, view, slot)?;
            if walk.doc() != TERMINATED {
                out.push(walk);
            }
        }
        Ok(out)
    }
}

/// Keeps the best candidates: a quarter more than asked for are gathered before the worst are dropped. The sooner they
/// are, the sooner is known what cannot be among the best.
struct Best<'a> {
    keep: usize,
    shown: &'a HashSet<i64>,
    after: Option<(f64, i64)>,
    gathered: Vec<Candidate>,
    threshold: f64,
    count: u64,
}

impl<'a> Best<'a> {
    fn new(keep: usize, shown: &'a HashSet<i64>, after: Option<(f64, i64)>) -> Self {
        Self { keep: keep.max(1), shown, after, gathered: Vec::new(), threshold: f64::NEG_INFINITY, count: 0 }
    }

    #[allow(clippy::cast_possible_truncation, reason = "scores began as single precision")]
    fn threshold(&self) -> f32 {
        self.threshold as f32
    }

    fn offer(&mut self, rank: f64, candidate: impl FnOnce() -> Candidate) {
        self.count += 1;
        if rank < self.threshold {
            return;
        }
        let candidate = candidate();
        let passed =
            self.after.is_some_and(|(last, number)| rank > last || (rank >= last && candidate.number >= number));
        if passed || self.shown.contains(&candidate.number) {
            return;
        }
        self.gathered.push(candidate);
        if self.gathered.len() > self.keep + self.keep / 4 {
            self.trim();
        }
    }

    fn trim(&mut self) {
        if self.gathered.len() > self.keep {
            // By rank alone: a complete match that a partial pass meets again is dropped later.
            self.gathered
                .select_nth_unstable_by(self.keep - 1, |a, b| b.rank.total_cmp(&a.rank).then(b.number.cmp(&a.number)));
            self.gathered.truncate(self.keep);
            self.threshold = self.gathered.iter().map(|each| each.rank).fold(f64::INFINITY, f64::min);
        }
    }

    fn into_found(mut self, exact: bool) -> Found {
        self.trim();
        Found { best: self.gathered, count: self.count, exact }
    }
}

/// Better before worse, later numbers before earlier ones: a total order.
pub(crate) fn by_rank(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    b.rank.total_cmp(&a.rank).then(b.number.cmp(&a.number))
}

/// The key of an order.
enum Key {
    Score,
    Column(tantivy::columnar::Column<i64>),
    Proof(tantivy::columnar::Column<u64>, i64),
}

impl Key {
    fn new(sort: Sort, view: &View<'_>, now_micros: i64) -> Self {
        match sort {
            Sort::Relevance => Self::Score,
            Sort::Newest => Self::Column(view.columns.updated.clone()),
            Sort::Proof => Self::Proof(view.columns.proof.clone(), start_of_day(now_micros)),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "microseconds of our time fit")]
    fn of(&self, doc: DocId, score: f32) -> f64 {
        match self {
            Self::Score => f64::from(score),
            Self::Column(column) => column.first(doc).unwrap_or_default() as f64,
            Self::Proof(column, at) => proof::lower(column.first(doc).unwrap_or_default(), *at),
        }
    }
}

/// The beginning of a day: proof fades, and an order must stand still while somebody walks through it.
fn start_of_day(micros: i64) -> i64 {
    const DAY: i64 = 86_400_000_000;
    micros - micros.rem_euclid(DAY)
}
