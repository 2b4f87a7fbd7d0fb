//! The shapes of tips on the wire.
#![allow(clippy::option_option, reason = "RFC 7396 tells a field that is null from one that is absent")]

use eureka_domain::ids::{GapId, TipId};
use eureka_domain::tip::{Confidence, Replaced, Revision, Safety, State, TipText};
use eureka_domain::workflow::Action;
use eureka_service::{HistoryEntry, NewTip, ReviewBrief, TipChanges, TipView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::attachments::AttachmentBody;
use crate::html::{Files, HtmlBody, Render};
use crate::outcomes::TipProofBody;
use crate::params::AnyOf;
use crate::similar::SimilarTipBody;
use crate::wire::{Person, instant, nullable, present, wire_enum};

wire_enum! {
    /// Where a revision stands.
    StateWord = State {
        Draft = "draft", Submitted = "submitted", InReview = "in_review",
        ChangesRequested = "changes_requested", Published = "published", Rejected = "rejected",
        Withdrawn = "withdrawn", Superseded = "superseded",
    }
}
wire_enum! {
    /// How far a tip can be relied on.
    ConfidenceWord = Confidence {
        WorkInProgress = "work_in_progress", NotValidated = "not_validated",
        Validated = "validated", Archived = "archived",
    }
}
wire_enum! {
    /// How dangerous the work is. Above `none`, `hazard` says why: show it before the solution.
    SafetyWord = Safety { None = "none", Caution = "caution", Danger = "danger" }
}
/// Any of these confidences.
pub(crate) type ConfidenceWords = AnyOf<ConfidenceWord>;
/// Any of these safety levels.
pub(crate) type SafetyWords = AnyOf<SafetyWord>;
wire_enum! {
    /// What can be done to a tip.
    ActionWord = Action {
        Edit = "edit", Submit = "submit", Withdraw = "withdraw", Claim = "claim",
        Release = "release", Approve = "approve", RequestChanges = "request_changes",
        Reject = "reject", Hold = "hold", Unhold = "unhold", Archive = "archive",
        Restore = "restore", Merge = "merge", Supersede = "supersede", Separate = "separate",
        AcceptEdits = "accept_edits", DeclineEdits = "decline_edits",
    }
}
wire_enum! {
    /// How another tip took a tip's place: it says the same, or says it better.
    ReplacedWord = Replaced { Merged = "merged", Superseded = "superseded" }
}

/// The text of a revision.
#[derive(Serialize, ToSchema)]
pub(crate) struct TextBody {
    /// One line that names the problem.
    title: String,
    /// What was seen.
    problem: String,
    /// Why it happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// How dangerous the work is.
    safety: SafetyWord,
    /// The hazard in words: show it before the solution.
    #[serde(skip_serializing_if = "Option::is_none")]
    hazard: Option<String>,
    /// What fixes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    solution: Option<String>,
    /// Problem, cause and solution as HTML, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<HtmlBody>,
    /// Machines it applies to.
    products: Vec<String>,
    /// Fault codes, byte for byte.
    fault_codes: Vec<String>,
    /// Part numbers, byte for byte.
    parts: Vec<String>,
    /// Free labels.
    tags: Vec<String>,
    /// Language: BCP 47 primary subtag.
    #[serde(skip_serializing_if = "Option::is_none")]
    lang: Option<String>,
    /// Photos and documents, as they were added.
    attachments: Vec<AttachmentBody>,
}

impl TextBody {
    /// A text of a tip.
    pub(crate) fn new(tip: TipId, text: &TipText) -> Self {
        Self {
            title: text.title.clone(),
            problem: text.problem.clone(),
            cause: text.cause.clone(),
            safety: text.safety.into(),
            hazard: text.hazard.clone(),
            solution: text.solution.clone(),
            html: None,
            products: text.products.clone(),
            fault_codes: text.fault_codes.clone(),
            parts: text.parts.clone(),
            tags: text.tags.clone(),
            lang: text.lang.clone(),
            attachments: text.attachments.iter().map(|file| AttachmentBody::new(tip, file)).collect(),
        }
    }

    /// The text, with its HTML beside it.
    fn rendered(self) -> Self {
        let html =
            HtmlBody::of(&self.problem, self.cause.as_deref(), self.solution.as_deref(), &Files(&self.attachments));
        Self { html: Some(html), ..self }
    }
}

/// One revision.
#[derive(Serialize, ToSchema)]
pub(crate) struct RevisionBody {
    /// 1, 2, 3 … within the tip.
    revision: i32,
    /// Where it stands.
    state: StateWord,
    /// How often the text has been sent to reviewers since the last approval.
    round: i32,
    /// Who wrote it.
    editor: Uuid,
    #[serde(flatten)]
    text: TextBody,
    /// When it was started.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was sent to reviewers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    submitted_at: Option<String>,
    /// When it was published, sent back, rejected, withdrawn or superseded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    decided_at: Option<String>,
}

impl From<&Revision> for RevisionBody {
    fn from(revision: &Revision) -> Self {
        Self {
            revision: revision.number,
            state: revision.state.into(),
            round: revision.round,
            editor: revision.editor.0,
            text: TextBody::new(revision.tip, &revision.text),
            created_at: instant(revision.created_at),
            submitted_at: revision.submitted_at.map(instant),
            decided_at: revision.decided_at.map(instant),
        }
    }
}

impl RevisionBody {
    /// The revision, with the HTML of its texts beside them.
    pub(crate) fn rendered(self) -> Self {
        Self { text: self.text.rendered(), ..self }
    }
}

/// The open review of a tip.
#[derive(Serialize, ToSchema)]
pub(crate) struct TipReviewBody {
    /// See `/v1/reviews/{id}`.
    id: Uuid,
    /// When the text entered the queue.
    #[schema(format = DateTime)]
    opened_at: String,
    /// When somebody should have taken it up.
    #[schema(format = DateTime)]
    respond_by: String,
    /// When it should have been decided.
    #[schema(format = DateTime)]
    decide_by: String,
    /// How many reviewers have approved.
    approvals: i32,
    /// Who has edited the text and approved it so: you, its author, are asked if you agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_by: Option<Person>,
    /// Who has taken it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed_by: Option<Person>,
    /// When the claim ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    claimed_until: Option<String>,
}

impl From<&ReviewBrief> for TipReviewBody {
    fn from(review: &ReviewBrief) -> Self {
        Self {
            id: review.id.0,
            opened_at: instant(review.opened_at),
            respond_by: instant(review.due.respond_by),
            decide_by: instant(review.due.decide_by),
            approvals: review.approvals,
            edited_by: review.edited_by.as_ref().map(Into::into),
            claimed_by: review.claim.as_ref().map(|(person, _)| person.into()),
            claimed_until: review.claim.as_ref().map(|(_, claim)| instant(claim.until)),
        }
    }
}

/// The tip that took another's place.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplacementBody {
    /// For ever.
    id: Uuid,
    /// The human key.
    #[schema(example = "T-1042")]
    number: String,
    /// How.
    how: ReplacedWord,
}

