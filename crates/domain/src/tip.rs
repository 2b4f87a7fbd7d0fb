//! A tip, its revisions, and what a revision's text must be.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use crate::attachment::Attachment;
use crate::clock::Instant;
use crate::error::{FieldError, RuleError};
use crate::ids::{CommunityId, ReviewId, TipId, TipNumber, UserId};
use crate::word::word_enum;

word_enum! {
    /// Where a revision stands.
    State {
        /// Being written; only its authors see it.
        Draft = "draft",
        /// Waiting for a reviewer.
        Submitted = "submitted",
        /// A reviewer has taken it up.
        InReview = "in_review",
        /// Back with the author, with a reason.
        ChangesRequested = "changes_requested",
        /// Approved; the text that readers see.
        Published = "published",
        /// Turned down, with a reason.
        Rejected = "rejected",
        /// Taken back by its author.
        Withdrawn = "withdrawn",
        /// Replaced by a later revision.
        Superseded = "superseded",
    }
}

impl State {
    /// Whether reviewers still have to decide.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Submitted | Self::InReview)
    }
}

word_enum! {
    /// How far a tip can be relied on (the confidence of Knowledge-Centered Service).
    Confidence {
        /// Not yet approved in any revision.
        WorkInProgress = "work_in_progress",
        /// Approved once, but its worth is in doubt.
        NotValidated = "not_validated",
        /// Approved by peers.
        Validated = "validated",
        /// Kept for the record, out of all results.
        Archived = "archived",
    }
}

word_enum! {
    /// How dangerous the work is.
    Safety {
        /// No particular hazard.
        None = "none",
        /// May hurt or cause damage.
        Caution = "caution",
        /// May kill or maim.
        Danger = "danger",
    }
}

word_enum! {
    /// A part of a text.
    Field {
        /// The line that names the problem.
        Title = "title",
        /// What was seen.
        Problem = "problem",
        /// Why it happens.
        Cause = "cause",
        /// What fixes it.
        Solution = "solution",
        /// Machines it applies to.
        Products = "products",
        /// Fault codes.
        FaultCodes = "fault_codes",
        /// Part numbers.
        Parts = "parts",
        /// Free labels.
        Tags = "tags",
        /// How dangerous the work is.
        Safety = "safety",
        /// The hazard in words.
        Hazard = "hazard",
        /// Language.
        Lang = "lang",
    }
}

/// The text of one revision, as written by a practitioner.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TipText {
    /// One line that names the problem.
    pub title: String,
    /// What was seen.
    pub problem: String,
    /// Why it happens, where known.
    pub cause: Option<String>,
    /// What fixes it, where known.
    pub solution: Option<String>,
    /// Machines it applies to.
    pub products: Vec<String>,
    /// Fault codes, byte for byte.
    pub fault_codes: Vec<String>,
    /// Part numbers, byte for byte.
    pub parts: Vec<String>,
    /// Free labels, lower case.
    pub tags: Vec<String>,
    /// How dangerous the work is.
    pub safety: Safety,
    /// The hazard in words; owed when `safety` is not `none`.
    pub hazard: Option<String>,
    /// Language of the text: BCP 47 primary subtag. Detected when absent.
    pub lang: Option<String>,
    /// Photos and documents, as they were added.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
}

/// Longest title, in characters.
pub const TITLE_MAX: usize = 300;
/// Longest problem, cause, solution or hazard, in characters.
pub const BODY_MAX: usize = 100_000;
/// Longest product, code, part or tag, in characters.
pub const LABEL_MAX: usize = 200;
/// Most products, codes, parts or tags of a revision.
pub const LABELS_MAX: usize = 100;

impl TipText {
    /// Trims, drops empty and repeated labels, lower-cases tags, and refuses what breaks a rule, naming each field.
    pub fn checked(mut self) -> Result<Self, RuleError> {
        let mut errors = Vec::new();
        tidy(&mut self.title);
        tidy(&mut self.problem);
        tidy_optional(&mut self.cause);
        tidy_optional(&mut self.solution);
        tidy_optional(&mut self.hazard);
        for tag in &mut self.tags {
            *tag = tag.to_lowercase();
        }

        required(&mut errors, "/title", &self.title, TITLE_MAX);
        if self.title.contains('\n') {
            errors.push(FieldError::new("/title", "invalid", "the title is one line"));
        }
        required(&mut errors, "/problem", &self.problem, BODY_MAX);
        for (pointer, text) in [("/cause", &self.cause), ("/solution", &self.solution), ("/hazard", &self.hazard)] {
            at_most(&mut errors, pointer, text.as_deref().unwrap_or_default(), BODY_MAX);
        }
        labels(&mut errors, "/products", &mut self.products);
        labels(&mut errors, "/fault_codes", &mut self.fault_codes);
        labels(&mut errors, "/parts", &mut self.parts);
        labels(&mut errors, "/tags", &mut self.tags);
        if self.safety != Safety::None && self.hazard.is_none() {
            errors.push(FieldError::new("/hazard", "required", "a tip with a safety level says what the hazard is"));
        }
        if let Some(lang) = &mut self.lang {
            *lang = lang.trim().to_lowercase();
            if !(2..=3).contains(&lang.len()) || !lang.bytes().all(|b| b.is_ascii_lowercase()) {
                errors.push(FieldError::new(
                    "/lang",
                    "invalid",
                    "a language is a BCP 47 primary subtag such as `en` or `de`",
                ));
            }
        }
        if errors.is_empty() { Ok(self) } else { Err(RuleError::Invalid(errors)) }
    }
}

