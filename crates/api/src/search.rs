//! `/v1/search`: finding tips.

mod body;
mod pages;

use std::time::Instant as Stopwatch;

use actix_web::http::header::{ACCEPT_LANGUAGE, AcceptLanguage, Header, LINK};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use eureka_domain::ids::UserId;
use eureka_service::{SearchQuery, SearchResponse, ServiceError, Sort};

pub(crate) use body::{AgeWord, HitTip, SortWord, hit_tip};

use body::{SearchBody, SearchParams, facet_fields};

use crate::Api;
use crate::caller::Caller;
use crate::page::{checked_limit, next_link};
use crate::params::Params;
use crate::problem::{INVALID_PARAMETER, Problem};

/// Find tips.
///
/// `q` speaks: words; `"a phrase"`; `-word`; `field:value` for `product`, `code`, `part`, `tag`, `author` and `lang`.
/// Anything else is text: no input is an error. All words are wanted: up to three words, tips that have them all come first;
/// in longer queries a tip may lack a word and still fit better (`missing` says which). Where too few have them all, the
/// query is relaxed in steps, and `relaxed` says how. Without `q`, the filters alone are the query; of a filter that is given
/// several times (`tag=a&tag=b`), any value will do. Of tips that fit alike, those in the language of `Accept-Language` come
/// first.
#[utoipa::path(
    tag = "search",
    params(SearchParams),
    responses((status = 200, description = "One page of hits, best first", body = SearchBody)),
)]
#[get("/search")]
pub(crate) async fn search_tips(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<SearchParams>,
) -> Result<HttpResponse, Problem> {
    let params = params.0;
    let limit = checked_limit(params.limit)?;
    let query = SearchQuery {
        q: params.q.unwrap_or_default(),
        communities: params.community.into(),
        products: params.product.into(),
        fault_codes: params.fault_code.into(),
        tags: params.tag.into(),
        langs: params.lang.into(),
        authors: params.author.into_iter().map(UserId).collect(),
        confidence: params.confidence.into_iter().map(Into::into).collect(),
        safety: params.safety.into_iter().map(Into::into).collect(),
        ages: params.age.into_iter().map(Into::into).collect(),
        screen: language_of_screen(&req),
        sort: params.sort.map_or(Sort::Relevance, Into::into),
        facets: facet_fields(params.facets.as_deref())?,
        explain: params.explain.unwrap_or(false),
        limit: usize::try_from(limit).unwrap_or(20),
        cursor: params.cursor,
        min_position: checked_position(params.min_position)?,
    };
    let (watch, now) = (Stopwatch::now(), api.service().now());
    let search = if query.waits() {
        api.run(move |service| service.ready_search(&caller.0, query)).await?
    } else {
        api.service().ready_search(&caller.0, query)?
    };
    let id = search.id();
    let mut page = pages::take();
    let shape = move |found: SearchResponse| {
        let next = found.next.as_ref().map(ToString::to_string);
        let body = SearchBody::new(found, id, next.clone(), watch.elapsed(), now);
        (serde_json::to_writer(&mut *page, &body).map(|()| page), next)
    };
    let (page, next) = api.service().search_tips(search, shape).await?;
    let page = page.map_err(|error| ServiceError::Internal(error.to_string()))?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = next {
        response.insert_header((LINK, next_link(&req, &next)));
    }
    Ok(response.content_type("application/json").body(page.sent()))
}

/// The language that the caller would rather read, if they say so.
fn language_of_screen(req: &HttpRequest) -> Option<String> {
    let asked = req.headers().contains_key(ACCEPT_LANGUAGE).then(|| AcceptLanguage::parse(req).ok()).flatten()?;
    asked.preference().item().map(|tag| tag.primary_language().to_owned())
}

/// A position that the log can have.
fn checked_position(position: Option<i64>) -> Result<Option<i64>, Problem> {
    match position {
        Some(..0) => Err(Problem::at(&INVALID_PARAMETER, "min_position", "invalid", "0 or more")),
        fit => Ok(fit),
    }
}
