//! `/v1/webhooks`: being told of changes at a URL, by the Standard Webhooks specification.

mod body;
mod message;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use eureka_domain::webhook::Delivery;
use eureka_service::{WebhookView, Written, entity_tag};

pub(crate) use message::described;
pub use message::webhook_message;

use body::{DeliveryBody, DeliveryParams, NewWebhookBody, WebhookBody, WebhookPatch};

use crate::Api;
use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::{Expected, tagged};
use crate::idempotency::{Created, IdempotencyKey, POSITION, answered_with_secret, changed};
use crate::page::{PageBody, PageParams, listed, page_request};
use crate::params::Params;
use crate::path::{delivery_id, webhook_id};
use crate::problem::Problem;

/// Be told of changes at a URL: make a webhook. Its secret is shown once, in this reply.
///
/// From now on each item that `/v1/changes` would tell you as a reader is posted there, signed by the Standard Webhooks
/// specification (`webhook-id`, `webhook-timestamp`, `webhook-signature`; see `webhooks` in this document for what is
/// sent). It tells what the tip is, and what you may read, when it is sent: a tip that is not for you any more is `gone`
/// if the webhook has told of it, and is not mentioned if it has not. What is not answered with 2xx within ten seconds is
/// sent again, eight times over a day, with the same `webhook-id`; once nothing was taken for a day, or on a `410`, the
/// webhook is turned off and you are told in your notifications. Order is not promised: apply what is told with `position`
/// and the tip's revision.
///
/// The URL is `https`, and leads to machines on the open network; redirects are not followed. For a copy of your own: make
/// the webhook first, then read `/v1/exports/tips`. A repeated request (`Idempotency-Key`) makes no second webhook, and its
/// reply is without the secret. At most ten webhooks are yours.
#[utoipa::path(
    tag = "webhooks",
    request_body = NewWebhookBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat")),
    responses((status = 201, description = "The webhook", body = WebhookBody)),
)]
#[post("/webhooks")]
pub(crate) async fn create_webhook(
    api: Data<Api>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<NewWebhookBody>,
) -> Result<HttpResponse, Problem> {
    let new = body.value.into();
    let once = key.once(body.fingerprint, |view: &WebhookView| {
        let location = format!("/v1/webhooks/{}", view.webhook.id);
        Created::at(location, Some(entity_tag(view)), &WebhookBody::new(view))
    });
    let made = api.run(move |service| service.create_webhook(&caller.0, new, once)).await?;
    Ok(answered_with_secret(made.answer, "secret", made.secret))
}

/// List your webhooks, the oldest first.
#[utoipa::path(
    tag = "webhooks",
    params(PageParams),
    responses((status = 200, description = "One page of webhooks", body = PageBody<WebhookBody>)),
)]
#[get("/webhooks")]
pub(crate) async fn list_webhooks(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let page = page_request(params.0.limit, params.0.cursor)?;
    let found = api.run(move |service| service.list_webhooks(&caller.0, &page)).await?;
    Ok(listed(&req, found, |view| WebhookBody::new(&view)))
}

/// Read one of your webhooks. The secret is not shown.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The webhook")),
    responses((status = 200, description = "The webhook", body = WebhookBody)),
)]
#[get("/webhooks/{id}")]
pub(crate) async fn read_webhook(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = webhook_id(&id)?;
    let view = api.run(move |service| service.read_webhook(&caller.0, id)).await?;
    tagged(&req, entity_tag(&view), &WebhookBody::new(&view))
}

/// Change one of your webhooks: where it leads, what it tells of, on or off.
///
/// One that is turned on again goes on from where it was; what waited longer than 30 days is dropped.
#[utoipa::path(
    tag = "webhooks",
    request_body(content = WebhookPatch, content_type = "application/merge-patch+json"),
    params(
        ("id" = uuid::Uuid, Path, description = "The webhook"),
        ("If-Match" = String, Header, description = "The ETag of the state you change"),
    ),
    responses((status = 200, description = "The webhook as it is now", body = WebhookBody)),
)]
#[patch("/webhooks/{id}")]
pub(crate) async fn update_webhook(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    expected: Expected,
    body: Body<WebhookPatch>,
) -> Result<HttpResponse, Problem> {
    let (id, changes) = (webhook_id(&id)?, body.value.into());
    let written = api.run(move |service| service.update_webhook(&caller.0, id, changes, expected.0)).await?;
    Ok(changed(entity_tag(&written.value), written.position, &WebhookBody::new(&written.value)))
}

