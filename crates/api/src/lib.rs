//! Eureka over HTTP: wire types, authentication, handlers, problems, OpenAPI. [`routes`] leads from a URL to the
//! resource's file, that to the same-named function of the service.

mod addresses;
mod admin;
mod api_keys;
mod attachments;
mod body;
mod browser;
mod caller;
mod changes;
mod communities;
mod conditional;
mod deprecation;
mod diff;
mod docs;
mod errors;
mod exports;
mod feeds;
mod flags;
#[cfg(test)]
mod fuzz;
mod gaps;
mod glossary;
mod health;
mod html;
mod idempotency;
mod imports;
mod limits;
mod mcp;
mod metrics;
mod notifications;
mod openapi;
mod outcomes;
mod page;
mod params;
mod passwords;
mod path;
mod prefer;
mod problem;
mod relations;
mod request;
mod reviews;
mod routes;
mod scopes;
mod search;
mod sessions;
mod similar;
mod tips;
mod traces;
mod users;
mod webhooks;
mod wire;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::Data;
use actix_web::{App, Error};
use eureka_service::{Service, ServiceError};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::problem::Problem;

pub use addresses::{ForwardedBy, Network, NotANetwork, Proxies};
pub use errors::errors_page;
pub use limits::LimitOptions;
pub use metrics::operator_app;
pub use openapi::{document, document_3_0, older};
pub use webhooks::webhook_message;

/// How many requests may be at work in the database at once, waiting ones included.
const AT_WORK: usize = 512;
/// How many requests may wait at once for something to happen.
const WAITING: usize = 256;
/// How many files may be on their way in at once: each is held in memory until it is whole.
const UPLOADS: usize = 16;
/// How long a rendering may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// The application that a worker serves: the routes within what every request and reply has.
pub fn app(
    api: Data<Api>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(api)
        .configure(routes::routes)
        .wrap(from_fn(request::refuse_unfit))
        .wrap(from_fn(limits::limit_requests))
        .wrap(from_fn(request::spare_tagged))
        .wrap(Compress::default())
        .wrap(from_fn(request::shed_searches))
        .wrap(from_fn(request::follow_conventions))
}

/// What the handlers share.
pub struct Api {
    service: Arc<Service>,
    at_work: Arc<AtomicUsize>,
    waiting: Arc<AtomicUsize>,
    uploads: Arc<AtomicUsize>,
    renderings: Semaphore,
    draining: AtomicBool,
    metrics: Metrics,
    limits: Limits,
    /// Where people reach this service, without a slash at the end; empty where nobody said.
    base: String,
}

impl Api {
    /// The API of a service, with the usual limits.
    pub fn new(service: Arc<Service>) -> Self {
        Self::limited(service, LimitOptions::default())
    }

    /// The API of a service, with these limits.
    #[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "the names of the figures are constants")]
    pub fn limited(service: Arc<Service>, limits: LimitOptions) -> Self {
        let metrics = Metrics::new().expect("sound names of figures");
        let draining = AtomicBool::new(false);
        let (at_work, waiting, uploads) = (Arc::default(), Arc::default(), Arc::default());
        let renderings = Semaphore::new(std::thread::available_parallelism().map_or(1, NonZeroUsize::get));
        Self {
            service,
            at_work,
            waiting,
            uploads,
            renderings,
            draining,
            metrics,
            limits: Limits::new(limits),
            base: String::new(),
        }
    }

    /// The API, with the URL at which people reach it: for links that leave it.
    #[must_use]
    pub fn reached_at(self, url: &str) -> Self {
        Self { base: url.trim_end_matches('/').to_owned(), ..self }
    }

    /// A path of this service as a link that is good elsewhere, if it is known where people reach it.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The service behind the API.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// What is counted of requests.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// How many requests may be made.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// From now on this process says that it is not ready, so that balancers send their requests elsewhere.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether the process is about to stop.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// A place among those who wait for something to happen, if there is one left.
    pub(crate) fn place_to_wait(&self) -> Option<Place> {
        Place::take(&self.waiting, WAITING)
    }

    /// A place among those who send a file, if there is one left.
    pub(crate) fn place_to_upload(&self) -> Option<Place> {
        Place::take(&self.uploads, UPLOADS)
    }

    /// Runs a use case on a blocking thread; it reaches its end even when the client hangs up.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        use_case: impl FnOnce(&Service) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = Place::take(&self.at_work, AT_WORK).ok_or(ServiceError::Busy("too many requests at once"))?;
        let service = Arc::clone(&self.service);
        let spans = request::spans();
        let done = actix_web::web::block(move || {
            let _place = place;
            spans.in_scope(|| use_case(&service))
        });
        match done.await {
            Ok(result) => Ok(result?),
            Err(_) => Err(ServiceError::Internal("a use case panicked".to_owned()).into()),
        }
    }

    /// Renders on a blocking thread, no more at once than there are cores: a long text takes some milliseconds, and memory
    /// for all its parts.
    pub(crate) async fn render<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || ServiceError::Busy("too many texts are rendered at once");
        let _turn = timeout(PATIENCE, self.renderings.acquire()).await.map_err(|_| busy())?;
        let done = actix_web::web::block(work).await;
        done.map_err(|_| ServiceError::Internal("rendering panicked".to_owned()).into())
    }
}

/// One of a bounded number of places, given back when dropped.
pub(crate) struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(taken: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let before = taken.fetch_add(1, Ordering::SeqCst);
        let place = Self(Arc::clone(taken));
        (before < most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
