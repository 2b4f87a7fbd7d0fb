//! `/v1/tips/{id}/outcomes`: what happened when a tip was used.

mod body;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use eureka_service::{OutcomeQuery, OutcomeView};

pub(crate) use body::{CountingWord, ProofBody, TipProofBody};

use body::{NewOutcomeBody, OutcomeBody, OutcomeParams};

use crate::Api;
use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::tagged;
use crate::idempotency::{Created, IdempotencyKey, answered};
use crate::page::{PageBody, listed, page_request};
use crate::params::Params;
use crate::path::{outcome_id, tip_ref};
use crate::problem::{INVALID_PARAMETER, Problem};

/// Tell what using a tip did: `{"result": "fixed"}` is enough.
///
/// For whoever reads the tip. Your last word on a work order counts, or on a day where you name none. What those tell
/// whose words are in the tip is kept, and never counts. With a `client_id` of your own the request is safe to repeat for
/// ever: the same outcome is answered again.
#[utoipa::path(
    tag = "outcomes",
    request_body = NewOutcomeBody,
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat"),
    ),
    responses((status = 201, description = "The outcome", body = OutcomeBody)),
)]
#[post("/tips/{id}/outcomes")]
pub(crate) async fn record_outcome(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    key: IdempotencyKey,
    body: Body<NewOutcomeBody>,
) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&id)?;
    let draft = body.value.into();
    let once = key.once(body.fingerprint, |view: &OutcomeView| {
        let location = format!("/v1/tips/{}/outcomes/{}", view.outcome.tip, view.outcome.id);
        Created::at(location, Some(view.etag()), &OutcomeBody::from(view))
    });
    let answer = api.run(move |service| service.record_outcome(&caller.0, tip, draft, once)).await?;
    Ok(answered(answer))
}

/// List what using a tip did, the last told first.
///
/// All of it for those who write in the tip's community, your own for everybody else. Who told it, and for which work
/// order, is for the community's reviewers: with `since_revision`, they see who used a tip since it went bad.
#[utoipa::path(
    tag = "outcomes",
    params(("id" = String, Path, description = "The tip's id or number"), OutcomeParams),
    responses((status = 200, description = "One page of outcomes", body = PageBody<OutcomeBody>)),
)]
#[get("/tips/{id}/outcomes")]
pub(crate) async fn list_outcomes(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
    params: Params<OutcomeParams>,
) -> Result<HttpResponse, Problem> {
    let (tip, params) = (tip_ref(&id)?, params.0);
    let page = page_request(params.limit, params.cursor)?;
    if params.since_revision.is_some_and(|number| number < 1) {
        return Err(Problem::at(&INVALID_PARAMETER, "since_revision", "invalid", "revisions are counted from 1"));
    }
    let query = OutcomeQuery {
        since_revision: params.since_revision,
        counting: params.counting.map(Into::into),
        mine: params.mine.unwrap_or(false),
    };
    let found = api.run(move |service| service.list_outcomes(&caller.0, tip, query, &page)).await?;
    Ok(listed(&req, found, |outcome| OutcomeBody::from(&outcome)))
}

/// Read one outcome.
#[utoipa::path(
    tag = "outcomes",
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("outcome_id" = uuid::Uuid, Path, description = "The outcome"),
    ),
    responses((status = 200, description = "The outcome", body = OutcomeBody)),
)]
#[get("/tips/{id}/outcomes/{outcome_id}")]
pub(crate) async fn read_outcome(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (tip, id) = (tip_ref(&path.0)?, outcome_id(&path.1)?);
    let outcome = api.run(move |service| service.read_outcome(&caller.0, tip, id)).await?;
    tagged(&req, outcome.etag(), &OutcomeBody::from(&outcome))
}
