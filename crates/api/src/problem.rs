//! Problems (RFC 9457): the one form of every error reply, and the catalogue of their codes.

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use eureka_domain::{FieldError, RuleError};
use eureka_service::ServiceError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{caller, request};

/// A problem as clients see it: `application/problem+json`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// URI of the page about this kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid_state")]
    type_: String,
    /// The kind of problem, for people.
    title: &'static str,
    /// HTTP status.
    status: u16,
    /// This occurrence, for people.
    detail: String,
    /// The path that was requested.
    instance: String,
    /// Stable word, for programs.
    #[schema(example = "invalid_state")]
    code: &'static str,
    /// Names this request in the server's logs.
    request_id: String,
    /// What is wrong with each field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldProblem>,
    /// With `invalid_state`: the state of the revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// With `invalid_state`: what is possible now.
    #[serde(skip_serializing_if = "Option::is_none")]
    possible: Option<Vec<String>>,
    /// With `claimed_by_other`: who holds the review.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    /// With `claimed_by_other`: when the claim ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// JSON pointer into the body, or the name of the parameter or header.
    pointer: String,
    /// Stable word.
    code: String,
    /// For people.
    detail: String,
}

impl FieldProblem {
    /// What is wrong with the field at `pointer`.
    pub(crate) fn new(pointer: &str, code: &str, detail: &str) -> Self {
        Self { pointer: pointer.to_owned(), code: code.to_owned(), detail: detail.to_owned() }
    }
}

/// An error on its way to the client.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: &'static Kind,
    detail: String,
    errors: Vec<FieldError>,
    more: Box<More>,
}

#[derive(Debug, Default)]
struct More {
    state: Option<String>,
    possible: Option<Vec<String>>,
    holder: Option<String>,
    until: Option<String>,
    etag: Option<String>,
    retry_after: Option<i64>,
}

/// One line of the catalogue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Stable word.
    pub(crate) code: &'static str,
    /// HTTP status.
    pub(crate) status: u16,
    /// For people.
    pub(crate) title: &'static str,
    /// What to do about it.
    pub(crate) advice: &'static str,
}

macro_rules! catalogue {
    ($($name:ident = $status:literal $code:literal $title:literal $advice:literal;)+) => {
        $(pub(crate) static $name: Kind =
            Kind { code: $code, status: $status, title: $title, advice: $advice };)+
        /// Every kind of problem this API answers.
        pub(crate) static CATALOGUE: &[&Kind] = &[$(&$name),+];
    };
}

