//! Requests as traces have them: OpenTelemetry's spans of HTTP servers, in the trace of whoever sends a W3C `traceparent`.

use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The spans of a request.
#[derive(Clone)]
pub(crate) struct Spans {
    /// As the log shows it.
    pub(crate) log: Span,
    /// As traces have it.
    pub(crate) trace: Span,
}

impl Spans {
    /// Has something done within them.
    pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        self.log.in_scope(|| self.trace.in_scope(work))
    }
}

impl Default for Spans {
    fn default() -> Self {
        Self { log: Span::none(), trace: Span::none() }
    }
}

/// The span of a request that comes in; where nobody collects traces, it costs next to nothing.
pub(crate) fn begin(id: &str, method: &Method, path: &str, caller: Option<&SpanContext>) -> Span {
    let span = tracing::debug_span!(
        target: "eureka::trace",
        "request",
        otel.kind = "server",
        otel.name = method.as_str(),
        otel.status_code = Empty,
        request.id = id,
        http.request.method = method.as_str(),
        url.path = path,
        http.route = Empty,
        http.response.status_code = Empty,
    );
    if let Some(caller) = caller.filter(|_| !span.is_disabled()) {
        // Only a span that has begun already would refuse.
        let _ = span.set_parent(Context::new().with_remote_span_context(caller.clone()));
    }
    span
}

/// What is known of a request once it is answered. Without a route, its name is the method alone: paths that lead nowhere
/// have no end.
pub(crate) fn end(span: &Span, method: &Method, route: Option<&str>, status: StatusCode) {
    if span.is_disabled() {
        return;
    }
    if let Some(route) = route {
        span.context().span().update_name(format!("{method} {route}"));
        span.record("http.route", route);
    }
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

/// Whose span a request belongs to, if it says so in a form that is well made.
pub(crate) fn caller(headers: &HeaderMap) -> Option<SpanContext> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_made_well =
        is_hex(version, 2) && version != "ff" && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    if !is_made_well || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let ids = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    Some(SpanContext::new(ids.0, ids.1, flags, true, TraceState::default())).filter(SpanContext::is_valid)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    use super::caller;

    #[test]
    fn a_traceparent_that_is_not_well_made_is_passed_over() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let span = "00f067aa0ba902b7";
        let cases = [
            (format!("00-{trace}-{span}-01"), true),
            (format!("00-{trace}-{span}-00"), true),
            (format!("cc-{trace}-{span}-01-more"), true),
            (format!("00-{trace}-{span}-01-more"), false),
            (format!("ff-{trace}-{span}-01"), false),
            (format!("00-{}-{span}-01", trace.to_uppercase()), false),
            (format!("00-{}-{span}-01", "0".repeat(32)), false),
            (format!("00-{trace}-{}-01", "0".repeat(16)), false),
            (format!("00-{trace}-{span}"), false),
            (format!("00-{trace}-{span}-1"), false),
            (String::new(), false),
        ];
        for (value, good) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static("traceparent"), HeaderValue::from_str(&value).expect("a header"));
            assert_eq!(caller(&headers).is_some(), good, "{value}");
        }
    }
}
