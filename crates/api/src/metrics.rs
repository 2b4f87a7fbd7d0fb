//! Figures for Prometheus, on a listener of their own: what they tell of a service is not for its users.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{App, Error, HttpResponse, get};
use eureka_service::{Figures, IndexState, ServiceError, WebhookFigures};
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, TextEncoder};

use crate::Api;
use crate::problem::Problem;

/// Upper bounds of the latency buckets, in seconds: from an answer out of memory to a client's patience.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What is counted as requests come and go.
pub(crate) struct Metrics {
    latency: HistogramVec,
    in_flight: IntGauge,
    shed: IntCounterVec,
}

impl Metrics {
    /// Counters at zero.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let latency = HistogramOpts::new("eureka_http_request_seconds", "Time to the head of the reply.");
        let shed = Opts::new("eureka_http_requests_shed_total", "Requests refused because there was too much to do.");
        let shed = IntCounterVec::new(shed, &["status"])?;
        for status in SHED {
            shed.with_label_values(&[status]);
        }
        Ok(Self {
            latency: HistogramVec::new(latency.buckets(SECONDS.to_vec()), &["method", "route", "status"])?,
            in_flight: IntGauge::new("eureka_http_requests_in_flight", "Requests that are being served.")?,
            shed,
        })
    }

    /// Counts a request in until what this gives is dropped: its client may hang up before the reply.
    pub(crate) fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Counts a reply. The route is the template, the method one of the known ones: clients do not choose how many
    /// series there are.
    pub(crate) fn served(&self, method: &Method, route: &str, status: u16, seconds: f64) {
        let method = if METHODS.contains(method) { method.as_str() } else { "other" };
        let route = if route.is_empty() { "none" } else { route };
        let status = status.to_string();
        self.latency.with_label_values(&[method, route, &status]).observe(seconds);
        if SHED.contains(&status.as_str()) && !route.starts_with("/health/") {
            self.shed.with_label_values(&[&status]).inc();
        }
    }

    fn families(&self) -> Vec<MetricFamily> {
        [self.latency.collect(), self.in_flight.collect(), self.shed.collect()].concat()
    }
}

/// The statuses that say that there is too much to do.
const SHED: [&str; 2] = ["429", "503"];
const METHODS: [Method; 7] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];

/// A request that is being served.
pub(crate) struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What the listener for operators serves: `/metrics`, and nothing else.
pub fn operator_app(
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
    App::new().app_data(api).service(metrics)
}

/// Give all figures in Prometheus' text format.
#[get("/metrics")]
async fn metrics(api: Data<Api>) -> Result<HttpResponse, Problem> {
    // Not among the requests of users: when these are too many, somebody wants to see it.
    let asked = api.clone();
    let figures = actix_web::web::block(move || asked.service().figures()).await;
    let figures = figures.map_err(|_| ServiceError::Internal("the figures could not be taken".to_owned()))?;
    let mut families = api.metrics().families();
    let text = state(&figures).and_then(|state| {
        families.extend(state);
        TextEncoder::new().encode_to_string(&families)
    });
    let text = text.map_err(|error| ServiceError::Internal(error.to_string()))?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text))
}

/// The figures of the present moment.
fn state(figures: &Figures) -> prometheus::Result<Vec<MetricFamily>> {
    let Figures { database, index, .. } = figures;
    let mut all = vec![
        gauge("eureka_writes_waiting", "Writes that wait for the writer.", database.writes_waiting)?,
        seconds("eureka_oldest_write_seconds", "Age of the oldest unanswered write.", database.oldest_write)?,
        gauge("eureka_database_readers_in_use", "Reading connections at work.", database.readers_in_use)?,
        counter("eureka_database_waits_total", "Reads that waited for a connection.", database.read_waits)?,
        seconds_total("eureka_database_wait_seconds_total", "What they waited together.", database.reads_waited)?,
        gauge("eureka_index_position", "Last change that the index has seen.", figures.index_position)?,
        gauge("eureka_index_ready", "Whether the index follows the log.", u8::from(*index == IndexState::Ready))?,
        gauge("eureka_index_tips", "Tips in the index.", figures.index_tips)?,
        gauge("eureka_index_bytes", "Size of the index files.", figures.index_bytes)?,
        counter("eureka_index_drift_found_total", "Tips that checks found to differ.", figures.drift_found)?,
        counter("eureka_index_drift_repaired_total", "Tips that checks repaired.", figures.drift_repaired)?,
        counter("eureka_index_damage_found_total", "Checks that found the index damaged.", figures.damage_found)?,
        gauge("eureka_searches_waiting", "Searches that wait for a thread.", figures.searches_waiting)?,
        counter("eureka_searches_forgotten_total", "Searches that were not remembered.", figures.searches_dropped)?,
        gauge("eureka_database_up", "Whether the database answers.", u8::from(figures.log_head.is_some()))?,
    ];
    if let Some(head) = figures.log_head {
        all.push(gauge("eureka_log_head", "Last change of the log.", head)?);
        let lag = head.saturating_sub(figures.index_position).max(0);
        all.push(gauge("eureka_index_lag_changes", "Changes that the index has not seen.", lag)?);
    }
    if let Some(WebhookFigures { due, oldest_due, taken, not_taken, turned_off }) = figures.webhooks {
        all.push(gauge("eureka_webhook_messages_due", "Webhook messages that are due, of all replicas.", due)?);
        all.push(seconds("eureka_webhook_oldest_due_seconds", "How long the oldest has been due.", oldest_due)?);
        all.push(counter("eureka_webhook_taken_total", "Attempts that the receiver took.", taken)?);
        all.push(counter("eureka_webhook_not_taken_total", "Attempts that it did not take.", not_taken)?);
        all.push(counter(
            "eureka_webhooks_turned_off_total",
            "Webhooks that took nothing and were turned off.",
            turned_off,
        )?);
    }
    Ok(all.concat())
}

fn gauge(name: &str, help: &str, value: impl TryInto<i64>) -> prometheus::Result<Vec<MetricFamily>> {
    let gauge = IntGauge::new(name, help)?;
    gauge.set(value.try_into().unwrap_or(i64::MAX));
    Ok(gauge.collect())
}

fn seconds(name: &str, help: &str, value: std::time::Duration) -> prometheus::Result<Vec<MetricFamily>> {
    let gauge = Gauge::new(name, help)?;
    gauge.set(value.as_secs_f64());
    Ok(gauge.collect())
}

fn counter(name: &str, help: &str, value: u64) -> prometheus::Result<Vec<MetricFamily>> {
    let counter = IntCounter::new(name, help)?;
    counter.inc_by(value);
    Ok(counter.collect())
}

fn seconds_total(name: &str, help: &str, value: std::time::Duration) -> prometheus::Result<Vec<MetricFamily>> {
    let counter = prometheus::Counter::new(name, help)?;
    counter.inc_by(value.as_secs_f64());
    Ok(counter.collect())
}
