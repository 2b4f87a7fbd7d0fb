//! A community's glossary: which of its words stand for each other. Rewritten as a whole; each version is kept.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::error::{FieldError, RuleError};
use crate::ids::{CommunityId, UserId};

/// Most entries of a glossary.
pub const ENTRIES_MAX: usize = 500;
/// Most phrases that a term stands for.
pub const MEANS_MAX: usize = 10;
/// Longest term or phrase, in characters.
pub const PHRASE_MAX: usize = 80;
/// Most words of a term or phrase.
pub const WORDS_MAX: usize = 8;

/// A term and the phrases that mean the same: all of them stand for each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlossaryEntry {
    /// The term: `ADF`.
    pub term: String,
    /// What it means: `document feeder`.
    pub means: Vec<String>,
}

/// One version of a community's glossary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glossary {
    /// Whose.
    pub community: CommunityId,
    /// 1, 2, 3 … within the community.
    pub version: i32,
    /// What it says.
    pub entries: Vec<GlossaryEntry>,
    /// Who wrote it; absent for the operator.
    pub editor: Option<UserId>,
    /// When.
    pub at: Instant,
}

/// Trims entries, and refuses what breaks a rule, naming each field.
pub fn checked(mut entries: Vec<GlossaryEntry>) -> Result<Vec<GlossaryEntry>, RuleError> {
    if entries.len() > ENTRIES_MAX {
        return Err(RuleError::field("/entries", "too_many", format!("at most {ENTRIES_MAX}")));
    }
    let mut errors = Vec::new();
    let mut terms = HashMap::new();
    for (place, entry) in entries.iter_mut().enumerate() {
        let at = format!("/entries/{place}");
        let pointer = format!("{at}/term");
        tidy(&mut errors, &pointer, &mut entry.term);
        let form = entry.term.to_lowercase();
        if let Some(first) = terms.insert(form.clone(), place) {
            let detail = format!("entry {first} has this term; give both meanings there");
            errors.push(FieldError::new(pointer, "taken", detail));
        }
        if entry.means.is_empty() {
            errors.push(FieldError::new(format!("{at}/means"), "required", "say what it means"));
        }
        if entry.means.len() > MEANS_MAX {
            errors.push(FieldError::new(format!("{at}/means"), "too_many", format!("at most {MEANS_MAX}")));
            continue;
        }
        let mut forms = vec![form];
        for (number, phrase) in entry.means.iter_mut().enumerate() {
            let pointer = format!("{at}/means/{number}");
            tidy(&mut errors, &pointer, phrase);
            let form = phrase.to_lowercase();
            if forms.contains(&form) {
                errors.push(FieldError::new(pointer, "taken", "the entry has this already"));
            }
            forms.push(form);
        }
    }
    if errors.is_empty() { Ok(entries) } else { Err(RuleError::Invalid(errors)) }
}

/// Makes one space of each run of them, and says what is wrong with a phrase.
fn tidy(errors: &mut Vec<FieldError>, pointer: &str, phrase: &mut String) {
    let mut refuse = |code, detail: String| errors.push(FieldError::new(pointer, code, detail));
    if phrase.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        refuse("invalid", "control characters are no words".to_owned());
    }
    let words: Vec<&str> = phrase.split_whitespace().collect();
    if words.len() > WORDS_MAX {
        refuse("too_long", format!("at most {WORDS_MAX} words"));
    }
    let tidied = words.join(" ");
    if tidied.chars().count() > PHRASE_MAX {
        refuse("too_long", format!("at most {PHRASE_MAX} characters"));
    }
    if tidied.is_empty() {
        refuse("required", "must not be empty".to_owned());
    } else if !tidied.chars().any(char::is_alphanumeric) {
        refuse("invalid", "a letter or a digit is wanted".to_owned());
    }
    *phrase = tidied;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(term: &str, means: &[&str]) -> GlossaryEntry {
        GlossaryEntry { term: term.to_owned(), means: means.iter().map(|phrase| (*phrase).to_owned()).collect() }
    }

    fn refusals(entries: Vec<GlossaryEntry>) -> Vec<(String, &'static str)> {
        match checked(entries) {
            Err(RuleError::Invalid(errors)) => errors.into_iter().map(|e| (e.pointer, e.code)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_glossary_is_tidied() {
        let tidied = checked(vec![entry(" ADF ", &["document \t feeder"]), entry("VFD", &["inverter"])]).unwrap();
        assert_eq!(tidied, [entry("ADF", &["document feeder"]), entry("VFD", &["inverter"])]);
        assert_eq!(checked(Vec::new()).unwrap(), []);
    }

    #[test]
    fn each_refusal_names_its_field() {
        let long = "x".repeat(81);
        for (wrong, pointer, code) in [
            (entry("", &["feeder"]), "/entries/0/term", "required"),
            (entry("ADF", &[]), "/entries/0/means", "required"),
            (entry("ADF", &["feeder", " \n"]), "/entries/0/means/1", "required"),
            (entry("ADF", &["adf"]), "/entries/0/means/0", "taken"),
            (entry("ADF", &["feeder", "Feeder"]), "/entries/0/means/1", "taken"),
            (entry("A\u{0}DF", &["feeder"]), "/entries/0/term", "invalid"),
            (entry("ADF", &["feed\u{7}er"]), "/entries/0/means/0", "invalid"),
            (entry("--", &["feeder"]), "/entries/0/term", "invalid"),
            (entry(&long, &["feeder"]), "/entries/0/term", "too_long"),
            (entry("ADF", &["a b c d e f g h i"]), "/entries/0/means/0", "too_long"),
            (entry("ADF", &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]), "/entries/0/means", "too_many"),
        ] {
            assert_eq!(refusals(vec![wrong.clone()]), [(pointer.to_owned(), code)], "{wrong:?}");
        }
        let twice = refusals(vec![entry("ADF", &["feeder"]), entry("adf", &["automatic feeder"])]);
        assert_eq!(twice, [("/entries/1/term".to_owned(), "taken")]);
        let many = (0..=ENTRIES_MAX).map(|n| entry(&n.to_string(), &["x"])).collect();
        assert_eq!(refusals(many), [("/entries".to_owned(), "too_many")]);
    }
}
