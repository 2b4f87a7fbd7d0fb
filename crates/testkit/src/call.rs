//! One request and its reply. Every reply is held against the OpenAPI document: a test that passes has also shown that
//! the document tells the truth about what it saw.

use serde_json::Value;

use crate::app::Person;
use crate::{described, secrets};

/// A request to be sent.
#[must_use]
pub struct Call {
    base: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
}

impl Call {
    pub(crate) fn new(base: String, method: &str, path: &str) -> Self {
        Self { base, method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// As this person.
    pub fn by(self, person: &Person) -> Self {
        self.header("Authorization", &format!("Bearer {}", person.token))
    }

    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a JSON body.
    pub fn json(self, body: Value) -> Self {
        self.raw("application/json", body.to_string().as_bytes())
    }

    /// With any body.
    pub fn raw(mut self, content_type: &str, body: &[u8]) -> Self {
        body.clone_into(&mut self.body);
        self.header("Content-Type", content_type)
    }

    /// Sends it, and holds the reply against the OpenAPI document.
    #[allow(clippy::expect_used, reason = "a test without a reply has failed")]
    pub fn send(self) -> Reply {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .build()
            .into();
        let mut request =
            ureq::http::Request::builder().method(self.method.as_str()).uri(format!("{}{}", self.base, self.path));
        secrets::learn_from(&self.body);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let sent = if self.body.is_empty() {
            agent.run(request.body(()).expect("a request"))
        } else {
            let agent_request = request.body(self.body).expect("a request");
            agent.run(agent_request)
        };
        let mut response = sent.expect("a reply");
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let status = response.status().as_u16();
        let body = response.body_mut().read_to_vec().expect("a whole body");
        secrets::learn_from(&body);
        let reply = Reply { status, headers, body };
        if let Err(why) = described::check(&self.method, &self.path, &reply) {
            #[allow(clippy::panic, reason = "this is the check")]
            {
                panic!(
                    "{} {} is not as the OpenAPI document says: {why}\n{} {}",
                    self.method,
                    self.path,
                    reply.status,
                    reply.text()
                );
            }
        }
        reply
    }
}

impl Reply {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The entity tag.
    #[allow(clippy::expect_used, reason = "the test says that there is one")]
    pub fn etag(&self) -> &str {
        self.header("etag").expect("an ETag")
    }

    /// The change's place in the log.
    #[allow(clippy::expect_used, reason = "the test says that there is one")]
    pub fn position(&self) -> i64 {
        self.header("eureka-position").and_then(|text| text.parse().ok()).expect("a position")
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null where there is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A part of the body by JSON pointer; null where there is none.
    pub fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or_default()
    }

    /// A part of the body as text; empty where there is none.
    pub fn word(&self, pointer: &str) -> String {
        self.at(pointer).as_str().unwrap_or_default().to_owned()
    }

    /// The code of a problem.
    pub fn code(&self) -> String {
        self.word("/code")
    }

    /// What `pointer` says of each of the `items`.
    pub fn each(&self, pointer: &str) -> Vec<Value> {
        let items = self.at("/items");
        items.as_array().into_iter().flatten().map(|item| item.pointer(pointer).cloned().unwrap_or_default()).collect()
    }

    /// This reply, if it has this status.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// This reply, if it is this problem.
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}", self.text());
        self
    }
}
