//! `/v1/communities`: who shares a domain, how they review, who belongs.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use eureka_domain::community::{Charter, Community, Openness, ReviewPolicy, Role};
use eureka_service::{CommunityChanges, MemberView, PolicyChanges, entity_tag};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::{Expected, tagged};
use crate::idempotency::{Created, IdempotencyKey, POSITION, answered, changed};
use crate::page::{PageBody, PageParams, listed, page_request};
use crate::params::Params;
use crate::path::user_id;
use crate::problem::Problem;
use crate::wire::{Person, instant, present, wire_enum};

wire_enum! {
    /// Who reads a community's approved tips: everyone signed in, or its members.
    OpennessWord = Openness { Open = "open", Private = "private" }
}
wire_enum! {
    /// What a member does; each role includes those before it.
    RoleWord = Role {
        Reader = "reader", Contributor = "contributor", Reviewer = "reviewer", Steward = "steward",
    }
}

/// How a community reviews.
#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyBody {
    /// How many distinct reviewers have to approve.
    quorum: i32,
    /// How many have to approve a tip with a safety level, where that is more; one of them a steward where it is `danger`.
    safety_quorum: i32,
    /// How many minutes a claim lasts.
    claim_minutes: i32,
    /// Within how many working days somebody takes a submission up.
    first_response_days: i32,
    /// Within how many working days it is decided.
    decision_days: i32,
}

impl From<ReviewPolicy> for PolicyBody {
    fn from(policy: ReviewPolicy) -> Self {
        Self {
            quorum: policy.quorum,
            safety_quorum: policy.safety_quorum,
            claim_minutes: policy.claim_minutes,
            first_response_days: policy.first_response_days,
            decision_days: policy.decision_days,
        }
    }
}

/// How a community is to review; what is not named stays, or takes its default.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyPatch {
    /// How many distinct reviewers have to approve, 1 to 5; 1 unless set.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    quorum: Option<i32>,
    /// How many have to approve a tip with a safety level, 1 to 5; 2 unless set.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    safety_quorum: Option<i32>,
    /// How many minutes a claim lasts, 1 to 1440; 30 unless set.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    claim_minutes: Option<i32>,
    /// Within how many working days somebody takes a submission up, 1 to 100; 2 unless set.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    first_response_days: Option<i32>,
    /// Within how many working days it is decided, 1 to 100; 10 unless set.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    decision_days: Option<i32>,
}

impl From<PolicyPatch> for PolicyChanges {
    fn from(patch: PolicyPatch) -> Self {
        Self {
            quorum: patch.quorum,
            safety_quorum: patch.safety_quorum,
            claim_minutes: patch.claim_minutes,
            first_response_days: patch.first_response_days,
            decision_days: patch.decision_days,
        }
    }
}

/// A community.
#[derive(Serialize, ToSchema)]
pub(crate) struct CommunityBody {
    /// For ever.
    id: uuid::Uuid,
    /// The word in URLs.
    slug: String,
    /// The name people use.
    name: String,
    /// What it is about.
    description: String,
    /// Who reads its approved tips.
    visibility: OpennessWord,
    /// How it reviews.
    policy: PolicyBody,
    /// When it was founded.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<&Community> for CommunityBody {
    fn from(community: &Community) -> Self {
        Self {
            id: community.id.0,
            slug: community.slug.clone(),
            name: community.name.clone(),
            description: community.description.clone(),
            visibility: community.openness.into(),
            policy: community.policy.into(),
            created_at: instant(community.created_at),
            updated_at: instant(community.updated_at),
        }
    }
}

/// A community to be founded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCommunityBody {
    /// The word in URLs: 2 to 60 lower-case letters, digits and single dashes.
    #[schema(example = "office-printers")]
    slug: String,
    /// The name people use.
    name: String,
    /// What it is about.
    #[serde(default)]
    description: String,
    /// Who reads its approved tips; `open` unless given.
    #[serde(default)]
    visibility: Option<OpennessWord>,
    /// How it reviews.
    #[serde(default)]
    policy: PolicyPatch,
}

/// What to change of a community (RFC 7396); what is not named stays, and nothing can be removed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommunityPatch {
    /// The name people use.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// What it is about.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    description: Option<String>,
    /// Who reads its approved tips.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    visibility: Option<OpennessWord>,
    /// How it reviews.
    #[serde(default)]
    policy: PolicyPatch,
}

/// A member.
#[derive(Serialize, ToSchema)]
pub(crate) struct MemberBody {
    /// Who.
    user: Person,
    /// As what.
    role: RoleWord,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
}

impl From<&MemberView> for MemberBody {
    fn from(member: &MemberView) -> Self {
        Self { user: (&member.person).into(), role: member.role.into(), since: instant(member.since) }
    }
}

/// The role to give.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberPut {
    /// What they will do in the community.
    role: RoleWord,
}

