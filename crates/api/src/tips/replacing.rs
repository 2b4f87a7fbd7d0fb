//! `/v1/tips/{id}/merge`, `/supersede`, `/revert`, and what revisions change of each other.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use eureka_domain::ids::TipRef;
use eureka_domain::tip::Replaced;
use eureka_service::{RevisionDiff, entity_tag};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{TipBody, change};
use crate::Api;
use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::{Expected, tagged};
use crate::diff::{FieldDiffBody, FileDiffBody};
use crate::params::Params;
use crate::path::{revision_number, tip_ref};
use crate::problem::{Problem, VALIDATION_FAILED};

/// The tip that says the same, and why you think so.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"into": "T-1042", "reason": "The same fix for the same fault."}))]
pub(crate) struct MergeBody {
    /// The id or number of a tip of the same community that readers find.
    into: String,
    /// Why, in words.
    reason: String,
}

/// The tip that says it better, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"by": "T-1042", "reason": "The holders were redesigned."}))]
pub(crate) struct SupersedeBody {
    /// The id or number of a tip of the same community that readers find.
    by: String,
    /// Why, in words.
    reason: String,
}

/// The revision to take up again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": 1}))]
pub(crate) struct RevertBody {
    /// The number of the revision.
    to: i32,
    /// Why, in words.
    reason: Option<String>,
}

/// What to compare a revision with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiffParams {
    /// The number of the older revision; the one before unless given.
    from: Option<i32>,
}

/// What one revision changes of another.
#[derive(Serialize, ToSchema)]
pub(crate) struct DiffBody {
    /// The number of the old one.
    from: i32,
    /// The number of the new one.
    to: i32,
    /// The fields that differ.
    changes: Vec<FieldDiffBody>,
    /// The attachments that differ: those that went, then those that came.
    attachments: Vec<FileDiffBody>,
}

impl From<&RevisionDiff> for DiffBody {
    fn from(diff: &RevisionDiff) -> Self {
        Self {
            from: diff.from,
            to: diff.to,
            changes: diff.changes.iter().map(Into::into).collect(),
            attachments: diff.files.iter().map(|file| FileDiffBody::new(diff.tip, file)).collect(),
        }
    }
}

/// Merge a published tip into another that says the same (stewards).
///
/// It leaves every result and its id leads to the other one, where its author is named and what speaks for it counts.
#[utoipa::path(
    tag = "tips",
    request_body = MergeBody,
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("If-Match" = String, Header, description = "The ETag of the state you change"),
    ),
    responses((status = 200, description = "The tip as it is now", body = TipBody)),
)]
#[post("/tips/{id}/merge")]
pub(crate) async fn merge_tip(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    expected: Expected,
    body: Body<MergeBody>,
) -> Result<HttpResponse, Problem> {
    let MergeBody { into, reason } = body.value;
    let by = named(&into, "/into")?;
    let merged = Replaced::Merged;
    change(&api, &id, move |service, tip| service.replace_tip(&caller.0, tip, by, merged, reason, expected.0)).await
}

/// Have a better tip take a published tip's place (stewards); the old one stays readable and names the new one.
#[utoipa::path(
    tag = "tips",
    request_body = SupersedeBody,
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("If-Match" = String, Header, description = "The ETag of the state you change"),
    ),
    responses((status = 200, description = "The tip as it is now", body = TipBody)),
)]
#[post("/tips/{id}/supersede")]
pub(crate) async fn supersede_tip(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    expected: Expected,
    body: Body<SupersedeBody>,
) -> Result<HttpResponse, Problem> {
    let SupersedeBody { by, reason } = body.value;
    let by = named(&by, "/by")?;
    let superseded = Replaced::Superseded;
    change(&api, &id, move |service, tip| service.replace_tip(&caller.0, tip, by, superseded, reason, expected.0)).await
}

/// Take up the text of an earlier revision again.
///
/// As an edit does, it rewrites the draft or starts the next revision, which is reviewed like any other.
#[utoipa::path(
    tag = "tips",
    request_body = RevertBody,
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("If-Match" = String, Header, description = "The ETag of the state you change"),
    ),
    responses((status = 200, description = "The tip as it is now", body = TipBody)),
)]
#[post("/tips/{id}/revert")]
pub(crate) async fn revert_tip(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    expected: Expected,
    body: Body<RevertBody>,
) -> Result<HttpResponse, Problem> {
    let RevertBody { to, reason } = body.value;
    change(&api, &id, move |service, tip| service.revert_tip(&caller.0, tip, to, reason, expected.0)).await
}

/// Tell what a revision changes of another, field by field and word by word.
#[utoipa::path(
    tag = "tips",
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("n" = i32, Path, description = "The revision's number, from 1"),
        DiffParams,
    ),
    responses((status = 200, description = "What differs", body = DiffBody)),
)]
#[get("/tips/{id}/revisions/{n}/diff")]
pub(crate) async fn diff_revisions(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    path: Path<(String, String)>,
    params: Params<DiffParams>,
) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&path.0)?;
    let number = revision_number(&path.1)?;
    let from = params.0.from;
    let diff = api.run(move |service| service.diff_revisions(&caller.0, tip, number, from)).await?;
    tagged(&req, entity_tag(&diff), &DiffBody::from(&diff))
}

/// The tip that a body names; anything else names none.
pub(crate) fn named(text: &str, pointer: &'static str) -> Result<TipRef, Problem> {
    text.parse().map_err(|_| Problem::at(&VALIDATION_FAILED, pointer, "invalid", "a tip's id or number"))
}
