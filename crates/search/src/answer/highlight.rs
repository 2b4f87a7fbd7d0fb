//! Where the query's words stand in a hit, and which piece of a long text to show. The text is cut and analysed by the
//! rules it was indexed by; nothing is escaped and nothing is marked inside the text itself.

use std::collections::HashMap;

use eureka_domain::ids::CommunityId;

use super::response::Highlight;
use crate::analysis::identifier::{self, PART, WHOLE};
use crate::analysis::language::{Language, Stem};
use crate::analysis::scan::{self, Kind, Piece};
use crate::analysis::{compound, fold};
use crate::document::{MergedTip, TipDocument};
use crate::query::plan::MOST_SLOTS;
use crate::query::scope::In;
use crate::query::slot::{Slot, Source};

/// Longest fragment, in bytes.
const FRAGMENT: usize = 240;
/// Text read for one field, in bytes: beyond it, a fragment is no longer looked for.
const MOST_READ: usize = 20_000;

/// The query's terms, as they are looked for in text.
pub(crate) struct Marker {
    /// Term to slot.
    terms: HashMap<String, usize>,
    /// Words in the very form that stands in the text.
    forms: HashMap<String, usize>,
    /// Identifiers without separators, and parts of identifiers.
    identifiers: HashMap<String, usize>,
    /// Whether any term has a digit: without, nothing in a text that has one need be looked at.
    has_digits: bool,
    openings: Openings,
    weights: Vec<f32>,
}

/// The first letters of terms: most words of a text are told apart from all terms by them, without being stemmed.
#[derive(Default)]
struct Openings {
    pairs: [u32; 32],
    /// The third letters, whatever stands before them.
    thirds: u32,
    other: bool,
}

/// A letter's bit, the same for a small one and a capital.
fn bit(letter: u8) -> u32 {
    1 << (letter % 32)
}

impl Openings {
    fn add(&mut self, term: &str) {
        match term.as_bytes() {
            [first, second, rest @ ..] if first.is_ascii() && second.is_ascii() => {
                if let Some(row) = self.pairs.get_mut(usize::from(first % 32)) {
                    *row |= bit(*second);
                }
                self.thirds |= rest.first().map_or(u32::MAX, |third| bit(*third));
            }
            [first] if first.is_ascii() => {
                if let Some(row) = self.pairs.get_mut(usize::from(first % 32)) {
                    *row = u32::MAX;
                }
                self.thirds = u32::MAX;
            }
            _ => self.other = true,
        }
    }

    /// Whether a word, in capitals or not, may be one of the terms.
    fn may_hold(&self, word: &str) -> bool {
        match word.as_bytes() {
            [first, second, rest @ ..] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
                // Of words of six letters stemmers leave three alone, but for a `y`: `drying` is `dri`, and `icing` is `ice`.
                let third = match rest {
                    [third, _, _, _, ..] if third.is_ascii_alphabetic() && !third.eq_ignore_ascii_case(&b'y') => {
                        self.thirds & bit(*third) != 0
                    }
                    _ => true,
                };
                third && self.pairs.get(usize::from(first % 32)).is_some_and(|row| row & bit(*second) != 0)
            }
            // Accents fold to plain letters and apostrophes are left out, so that nothing is known of these.
            [first, ..] if first.is_ascii() => true,
            _ => self.other || self.pairs != [0; 32],
        }
    }
}

/// Room in which words are made terms.
#[derive(Default)]
struct Room {
    lowered: String,
    term: String,
}

/// A place in a text.
#[derive(Debug, Clone, Copy)]
struct Mark {
    start: usize,
    end: usize,
    slot: usize,
}

impl Marker {
    /// Marks the tips of one community: what only another one takes for the same is not marked.
    pub(crate) fn new(slots: &[Slot], community: CommunityId) -> Self {
        let mut marker = Self {
            terms: HashMap::new(),
            forms: HashMap::new(),
            identifiers: HashMap::new(),
            has_digits: false,
            openings: Openings::default(),
            weights: slots.iter().map(|slot| if slot.silent { 0.0 } else { slot.idf }).collect(),
        };
        for (place, slot) in slots.iter().enumerate().filter(|(_, slot)| !slot.silent) {
            for alternative in slot.alternatives.iter().filter(|each| each.within.is_none_or(|id| id == community)) {
                match &alternative.source {
                    Source::Term(field, text) => marker.add(*field, text, place),
                    Source::AnyOf(field, terms) => terms.iter().for_each(|text| marker.add(*field, text, place)),
                    Source::Phrase(places) => {
                        places.iter().flat_map(|each| &each.terms).for_each(|text| marker.add(In::All, text, place));
                    }
                }
            }
        }
        marker
    }