catalogue! {
    MALFORMED_JSON = 400 "malformed_json" "The body is not valid JSON"
        "Send one JSON value in UTF-8.";
    MALFORMED_BODY = 400 "malformed_body" "The body is not text of its type"
        "Send it in UTF-8, as the type has it.";
    INVALID_BODY = 400 "invalid_body" "The body does not have the right shape"
        "The pointer names the field; see its type in the OpenAPI document.";
    UNKNOWN_FIELD = 400 "unknown_field" "The body has an unknown field"
        "Remove or correct the field that the pointer names.";
    INVALID_PARAMETER = 400 "invalid_parameter" "A parameter is not valid"
        "The pointer names the parameter; see its type in the OpenAPI document.";
    UNKNOWN_PARAMETER = 400 "unknown_parameter" "A parameter is unknown"
        "Remove or correct the parameter that the pointer names.";
    INVALID_HEADER = 400 "invalid_header" "A header is not valid"
        "The pointer names the header.";
    INVALID_CURSOR = 400 "invalid_cursor" "The cursor is not valid"
        "Use a cursor exactly as a reply gave it, with the same other parameters; or start again without one.";
    UNAUTHENTICATED = 401 "unauthenticated" "No valid credentials"
        "Log in, refresh the access token, or make an API key, and send it as `Authorization: Bearer`.";
    NOT_PERMITTED = 403 "not_permitted" "Not permitted"
        "Ask a steward of the community for the role this takes.";
    INSUFFICIENT_SCOPE = 403 "insufficient_scope" "The API key is not for this"
        "Use a key with the scope that the detail names; some things are done in person only, with an access token.";
    OWN_TIP = 403 "own_tip" "Nobody decides their own tip"
        "Another reviewer of the community has to decide.";
    NOT_FOUND = 404 "not_found" "Not found"
        "It does not exist, or not for you.";
    METHOD_NOT_ALLOWED = 405 "method_not_allowed" "Method not allowed"
        "See the path's methods in the OpenAPI document.";
    REQUEST_TIMEOUT = 408 "request_timeout" "The body took too long to arrive"
        "Send it again over a faster connection.";
    INVALID_STATE = 409 "invalid_state" "The state does not allow this"
        "`state` says where it stands, `possible` what can be done now.";
    CLAIMED_BY_OTHER = 409 "claimed_by_other" "Another reviewer holds this review"
        "Wait until the claim ends, or take up another review.";
    ALREADY_DECIDED = 409 "already_decided" "You have already decided this review"
        "Another reviewer has to make up the quorum.";
    ALREADY_ANSWERED = 409 "already_answered" "A tip answers this gap already"
        "Read the tip; edit it if something is missing.";
    STALE_REVISION = 409 "stale_revision" "The decision is on another revision"
        "Read the review again: the text has changed.";
    TOLD_APART = 409 "told_apart" "Peers agreed that these tips are about different things"
        "Say what has changed: edit one of them, or flag what is wrong with it.";
    ALREADY_FLAGGED = 409 "already_flagged" "You have an open flag of this kind on this tip"
        "Wait until it ends, or read it: `GET /v1/flags`.";
    ALREADY_RESOLVED = 409 "already_resolved" "The flag has been resolved"
        "Read it to see how; raise another one if it is not right.";
    ALREADY_RUNNING = 409 "already_running" "A work on the index is under way"
        "Wait until it is done: `GET /v1/admin/index`.";
    NOT_PUBLISHED = 409 "not_published" "No revision of this tip is published"
        "Wait until reviewers have approved it.";
    TAKEN = 409 "taken" "The name is taken"
        "Choose another.";
    LOG_CHANGED = 410 "log_changed" "The change log is another one"
        "The database was restored or replaced: drop your copy, read everything anew and follow from there.";
    STALE = 412 "stale" "It has changed since you read it"
        "Read it again and repeat the change with the new ETag.";
    PAYLOAD_TOO_LARGE = 413 "payload_too_large" "The body is too large"
        "See the limit in the detail.";
    UNSUPPORTED_MEDIA_TYPE = 415 "unsupported_media_type" "The body's type is not supported"
        "Send the `Content-Type` that the OpenAPI document has: `application/json` unless it says otherwise.";
    UNSUPPORTED_ENCODING = 415 "unsupported_encoding" "Compressed request bodies are not supported"
        "Send the body without a Content-Encoding.";
    VALIDATION_FAILED = 422 "validation_failed" "The input breaks a rule"
        "`errors` names each field and what is wrong with it.";
    IDEMPOTENCY_KEY_REUSED = 422 "idempotency_key_reused" "The Idempotency-Key or client id was used before"
        "Use a new one for a new request.";
    PRECONDITION_REQUIRED = 428 "precondition_required" "If-Match is required"
        "Read the resource, and send its ETag as If-Match.";
    TOO_MANY_REQUESTS = 429 "too_many_requests" "Too many requests"
        "Wait for the time in Retry-After; `RateLimit` in each reply says how many are left.";
    INTERNAL = 500 "internal" "Internal error"
        "Report it with the request id.";
    BUSY = 503 "busy" "Too busy"
        "Try again after the time in Retry-After.";
    UNAVAILABLE = 503 "unavailable" "Unavailable"
        "Try again after the time in Retry-After.";
    INDEX_BEHIND = 503 "index_behind" "The index has not reached the position"
        "Try again after the time in Retry-After.";
}

impl Problem {
    /// A problem of a kind of the catalogue.
    pub(crate) fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), more: Box::default() }
    }

    /// A problem with one field, parameter or header.
    pub(crate) fn at(
        kind: &'static Kind,
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        let detail = detail.into();
        let errors = vec![FieldError::new(pointer, code, detail.clone())];
        Self { kind, detail, errors, more: Box::default() }
    }

    /// Somebody does something too often; one more is possible after `wait`.
    pub(crate) fn too_many(wait: chrono::Duration, detail: impl Into<String>) -> Self {
        let more = More { retry_after: Some((wait.num_milliseconds() + 999) / 1000), ..More::default() };
        Self { more: Box::new(more), ..Self::new(&TOO_MANY_REQUESTS, detail) }
    }

    /// What is wrong with each field, or with the whole.
    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        if self.errors.is_empty() { vec![FieldError::new("", self.kind.code, self.detail)] } else { self.errors }
    }

    /// The same, where what is wrong stands under another name.
    pub(crate) fn renamed(mut self, pointer: &str, to: &str) -> Self {
        for error in self.errors.iter_mut().filter(|error| error.pointer == pointer) {
            to.clone_into(&mut error.pointer);
        }
        self
    }

    /// What is told of it to the present request.
    pub(crate) fn body(&self) -> ProblemBody {
        let (request_id, instance) = request::current();
        ProblemBody {
            type_: format!("/problems/{}", self.kind.code),
            title: self.kind.title,
            status: self.kind.status,
            detail: self.detail.clone(),
            instance,
            code: self.kind.code,
            request_id,
            errors: self
                .errors
                .iter()
                .map(|e| FieldProblem { pointer: e.pointer.clone(), code: e.code.to_owned(), detail: e.detail.clone() })
                .collect(),
            state: self.more.state.clone(),
            possible: self.more.possible.clone(),
            holder: self.more.holder.clone(),
            until: self.more.until.clone(),
        }
    }

    fn invalid(errors: Vec<FieldError>) -> Self {
        let fields: Vec<&str> = errors.iter().map(|e| e.pointer.as_str()).collect();
        let detail = format!("see {}", fields.join(", "));
        Self { kind: &VALIDATION_FAILED, detail, errors, more: Box::default() }
    }
}

