//! The glossaries of communities, ready to be asked what they say of a query, and which of their words begin as what is
//! being typed. What they say is put to use in [`super::synonyms`].

use std::collections::{BTreeMap, HashMap};

use super::request::SynonymGroup;
use super::token::{Token, tokens};
use crate::analysis::fold;

/// Most groups that one query is given.
const MOST_SPOKEN: usize = 16;
/// Longest text that is completed, in bytes.
const LONGEST: usize = 200;
/// Fewest letters that begin a phrase.
const LEAST_LETTERS: usize = 2;

/// What communities take for the same.
#[derive(Debug, Default)]
pub struct Glossary {
    groups: Vec<SynonymGroup>,
    /// Each phrase by its first word, cut and folded as queries are.
    by_first: HashMap<String, Vec<Entry>>,
    /// Each phrase, as first written, by its folded form.
    phrases: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Entry {
    words: Vec<String>,
    group: usize,
}

impl Glossary {
    /// Gets groups ready.
    pub fn new(groups: Vec<SynonymGroup>) -> Self {
        let mut glossary = Self { groups, ..Self::default() };
        for (group, each) in glossary.groups.iter().enumerate() {
            for phrase in &each.phrases {
                let words = words_of(phrase);
                let Some(first) = words.first() else { continue };
                glossary.by_first.entry(first.clone()).or_default().push(Entry { words, group });
                glossary.phrases.entry(form(phrase)).or_insert_with(|| phrase.clone());
            }
        }
        glossary
    }

    /// The groups with a phrase that a query holds, in the order of the query: at most sixteen.
    pub fn spoken_in(&self, q: &str) -> Vec<SynonymGroup> {
        if self.groups.is_empty() {
            return Vec::new();
        }
        let query = words_of(q);
        let mut spoken: Vec<usize> = Vec::new();
        for (at, word) in query.iter().enumerate() {
            for entry in self.by_first.get(word).into_iter().flatten() {
                let is_there = query.get(at..at + entry.words.len()) == Some(entry.words.as_slice());
                if is_there && !spoken.contains(&entry.group) && spoken.len() < MOST_SPOKEN {
                    spoken.push(entry.group);
                }
            }
        }
        spoken.into_iter().filter_map(|group| self.groups.get(group)).cloned().collect()
    }

    /// What was typed with its last words completed to phrases of the glossaries, the most words first.
    pub fn complete(&self, typed: &str, most: usize) -> Vec<String> {
        let typed = typed.get(..typed.floor_char_boundary(LONGEST)).unwrap_or_default();
        if self.phrases.is_empty() {
            return Vec::new();
        }
        let longest = self.by_first.values().flatten().map(|entry| entry.words.len()).max().unwrap_or(1);
        let starts: Vec<usize> = tokens(typed).iter().map(|token| token.start).collect();
        let from = starts.len().saturating_sub(longest);
        for &start in starts.get(from..).unwrap_or_default() {
            let (before, rest) = typed.split_at(start);
            let beginning = form(rest) + if rest.ends_with(char::is_whitespace) { " " } else { "" };
            if beginning.chars().count() < LEAST_LETTERS {
                continue;
            }
            let found: Vec<String> = self
                .phrases
                .range(beginning.clone()..)
                .take_while(|(form, _)| form.starts_with(&beginning))
                .filter(|(form, _)| **form != beginning)
                .take(most)
                .map(|(_, phrase)| format!("{before}{phrase}"))
                .collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }
}

/// A phrase or query as its words, cut and folded.
pub(super) fn words_of(text: &str) -> Vec<String> {
    tokens(text).into_iter().map(|Token { folded, .. }| folded).collect()
}

fn form(phrase: &str) -> String {
    fold::folded(phrase).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use eureka_domain::ids::CommunityId;
    use uuid::Uuid;

    use super::*;

    fn glossary(groups: &[&[&str]]) -> Glossary {
        let community = CommunityId(Uuid::nil());
        let group = |phrases: &&[&str]| SynonymGroup {
            community,
            phrases: phrases.iter().map(|phrase| (*phrase).to_owned()).collect(),
        };
        Glossary::new(groups.iter().map(group).collect())
    }

    #[test]
    fn a_query_is_given_the_groups_whose_phrases_it_holds_whole() {
        let glossary = glossary(&[&["ADF", "document feeder"], &["fuser", "fixing unit"], &["Lüfter", "fan"]]);
        let spoken =
            |q: &str| glossary.spoken_in(q).into_iter().map(|group| group.phrases[0].clone()).collect::<Vec<_>>();
        assert_eq!(spoken("the Document feeder jams, fixing unit too"), ["ADF", "fuser"]);
        assert_eq!(spoken("luefter adf lufter"), ["ADF", "Lüfter"]);
        for q in ["document", "feeder document", "unit fixing", "", "\u{0}", "documents feeders"] {
            assert!(spoken(q).is_empty(), "{q}");
        }
    }

    #[test]
    fn a_query_of_everything_is_given_no_more_than_it_can_bear() {
        let words: Vec<String> = (0..200).map(|n| format!("wörd{n}")).collect();
        let groups: Vec<Vec<&str>> = words.iter().map(|word| vec![word.as_str(), "x"]).collect();
        let groups: Vec<&[&str]> = groups.iter().map(Vec::as_slice).collect();
        assert_eq!(glossary(&groups).spoken_in(&words.join(" ")).len(), MOST_SPOKEN);
    }

    #[test]
    fn the_last_words_are_completed_to_phrases_of_the_glossary() {
        let glossary = glossary(&[&["ADF", "document feeder"], &["fuser", "fixing unit", "fusing unit"]]);
        assert_eq!(glossary.complete("fus", 5), ["fuser", "fusing unit"]);
        assert_eq!(glossary.complete("squeal  Fixing u", 5), ["squeal  fixing unit"]);
        assert_eq!(glossary.complete("document ", 5), ["document feeder"]);
        for typed in ["f", "fuser", "documents", "", " ", "feeder"] {
            assert!(glossary.complete(typed, 5).is_empty(), "{typed}");
        }
    }
}
