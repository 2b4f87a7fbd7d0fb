//! Forgiveness: unfinished and misspelt words, words split or joined, codes of the same family. Asked for only where
//! the exact word has nothing good to offer.

use tantivy::schema::IndexRecordOption;

use super::lexicon::{self, Entry};
use super::plan::{self, MOST_DOUBTED, Plan, alternative, push_new};
use super::ranking::{self, weight};
use super::scope::{In, Scope};
use super::slot::{Alternative, How, Place, Slot, SlotKind, Source};
use super::token::tokens;
use crate::analysis::identifier::{self, WHOLE};
use crate::analysis::{Language, scan};
use crate::error::SearchError;
use crate::index::record::term;

/// Most words that an unfinished word stands for.
const MOST_COMPLETIONS: usize = 24;
/// Shortest and longest run of letters that is taken for the beginning of a model or code, in letters.
const LEAST_OPENING: usize = 2;
const MOST_OPENING: usize = 5;
/// Least bytes of a beginning, digits and letters, that is taken for a model or family by itself.
const LEAST_MODEL: usize = 5;
/// The same of one that stands somewhere itself.
const LEAST_KNOWN: usize = 4;
/// Most words that a misspelt word stands for.
const MOST_CORRECTIONS: usize = 3;
/// Least letters of a word in which one may be in the wrong place.
const LEAST_MOVED: usize = 6;
/// A correction rarer than this share of the commonest one is not considered.
const LEAST_SHARE: f32 = 0.05;
/// A word that stands in this many times fewer tips than its correction may be a misspelling in the tips themselves.
const MUCH_RARER: u32 = 10;
/// What stands in so many tips at most is a word that others may write as two.
const MOST_TOGETHER: u32 = 3;

/// What was forgiven in one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forgiven {
    pub(crate) slot: usize,
    pub(crate) how: How,
    /// What was read instead, the best first.
    pub(crate) instead: Vec<String>,
}

/// Adds ways to meet words that no tip holds. Cheap when all words are known.
pub(crate) fn unknown_words(scope: &Scope<'_>, plan: &mut Plan, typing: bool) -> Result<Vec<Forgiven>, SearchError> {
    let mut out = Vec::new();
    let mut doubted = 0;
    let last = last_word(plan, typing);
    for at in 0..plan.slots.len() {
        let Some(slot) = plan.slots.get(at) else { break };
        if slot.silent {
            continue;
        }
        if slot.known {
            if slot.kind == SlotKind::Word && last == Some(at) && is_no_word(scope, slot)? {
                out.extend(prefix(scope, plan, at)?);
            }
            continue;
        }
        doubted += 1;
        if doubted > MOST_DOUBTED {
            break;
        }
        out.extend(match slot.kind {
            SlotKind::Word => word(scope, plan, at, last == Some(at))?,
            SlotKind::Identifier => family(scope, plan, at)?,
            SlotKind::Ideographs => prefix(scope, plan, at)?,
            SlotKind::Phrase => None,
        });
    }
    Ok(out)
}

/// Adds ways to meet words that tips hold, but too few of them: the last word may be unfinished, an identifier the beginning
/// of longer ones, a rare word may stand apart elsewhere; when `correct` is set, it may be misspelt, in the query and in a
/// tip alike.
pub(crate) fn known_words(
    scope: &Scope<'_>,
    plan: &mut Plan,
    typing: bool,
    correct: bool,
) -> Result<Vec<Forgiven>, SearchError> {
    let mut out = Vec::new();
    let last = last_word(plan, typing);
    for at in 0..plan.slots.len() {
        let Some(slot) = plan.slots.get(at) else { break };
        let (known, is_last) = (slot.known, last == Some(at));
        if known && slot.kind == SlotKind::Identifier {
            out.extend(longer(scope, plan, at)?);
            continue;
        }
        if slot.silent || slot.kind != SlotKind::Word {
            continue;
        }
        let rare = slot.idf >= ranking::idf(MOST_TOGETHER, scope.snapshot.public.tips);
        if known && is_last {
            out.extend(prefix(scope, plan, at)?);
        }
        if known && rare {
            out.extend(split(scope, plan, at)?);
        }
        if correct && (known || is_last) {
            out.extend(misspelt(scope, plan, at, true)?);
        }
    }
    Ok(out)
}