fn tidy(text: &mut String) {
    if text.contains('\0') {
        text.retain(|c| c != '\0'); // PostgreSQL text cannot hold it
    }
    let trimmed = text.trim();
    if trimmed.len() != text.len() {
        *text = trimmed.to_owned();
    }
}

fn tidy_optional(text: &mut Option<String>) {
    if let Some(inner) = text {
        tidy(inner);
        if inner.is_empty() {
            *text = None;
        }
    }
}

fn required(errors: &mut Vec<FieldError>, pointer: &str, text: &str, max: usize) {
    if text.is_empty() {
        errors.push(FieldError::new(pointer, "required", "must not be empty"));
    }
    at_most(errors, pointer, text, max);
}

fn at_most(errors: &mut Vec<FieldError>, pointer: &str, text: &str, max: usize) {
    if text.len() > max && text.chars().count() > max {
        errors.push(FieldError::new(pointer, "too_long", format!("at most {max} characters")));
    }
}

fn labels(errors: &mut Vec<FieldError>, pointer: &str, labels: &mut Vec<String>) {
    if labels.len() > LABELS_MAX {
        errors.push(FieldError::new(pointer, "too_many", format!("at most {LABELS_MAX}")));
        return;
    }
    for (place, label) in labels.iter_mut().enumerate() {
        tidy(label);
        at_most(errors, &format!("{pointer}/{place}"), label, LABEL_MAX);
    }
    let mut seen = HashSet::new();
    labels.retain(|label| !label.is_empty() && seen.insert(label.clone()));
}

/// One text of a tip, immutable once submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The tip it belongs to.
    pub tip: TipId,
    /// 1, 2, 3 … within the tip.
    pub number: i32,
    /// How often the text has been sent to reviewers since the last approval, counting this time.
    pub round: i32,
    /// Where it stands.
    pub state: State,
    /// What it says.
    pub text: TipText,
    /// Who wrote this revision last.
    pub editor: UserId,
    /// Everyone whose words are under review in it, the tip's author among them: none of them decides on it.
    pub credited: BTreeSet<UserId>,
    /// When it was started.
    pub created_at: Instant,
    /// When it was last written to.
    pub updated_at: Instant,
    /// When it was sent to reviewers.
    pub submitted_at: Option<Instant>,
    /// When it was published, rejected, withdrawn, superseded or sent back.
    pub decided_at: Option<Instant>,
}

word_enum! {
    /// How another tip took a tip's place.
    Replaced {
        /// It says the same: what speaks for this one counts for the other, and its author is named there.
        Merged = "merged",
        /// It says it better, or as it is now.
        Superseded = "superseded",
    }
}

/// The tip that took another's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replacement {
    /// Which.
    pub by: TipId,
    /// How.
    pub how: Replaced,
}

/// The identity of one piece of field knowledge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// For ever.
    pub id: TipId,
    /// The human key.
    pub number: TipNumber,
    /// Who owns it.
    pub community: CommunityId,
    /// Whose name is on it.
    pub author: UserId,
    /// How far it can be relied on.
    pub confidence: Confidence,
    /// Why it must not be used now, if so.
    pub hold: Option<String>,
    /// The tip that took its place, if one has.
    pub replaced: Option<Replacement>,
    /// The revision that readers see.
    pub live: Option<i32>,
    /// The newest revision; it may be the live one.
    pub latest: i32,
    /// The open review of the newest revision.
    pub review: Option<ReviewId>,
    /// Where it came from, when imported: unique per community.
    pub external_id: Option<String>,
    /// When the tip was started.
    pub created_at: Instant,
    /// When anything about it last changed.
    pub updated_at: Instant,
    /// When a revision was first published.
    pub published_at: Option<Instant>,
}
