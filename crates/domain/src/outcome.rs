//! Outcomes: what happened when a tip was used. What they add up to is in `proof.rs`.

use sha2::{Digest, Sha256};

use crate::clock::Instant;
use crate::error::{FieldError, RuleError};
use crate::ids::{OutcomeId, TipId, UserId};
use crate::tip::LABEL_MAX;
use crate::word::word_enum;

word_enum! {
    /// What using a tip did.
    OutcomeResult {
        /// The problem is gone.
        Fixed = "fixed",
        /// It is better, or gone for some of it.
        Partly = "partly",
        /// The problem is still there.
        NotFixed = "not_fixed",
        /// The tip turned out to be about something else: says nothing for or against it.
        NotApplicable = "not_applicable",
    }
}

word_enum! {
    /// Whether an outcome is taken into the proof.
    Counting {
        /// It is the last word of this person on this job.
        Counted = "counted",
        /// It is told by somebody whose words are in the tip: kept, never counted.
        Own = "own",
        /// The same person told of the same job again.
        Replaced = "replaced",
    }
}

/// Longest note, in characters.
pub const NOTE_MAX: usize = 2000;
/// Longest client id, in characters.
pub const CLIENT_ID_MAX: usize = 64;
/// How many days ago a use may have been: ten years.
pub const DAYS_MAX: i64 = 3650;
/// Most minutes of one outcome: ten weeks.
pub const MINUTES_MAX: i32 = 100_800;

/// What happened when a tip was used, as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeDraft {
    /// What it did.
    pub result: OutcomeResult,
    /// How long the work took.
    pub minutes_spent: Option<i32>,
    /// How much longer it would have taken without the tip.
    pub minutes_saved: Option<i32>,
    /// The machine it was used on.
    pub product: Option<String>,
    /// The job it was used for.
    pub work_order: Option<String>,
    /// When, if not now.
    pub happened_at: Option<Instant>,
    /// What else there is to say.
    pub note: Option<String>,
    /// The client's own name for this outcome: sent again, it is the same one.
    pub client_id: Option<String>,
}

/// What happened when a tip was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// For ever.
    pub id: OutcomeId,
    /// The tip.
    pub tip: TipId,
    /// The revision that readers saw when it was used.
    pub revision: i32,
    /// Who used it.
    pub user: UserId,
    /// What it did.
    pub result: OutcomeResult,
    /// Whether it is taken into the proof.
    pub counting: Counting,
    /// How long the work took.
    pub minutes_spent: Option<i32>,
    /// How much longer it would have taken without the tip.
    pub minutes_saved: Option<i32>,
    /// The machine it was used on.
    pub product: Option<String>,
    /// The job it was used for.
    pub work_order: Option<String>,
    /// What else there is to say.
    pub note: Option<String>,
    /// The client's own name for it, unique per user.
    pub client_id: Option<String>,
    /// When the tip was used.
    pub happened_at: Instant,
    /// When that was told.
    pub reported_at: Instant,
    /// Its place in the change log.
    pub seq: i64,
}

impl OutcomeDraft {
    /// Trims, and refuses what breaks a rule, naming each field.
    pub fn checked(mut self, now: Instant) -> Result<Self, RuleError> {
        let mut errors = Vec::new();
        for (pointer, text, max) in [
            ("/product", &mut self.product, LABEL_MAX),
            ("/work_order", &mut self.work_order, LABEL_MAX),
            ("/note", &mut self.note, NOTE_MAX),
        ] {
            *text = text.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
            if text.as_ref().is_some_and(|text| text.chars().count() > max) {
                errors.push(FieldError::new(pointer, "too_long", format!("at most {max} characters")));
            }
        }
        if let Some(id) = &self.client_id
            && (id.is_empty() || id.len() > CLIENT_ID_MAX || !id.bytes().all(|b| b.is_ascii_graphic()))
        {
            let detail = format!("1 to {CLIENT_ID_MAX} printable ASCII characters without spaces");
            errors.push(FieldError::new("/client_id", "invalid", detail));
        }
        for (pointer, minutes) in [("/minutes_spent", self.minutes_spent), ("/minutes_saved", self.minutes_saved)] {
            if minutes.is_some_and(|minutes| !(0..=MINUTES_MAX).contains(&minutes)) {
                errors.push(FieldError::new(pointer, "invalid", format!("0 to {MINUTES_MAX}")));
            }
        }
        if self.happened_at.is_some_and(|at| at > now) {
            errors.push(FieldError::new("/happened_at", "invalid", "must not be in the future"));
        }
        if self.happened_at.is_some_and(|at| at < now - chrono::Duration::days(DAYS_MAX)) {
            let detail = format!("at most {DAYS_MAX} days ago");
            errors.push(FieldError::new("/happened_at", "invalid", detail));
        }
        if errors.is_empty() { Ok(self) } else { Err(RuleError::Invalid(errors)) }
    }
}

