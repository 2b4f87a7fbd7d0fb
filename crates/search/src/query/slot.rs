//! One thing the caller asked for, and the ways a tip can have it.

use eureka_domain::ids::CommunityId;

use super::scope::In;

/// A word, identifier or phrase of the query.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// As typed.
    pub(crate) word: String,
    /// Folded: what stands in the dictionary of words, when it is a word.
    pub(crate) surface: String,
    /// The words that a tip may hold to have it exactly: the typed one, and those it was read as.
    pub(crate) read_as: Vec<String>,
    /// What it is.
    pub(crate) kind: SlotKind,
    /// Whether a complete match must have it.
    pub(crate) required: bool,
    /// Whether it says nothing by itself: looked at only in tips that other words found.
    pub(crate) silent: bool,
    /// How often it was typed.
    pub(crate) times: f32,
    /// Ways to have it; the best one counts.
    pub(crate) alternatives: Vec<Alternative>,
    /// Stems of the words that an unfinished one may become: where they stand tells what is near.
    pub(crate) near: Vec<String>,
    /// Its weight: the inverse frequency of its most frequent exact form.
    pub(crate) idf: f32,
    /// Whether any exact form is known to the caller's dictionaries.
    pub(crate) known: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotKind {
    Word,
    Identifier,
    Ideographs,
    Phrase,
}

/// One way to have a slot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alternative {
    pub(crate) source: Source,
    /// Between 0 and 1: how good this way is.
    pub(crate) weight: f32,
    /// Its own inverse frequency.
    pub(crate) idf: f32,
    /// What it is, for `explain` and highlights.
    pub(crate) how: How,
    /// Whose tips alone have it this way; absent: all.
    pub(crate) within: Option<CommunityId>,
}

/// Where an alternative's tips come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// One term.
    Term(In, String),
    /// Any of several terms of the whole text.
    AnyOf(In, Vec<String>),
    /// Terms one after the other; each place may be held by any of its terms.
    Phrase(Vec<Place>),
}

/// One place of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) terms: Vec<String>,
    /// How many positions it may stand behind the place before it.
    pub(crate) reach: u32,
}

/// How an alternative relates to what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum How {
    /// The word in one of its forms.
    Word,
    /// The identifier as typed.
    Identifier,
    /// The identifier with other separators.
    OtherSeparators,
    /// A declared fault code or part number, or the tip's own number.
    Declared,
    /// A run of digits inside an identifier.
    PartOfIdentifier,
    /// The beginning of the identifier.
    IdentifierPrefix,
    /// The beginning of the word.
    Prefix,
    /// A word spelt nearly so.
    Typo,
    /// Two words written as one, or one as two.
    JoinedOrSplit,
    /// A glossary synonym.
    Synonym,
    /// The phrase, word for word.
    Phrase,
}

impl How {
    /// Whether the caller gets what was typed, not something near it.
    pub(crate) fn is_exact(self) -> bool {
        !matches!(self, Self::Prefix | Self::Typo | Self::IdentifierPrefix)
    }
}