/// Takes the last word for the beginning of others, whether it is known or not. A single letter is left out: it begins
/// too many.
pub(crate) fn complete_last_word(scope: &Scope<'_>, plan: &mut Plan) -> Result<(), SearchError> {
    if let Some(at) = last_word(plan, true) {
        prefix(scope, plan, at)?;
        if let Some(slot) = plan.slots.get_mut(at) {
            // `the` may be the beginning of `thermal`.
            slot.silent = slot.kind == SlotKind::Word && slot.surface.chars().count() < 2;
            slot.required = !slot.silent;
        }
    }
    Ok(())
}

/// The slot of a word that may be unfinished: the last one, when nothing is typed behind it.
fn last_word(plan: &Plan, typing: bool) -> Option<usize> {
    let token = plan.tokens.last()?;
    let behind = plan.text.get(token.end..).unwrap_or_default();
    (typing && behind.chars().all(scan::is_apostrophe)).then(|| plan.slot_of.last().copied().flatten()).flatten()
}

/// Whether a word stands nowhere in this form, though its stem does.
fn is_no_word(scope: &Scope<'_>, slot: &Slot) -> Result<bool, SearchError> {
    Ok(scope.public_frequency(In::Words, &slot.surface)? == 0
        && !(plan::has_private(scope) && scope.is_known(In::Words, &slot.surface)?))
}

fn word(scope: &Scope<'_>, plan: &mut Plan, at: usize, is_last: bool) -> Result<Option<Forgiven>, SearchError> {
    if is_last && let Some(found) = prefix(scope, plan, at)? {
        return Ok(Some(found));
    }
    if let Some(found) = split(scope, plan, at)? {
        return Ok(Some(found));
    }
    if let Some(found) = letters_of_identifiers(scope, plan, at)? {
        return Ok(Some(found));
    }
    misspelt(scope, plan, at, false)
}

fn prefix(scope: &Scope<'_>, plan: &mut Plan, at: usize) -> Result<Option<Forgiven>, SearchError> {
    let Some(slot) = plan.slots.get(at) else { return Ok(None) };
    let least = if slot.kind == SlotKind::Ideographs { 1 } else { 2 };
    if slot.surface.chars().count() < least {
        return Ok(None);
    }
    let entries = lexicon::beginning_with(scope, In::Words, &slot.surface, MOST_COMPLETIONS)?;
    let entries = entries.into_iter().filter(|entry| entry.word != slot.surface).collect::<Vec<_>>();
    Ok(add(scope, plan, at, &entries, weight::PREFIX, How::Prefix))
}

fn misspelt(
    scope: &Scope<'_>,
    plan: &mut Plan,
    at: usize,
    only_much_commoner: bool,
) -> Result<Option<Forgiven>, SearchError> {
    let Some(slot) = plan.slots.get(at) else { return Ok(None) };
    let distance = plan::forgiven(slot);
    if distance == 0 {
        return Ok(None);
    }
    let typed = slot.surface.chars().count();
    let own = if only_much_commoner { scope.public_frequency(In::Words, &slot.surface)?.max(1) } else { 0 };
    if own > most_of_a_misspelling(scope.snapshot.public.tips) {
        return Ok(None);
    }
    let distance = if only_much_commoner { 1 } else { distance };
    let mut entries = lexicon::spelt_like(scope, &slot.surface, distance, 64)?;
    if entries.is_empty() && distance == 1 && typed >= LEAST_MOVED && !only_much_commoner {
        // A letter in the wrong place is one mistake too: `ghandi`.
        entries = lexicon::spelt_like(scope, &slot.surface, 2, 64)?;
        entries.retain(|entry| has_same_letters(&entry.word, &slot.surface));
    }
    entries.retain(|entry| {
        entry.word.chars().count().max(typed) >= 5
            && entry.frequency >= own.saturating_mul(MUCH_RARER)
            && !entry.word.bytes().any(|b| b.is_ascii_digit())
    });
    let nearest = entries.first().map_or(0, |entry| entry.distance);
    let commonest =
        entries.iter().filter(|entry| entry.distance == nearest).map(|entry| entry.frequency).max().unwrap_or(0);
    #[allow(clippy::cast_precision_loss, reason = "a share")]
    entries.retain(|entry| entry.distance == nearest && entry.frequency as f32 >= LEAST_SHARE * commonest as f32);
    entries.truncate(MOST_CORRECTIONS);
    let weight = if nearest <= 1 { weight::TYPO } else { weight::TWO_TYPOS };
    Ok(add(scope, plan, at, &entries, weight, How::Typo))
}

