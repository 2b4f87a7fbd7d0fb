//! The words of a query, cut by the same rules as the tips.

use crate::analysis::fold;
use crate::analysis::scan::{self, Kind};

/// Most tokens of one query that are looked at.
const MOST: usize = 256;
/// How much of a text is read for them, in bytes.
const LONGEST: usize = 20_000;

/// One word, identifier or pair of ideographs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// As typed.
    pub(crate) text: String,
    /// Lower case, accents kept.
    pub(crate) lowered: String,
    /// Lower case without accents.
    pub(crate) folded: String,
    pub(crate) kind: Kind,
    /// Where it starts and ends in the text, in bytes.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Token {
    pub(crate) fn has_digit(&self) -> bool {
        matches!(self.kind, Kind::Number | Kind::Chain)
    }

    pub(crate) fn new(text: &str, kind: Kind, start: usize) -> Self {
        let mut lowered = String::new();
        fold::lower(text, &mut lowered);
        let folded = fold::folded(text);
        Self { text: text.to_owned(), lowered, folded, kind, start, end: start + text.len() }
    }
}

/// Cuts a query's text. Parts of chains are left out: a chain is asked for as a whole.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let text = text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default();
    scan::scan(text, |piece| {
        if piece.within || out.len() >= MOST {
            return;
        }
        if piece.kind == Kind::Ideographs {
            scan::bigrams(piece.text, |pair, at| {
                if out.len() < MOST {
                    out.push(Token::new(pair, Kind::Ideographs, piece.start + at));
                }
            });
        } else {
            out.push(Token::new(piece.text, piece.kind, piece.start));
        }
    });
    out
}