/// A tip as the caller sees it: the live text, or the newest where none is live.
#[derive(Serialize, ToSchema)]
pub(crate) struct TipBody {
    /// For ever.
    id: Uuid,
    /// The human key.
    #[schema(example = "T-1042")]
    number: String,
    /// The slug of the community that owns it.
    community: String,
    /// Whose name is on it.
    author: Person,
    /// Those whose tips were merged into it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also_by: Vec<Person>,
    /// The tip that took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_by: Option<ReplacementBody>,
    /// The number of the revision shown.
    revision: i32,
    /// Its state.
    state: StateWord,
    /// How far the tip can be relied on.
    confidence: ConfidenceWord,
    /// Stop: do not use this tip now, for this reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<String>,
    /// What its uses say, if any were told.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<TipProofBody>,
    #[serde(flatten)]
    text: TextBody,
    /// The newest revision, where it is not the one shown and you may read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<RevisionBody>,
    /// The open review, where you may know of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<TipReviewBody>,
    /// The approved tips that look most like it, where it has just been sent to reviewers: say how it relates to them at
    /// `/v1/tips/{id}/relations/{other}`. Absent while the index is being made.
    #[serde(skip_serializing_if = "Option::is_none")]
    look_alikes: Option<Vec<SimilarTipBody>>,
    /// What you can do to it now.
    possible: Vec<ActionWord>,
    /// Its name where it was imported from.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// When it was started.
    #[schema(format = DateTime)]
    created_at: String,
    /// When anything you see of it last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// When a revision was first published.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    published_at: Option<String>,
    /// When peers or its use last said that it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    confirmed_at: Option<String>,
}

