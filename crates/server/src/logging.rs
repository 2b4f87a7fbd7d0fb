//! Where the log goes: to standard error, for people or for programs.

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Settings};

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
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Pretty => builder.compact().init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
