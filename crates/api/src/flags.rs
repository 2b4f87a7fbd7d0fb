//! `/v1/flags`, `/v1/tips/{id}/flags`: what readers say is wrong with tips, and the tasks that come of it.

mod body;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use eureka_domain::ids::{TipRef, UserId};
use eureka_service::{FlagQuery, FlagView};

pub(crate) use body::{FlagKindWord, FlagStateWord};

use body::{AssignBody, FlagBody, FlagParams, NewFlagBody, ResolveBody};

use crate::Api;
use crate::body::{Body, OptionalBody};
use crate::caller::Caller;
use crate::conditional::{Expected, tagged};
use crate::idempotency::{Created, IdempotencyKey, answered, changed};
use crate::page::{PageBody, listed, page_request};
use crate::params::Params;
use crate::path::{flag_id, tip_ref};
use crate::problem::{INVALID_PARAMETER, Problem};

/// Say what is wrong with a tip.
///
/// For whoever reads it, each kind once while it is open. It becomes the task of a reviewer who is not credited on the
/// tip, and ends with a reason that you are told. `unsafe` is due at once; from somebody who writes in the community it
/// takes the tip out of every result at once, until a steward releases it.
#[utoipa::path(
    tag = "flags",
    request_body = NewFlagBody,
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat"),
    ),
    responses((status = 201, description = "The flag", body = FlagBody)),
)]
#[post("/tips/{id}/flags")]
pub(crate) async fn flag_tip(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    key: IdempotencyKey,
    body: Body<NewFlagBody>,
) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&id)?;
    let new = body.value.into();
    let once = key.once(body.fingerprint, |view: &FlagView| {
        Created::at(format!("/v1/flags/{}", view.flag.id), Some(view.etag()), &FlagBody::from(view))
    });
    let answer = api.run(move |service| service.flag_tip(&caller.0, tip, new, once)).await?;
    Ok(answered(answer))
}

/// List flags and re-checks, those due first before the others.
///
/// Every one of the communities you review in, and those that you raised yourself.
#[utoipa::path(
    tag = "flags",
    params(FlagParams),
    responses((status = 200, description = "One page of flags", body = PageBody<FlagBody>)),
)]
#[get("/flags")]
pub(crate) async fn list_flags(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<FlagParams>,
) -> Result<HttpResponse, Problem> {
    let params = params.0;
    let page = page_request(params.limit, params.cursor)?;
    let query = FlagQuery {
        open: params.state.map_or(Some(true), FlagStateWord::is_open),
        community: params.community,
        tip: params.tip.map(|tip| named_tip(&tip)).transpose()?,
        kind: params.kind.map(Into::into),
        mine: params.mine.unwrap_or(false),
        overdue: params.overdue.unwrap_or(false),
    };
    let found = api.run(move |service| service.list_flags(&caller.0, query, &page)).await?;
    Ok(listed(&req, found, |flag| FlagBody::from(&flag)))
}

/// Read a flag: the community's reviewers, and whoever raised it.
#[utoipa::path(
    tag = "flags",
    params(("id" = uuid::Uuid, Path, description = "The flag")),
    responses((status = 200, description = "The flag", body = FlagBody)),
)]
#[get("/flags/{id}")]
pub(crate) async fn read_flag(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = flag_id(&id)?;
    let flag = api.run(move |service| service.read_flag(&caller.0, id)).await?;
    tagged(&req, flag.etag(), &FlagBody::from(&flag))
}

/// Take a flag as your task (reviewers), or give it to another reviewer (stewards).
#[utoipa::path(
    tag = "flags",
    request_body(content = Option<AssignBody>, description = "Whose task it becomes; yours unless given"),
    params(
        ("id" = uuid::Uuid, Path, description = "The flag"),
        ("If-Match" = String, Header, description = "The ETag of the state you change"),
    ),
    responses((status = 200, description = "The flag as it is now", body = FlagBody)),
)]
#[post("/flags/{id}/assign")]
pub(crate) async fn assign_flag(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    expected: Expected,
    body: OptionalBody<AssignBody>,
) -> Result<HttpResponse, Problem> {
    let id = flag_id(&id)?;
    let to = body.0.and_then(|body| body.assignee).map(UserId);
    let written = api.run(move |service| service.assign_flag(&caller.0, id, to, expected.0)).await?;
    Ok(changed(written.value.etag(), written.position, &FlagBody::from(&written.value)))
}

/// End a flag, with a reason that whoever raised it is told (reviewers who are not credited on the tip).
///
/// `held` stops the use of the tip as well. `wrong`, `unsafe` and `outdated` that end as `fixed` or `held` while readers
/// still see the text they were raised on return the tip to `not_validated`, and open a re-check. A re-check that ends
/// with `no_action` says that the tip holds as it is: it is validated again.
#[utoipa::path(
    tag = "flags",
    request_body = ResolveBody,
    params(
        ("id" = uuid::Uuid, Path, description = "The flag"),
        ("If-Match" = String, Header, description = "The ETag of the state you change"),
    ),
    responses((status = 200, description = "The flag as it is now", body = FlagBody)),
)]
#[post("/flags/{id}/resolve")]
pub(crate) async fn resolve_flag(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    expected: Expected,
    body: Body<ResolveBody>,
) -> Result<HttpResponse, Problem> {
    let id = flag_id(&id)?;
    let ResolveBody { resolution, reason } = body.value;
    let end = resolution.into();
    let written = api.run(move |service| service.resolve_flag(&caller.0, id, end, reason, expected.0)).await?;
    Ok(changed(written.value.etag(), written.position, &FlagBody::from(&written.value)))
}

/// The tip that a parameter names.
fn named_tip(text: &str) -> Result<TipRef, Problem> {
    text.parse().map_err(|_| Problem::at(&INVALID_PARAMETER, "tip", "invalid", "a tip's id or number"))
}
