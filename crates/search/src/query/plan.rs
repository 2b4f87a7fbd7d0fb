//! From a query's text to slots: what is asked for, and every exact way a tip can have it. Nothing here is fuzzy;
//! see [`super::relax`] for that.

use std::collections::HashSet;

use super::lexicon;
use super::ranking::{self, weight};
use super::request::SynonymGroup;
use super::scope::{In, Scope};
use super::slot::{Alternative, How, Place, Slot, SlotKind, Source};
use super::token::{Token, tokens};
use super::tongue::Tongues;
use super::{neighbours, synonyms};
use crate::analysis::identifier::{self, PART, WHOLE};
use crate::analysis::scan::Kind;
use crate::analysis::{fold, scan};
use crate::error::SearchError;
use crate::index::record::{label, term};

/// Most slots of a query; the least telling are dropped from longer ones.
pub(crate) const MOST_SLOTS: usize = 48;

/// Most words of one query that others are looked for in place of: who needs more asks for nothing that is there, and each
/// may cost as much as a whole search.
pub(crate) const MOST_DOUBTED: usize = 8;

/// What a query asks for.
pub(crate) struct Plan {
    pub(crate) slots: Vec<Slot>,
    /// What must not occur.
    pub(crate) excluded: Vec<Source>,
    pub(crate) tongues: Tongues,
    /// The text that slots were made from, and its tokens.
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
    /// The slot of each token.
    pub(crate) slot_of: Vec<Option<usize>>,
    /// Whether nothing was asked for but words that say nothing.
    pub(crate) only_empty: bool,
}

impl Plan {
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many words, identifiers and phrases a complete match has.
    pub(crate) fn required(&self) -> usize {
        self.slots.iter().filter(|slot| slot.required && !slot.silent).count()
    }

    /// Drops all but so many slots, those of the greatest weight; words that no tip has and nobody will look into go first.
    /// Nothing happens to a plan that has no more.
    pub(crate) fn keep_most_telling(&mut self, most: usize) {
        if self.slots.len() <= most {
            return;
        }
        let mut unknown = 0;
        let weight = |slot: &Slot| {
            unknown += usize::from(!slot.silent && !slot.known);
            let counts = !slot.silent && (slot.known || unknown <= MOST_DOUBTED);
            if counts { slot.idf * slot.times } else { 0.0 }
        };
        let weights = self.slots.iter().map(weight).collect::<Vec<_>>();
        let mut order = (0..self.slots.len()).collect::<Vec<_>>();
        order.sort_by(|a, b| {
            let of = |at: &usize| weights.get(*at).copied().unwrap_or_default();
            of(b).total_cmp(&of(a)).then(a.cmp(b))
        });
        let kept = order.into_iter().take(most).collect::<HashSet<_>>();
        let mut moved = Vec::with_capacity(self.slots.len());
        let mut place = 0;
        self.slots.retain(|_| {
            let keep = kept.contains(&moved.len());
            moved.push(keep.then_some(place));
            place += usize::from(keep);
            keep
        });
        for slot in &mut self.slot_of {
            *slot = slot.and_then(|old| moved.get(old).copied().flatten());
        }
    }
}

/// Plans a query.
pub(crate) fn plan(
    scope: &Scope<'_>,
    text: &str,
    phrases: &[String],
    excluded: &[String],
    glossary: &[SynonymGroup],
    ui_lang: Option<&str>,
) -> Result<Plan, SearchError> {
    // The words of a phrase are asked for as words too: they rank, and remain when the phrase is nowhere.
    let whole = phrases.iter().fold(text.to_owned(), |whole, phrase| format!("{whole} {phrase}"));
    let tongues = Tongues::of(scope, &whole, ui_lang)?;
    let tokens = tokens(&whole);
    let mut plan = Plan {
        slots: Vec::new(),
        excluded: excluded.iter().filter_map(|each| exclusion(&tongues, each)).collect(),
        slot_of: Vec::with_capacity(tokens.len()),
        only_empty: false,
        text: whole,
        tokens,
        tongues,
    };
    let empty = |token: &Token| token.kind == Kind::Word && plan.tongues.is_empty_word(&token.lowered);
    let all_empty = plan.tokens.iter().all(empty);
    plan.only_empty = all_empty;
    let has_identifier = plan.tokens.iter().any(Token::has_digit);
    for at in 0..plan.tokens.len() {
        let Some(token) = plan.tokens.get(at).cloned() else { break };
        if let Some(known) = plan.slots.iter().position(|slot| slot.surface == token.folded) {
            if let Some(slot) = plan.slots.get_mut(known) {
                slot.times = (slot.times + 1.0).min(3.0);
            }
            plan.slot_of.push(Some(known));
            continue;
        }
        let mut slot = if token.has_digit() { identifier_slot(&token) } else { word_slot(&plan.tongues, &token) };
        if token.kind == Kind::Word {
            slot.silent = !all_empty && plan.tongues.is_empty_word(&token.lowered);
            let announces = has_identifier && identifier::announces_code(&token.folded);
            slot.required = !slot.silent && !announces;
        }
        plan.slot_of.push(Some(plan.slots.len()));
        plan.slots.push(slot);
    }
    add_parts_of_chains(&mut plan);
    neighbours::join_neighbours(scope, &mut plan)?;
    synonyms::add_synonyms(&mut plan, glossary);
    for phrase in phrases {
        if let Some(places) = places(&plan.tongues, phrase) {
            plan.slots.push(phrase_slot(phrase, places));
        }
    }
    weigh(scope, &mut plan.slots)?;
    plan.keep_most_telling(MOST_SLOTS);
    Ok(plan)
}

