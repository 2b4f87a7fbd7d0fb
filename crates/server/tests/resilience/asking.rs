//! Requests that are made again until they are answered.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::log::{Part, Seen};
use crate::process::{PASSWORD, Server};

/// How long a client asks again before the trial has failed.
const PATIENCE: Duration = Duration::from_mins(2);

/// One of the demo's cast, and the token they have now.
pub(crate) struct Person {
    email: String,
    token: Mutex<String>,
}

impl Person {
    pub(crate) fn logged_in(server: &Server, name: &str) -> Self {
        let email = format!("{name}@demo.example");
        let token = Mutex::new(server.log_in(&email, PASSWORD));
        Self { email, token }
    }

    /// Logs in again, where a token is of no more use; whether that was possible.
    fn log_in_again(&self, base: &str) -> bool {
        let request = Request { body: Some(json!({"email": self.email, "password": PASSWORD})), ..Request::default() };
        let login = Request { method: "POST", path: "/v1/auth/login".to_owned(), ..request };
        let Some(Heard { status: 200, body, .. }) = send(base, &login, "", "") else { return false };
        let Some(token) = body["access_token"].as_str() else { return false };
        token.clone_into(&mut self.token.lock());
        true
    }
}

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    /// Its idempotency key, if it has one.
    pub(crate) key: String,
    /// The tag of the state that it changes, if it changes any.
    pub(crate) etag: String,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), ..Self::default() }
    }

    pub(crate) fn post(path: impl Into<String>, key: String, body: Value) -> Self {
        Self { method: "POST", path: path.into(), key, body: Some(body), ..Self::default() }
    }
}

/// A reply.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) etag: String,
    /// Of a write, its place; of a search, what it knew of.
    pub(crate) position: i64,
    replayed: bool,
}

impl Heard {
    pub(crate) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The line of the log that tells of it, with what it showed.
    fn part(&self, seen: Option<Seen>) -> Part {
        if self.is_ok() {
            Part::Ok { position: self.position, replayed: self.replayed, seen }
        } else {
            Part::Fail(format!("{} {} {}", self.status, self.body["code"], self.body["detail"]))
        }
    }
}

/// Who is asked, and whether under the same key when it is asked again.
pub(crate) struct Asking<'a> {
    /// Where the service can be asked.
    pub(crate) bases: &'a Mutex<Vec<String>>,
    /// The place of the one that is asked first; then the next.
    pub(crate) first: usize,
    /// Whether a request that is made again is another one to the service.
    pub(crate) forgets_keys: bool,
}

impl Asking<'_> {
    /// Asks until somebody answers: a connection that is refused or lost, and 503, or what a balancer says of a service
    /// that is gone, are no answers. Whoever is told that their token is of no more use logs in again. `tell` hears of
    /// each part, and `see` finds in an answer what it shows.
    pub(crate) fn until_answered(
        &self,
        who: &Person,
        request: &Request,
        see: impl Fn(&Value) -> Option<Seen>,
        mut tell: impl FnMut(Part),
    ) -> Heard {
        let begun = Instant::now();
        for again in 0.. {
            assert!(begun.elapsed() < PATIENCE, "{request:?}: no answer");
            let bases = self.bases.lock().clone();
            if let Some(base) = bases.get((self.first + again) % bases.len().max(1)) {
                let key = if self.forgets_keys && again > 0 { "" } else { &request.key };
                let token = who.token.lock().clone();
                tell(Part::Invoke);
                match send(base, request, &token, key) {
                    Some(Heard { status: status @ 502..=504, body, .. }) => {
                        tell(Part::Unknown(format!("{base}: {status} {}", body["code"])));
                    }
                    Some(heard) => {
                        tell(heard.part(see(&heard.body)));
                        if heard.status != 401 {
                            return heard;
                        }
                        who.log_in_again(base);
                    }
                    None => tell(Part::Unknown(format!("{base}: no answer after {:?}", begun.elapsed()))),
                }
            }
            if bases.len() < 2 {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        unreachable!("it asks for ever")
    }
}

/// One request; `None` when no whole answer came.
fn send(base: &str, request: &Request, token: &str, key: &str) -> Option<Heard> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    let mut sent = ureq::http::Request::builder()
        .method(request.method)
        .uri(format!("{base}{}", request.path))
        .header("Authorization", format!("Bearer {token}"))
        .header(
            "Content-Type",
            if request.method == "PATCH" { "application/merge-patch+json" } else { "application/json" },
        );
    for (name, value) in [("Idempotency-Key", key), ("If-Match", &request.etag)] {
        if !value.is_empty() {
            sent = sent.header(name, value);
        }
    }
    let replied = match &request.body {
        Some(body) => agent.run(sent.body(body.to_string()).unwrap()),
        None => agent.run(sent.body(()).unwrap()),
    };
    let mut reply = replied.ok()?;
    let body: Value = serde_json::from_slice(&reply.body_mut().read_to_vec().ok()?).unwrap_or_default();
    let header = |name: &str| reply.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let position = header("Eureka-Position").parse().ok().or_else(|| body["position"].as_i64()).unwrap_or_default();
    let (etag, replayed) = (header("ETag").to_owned(), header("Idempotency-Replayed") == "true");
    Some(Heard { status: reply.status().as_u16(), body, etag, position, replayed })
}
