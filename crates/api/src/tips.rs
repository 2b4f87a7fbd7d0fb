//! `/v1/tips`: writing, reading, sending to review, taking back, holding and archiving.

mod body;
mod markdown;
mod replacing;

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use eureka_domain::ids::{TipRef, UserId};
use eureka_service::{NewTip, Service, ServiceError, SimilarText, TipQuery, TipView, Written, entity_tag};

pub(crate) use body::{
    ActionWord, ConfidenceWord, ConfidenceWords, HistoryBody, NewTipBody, OptionalReasonBody, ReasonBody, RevisionBody,
    SafetyWord, SafetyWords, TextBody, TipBody, TipPageParams, TipParams, TipPatch, TipReadParams,
};
pub(crate) use markdown::{page, read_tip_page};
pub(crate) use replacing::{diff_revisions, merge_tip, named, revert_tip, supersede_tip};

use crate::Api;
use crate::body::{Body, OptionalBody};
use crate::caller::Caller;
use crate::conditional::{Expected, known, tagged};
use crate::html::{self, RenderParams};
use crate::idempotency::{Created, IdempotencyKey, answered, changed};
use crate::page::{PageBody, listed, listed_whole, page_request};
use crate::params::Params;
use crate::path::{revision_number, tip_ref};
use crate::problem::Problem;
use crate::similar::{LOOK_ALIKES, SimilarTipBody, similar_items};

/// Write a tip.
///
/// Starts a draft that only you see; with `submit: true` it goes to the community's reviewers at once.
#[utoipa::path(
    tag = "tips",
    request_body = NewTipBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat")),
    responses((status = 201, description = "The tip", body = TipBody)),
)]
#[post("/tips")]
pub(crate) async fn create_tip(
    api: Data<Api>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<NewTipBody>,
) -> Result<HttpResponse, Problem> {
    let new: NewTip = body.value.into();
    let look_alikes = if new.submit { look_alikes(&api, &caller, SimilarText::from(&new.text)).await } else { None };
    let once = key.once(body.fingerprint, |tip: &TipView| {
        Created::at(format!("/v1/tips/{}", tip.tip.id), Some(tip.etag()), &TipBody::submitted(tip, look_alikes))
    });
    let answer = api.run(move |service| service.create_tip(&caller.0, new, once)).await?;
    Ok(answered(answer))
}

/// List the tips you may see, newest first.
#[utoipa::path(
    tag = "tips",
    params(TipParams),
    responses((status = 200, description = "One page of tips", body = PageBody<TipBody>)),
)]
#[get("/tips")]
pub(crate) async fn list_tips(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<TipParams>,
) -> Result<HttpResponse, Problem> {
    let params = params.0;
    let page = page_request(params.limit, params.cursor)?;
    let query = TipQuery {
        community: params.community,
        author: params.author.map(UserId),
        state: params.state.map(Into::into),
        confidence: params.confidence.map(Into::into),
        product: params.product,
        fault_code: params.fault_code,
        tag: params.tag,
    };
    let found = api.run(move |service| service.list_tips(&caller.0, query, &page)).await?;
    Ok(listed(&req, found, |tip| TipBody::from(&tip)))
}

/// Read a tip by its id or its number.
///
/// The id of a tip that was merged into another leads to that one.
#[utoipa::path(
    tag = "tips",
    params(("id" = String, Path, description = "The tip's id or number", example = "T-1042"), TipReadParams),
    responses(
        (status = 200, description = "The tip as you see it", body = TipBody),
        (
            status = 307,
            description = "It was merged into another tip",
            headers(("Location" = String, description = "The other tip")),
        ),
    ),
)]
#[get("/tips/{id}")]
pub(crate) async fn read_tip(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
    params: Params<TipReadParams>,
) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&id)?;
    let view = api.run(move |service| service.read_tip(&caller.0, tip)).await?;
    let form = if params.0.render.is_some() { "?render=html" } else { "" };
    if let Some(elsewhere) = where_it_went(&view, params.0.redirect, form) {
        return Ok(elsewhere);
    }
    let body = TipBody::from(&view);
    if params.0.render.is_none() {
        return tagged(&req, view.etag(), &body);
    }
    let etag = html::tag(&view.etag());
    match known(&req, &etag)? {
        Some(reply) => Ok(reply),
        None => tagged(&req, etag, &api.render(|| body.rendered()).await?),
    }
}

