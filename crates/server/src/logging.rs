//! Where the log goes: to standard error, for people or for programs; and traces, where somebody collects them.

use anyhow::Context;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogFormat, Settings};
use crate::traces;

/// What libraries say too loudly; a filter that names the same module has it back.
const QUIET: [&str; 2] = [
    // Whatever a client sends that is not HTTP is an error to the framework, which has answered 400 or 431 by then.
    "actix_http::h1::dispatcher=off",
    // A segment whose last tip was changed while it was being merged: the merge is dropped and tried again later.
    "tantivy::indexer::segment_manager=error",
];

/// Starts logging as the settings say.
pub(crate) fn start(settings: &Settings) -> anyhow::Result<()> {
    let filter = format!("{},{}", QUIET.join(","), settings.log);
    let filter = EnvFilter::try_new(filter).context("the log filter is not valid")?;
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = match settings.log_format {
        LogFormat::Pretty => log.compact().with_filter(filter).boxed(),
        LogFormat::Json => log.json().flatten_event(true).with_filter(filter).boxed(),
    };
    let traces = settings.otlp_endpoint.as_deref().map(traces::layer).transpose()?;
    tracing_subscriber::registry().with(log).with(traces).init();
    Ok(())
}
