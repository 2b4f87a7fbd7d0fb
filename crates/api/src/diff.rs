//! What two texts differ in, on the wire.

use eureka_domain::diff::{Fate, FieldDiff, FileDiff, Part};
use eureka_domain::ids::TipId;
use eureka_domain::tip::Field;
use serde::Serialize;
use utoipa::ToSchema;

use crate::attachments::AttachmentBody;
use crate::wire::wire_enum;

wire_enum! {
    /// A part of a text.
    FieldWord = Field {
        Title = "title", Problem = "problem", Cause = "cause", Solution = "solution", Products = "products",
        FaultCodes = "fault_codes", Parts = "parts", Tags = "tags", Safety = "safety", Hazard = "hazard", Lang = "lang",
    }
}
wire_enum! {
    /// What became of a piece of text.
    FateWord = Fate { Kept = "kept", Removed = "removed", Added = "added" }
}

/// A field that is not the same in two texts.
#[derive(Serialize, ToSchema)]
pub(crate) struct FieldDiffBody {
    /// Which.
    field: FieldWord,
    /// What stayed, went and came: words of a text in their order, or whole labels.
    parts: Vec<DiffPart>,
}

/// A file that only one of two texts has.
#[derive(Serialize, ToSchema)]
pub(crate) struct FileDiffBody {
    /// Whether it went or came.
    fate: FateWord,
    /// The file.
    attachment: AttachmentBody,
}

impl FileDiffBody {
    /// A file of a tip.
    pub(crate) fn new(tip: TipId, diff: &FileDiff) -> Self {
        Self { fate: diff.fate.into(), attachment: AttachmentBody::new(tip, &diff.file) }
    }
}

/// A piece of a field.
#[derive(Serialize, ToSchema)]
pub(crate) struct DiffPart {
    /// What became of it.
    fate: FateWord,
    /// What it says.
    text: String,
}

impl From<&FieldDiff> for FieldDiffBody {
    fn from(diff: &FieldDiff) -> Self {
        let part = |part: &Part| DiffPart { fate: part.fate.into(), text: part.text.clone() };
        Self { field: diff.field.into(), parts: diff.parts.iter().map(part).collect() }
    }
}