    fn add(&mut self, field: In, text: &str, slot: usize) {
        self.has_digits |= text.contains(|c: char| !c.is_alphabetic());
        match field {
            In::All | In::Headline => {
                self.openings.add(text);
                self.terms.entry(text.to_owned()).or_insert(slot);
            }
            In::Words => {
                self.openings.add(text);
                self.forms.entry(text.to_owned()).or_insert(slot);
            }
            In::Ident | In::Label => {
                let bare = text.trim_start_matches([WHOLE, PART]);
                let bare = if field == In::Label { bare.get(1..).unwrap_or_default() } else { bare };
                self.identifiers.entry(bare.to_owned()).or_insert(slot);
            }
        }
    }

    /// The highlights of one tip: the whole title, the best fragment of each text, every label that matches.
    pub(crate) fn mark(&self, tip: &TipDocument) -> Vec<Highlight> {
        let language = tip.lang.as_deref().and_then(Language::from_code);
        let mut out = Vec::new();
        if self.terms.is_empty() && self.forms.is_empty() && self.identifiers.is_empty() {
            return out;
        }
        let mut room = Room::default();
        let mut text = |field: &'static str, text: &str, whole: bool| {
            let marks = self.marks(text, language, &mut room);
            if !marks.is_empty() {
                out.push(self.fragment(field, text, &marks, whole));
            }
        };
        text("title", &tip.title, true);
        text("problem", &tip.problem, false);
        for (field, each) in [("cause", &tip.cause), ("solution", &tip.solution), ("hazard", &tip.hazard)] {
            if let Some(each) = each {
                text(field, each, false);
            }
        }
        for (field, labels) in
            [("products", &tip.products), ("fault_codes", &tip.fault_codes), ("parts", &tip.parts), ("tags", &tip.tags)]
        {
            for label in labels {
                text(field, label, true);
            }
        }
        for each in tip.stands_for.iter().flat_map(MergedTip::texts) {
            text("stands_for", each, true);
        }
        out
    }

    fn marks(&self, text: &str, language: Option<Language>, room: &mut Room) -> Vec<Mark> {
        let end = if text.len() <= MOST_READ { text.len() } else { text.floor_char_boundary(MOST_READ) };
        let stem = Stem::of(language);
        let mut marks: Vec<Mark> = Vec::new();
        let mut before: Option<Piece<'_>> = None;
        scan::scan(text.get(..end).unwrap_or_default(), |piece| {
            if piece.within && marks.last().is_some_and(|mark| mark.end >= piece.end()) {
                return; // the chain it belongs to is marked already
            }
            let first = if piece.within { None } else { before.replace(piece) };
            if let Some(first) = first
                && let Some(slot) = self.joined(text, &first, &piece)
            {
                marks.truncate(marks.partition_point(|mark| mark.end <= first.start));
                marks.push(Mark { start: first.start, end: piece.end(), slot });
                return;
            }
            match piece.kind {
                Kind::Word => {
                    if let Some(slot) = self.word(piece.text, language, &stem, room) {
                        marks.push(Mark { start: piece.start, end: piece.end(), slot });
                    }
                }
                Kind::Number | Kind::Chain => {
                    if let Some(slot) = self.identifier(&piece) {
                        marks.push(Mark { start: piece.start, end: piece.end(), slot });
                    }
                }
                Kind::Ideographs => scan::bigrams(piece.text, |pair, at| {
                    if let Some(slot) = self.terms.get(&fold::folded(pair)) {
                        let (start, end) = (piece.start + at, piece.start + at + pair.len());
                        match marks.last_mut().filter(|mark| mark.end >= start) {
                            Some(mark) => mark.end = end,
                            None => marks.push(Mark { start, end, slot: *slot }),
                        }
                    }
                }),
            }
        });
        marks
    }

    fn word(&self, text: &str, language: Option<Language>, stem: &Stem, room: &mut Room) -> Option<usize> {
        let Room { lowered, term } = room;
        let german = language == Some(Language::German) && text.len() >= 8;
        if !german && language.is_none_or(Language::keeps_beginnings) && !self.openings.may_hold(text) {
            return None;
        }
        fold::lower(text, lowered);
        stem.stem(lowered, term);
        if let Some(slot) = self.terms.get(term.as_str()) {
            return Some(*slot);
        }
        if !self.forms.is_empty()
            && let Some(slot) = self.forms.get(&fold::folded(lowered))
        {
            return Some(*slot);
        }
        if german {
            for part in compound::parts(&fold::folded(lowered)) {
                stem.stem(part, term);
                if let Some(slot) = self.terms.get(term.as_str()) {
                    return Some(*slot);
                }
            }
        }
        None
    }

    fn identifier(&self, piece: &Piece<'_>) -> Option<usize> {
        if !self.has_digits {
            return None;
        }
        let lowered = fold::folded(piece.text);
        let mut found = self.terms.get(&lowered).copied().or_else(|| self.whole(piece.text));
        if found.is_none() {
            identifier::digit_parts(&lowered, |part| found = found.or_else(|| self.identifiers.get(part).copied()));
        }
        found
    }

    /// Two neighbours that are one identifier with a space in it.
    fn joined(&self, text: &str, first: &Piece<'_>, second: &Piece<'_>) -> Option<usize> {
        let may_be = !self.identifiers.is_empty() && identifier::are_one(text, first, second);
        if may_be { self.whole(text.get(first.start..second.end())?) } else { None }
    }

    /// An identifier as a whole, with or without the borders between its digits.
    fn whole(&self, text: &str) -> Option<usize> {
        let dotted = identifier::dotted(text);
        self.identifiers.get(&dotted).or_else(|| self.identifiers.get(&identifier::squashed(&dotted))).copied()
    }

    /// Chooses the piece of a text that holds the most weight of different words, the earliest among equals.
    fn fragment(&self, field: &'static str, text: &str, marks: &[Mark], whole: bool) -> Highlight {
        let (from, to) = if whole || text.len() <= FRAGMENT { (0, text.len()) } else { self.best_window(text, marks) };
        Highlight {
            field,
            fragment: text.get(from..to).unwrap_or_default().to_owned(),
            ranges: marks
                .iter()
                .filter(|mark| mark.start >= from && mark.end <= to)
                .map(|mark| (mark.start - from, mark.end - from))
                .collect(),
            cut_before: from > 0,
            cut_after: to < text.len(),
        }
    }

    fn best_window(&self, text: &str, marks: &[Mark]) -> (usize, usize) {
        let mut best = (f32::MIN, 0, 0);
        let mut last = 0;
        for (at, first) in marks.iter().enumerate() {
            last = last.max(at);
            while marks.get(last + 1).is_some_and(|mark| mark.end - first.start <= FRAGMENT * 3 / 4) {
                last += 1;
            }
            let inside = marks.get(at..=last).unwrap_or_default();
            let mut seen = 0_u64;
            #[allow(clippy::cast_precision_loss, reason = "a tie-break")]
            let weight = inside
                .iter()
                .map(|mark| {
                    let weight = self.weights.get(mark.slot).copied().unwrap_or_default();
                    let is_new = seen & bit_of(mark.slot) == 0;
                    seen |= bit_of(mark.slot);
                    if is_new { weight } else { weight * 0.1 }
                })
                .sum::<f32>();
            if weight > best.0 {
                best = (weight, first.start, inside.last().map_or(first.end, |mark| mark.end));
            }
        }
        let (_, start, end) = best;
        let room = FRAGMENT.saturating_sub(end - start);
        let from = word_border(text, start.saturating_sub(room / 3), start);
        let to = (from + FRAGMENT).max(end).min(text.len());
        let to = if to == text.len() {
            to
        } else {
            let to = text.floor_char_boundary(to);
            text.get(end..to).and_then(|tail| tail.rfind(char::is_whitespace)).map_or(to.max(end), |space| end + space)
        };
        (from, to)
    }
}

/// A slot's bit, which no other one has.
fn bit_of(slot: usize) -> u64 {
    const { assert!(MOST_SLOTS <= 64, "a bit for each") };
    1 << (slot % 64)
}

/// The first start of a word in `from..to`, or `to`; a start of a sentence wins.
fn word_border(text: &str, from: usize, to: usize) -> usize {
    if from == 0 {
        return 0;
    }
    let from = text.floor_char_boundary(from);
    let before = text.get(from..to).unwrap_or_default();
    if let Some(at) = before.rfind(". ") {
        return from + at + 2;
    }
    before.char_indices().find(|(_, c)| c.is_whitespace()).map_or(to, |(at, c)| from + at + c.len_utf8())
}
