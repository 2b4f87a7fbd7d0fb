//! `/v1/reviews`: the queue, claims, decisions.

mod body;
mod desk;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use eureka_service::{CommentView, QueueQuery, ReviewDetail, entity_tag};

pub(crate) use body::{QueueSortWord, QueueStateWord};

use body::{EditsAnswer, NewDecision, NextParams, QueueBody, QueueParams, ReviewBody, StatsBody};
use desk::{CommentBody, CommentParams, NewCommentBody, ReviewDeskBody};

use crate::Api;
use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::{known, tagged};
use crate::html::{self, RenderParams};
use crate::idempotency::{Created, IdempotencyKey, POSITION, answered, changed};
use crate::page::{PageBody, listed, page_request, sent};
use crate::params::Params;
use crate::path::review_id;
use crate::problem::Problem;
use crate::similar::{LOOK_ALIKES, similar_items};

/// List the reviews of the communities you review in: open ones, oldest first, unless asked otherwise.
#[utoipa::path(
    tag = "reviews",
    params(QueueParams),
    responses((status = 200, description = "One page of reviews", body = QueueBody)),
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
    let (found, counts) = api.run(move |service| service.list_reviews(&caller.0, query, &page)).await?;
    let page = found.map(|review| ReviewBody::from(&review));
    Ok(sent(&req, page.next.clone(), &QueueBody { page: page.into(), counts: counts.into() }))
}

/// Read a review, with all that it takes to decide it: the text, what it changes, look-alikes and why, a checklist, what
/// was said, what the author was told before.
///
/// For the community's reviewers and the tip's author.
#[utoipa::path(
    tag = "reviews",
    params(("id" = uuid::Uuid, Path, description = "The review"), RenderParams),
    responses((status = 200, description = "The review", body = ReviewDeskBody)),
)]
#[get("/reviews/{id}")]
pub(crate) async fn read_review(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
    params: Params<RenderParams>,
) -> Result<HttpResponse, Problem> {
    let id = review_id(&id)?;
    let who = caller.0.clone();
    let desk = api.run(move |service| service.read_review(&who, id)).await?;
    // A review can be decided without its look-alikes, but not without the index being asked for them.
    let now = api.service().now();
    let shape = move |found| similar_items(found, now);
    let found = api.service().similar_tips(&caller.0, desk.similar_text(), LOOK_ALIKES, shape).await;
    let body = ReviewDeskBody::new(&desk, found.ok());
    if params.0.render.is_none() {
        return tagged(&req, desk.etag(), &body);
    }
    let etag = html::tag(&desk.etag());
    match known(&req, &etag)? {
        Some(reply) => Ok(reply),
        None => tagged(&req, etag, &api.render(|| body.rendered()).await?),
    }
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
    Ok(now_is(&written.value, written.position))
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
    Ok(now_is(&written.value, written.position))
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
        Some(review) => now_is(review, written.position),
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

/// Decide: approve, approve with edits, request changes, reject, or merge into another tip.
///
/// The approval that meets the quorum publishes the revision; a request for changes or a rejection ends the round, and
/// owes the author a reason from the list and in words. With edits, the next revision holds the text as you would have it;
/// its author is asked (see `/v1/reviews/{id}/answer`), and your approval counts when they agree. Another reviewer may
/// approve it meanwhile. Nobody decides a text they are credited on, admins included.
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
    let draft = body.value.draft()?;
    let once = key.once(body.fingerprint, |review: &ReviewDetail| {
        let location = format!("/v1/reviews/{}", review.review.id);
        Created::at(location, Some(review.etag()), &ReviewBody::from(review))
    });
    let answer = api.run(move |service| service.decide_review(&caller.0, id, draft, once)).await?;
    Ok(answered(answer))
}

/// Say whether you agree to what a reviewer has edited in your text.
///
/// If you do, their approval counts, and publishes the text where it is enough. If you do not, your own text is under
/// review again, in its place in the queue, and the reviewer is told why. For the tip's author and whoever else is
/// credited on the text.
#[utoipa::path(
    tag = "reviews",
    request_body = EditsAnswer,
    params(("id" = uuid::Uuid, Path, description = "The review of the edited text")),
    responses((
        status = 200,
        description = "The review of the text that counts from now on",
        body = ReviewBody,
        headers(("ETag" = String, description = "Names this state")),
    )),
)]
#[post("/reviews/{id}/answer")]
pub(crate) async fn answer_edits(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    body: Body<EditsAnswer>,
) -> Result<HttpResponse, Problem> {
    let id = review_id(&id)?;
    let EditsAnswer { accept, reason } = body.value;
    let written = api.run(move |service| service.answer_edits(&caller.0, id, accept, reason)).await?;
    Ok(now_is(&written.value, written.position))
}

/// List what was said in a review, oldest first: for the community's reviewers and the tip's author.
#[utoipa::path(
    tag = "reviews",
    params(("id" = uuid::Uuid, Path, description = "The review"), CommentParams),
    responses((status = 200, description = "One page of comments", body = PageBody<CommentBody>)),
)]
#[get("/reviews/{id}/comments")]
pub(crate) async fn list_comments(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
    params: Params<CommentParams>,
) -> Result<HttpResponse, Problem> {
    let id = review_id(&id)?;
    let page = page_request(params.0.limit, params.0.cursor)?;
    let said = api.run(move |service| service.list_comments(&caller.0, id, &page)).await?;
    let said = said.map(|view| CommentBody::from(&view));
    let said = match params.0.render {
        Some(_) => api.render(|| said.map(CommentBody::rendered)).await?,
        None => said,
    };
    Ok(listed(&req, said, |comment| comment))
}

/// Say something in a review; those who wrote the text, hold the review or have spoken are told.
#[utoipa::path(
    tag = "reviews",
    request_body = NewCommentBody,
    params(
        ("id" = uuid::Uuid, Path, description = "The review"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat"),
    ),
    responses((status = 201, description = "The comment", body = CommentBody)),
)]
#[post("/reviews/{id}/comments")]
pub(crate) async fn comment_review(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    key: IdempotencyKey,
    body: Body<NewCommentBody>,
) -> Result<HttpResponse, Problem> {
    let id = review_id(&id)?;
    let once = key.once(body.fingerprint, move |view: &CommentView| {
        Created::at(format!("/v1/reviews/{id}/comments"), Some(entity_tag(view)), &CommentBody::from(view))
    });
    let new = body.value.into();
    let answer = api.run(move |service| service.comment_review(&caller.0, id, new, once)).await?;
    Ok(answered(answer))
}

/// The reply with a review as it is after a change.
fn now_is(review: &ReviewDetail, position: i64) -> HttpResponse {
    changed(review.etag(), position, &ReviewBody::from(review))
}