/// The way to the tip that a tip was merged into, unless the reader would rather see the tip itself.
fn where_it_went(view: &TipView, redirect: Option<bool>, form: &str) -> Option<HttpResponse> {
    let number = view.merged_into().filter(|_| redirect.unwrap_or(true))?;
    let location = (LOCATION, format!("/v1/tips/{number}{form}"));
    Some(HttpResponse::TemporaryRedirect().insert_header(location).finish())
}

/// Edit the draft, or start the next revision.
///
/// What readers see stays as it is until reviewers approve the new text. Editing a text under review puts the new one in
/// its place in the queue; approvals of the old one no longer count.
#[utoipa::path(
    tag = "tips",
    request_body(content = TipPatch, content_type = "application/merge-patch+json"),
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("If-Match" = String, Header, description = "The ETag of the state you change"),
    ),
    responses((status = 200, description = "The tip as it is now", body = TipBody)),
)]
#[patch("/tips/{id}")]
pub(crate) async fn edit_tip(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    expected: Expected,
    body: Body<TipPatch>,
) -> Result<HttpResponse, Problem> {
    let changes = body.value.into();
    change(&api, &id, move |service, tip| service.edit_tip(&caller.0, tip, changes, expected.0)).await
}

/// Send the draft to reviewers.
#[utoipa::path(
    tag = "tips",
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("If-Match" = String, Header, description = "The ETag of the state you change"),
    ),
    responses((status = 200, description = "The tip as it is now", body = TipBody)),
)]
#[post("/tips/{id}/submit")]
pub(crate) async fn submit_tip(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    expected: Expected,
) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&id)?;
    let author = caller.0.clone();
    let (written, text) = api
        .run(move |service| {
            let written = service.submit_tip(&author, tip, expected.0)?;
            let text = service.text_to_compare(&written.value).ok(); // it is submitted, whatever comes of this
            Ok((written, text))
        })
        .await?;
    let view = &written.value;
    let look_alikes = match text {
        Some(text) => look_alikes(&api, &caller, text).await,
        None => None,
    };
    let body = TipBody::submitted(view, look_alikes);
    Ok(changed(view.etag(), written.position, &body))
}

/// Take the draft or the submission back; what is live stays live.
#[utoipa::path(
    tag = "tips",
    request_body(content = Option<OptionalReasonBody>, description = "Why, if you like"),
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("If-Match" = String, Header, description = "The ETag of the state you change"),
    ),
    responses((status = 200, description = "The tip as it is now", body = TipBody)),
)]
#[post("/tips/{id}/withdraw")]
pub(crate) async fn withdraw_tip(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    expected: Expected,
    body: OptionalBody<OptionalReasonBody>,
) -> Result<HttpResponse, Problem> {
    let reason = body.0.and_then(|body| body.reason);
    change(&api, &id, move |service, tip| service.withdraw_tip(&caller.0, tip, reason, expected.0)).await
}

/// Declares the handlers of the keepers' actions, which differ in name and words only.
macro_rules! keepers {
    ($($(#[$doc:meta])* $handler:ident = $path:literal;)+) => {$(
        $(#[$doc])*
        #[utoipa::path(
            tag = "tips",
            request_body = ReasonBody,
            params(
                ("id" = String, Path, description = "The tip's id or number"),
                ("If-Match" = String, Header, description = "The ETag of the state you change"),
            ),
            responses((status = 200, description = "The tip as it is now", body = TipBody)),
        )]
        #[post($path)]
        pub(crate) async fn $handler(
            api: Data<Api>,
            caller: Caller,
            id: Path<String>,
            expected: Expected,
            body: Body<ReasonBody>,
        ) -> Result<HttpResponse, Problem> {
            let reason = body.value.reason;
            change(&api, &id, move |service, tip| service.$handler(&caller.0, tip, reason, expected.0)).await
        }
    )+};
}

