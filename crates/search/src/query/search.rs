//! One search from beginning to end: all words first, then step by step with fewer demands.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::time::Instant as Wall;

use eureka_domain::Instant;
use eureka_domain::ids::CommunityId;

use super::docs::AllNorms;
use super::filter::{self, Demand};
use super::plan::{self, Plan};
use super::ranking;
use super::relax::{self, Forgiven};
use super::request::{Filters, SearchRequest, Sort};
use super::rerank::{self, Closer};
use super::retrieve::{Candidate, Found, Passage, by_rank};
use super::scope::Scope;
use super::slot::{How, SlotKind};
use super::syntax::{self, Parsed};
use crate::answer::explain;
use crate::answer::facets::Counter;
use crate::answer::highlight::Marker;
use crate::answer::page::{self, DEEPEST, PageCursor};
use crate::answer::response::{Hit, Relaxed, SearchResponse, Total};
use crate::error::SearchError;
use crate::index::Index;
use crate::index::snapshot::Snapshot;
use crate::pool::guarded;

/// With fewer complete matches than this, near words are considered too.
const FEW: u64 = 10;
/// With this many complete matches, tips that lack a word are no results.
const PLENTY: u64 = 100;

impl Index {
    /// Searches. Reads one snapshot from beginning to end; touches nothing else.
    pub fn search(&self, request: &SearchRequest, now: Instant) -> Result<SearchResponse, SearchError> {
        let snapshot = self.snapshot();
        guarded(|| search(&snapshot, request, now))
    }
}

/// A search under way.
struct Search<'a> {
    request: &'a SearchRequest,
    scope: Scope<'a>,
    plan: Plan,
    demands: Vec<Demand>,
    norms: AllNorms,
    now_micros: i64,
    deadline: Wall,
    relaxed: Vec<Relaxed>,
    forgiven: Vec<Forgiven>,
    /// Numbers of tips that earlier pages showed.
    shown: HashSet<i64>,
    after: Option<(f64, i64)>,
}

fn search(snapshot: &Snapshot, request: &SearchRequest, now: Instant) -> Result<SearchResponse, SearchError> {
    let deadline = Wall::now() + request.deadline;
    let found = search_parsed(snapshot, request, &syntax::parse(&request.q), deadline, now)?;
    if found.total.value == 0
        && let Some((without, text)) = as_words(request)
    {
        let mut found = search_event(snapshot, &without, text, deadline, now)?;
        found.next = found.next.map(|next| PageCursor { asked: page::mark(request), ..next });
        return Ok(found);
    }
    Ok(found)
}

/// What a machine tells of itself, product and code without a text, as words. Of several products or codes any would do,
/// which words could not say.
fn as_words(request: &SearchRequest) -> Option<(SearchRequest, String)> {
    let Filters { products, fault_codes, .. } = &request.filters;
    let text = fault_codes.iter().chain(products).map(String::as_str).collect::<Vec<_>>().join(" ");
    let several = products.len() > 1 || fault_codes.len() > 1;
    if !request.q.trim().is_empty() || text.is_empty() || several || request.sort != Sort::Relevance {
        return None;
    }
    let filters = Filters { products: Vec::new(), fault_codes: Vec::new(), ..request.filters.clone() };
    Some((SearchRequest { filters, typing: false, ..request.clone() }, text))
}

/// Searches for what a machine tells of itself, where no tip has declared just that: machines and tips write models and
/// codes in many ways.
fn search_event(
    snapshot: &Snapshot,
    request: &SearchRequest,
    text: String,
    deadline: Wall,
    now: Instant,
) -> Result<SearchResponse, SearchError> {
    let parsed = Parsed { text, ..Parsed::default() };
    let mut found = search_parsed(snapshot, request, &parsed, deadline, now)?;
    if found.total.value > 0 {
        found.relaxed.insert(0, Relaxed::FiltersAsWords { text: parsed.text });
    }
    found.did_you_mean = None;
    found.lang = None; // nothing was typed, whatever the codes look like
    found.in_vain = true;
    Ok(found)
}

