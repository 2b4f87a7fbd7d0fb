//! `/v1/api-keys`: keys for programs, made and ended in person.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use eureka_domain::api_key::{ApiKey, Scope};
use eureka_service::{NewApiKey, entity_tag};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::tagged;
use crate::idempotency::{Created, IdempotencyKey, POSITION, answered_with_secret};
use crate::page::{PageBody, listed, page_request};
use crate::params::Params;
use crate::path::{api_key_id, user_id};
use crate::problem::Problem;
use crate::wire::{instant, wire_enum};

wire_enum! {
    /// What a key may be used for. Each may read.
    ScopeWord = Scope { Read = "read", Write = "write", Review = "review", Admin = "admin" }
}

/// A key for a program.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKeyBody {
    /// For ever; the part of the key that is no secret.
    id: uuid::Uuid,
    /// What it is for.
    name: String,
    /// In whose name it acts.
    owner: uuid::Uuid,
    /// What it may be used for.
    scopes: Vec<ScopeWord>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it was last used, give or take ten minutes; absent until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// The key itself, for `Authorization: Bearer`: only in the reply that makes it, never in one that is repeated. It is
    /// kept nowhere; one that was lost is ended, and another made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "eur_01a5c0de00007000800000000000000a_00112233445566778899aabbccddeeff00112233b1a5ed01")]
    key: Option<String>,
}

impl ApiKeyBody {
    fn new(key: &ApiKey) -> Self {
        Self {
            id: key.id.0,
            name: key.name.clone(),
            owner: key.owner.0,
            scopes: key.scopes.iter().map(Into::into).collect(),
            created_at: instant(key.created_at),
            expires_at: instant(key.expires_at),
            last_used_at: key.last_used_at.map(instant),
            key: None,
        }
    }
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApiKeyBody {
    /// What it is for, in your words.
    #[schema(example = "Dispatch software")]
    name: String,
    /// What it may be used for: at least one.
    #[schema(min_items = 1)]
    scopes: Vec<ScopeWord>,
    /// When it ends by itself, within 366 days; in 90 days unless given.
    #[serde(default)]
    expires_at: Option<chrono::DateTime<chrono::Utc>>,
}

/// Whose keys to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeyParams {
    /// Another person's (admins).
    #[param(value_type = Option<uuid::Uuid>)]
    user: Option<String>,
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List your API keys, the oldest first; somebody else's for admins.
///
/// One that has expired is shown for 30 days more.
#[utoipa::path(
    tag = "api-keys",
    params(ApiKeyParams),
    responses((status = 200, description = "One page of keys", body = PageBody<ApiKeyBody>)),
)]
#[get("/api-keys")]
pub(crate) async fn list_api_keys(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<ApiKeyParams>,
) -> Result<HttpResponse, Problem> {
    let owner = params.0.user.as_deref().map(user_id).transpose()?;
    let page = page_request(params.0.limit, params.0.cursor)?;
    let keys = api.run(move |service| service.list_api_keys(&caller.0, owner, &page)).await?;
    Ok(listed(&req, keys, |key| ApiKeyBody::new(&key)))
}

/// Make an API key for a program. The key is shown once, in this reply.
///
/// It acts in your name, with the rights you have at that moment, cut to its scopes. It ends when it expires, when you or
/// an admin end it, and when your account is suspended or your password reset. A repeated request (`Idempotency-Key`)
/// makes no second key, and its reply is without the key.
#[utoipa::path(
    tag = "api-keys",
    request_body = NewApiKeyBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat")),
    responses((status = 201, description = "The key", body = ApiKeyBody)),
)]
#[post("/api-keys")]
pub(crate) async fn create_api_key(
    api: Data<Api>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<NewApiKeyBody>,
) -> Result<HttpResponse, Problem> {
    let new = NewApiKey {
        name: body.value.name,
        scopes: body.value.scopes.into_iter().map(Into::into).collect(),
        expires_at: body.value.expires_at.map(eureka_domain::clock::truncate),
    };
    let once = key.once(body.fingerprint, |key: &ApiKey| {
        Created::at(format!("/v1/api-keys/{}", key.id), Some(entity_tag(key)), &ApiKeyBody::new(key))
    });
    let made = api.run(move |service| service.create_api_key(&caller.0, new, once)).await?;
    Ok(answered_with_secret(made.answer, "key", made.written))
}

/// Read about an API key: your own, or any for admins. The key itself is not shown.
#[utoipa::path(
    tag = "api-keys",
    params(("id" = uuid::Uuid, Path, description = "The key")),
    responses((status = 200, description = "The key", body = ApiKeyBody)),
)]
#[get("/api-keys/{id}")]
pub(crate) async fn read_api_key(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = api_key_id(&id)?;
    let key = api.run(move |service| service.read_api_key(&caller.0, id)).await?;
    tagged(&req, entity_tag(&key), &ApiKeyBody::new(&key))
}

/// End an API key at once: your own, or any for admins.
#[utoipa::path(
    tag = "api-keys",
    params(("id" = uuid::Uuid, Path, description = "The key")),
    responses((status = 204, description = "The key has ended")),
)]
#[delete("/api-keys/{id}")]
pub(crate) async fn end_api_key(api: Data<Api>, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = api_key_id(&id)?;
    let written = api.run(move |service| service.end_api_key(&caller.0, id)).await?;
    Ok(HttpResponse::NoContent().insert_header((POSITION, written.position.to_string())).finish())
}
