//! A score in words that a steward understands, and the words of the query that a hit lacks.

use super::response::ExplainPart;
use crate::error::SearchError;
use crate::query::docs::{AllNorms, Gain, Walk};
use crate::query::ranking;
use crate::query::rerank::{Closer, Standing};
use crate::query::retrieve::Candidate;
use crate::query::scope::Scope;
use crate::query::slot::{How, Slot};

/// What each slot gave to each candidate, in the order of the candidates.
pub(crate) fn gains(
    scope: &Scope<'_>,
    slots: &[Slot],
    norms: &AllNorms,
    candidates: &[Candidate],
) -> Result<Vec<Vec<Option<Gain>>>, SearchError> {
    let mut order = (0..candidates.len()).collect::<Vec<_>>();
    order.sort_by_key(|at| candidates.get(*at).map(|candidate| (candidate.view, candidate.doc)));
    let mut out = vec![Vec::new(); candidates.len()];
    let mut open: Option<(usize, Vec<Walk>)> = None;
    for at in order {
        let Some(candidate) = candidates.get(at) else { continue };
        let Some(view) = scope.views.get(candidate.view) else { continue };
        if open.as_ref().is_none_or(|(place, _)| *place != candidate.view) {
            let walks = slots.iter().map(|slot| Walk::new(scope, view, slot)).collect::<Result<Vec<_>, _>>()?;
            open = Some((candidate.view, walks));
        }
        if let (Some((_, walks)), Some(row)) = (&mut open, out.get_mut(at)) {
            for walk in walks {
                row.push((walk.seek(candidate.doc) == candidate.doc).then(|| walk.gain(view, norms)));
            }
        }
    }
    Ok(out)
}

/// The words that a hit lacks.
pub(crate) fn missing(slots: &[Slot], gains: &[Option<Gain>]) -> Vec<String> {
    slots
        .iter()
        .zip(gains)
        .filter(|(slot, gain)| gain.is_none() && slot.required && !slot.silent)
        .map(|(slot, _)| slot.word.clone())
        .collect()
}

/// The parts of a score.
pub(crate) fn parts(
    scope: &Scope<'_>,
    slots: &[Slot],
    gains: &[Option<Gain>],
    closer: &Closer,
    candidate: &Candidate,
    now_micros: i64,
) -> Vec<ExplainPart> {
    let mut out = Vec::new();
    for (slot, gain) in slots.iter().zip(gains).filter(|(slot, _)| !slot.silent) {
        match gain {
            Some(gain) => {
                let how = slot.alternatives.get(gain.alternative).map_or(How::Word, |each| each.how);
                out.push(ExplainPart {
                    what: format!("\"{}\": {}", slot.word, in_words(how)),
                    value: gain.score,
                    factor: false,
                });
            }
            None => {
                out.push(ExplainPart {
                    what: format!("\"{}\": not in this tip", slot.word),
                    value: 0.0,
                    factor: false,
                });
            }
        }
    }
    let mut add = |what: &str, value: f32, factor: bool| {
        if (factor && (value - 1.0).abs() > f32::EPSILON) || (!factor && value > 0.0) {
            out.push(ExplainPart { what: what.to_owned(), value, factor });
        }
    };
    add("words that stand close together", closer.proximity, false);
    add("words exactly as typed", closer.exact, false);
    add("words that stand early in the tip", closer.early, false);
    add("its own code and its own product are all that is asked for", closer.own_machine, false);
    add("small words", closer.silent, false);
    if let Some(view) = scope.views.get(candidate.view) {
        let (proof, age_days, confidence) = Standing::new(view).parts(candidate.doc, now_micros);
        add("proof: outcomes of its use", ranking::proof_factor(proof), true);
        add("freshness: time since the last change", ranking::freshness_factor(age_days), true);
        add("confidence: what peers say of it", ranking::confidence_factor(confidence), true);
    }
    add("language of the query or of the screen", closer.language, true);
    out
}

fn in_words(how: How) -> &'static str {
    match how {
        How::Word => "the word, in one of its forms",
        How::Identifier => "the code as typed",
        How::OtherSeparators => "the code with other separators",
        How::Declared => "one of the tip's fault codes or parts, or its number",
        How::PartOfIdentifier => "part of a code",
        How::IdentifierPrefix => "a code that begins so",
        How::Prefix => "a word that begins so",
        How::Typo => "a word spelt nearly so",
        How::JoinedOrSplit => "words written together or apart",
        How::Synonym => "a synonym from the glossary",
        How::Phrase => "the phrase, word for word",
    }
}
