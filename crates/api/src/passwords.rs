//! `/v1/me/password`, `/v1/users/{id}/password-reset`, `/v1/auth/reset`: new passwords.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::body::Body;
use crate::caller::Caller;
use crate::idempotency::POSITION;
use crate::path::user_id;
use crate::problem::Problem;
use crate::sessions::TokensBody;
use crate::wire::instant;

/// A new password for oneself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The present password.
    #[schema(format = Password)]
    current_password: String,
    /// The new one: 12 to 256 characters, and not one that is easily guessed.
    #[schema(format = Password)]
    password: String,
}

/// A token with which a person sets a new password, once.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResetTokenBody {
    /// To be handed to the person; shown only here.
    token: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// A new password, by a token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordReset {
    /// As an admin handed it over.
    token: String,
    /// The new password: 12 to 256 characters, and not one that is easily guessed.
    #[schema(format = Password)]
    password: String,
}

/// Change your own password.
///
/// Takes the present one, and ends every session of yours; the reply has the tokens of a new one. Your API keys stay.
#[utoipa::path(
    tag = "users",
    request_body = PasswordChange,
    responses((status = 200, description = "The tokens of your new session", body = TokensBody)),
)]
#[put("/me/password")]
pub(crate) async fn change_password(
    api: Data<Api>,
    caller: Caller,
    body: Body<PasswordChange>,
) -> Result<HttpResponse, Problem> {
    let PasswordChange { current_password, password } = body.value;
    let change =
        move |service: &eureka_service::Service| service.change_password(&caller.0, &current_password, &password);
    let written = api.run(change).await?;
    let position = (POSITION, written.position.to_string());
    Ok(HttpResponse::Ok().insert_header(position).json(TokensBody::from(written.value)))
}

/// Make a token with which a person sets a new password (admins).
///
/// It is good for one use within 24 hours, and only the newest is. Hand it over where you know who you talk to; nothing
/// changes before it is used.
#[utoipa::path(
    tag = "users",
    params(("id" = uuid::Uuid, Path, description = "The account")),
    responses((status = 200, description = "The token", body = ResetTokenBody)),
)]
#[post("/users/{id}/password-reset")]
pub(crate) async fn reset_password(api: Data<Api>, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = user_id(&id)?;
    let written = api.run(move |service| service.reset_password(&caller.0, id)).await?;
    let reset = written.value;
    let body = ResetTokenBody { token: reset.token, expires_at: instant(reset.expires_at) };
    Ok(HttpResponse::Ok().insert_header((POSITION, written.position.to_string())).json(body))
}

/// Set a new password with a token.
///
/// Ends every session and every API key of the account; log in with the new password.
#[utoipa::path(
    tag = "sessions",
    request_body = PasswordReset,
    responses((
        status = 204,
        description = "The password is set",
        headers(("Eureka-Position" = String, description = "The change's place in the log")),
    )),
    security(()),
)]
#[post("/auth/reset")]
pub(crate) async fn use_reset(api: Data<Api>, body: Body<PasswordReset>) -> Result<HttpResponse, Problem> {
    let PasswordReset { token, password } = body.value;
    let written = api.run(move |service| service.use_reset(&token, &password)).await?;
    Ok(HttpResponse::NoContent().insert_header((POSITION, written.position.to_string())).finish())
}
