//! What the communities' glossaries say means the same.

use super::glossary::words_of;
use super::plan::{Plan, alternative, identifier_slot, places, push_new};
use super::ranking::weight;
use super::request::SynonymGroup;
use super::scope::In;
use super::slot::{Alternative, How, Source};
use super::token::tokens;
use super::tongue::Tongues;

/// Most groups that are looked at.
const MOST_GROUPS: usize = 32;
/// Most phrases of a group that are looked at.
const MOST_PHRASES: usize = 16;

/// Adds what the communities' glossaries say means the same. A phrase of several words gives all of them the synonym. A
/// community speaks for its own tips: nothing changes in those of others.
pub(super) fn add_synonyms(plan: &mut Plan, groups: &[SynonymGroup]) {
    let query = plan.tokens.iter().map(|token| token.folded.clone()).collect::<Vec<_>>();
    for group in groups.iter().take(MOST_GROUPS) {
        let phrases = group.phrases.iter().take(MOST_PHRASES);
        let phrases = phrases.map(|phrase| (phrase, words_of(phrase))).collect::<Vec<_>>();
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
                                let synonym = alternative(source.clone(), weight::SYNONYM, How::Synonym);
                                let within = Some(group.community);
                                push_new(&mut slot.alternatives, Alternative { within, ..synonym });
                            }
                        }
                    }
                }
            }
        }
    }
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