impl TipBody {
    /// A tip that has just been sent to reviewers.
    pub(crate) fn submitted(view: &TipView, look_alikes: Option<Vec<SimilarTipBody>>) -> Self {
        Self { look_alikes, ..Self::from(view) }
    }

    /// The tip, with the HTML of its texts beside them.
    pub(crate) fn rendered(self) -> Self {
        Self { text: self.text.rendered(), pending: self.pending.map(RevisionBody::rendered), ..self }
    }
}

impl From<&TipView> for TipBody {
    fn from(view: &TipView) -> Self {
        Self {
            id: view.tip.id.0,
            number: view.tip.number.to_string(),
            community: view.community.clone(),
            author: (&view.author).into(),
            also_by: view.also_by.iter().map(Into::into).collect(),
            replaced_by: view.tip.replaced.zip(view.replaced_by).map(|(replaced, number)| ReplacementBody {
                id: replaced.by.0,
                number: number.to_string(),
                how: replaced.how.into(),
            }),
            revision: view.shown.number,
            state: view.shown.state.into(),
            confidence: view.tip.confidence.into(),
            hold: view.tip.hold.clone(),
            proof: TipProofBody::of(view),
            text: TextBody::new(view.tip.id, &view.shown.text),
            pending: view.pending.as_ref().map(Into::into),
            review: view.review.as_ref().map(Into::into),
            look_alikes: None,
            possible: view.possible.iter().map(|&action| action.into()).collect(),
            external_id: view.tip.external_id.clone(),
            created_at: instant(view.tip.created_at),
            updated_at: instant(view.tip.updated_at),
            published_at: view.tip.published_at.map(instant),
            confirmed_at: view.confirmed_at.map(instant),
        }
    }
}

/// A tip to be written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "community": "office-printers",
    "title": "DocuColor 40: intermittent 3396, clean the two fuse holders first",
    "problem": "3396 comes and goes; power cycling helps for an hour.",
    "cause": "The two fuse holders on the rear frame oxidise.",
    "solution": "Power off, pull both fuses, polish or replace the holders.",
    "products": ["DocuColor 40"],
    "fault_codes": ["3396"],
    "safety": "danger",
    "hazard": "Mains at the fuse holders: unplug and wait five minutes.",
    "lang": "en",
    "submit": true,
}))]
pub(crate) struct NewTipBody {
    /// The slug of the community that will own it.
    community: String,
    /// One line that names the problem, up to 300 characters.
    title: String,
    /// What was seen.
    problem: String,
    /// Why it happens, where known.
    cause: Option<String>,
    /// What fixes it, where known.
    solution: Option<String>,
    /// Machines it applies to.
    #[serde(default)]
    products: Vec<String>,
    /// Fault codes, byte for byte.
    #[serde(default)]
    fault_codes: Vec<String>,
    /// Part numbers, byte for byte.
    #[serde(default)]
    parts: Vec<String>,
    /// Free labels; kept in lower case.
    #[serde(default)]
    tags: Vec<String>,
    /// How dangerous the work is; `none` unless given.
    safety: Option<SafetyWord>,
    /// The hazard in words; owed when `safety` is not `none`.
    hazard: Option<String>,
    /// Language: BCP 47 primary subtag; detected when absent.
    lang: Option<String>,
    /// Send it to reviewers at once.
    #[serde(default)]
    submit: bool,
    /// The gap that it answers: closed when the tip is approved. See `/v1/gaps`.
    gap: Option<Uuid>,
}

impl From<NewTipBody> for NewTip {
    fn from(body: NewTipBody) -> Self {
        let text = TipText {
            title: body.title,
            problem: body.problem,
            cause: body.cause,
            solution: body.solution,
            products: body.products,
            fault_codes: body.fault_codes,
            parts: body.parts,
            tags: body.tags,
            safety: body.safety.map_or(Safety::None, Into::into),
            hazard: body.hazard,
            attachments: Vec::new(),
            lang: body.lang,
        };
        Self { community: body.community, text, submit: body.submit, gap: body.gap.map(GapId) }
    }
}

