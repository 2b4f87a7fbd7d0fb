//! JSON request bodies: bounded in size and time, strict, each refusal with a pointer to the field.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{BytesMut, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::Api;
use crate::problem::{
    INTERNAL, INVALID_BODY, MALFORMED_JSON, PAYLOAD_TOO_LARGE, Problem, REQUEST_TIMEOUT, UNKNOWN_FIELD,
    UNSUPPORTED_MEDIA_TYPE,
};

/// Largest body of an ordinary request, in bytes.
pub(crate) const BODY_LIMIT: usize = 1 << 20;
/// How long a body may take to arrive, beside its share of [`SLOWEST`].
const PATIENCE: Duration = Duration::from_secs(10);
/// The slowest sender served, in bytes a second.
const SLOWEST: usize = 16 << 10;

/// A JSON body of type `T`.
pub(crate) struct Body<T> {
    /// What was sent.
    pub(crate) value: T,
    /// Tells this request from others: for idempotency.
    pub(crate) fingerprint: String,
}

impl<T: DeserializeOwned> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            require_json(&req)?;
            let bytes = read(payload, BODY_LIMIT).await?;
            let api = req.app_data::<Data<Api>>().ok_or_else(|| Problem::new(&INTERNAL, "there is no service"))?;
            let fingerprint = api.service().fingerprint(req.method().as_str(), req.path(), &bytes);
            Ok(Self { value: parse(&bytes)?, fingerprint })
        })
    }
}

/// A JSON body that may be left out.
pub(crate) struct OptionalBody<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(payload, BODY_LIMIT).await?;
            if bytes.is_empty() {
                return Ok(Self(None));
            }
            require_json(&req)?;
            parse(&bytes).map(|value| Self(Some(value)))
        })
    }
}

/// Refuses a body that says that it is something else than JSON.
pub(crate) fn require_json(req: &HttpRequest) -> Result<(), Problem> {
    let header = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if matches!(essence.as_str(), "application/json" | "application/merge-patch+json") {
        return Ok(());
    }
    Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE, "send the body as application/json"))
}

/// Reads a whole body, refusing one that is larger than `limit` or arrives too slowly.
pub(crate) async fn read(mut payload: Payload, limit: usize) -> Result<BytesMut, Problem> {
    let start = Instant::now();
    let mut bytes = BytesMut::new();
    loop {
        let share = Duration::from_secs((bytes.len() / SLOWEST) as u64);
        let chunk = timeout_at(start + PATIENCE + share, payload.next())
            .await
            .map_err(|_| Problem::new(&REQUEST_TIMEOUT, "the body did not arrive in time"))?;
        match chunk {
            None => return Ok(bytes),
            Some(Ok(chunk)) if bytes.len() + chunk.len() <= limit => bytes.extend_from_slice(&chunk),
            Some(Ok(_)) => {
                return Err(Problem::new(&PAYLOAD_TOO_LARGE, format!("at most {limit} bytes")));
            }
            Some(Err(_)) => return Err(Problem::new(&MALFORMED_JSON, "the body broke off")),
        }
    }
}

/// Reads JSON strictly; the refusal points to the field.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.inner();
        let detail = inner.to_string();
        // The reader takes `null` or a number in place of a word for bad syntax.
        if (inner.is_syntax() || inner.is_eof()) && serde_json::from_slice::<IgnoredAny>(bytes).is_err() {
            Problem::new(&MALFORMED_JSON, detail)
        } else if detail.starts_with("unknown field") {
            Problem::at(&UNKNOWN_FIELD, pointer, "unknown", detail)
        } else {
            let pointer = match detail.strip_prefix("missing field `").and_then(|d| d.split('`').next()) {
                Some(field) => format!("{pointer}/{field}"),
                None => pointer,
            };
            Problem::at(&INVALID_BODY, pointer, "invalid", detail)
        }
    })?;
    reader.end().map_err(|error| Problem::new(&MALFORMED_JSON, error.to_string()))?;
    match nul(bytes) {
        Some(pointer) => Err(Problem::at(&INVALID_BODY, pointer, "invalid", "U+0000 is not text")),
        None => Ok(value),
    }
}

/// Points to the first string that holds U+0000: valid JSON, but no database keeps it as text.
fn nul(bytes: &[u8]) -> Option<String> {
    const ESCAPED: &[u8] = br"\u0000";
    if !bytes.windows(ESCAPED.len()).any(|window| window == ESCAPED) {
        return None;
    }
    nul_within(&serde_json::from_slice(bytes).ok()?)
}

fn nul_within(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(place, item)| Some(format!("/{place}{}", nul_within(item)?)))
        }
        Value::Object(fields) => {
            fields.iter().find_map(|(name, value)| Some(format!("{}{}", step(name), nul_within(value)?)))
        }
        _ => None,
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(step(key)),
            Segment::Enum { variant } => Some(format!("/{variant}")),
            Segment::Unknown => None,
        })
        .collect()
}

/// One step of a JSON pointer (RFC 6901).
fn step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Sample {
        title: String,
        #[serde(default)]
        parts: Vec<String>,
        #[serde(default)]
        word: Option<Word>,
    }

    #[derive(Debug, serde::Deserialize)]
    enum Word {
        One,
    }

    fn refusal(json: &str) -> String {
        parse::<Sample>(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_refusal_says_what_is_wrong_and_where() {
        assert!(parse::<Sample>(br#"{"title":"a"}"#).is_ok());
        assert!(parse::<Sample>(br#"{"title":"a\\u0000"}"#).is_ok());
        assert!(refusal("{").starts_with("malformed_json"));
        assert!(refusal(r#"{"title":"a"} x"#).starts_with("malformed_json"));
        assert!(refusal("\u{0}").starts_with("malformed_json"));
        assert!(refusal(r#"{"title":"a","titel":"b"}"#).starts_with("unknown_field"));
        for (json, at) in [
            (r#"{"title":"a","titel":"b"}"#, "/titel"),
            (r#"{"title":3}"#, "/title"),
            (r#"{"title":"a","parts":["x",1]}"#, "/parts/1"),
            (r"{}", "/title"),
            (r#"{"title":"a","word":3}"#, "/word"),
            (r#"{"title":"a\u0000b"}"#, "/title"),
            (r#"{"title":"a","parts":["\\u0000","\u0000"]}"#, "/parts/1"),
        ] {
            let problem = parse::<Sample>(json.as_bytes()).unwrap_err();
            assert!(format!("{problem:?}").contains(&format!("pointer: \"{at}\"")), "{json}: {problem:?}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_overflow() {
        let deep = format!("{{\"title\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse::<Sample>(deep.as_bytes()).is_err());
    }
}