/// The words inside a chain count a little by themselves: who asks for `protobuf-java-2.5.0.jar` also wants to hear of
/// protobuf. Runs of digits do not: `136/14` says nothing about `13/14`.
fn add_parts_of_chains(plan: &mut Plan) {
    let mut parts = Vec::new();
    for token in plan.tokens.iter().filter(|token| token.kind == Kind::Chain) {
        scan::scan(&token.text, |piece| {
            let telling = match piece.kind {
                Kind::Word => piece.text.len() >= 3,
                Kind::Number => piece.text.len() >= 3 && piece.text.bytes().any(|b| b.is_ascii_alphabetic()),
                Kind::Chain | Kind::Ideographs => false,
            };
            if piece.within && telling {
                parts.push(Token::new(piece.text, piece.kind, 0));
            }
        });
    }
    for part in parts {
        if plan.slots.iter().any(|slot| slot.surface == part.folded) {
            continue;
        }
        let mut slot = if part.has_digit() { identifier_slot(&part) } else { word_slot(&plan.tongues, &part) };
        slot.required = false;
        slot.times = weight::INSIDE;
        plan.slots.push(slot);
    }
}

/// Looks up the weight of every slot.
pub(crate) fn weigh(scope: &Scope<'_>, slots: &mut [Slot]) -> Result<(), SearchError> {
    for slot in slots {
        let tips = scope.snapshot.public.tips;
        if slot.kind == SlotKind::Phrase {
            slot.known = true;
            slot.idf = ranking::idf(0, tips).min(6.0);
            for alternative in &mut slot.alternatives {
                alternative.idf = slot.idf;
            }
            continue;
        }
        let (mut most, mut elsewhere) = (0, 0);
        slot.known = false;
        for alternative in &mut slot.alternatives {
            let Source::Term(field, text) = &alternative.source else { continue };
            let frequency = scope.public_frequency(*field, text)?;
            alternative.idf = ranking::idf(frequency, tips);
            if alternative.within.is_some() {
                elsewhere = elsewhere.max(frequency);
            } else if alternative.how.is_exact() {
                most = most.max(frequency);
            }
        }
        // What one community takes a word for changes its weight in no other, unless nobody else has the word.
        if most == 0 {
            most = elsewhere;
        }
        slot.idf = ranking::idf(most, tips);
        slot.known = most > 0 || is_known_privately(scope, slot)?;
        for alternative in &mut slot.alternatives {
            let own = matches!(alternative.source, Source::Term(..));
            if alternative.within.is_some() && own {
                alternative.idf = alternative.idf.min(slot.idf);
            } else if !own || alternative.how.is_exact() {
                alternative.idf = slot.idf;
            }
        }
    }
    Ok(())
}

