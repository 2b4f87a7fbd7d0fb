//! A tip's text as the term streams of the index. Streams are strings that [`Splitter`] cuts without allocating: each
//! term stands behind [`NEXT`] (a position of its own) or [`SAME`] (the position of the one before).

use std::collections::HashSet;

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::fold;
use super::identifier::{self, PART, WHOLE};
use super::scan::{self, Kind, Piece};
use super::vocabulary::Words;
use crate::document::{MergedTip, TipDocument};

const NEXT: char = '\u{1}';
const SAME: char = '\u{2}';
/// Positions of nothing: phrases and nearness do not reach from one field into the next, and what comes behind is not
/// early any more.
const GAP: char = '\u{3}';
const GAP_POSITIONS: usize = 250;
/// The step from the title to the problem: no phrase reaches over it, but their words are near each other.
const STEP: char = '\u{4}';
const STEP_POSITIONS: usize = 6;
const MARKS: [char; 4] = [NEXT, SAME, GAP, STEP];

/// The term streams of one tip.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    pub(crate) all: String,
    pub(crate) headline: String,
    pub(crate) words: String,
    pub(crate) ident: String,
}

/// Analyses one tip with the words of its language.
pub(crate) fn analyse(tip: &TipDocument, words: &mut Words) -> Streams {
    let mut writer = Writer::new(words);
    writer.text(&tip.title, true);
    writer.apart(STEP);
    writer.text(&tip.problem, false);
    for text in [&tip.cause, &tip.solution, &tip.hazard].into_iter().flatten() {
        writer.apart(GAP);
        writer.text(text, false);
    }
    for text in tip.products.iter().chain(&tip.fault_codes).chain(&tip.parts) {
        writer.apart(GAP);
        writer.text(text, true);
    }
    for tag in &tip.tags {
        writer.apart(GAP);
        writer.text(tag, false);
    }
    for text in tip.stands_for.iter().flat_map(MergedTip::texts) {
        writer.apart(GAP);
        writer.text(text, false);
    }
    for label in tip.all_fault_codes().chain(tip.all_parts()) {
        writer.identifier(label);
    }
    for product in &tip.products {
        if product.bytes().any(|b| b.is_ascii_digit()) && product.len() <= 48 {
            writer.identifier(product);
            for (at, _) in product.match_indices(' ') {
                // `Xerox DocuColor 40` is also `dc40` and `docucolor40`.
                writer.product(product.get(at + 1..).unwrap_or_default());
            }
            writer.product(product);
        }
    }
    writer.out
}

struct Writer<'w> {
    out: Streams,
    words: &'w mut Words,
    seen_pairs: HashSet<String>,
    seen_ident: HashSet<String>,
    lowered: String,
    term: String,
}

impl<'w> Writer<'w> {
    fn new(words: &'w mut Words) -> Self {
        Self {
            out: Streams::default(),
            words,
            seen_pairs: HashSet::new(),
            seen_ident: HashSet::new(),
            lowered: String::new(),
            term: String::new(),
        }
    }

    fn apart(&mut self, mark: char) {
        self.out.all.push(mark);
    }

    fn text(&mut self, text: &str, headline: bool) {
        let mut before: Option<Piece<'_>> = None;
        scan::scan(text, |piece| {
            self.piece(piece, headline);
            if piece.within {
                return;
            }
            if let Some(first) = before
                && identifier::are_one(text, &first, &piece)
            {
                self.identifier(&format!("{} {}", first.text, piece.text));
            }
            before = Some(piece);
        });
    }