fn has_same_letters(one: &str, other: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters = word.chars().collect::<Vec<_>>();
        letters.sort_unstable();
        letters
    };
    one.len() == other.len() && sorted(one) == sorted(other)
}

/// In how many tips a misspelling stands at most; what stands in more is a word.
fn most_of_a_misspelling(tips: f32) -> u32 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    let share = (tips / 2_000.0) as u32;
    3 + share
}

fn add(scope: &Scope<'_>, plan: &mut Plan, at: usize, entries: &[Entry], weight: f32, how: How) -> Option<Forgiven> {
    if entries.is_empty() {
        return None;
    }
    let tips = scope.snapshot.public.tips;
    let frequency = entries.iter().map(|entry| entry.frequency).fold(0, u32::saturating_add);
    let mut terms: Vec<String> = Vec::new();
    for entry in entries {
        let forms = if plan.slots.get(at).is_some_and(|slot| slot.kind == SlotKind::Ideographs) {
            vec![entry.word.clone()]
        } else {
            plan.tongues.terms(&entry.word)
        };
        for text in forms {
            if !terms.contains(&text) {
                terms.push(text);
            }
        }
    }
    let slot = plan.slots.get_mut(at)?;
    let idf = ranking::idf(frequency, tips);
    slot.read_as.extend(entries.iter().map(|entry| entry.word.clone()));
    if how == How::Typo {
        for text in terms {
            let mut new = alternative(Source::Term(In::All, text), weight, how);
            new.idf = idf;
            push_new(&mut slot.alternatives, new);
        }
    } else {
        // `backin` is the beginning of `backing`, but `back` is not what it begins.
        let (begins, others): (Vec<_>, Vec<_>) = terms.into_iter().partition(|text| text.starts_with(&slot.surface));
        let words =
            if others.is_empty() { Vec::new() } else { entries.iter().map(|entry| entry.word.clone()).collect() };
        for source in [Source::AnyOf(In::All, begins), Source::AnyOf(In::Words, words)] {
            let mut new = alternative(source, weight, how);
            new.idf = idf;
            push_new(&mut slot.alternatives, new);
        }
        slot.near = others;
    }
    slot.idf = if slot.known { slot.idf.min(idf.max(slot.idf * 0.5)) } else { idf };
    Some(Forgiven {
        slot: at,
        how,
        instead: entries.iter().take(MOST_CORRECTIONS).map(|entry| entry.word.clone()).collect(),
    })
}

/// `powersupply` may stand as `power supply`, `Lüfterfehler` as its parts.
fn split(scope: &Scope<'_>, plan: &mut Plan, at: usize) -> Result<Option<Forgiven>, SearchError> {
    let Some(slot) = plan.slots.get(at) else { return Ok(None) };
    let surface = slot.surface.clone();
    let german = plan.tongues.may_be(Language::German);
    let mut best: Option<(u32, String, String)> = None;
    for (cut, _) in surface.char_indices().skip(3) {
        let (Some(first), Some(second)) = (surface.get(..cut), surface.get(cut..)) else { continue };
        if second.chars().count() < 3 {
            break;
        }
        let joints: &[&str] = if german { &["", "s", "n", "en", "es"] } else { &[""] };
        for joint in joints {
            let Some(first) = first.strip_suffix(joint).filter(|first| first.chars().count() >= 3) else { continue };
            let first_frequency = frequency(scope, first)?;
            if first_frequency == 0 {
                continue;
            }
            let least = first_frequency.min(frequency(scope, second)?);
            if least > best.as_ref().map_or(0, |(frequency, ..)| *frequency) {
                best = Some((least, first.to_owned(), second.to_owned()));
            }
        }
    }
    let Some((frequency, first, second)) = best else { return Ok(None) };
    let places = vec![
        Place { terms: plan.tongues.terms(&first), reach: 1 },
        Place { terms: plan.tongues.terms(&second), reach: if german { 6 } else { 1 } },
    ];
    let source = Source::Phrase(places);
    // Only when the two do stand together somewhere.
    let mut together = false;
    for view in &scope.views {
        if let Some(mut docs) = super::docs::open(scope, view, &source, IndexRecordOption::Basic)? {
            while docs.doc() != tantivy::TERMINATED && !together {
                together = view.sees(docs.doc());
                docs.advance();
            }
        }
    }
    let tips = scope.snapshot.public.tips;
    let Some(slot) = plan.slots.get_mut(at).filter(|_| together) else { return Ok(None) };
    meet(slot, alternative(source, weight::JOINED, How::JoinedOrSplit), ranking::idf(frequency, tips));
    Ok(Some(Forgiven { slot: at, how: How::JoinedOrSplit, instead: vec![format!("{first} {second}")] }))
}