fn is_known_privately(scope: &Scope<'_>, slot: &Slot) -> Result<bool, SearchError> {
    if scope.views.iter().all(|view| view.open) {
        return Ok(false);
    }
    for alternative in &slot.alternatives {
        if let Source::Term(field, text) = &alternative.source
            && scope.is_known(*field, text)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(crate) fn alternative(source: Source, weight: f32, how: How) -> Alternative {
    Alternative { source, weight, idf: 0.0, how, within: None }
}

fn word_slot(tongues: &Tongues, token: &Token) -> Slot {
    let kind = if token.kind == Kind::Ideographs { SlotKind::Ideographs } else { SlotKind::Word };
    let terms = if kind == SlotKind::Word { tongues.terms(&token.lowered) } else { vec![token.folded.clone()] };
    let mut alternatives = Vec::with_capacity(terms.len() + 1);
    for (place, text) in terms.into_iter().enumerate() {
        let weight = if place == 0 { weight::EXACT } else { weight::OTHER_LANGUAGE };
        alternatives.push(alternative(Source::Term(In::All, text), weight, How::Word));
    }
    if kind == SlotKind::Word
        && let Some(plain) = fold::without_digraphs(&token.folded)
    {
        for text in tongues.terms(&plain) {
            push_new(&mut alternatives, alternative(Source::Term(In::All, text), weight::OTHER_LANGUAGE, How::Word));
        }
    }
    slot(token, kind, alternatives)
}

pub(super) fn identifier_slot(token: &Token) -> Slot {
    let dotted = identifier::dotted(&token.text);
    let squashed = identifier::squashed(&dotted);
    let mut alternatives =
        vec![alternative(Source::Term(In::All, token.lowered.clone()), weight::EXACT, How::Identifier)];
    let digits_only = token.folded.bytes().all(|b| b.is_ascii_digit());
    alternatives.push(alternative(
        Source::Term(In::Ident, term(WHOLE, &dotted)),
        weight::WITHOUT_SEPARATORS,
        How::OtherSeparators,
    ));
    if token.kind == Kind::Chain && identifier::may_lose_borders(&dotted) {
        push_new(
            &mut alternatives,
            alternative(Source::Term(In::All, squashed), weight::WITHOUT_SEPARATORS, How::OtherSeparators),
        );
    } else if digits_only || (token.folded.len() >= 6 && token.folded.bytes().all(|b| b.is_ascii_hexdigit())) {
        alternatives.push(alternative(
            Source::Term(In::Ident, term(PART, &token.lowered)),
            weight::PART,
            How::PartOfIdentifier,
        ));
    }
    if let Some(number) = dotted.strip_prefix('t').filter(|rest| rest.bytes().all(|b| b.is_ascii_digit())) {
        alternatives.push(alternative(
            Source::Term(In::Label, term(label::NUMBER, number)),
            weight::EXACT,
            How::Declared,
        ));
    }
    for mark in [label::FAULT_CODE, label::PART] {
        alternatives.push(alternative(Source::Term(In::Label, term(mark, &dotted)), weight::EXACT, How::Declared));
    }
    slot(token, SlotKind::Identifier, alternatives)
}

fn slot(token: &Token, kind: SlotKind, alternatives: Vec<Alternative>) -> Slot {
    Slot {
        word: token.text.clone(),
        surface: token.folded.clone(),
        read_as: vec![token.folded.clone()],
        kind,
        required: true,
        silent: false,
        times: 1.0,
        alternatives,
        near: Vec::new(),
        idf: 0.0,
        known: false,
    }
}

fn phrase_slot(phrase: &str, places: Vec<Place>) -> Slot {
    Slot {
        word: phrase.to_owned(),
        surface: format!("\"{}\"", fold::folded(phrase)),
        read_as: Vec::new(),
        kind: SlotKind::Phrase,
        required: true,
        silent: false,
        times: 1.0,
        alternatives: vec![alternative(Source::Phrase(places), weight::EXACT, How::Phrase)],
        near: Vec::new(),
        idf: 0.0,
        known: false,
    }
}

/// The places of a phrase. `None` when fewer than two words are in it.
pub(crate) fn places(tongues: &Tongues, phrase: &str) -> Option<Vec<Place>> {
    let mut out = Vec::new();
    let mut reach = 1;
    for token in tokens(phrase).into_iter().take(16) {
        let terms = match token.kind {
            Kind::Word => tongues.terms(&token.lowered),
            Kind::Number | Kind::Chain | Kind::Ideographs => vec![token.folded.clone()],
        };
        out.push(Place { terms, reach });
        // The parts of a chain follow it in the index.
        reach = if token.kind == Kind::Chain { 8 } else { 1 };
    }
    (out.len() > 1).then_some(out)
}

fn exclusion(tongues: &Tongues, text: &str) -> Option<Source> {
    if let Some(places) = places(tongues, text) {
        return Some(Source::Phrase(places));
    }
    let token = tokens(text).into_iter().next()?;
    let term = match token.kind {
        Kind::Word => tongues.terms(&token.lowered).into_iter().next()?,
        _ => token.folded,
    };
    Some(Source::Term(In::All, term))
}

pub(crate) fn push_new(alternatives: &mut Vec<Alternative>, new: Alternative) {
    let has_it = |each: &Alternative| each.source == new.source && (each.within.is_none() || each.within == new.within);
    if !alternatives.iter().any(has_it) {
        alternatives.push(new);
    }
}

pub(crate) fn has_private(scope: &Scope<'_>) -> bool {
    scope.views.iter().any(|view| !view.open)
}

/// How many edits a slot is forgiven: none when it holds a digit or is no word.
pub(crate) fn forgiven(slot: &Slot) -> u8 {
    if slot.kind == SlotKind::Word && !slot.silent { lexicon::forgiven(slot.surface.chars().count()) } else { 0 }
}
