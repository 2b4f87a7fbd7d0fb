//! What every request and reply has, whatever the route: an id, a line in the log, `no-store`, an uncompressed body.

use std::cell::Cell;
use std::time::{Duration, Instant as Stopwatch};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};
use eureka_service::Service;
use tracing::Instrument;

use crate::idempotency::POSITION;
use crate::problem::{NOT_FOUND, Problem, UNSUPPORTED_ENCODING};
use crate::traces::{self, Spans};
use crate::{Api, browser, deprecation};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What is done by the threads for searches.
const SEARCHES: [&str; 3] = ["/v1/search", "/v1/suggest", "/v1/tips/similar"];
/// What is answered from the index, by the templates of their paths.
pub(crate) const FROM_INDEX: [&str; 4] = ["/v1/search", "/v1/suggest", "/v1/tips/similar", "/v1/tips/{id}/similar"];
/// How long requests gather while searches are refused, and for how long they are then answered before more are to gather.
const GATHER: Duration = Duration::from_millis(1);
/// How many changes of the log the index that answers has not seen, as far as its process has heard of them.
pub(crate) const LAG: &str = "Eureka-Index-Lag";
/// Says to the compressing layer that a reply stays as it is; not for the wire.
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");

tokio::task_local! {
    /// The request that this task serves.
    static CURRENT: OnBehalf;
}

/// The id and the path of the present request; empty outside of one.
pub(crate) fn current() -> (String, String) {
    CURRENT.try_with(|OnBehalf(id, path, _)| (id.clone(), path.clone())).unwrap_or_default()
}

/// The spans of the present request, for what is done for it on another thread.
pub(crate) fn spans() -> Spans {
    CURRENT.try_with(|OnBehalf(.., spans)| spans.clone()).unwrap_or_default()
}

/// What is done for a request, in its own task or in another: the request's id, its path and its spans.
#[derive(Clone, Default)]
pub(crate) struct OnBehalf(String, String, Spans);

impl OnBehalf {
    /// Of the present request.
    pub(crate) fn of_this() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }

    /// Does some of its work.
    pub(crate) async fn work<T>(self, work: impl Future<Output = T>) -> T {
        let Spans { log, trace } = self.2.clone();
        CURRENT.scope(self, work).instrument(trace).instrument(log).await
    }
}

