//! `/v1/notifications` and who watches a tip: being told.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};
use eureka_service::{NotificationView, Service, ServiceError, Written};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::caller::Caller;
use crate::idempotency::POSITION;
use crate::page::{PageBody, listed, page_request};
use crate::params::Params;
use crate::path::tip_ref;
use crate::problem::{NOT_FOUND, Problem};
use crate::tips::HistoryBody;
use crate::wire::instant;

/// Something you are told.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotificationBody {
    /// Its name: the position of what happened in the change log.
    id: i64,
    /// What happened.
    #[serde(flatten)]
    change: HistoryBody,
    /// The tip it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    tip: Option<TipBrief>,
    /// When you said that you had read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    read_at: Option<String>,
}

/// Enough of a tip to recognise it.
#[derive(Serialize, ToSchema)]
pub(crate) struct TipBrief {
    /// For ever.
    id: uuid::Uuid,
    /// Its number, for people.
    #[schema(example = "T-1042")]
    number: String,
    /// Its title, as you see it.
    title: String,
}

impl From<&eureka_service::TipBrief> for TipBrief {
    fn from(tip: &eureka_service::TipBrief) -> Self {
        Self { id: tip.id.0, number: tip.number.to_string(), title: tip.title.clone() }
    }
}

impl From<&NotificationView> for NotificationBody {
    fn from(view: &NotificationView) -> Self {
        Self {
            id: view.entry.change.seq,
            change: (&view.entry).into(),
            tip: view.tip.as_ref().map(Into::into),
            read_at: view.read_at.map(instant),
        }
    }
}

/// Which notifications to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotificationParams {
    /// Only those that you have not read.
    #[param(default = false)]
    unread: Option<bool>,
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List what you are told, the newest first.
///
/// Whoever wrote a text is told of everything that others do to it; whoever watches a tip, of what every reader may know.
/// A page may hold fewer items than asked for: what you may no longer see is left out.
#[utoipa::path(
    tag = "notifications",
    params(NotificationParams),
    responses((status = 200, description = "One page of notifications", body = PageBody<NotificationBody>)),
)]
#[get("/notifications")]
pub(crate) async fn list_notifications(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<NotificationParams>,
) -> Result<HttpResponse, Problem> {
    let unread = params.0.unread.unwrap_or(false);
    let page = page_request(params.0.limit, params.0.cursor)?;
    let told = api.run(move |service| service.list_notifications(&caller.0, unread, &page)).await?;
    Ok(listed(&req, told, |view| NotificationBody::from(&view)))
}

/// Say that you have read a notification; again does no harm.
#[utoipa::path(
    tag = "notifications",
    params(("id" = i64, Path, description = "The notification")),
    responses((status = 200, description = "The notification as it is now", body = NotificationBody)),
)]
#[post("/notifications/{id}/read")]
pub(crate) async fn read_notification(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let seq = id.parse().map_err(|_| Problem::new(&NOT_FOUND, "there is no such notification"))?;
    let written = api.run(move |service| service.read_notification(&caller.0, seq)).await?;
    let mut reply = HttpResponse::Ok();
    reply.insert_header((POSITION, written.position.to_string()));
    Ok(reply.json(NotificationBody::from(&written.value)))
}

/// Watch a tip: be told what happens to it.
#[utoipa::path(
    tag = "notifications",
    params(("id" = String, Path, description = "The tip's id or number")),
    responses((status = 204, description = "You watch it")),
)]
#[put("/tips/{id}/watch")]
pub(crate) async fn watch_tip(api: Data<Api>, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&id)?;
    done(&api, move |service| service.watch_tip(&caller.0, tip)).await
}

/// Watch a tip no longer. Of your own tips you are told all the same.
#[utoipa::path(
    tag = "notifications",
    params(("id" = String, Path, description = "The tip's id or number")),
    responses((status = 204, description = "You do not watch it")),
)]
#[delete("/tips/{id}/watch")]
pub(crate) async fn unwatch_tip(api: Data<Api>, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&id)?;
    done(&api, move |service| service.unwatch_tip(&caller.0, tip)).await
}

async fn done(
    api: &Api,
    use_case: impl FnOnce(&Service) -> Result<Written<()>, ServiceError> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let written = api.run(use_case).await?;
    Ok(HttpResponse::NoContent().insert_header((POSITION, written.position.to_string())).finish())
}
