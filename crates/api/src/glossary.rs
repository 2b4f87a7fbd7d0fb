//! `/v1/communities/{slug}/glossary`: which words of a community stand for each other.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, put};
use eureka_domain::glossary::GlossaryEntry;
use eureka_service::GlossaryView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::{Expected, tagged};
use crate::idempotency::changed;
use crate::page::{PageBody, PageParams, listed, page_request};
use crate::params::Params;
use crate::problem::Problem;
use crate::wire::{Person, instant};

/// A term and the phrases that mean the same: all of them stand for each other.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GlossaryEntryBody {
    /// The term, up to 80 characters and 8 words; one entry each.
    #[schema(example = "ADF")]
    term: String,
    /// What it means: up to 10 phrases of up to 80 characters and 8 words.
    #[schema(example = json!(["document feeder"]))]
    means: Vec<String>,
}

/// A community's glossary.
#[derive(Serialize, ToSchema)]
pub(crate) struct GlossaryBody {
    /// 1, 2, 3 …; 0 where there has never been one.
    version: i32,
    /// What it says.
    entries: Vec<GlossaryEntryBody>,
    /// Who wrote this version; absent where the operator did.
    #[serde(skip_serializing_if = "Option::is_none")]
    editor: Option<Person>,
    /// When this version was written; absent where there has never been one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    updated_at: Option<String>,
}

impl From<&GlossaryView> for GlossaryBody {
    fn from(glossary: &GlossaryView) -> Self {
        let entry = |entry: &GlossaryEntry| GlossaryEntryBody { term: entry.term.clone(), means: entry.means.clone() };
        Self {
            version: glossary.version,
            entries: glossary.entries.iter().map(entry).collect(),
            editor: glossary.editor.as_ref().map(Into::into),
            updated_at: glossary.at.map(instant),
        }
    }
}

/// What a glossary is to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GlossaryPut {
    /// All of it, up to 500 entries; what is left out is said no longer.
    entries: Vec<GlossaryEntryBody>,
}

/// Read a community's glossary.
///
/// A search for one phrase of an entry finds the community's tips that have another. A community speaks for its own tips:
/// nothing changes in what is found of others.
#[utoipa::path(
    tag = "communities",
    params(("slug" = String, Path, description = "The community")),
    responses((status = 200, description = "The glossary in force", body = GlossaryBody)),
)]
#[get("/communities/{slug}/glossary")]
pub(crate) async fn read_glossary(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    slug: Path<String>,
) -> Result<HttpResponse, Problem> {
    let glossary = api.run(move |service| service.read_glossary(&caller.0, &slug)).await?;
    tagged(&req, glossary.etag(), &GlossaryBody::from(&glossary))
}

/// Rewrite a community's glossary (its stewards, admins).
///
/// Searches speak it from the reply on; on other replicas within a second.
#[utoipa::path(
    tag = "communities",
    request_body = GlossaryPut,
    params(
        ("slug" = String, Path, description = "The community"),
        ("If-Match" = String, Header, description = "The ETag of the glossary you rewrite"),
    ),
    responses((status = 200, description = "The glossary as it is now", body = GlossaryBody)),
)]
#[put("/communities/{slug}/glossary")]
pub(crate) async fn write_glossary(
    api: Data<Api>,
    caller: Caller,
    slug: Path<String>,
    expected: Expected,
    body: Body<GlossaryPut>,
) -> Result<HttpResponse, Problem> {
    let entry = |entry: GlossaryEntryBody| GlossaryEntry { term: entry.term, means: entry.means };
    let entries = body.value.entries.into_iter().map(entry).collect();
    let slug = slug.into_inner();
    let written = api.run(move |service| service.write_glossary(&caller.0, slug, entries, expected.0)).await?;
    let glossary = written.value;
    Ok(changed(glossary.etag(), written.position, &GlossaryBody::from(&glossary)))
}

/// List the versions of a community's glossary, newest first.
#[utoipa::path(
    tag = "communities",
    params(("slug" = String, Path, description = "The community"), PageParams),
    responses((status = 200, description = "One page of versions", body = PageBody<GlossaryBody>)),
)]
#[get("/communities/{slug}/glossary/versions")]
pub(crate) async fn list_glossary_versions(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    slug: Path<String>,
    params: Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let page = page_request(params.0.limit, params.0.cursor)?;
    let found = api.run(move |service| service.list_glossary_versions(&caller.0, &slug, &page)).await?;
    Ok(listed(&req, found, |version| GlossaryBody::from(&version)))
}
