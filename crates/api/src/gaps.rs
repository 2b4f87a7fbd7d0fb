//! `/v1/gaps` and `/v1/searches/{id}/opened`: what people searched for in vain.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use eureka_domain::gap::GapState;
use eureka_service::{GapQuery, GapView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::Api;
use crate::caller::Caller;
use crate::conditional::tagged;
use crate::idempotency::changed;
use crate::page::{PageBody, listed, page_request};
use crate::params::Params;
use crate::path::{gap_id, search_id};
use crate::problem::Problem;
use crate::wire::{Person, instant, wire_enum};

wire_enum! {
    /// How a gap stands: nobody has undertaken to answer it, somebody has, or a tip answers it.
    GapStateWord = GapState { Open = "open", Claimed = "claimed", Closed = "closed" }
}

/// Which gaps to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct GapParams {
    /// Of the community with this slug.
    community: Option<String>,
    /// For this product; case, accents and spacing do not matter.
    product: Option<String>,
    /// In this state; open and claimed ones unless given.
    state: Option<GapStateWord>,
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Searches that asked the same, and found nothing or nothing that anybody opened.
#[derive(Serialize, ToSchema)]
pub(crate) struct GapBody {
    /// For ever.
    id: Uuid,
    /// How it stands.
    state: GapStateWord,
    /// The slug of the community it was asked in; absent when it may concern any open one.
    #[serde(skip_serializing_if = "Option::is_none")]
    community: Option<String>,
    /// The product it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    /// The words that all its searches have in common, in base form.
    terms: Vec<String>,
    /// How it is asked most often; absent while one person alone has asked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    wording: Option<String>,
    /// How many searches asked it.
    asked: i32,
    /// How many people asked it. Who they are is told to nobody.
    people: i32,
    /// When it was first asked.
    #[schema(format = DateTime)]
    first_asked_at: String,
    /// When it was last asked.
    #[schema(format = DateTime)]
    last_asked_at: String,
    /// Who has undertaken to answer it.
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<GapClaimBody>,
    /// The tip that answers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "T-1042")]
    answer: Option<String>,
    /// When a tip answered it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    closed_at: Option<String>,
}

/// A claim on a gap.
#[derive(Serialize, ToSchema)]
pub(crate) struct GapClaimBody {
    /// Who holds it.
    by: Person,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    until: String,
}

impl From<&GapView> for GapBody {
    fn from(view: &GapView) -> Self {
        let gap = &view.gap;
        Self {
            id: gap.id.0,
            state: view.state.into(),
            community: view.community.clone(),
            product: gap.product.clone(),
            terms: gap.terms.clone(),
            wording: gap.wording.clone(),
            asked: gap.asked,
            people: gap.people,
            first_asked_at: instant(gap.first_asked_at),
            last_asked_at: instant(gap.last_asked_at),
            claim: gap
                .claim
                .zip(view.holder.as_ref())
                .map(|(claim, holder)| GapClaimBody { by: holder.into(), until: instant(claim.until) }),
            answer: view.answer.map(|number| number.to_string()),
            closed_at: gap.answer.map(|(_, at)| instant(at)),
        }
    }
}

/// List what people searched for in vain, the newest first.
///
/// For those who can answer it: contributors of the community, and of any community where the gap is no community's own;
/// admins see all. A gap is shown from the third search on. Write a tip with its id as `gap` to answer it: when the tip
/// is approved, the gap is closed, and those who asked are told.
#[utoipa::path(
    tag = "gaps",
    params(GapParams),
    responses((status = 200, description = "One page of gaps", body = PageBody<GapBody>)),
)]
#[get("/gaps")]
pub(crate) async fn list_gaps(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<GapParams>,
) -> Result<HttpResponse, Problem> {
    let params = params.0;
    let page = page_request(params.limit, params.cursor)?;
    let query = GapQuery { community: params.community, product: params.product, state: params.state.map(Into::into) };
    let found = api.run(move |service| service.list_gaps(&caller.0, query, &page)).await?;
    Ok(listed(&req, found, |gap| GapBody::from(&gap)))
}

/// Read a gap.
#[utoipa::path(
    tag = "gaps",
    params(("id" = Uuid, Path, description = "The gap")),
    responses((status = 200, description = "The gap", body = GapBody)),
)]
#[get("/gaps/{id}")]
pub(crate) async fn read_gap(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = gap_id(&id)?;
    let gap = api.run(move |service| service.read_gap(&caller.0, id)).await?;
    tagged(&req, gap.etag(), &GapBody::from(&gap))
}

/// Undertake to answer a gap, or renew your claim on it.
///
/// A claim lasts 14 days. Others may still answer the gap.
#[utoipa::path(
    tag = "gaps",
    params(("id" = Uuid, Path, description = "The gap")),
    responses((
        status = 200,
        description = "The gap as it is now",
        body = GapBody,
        headers(("ETag" = String, description = "Names this state")),
    )),
)]
#[post("/gaps/{id}/claim")]
pub(crate) async fn claim_gap(api: Data<Api>, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = gap_id(&id)?;
    let written = api.run(move |service| service.claim_gap(&caller.0, id)).await?;
    Ok(changed(written.value.etag(), written.position, &GapBody::from(&written.value)))
}

/// Give a gap back: its holder, stewards, admins.
#[utoipa::path(
    tag = "gaps",
    params(("id" = Uuid, Path, description = "The gap")),
    responses((
        status = 200,
        description = "The gap as it is now",
        body = GapBody,
        headers(("ETag" = String, description = "Names this state")),
    )),
)]
#[post("/gaps/{id}/release")]
pub(crate) async fn release_gap(api: Data<Api>, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = gap_id(&id)?;
    let written = api.run(move |service| service.release_gap(&caller.0, id)).await?;
    Ok(changed(written.value.etag(), written.position, &GapBody::from(&written.value)))
}

/// Tell that you opened a hit of a search of yours.
///
/// Searches whose hits nobody opens show what the base cannot answer. Clients that never call this take no part in it.
#[utoipa::path(
    tag = "search",
    params(("id" = Uuid, Path, description = "The `id` of the search's answer")),
    responses((status = 204, description = "Noted, if it was a search of yours")),
)]
#[post("/searches/{id}/opened")]
pub(crate) async fn open_hit(api: Data<Api>, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = search_id(&id)?;
    api.service().open_hit(&caller.0, id);
    Ok(HttpResponse::NoContent().finish())
}