/// In how many open tips a word stands; one that only private tips hold counts as one.
fn frequency(scope: &Scope<'_>, word: &str) -> Result<u32, SearchError> {
    let open = scope.public_frequency(In::Words, word)?;
    let is_private = open == 0 && plan::has_private(scope) && scope.is_known(In::Words, word)?;
    Ok(if is_private { 1 } else { open })
}

/// Adds a way to have a slot. What stands nowhere weighs as much as what is met in its place, what does stand somewhere no
/// less than that.
fn meet(slot: &mut Slot, new: Alternative, idf: f32) {
    let idf = if slot.known { idf.min(slot.idf) } else { idf };
    slot.idf = if slot.known { slot.idf } else { idf };
    push_new(&mut slot.alternatives, Alternative { idf, ..new });
}

/// A word that stands nowhere may be the letters that models or codes begin with: `wrt` of `WRT54G`.
fn letters_of_identifiers(scope: &Scope<'_>, plan: &mut Plan, at: usize) -> Result<Option<Forgiven>, SearchError> {
    let Some(slot) = plan.slots.get(at) else { return Ok(None) };
    if !(LEAST_OPENING..=MOST_OPENING).contains(&slot.surface.len()) || !slot.surface.is_ascii() {
        return Ok(None);
    }
    // Digits come before letters in the dictionary: identifiers with a digit next are the first ones read.
    let beginning = term(WHOLE, &slot.surface);
    let mut entries = lexicon::beginning_with(scope, In::Ident, &beginning, MOST_COMPLETIONS)?;
    entries.retain(|entry| entry.word.get(beginning.len()..).is_some_and(|rest| rest.starts_with(char::is_numeric)));
    Ok(add_identifiers(scope, plan, at, &entries, weight::PREFIX))
}

/// An identifier that stands nowhere: those that begin with it, then those of its family (its beginning up to a
/// separator). Digits alone have no family: `136/14` must not bring `136/15`.
fn family(scope: &Scope<'_>, plan: &mut Plan, at: usize) -> Result<Option<Forgiven>, SearchError> {
    let Some(slot) = plan.slots.get(at) else { return Ok(None) };
    let word = slot.word.clone();
    let dotted = identifier::dotted(&word);
    if dotted.chars().count() < 3 {
        return Ok(None);
    }
    let mut beginnings = vec![(dotted, weight::PREFIX)];
    for (cut, _) in word.rmatch_indices(|c: char| !c.is_alphanumeric()) {
        let beginning = identifier::dotted(word.get(..cut).unwrap_or_default());
        if is_mixed(&beginning) && beginning.len() >= LEAST_MODEL {
            beginnings.push((beginning, weight::PART));
        }
    }
    for (beginning, weight) in beginnings {
        let mut entries = lexicon::beginning_with(scope, In::Ident, &term(WHOLE, &beginning), 64)?;
        // Where letters and digits change, one part ends: such beginnings are meant more often than others.
        entries
            .sort_by_key(|entry| !ends_a_part(&beginning, entry.word.get(beginning.len() + 1..).unwrap_or_default()));
        entries.truncate(MOST_COMPLETIONS);
        if entries.is_empty() {
            continue;
        }
        return Ok(add_identifiers(scope, plan, at, &entries, weight));
    }
    Ok(None)
}

