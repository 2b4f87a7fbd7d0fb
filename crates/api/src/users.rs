//! `/v1/users`: accounts, for admins and for oneself.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use eureka_domain::community::Role;
use eureka_domain::user::{SiteRole, User, UserStatus};
use eureka_service::{NewUser, UserChanges, entity_tag};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::body::Body;
use crate::caller::Caller;
use crate::communities::RoleWord;
use crate::conditional::{Expected, tagged};
use crate::idempotency::{Created, IdempotencyKey, answered, changed};
use crate::page::{PageBody, PageParams, listed, page_request};
use crate::params::Params;
use crate::path::user_id;
use crate::problem::Problem;
use crate::wire::{instant, present, wire_enum};

wire_enum! {
    /// What a person is to the whole site.
    SiteRoleWord = SiteRole { Member = "member", Admin = "admin" }
}
wire_enum! {
    /// Whether a person may sign in.
    UserStatusWord = UserStatus { Active = "active", Suspended = "suspended" }
}

/// An account.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserBody {
    /// For ever.
    id: uuid::Uuid,
    /// The login name; absent for authors who were imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// The name on their tips.
    name: String,
    /// What they are to the whole site.
    site_role: SiteRoleWord,
    /// Whether they may sign in.
    status: UserStatusWord,
    /// When the account was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Their role in each community, by slug; on `/v1/me`.
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<std::collections::BTreeMap<String, RoleWord>>,
}

impl UserBody {
    fn new(user: &User) -> Self {
        Self {
            id: user.id.0,
            email: user.email.clone(),
            name: user.name.clone(),
            site_role: user.site_role.into(),
            status: user.status.into(),
            created_at: instant(user.created_at),
            updated_at: instant(user.updated_at),
            roles: None,
        }
    }

    pub(crate) fn with_roles(user: &User, roles: Vec<(String, Role)>) -> Self {
        let roles = roles.into_iter().map(|(slug, role)| (slug, role.into())).collect();
        Self { roles: Some(roles), ..Self::new(user) }
    }
}

/// An account to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUserBody {
    /// The login name.
    email: String,
    /// The name on their tips.
    name: String,
    /// The first password: 12 to 256 characters.
    #[schema(format = Password)]
    password: String,
    /// `member` unless given.
    #[serde(default)]
    site_role: Option<SiteRoleWord>,
}

/// What to change of an account (RFC 7396); what is not named stays, and nothing can be removed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserPatch {
    /// The name on their tips.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// A new password. Ends every session of the account.
    #[serde(default, deserialize_with = "present")]
    #[schema(format = Password, nullable = false)]
    password: Option<String>,
    /// The present password; owed by whoever changes their own.
    #[serde(default, deserialize_with = "present")]
    #[schema(format = Password, nullable = false)]
    current_password: Option<String>,
    /// Admins only, and never one's own.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    site_role: Option<SiteRoleWord>,
    /// Admins only, and never one's own. Suspending ends every session of the account.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    status: Option<UserStatusWord>,
}

/// List accounts, oldest first (admins).
#[utoipa::path(
    tag = "users",
    params(PageParams),
    responses((status = 200, description = "One page of accounts", body = PageBody<UserBody>)),
)]
#[get("/users")]
pub(crate) async fn list_users(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let page = page_request(params.0.limit, params.0.cursor)?;
    let users = api.run(move |service| service.list_users(&caller.0, &page)).await?;
    Ok(listed(&req, users, |user| UserBody::new(&user)))
}

/// Make an account (admins).
#[utoipa::path(
    tag = "users",
    request_body = NewUserBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat")),
    responses((status = 201, description = "The account", body = UserBody)),
)]
#[post("/users")]
pub(crate) async fn create_user(
    api: Data<Api>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<NewUserBody>,
) -> Result<HttpResponse, Problem> {
    let new = NewUser {
        email: body.value.email,
        name: body.value.name,
        password: body.value.password,
        site_role: body.value.site_role.map_or(SiteRole::Member, Into::into),
    };
    let once = key.once(body.fingerprint, |user: &User| {
        Created::at(format!("/v1/users/{}", user.id), Some(entity_tag(user)), &UserBody::new(user))
    });
    let answer = api.run(move |service| service.create_user(&caller.0, new, once)).await?;
    Ok(answered(answer))
}

/// Read an account: your own, or any for admins.
#[utoipa::path(
    tag = "users",
    params(("id" = uuid::Uuid, Path, description = "The account")),
    responses((status = 200, description = "The account", body = UserBody)),
)]
#[get("/users/{id}")]
pub(crate) async fn read_user(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = user_id(&id)?;
    let user = api.run(move |service| service.read_user(&caller.0, id)).await?;
    tagged(&req, entity_tag(&user), &UserBody::new(&user))
}

/// Change an account: your own name and password, or anything for admins.
#[utoipa::path(
    tag = "users",
    request_body(content = UserPatch, content_type = "application/merge-patch+json"),
    params(
        ("id" = uuid::Uuid, Path, description = "The account"),
        ("If-Match" = String, Header, description = "The ETag of the state you change"),
    ),
    responses((status = 200, description = "The account as it is now", body = UserBody)),
)]
#[patch("/users/{id}")]
pub(crate) async fn update_user(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    expected: Expected,
    body: Body<UserPatch>,
) -> Result<HttpResponse, Problem> {
    let id = user_id(&id)?;
    let changes = UserChanges {
        name: body.value.name,
        password: body.value.password,
        current_password: body.value.current_password,
        site_role: body.value.site_role.map(Into::into),
        status: body.value.status.map(Into::into),
    };
    let written = api.run(move |service| service.update_user(&caller.0, id, changes, expected.0)).await?;
    Ok(changed(entity_tag(&written.value), written.position, &UserBody::new(&written.value)))
}
