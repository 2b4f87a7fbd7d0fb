//! Where the log goes: to standard error, for people or for programs; and traces, where somebody collects them.

use anyhow::Context;
use tracing::Dispatch;
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
    dispatch(&settings.log, settings.log_format, settings.otlp_endpoint.as_deref())?.init();
    Ok(())
}

fn dispatch(filter: &str, format: LogFormat, otlp_endpoint: Option<&str>) -> anyhow::Result<Dispatch> {
    let filter = format!("{},{filter}", QUIET.join(","));
    let filter = EnvFilter::try_new(filter).context("the log filter is not valid")?;
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = match format {
        LogFormat::Pretty => log.compact().with_filter(filter).boxed(),
        LogFormat::Json => log.json().flatten_event(true).with_filter(filter).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(log);
    // An optional layer that is not there would have every span made, of whatever level, for nobody.
    Ok(match otlp_endpoint {
        Some(endpoint) => subscriber.with(traces::layer(endpoint)?).into(),
        None => subscriber.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_made_for_those_alone_who_look_at_them() {
        let made = |filter, collector| {
            let dispatch = dispatch(filter, LogFormat::Pretty, collector).unwrap();
            tracing::dispatcher::with_default(&dispatch, || {
                let (log, trace) =
                    (tracing::info_span!("request"), tracing::debug_span!(target: "eureka::trace", "search"));
                [!log.is_disabled(), !trace.is_disabled()]
            })
        };
        assert_eq!(made("info", None), [true, false]);
        assert_eq!(made("warn", None), [false, false]);
        assert_eq!(made("warn", Some("http://127.0.0.1:9")), [false, true]);
    }
}
