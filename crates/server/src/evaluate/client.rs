//! A client of the API as an integrator would write it: logs in, searches, follows `next_cursor`.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::json;

use super::scratch::{EMAIL, Scratch};

/// Hits of every page but the first, which has as many as the API gives by default.
const PAGE: usize = 80;
/// How long a token is used: less than it lasts.
const FRESH: Duration = Duration::from_mins(10);

/// A client that is logged in.
pub(super) struct Client {
    agent: ureq::Agent,
    base: String,
    password: String,
    token: String,
    since: Instant,
}

/// What a query found.
pub(super) struct Answer {
    /// The tips' numbers, the best first.
    pub(super) numbers: Vec<String>,
    /// How long the first page took.
    pub(super) took: Duration,
}

#[derive(Deserialize)]
struct Login {
    access_token: String,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Hit>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Hit {
    tip: HitTip,
}

#[derive(Deserialize)]
struct HitTip {
    number: String,
}

impl Client {
    /// Logs in.
    pub(super) fn log_in(scratch: &Scratch) -> anyhow::Result<Self> {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let base = format!("http://{}/v1", scratch.address);
        let (password, token) = (scratch.password.clone(), String::new());
        let mut client = Self { agent: config.into(), base, password, token, since: Instant::now() };
        client.renew()?;
        Ok(client)
    }

    fn renew(&mut self) -> anyhow::Result<()> {
        let body = json!({"email": EMAIL, "password": self.password}).to_string();
        let request = self.agent.post(format!("{}/auth/login", self.base));
        let reply = request.header("Content-Type", "application/json").send(body)?;
        self.token = read::<Login>(reply)?.access_token;
        self.since = Instant::now();
        Ok(())
    }

    /// The first `depth` hits, over as many pages as it takes.
    pub(super) fn search(&mut self, q: &str, depth: usize) -> anyhow::Result<Answer> {
        if self.since.elapsed() > FRESH {
            self.renew()?;
        }
        let (mut numbers, mut took, mut cursor) = (Vec::new(), None, None::<String>);
        loop {
            let limit = PAGE.min(depth - numbers.len());
            let begun = Instant::now();
            let page = self.page(q, cursor.as_deref().map(|cursor| (cursor, limit)))?;
            took.get_or_insert_with(|| begun.elapsed());
            numbers.extend(page.items.into_iter().map(|hit| hit.tip.number));
            cursor = page.next_cursor;
            if cursor.is_none() || numbers.len() >= depth {
                return Ok(Answer { numbers, took: took.unwrap_or_default() });
            }
        }
    }

    fn page(&self, q: &str, after: Option<(&str, usize)>) -> anyhow::Result<Page> {
        let mut request = self.agent.get(format!("{}/search", self.base)).query("q", q);
        if let Some((cursor, limit)) = after {
            request = request.query("limit", limit.to_string()).query("cursor", cursor);
        }
        let reply = request.header("Authorization", format!("Bearer {}", self.token)).call();
        read(reply?).with_context(|| format!("searching for {q:?}"))
    }
}

fn read<T: serde::de::DeserializeOwned>(mut reply: ureq::http::Response<ureq::Body>) -> anyhow::Result<T> {
    let body = reply.body_mut().read_to_string()?;
    ensure!(reply.status().is_success(), "{}: {body}", reply.status());
    Ok(serde_json::from_str(&body)?)
}
