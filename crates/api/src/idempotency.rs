//! `Idempotency-Key`: the reply to a creating request is made once, and sent again to whoever repeats it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, LOCATION};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use eureka_service::{Answer, Key, Once, Reply, Written};
use serde::Serialize;
use serde_json::Value;

use crate::problem::{INVALID_HEADER, Problem};

/// Where a write tells its position in the change log.
pub(crate) const POSITION: &str = "Eureka-Position";
const REPLAYED: &str = "Idempotency-Replayed";

/// The `Idempotency-Key` of a request, if it has one.
pub(crate) struct IdempotencyKey(Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(value) = req.headers().get("Idempotency-Key") else { return ready(Ok(Self(None))) };
        let key = value.to_str().ok().and_then(|word| Self::of(word.to_owned()));
        ready(key.ok_or_else(|| {
            Problem::at(&INVALID_HEADER, "Idempotency-Key", "invalid", "1 to 255 printable ASCII characters")
        }))
    }
}

impl IdempotencyKey {
    /// This word, if it is 1 to 255 printable ASCII characters.
    pub(crate) fn of(word: String) -> Option<Self> {
        let is_printable = word.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
        (is_printable && (1..=255).contains(&word.len())).then_some(Self(Some(word)))
    }

    /// The key of a request with this fingerprint, and how its reply is made.
    pub(crate) fn once<T>(self, fingerprint: String, render: impl FnOnce(&T) -> Created + Send + 'static) -> Once<T> {
        Once {
            key: self.0.map(|word| Key { word, fingerprint }),
            render: Box::new(move |written: &Written<T>| render(&written.value).reply(written.position)),
        }
    }
}

/// What a creating request made.
pub(crate) struct Created {
    location: String,
    etag: Option<String>,
    body: Vec<u8>,
}

impl Created {
    /// Something new at `location`.
    pub(crate) fn at(location: String, etag: Option<String>, body: &impl Serialize) -> Self {
        Self { location, etag, body: serde_json::to_vec(body).unwrap_or_default() }
    }

    fn reply(self, position: i64) -> Reply {
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            (LOCATION.to_string(), self.location),
            (POSITION.to_owned(), position.to_string()),
        ];
        headers.extend(self.etag.map(|etag| (ETAG.to_string(), etag)));
        Reply { status: StatusCode::CREATED.as_u16(), headers, body: self.body }
    }
}

/// The reply to a creating request, new or repeated.
pub(crate) fn answered(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for (name, value) in answer.reply.headers {
        response.insert_header((name, value));
    }
    if answer.replayed {
        response.insert_header((REPLAYED, "true"));
    }
    response.body(answer.reply.body)
}

/// The reply to a creating request with something that is told once: it stands in no stored reply, and a repeated one is
/// without it.
pub(crate) fn answered_with_secret(mut answer: Answer, field: &str, secret: String) -> HttpResponse {
    if !answer.replayed
        && let Ok(Value::Object(mut body)) = serde_json::from_slice(&answer.reply.body)
    {
        body.insert(field.to_owned(), Value::String(secret));
        answer.reply.body = Value::Object(body).to_string().into_bytes();
    }
    answered(answer)
}

/// The reply to a change: what it is now, its entity tag, and the change's position.
pub(crate) fn changed(etag: String, position: i64, body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((ETAG, etag)).insert_header((POSITION, position.to_string())).json(body)
}