    fn piece(&mut self, piece: Piece<'_>, headline: bool) {
        match piece.kind {
            Kind::Word => self.word(piece.text, headline),
            Kind::Number => {
                fold::lower(piece.text, &mut self.lowered);
                if piece.within && !self.lowered.bytes().any(|b| b.is_ascii_alphabetic()) {
                    let part = self.lowered.clone();
                    self.ident(PART, &part);
                    return;
                }
                self.emit_lowered(NEXT, headline);
                let token = std::mem::take(&mut self.lowered);
                self.ident(WHOLE, &token);
                identifier::digit_parts(&token, |part| self.ident(PART, part));
                self.lowered = token;
            }
            Kind::Chain => {
                fold::lower(piece.text, &mut self.lowered);
                self.emit_lowered(NEXT, headline);
                self.identifier(piece.text);
            }
            Kind::Ideographs => {
                let text = fold::folded(piece.text);
                scan::bigrams(&text, |pair, _| {
                    self.lowered.clear();
                    self.lowered.push_str(pair);
                    self.emit_lowered(NEXT, headline);
                    if !self.seen_pairs.contains(pair) {
                        self.seen_pairs.insert(pair.to_owned());
                        push(&mut self.out.words, NEXT, pair);
                    }
                });
            }
        }
    }

    fn word(&mut self, text: &str, headline: bool) {
        fold::lower(text, &mut self.lowered);
        let (word, first) = self.words.look_up(&self.lowered);
        push(&mut self.out.all, NEXT, &word.stem);
        if headline {
            push(&mut self.out.headline, NEXT, &word.stem);
        }
        for part in &word.parts {
            push(&mut self.out.all, SAME, part);
        }
        if first {
            push(&mut self.out.words, NEXT, &word.folded);
        }
    }

    fn emit_lowered(&mut self, mark: char, headline: bool) {
        push(&mut self.out.all, mark, &self.lowered);
        if headline {
            push(&mut self.out.headline, mark, &self.lowered);
        }
    }

    /// An identifier as a whole, with and without the borders between its digits.
    fn identifier(&mut self, text: &str) {
        let dotted = identifier::dotted(text);
        self.ident(WHOLE, &dotted);
        if dotted.contains('.') && identifier::may_lose_borders(&dotted) {
            self.ident(WHOLE, &identifier::squashed(&dotted));
        }
    }

    fn product(&mut self, name: &str) {
        if let Some(short) = identifier::short_name(name) {
            self.ident(WHOLE, &short);
        }
        let mut pieces = name.split_whitespace();
        if let (Some(first), Some(second)) = (pieces.next(), pieces.next())
            && second.starts_with(|c: char| c.is_ascii_digit())
        {
            self.identifier(&format!("{first}{second}"));
        }
    }

    fn ident(&mut self, mark: char, text: &str) {
        self.term.clear();
        self.term.push(mark);
        self.term.push_str(text);
        if text.is_empty() || self.seen_ident.contains(self.term.as_str()) {
            return;
        }
        self.seen_ident.insert(self.term.clone());
        push(&mut self.out.ident, NEXT, &self.term);
    }
}

fn push(stream: &mut String, mark: char, term: &str) {
    if !term.is_empty() {
        stream.push(mark);
        stream.push_str(term);
    }
}

/// Adds a term to a stream that has no use for positions.
pub(crate) fn push_label(stream: &mut String, term: &str) {
    push(stream, NEXT, &term.replace(MARKS, " "));
}

/// Cuts an analysed stream into its terms. Registered with the engine after every open.
#[derive(Clone, Default)]
pub(crate) struct Splitter {
    token: Token,
}

pub(crate) struct SplitStream<'a> {
    rest: &'a str,
    position: usize,
    token: &'a mut Token,
}

impl Tokenizer for Splitter {
    type TokenStream<'a> = SplitStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> SplitStream<'a> {
        self.token.reset();
        SplitStream { rest: text, position: 0, token: &mut self.token }
    }
}

impl TokenStream for SplitStream<'_> {
    fn advance(&mut self) -> bool {
        loop {
            let mut chars = self.rest.chars();
            match chars.next() {
                Some(mark @ (GAP | STEP)) => {
                    self.position += if mark == GAP { GAP_POSITIONS } else { STEP_POSITIONS };
                    self.rest = chars.as_str();
                    continue;
                }
                Some(NEXT) => self.position += 1,
                Some(_) => {}
                None => return false,
            }
            let after = chars.as_str();
            let end = after.find(MARKS).unwrap_or(after.len());
            let (term, rest) = after.split_at(end);
            self.rest = rest;
            self.token.text.clear();
            self.token.text.push_str(term);
            self.token.position = self.position;
            return true;
        }
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
