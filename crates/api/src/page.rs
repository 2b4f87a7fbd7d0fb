//! Lists: a page of items, an opaque cursor, and a link to the next page (RFC 8288).

use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse};
use eureka_service::{Page, PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{INVALID_PARAMETER, Problem};

/// How many items a page has unless asked otherwise.
const DEFAULT_LIMIT: i64 = 20;
/// How many items a page has at most.
pub(crate) const MAX_LIMIT: i64 = 100;

/// Which page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageParams {
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(crate) limit: Option<i64>,
    /// The `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageBody<T> {
    /// The items.
    items: Vec<T>,
    /// Names the place after the last item; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// The page that `limit` and `cursor` ask for.
pub(crate) fn page_request(limit: Option<i64>, cursor: Option<String>) -> Result<PageRequest, Problem> {
    Ok(PageRequest { limit: checked_limit(limit)?, cursor })
}

/// A page's length, within bounds.
pub(crate) fn checked_limit(limit: Option<i64>) -> Result<i64, Problem> {
    match limit.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(Problem::at(&INVALID_PARAMETER, "limit", "invalid", format!("1 to {MAX_LIMIT}"))),
    }
}

/// The reply with one page.
pub(crate) fn listed<T, W: Serialize>(req: &HttpRequest, page: Page<T>, wire: impl FnMut(T) -> W) -> HttpResponse {
    let page = page.map(wire);
    sent(req, page.next.clone(), &PageBody::from(page))
}

/// The reply with all there is of something that has no pages.
pub(crate) fn listed_whole<T, W: Serialize>(
    req: &HttpRequest,
    items: Vec<T>,
    wire: impl FnMut(T) -> W,
) -> HttpResponse {
    listed(req, Page { items, next: None }, wire)
}

/// The reply with one page and what else belongs to it.
pub(crate) fn sent(req: &HttpRequest, next: Option<String>, body: &impl Serialize) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(next) = next {
        response.insert_header((LINK, next_link(req, &next)));
    }
    response.json(body)
}

impl<T> From<Page<T>> for PageBody<T> {
    fn from(page: Page<T>) -> Self {
        Self { items: page.items, next_cursor: page.next }
    }
}

/// `Link` to the same list after `cursor`.
pub(crate) fn next_link(req: &HttpRequest, cursor: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(req.query_string().as_bytes()) {
        if name != "cursor" {
            query.append_pair(&name, &value);
        }
    }
    query.append_pair("cursor", cursor);
    format!("<{}?{}>; rel=\"next\"", req.path(), query.finish())
}
