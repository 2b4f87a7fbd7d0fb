//! The shapes of the reviewer's one call, and of what is said in a review.

use eureka_domain::checklist::{Check, Item};
use eureka_domain::ids::CommentId;
use eureka_service::{CommentView, EarlierReason, NewComment, ReviewDesk};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::body::{ReasonWord, ReviewBody, VerdictWord};
use crate::diff::{FieldDiffBody, FieldWord, FileDiffBody};
use crate::html::{Render, html};
use crate::relations::RelationBody;
use crate::similar::SimilarTipBody;
use crate::wire::{self, instant, wire_enum};

wire_enum! {
    /// What is looked at.
    CheckItemWord = Item {
        TitleSaysWhat = "title_says_what", SolutionGiven = "solution_given", ProductNamed = "product_named",
        CodesListed = "codes_listed", HazardConsidered = "hazard_considered", NoPersonalData = "no_personal_data",
    }
}

/// A review, with all that it takes to decide it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewDeskBody {
    /// The review.
    #[serde(flatten)]
    review: ReviewBody,
    /// What the text under review changes of the one that readers see.
    changes: Vec<FieldDiffBody>,
    /// What it attaches and what it takes away: those that went, then those that came.
    changed_attachments: Vec<FileDiffBody>,
    /// What the reviewer named in `edited_by` changed in the text before.
    edits: Vec<FieldDiffBody>,
    /// What a program can tell of the text: hints, never a verdict.
    checklist: Vec<CheckBody>,
    /// How many approvals were given to earlier texts and do not count for this one.
    stale_approvals: usize,
    /// What the author was told about texts in this community, the newest first.
    author_reasons: Vec<EarlierReasonBody>,
    /// What the author says of tips that look like it.
    relations: Vec<RelationBody>,
    /// What was said in this review, oldest first; at most 100.
    comments: Vec<CommentBody>,
    /// The approved tips that look most like the text, and why; absent while the index is being made.
    #[serde(skip_serializing_if = "Option::is_none")]
    look_alikes: Option<Vec<SimilarTipBody>>,
}

impl ReviewDeskBody {
    pub(crate) fn new(desk: &ReviewDesk, look_alikes: Option<Vec<SimilarTipBody>>) -> Self {
        Self {
            review: (&desk.detail).into(),
            changes: desk.changes.iter().map(Into::into).collect(),
            changed_attachments: desk.files.iter().map(|file| FileDiffBody::new(desk.detail.tip.id, file)).collect(),
            edits: desk.edits.iter().map(Into::into).collect(),
            checklist: desk.checklist.iter().map(Into::into).collect(),
            stale_approvals: desk.stale_approvals,
            author_reasons: desk.reasons.iter().map(Into::into).collect(),
            relations: desk.relations.iter().map(Into::into).collect(),
            comments: desk.comments.iter().map(Into::into).collect(),
            look_alikes,
        }
    }

    /// The review, with the HTML of its texts and of what was said beside them.
    pub(crate) fn rendered(self) -> Self {
        let comments = self.comments.into_iter().map(CommentBody::rendered).collect();
        Self { review: self.review.rendered(), comments, ..self }
    }
}

/// One thing that was looked at.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckBody {
    /// What.
    item: CheckItemWord,
    /// Whether it is as it should be.
    holds: bool,
    /// What was found that should not be there, or is missing from a list.
    found: Vec<String>,
}

impl From<&Check> for CheckBody {
    fn from(check: &Check) -> Self {
        Self { item: check.item.into(), holds: check.holds, found: check.found.clone() }
    }
}

/// What a reviewer told the author about an earlier text.
#[derive(Serialize, ToSchema)]
pub(crate) struct EarlierReasonBody {
    /// The number of the tip.
    #[schema(example = "T-1042")]
    tip: String,
    /// What was decided.
    verdict: VerdictWord,
    /// Why, from the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonWord>,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    decided_at: String,
}

impl From<&EarlierReason> for EarlierReasonBody {
    fn from(earlier: &EarlierReason) -> Self {
        Self {
            tip: earlier.tip.to_string(),
            verdict: VerdictWord::of(&earlier.decision),
            reason: earlier.decision.reason.map(Into::into),
            comment: earlier.decision.comment.clone(),
            decided_at: instant(earlier.decision.at),
        }
    }
}

/// Something that was said in a review.
#[derive(Serialize, ToSchema)]
pub(crate) struct CommentBody {
    /// For ever.
    id: Uuid,
    /// Who said it.
    author: wire::Person,
    /// What.
    text: String,
    /// The text as HTML that is safe to show, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
    /// The field it is about; absent where it is about the whole text.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<FieldWord>,
    /// The comment that began the thread; absent for that one itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Uuid>,
    /// When.
    #[schema(format = DateTime)]
    at: String,
}

impl CommentBody {
    /// The comment, with its HTML beside it.
    pub(crate) fn rendered(self) -> Self {
        Self { html: Some(html(&self.text)), ..self }
    }
}

impl From<&CommentView> for CommentBody {
    fn from(view: &CommentView) -> Self {
        Self {
            id: view.comment.id.0,
            author: (&view.author).into(),
            text: view.comment.text.clone(),
            html: None,
            field: view.comment.field.map(Into::into),
            reply_to: view.comment.reply_to.map(|id| id.0),
            at: instant(view.comment.at),
        }
    }
}

/// Which page of what was said, and how.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommentParams {
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(crate) limit: Option<i64>,
    /// The `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// `html`: have the Markdown of the texts as HTML that is safe to show, beside the source.
    #[param(inline)]
    pub(crate) render: Option<Render>,
}

/// Something to say in a review.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "Which of the two fuses?", "field": "solution"}))]
pub(crate) struct NewCommentBody {
    /// What to say, up to 10,000 characters.
    text: String,
    /// The field it is about; a reply is about what its thread is about.
    field: Option<FieldWord>,
    /// The comment it answers.
    reply_to: Option<Uuid>,
}

impl From<NewCommentBody> for NewComment {
    fn from(body: NewCommentBody) -> Self {
        Self { text: body.text, field: body.field.map(Into::into), reply_to: body.reply_to.map(CommentId) }
    }
}
