//! From a query's text to slots: what is asked for, and every exact way a tip can have it. Nothing here is fuzzy;
//! see [`super::relax`] for that.

use super::lexicon;
use super::ranking::{self, weight};
use super::request::SynonymGroup;
use super::scope::{In, Scope};
use super::slot::{Alternative, How, Place, Slot, SlotKind, Source};
use super::token::{Token, tokens};
use super::tongue::Tongues;
use crate::analysis::identifier::{self, PART, WHOLE};
use crate::analysis::scan::Kind;
use crate::analysis::{fold, scan};
use crate::error::SearchError;
use crate::index::record::{label, term};

/// Most slots of a query; the least telling are dropped from longer ones.
pub(crate) const MOST_SLOTS: usize = 48;

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
}

impl Plan {
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many words, identifiers and phrases a complete match has.
    pub(crate) fn required(&self) -> usize {
        self.slots.iter().filter(|slot| slot.required && !slot.silent).count()
    }
}

/// Plans a query.
pub(crate) fn plan(
    scope: &Scope<'_>,
    text: &str,
    phrases: &[String],
    excluded: &[String],
    synonyms: &[SynonymGroup],
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
        text: whole,
        tokens,
        tongues,
    };
    let all_empty =
        plan.tokens.iter().all(|token| token.kind == Kind::Word && plan.tongues.is_empty_word(&token.lowered));
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
            slot.required = !slot.silent && !(has_identifier && identifier::announces_code(&token.folded));
        }
        plan.slot_of.push(Some(plan.slots.len()));
        plan.slots.push(slot);
    }
    add_parts_of_chains(&mut plan);
    join_neighbours(scope, &mut plan)?;
    add_synonyms(&mut plan, synonyms);
    for phrase in phrases {
        if let Some(places) = places(&plan.tongues, phrase) {
            plan.slots.push(phrase_slot(phrase, places));
        }
    }
    weigh(scope, &mut plan.slots)?;
    drop_least(&mut plan);
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
        let mut most = 0;
        slot.known = false;
        for alternative in &mut slot.alternatives {
            let Source::Term(field, text) = &alternative.source else { continue };
            let frequency = scope.public_frequency(*field, text)?;
            alternative.idf = ranking::idf(frequency, tips);
            if alternative.how.is_exact() {
                most = most.max(frequency);
            }
        }
        slot.idf = ranking::idf(most, tips);
        slot.known = most > 0 || is_known_privately(scope, slot)?;
        for alternative in &mut slot.alternatives {
            if !matches!(alternative.source, Source::Term(..)) || alternative.how.is_exact() {
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

fn drop_least(plan: &mut Plan) {
    if plan.slots.len() <= MOST_SLOTS {
        return;
    }
    let mut weights =
        plan.slots.iter().map(|slot| if slot.silent { 0.0 } else { slot.idf * slot.times }).collect::<Vec<_>>();
    weights.sort_by(|a, b| b.total_cmp(a));
    let least = weights.get(MOST_SLOTS).copied().unwrap_or_default();
    let mut moved = Vec::with_capacity(plan.slots.len());
    let mut kept = Vec::with_capacity(MOST_SLOTS);
    for slot in plan.slots.drain(..) {
        if kept.len() < MOST_SLOTS && !slot.silent && slot.idf * slot.times > least {
            moved.push(Some(kept.len()));
            kept.push(slot);
        } else {
            moved.push(None);
        }
    }
    plan.slots = kept;
    for place in &mut plan.slot_of {
        *place = place.and_then(|old| moved.get(old).copied().flatten());
    }
}

pub(crate) fn alternative(source: Source, weight: f32, how: How) -> Alternative {
    Alternative { source, weight, idf: 0.0, how }
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

fn identifier_slot(token: &Token) -> Slot {
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
    } else if digits_only {
        alternatives.push(alternative(
            Source::Term(In::Ident, term(PART, &token.lowered)),
            weight::PART,
            How::PartOfIdentifier,
        ));
    } else if token.folded.len() >= 6 && token.folded.bytes().all(|b| b.is_ascii_hexdigit()) {
        alternatives.push(alternative(
            Source::Term(In::Ident, term(PART, &token.lowered)),
            weight::PART,
            How::PartOfIdentifier,
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
    let terms = match token.kind {
        Kind::Word => tongues.terms(&token.lowered).into_iter().take(1).collect(),
        _ => vec![token.folded.clone()],
    };
    Some(Source::AnyOf(In::All, terms))
}

pub(crate) fn push_new(alternatives: &mut Vec<Alternative>, new: Alternative) {
    if !alternatives.iter().any(|each| each.source == new.source) {
        alternatives.push(new);
    }
}

/// `604K 12345` may stand as `604K-12345`, and `power supply` as `powersupply`: both words then have it.
fn join_neighbours(scope: &Scope<'_>, plan: &mut Plan) -> Result<(), SearchError> {
    for (from, to) in (0..plan.tokens.len()).flat_map(|from| [(from, from + 2), (from, from + 3)]) {
        let Some(run) = plan.tokens.get(from..to) else { continue };
        if !run.windows(2).all(|pair| matches!(pair, [a, b] if is_one_step(&plan.text, a, b))) {
            continue;
        }
        let joined = run.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
        let sources = if run.iter().any(Token::has_digit) {
            joined_identifier(run, &joined)
        } else if run.len() == 2 && run.iter().all(|token| token.kind == Kind::Word && token.folded.len() > 1) {
            let word = run.iter().map(|token| token.lowered.as_str()).collect::<String>();
            plan.tongues.terms(&word).into_iter().map(|text| Source::Term(In::All, text)).collect()
        } else {
            continue;
        };
        for source in sources {
            let Source::Term(field, text) = &source else { continue };
            if scope.public_frequency(*field, text)? == 0 && !(has_private(scope) && scope.is_known(*field, text)?) {
                continue;
            }
            for place in from..to {
                if let Some(slot) = plan.slot_of.get(place).copied().flatten().and_then(|at| plan.slots.get_mut(at)) {
                    push_new(&mut slot.alternatives, alternative(source.clone(), weight::JOINED, How::JoinedOrSplit));
                }
            }
        }
    }
    Ok(())
}

pub(crate) fn has_private(scope: &Scope<'_>) -> bool {
    scope.views.iter().any(|view| !view.open)
}

fn is_one_step(text: &str, first: &Token, second: &Token) -> bool {
    matches!(text.get(first.end..second.start), Some(" " | "-"))
}

fn joined_identifier(run: &[Token], joined: &str) -> Vec<Source> {
    let short = run.iter().rev().skip(1).all(|token| token.has_digit() || token.folded.len() <= 10);
    if !short
        || joined.len() > 40
        || !run.last().is_some_and(Token::has_digit) && !run.first().is_some_and(Token::has_digit)
    {
        return Vec::new();
    }
    let dotted = identifier::dotted(joined);
    let mut sources = vec![
        Source::Term(In::Ident, term(WHOLE, &dotted)),
        Source::Term(In::Label, term(label::FAULT_CODE, &dotted)),
        Source::Term(In::Label, term(label::PART, &dotted)),
    ];
    if !dotted.contains('.') {
        sources.push(Source::Term(In::All, dotted));
    }
    sources
}

/// Adds what the communities' glossaries say means the same. A phrase of several words gives all of them the synonym.
fn add_synonyms(plan: &mut Plan, groups: &[SynonymGroup]) {
    let query = plan.tokens.iter().map(|token| token.folded.clone()).collect::<Vec<_>>();
    for group in groups {
        let phrases = group.phrases.iter().map(|phrase| (phrase, words_of(phrase))).collect::<Vec<_>>();
        for (place, (_, words)) in phrases.iter().enumerate() {
            if words.is_empty() {
                continue;
            }
            for from in 0..query.len() {
                if query.get(from..from + words.len()) != Some(words.as_slice()) {
                    continue;
                }
                for (_, (other, _)) in phrases.iter().enumerate().filter(|(at, _)| *at != place) {
                    for source in meaning(&plan.tongues, other) {
                        for at in from..from + words.len() {
                            if let Some(slot) =
                                plan.slot_of.get(at).copied().flatten().and_then(|at| plan.slots.get_mut(at))
                            {
                                slot.silent = false;
                                push_new(
                                    &mut slot.alternatives,
                                    alternative(source.clone(), weight::SYNONYM, How::Synonym),
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

fn words_of(phrase: &str) -> Vec<String> {
    let mut out = Vec::new();
    scan::scan(phrase, |piece| {
        if !piece.within {
            out.push(fold::folded(piece.text));
        }
    });
    out
}

fn meaning(tongues: &Tongues, phrase: &str) -> Vec<Source> {
    if let Some(places) = places(tongues, phrase) {
        return vec![Source::Phrase(places)];
    }
    let Some(token) = tokens(phrase).into_iter().next() else { return Vec::new() };
    if token.has_digit() {
        return identifier_slot(&token).alternatives.into_iter().map(|each| each.source).take(2).collect();
    }
    tongues.terms(&token.lowered).into_iter().map(|text| Source::Term(In::All, text)).collect()
}

/// How many edits a slot is forgiven: none when it holds a digit or is no word.
pub(crate) fn forgiven(slot: &Slot) -> u8 {
    if slot.kind == SlotKind::Word && !slot.silent { lexicon::forgiven(slot.surface.chars().count()) } else { 0 }
}
