//! `/v1/tips/{id}/relations`: how a tip relates to those that look like it.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, put};
use eureka_domain::relation::RelationKind;
use eureka_service::{RelationView, entity_tag};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::body::Body;
use crate::caller::Caller;
use crate::idempotency::{POSITION, changed};
use crate::notifications::TipBrief;
use crate::page::{PageBody, listed_whole};
use crate::path::tip_ref;
use crate::problem::Problem;
use crate::wire::{Person, instant, wire_enum};

wire_enum! {
    /// How a tip relates to another: it says the same, adds to it, looks like it and is about something else, or says better
    /// what the other says. When peers approve a text that `replaces` another of the community, that one is in doubt.
    RelationWord = RelationKind {
        Same = "same", AddsTo = "adds_to", DiffersBecause = "differs_because", Replaces = "replaces",
    }
}

/// How a tip relates to another.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"relation": "differs_because", "reason": "That one is about the rear holders."}))]
pub(crate) struct NewRelation {
    /// How.
    relation: RelationWord,
    /// Why, in words; owed with `differs_because`.
    reason: Option<String>,
}

/// What is said of a tip and another one.
#[derive(Serialize, ToSchema)]
pub(crate) struct RelationBody {
    /// The other tip.
    other: TipBrief,
    /// How the tip relates to it.
    relation: RelationWord,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Who says so.
    said_by: Person,
    /// When.
    #[schema(format = DateTime)]
    said_at: String,
    /// When peers agreed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    confirmed_at: Option<String>,
}

impl From<&RelationView> for RelationBody {
    fn from(view: &RelationView) -> Self {
        Self {
            other: (&view.other).into(),
            relation: view.relation.kind.into(),
            reason: view.relation.reason.clone(),
            said_by: (&view.by).into(),
            said_at: instant(view.relation.at),
            confirmed_at: view.relation.confirmed.map(|confirmed| instant(confirmed.at)),
        }
    }
}

/// List how a tip relates to others, as its author says.
///
/// All of it for its author and reviewers; for other readers what peers agreed to.
#[utoipa::path(
    tag = "tips",
    params(("id" = String, Path, description = "The tip's id or number")),
    responses((status = 200, description = "How it relates to tips that you may see", body = PageBody<RelationBody>)),
)]
#[get("/tips/{id}/relations")]
pub(crate) async fn list_relations(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&id)?;
    let items = api.run(move |service| service.list_relations(&caller.0, tip)).await?;
    Ok(listed_whole(&req, items, |view| RelationBody::from(&view)))
}

/// Say how your tip relates to one that looks like it; its reviewers see it.
///
/// Tips that peers agreed are about different things are no longer held against each other, until one of them comes to say
/// something else.
#[utoipa::path(
    tag = "tips",
    request_body = NewRelation,
    params(
        ("id" = String, Path, description = "Your tip's id or number"),
        ("other" = String, Path, description = "The id or number of the one that looks like it"),
    ),
    responses((
        status = 200,
        description = "What is said of the two now",
        body = RelationBody,
        headers(("ETag" = String, description = "Names this state")),
    )),
)]
#[put("/tips/{id}/relations/{other}")]
pub(crate) async fn relate_tip(
    api: Data<Api>,
    caller: Caller,
    path: Path<(String, String)>,
    body: Body<NewRelation>,
) -> Result<HttpResponse, Problem> {
    let (tip, other) = (tip_ref(&path.0)?, tip_ref(&path.1)?);
    let NewRelation { relation, reason } = body.value;
    let written = api.run(move |service| service.relate_tip(&caller.0, tip, other, relation.into(), reason)).await?;
    Ok(changed(entity_tag(&written.value), written.position, &RelationBody::from(&written.value)))
}

/// Take back what you said of your tip and another one.
#[utoipa::path(
    tag = "tips",
    params(
        ("id" = String, Path, description = "Your tip's id or number"),
        ("other" = String, Path, description = "The id or number of the other one"),
    ),
    responses((status = 204, description = "Nothing is said of the two any more")),
)]
#[delete("/tips/{id}/relations/{other}")]
pub(crate) async fn unrelate_tip(
    api: Data<Api>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (tip, other) = (tip_ref(&path.0)?, tip_ref(&path.1)?);
    let written = api.run(move |service| service.unrelate_tip(&caller.0, tip, other)).await?;
    Ok(HttpResponse::NoContent().insert_header((POSITION, written.position.to_string())).finish())
}
