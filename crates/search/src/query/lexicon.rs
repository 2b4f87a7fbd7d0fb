//! Looks words up in the dictionaries that a caller may see: unfinished words, misspelt words, unfinished codes.
//!
//! Words of hidden or deleted tips are never suggested: a word of the restricted half counts only where a tip that the
//! caller sees holds it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};
use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy_fst::Automaton;

use super::scope::{In, Scope, View};
use crate::error::SearchError;

/// Most words that one expansion considers, in each segment. Words that the caller may not know of do not count: their
/// number must not show in what is left.
const MOST_CONSIDERED: usize = 4_000;
/// Most dictionary entries read for one expansion, in each segment, known or not: a bound on time.
const MOST_READ: usize = 40_000;

/// Most words of one beginning.
const MOST_KEPT: usize = 64;
/// From so many words read on, the most frequent of them are kept until the next commit.
const DEAR: usize = 200;
/// Most beginnings whose words are kept.
const MOST_BEGINNINGS: usize = 1_024;

/// A word of the dictionary and in how many tips it stands (at least).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) word: String,
    pub(crate) frequency: u32,
    /// Edits away from what was typed; 0 for unfinished words.
    pub(crate) distance: u8,
}

/// Words that begin with `prefix`, most frequent first, at most [`MOST_KEPT`].
pub(crate) fn beginning_with(
    scope: &Scope<'_>,
    field: In,
    prefix: &str,
    most: usize,
) -> Result<Vec<Entry>, SearchError> {
    let open = beginning_in_the_open(scope, field, prefix)?;
    if scope.views.iter().all(|view| view.open) {
        return Ok(open.iter().take(most).cloned().collect());
    }
    // What the open half holds beyond these is no rarer in the restricted one, and comes after them.
    let mut found = open.iter().map(|entry| (entry.word.clone(), Known::of(entry))).collect();
    for view in scope.views.iter().filter(|view| !view.open) {
        collect_beginning(view, field, prefix, &mut found)?;
    }
    Ok(sorted(found, most))
}

/// The same of the open half, which is one for all callers: what took long to find is kept for the next.
fn beginning_in_the_open(scope: &Scope<'_>, field: In, prefix: &str) -> Result<Arc<[Entry]>, SearchError> {
    let key = (scope.field(field), prefix.to_owned());
    if let Some(kept) = scope.snapshot.begun.lock().get(&key) {
        return Ok(Arc::clone(kept));
    }
    let mut found = HashMap::new();
    let mut read = 0;
    for view in scope.views.iter().filter(|view| view.open) {
        read += collect_beginning(view, field, prefix, &mut found)?;
    }
    let entries: Arc<[Entry]> = sorted(found, MOST_KEPT).into();
    if read >= DEAR {
        let mut begun = scope.snapshot.begun.lock();
        if begun.len() >= MOST_BEGINNINGS {
            begun.clear();
        }
        begun.insert(key, Arc::clone(&entries));
    }
    Ok(entries)
}

/// Adds the words of a segment that begin with `prefix`; says how many it read.
fn collect_beginning(
    view: &View<'_>,
    field: In,
    prefix: &str,
    found: &mut HashMap<String, Known>,
) -> Result<usize, SearchError> {
    let mut stream = view.index(field).terms().range().ge(prefix.as_bytes()).into_stream()?;
    let (mut read, mut considered) = (0, 0);
    while stream.advance() && read < MOST_READ && considered < MOST_CONSIDERED {
        if !stream.key().starts_with(prefix.as_bytes()) {
            break;
        }
        read += 1;
        considered += usize::from(collect(view, field, stream.key(), stream.value(), 0, found)?);
    }
    Ok(read)
}

