//! `feed.atom` and `feed.json` of a community and of a search: being told by a feed reader. The newest first; a tip comes
//! again when its next revision is published, and is gone from the feed with the right to read it.

mod atom;
mod json;

use std::fmt::Write as _;
use std::sync::Arc;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use eureka_domain::Instant;
use eureka_domain::ids::UserId;
use eureka_domain::tip::{Confidence, Safety};
use eureka_service::{Relaxed, SearchQuery, SearchResponse, Sort, TipDocument, entity_tag, name_of};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use self::json::JsonFeed;
use crate::Api;
use crate::caller::Caller;
use crate::conditional::tagged_as;
use crate::html::escaped;
use crate::page::checked_limit;
use crate::params::{Ids, Params, Texts};
use crate::problem::Problem;
use crate::tips::{ConfidenceWords, SafetyWords};

/// What a feed has, whatever its form.
struct Feed {
    id: Uuid,
    title: String,
    description: Option<String>,
    /// The feed's own address, and that of its other form.
    link: String,
    other: String,
    /// When the newest of its texts was published, or what it is of last changed.
    updated: Instant,
    tips: Vec<Arc<TipDocument>>,
}

/// How much of a community.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedParams {
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
}

/// Which search to follow: what `/v1/search` takes, but for what orders, counts and turns pages.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FeedSearchParams {
    /// What you are looking for: words, codes, a question. Only what has all of it is in the feed.
    #[param(example = "3396 DocuColor 40")]
    q: Option<String>,
    /// In the community with this slug.
    #[param(inline)]
    community: Texts,
    /// For this product; case, accents and spacing do not matter.
    #[param(inline)]
    product: Texts,
    /// With this fault code; case and separators do not matter.
    #[param(inline)]
    fault_code: Texts,
    /// With this tag.
    #[param(inline)]
    tag: Texts,
    /// In this language: BCP 47 primary subtag.
    #[param(inline)]
    lang: Texts,
    /// By this author.
    #[param(inline)]
    author: Ids,
    /// Of this confidence.
    #[param(inline)]
    confidence: ConfidenceWords,
    /// Of this safety level.
    #[param(inline)]
    safety: SafetyWords,
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
}

/// Follow a community's tips with a feed reader, in Atom.
///
/// The approved tips that you find there, the one whose text was published last first; what may hurt stands first in each.
/// Feed readers know no bearer tokens: an API key with the scope `read` may be the password of HTTP Basic, with any user
/// name. A text is as it was published; what no longer is in a feed may be on hold, or gone: `/v1/changes` and webhooks say
/// so. Ask with the `ETag` of last time.
#[utoipa::path(
    tag = "feeds",
    params(("slug" = String, Path, description = "The community"), FeedParams),
    responses((status = 200, description = "The feed", body = String, content_type = "application/atom+xml")),
)]
#[get("/communities/{slug}/feed.atom")]
pub(crate) async fn community_atom(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    slug: Path<String>,
    params: Params<FeedParams>,
) -> Result<HttpResponse, Problem> {
    let feed = of_community(&api, &req, caller, &slug, &params.0).await?;
    as_atom(&api, &req, &feed)
}

/// Follow a community's tips with a feed reader, in JSON Feed 1.1.
///
/// The same as its Atom feed.
#[utoipa::path(
    tag = "feeds",
    params(("slug" = String, Path, description = "The community"), FeedParams),
    responses((status = 200, description = "The feed", body = JsonFeed, content_type = "application/feed+json")),
)]
#[get("/communities/{slug}/feed.json")]
pub(crate) async fn community_json_feed(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    slug: Path<String>,
    params: Params<FeedParams>,
) -> Result<HttpResponse, Problem> {
    let feed = of_community(&api, &req, caller, &slug, &params.0).await?;
    as_json(&api, &req, &feed)
}