/// List the communities you may know of, oldest first.
#[utoipa::path(
    tag = "communities",
    params(PageParams),
    responses((status = 200, description = "One page of communities", body = PageBody<CommunityBody>)),
)]
#[get("/communities")]
pub(crate) async fn list_communities(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let page = page_request(params.0.limit, params.0.cursor)?;
    let found = api.run(move |service| service.list_communities(&caller.0, &page)).await?;
    Ok(listed(&req, found, |community| CommunityBody::from(&community)))
}

/// Found a community (admins).
#[utoipa::path(
    tag = "communities",
    request_body = NewCommunityBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat")),
    responses((status = 201, description = "The community", body = CommunityBody)),
)]
#[post("/communities")]
pub(crate) async fn create_community(
    api: Data<Api>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<NewCommunityBody>,
) -> Result<HttpResponse, Problem> {
    let charter = Charter {
        slug: body.value.slug,
        name: body.value.name,
        description: body.value.description,
        openness: body.value.visibility.map_or(Openness::Open, Into::into),
        policy: PolicyChanges::from(body.value.policy).apply(ReviewPolicy::default()),
    };
    let once = key.once(body.fingerprint, |community: &Community| {
        let location = format!("/v1/communities/{}", community.slug);
        Created::at(location, Some(entity_tag(community)), &CommunityBody::from(community))
    });
    let answer = api.run(move |service| service.create_community(&caller.0, charter, once)).await?;
    Ok(answered(answer))
}

/// Read a community.
#[utoipa::path(
    tag = "communities",
    params(("slug" = String, Path, description = "The community")),
    responses((status = 200, description = "The community", body = CommunityBody)),
)]
#[get("/communities/{slug}")]
pub(crate) async fn read_community(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    slug: Path<String>,
) -> Result<HttpResponse, Problem> {
    let community = api.run(move |service| service.read_community(&caller.0, &slug)).await?;
    tagged(&req, entity_tag(&community), &CommunityBody::from(&community))
}

/// Change a community's charter (its stewards, admins).
#[utoipa::path(
    tag = "communities",
    request_body(content = CommunityPatch, content_type = "application/merge-patch+json"),
    params(
        ("slug" = String, Path, description = "The community"),
        ("If-Match" = String, Header, description = "The ETag of the state you change"),
    ),
    responses((status = 200, description = "The community as it is now", body = CommunityBody)),
)]
#[patch("/communities/{slug}")]
pub(crate) async fn update_community(
    api: Data<Api>,
    caller: Caller,
    slug: Path<String>,
    expected: Expected,
    body: Body<CommunityPatch>,
) -> Result<HttpResponse, Problem> {
    let changes = CommunityChanges {
        name: body.value.name,
        description: body.value.description,
        openness: body.value.visibility.map(Into::into),
        policy: body.value.policy.into(),
    };
    let slug = slug.into_inner();
    let written = api.run(move |service| service.update_community(&caller.0, slug, changes, expected.0)).await?;
    let community = written.value;
    Ok(changed(entity_tag(&community), written.position, &CommunityBody::from(&community)))
}

/// List a community's members (members, admins).
#[utoipa::path(
    tag = "communities",
    params(("slug" = String, Path, description = "The community"), PageParams),
    responses((status = 200, description = "One page of members", body = PageBody<MemberBody>)),
)]
#[get("/communities/{slug}/members")]
pub(crate) async fn list_members(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    slug: Path<String>,
    params: Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let page = page_request(params.0.limit, params.0.cursor)?;
    let found = api.run(move |service| service.list_members(&caller.0, &slug, &page)).await?;
    Ok(listed(&req, found, |member| MemberBody::from(&member)))
}

/// Make a person a member, or change their role (stewards, admins).
#[utoipa::path(
    tag = "communities",
    request_body = MemberPut,
    params(
        ("slug" = String, Path, description = "The community"),
        ("user_id" = uuid::Uuid, Path, description = "The person"),
    ),
    responses((status = 200, description = "The member", body = MemberBody)),
)]
#[put("/communities/{slug}/members/{user_id}")]
pub(crate) async fn set_member(
    api: Data<Api>,
    caller: Caller,
    path: Path<(String, String)>,
    body: Body<MemberPut>,
) -> Result<HttpResponse, Problem> {
    let (slug, user) = path.into_inner();
    let user = user_id(&user)?;
    let role = body.value.role.into();
    let written = api.run(move |service| service.set_member(&caller.0, slug, user, role)).await?;
    Ok(HttpResponse::Ok()
        .insert_header((POSITION, written.position.to_string()))
        .json(MemberBody::from(&written.value)))
}

/// End a membership: your own, or any for stewards and admins.
#[utoipa::path(
    tag = "communities",
    params(
        ("slug" = String, Path, description = "The community"),
        ("user_id" = uuid::Uuid, Path, description = "The person"),
    ),
    responses((status = 204, description = "They are no longer a member")),
)]
#[delete("/communities/{slug}/members/{user_id}")]
pub(crate) async fn remove_member(
    api: Data<Api>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (slug, user) = path.into_inner();
    let user = user_id(&user)?;
    let written = api.run(move |service| service.remove_member(&caller.0, slug, user)).await?;
    Ok(HttpResponse::NoContent().insert_header((POSITION, written.position.to_string())).finish())
}
