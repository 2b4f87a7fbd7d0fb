//! How a tip relates to one that looks like it: its author says so, its reviewers see it. What was told apart once is not
//! held against the author again, unless one of the two comes to say something else.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Instant;
use crate::error::RuleError;
use crate::ids::{TipId, UserId};
use crate::tip::TipText;
use crate::word::word_enum;
use crate::workflow::given_reason;

word_enum! {
    /// How a tip relates to another.
    RelationKind {
        /// It says the same.
        Same = "same",
        /// It adds to what the other says.
        AddsTo = "adds_to",
        /// It looks like the other, and is about something else.
        DiffersBecause = "differs_because",
        /// It says better what the other says, which is in doubt once peers have agreed.
        Replaces = "replaces",
    }
}

/// What the author of a tip says of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The tip.
    pub tip: TipId,
    /// The one that looks like it.
    pub other: TipId,
    /// How they relate.
    pub kind: RelationKind,
    /// Why, in words; owed where they differ.
    pub reason: Option<String>,
    /// Who says so.
    pub by: UserId,
    /// When.
    pub at: Instant,
    /// When peers agreed, if they have.
    pub confirmed: Option<Confirmed>,
}

/// That peers agreed: by approving the text that came with it, or by turning down a flag that said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmed {
    /// The revision of the tip.
    pub revision: i32,
    /// The revision of the other one that readers saw.
    pub other: i32,
    /// When.
    pub at: Instant,
}

impl Relation {
    /// Trims, and refuses a difference without a reason.
    pub fn checked(mut self) -> Result<Self, RuleError> {
        self.reason = given_reason(self.reason.as_deref())?;
        if self.kind == RelationKind::DiffersBecause && self.reason.is_none() {
            return Err(RuleError::field("/reason", "required", "say what is different"));
        }
        Ok(self)
    }
}

/// Share of the words of two texts that may differ before they say different things, as one in so many.
const ONE_IN: usize = 10;

/// Whether a text says something else than it did: of another machine, code or part, with another number in it, or with
/// more than a tenth of its words changed. Order, case and punctuation say nothing.
pub fn is_material(old: &TipText, new: &TipText) -> bool {
    if labels(old) != labels(new) {
        return true;
    }
    let (old, new) = (words(old), words(new));
    let count = |words: &BTreeMap<String, usize>| words.values().sum::<usize>();
    let all = count(&old) + count(&new);
    let mut changed = 0;
    for word in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let times = |words: &BTreeMap<String, usize>| words.get(word).copied().unwrap_or(0);
        let apart = times(&old).abs_diff(times(&new));
        if apart > 0 && word.contains(|c: char| c.is_ascii_digit()) {
            return true;
        }
        changed += apart;
    }
    changed * ONE_IN > all
}

fn labels(text: &TipText) -> [BTreeSet<String>; 3] {
    [&text.products, &text.fault_codes, &text.parts].map(|labels| labels.iter().map(|l| l.to_lowercase()).collect())
}

/// How often each word stands in a text.
fn words(text: &TipText) -> BTreeMap<String, usize> {
    let optional = [&text.cause, &text.solution, &text.hazard].into_iter().flatten();
    let mut words = BTreeMap::new();
    for part in [&text.title, &text.problem].into_iter().chain(optional) {
        for word in part.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            *words.entry(word.to_owned()).or_default() += 1;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tip::Safety;

    const PROBLEM: &str = "The fan in the upper left corner of the cabinet gets loud after an hour and stops at night.";

    fn text(problem: &str) -> TipText {
        TipText {
            title: "Fan stops".to_owned(),
            problem: problem.to_owned(),
            cause: None,
            solution: Some("Clean the filter and put the fan back.".to_owned()),
            products: vec!["AX 40".to_owned()],
            fault_codes: vec![],
            parts: vec![],
            tags: vec![],
            safety: Safety::None,
            hazard: None,
            attachments: Vec::new(),
            lang: None,
        }
    }

    #[test]
    fn a_text_says_something_else_when_more_than_a_tenth_of_it_changed_or_what_it_is_about() {
        let old = text(PROBLEM);
        for (new, expected, why) in [
            (text(PROBLEM), false, "the same"),
            (text(&PROBLEM.replace("loud", "noisy")), false, "one word"),
            (text(&PROBLEM.to_uppercase().replace('.', " !")), false, "case and punctuation"),
            (text("The belt squeals when the machine is cold."), true, "another problem"),
            (text(&PROBLEM.replace("an hour", "2 hours")), true, "a number"),
            (TipText { products: vec!["AX 50".to_owned()], ..text(PROBLEM) }, true, "another machine"),
            (TipText { products: vec!["ax 40".to_owned()], ..text(PROBLEM) }, false, "the same machine"),
            (TipText { fault_codes: vec!["E-1".to_owned()], ..text(PROBLEM) }, true, "a code"),
            (TipText { parts: vec!["604K".to_owned()], ..text(PROBLEM) }, true, "a part"),
            (TipText { tags: vec!["fan".to_owned()], ..text(PROBLEM) }, false, "a label"),
            (TipText { solution: None, ..text(PROBLEM) }, true, "without the solution"),
        ] {
            assert_eq!(is_material(&old, &new), expected, "{why}");
            assert_eq!(is_material(&new, &old), expected, "{why}, the other way round");
        }
    }

    #[test]
    fn a_difference_owes_a_reason() {
        let relation = |kind, reason: Option<&str>| Relation {
            tip: TipId(uuid::Uuid::from_u128(1)),
            other: TipId(uuid::Uuid::from_u128(2)),
            kind,
            reason: reason.map(str::to_owned),
            by: UserId(uuid::Uuid::from_u128(3)),
            at: chrono::DateTime::UNIX_EPOCH,
            confirmed: None,
        };
        for &kind in RelationKind::ALL {
            let bare = relation(kind, Some("  ")).checked();
            assert_eq!(bare.is_err(), kind == RelationKind::DiffersBecause, "{kind}");
            assert_eq!(
                relation(kind, Some(" another board ")).checked().map(|r| r.reason),
                Ok(Some("another board".to_owned()))
            );
        }
    }
}