/// What to change of a text (RFC 7396): what is not named stays, `null` removes what may be absent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TipPatch {
    /// One line that names the problem.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    title: Option<String>,
    /// What was seen.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    problem: Option<String>,
    /// Why it happens.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    cause: Option<Option<String>>,
    /// What fixes it.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    solution: Option<Option<String>>,
    /// Machines it applies to.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<String>>)]
    products: Option<Option<Vec<String>>>,
    /// Fault codes.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<String>>)]
    fault_codes: Option<Option<Vec<String>>>,
    /// Part numbers.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<String>>)]
    parts: Option<Option<Vec<String>>>,
    /// Free labels.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<String>>)]
    tags: Option<Option<Vec<String>>>,
    /// How dangerous the work is.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<SafetyWord>)]
    safety: Option<Option<SafetyWord>>,
    /// The hazard in words.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    hazard: Option<Option<String>>,
    /// Language.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    lang: Option<Option<String>>,
}

impl From<TipPatch> for TipChanges {
    fn from(patch: TipPatch) -> Self {
        Self {
            title: patch.title,
            problem: patch.problem,
            cause: patch.cause,
            solution: patch.solution,
            products: patch.products.map(Option::unwrap_or_default),
            fault_codes: patch.fault_codes.map(Option::unwrap_or_default),
            parts: patch.parts.map(Option::unwrap_or_default),
            tags: patch.tags.map(Option::unwrap_or_default),
            safety: patch.safety.map(|safety| safety.map_or(Safety::None, Into::into)),
            hazard: patch.hazard,
            lang: patch.lang,
        }
    }
}

/// A reason that those concerned are owed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonBody {
    /// Why, in words.
    pub(crate) reason: String,
}

/// A reason, if there is one to give.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OptionalReasonBody {
    /// Why, in words.
    pub(crate) reason: Option<String>,
}

/// How to read a tip.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TipReadParams {
    /// `false` reads a merged tip itself.
    #[param(default = true)]
    pub(crate) redirect: Option<bool>,
    /// `html`: have the Markdown of the texts as HTML that is safe to show, beside the source.
    #[param(inline)]
    pub(crate) render: Option<Render>,
}

/// How to read a tip as a page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TipPageParams {
    /// `false` reads a merged tip itself.
    #[param(default = true)]
    pub(crate) redirect: Option<bool>,
}

/// Which tips to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TipParams {
    /// Of the community with this slug.
    pub(crate) community: Option<String>,
    /// By this author, or with what they wrote merged into it.
    pub(crate) author: Option<Uuid>,
    /// Whose newest revision that you see is in this state.
    pub(crate) state: Option<StateWord>,
    /// Of this confidence.
    pub(crate) confidence: Option<ConfidenceWord>,
    /// For this product, as written.
    pub(crate) product: Option<String>,
    /// With this fault code, as written.
    pub(crate) fault_code: Option<String>,
    /// With this tag.
    pub(crate) tag: Option<String>,
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(crate) limit: Option<i64>,
    /// The `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

/// One thing that happened to a tip.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryBody {
    /// Its position in the change log.
    position: i64,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// What happened.
    #[schema(example = "tip.published")]
    kind: &'static str,
    /// Who did it; absent for the system itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Person>,
    /// The revision it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<i32>,
    /// The revision's state before.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<StateWord>,
    /// The revision's state after.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<StateWord>,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Why, from the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_code: Option<String>,
    /// What it was before: the confidence, or the revision's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<String>,
    /// What it is now: the confidence, the revision's number, or the number of the tip that took its place or that it
    /// relates to; or what the attachment is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// The review, flag, outcome, gap, attachment or other tip it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Uuid>,
}

impl From<&HistoryEntry> for HistoryBody {
    fn from(entry: &HistoryEntry) -> Self {
        Self {
            position: entry.change.seq,
            at: instant(entry.change.at),
            kind: entry.change.kind.word(),
            actor: entry.actor.as_ref().map(Into::into),
            revision: entry.change.revision,
            from: entry.change.from.map(Into::into),
            to: entry.change.to.map(Into::into),
            reason: entry.facts.reason.clone(),
            reason_code: entry.facts.reason_code.clone(),
            was: entry.facts.was.clone(),
            value: entry.facts.value.clone(),
            subject: entry.change.subject,
        }
    }
}