/// Follow a search with a feed reader, in Atom.
///
/// What it finds that has all the words, the one whose text was published last first; of a filter that is given several
/// times any value will do. A saved search is its URL. It is not remembered as a search: nobody stands at a machine. Feed
/// readers know no bearer tokens: an API key with the scope `read` may be the password of HTTP Basic, with any user name.
#[utoipa::path(
    tag = "feeds",
    params(FeedSearchParams),
    responses((status = 200, description = "The feed", body = String, content_type = "application/atom+xml")),
)]
#[get("/search/feed.atom")]
pub(crate) async fn search_atom(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<FeedSearchParams>,
) -> Result<HttpResponse, Problem> {
    let feed = of_search(&api, &req, caller, params.0).await?;
    as_atom(&api, &req, &feed)
}

/// Follow a search with a feed reader, in JSON Feed 1.1.
///
/// The same as its Atom feed.
#[utoipa::path(
    tag = "feeds",
    params(FeedSearchParams),
    responses((status = 200, description = "The feed", body = JsonFeed, content_type = "application/feed+json")),
)]
#[get("/search/feed.json")]
pub(crate) async fn search_json_feed(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<FeedSearchParams>,
) -> Result<HttpResponse, Problem> {
    let feed = of_search(&api, &req, caller, params.0).await?;
    as_json(&api, &req, &feed)
}

async fn of_community(
    api: &Data<Api>,
    req: &HttpRequest,
    caller: Caller,
    slug: &str,
    params: &FeedParams,
) -> Result<Feed, Problem> {
    let limit = checked_limit(params.limit)?;
    let (who, slug) = (caller.0.clone(), slug.to_owned());
    let community = api.run(move |service| service.read_community(&who, &slug)).await?;
    let query = SearchQuery { communities: vec![community.slug], ..newest(limit) };
    let tips = found(api, caller, query).await?;
    let (link, other) = links(api, req);
    let description = Some(community.description).filter(|text| !text.is_empty());
    let updated = newest_of(&tips).unwrap_or(community.created_at);
    Ok(Feed { id: community.id.0, title: community.name, description, link, other, updated, tips })
}

async fn of_search(
    api: &Data<Api>,
    req: &HttpRequest,
    caller: Caller,
    params: FeedSearchParams,
) -> Result<Feed, Problem> {
    let limit = checked_limit(params.limit)?;
    let q = params.q.unwrap_or_default();
    let title = if q.trim().is_empty() { "Eureka: tips".to_owned() } else { format!("Eureka: {}", q.trim()) };
    let query = SearchQuery {
        q,
        communities: params.community.into(),
        products: params.product.into(),
        fault_codes: params.fault_code.into(),
        tags: params.tag.into(),
        langs: params.lang.into(),
        authors: params.author.into_iter().map(UserId).collect(),
        confidence: params.confidence.into_iter().map(Into::into).collect(),
        safety: params.safety.into_iter().map(Into::into).collect(),
        ..newest(limit)
    };
    let tips = found(api, caller, query).await?;
    let (link, other) = links(api, req);
    let updated = newest_of(&tips).unwrap_or_default();
    Ok(Feed { id: search_id(api, req), title, description: None, link, other, updated, tips })
}

fn newest(limit: i64) -> SearchQuery {
    SearchQuery { sort: Sort::Newest, limit: usize::try_from(limit).unwrap_or(20), ..SearchQuery::default() }
}

/// What a search finds that lacks nothing of it.
async fn found(api: &Data<Api>, caller: Caller, query: SearchQuery) -> Result<Vec<Arc<TipDocument>>, Problem> {
    let search = api.run(move |service| service.ready_feed(&caller.0, query)).await?;
    let whole = |found: SearchResponse| {
        // A word that no tip has is one that all of them lack.
        if found.relaxed.iter().any(|relaxed| matches!(relaxed, Relaxed::Ignored { .. })) {
            return Vec::new();
        }
        found.hits.into_iter().filter(|hit| hit.missing.is_empty()).map(|hit| hit.tip).collect::<Vec<_>>()
    };
    Ok(api.service().search_tips(search, whole).await?)
}

fn newest_of(tips: &[Arc<TipDocument>]) -> Option<Instant> {
    tips.iter().map(|tip| tip.updated_at).max()
}

