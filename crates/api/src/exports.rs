//! `/v1/exports`: moving tips out.

use std::collections::VecDeque;

use actix_web::http::header::LINK;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, get};
use eureka_domain::access;
use eureka_domain::ids::UserId;
use eureka_service::{ExportPage, ServiceError, TipQuery, TipView};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::Api;
use crate::caller::Caller;
use crate::idempotency::POSITION;
use crate::outcomes::TipProofBody;
use crate::params::Params;
use crate::problem::Problem;
use crate::tips::{ConfidenceWord, TextBody};
use crate::wire::{Person, instant};

/// One tip to a line.
pub(crate) const NDJSON: &str = "application/x-ndjson";

/// A tip as it is moved out: `POST /v1/imports` takes it in elsewhere.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01930000-0000-7000-8000-000000000001", "number": "T-1042", "community": "office-printers",
    "author": {"id": "01930000-0000-7000-8000-000000000007", "name": "Ana Duarte"}, "revision": 2,
    "confidence": "validated", "title": "DocuColor 40: intermittent 3396, clean the two fuse holders first",
    "problem": "3396 comes and goes.", "safety": "danger", "hazard": "Mains at the fuse holders.",
    "solution": "Polish or replace the holders.", "products": ["DocuColor 40"], "fault_codes": ["3396"], "parts": [],
    "tags": [], "lang": "en", "attachments": [], "published_at": "2026-11-24T09:12:00.000000Z", "updated_at": "2026-11-24T09:12:00.000000Z",
}))]
pub(crate) struct ExportedTip {
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
    #[schema(required = false)]
    also_by: Vec<Person>,
    /// The number of the revision that readers see.
    revision: i32,
    /// How far the tip can be relied on.
    confidence: ConfidenceWord,
    /// What its uses say, if any were told.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<TipProofBody>,
    #[serde(flatten)]
    text: TextBody,
    /// Its name where it was imported from.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// When a revision was first published.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    published_at: Option<String>,
    /// When the text that readers see was published.
    #[schema(format = DateTime)]
    updated_at: String,
    /// When peers or its use last said that it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    confirmed_at: Option<String>,
}

impl From<&TipView> for ExportedTip {
    fn from(view: &TipView) -> Self {
        Self {
            id: view.tip.id.0,
            number: view.tip.number.to_string(),
            community: view.community.clone(),
            author: (&view.author).into(),
            also_by: view.also_by.iter().map(Into::into).collect(),
            revision: view.shown.number,
            confidence: view.tip.confidence.into(),
            proof: TipProofBody::of(view),
            text: TextBody::new(view.tip.id, &view.shown.text),
            external_id: view.tip.external_id.clone(),
            published_at: view.tip.published_at.map(instant),
            updated_at: instant(view.shown.decided_at.unwrap_or(view.shown.updated_at)),
            confirmed_at: view.confirmed_at.map(instant),
        }
    }
}

/// Which tips to move out.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportParams {
    /// Of the community with this slug.
    community: Option<String>,
    /// By this author, or with what they wrote merged into it.
    author: Option<Uuid>,
    /// Of this confidence.
    confidence: Option<ConfidenceWord>,
    /// For this product, as written.
    product: Option<String>,
    /// With this fault code, as written.
    fault_code: Option<String>,
    /// With this tag.
    tag: Option<String>,
}

/// Move tips out: all that you find, one JSON object to a line, in the order of their ids.
///
/// These are the approved tips that you may read, in the text that readers see; none that is held, archived or replaced by
/// another. The reply is sent as it is read: one that breaks off before its end (chunked coding tells) is not whole. What
/// changes meanwhile may be in it or not; the `Link` with `rel="monitor"` leads to `/v1/changes` from the place where the
/// export began, so that a copy misses nothing.
#[utoipa::path(
    tag = "moving",
    params(ExportParams),
    responses((
        status = 200,
        description = "The tips, one to a line; the schema is that of a line",
        body = ExportedTip,
        content_type = "application/x-ndjson",
        headers(
            ("Eureka-Position" = i64, description = "The place in the log at which the export began"),
            ("Link" = String, description = "`rel=\"monitor\"`: where a copy goes on to follow"),
        ),
    )),
)]
#[get("/exports/tips")]
pub(crate) async fn export_tips(
    api: Data<Api>,
    caller: Caller,
    params: Params<ExportParams>,
) -> Result<HttpResponse, Problem> {
    let params = params.0;
    let query = TipQuery {
        community: params.community,
        author: params.author.map(UserId),
        state: None,
        confidence: params.confidence.map(Into::into),
        product: params.product,
        fault_code: params.fault_code,
        tag: params.tag,
    };
    let caller = caller.0;
    let first = page(&api, &caller, &query, None).await?;
    let follow = format!("</v1/changes?after={}>; rel=\"monitor\"", first.follow);
    let position = first.follow.position().to_string();
    let pages = stream::try_unfold(VecDeque::from([Ok(first)]), move |mut at_hand| {
        let (api, caller, query) = (api.clone(), caller.clone(), query.clone());
        async move {
            let page = match at_hand.pop_front() {
                Some(Ok(page)) => page,
                Some(Err(after)) => page(&api, &caller, &query, Some(after)).await?,
                None => return Ok(None),
            };
            at_hand.extend(page.next.map(Err));
            Ok::<_, Problem>(Some((lines(&page)?, at_hand)))
        }
    });
    let mut reply = HttpResponse::Ok();
    reply.content_type(NDJSON).insert_header((LINK, follow)).insert_header((POSITION, position));
    Ok(reply.streaming(pages))
}

async fn page(
    api: &Api,
    caller: &access::Caller,
    query: &TipQuery,
    after: Option<eureka_domain::ids::TipId>,
) -> Result<ExportPage, Problem> {
    let (caller, query) = (caller.clone(), query.clone());
    api.run(move |service| service.export_tips(&caller, &query, after)).await
}

/// One tip to a line.
fn lines(page: &ExportPage) -> Result<Bytes, Problem> {
    let mut lines = Vec::new();
    for tip in &page.tips {
        serde_json::to_writer(&mut lines, &ExportedTip::from(tip))
            .map_err(|error| ServiceError::Internal(error.to_string()))?;
        lines.push(b'\n');
    }
    Ok(lines.into())
}