impl Outcome {
    /// What an outcome is told of: the job, or where none is named the day. A person's last word on each counts. The job
    /// stands there as a digest, so that it can be erased.
    pub fn occasion(&self) -> String {
        match &self.work_order {
            Some(work_order) => {
                let digest = Sha256::digest(format!("{} {} {work_order}", self.tip, self.user));
                format!("job {}", hex::encode(digest))
            }
            None => format!("day {}", self.happened_at.format("%Y-%m-%d")),
        }
    }

    /// Whether this is what a draft tells of the same tip: the same request, sent again.
    pub fn is_told_by(&self, draft: &OutcomeDraft) -> bool {
        self.result == draft.result
            && self.minutes_spent == draft.minutes_spent
            && self.minutes_saved == draft.minutes_saved
            && self.work_order == draft.work_order
            && self.note == draft.note
            && draft.happened_at.is_none_or(|at| self.happened_at == at)
            && match (&self.product, &draft.product) {
                (Some(kept), Some(told)) => is_same_product(kept, told),
                (kept, told) => kept == told,
            }
    }
}

/// A product as the tip spells it, where it names the same; as it was told otherwise.
pub fn spelled(told: String, products: &[String]) -> String {
    products.iter().find(|product| is_same_product(product, &told)).cloned().unwrap_or(told)
}

/// Whether two names of a product differ in nothing but case and spaces.
fn is_same_product(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    plain(a) == plain(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> OutcomeDraft {
        OutcomeDraft {
            result: OutcomeResult::Fixed,
            minutes_spent: None,
            minutes_saved: None,
            product: None,
            work_order: None,
            happened_at: None,
            note: None,
            client_id: None,
        }
    }

    fn pointers(draft: OutcomeDraft) -> Vec<String> {
        match draft.checked(Instant::UNIX_EPOCH) {
            Err(RuleError::Invalid(errors)) => errors.into_iter().map(|error| error.pointer).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_field_that_breaks_a_rule_is_named() {
        assert!(draft().checked(Instant::UNIX_EPOCH).is_ok());
        let wrong = OutcomeDraft {
            minutes_spent: Some(-1),
            minutes_saved: Some(MINUTES_MAX + 1),
            product: Some("x".repeat(LABEL_MAX + 1)),
            work_order: Some("ä".repeat(LABEL_MAX + 1)),
            happened_at: Some(Instant::UNIX_EPOCH + chrono::Duration::microseconds(1)),
            note: Some("x".repeat(NOTE_MAX + 1)),
            client_id: Some("a b".to_owned()),
            ..draft()
        };
        let all =
            ["/product", "/work_order", "/note", "/client_id", "/minutes_spent", "/minutes_saved", "/happened_at"];
        assert_eq!(pointers(wrong), all);
        assert_eq!(pointers(OutcomeDraft { client_id: Some(String::new()), ..draft() }), ["/client_id"]);
        let blank = OutcomeDraft { note: Some(" ".to_owned()), ..draft() }.checked(Instant::UNIX_EPOCH).unwrap();
        assert_eq!(blank.note, None);
    }

    #[test]
    fn a_product_is_spelled_as_the_tip_spells_it() {
        let products = ["DocuColor 40".to_owned(), "DocuColor 12".to_owned()];
        for (told, kept) in [("docucolor  40 ", "DocuColor 40"), ("DocuColor 60", "DocuColor 60")] {
            assert_eq!(spelled(told.to_owned(), &products), kept);
        }
    }
}
