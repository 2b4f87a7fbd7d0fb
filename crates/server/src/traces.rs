//! Traces, for a collector that takes OTLP over HTTP: the spans with the target `eureka::trace`. What more there is to set
//! (`OTEL_TRACES_SAMPLER`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_…`) the OpenTelemetry SDK reads from the environment.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;
use ureq::Agent;
use ureq::tls::TlsConfig;

/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

static COLLECTED: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Sends spans to the collector at this URL, from a thread of its own; when it cannot keep up they are dropped.
pub(crate) fn layer<S>(endpoint: &str) -> anyhow::Result<impl Layer<S> + use<S>>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Courier::new())
        .with_protocol(Protocol::HttpJson)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(PATIENCE)
        .build()
        .context("--otlp-endpoint is not a URL that traces can be sent to")?;
    let service = Resource::builder().with_service_name("eureka").build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(service).build();
    let tracer = provider.tracer("eureka");
    let _ = COLLECTED.set(provider); // logging starts once
    let spans = Targets::new().with_target("eureka::trace", LevelFilter::DEBUG);
    let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_target(false).with_tracked_inactivity(false);
    Ok(layer.with_location(false).with_threads(false).with_filter(spans))
}

/// Sends what is left, before the end.
pub(crate) fn settle() {
    if let Some(Err(error)) = COLLECTED.get().map(SdkTracerProvider::shutdown) {
        tracing::warn!(%error, "the last traces could not be sent");
    }
}

#[derive(Debug)]
struct Courier(Agent);

impl Courier {
    fn new() -> Self {
        let cryptography = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(cryptography).build();
        let config = Agent::config_builder().tls_config(tls).timeout_global(Some(PATIENCE)).http_status_as_error(false);
        Self(config.build().into())
    }
}

#[async_trait::async_trait]
impl HttpClient for Courier {
    /// Blocks: the SDK sends from a thread that does nothing else.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let reply = self.0.run(Request::from_parts(head, &body[..]))?;
        let (head, mut body) = reply.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?.into()))
    }
}