keepers! {
    /// Stop the use of a tip at once (reviewers).
    ///
    /// It leaves every result and is found only by its id, with the reason.
    hold_tip = "/tips/{id}/hold";
    /// Lift a hold (stewards).
    release_tip = "/tips/{id}/release";
    /// Take a tip out of all results for good (stewards); its id goes on resolving.
    archive_tip = "/tips/{id}/archive";
    /// Bring an archived tip back, not validated until it is proven again (stewards).
    restore_tip = "/tips/{id}/restore";
    /// Give a merged or superseded tip its place back (stewards).
    separate_tip = "/tips/{id}/separate";
}

/// List the revisions of a tip that you may read, oldest first.
#[utoipa::path(
    tag = "tips",
    params(("id" = String, Path, description = "The tip's id or number")),
    responses((status = 200, description = "The revisions", body = PageBody<RevisionBody>)),
)]
#[get("/tips/{id}/revisions")]
pub(crate) async fn list_revisions(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&id)?;
    let items = api.run(move |service| service.list_revisions(&caller.0, tip)).await?;
    Ok(listed_whole(&req, items, |revision| RevisionBody::from(&revision)))
}

/// Read one revision of a tip.
#[utoipa::path(
    tag = "tips",
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("n" = i32, Path, description = "The revision's number, from 1"),
        RenderParams,
    ),
    responses((status = 200, description = "The revision", body = RevisionBody)),
)]
#[get("/tips/{id}/revisions/{n}")]
pub(crate) async fn read_revision(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    path: Path<(String, String)>,
    params: Params<RenderParams>,
) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&path.0)?;
    let number = revision_number(&path.1)?;
    let revision = api.run(move |service| service.read_revision(&caller.0, tip, number)).await?;
    let (etag, body) = (entity_tag(&revision), RevisionBody::from(&revision));
    if params.0.render.is_none() {
        return tagged(&req, etag, &body);
    }
    let etag = html::tag(&etag);
    match known(&req, &etag)? {
        Some(reply) => Ok(reply),
        None => tagged(&req, etag, &api.render(|| body.rendered()).await?),
    }
}

/// Tell what happened to a tip: who, when, from what to what, why; oldest first.
#[utoipa::path(
    tag = "tips",
    params(("id" = String, Path, description = "The tip's id or number")),
    responses((status = 200, description = "What happened, as far as you may know", body = PageBody<HistoryBody>)),
)]
#[get("/tips/{id}/history")]
pub(crate) async fn tip_history(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&id)?;
    let items = api.run(move |service| service.tip_history(&caller.0, tip)).await?;
    Ok(listed_whole(&req, items, |entry| HistoryBody::from(&entry)))
}

/// The look-alikes of a text that goes to reviewers. It goes there without them where the index cannot be asked.
async fn look_alikes(api: &Api, caller: &Caller, text: SimilarText) -> Option<Vec<SimilarTipBody>> {
    let now = api.service().now();
    api.service().similar_tips(&caller.0, text, LOOK_ALIKES, move |found| similar_items(found, now)).await.ok()
}

/// Changes the tip that a path names and answers with what it is now.
async fn change(
    api: &Api,
    id: &str,
    use_case: impl FnOnce(&Service, TipRef) -> Result<Written<TipView>, ServiceError> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(id)?;
    let written = api.run(move |service| use_case(service, tip)).await?;
    let view = &written.value;
    Ok(changed(view.etag(), written.position, &TipBody::from(view)))
}
