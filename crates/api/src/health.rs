//! `/health/*` and `/.well-known/jwks.json`: for balancers and for other services.

use actix_web::http::header::RETRY_AFTER;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use eureka_service::{Hold, IndexState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::problem::Problem;

/// Whether the process is alive.
#[derive(Serialize, ToSchema)]
pub(crate) struct Live {
    /// Always `ok`.
    status: &'static str,
    /// The version of the program.
    version: &'static str,
}

/// Whether the process can serve.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ready`, or `not_ready`.
    status: &'static str,
    /// Why it is not ready; or, where it is, what it cannot do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    reasons: Vec<&'static str>,
    /// How far the index has come in the change log.
    index_position: i64,
}

/// Public keys (RFC 7517).
#[derive(Serialize, ToSchema)]
pub(crate) struct Jwks {
    /// The keys that access tokens verify with.
    keys: Vec<Jwk>,
}

/// An Ed25519 public key (RFC 8037).
#[derive(Serialize, ToSchema)]
pub(crate) struct Jwk {
    /// Always `OKP`.
    kty: &'static str,
    /// Always `Ed25519`.
    crv: &'static str,
    /// Always `sig`.
    r#use: &'static str,
    /// Always `EdDSA`.
    alg: &'static str,
    /// The key's name.
    kid: String,
    /// The public key, base64url.
    x: String,
}

/// Tell whether the process is alive.
#[utoipa::path(
    tag = "health",
    responses((status = 200, description = "It is", body = Live)),
    security(()),
)]
#[get("/health/live")]
pub(crate) async fn health_live() -> HttpResponse {
    HttpResponse::Ok().json(Live { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// Tell whether the process can serve.
///
/// Not before the index has reached the end of the change log as it was at the start, not while it is held up by more than
/// the database, and not while it stops. While the database is away, a process whose index had reached the present stays
/// ready: searches go on, writes are refused, and `reasons` says so.
#[utoipa::path(
    tag = "health",
    responses(
        (status = 200, description = "It can", body = Ready),
        (status = 503, description = "It cannot; `reasons` says why", body = Ready),
    ),
    security(()),
)]
#[get("/health/ready")]
pub(crate) async fn health_ready(api: Data<Api>) -> Result<HttpResponse, Problem> {
    let (state, index_position) = api.service().indexer().state();
    let stopping = api.is_draining().then_some("stopping");
    let is_ready = stopping.is_none() && matches!(state, IndexState::Ready | IndexState::OnItsOwn);
    let reasons = stopping.into_iter().chain(reason(state)).collect();
    Ok(if is_ready {
        HttpResponse::Ok().json(Ready { status: "ready", reasons, index_position })
    } else {
        let retry = (RETRY_AFTER, "1");
        HttpResponse::ServiceUnavailable().insert_header(retry).json(Ready {
            status: "not_ready",
            reasons,
            index_position,
        })
    })
}

/// What is the matter with the index, in words that tell nothing of the machine.
fn reason(state: IndexState) -> Option<&'static str> {
    match state {
        IndexState::Ready => None,
        IndexState::OnItsOwn => Some("the database is away: searches go on, writes are refused"),
        IndexState::CatchingUp => Some("the index is catching up"),
        IndexState::Rebuilding => Some("the index is being made"),
        IndexState::Held(by) => Some(match by {
            Hold::Locked => "the index is held up: locked by another process",
            Hold::NotPermitted => "the index is held up: permission denied",
            Hold::DiskFull => "the index is held up: disk full",
            Hold::Io => "the index is held up: I/O error",
            Hold::DatabaseAway => "the index is held up: the database is away",
            Hold::Other => "the index is held up; see the log",
        }),
    }
}

/// Give the public keys that access tokens verify with.
#[utoipa::path(
    tag = "health",
    responses((status = 200, description = "The keys", body = Jwks)),
    security(()),
)]
#[get("/.well-known/jwks.json")]
pub(crate) async fn jwks(api: Data<Api>) -> HttpResponse {
    let key = |key: eureka_service::PublicKey| Jwk {
        kty: "OKP",
        crv: "Ed25519",
        r#use: "sig",
        alg: "EdDSA",
        kid: key.kid,
        x: key.x,
    };
    HttpResponse::Ok()
        .insert_header(("Cache-Control", "public, max-age=300"))
        .json(Jwks { keys: api.service().public_keys().into_iter().map(key).collect() })
}
