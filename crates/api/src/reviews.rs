//! `/v1/reviews`: the queue, claims, decisions.

mod body;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use eureka_domain::ids::ReviewId;
use eureka_service::{DecisionDraft, QueueQuery, ReviewDetail, ServiceError};

pub(crate) use body::{QueueSortWord, QueueStateWord};

use body::{NewDecision, NextParams, QueueParams, ReviewBody, StatsBody};

use crate::Api;
use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::tagged;
use crate::idempotency::{Created, IdempotencyKey, POSITION, answered, changed};
use crate::page::{PageBody, listed, page_request};
use crate::params::Params;
use crate::problem::Problem;

/// List the reviews of the communities you review in: open ones, oldest first, unless asked otherwise.
#[utoipa::path(
    tag = "reviews",
    params(QueueParams),
    responses((status = 200, description = "One page of reviews", body = PageBody<ReviewBody>)),
)]
#[get("/reviews")]
pub(crate) async fn list_reviews(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<QueueParams>,
) -> Result<HttpResponse, Problem> {
    let page = page_request(params.0.limit, params.0.cursor.clone())?;
    let query: QueueQuery = params.0.into();
    let found = api.run(move |service| service.list_reviews(&caller.0, query, &page)).await?;
    Ok(listed(&req, found, |review| ReviewBody::from(&review)))
}

/// Read a review: the text, what readers see now, decisions and claim.
///
/// For the community's reviewers and the tip's author.
#[utoipa::path(
    tag = "reviews",
    params(("id" = uuid::Uuid, Path, description = "The review")),
    responses((status = 200, description = "The review", body = ReviewBody)),
)]
#[get("/reviews/{id}")]
pub(crate) async fn read_review(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = review_id(&id)?;
    let review = api.run(move |service| service.read_review(&caller.0, id)).await?;
    tagged(&req, review.etag(), &ReviewBody::from(&review))
}

/// Take up a review, or renew your claim on it.
#[utoipa::path(
    tag = "reviews",
    params(("id" = uuid::Uuid, Path, description = "The review")),
    responses((
        status = 200,
        description = "The review, now yours",
        body = ReviewBody,
        headers(("ETag" = String, description = "Names this state")),
    )),
)]
#[post("/reviews/{id}/claim")]
pub(crate) async fn claim_review(api: Data<Api>, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = review_id(&id)?;
    let written = api.run(move |service| service.claim_review(&caller.0, id)).await?;
    Ok(changed(written.value.etag(), written.position, &ReviewBody::from(&written.value)))
}

/// Give a review back to the queue: your own claim, or anyone's for stewards.
#[utoipa::path(
    tag = "reviews",
    params(("id" = uuid::Uuid, Path, description = "The review")),
    responses((
        status = 200,
        description = "The review, back in the queue",
        body = ReviewBody,
        headers(("ETag" = String, description = "Names this state")),
    )),
)]
#[post("/reviews/{id}/release")]
pub(crate) async fn release_review(api: Data<Api>, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = review_id(&id)?;
    let written = api.run(move |service| service.release_review(&caller.0, id)).await?;
    Ok(changed(written.value.etag(), written.position, &ReviewBody::from(&written.value)))
}

/// Take up the review that you are best placed to decide: what is offered to you, then what is overdue, what is about
/// machines and in languages you have worked with, what has waited longest.
///
/// Nothing for whoever holds five reviews already: a claim is a promise.
#[utoipa::path(
    tag = "reviews",
    params(NextParams),
    responses(
        (
        status = 200,
        description = "The review, now yours",
        body = ReviewBody,
        headers(("ETag" = String, description = "Names this state")),
    ),
        (status = 204, description = "Nothing waits for you"),
    ),
)]
#[post("/reviews/claim-next")]
pub(crate) async fn claim_next_review(
    api: Data<Api>,
    caller: Caller,
    params: Params<NextParams>,
) -> Result<HttpResponse, Problem> {
    let community = params.0.community;
    let written = api.run(move |service| service.claim_next_review(&caller.0, community)).await?;
    Ok(match &written.value {
        Some(review) => changed(review.etag(), written.position, &ReviewBody::from(review)),
        None => HttpResponse::NoContent().insert_header((POSITION, written.position.to_string())).finish(),
    })
}

/// Tell how the queue does: how long texts wait, what is overdue, who is busy, where reviewers are missing.
#[utoipa::path(
    tag = "reviews",
    params(NextParams),
    responses((status = 200, description = "How it does", body = StatsBody)),
)]
#[get("/reviews/stats")]
pub(crate) async fn review_stats(
    api: Data<Api>,
    caller: Caller,
    params: Params<NextParams>,
) -> Result<HttpResponse, Problem> {
    let community = params.0.community;
    let stats = api.run(move |service| service.review_stats(&caller.0, community.as_deref())).await?;
    Ok(HttpResponse::Ok().json(StatsBody::from(&stats)))
}

/// Decide: approve, request changes or reject.
///
/// The approval that meets the quorum publishes the revision; a request for changes or a rejection ends the round, and
/// owes the author a reason from the list and in words. Nobody decides a text they are credited on, admins included.
#[utoipa::path(
    tag = "reviews",
    request_body = NewDecision,
    params(
        ("id" = uuid::Uuid, Path, description = "The review"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat"),
    ),
    responses((status = 201, description = "The review with your decision", body = ReviewBody)),
)]
#[post("/reviews/{id}/decisions")]
pub(crate) async fn decide_review(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    key: IdempotencyKey,
    body: Body<NewDecision>,
) -> Result<HttpResponse, Problem> {
    let id = review_id(&id)?;
    let draft = DecisionDraft {
        verdict: body.value.verdict.into(),
        reason: body.value.reason.map(Into::into),
        comment: body.value.comment,
        revision: body.value.revision,
    };
    let once = key.once(body.fingerprint, |review: &ReviewDetail| {
        let location = format!("/v1/reviews/{}", review.review.id);
        Created::at(location, Some(review.etag()), &ReviewBody::from(review))
    });
    let answer = api.run(move |service| service.decide_review(&caller.0, id, draft, once)).await?;
    Ok(answered(answer))
}

fn review_id(text: &str) -> Result<ReviewId, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("review").into())
}
