//! What can be asked of the index.

use std::time::Duration;

use eureka_domain::ids::{CommunityId, UserId};
use eureka_domain::tip::{Confidence, Safety};
use eureka_domain::visibility::Audience;

use crate::answer::page::PageCursor;

const DAY_MICROS: i64 = 86_400_000_000;

/// One search. Build it with [`SearchRequest::new`] and set what matters.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    /// What was typed: words, `"a phrase"`, `-word`, `field:value` for product, code, part, tag, author, lang. Anything
    /// else is text; nothing is an error. Empty text with filters is a query too.
    pub q: String,
    /// Whose tips the caller may read.
    pub audience: Audience,
    /// What the results must be.
    pub filters: Filters,
    /// Their order.
    pub sort: Sort,
    /// Facets to count.
    pub facets: Vec<FacetField>,
    /// Whether each hit tells the parts of its score.
    pub explain: bool,
    /// Whether each hit tells where the query's words stand.
    pub highlight: bool,
    /// Most hits to return; values above [`SearchRequest::MOST`] are cut to it.
    pub limit: usize,
    /// Hits to leave out at the front, on the first page. Prefer `cursor`.
    pub offset: usize,
    /// Where the previous page ended.
    pub cursor: Option<PageCursor>,
    /// Phrases that mean the same, from the glossaries of the communities that the caller reads: see
    /// [`crate::Glossary::spoken_in`].
    pub synonyms: Vec<SynonymGroup>,
    /// The language of the caller's screen: breaks ties between languages, excludes none.
    pub ui_lang: Option<String>,
    /// Whether the last word may be unfinished (search as you type).
    pub typing: bool,
    /// Wall time after which the search gives up with [`crate::SearchError::TimedOut`].
    pub deadline: Duration,
}

impl SearchRequest {
    /// Most hits of one page.
    pub const MOST: usize = 100;

    /// A search for everyone's eyes with the defaults of the API: 20 hits by relevance.
    pub fn new(q: impl Into<String>) -> Self {
        Self {
            q: q.into(),
            audience: Audience::default(),
            filters: Filters::default(),
            sort: Sort::Relevance,
            facets: Vec::new(),
            explain: false,
            highlight: true,
            limit: 20,
            offset: 0,
            cursor: None,
            synonyms: Vec::new(),
            ui_lang: None,
            typing: true,
            deadline: Duration::from_secs(2),
        }
    }
}

/// Conditions. Values of one kind are alternatives; kinds are all demanded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Communities, by id.
    pub communities: Vec<CommunityId>,
    /// Whole product names; case, accents and spacing do not matter.
    pub products: Vec<String>,
    /// Fault codes; case and separators do not matter.
    pub fault_codes: Vec<String>,
    /// Part numbers; case and separators do not matter.
    pub parts: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Languages, as BCP 47 primary subtags.
    pub langs: Vec<String>,
    /// Authors, by id.
    pub authors: Vec<UserId>,
    /// Confidence.
    pub confidence: Vec<Confidence>,
    /// Safety.
    pub safety: Vec<Safety>,
    /// Age since the last change.
    pub ages: Vec<Age>,
}

/// How long ago a tip was last changed, each without the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Age {
    /// Within seven days.
    Week,
    /// Within 31 days.
    Month,
    /// Within 366 days.
    Year,
    /// Longer ago.
    Older,
}

impl Age {
    /// All of them, the youngest first.
    pub const ALL: [Self; 4] = [Self::Week, Self::Month, Self::Year, Self::Older];

    /// The age of what was changed so many microseconds ago.
    pub(crate) fn of(micros: i64) -> Self {
        match micros / DAY_MICROS {
            i64::MIN..7 => Self::Week,
            7..31 => Self::Month,
            31..366 => Self::Year,
            _ => Self::Older,
        }
    }

    /// What it is called.
    pub fn word(self) -> &'static str {
        match self {
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
            Self::Older => "older",
        }
    }
}

/// The order of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Best match first.
    #[default]
    Relevance,
    /// Last changed first.
    Newest,
    /// Best proved first.
    Proof,
}

/// What results can be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FacetField {
    /// Community, by slug.
    Community,
    /// Product.
    Product,
    /// Fault code.
    FaultCode,
    /// Tag.
    Tag,
    /// Language.
    Lang,
    /// Author, by name.
    Author,
    /// Confidence.
    Confidence,
    /// Safety.
    Safety,
    /// Age since the last change: see [`Age`].
    Age,
}

/// Phrases that mean the same thing in the tips of one community: `["fuser", "fixing unit"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SynonymGroup {
    /// Whose tips. In those of others each phrase means itself alone.
    pub community: CommunityId,
    /// The phrases.
    pub phrases: Vec<String>,
}