/// Words within `distance` edits (a swap of neighbours is one), nearest first, then most frequent. Words that begin
/// with the same letter are preferred; others are looked at only when there are none.
pub(crate) fn spelt_like(scope: &Scope<'_>, word: &str, distance: u8, most: usize) -> Result<Vec<Entry>, SearchError> {
    let Some(first) = word.chars().next() else { return Ok(Vec::new()) };
    let mut low = [0; 4];
    let low = first.encode_utf8(&mut low).as_bytes();
    let high = char::from_u32(first as u32 + 1).map(String::from);
    let dfa = builder(distance).build_dfa(word);
    let mut found = HashMap::new();
    for view in &scope.views {
        let mut range = view.words.terms().search(Typo(&dfa)).ge(low);
        if let Some(high) = &high {
            range = range.lt(high.as_bytes());
        }
        let mut stream = range.into_stream()?;
        while stream.advance() {
            let distance = exact_distance(&dfa, stream.key());
            collect(view, In::Words, stream.key(), stream.value(), distance, &mut found)?;
        }
    }
    if found.is_empty() {
        let dfa = builder(1).build_dfa(word);
        for view in &scope.views {
            let mut stream = view.words.terms().search(Typo(&dfa)).into_stream()?;
            while stream.advance() {
                collect(view, In::Words, stream.key(), stream.value(), 1, &mut found)?;
            }
        }
    }
    found.remove(word);
    Ok(sorted(found, most))
}

fn collect(
    view: &View<'_>,
    field: In,
    key: &[u8],
    info: &TermInfo,
    distance: u8,
    found: &mut HashMap<String, Known>,
) -> Result<bool, SearchError> {
    let Ok(word) = std::str::from_utf8(key) else { return Ok(false) };
    if !view.open || view.reader.has_deletes() {
        let mut postings = view.index(field).read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
        if view.first_visible(&mut postings).is_none() {
            return Ok(false);
        }
    }
    let frequency = if view.open { info.doc_freq } else { 0 };
    match found.get_mut(word) {
        Some(known) => known.open += frequency,
        None => {
            found.insert(word.to_owned(), Known { open: frequency, distance });
        }
    }
    Ok(true)
}

/// A word found in dictionaries.
struct Known {
    /// In how many tips of the open half it stands; what is only in the restricted half counts as one.
    open: u32,
    distance: u8,
}

impl Known {
    fn of(entry: &Entry) -> Self {
        Self { open: entry.frequency, distance: entry.distance }
    }
}

fn sorted(found: HashMap<String, Known>, most: usize) -> Vec<Entry> {
    let mut entries = found
        .into_iter()
        .map(|(word, known)| Entry { word, frequency: known.open.max(1), distance: known.distance })
        .collect::<Vec<_>>();
    let order = |a: &Entry, b: &Entry| {
        let of = |entry: &Entry| (entry.distance, Reverse(entry.frequency));
        of(a).cmp(&of(b)).then_with(|| a.word.cmp(&b.word))
    };
    if entries.len() > most {
        entries.select_nth_unstable_by(most, order);
        entries.truncate(most);
    }
    entries.sort_unstable_by(order);
    entries
}

fn builder(distance: u8) -> &'static LevenshteinAutomatonBuilder {
    static ONE: OnceLock<LevenshteinAutomatonBuilder> = OnceLock::new();
    static TWO: OnceLock<LevenshteinAutomatonBuilder> = OnceLock::new();
    if distance < 2 {
        ONE.get_or_init(|| LevenshteinAutomatonBuilder::new(1, true))
    } else {
        TWO.get_or_init(|| LevenshteinAutomatonBuilder::new(2, true))
    }
}

fn exact_distance(dfa: &DFA, key: &[u8]) -> u8 {
    let state = key.iter().fold(dfa.initial_state(), |state, byte| dfa.transition(state, *byte));
    match dfa.distance(state) {
        Distance::Exact(distance) | Distance::AtLeast(distance) => distance,
    }
}

struct Typo<'d>(&'d DFA);

impl Automaton for Typo<'_> {
    type State = u32;

    fn start(&self) -> u32 {
        self.0.initial_state()
    }

    fn is_match(&self, state: &u32) -> bool {
        matches!(self.0.distance(*state), Distance::Exact(_))
    }

    fn can_match(&self, state: &u32) -> bool {
        *state != SINK_STATE
    }

    fn accept(&self, state: &u32, byte: u8) -> u32 {
        self.0.transition(*state, byte)
    }
}

/// How many edits a word of this many letters is forgiven.
pub(crate) fn forgiven(letters: usize) -> u8 {
    match letters {
        0..=3 => 0,
        4..=8 => 1,
        _ => 2,
    }
}