fn search_parsed(
    snapshot: &Snapshot,
    request: &SearchRequest,
    parsed: &Parsed,
    deadline: Wall,
    now: Instant,
) -> Result<SearchResponse, SearchError> {
    let scope = Scope::new(snapshot, &request.audience)?;
    let mut demands = filter::demands(&request.filters, now.timestamp_micros());
    for (name, value) in &parsed.fields {
        demands.extend(filter::typed(*name, value));
    }
    let plan = plan::plan(
        &scope,
        &parsed.text,
        &parsed.phrases,
        &parsed.excluded,
        &request.synonyms,
        request.ui_lang.as_deref(),
    )?;
    let page = request.cursor.as_ref().filter(|cursor| cursor.sort == request.sort);
    let search = Search {
        request,
        plan,
        demands,
        norms: AllNorms::of(snapshot.public),
        scope,
        now_micros: now.timestamp_micros(),
        deadline,
        relaxed: Vec::new(),
        forgiven: Vec::new(),
        shown: page.map(|cursor| cursor.shown.iter().copied().collect()).unwrap_or_default(),
        after: page.filter(|cursor| cursor.sort != Sort::Relevance).map(|cursor| (cursor.rank, cursor.number)),
    };
    search.run()
}

impl Search<'_> {
    fn run(mut self) -> Result<SearchResponse, SearchError> {
        let limit = self.request.limit.min(SearchRequest::MOST);
        let offset = if self.request.cursor.is_some() { 0 } else { self.request.offset.min(DEEPEST) };
        let wanted = offset + limit;
        let keep = ranking::WINDOW.max(wanted);
        let mut counter =
            (!self.request.facets.is_empty()).then(|| Counter::new(&self.request.facets, self.now_micros));

        let mut partial = Found::default();
        let mut complete;
        if self.plan.is_empty() {
            complete = self.passage().by_demands(keep, counter.as_mut(), self.now_micros)?;
        } else {
            complete = self.complete_in_steps(keep)?;
            if complete.count == 0 && self.request.typing && self.has_phrases() && self.phrases_stand_nowhere()? {
                let before = self.plan.slots.clone();
                let forgiven = relax::unfinished_phrases(&self.scope, &mut self.plan)?;
                complete = self.passage().complete(keep, None)?;
                if complete.count > 0 {
                    self.note(forgiven);
                } else {
                    self.plan.slots = before;
                }
            }
            if complete.count == 0 && self.has_phrases() && self.phrases_stand_nowhere()? {
                self.read_phrases_as_words();
                complete = self.passage().complete(keep, None)?;
            }
            if let Some(counting) = counter.as_mut()
                && complete.count > 0
            {
                complete = self.passage().complete(keep, Some(counting))?;
            }
            let enough = (self.all_words_first() || ranking::says_nothing(&self.plan.slots))
                && (complete.count >= PLENTY || complete.count > (wanted + self.shown.len()) as u64);
            // Less of what says nothing says nothing either.
            let enough = enough || (self.plan.only_empty && complete.count > 0);
            if !enough && (self.request.sort == Sort::Relevance || complete.count == 0) {
                let counting = if complete.count == 0 { counter.as_mut() } else { None };
                partial = self.partial(keep, counting)?;
            } else if complete.count < PLENTY {
                partial.exact = false;
                partial.count = complete.count;
            }
        }
        let totals = totals(&complete, &partial, self.request.sort);
        partial.best.retain(|candidate| !candidate.complete);

        let mut found = complete.best;
        found.extend(partial.best);
        let ranked = self.look_closer(found)?;
        let available = ranked.len();
        let page = ranked.into_iter().skip(offset).take(limit).collect::<Vec<_>>();
        let next = self.next_page(&page, available > wanted);
        if page.iter().any(|(candidate, _)| !candidate.complete) {
            self.relaxed.push(Relaxed::SomeWords);
        }
        let hits = self.hits(&page)?;
        Ok(SearchResponse {
            hits,
            total: totals.0,
            complete: totals.1,
            facets: counter.map(Counter::finish).unwrap_or_default(),
            did_you_mean: self.did_you_mean(),
            lang: self.plan.tongues.detected,
            in_vain: totals.0.value == 0 || self.lacks_half(),
            relaxed: self.relaxed,
            position: self.scope.snapshot.seq,
            next,
        })
    }

    /// Whether tips that have every word stand before all others. In longer queries a tip may lack a word and still be
    /// the better match: a long text has a little of everything.
    fn all_words_first(&self) -> bool {
        self.plan.required() <= ranking::SHORT || self.request.sort != Sort::Relevance
    }

    fn passage(&self) -> Passage<'_, '_> {
        Passage {
            scope: &self.scope,
            slots: &self.plan.slots,
            demands: &self.demands,
            excluded: &self.plan.excluded,
            norms: &self.norms,
            sort: self.request.sort,
            deadline: self.deadline,
            shown: &self.shown,
            after: self.after,
            now_micros: self.now_micros,
            only_empty: self.plan.only_empty,
        }
    }

    /// Complete matches, forgiving more until there are some.
    fn complete_in_steps(&mut self, keep: usize) -> Result<Found, SearchError> {
        let forgiven = relax::unknown_words(&self.scope, &mut self.plan, self.request.typing)?;
        self.note(forgiven);
        for slot in &mut self.plan.slots {
            if slot.required && relax::is_hopeless(slot) {
                slot.required = false;
                slot.times = 0.0;
                self.relaxed.push(Relaxed::Ignored { word: slot.word.clone() });
            }
        }
        let mut found = self.passage().complete(keep, None)?;
        if found.count < FEW && self.all_words_first() {
            let before = self.plan.slots.clone();
            let forgiven = relax::known_words(&self.scope, &mut self.plan, self.request.typing, found.count == 0)?;
            if !forgiven.is_empty() {
                let more = self.passage().complete(keep, None)?;
                if more.count > found.count {
                    found = more;
                    self.note(forgiven);
                } else {
                    self.plan.slots = before;
                }
            }
        }
        Ok(found)
    }

    /// Tips that have something of what was asked for, and every phrase.
    fn partial(&self, keep: usize, counter: Option<&mut Counter>) -> Result<Found, SearchError> {
        Passage { demands: &self.phrases_demanded(), ..self.passage() }.partial(keep, counter)
    }

    fn phrases_demanded(&self) -> Vec<Demand> {
        let mut demands = self.demands.clone();
        for slot in self.plan.slots.iter().filter(|slot| slot.kind == SlotKind::Phrase && slot.required) {
            demands.extend(slot.alternatives.iter().map(|alternative| filter::must(alternative.source.clone())));
        }
        demands
    }

    /// Whether no tip has every phrase, and something else that says something.
    fn phrases_stand_nowhere(&self) -> Result<bool, SearchError> {
        let with_phrases = Passage { demands: &self.phrases_demanded(), ..self.passage() };
        Ok(with_phrases.by_demands(1, None, self.now_micros)?.count == 0 || with_phrases.partial(1, None)?.count == 0)
    }

    fn has_phrases(&self) -> bool {
        self.plan.slots.iter().any(|slot| slot.kind == SlotKind::Phrase && slot.required)
    }

    fn read_phrases_as_words(&mut self) {
        for slot in self.plan.slots.iter_mut().filter(|slot| slot.kind == SlotKind::Phrase) {
            slot.required = false;
            slot.times = 0.0;
            self.relaxed.push(Relaxed::PhraseAsWords { phrase: slot.word.clone() });
        }
    }

    fn note(&mut self, forgiven: Vec<Forgiven>) {
        for each in forgiven {
            let word = self.plan.slots.get(each.slot).map(|slot| slot.word.clone()).unwrap_or_default();
            self.relaxed.push(Relaxed::from_forgiven(each.how, word, each.instead.clone()));
            self.forgiven.push(each);
        }
    }

    fn look_closer(&self, mut candidates: Vec<Candidate>) -> Result<Vec<(Candidate, Closer)>, SearchError> {
        let closers = if self.request.sort == Sort::Relevance && !self.plan.is_empty() {
            rerank::look(&self.scope, &self.plan.slots, self.plan.tongues.favoured(), self.now_micros, &mut candidates)?
        } else {
            vec![Closer { standing: 1.0, language: 1.0, ..Closer::default() }; candidates.len()]
        };
        let mut both = candidates.into_iter().zip(closers).collect::<Vec<_>>();
        let all_words_first = self.all_words_first();
        both.sort_by(|(a, _), (b, _)| {
            if all_words_first { b.complete.cmp(&a.complete) } else { Ordering::Equal }.then_with(|| by_rank(a, b))
        });
        Ok(both)
    }

    fn next_page(&self, page: &[(Candidate, Closer)], more: bool) -> Option<PageCursor> {
        let (last, _) = page.last().filter(|_| more)?;
        let mut shown = self.shown.iter().copied().collect::<Vec<_>>();
        if shown.len() + page.len() <= DEEPEST {
            shown.extend(page.iter().map(|(candidate, _)| candidate.number));
        } else if self.request.sort == Sort::Relevance {
            return None;
        }
        shown.sort_unstable();
        let asked = page::mark(self.request);
        Some(PageCursor { sort: self.request.sort, asked, rank: last.rank, number: last.number, shown })
    }

    fn hits(&self, page: &[(Candidate, Closer)]) -> Result<Vec<Hit>, SearchError> {
        let slots = &self.plan.slots;
        let mut markers: HashMap<Option<CommunityId>, Marker> = HashMap::new();
        let own_words = slots.iter().flat_map(|slot| &slot.alternatives).any(|each| each.within.is_some());
        let candidates = page.iter().map(|(candidate, _)| *candidate).collect::<Vec<_>>();
        let gains = if self.request.explain || candidates.iter().any(|candidate| !candidate.complete) {
            explain::gains(&self.scope, slots, &self.norms, &candidates)?
        } else {
            vec![Vec::new(); candidates.len()]
        };
        let mut hits = Vec::with_capacity(page.len());
        for ((candidate, closer), gains) in page.iter().zip(&gains) {
            let Some(view) = self.scope.views.get(candidate.view) else { continue };
            let tip = view.tip(candidate.doc)?;
            #[allow(clippy::cast_possible_truncation, reason = "it began as single precision")]
            let score = candidate.rank as f32;
            let explain = if self.request.explain {
                explain::parts(&self.scope, slots, gains, closer, candidate, self.now_micros)
            } else {
                Vec::new()
            };
            let highlights = if self.request.highlight {
                let marker = markers.entry(own_words.then_some(tip.community));
                marker.or_insert_with(|| Marker::new(slots, tip.community)).mark(&tip)
            } else {
                Vec::new()
            };
            hits.push(Hit {
                highlights,
                missing: if candidate.complete { Vec::new() } else { explain::missing(slots, gains) },
                tip,
                score,
                explain,
            });
        }
        Ok(hits)
    }

    /// Whether at least half of the words asked for stand in no tip.
    fn lacks_half(&self) -> bool {
        let ignored = self.relaxed.iter().filter(|step| matches!(step, Relaxed::Ignored { .. })).count();
        ignored > 0 && ignored >= self.plan.required()
    }

    /// The query with misspelt words as they were probably meant.
    fn did_you_mean(&self) -> Option<String> {
        let mut text = self.plan.text.clone();
        let mut changed = false;
        for (token, slot) in self.plan.tokens.iter().zip(&self.plan.slot_of).rev() {
            let better = self
                .forgiven
                .iter()
                .find(|each| Some(each.slot) == *slot && matches!(each.how, How::Typo | How::JoinedOrSplit))
                .and_then(|each| each.instead.first());
            if let Some(better) = better
                && text.get(token.start..token.end).is_some()
            {
                text.replace_range(token.start..token.end, better);
                changed = true;
            }
        }
        changed.then(|| text.trim().to_owned())
    }
}

fn totals(complete: &Found, partial: &Found, sort: Sort) -> (Total, Total) {
    let all_words = Total { value: complete.count, exact: complete.exact };
    if complete.count >= PLENTY || (sort != Sort::Relevance && complete.count > 0) || partial.count == 0 {
        return (all_words, all_words);
    }
    (Total { value: partial.count.max(complete.count), exact: partial.exact }, all_words)
}