/// Give one of your webhooks another secret, shown once, in this reply. The old one signs as well for a day.
#[utoipa::path(
    tag = "webhooks",
    params(
        ("id" = uuid::Uuid, Path, description = "The webhook"),
        ("If-Match" = String, Header, description = "The ETag of the state you change"),
    ),
    responses((status = 200, description = "The webhook as it is now, with its new secret", body = WebhookBody)),
)]
#[post("/webhooks/{id}/rotate")]
pub(crate) async fn rotate_webhook(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    expected: Expected,
) -> Result<HttpResponse, Problem> {
    let id = webhook_id(&id)?;
    let (written, secret) = api.run(move |service| service.rotate_webhook(&caller.0, id, expected.0)).await?;
    let body = WebhookBody::new(&written.value).with_secret(secret);
    Ok(changed(entity_tag(&written.value), written.position, &body))
}

/// End one of your webhooks, with what is remembered of its messages.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The webhook")),
    responses((status = 204, description = "It has ended")),
)]
#[delete("/webhooks/{id}")]
pub(crate) async fn end_webhook(api: Data<Api>, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = webhook_id(&id)?;
    let written = api.run(move |service| service.end_webhook(&caller.0, id)).await?;
    Ok(HttpResponse::NoContent().insert_header((POSITION, written.position.to_string())).finish())
}

/// Have one of your webhooks say that it is there: `webhook.ping`, sent once, on or off.
///
/// What came of it is among its deliveries a moment later.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The webhook")),
    responses((status = 202, description = "The message, which is about to be sent", body = DeliveryBody)),
)]
#[post("/webhooks/{id}/ping")]
pub(crate) async fn ping_webhook(api: Data<Api>, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = webhook_id(&id)?;
    let ping = api.run(move |service| service.ping_webhook(&caller.0, id)).await?;
    Ok(accepted(&ping))
}

/// List what one of your webhooks sent and is to send, the newest first.
///
/// Kept for 30 days, and the last 5,000.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The webhook"), DeliveryParams),
    responses((status = 200, description = "One page of deliveries", body = PageBody<DeliveryBody>)),
)]
#[get("/webhooks/{id}/deliveries")]
pub(crate) async fn list_deliveries(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
    params: Params<DeliveryParams>,
) -> Result<HttpResponse, Problem> {
    let (id, status) = (webhook_id(&id)?, params.0.status.map(Into::into));
    let page = page_request(params.0.limit, params.0.cursor)?;
    let found = api.run(move |service| service.list_deliveries(&caller.0, id, status, &page)).await?;
    Ok(listed(&req, found, |delivery| DeliveryBody::from(&delivery)))
}

/// Have a message sent again, now and under the same `webhook-id`. It tells of the tip as it is then.
#[utoipa::path(
    tag = "webhooks",
    params(
        ("id" = uuid::Uuid, Path, description = "The webhook"),
        ("delivery" = uuid::Uuid, Path, description = "The message"),
    ),
    responses((status = 202, description = "The message, which is about to be sent", body = DeliveryBody)),
)]
#[post("/webhooks/{id}/deliveries/{delivery}/replay")]
pub(crate) async fn replay_delivery(
    api: Data<Api>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, delivery) = (webhook_id(&path.0)?, delivery_id(&path.1)?);
    let again = api.run(move |service| service.replay_delivery(&caller.0, id, delivery)).await?;
    Ok(accepted(&again))
}

/// The reply about a message that is about to be sent.
fn accepted(message: &Written<Delivery>) -> HttpResponse {
    let mut reply = HttpResponse::Accepted();
    reply.insert_header((POSITION, message.position.to_string())).json(DeliveryBody::from(&message.value))
}