/// The address of a feed, and that of its other form.
fn links(api: &Api, req: &HttpRequest) -> (String, String) {
    let path = req.path();
    let other = match path.strip_suffix(".atom") {
        Some(stem) => format!("{stem}.json"),
        None => format!("{}.atom", path.trim_end_matches(".json")),
    };
    let query = if req.query_string().is_empty() { String::new() } else { format!("?{}", req.query_string()) };
    (api.link(&format!("{path}{query}")), api.link(&format!("{other}{query}")))
}

/// A search's own id, in either form: made of where it is asked and of what, however that is written.
fn search_id(api: &Api, req: &HttpRequest) -> Uuid {
    let mut asked: Vec<_> = form_urlencoded::parse(req.query_string().as_bytes()).collect();
    asked.retain(|(name, _)| name != "limit");
    asked.sort();
    asked.dedup();
    let canonical = form_urlencoded::Serializer::new(String::new()).extend_pairs(asked).finish();
    let bits = name_of(&format!("GET {}\n{canonical}", api.link("/v1/search")));
    uuid::Builder::from_custom_bytes(bits.to_be_bytes()).into_uuid()
}

fn as_atom(api: &Api, req: &HttpRequest, feed: &Feed) -> Result<HttpResponse, Problem> {
    let text = atom::written(api, feed)?;
    tagged_as(req, entity_tag(&text), "application/atom+xml; charset=utf-8", text)
}

fn as_json(api: &Api, req: &HttpRequest, feed: &Feed) -> Result<HttpResponse, Problem> {
    let text = json::written(api, feed)?;
    tagged_as(req, entity_tag(&text), "application/feed+json", text)
}

fn urn(id: Uuid) -> String {
    format!("urn:uuid:{id}")
}

/// Where a tip is to be read.
fn page_of(api: &Api, tip: &TipDocument) -> String {
    api.link(&format!("/v1/tips/{}.md", tip.number))
}

/// What is to be read before anything else of a tip.
fn warnings(tip: &TipDocument) -> Vec<(&'static str, String)> {
    let hazard = tip.hazard.clone().unwrap_or_default();
    let danger = match tip.safety {
        Safety::None => None,
        Safety::Caution => Some(("Caution.", hazard)),
        Safety::Danger => Some(("Danger.", hazard)),
    };
    let is_validated = tip.confidence == Confidence::Validated;
    let doubt =
        (!is_validated).then(|| ("Not validated.", format!("The tip is {}.", tip.confidence.word().replace('_', " "))));
    danger.into_iter().chain(doubt).collect()
}

/// A tip in one paragraph of plain text.
fn summary(tip: &TipDocument) -> String {
    let warnings = warnings(tip).into_iter().map(|(what, why)| format!("{what} {why}"));
    warnings.chain([tip.problem.clone()]).map(|part| part.trim().to_owned()).collect::<Vec<_>>().join(" ")
}

/// A tip as HTML that has nothing in it but paragraphs.
fn html(tip: &TipDocument) -> String {
    let mut out = String::new(); // writing to it cannot fail
    for (what, why) in warnings(tip) {
        let _ = writeln!(out, "<p><strong>{what}</strong> {}</p>", escaped(why.trim()));
    }
    let parts = [("Problem", Some(&tip.problem)), ("Cause", tip.cause.as_ref()), ("Solution", tip.solution.as_ref())];
    for (name, text) in parts {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { continue };
        let _ = writeln!(out, "<h3>{name}</h3>");
        for paragraph in text.replace("\r\n", "\n").split("\n\n").filter(|text| !text.trim().is_empty()) {
            let _ = writeln!(out, "<p>{}</p>", escaped(paragraph.trim()));
        }
    }
    for (name, labels) in [("Products", &tip.products), ("Fault codes", &tip.fault_codes), ("Parts", &tip.parts)] {
        if !labels.is_empty() {
            let _ = writeln!(out, "<p>{name}: {}</p>", escaped(labels.join(", ").trim()));
        }
    }
    out
}
