//! The shape of an answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::document::TipDocument;
use crate::query::request::FacetField;
use crate::query::slot::How;

use super::page::PageCursor;

/// The answer to one search.
#[derive(Debug, Clone)]
pub struct SearchResponse {
    /// The page of hits, best first.
    pub hits: Vec<Hit>,
    /// How many tips there are.
    pub total: Total,
    /// How many of them have everything that was asked for.
    pub complete: Total,
    /// Counts per facet that was asked for. A facet is counted as if its own filter were not set; when any tip has
    /// everything that was asked for, only such tips are counted.
    pub facets: BTreeMap<FacetField, Vec<FacetValue>>,
    /// What was forgiven or given up to find these hits; empty when they are what was asked for.
    pub relaxed: Vec<Relaxed>,
    /// The query as it was probably meant.
    pub did_you_mean: Option<String>,
    /// The language that the query is in, where it is long enough to tell.
    pub lang: Option<&'static str>,
    /// Whether it was in vain: nothing was found, or at least half of the words asked for stand in no tip.
    pub in_vain: bool,
    /// The place in the change log that the index had reached.
    pub position: i64,
    /// Where the next page starts; absent on the last one.
    pub next: Option<PageCursor>,
}

/// A number of tips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Total {
    /// The number.
    pub value: u64,
    /// Whether it is exact; a lower bound otherwise.
    pub exact: bool,
}

/// One tip that was found.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The tip as indexed; `lang` is filled in.
    pub tip: Arc<TipDocument>,
    /// Comparable within one answer only. For stewards' eyes.
    pub score: f32,
    /// Words of the query that the tip lacks.
    pub missing: Vec<String>,
    /// Where the query's words stand.
    pub highlights: Vec<Highlight>,
    /// The parts of the score, when asked for.
    pub explain: Vec<ExplainPart>,
}

/// A piece of a tip's text with the places where the query's words stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Highlight {
    /// `title`, `problem`, `cause`, `solution`, `hazard`, `products`, `fault_codes`, `parts` or `tags`.
    pub field: &'static str,
    /// The piece, as written by the author: plain text, to be escaped by whoever shows it.
    pub fragment: String,
    /// Byte ranges `[start, end)` of `fragment`, rising, on character borders.
    pub ranges: Vec<(usize, usize)>,
    /// Whether text was left out before the fragment.
    pub cut_before: bool,
    /// Whether text was left out after it.
    pub cut_after: bool,
}

/// One part of a score, in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainPart {
    /// What it is: `"batteri": the word, in title and text`.
    pub what: String,
    /// What it adds; factors are given as what they multiply by.
    pub value: f32,
    /// Whether `value` multiplies instead of adding.
    pub factor: bool,
}

/// One value of a facet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FacetValue {
    /// The value, as a filter takes it: a slug, an id, a name, a word.
    pub value: String,
    /// What to show instead, where the value is not for reading (authors).
    pub label: Option<String>,
    /// How many tips have it.
    pub count: u64,
}

/// What was forgiven or given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Relaxed {
    /// A word was read as others spelt nearly like it.
    Corrected {
        /// As typed.
        word: String,
        /// Read instead, the best first.
        instead: Vec<String>,
    },
    /// A word was taken for the beginning of others.
    Completed {
        /// As typed.
        word: String,
        /// Read instead, the most frequent first.
        instead: Vec<String>,
    },
    /// A word was read as two.
    Split {
        /// As typed.
        word: String,
        /// Read instead.
        instead: Vec<String>,
    },
    /// A code that stands nowhere was taken for the beginning of others, or of its family.
    CodeFamily {
        /// As typed.
        code: String,
        /// Read instead.
        instead: Vec<String>,
    },
    /// A word that stands nowhere was left out.
    Ignored {
        /// As typed.
        word: String,
    },
    /// A phrase that stands nowhere was read as its words.
    PhraseAsWords {
        /// As typed.
        phrase: String,
    },
    /// No tip declares the product and the code that were all that was asked for: they were looked for as words.
    FiltersAsWords {
        /// The words.
        text: String,
    },
    /// Some hits lack some of the words; see [`Hit::missing`].
    SomeWords,
}

impl Relaxed {
    pub(crate) fn from_forgiven(how: How, word: String, instead: Vec<String>) -> Self {
        match how {
            How::Prefix => Self::Completed { word, instead },
            How::IdentifierPrefix => Self::CodeFamily { code: word, instead },
            How::JoinedOrSplit => Self::Split { word, instead },
            _ => Self::Corrected { word, instead },
        }
    }
}