/// Gives each request an id (the client's, if it sent a sensible one), logs it, and sets the headers of every reply.
pub(crate) async fn follow_conventions<B: MessageBody>(
    mut req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if req.method() == Method::HEAD {
        // A HEAD is a GET whose body the connection leaves out; the routes need not know of it.
        req.head_mut().method = Method::GET;
    }
    let api = req.app_data::<actix_web::web::Data<Api>>().cloned();
    let id = client_id(req.headers())
        .unwrap_or_else(|| api.as_ref().map_or_else(String::new, |api| new_request_id(api.service())));
    let in_flight = api.as_ref().map(|api| api.metrics().begin());
    let path = req.path().to_owned();
    let method = req.method().clone();
    let caller = traces::caller(req.headers());
    let trace = caller.as_ref().map_or_else(String::new, |caller| caller.trace_id().to_string());
    let asked = method.clone();
    let log = tracing::info_span!("request", %id, %method, %path, trace);
    let spans = Spans { log, trace: traces::begin(&id, &method, &path, caller.as_ref()) };
    let watch = Stopwatch::now();

    let mut reply = OnBehalf(id.clone(), path, spans.clone()).work(next.call(req)).await?;
    if let Ok(value) = HeaderValue::from_str(&id) {
        reply.headers_mut().insert(REQUEST_ID, value);
    }
    let asked_for = reply.request().path().to_owned();
    let headers = reply.headers_mut();
    browser::protect(&asked_for, headers);
    if headers.get(CONTENT_ENCODING) == Some(&IDENTITY) {
        headers.remove(CONTENT_ENCODING);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let route = reply.request().match_pattern();
    traces::end(&spans.trace, &asked, route.as_deref(), reply.status());
    let (status, took) = (reply.status().as_u16(), watch.elapsed().as_secs_f64());
    let (route, ms) = (route.unwrap_or_default(), took * 1000.0);
    if let Some(deprecation) = deprecation::deprecation(asked.as_str(), &route) {
        deprecation.mark(reply.headers_mut());
    }
    if let Some(api) = &api {
        tell_lag(api.service(), &route, &mut reply);
        api.metrics().served(&asked, &route, status, took);
    }
    drop(in_flight);
    spans.in_scope(|| tracing::info!(status, route, ms, "served"));
    Ok(reply)
}

/// Says on what comes from the index how far behind that is. What the replies to writes say of the log is heard here, so that
/// no search has to ask the database.
fn tell_lag<B>(service: &Service, route: &str, reply: &mut ServiceResponse<B>) {
    let indexer = service.indexer();
    if let Some(position) = reply.headers().get(POSITION).and_then(|value| value.to_str().ok()?.parse().ok()) {
        indexer.heard_of(position);
    }
    if FROM_INDEX.contains(&route) && reply.status().is_success() {
        reply.headers_mut().insert(HeaderName::from_static("eureka-index-lag"), indexer.lag().into());
    }
}

/// Refuses searches while those before them wait too long, before anybody asks who is calling: under a flood, what refusals
/// cost is taken from the searches that are answered. So is what each look for requests costs, which takes a core from a search
/// in the midst of it: meanwhile they gather for a moment, and many are refused at one look.
pub(crate) async fn shed_searches<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let api = req.app_data::<actix_web::web::Data<Api>>().filter(|_| SEARCHES.contains(&req.path()));
    match api.and_then(|api| api.service().may_search().err()) {
        Some(busy) => {
            let_gather();
            Ok(req.into_response(Problem::from(busy).error_response()).map_into_right_body())
        }
        None => Ok(next.call(req).await?.map_into_left_body()),
    }
}

/// Lets requests gather, unless some did a moment ago, which are being answered. Holds up all that this thread serves, for a
/// moment.
fn let_gather() {
    thread_local! {
        static LOOKED: Cell<Option<Stopwatch>> = const { Cell::new(None) };
    }
    if LOOKED.get().is_none_or(|looked| looked.elapsed() >= GATHER) {
        std::thread::sleep(GATHER);
        LOOKED.set(Some(Stopwatch::now()));
    }
}

/// Refuses what no handler is to see. Compressed bodies, because the framework would inflate them before it looks at
/// any limit, and 33 KB can become a gigabyte; paths with U+0000, because no database has it in a text.
pub(crate) async fn refuse_unfit<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match unfit(&req) {
        Some(refusal) => Ok(req.into_response(refusal.error_response()).map_into_right_body()),
        None => Ok(next.call(req).await?.map_into_left_body()),
    }
}

fn unfit(req: &ServiceRequest) -> Option<Problem> {
    let encoding = req.headers().get(CONTENT_ENCODING);
    if encoding.is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Some(Problem::new(&UNSUPPORTED_ENCODING, "send the body without a Content-Encoding"));
    }
    let has_nul = req.uri().path().contains("%00");
    has_nul.then(|| Problem::new(&NOT_FOUND, "there is nothing at this path"))
}

/// Keeps the compressing layer from replies with an entity tag: a strong one names these very bytes (RFC 9110, 8.8.3),
/// and is what clients send back as `If-Match`. They are single resources, and small.
pub(crate) async fn spare_tagged<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut reply = next.call(req).await?;
    if reply.headers().contains_key(ETAG) {
        reply.headers_mut().insert(CONTENT_ENCODING, IDENTITY);
    }
    Ok(reply)
}

fn client_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(&REQUEST_ID)?.to_str().ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    (!id.is_empty() && id.len() <= 128 && id.chars().all(plain)).then(|| id.to_owned())
}

fn new_request_id(service: &Service) -> String {
    service.new_request_id().simple().to_string()
}
