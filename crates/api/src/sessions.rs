//! `/v1/auth/*` and `/v1/me`: logging in, staying logged in, logging out.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use eureka_service::Tokens;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::body::Body;
use crate::caller::Caller;
use crate::limits::address_of;
use crate::problem::Problem;
use crate::users::UserBody;

/// Who logs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// The account's e-mail address.
    #[schema(example = "technician@demo.example")]
    email: String,
    /// Its password.
    #[schema(format = Password)]
    password: String,
}

/// A refresh token to trade in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    /// As the last login or refresh gave it; good for one refresh.
    refresh_token: String,
}

/// Tokens of a session.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokensBody {
    /// A JWT for `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: i64,
    /// For one refresh.
    refresh_token: String,
}

impl From<Tokens> for TokensBody {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access_token,
            token_type: "Bearer",
            expires_in: tokens.expires_in,
            refresh_token: tokens.refresh_token,
        }
    }
}

fn tokens(tokens: Tokens) -> HttpResponse {
    HttpResponse::Ok().json(TokensBody::from(tokens))
}

/// Log in.
///
/// Opens a session. An unknown address and a wrong password get the same answer in the same time. Attempts are counted by
/// account, by address and altogether, on all replicas: after ten on one account, one a minute. The right password gives
/// them back.
#[utoipa::path(
    tag = "sessions",
    request_body = Login,
    responses((status = 200, description = "The session's tokens", body = TokensBody)),
    security(()),
)]
#[post("/auth/login")]
pub(crate) async fn login(api: Data<Api>, req: HttpRequest, body: Body<Login>) -> Result<HttpResponse, Problem> {
    let Login { email, password } = body.value;
    let from = address_of(&req);
    api.run(move |service| service.login(&email, &password, &from)).await.map(tokens)
}

/// Refresh the access token.
///
/// Gives new tokens for a refresh token, which is then spent. Presenting a spent one ends its session.
#[utoipa::path(
    tag = "sessions",
    request_body = Refresh,
    responses((status = 200, description = "The session's new tokens", body = TokensBody)),
    security(()),
)]
#[post("/auth/refresh")]
pub(crate) async fn refresh(api: Data<Api>, body: Body<Refresh>) -> Result<HttpResponse, Problem> {
    let token = body.value.refresh_token;
    api.run(move |service| service.refresh(&token)).await.map(tokens)
}

/// Log out.
///
/// Ends the session at once; its tokens stop working.
#[utoipa::path(tag = "sessions", responses((status = 204, description = "The session has ended")))]
#[post("/auth/logout")]
pub(crate) async fn logout(api: Data<Api>, caller: Caller) -> Result<HttpResponse, Problem> {
    api.run(move |service| service.logout(&caller.0)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Read your own account, with your role in each community.
#[utoipa::path(tag = "sessions", responses((status = 200, description = "Your account", body = UserBody)))]
#[get("/me")]
pub(crate) async fn me(api: Data<Api>, caller: Caller) -> Result<HttpResponse, Problem> {
    let caller = caller.0;
    let (user, roles) = api.run(move |service| service.me(&caller)).await?;
    Ok(HttpResponse::Ok().json(UserBody::with_roles(&user, roles)))
}