/// Identifiers that begin with one that stands somewhere itself, where it ends with a part of theirs: `DS7604` is a part of
/// `DS-7604NI-E1`, but `E-541` none of `E-5412`.
fn longer(scope: &Scope<'_>, plan: &mut Plan, at: usize) -> Result<Option<Forgiven>, SearchError> {
    let Some(slot) = plan.slots.get(at) else { return Ok(None) };
    let whole = identifier::dotted(&slot.word);
    if whole.len() < LEAST_KNOWN || !is_mixed(&whole) {
        return Ok(None);
    }
    let beginning = term(WHOLE, &whole);
    let mut entries = lexicon::beginning_with(scope, In::Ident, &beginning, 64)?;
    entries.retain(|entry| {
        let rest = entry.word.get(beginning.len()..).unwrap_or_default();
        !rest.is_empty() && ends_a_part(&whole, rest)
    });
    entries.truncate(MOST_COMPLETIONS);
    Ok(add_identifiers(scope, plan, at, &entries, weight::LONGER))
}

/// Whether it has both digits and letters.
fn is_mixed(dotted: &str) -> bool {
    dotted.bytes().any(|b| b.is_ascii_digit()) && dotted.bytes().any(|b| b.is_ascii_alphabetic())
}

fn add_identifiers(scope: &Scope<'_>, plan: &mut Plan, at: usize, entries: &[Entry], weight: f32) -> Option<Forgiven> {
    let slot = plan.slots.get_mut(at).filter(|_| !entries.is_empty())?;
    let frequency = entries.iter().map(|entry| entry.frequency).fold(0, u32::saturating_add);
    let terms = entries.iter().map(|entry| entry.word.clone()).collect();
    let instead = entries.iter().take(3).map(|entry| entry.word.trim_start_matches(WHOLE).to_owned()).collect();
    let idf = ranking::idf(frequency, scope.snapshot.public.tips);
    meet(slot, alternative(Source::AnyOf(In::Ident, terms), weight, How::IdentifierPrefix), idf);
    Some(Forgiven { slot: at, how: How::IdentifierPrefix, instead })
}

/// Takes the last word of phrases that stand nowhere for the beginning of others: `"status code e"`.
pub(crate) fn unfinished_phrases(scope: &Scope<'_>, plan: &mut Plan) -> Result<Vec<Forgiven>, SearchError> {
    let mut out = Vec::new();
    for at in 0..plan.slots.len() {
        let Some(slot) = plan.slots.get(at).filter(|slot| slot.kind == SlotKind::Phrase && slot.required) else {
            continue;
        };
        let Some(last) = tokens(&slot.word).pop() else { continue };
        let Some(mut places) = plan::places(&plan.tongues, &slot.word) else { continue };
        let entries = lexicon::beginning_with(scope, In::All, &last.folded, MOST_COMPLETIONS)?;
        let Some(place) = places.last_mut().filter(|_| !entries.is_empty()) else { continue };
        place.terms = entries.iter().map(|entry| entry.word.clone()).collect();
        let instead = entries.into_iter().take(3).map(|entry| entry.word).collect();
        let Some(slot) = plan.slots.get_mut(at) else { continue };
        let mut new = alternative(Source::Phrase(places), weight::PREFIX, How::Prefix);
        new.idf = slot.idf;
        slot.alternatives = vec![new];
        out.push(Forgiven { slot: at, how: How::Prefix, instead });
    }
    Ok(out)
}

fn ends_a_part(beginning: &str, rest: &str) -> bool {
    match (beginning.chars().next_back(), rest.chars().next()) {
        (Some(last), Some(next)) => last.is_numeric() != next.is_numeric(),
        _ => true,
    }
}

/// Whether a slot can be met at all.
pub(crate) fn is_hopeless(slot: &Slot) -> bool {
    !slot.known
        && slot
            .alternatives
            .iter()
            .all(|each| each.how.is_exact() && each.how != How::JoinedOrSplit && each.how != How::Synonym)
}
