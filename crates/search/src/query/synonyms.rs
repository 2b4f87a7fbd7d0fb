//! What the communities' glossaries say means the same.

use super::plan::{Plan, alternative, identifier_slot, places, push_new};
use super::ranking::weight;
use super::request::SynonymGroup;
use super::scope::In;
use super::slot::{How, Source};
use super::token::tokens;
use super::tongue::Tongues;
use crate::analysis::{fold, scan};

/// Adds what the communities' glossaries say means the same. A phrase of several words gives all of them the synonym.
pub(super) fn add_synonyms(plan: &mut Plan, groups: &[SynonymGroup]) {
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
