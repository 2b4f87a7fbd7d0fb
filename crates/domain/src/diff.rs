//! What two texts of a tip differ in, field by field, word by word.

use similar::{ChangeTag, TextDiff};

use crate::attachment::Attachment;
use crate::tip::{Field, TipText};

/// Most words, or lines, of both texts together that are compared one by one; the work grows with their square.
const MOST: usize = 4_000;

/// A field that is not the same in both texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDiff {
    /// Which.
    pub field: Field,
    /// What stayed, went and came, in order.
    pub parts: Vec<Part>,
}

/// A piece of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What became of it.
    pub fate: Fate,
    /// What it says.
    pub text: String,
}

/// What became of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stands in both.
    Kept,
    /// It stands in the old text only.
    Removed,
    /// It stands in the new text only.
    Added,
}

/// The fields that differ, in the order of a tip.
pub fn diff(old: &TipText, new: &TipText) -> Vec<FieldDiff> {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let texts = [
        (Field::Title, old.title.clone(), new.title.clone()),
        (Field::Problem, old.problem.clone(), new.problem.clone()),
        (Field::Cause, optional(&old.cause), optional(&new.cause)),
        (Field::Solution, optional(&old.solution), optional(&new.solution)),
        (Field::Safety, old.safety.word().to_owned(), new.safety.word().to_owned()),
        (Field::Hazard, optional(&old.hazard), optional(&new.hazard)),
        (Field::Lang, optional(&old.lang), optional(&new.lang)),
    ];
    let labels = [
        (Field::Products, &old.products, &new.products),
        (Field::FaultCodes, &old.fault_codes, &new.fault_codes),
        (Field::Parts, &old.parts, &new.parts),
        (Field::Tags, &old.tags, &new.tags),
    ];
    let texts = texts.into_iter().filter(|(_, old, new)| old != new);
    let labels = labels.into_iter().filter(|(_, old, new)| old != new);
    texts
        .map(|(field, old, new)| FieldDiff { field, parts: words(&old, &new) })
        .chain(labels.map(|(field, old, new)| FieldDiff { field, parts: whole(old, new) }))
        .collect()
}

/// A file that only one of two texts has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// Whether it went or came.
    pub fate: Fate,
    /// The file.
    pub file: Attachment,
}

/// The files that differ: those that went, then those that came.
pub fn diff_files(old: &TipText, new: &TipText) -> Vec<FileDiff> {
    let only = |fate, one: &TipText, other: &TipText| -> Vec<FileDiff> {
        let files = one.attachments.iter().filter(|file| !other.attachments.contains(file)).cloned();
        files.map(|file| FileDiff { fate, file }).collect()
    };
    [only(Fate::Removed, old, new), only(Fate::Added, new, old)].concat()
}

/// The words that stayed, went and came, or the lines where there are too many words; neighbours of one fate are one part.
fn words(old: &str, new: &str) -> Vec<Part> {
    let count = |separator: fn(char) -> bool| old.split(separator).count() + new.split(separator).count();
    let diff = if count(char::is_whitespace) <= MOST / 2 {
        TextDiff::from_words(old, new)
    } else if count(|c| c == '\n') <= MOST {
        TextDiff::from_lines(old, new)
    } else {
        return replaced(old, new);
    };
    let mut parts: Vec<Part> = Vec::new();
    for change in diff.iter_all_changes() {
        let fate = match change.tag() {
            ChangeTag::Equal => Fate::Kept,
            ChangeTag::Delete => Fate::Removed,
            ChangeTag::Insert => Fate::Added,
        };
        match parts.last_mut() {
            Some(last) if last.fate == fate => last.text.push_str(change.value()),
            _ => parts.push(Part { fate, text: change.value().to_owned() }),
        }
    }
    parts
}

/// All of a field, where it is too long to be compared.
fn replaced(old: &str, new: &str) -> Vec<Part> {
    let part = |fate, text: &str| Part { fate, text: text.to_owned() };
    vec![part(Fate::Removed, old), part(Fate::Added, new)]
}

/// The labels that stayed, went and came: each is one thing.
fn whole(old: &[String], new: &[String]) -> Vec<Part> {
    let part = |fate| move |text: &String| Part { fate, text: text.clone() };
    let removed = old.iter().filter(|label| !new.contains(label)).map(part(Fate::Removed));
    let kept = new.iter().filter(|label| old.contains(label)).map(part(Fate::Kept));
    let added = new.iter().filter(|label| !old.contains(label)).map(part(Fate::Added));
    kept.chain(removed).chain(added).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tip::Safety;

    fn text(problem: &str, codes: &[&str]) -> TipText {
        TipText {
            title: "It stops".to_owned(),
            problem: problem.to_owned(),
            cause: None,
            solution: None,
            products: vec![],
            fault_codes: codes.iter().map(|&code| code.to_owned()).collect(),
            parts: vec![],
            tags: vec![],
            safety: Safety::None,
            hazard: None,
            attachments: Vec::new(),
            lang: None,
        }
    }

    fn part(fate: Fate, text: &str) -> Part {
        Part { fate, text: text.to_owned() }
    }

    #[test]
    fn a_text_is_compared_word_by_word_and_a_label_is_one_thing() {
        let (old, new) =
            (text("Clean the lower fuse.", &["3396", "E-541"]), text("Clean the upper fuse.", &["E-541", "3397"]));
        let told = diff(&old, &new);
        assert_eq!(told.iter().map(|field| field.field).collect::<Vec<_>>(), [Field::Problem, Field::FaultCodes]);
        let expected = [
            part(Fate::Kept, "Clean the "),
            part(Fate::Removed, "lower"),
            part(Fate::Added, "upper"),
            part(Fate::Kept, " fuse."),
        ];
        assert_eq!(told[0].parts, expected);
        let expected = [part(Fate::Kept, "E-541"), part(Fate::Removed, "3396"), part(Fate::Added, "3397")];
        assert_eq!(told[1].parts, expected);
        assert_eq!(diff(&old, &old), []);
    }

    #[test]
    fn what_is_too_long_to_compare_counts_as_replaced() {
        let long = |word: &str| format!("{word}\n").repeat(40_000);
        let told = diff(&text(&long("a"), &[]), &text(&long("b"), &[]));
        assert_eq!(told[0].parts.iter().map(|part| part.fate).collect::<Vec<_>>(), [Fate::Removed, Fate::Added]);
    }

    proptest! {
        #[test]
        fn the_parts_make_up_both_texts(old in "[ab \n]{0,60}", new in "[ab \n]{0,60}") {
            let parts = words(&old, &new);
            let without = |fate| parts.iter().filter(|part| part.fate != fate).map(|part| part.text.as_str()).collect::<String>();
            prop_assert_eq!(without(Fate::Added), old);
            prop_assert_eq!(without(Fate::Removed), new);
        }
    }
}