impl From<RuleError> for Problem {
    fn from(error: RuleError) -> Self {
        let detail = error.to_string();
        match error {
            RuleError::Invalid(errors) => Self::invalid(errors),
            RuleError::NotPermitted(_) => Self::new(&NOT_PERMITTED, detail),
            RuleError::OwnTip => Self::new(&OWN_TIP, detail),
            RuleError::WrongState { state, possible, .. } => {
                let more = More {
                    state: Some(state.to_string()),
                    possible: Some(possible.iter().map(ToString::to_string).collect()),
                    ..More::default()
                };
                Self { more: Box::new(more), ..Self::new(&INVALID_STATE, detail) }
            }
            RuleError::Claimed { by, until } => {
                let more =
                    More { holder: Some(by.to_string()), until: Some(crate::wire::instant(until)), ..More::default() };
                Self { more: Box::new(more), ..Self::new(&CLAIMED_BY_OTHER, detail) }
            }
            RuleError::StaleRevision { .. } => Self::new(&STALE_REVISION, detail),
            RuleError::AlreadyDecided => Self::new(&ALREADY_DECIDED, detail),
            RuleError::ToldApart => Self::new(&TOLD_APART, detail),
            RuleError::AlreadyFlagged => Self::new(&ALREADY_FLAGGED, detail),
            RuleError::AlreadyResolved => Self::new(&ALREADY_RESOLVED, detail),
            RuleError::Answered => Self::new(&ALREADY_ANSWERED, detail),
            RuleError::NotPublished => Self::new(&NOT_PUBLISHED, detail),
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let detail = error.to_string();
        match error {
            ServiceError::Rule(rule) => rule.into(),
            ServiceError::NotFound(_) => Self::new(&NOT_FOUND, detail),
            ServiceError::Unauthenticated(_) => Self::new(&UNAUTHENTICATED, detail),
            ServiceError::Stale { current } => {
                let more = More { etag: Some(current), ..More::default() };
                Self { more: Box::new(more), ..Self::new(&STALE, detail) }
            }
            ServiceError::Taken { pointer, .. } => Self::at(&TAKEN, pointer, "taken", detail),
            ServiceError::KeyReused => Self::at(&IDEMPOTENCY_KEY_REUSED, "Idempotency-Key", "reused", detail),
            ServiceError::ClientIdReused => Self::at(&IDEMPOTENCY_KEY_REUSED, "/client_id", "reused", detail),
            ServiceError::InvalidCursor => Self::at(&INVALID_CURSOR, "cursor", "invalid", detail),
            ServiceError::OtherLife => Self::new(&LOG_CHANGED, detail),
            ServiceError::Behind { .. } => Self::new(&INDEX_BEHIND, detail),
            ServiceError::AlreadyRunning => Self::new(&ALREADY_RUNNING, detail),
            ServiceError::Throttled { wait } => Self::too_many(wait, detail),
            ServiceError::Busy(_) => Self::new(&BUSY, detail),
            ServiceError::Unavailable(why) | ServiceError::Held { why, .. } => {
                tracing::warn!(%why, "unavailable");
                Self::new(&UNAVAILABLE, "the database, the index or an identity provider is away")
            }
            ServiceError::Internal(why) => {
                tracing::error!(%why, "internal error");
                Self::new(&INTERNAL, "something went wrong here, and was logged with this request's id")
            }
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let body = self.body();
        let mut response = HttpResponse::build(self.status_code());
        if self.kind.status == 401 {
            response.append_header((WWW_AUTHENTICATE, "Bearer"));
            if caller::takes_basic(&body.instance) {
                response.append_header((WWW_AUTHENTICATE, "Basic realm=\"Eureka: an API key as the password\""));
            }
        }
        if matches!(self.kind.status, 429 | 503) {
            response.insert_header((RETRY_AFTER, self.more.retry_after.unwrap_or(1).max(1).to_string()));
        }
        if let Some(etag) = self.more.etag.as_deref().and_then(|tag| HeaderValue::from_str(tag).ok()) {
            response.insert_header((ETAG, etag));
        }
        let json = serde_json::to_vec(&body).unwrap_or_default();
        response.content_type("application/problem+json").body(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_in_the_catalogue_with_a_real_status() {
        let mut codes: Vec<_> = CATALOGUE.iter().map(|kind| kind.code).collect();
        codes.sort_unstable();
        let all = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), all);
        for kind in CATALOGUE {
            assert!(StatusCode::from_u16(kind.status).unwrap().as_u16() >= 400, "{}", kind.code);
            assert!(!kind.advice.is_empty());
        }
    }
}
