//! Clients that submit, approve, search and use, ask again until they are answered, and write down what they were told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::judge::{Entry, Kept, Told, faults};
use crate::process::{PASSWORD, Server};

/// How long an index may take to come to where the database is.
const STANDSTILL: Duration = Duration::from_secs(20);
/// How long a client asks again before the trial has failed.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where the service can be asked, and who asks.
pub(crate) struct Witnesses {
    bases: Mutex<Vec<String>>,
    author: Person,
    reviewer: Person,
    reader: Person,
    stop: AtomicBool,
    /// How many tips were begun; each has a title of its own.
    turns: AtomicUsize,
    told: Mutex<Vec<Entry>>,
}

/// One of the demo's cast, and the token they have now.
struct Person {
    email: String,
    token: Mutex<String>,
}

impl Person {
    fn logged_in(server: &Server, name: &str) -> Self {
        let email = format!("{name}@demo.example");
        let token = Mutex::new(server.log_in(&email, PASSWORD));
        Self { email, token }
    }

    /// Logs in again, where a token is of no more use; whether that was possible.
    fn log_in_again(&self, base: &str) -> bool {
        let login = json!({"email": self.email, "password": PASSWORD});
        let Some((200, body, _)) = send(base, "POST", "/v1/auth/login", "", "", Some(&login)) else { return false };
        let Some(token) = body["access_token"].as_str() else { return false };
        token.clone_into(&mut self.token.lock());
        true
    }
}

/// A reply.
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) body: Value,
    position: i64,
    /// Why it had to be asked for again, each time.
    again: Vec<String>,
}

impl Witnesses {
    /// Logs in the demo's cast.
    pub(crate) fn of(server: &Server) -> Self {
        Self {
            bases: Mutex::new(vec![server.base.clone()]),
            author: Person::logged_in(server, "technician"),
            reviewer: Person::logged_in(server, "reviewer"),
            reader: Person::logged_in(server, "outsider"),
            stop: AtomicBool::new(false),
            turns: AtomicUsize::new(0),
            told: Mutex::default(),
        }
    }

    /// Says where the service is from now on; a client asks the next one when one does not answer.
    pub(crate) fn are_at(&self, bases: Vec<String>) {
        *self.bases.lock() = bases;
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// What clients had to ask for again.
    pub(crate) fn asked_again(&self) -> Vec<Entry> {
        self.told.lock().iter().filter(|entry| !entry.again.is_empty()).cloned().collect()
    }

    /// How many answers clients were given.
    pub(crate) fn answers(&self) -> usize {
        self.told.lock().len()
    }

    /// One client, until it is told to stop.
    pub(crate) fn work(&self, client: usize) {
        while !self.stop.load(Ordering::Relaxed) {
            let turn = self.turns.fetch_add(1, Ordering::Relaxed);
            self.one_tip(client, &format!("Witness c{client} t{turn}"));
        }
    }

    /// Four clients at work for as long as something else takes.
    pub(crate) fn working<T>(&self, meanwhile: impl FnOnce() -> T) -> T {
        self.stop.store(false, Ordering::Relaxed);
        std::thread::scope(|scope| {
            for client in 0..4 {
                scope.spawn(move || self.work(client));
            }
            let _stop = Stop(self);
            meanwhile()
        })
    }

    fn one_tip(&self, client: usize, title: &str) {
        let note = |told: Told, heard: &Heard| {
            let (title, position, again) = (title.to_owned(), heard.position, heard.again.clone());
            self.told.lock().push(Entry { client, title, told, position, again });
        };
        let tip = json!({"community": "office-printers", "title": title, "problem": "It stops.", "submit": true});
        let sent = self.ask(client, "POST", "/v1/tips", &self.author, &format!("submit {title}"), Some(&tip));
        assert_eq!(sent.status, 201, "{}", sent.body);
        note(Told::Submitted, &sent);
        let word = |pointer: &str| sent.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, path) = (word("/id"), format!("/v1/reviews/{}/decisions", word("/review/id")));
        let approve = json!({"verdict": "approve", "revision": 1});
        let approved = self.ask(client, "POST", &path, &self.reviewer, &format!("approve {title}"), Some(&approve));
        assert_eq!(approved.status, 201, "{}", approved.body);
        note(Told::Approved, &approved);
        let query = title.replace(' ', "+");
        let path = format!("/v1/search?q=%22{query}%22&min_position={}", approved.position);
        let searched = self.ask(client, "GET", &path, &self.reader, "", None);
        let has = |hit: &Value| hit["tip"]["id"] == json!(id);
        let found =
            Told::Searched { found: searched.body["items"].as_array().is_some_and(|hits| hits.iter().any(has)) };
        note(found, &Heard { position: approved.position, ..searched });
        let path = format!("/v1/tips/{id}/outcomes");
        let used =
            self.ask(client, "POST", &path, &self.reader, &format!("use {title}"), Some(&json!({"result": "fixed"})));
        assert_eq!(used.status, 201, "{}", used.body);
        note(Told::Used, &used);
    }

    /// Asks until somebody answers, first the one that a client prefers: a connection that is refused or lost, and 503,
    /// or what a balancer says of a service that is gone, are no answers. Whoever is told that their token is of no more
    /// use logs in again.
    fn ask(&self, first: usize, method: &str, path: &str, who: &Person, key: &str, body: Option<&Value>) -> Heard {
        let (begun, mut why) = (Instant::now(), Vec::new());
        for again in 0.. {
            assert!(begun.elapsed() < PATIENCE, "{method} {path}: no answer");
            let bases = self.bases.lock().clone();
            if let Some(base) = bases.get((first + again) % bases.len().max(1)) {
                let token = who.token.lock().clone();
                match send(base, method, path, &token, key, body) {
                    Some((status @ 502..=504, body, _)) => why.push(format!("{base}: {status} {}", body["code"])),
                    Some((401, body, _)) => {
                        let again = who.log_in_again(base);
                        why.push(format!("{base}: 401 {}; logged in again: {again}", body["detail"]));
                    }
                    Some((status, body, position)) => return Heard { status, body, position, again: why },
                    None => why.push(format!("{base}: no answer after {:?}", begun.elapsed())),
                }
            }
            if bases.len() < 2 {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        unreachable!("it asks for ever")
    }

    /// What is wrong with what was kept, as the service tells now.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults_of_first(self.answers())
    }

    /// The same of the first answers alone: for a copy that was made when there were so many.
    pub(crate) fn faults_of_first(&self, answers: usize) -> Vec<String> {
        let mut kept: BTreeMap<String, Kept> = BTreeMap::new();
        let mut path = "/v1/tips?community=office-printers&limit=100".to_owned();
        loop {
            let page = self.ask(0, "GET", &path, &self.author, "", None).body;
            for tip in page["items"].as_array().unwrap() {
                let title = tip["title"].as_str().unwrap();
                if title.starts_with("Witness ") {
                    let id = tip["id"].as_str().unwrap();
                    let one = kept.entry(title.to_owned()).or_default();
                    one.tips += 1;
                    let history = self.ask(0, "GET", &format!("/v1/tips/{id}/history"), &self.author, "", None).body;
                    let kinds = history["items"].as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap());
                    one.history.extend(kinds.map(str::to_owned));
                    let uses = self.ask(0, "GET", &format!("/v1/tips/{id}/outcomes"), &self.author, "", None).body;
                    one.uses += uses["items"].as_array().unwrap_or(&Vec::new()).len();
                }
            }
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/tips?community=office-printers&limit=100&cursor={cursor}");
        }
        let told: Vec<Entry> = self.told.lock().iter().take(answers).cloned().collect();
        assert!(!told.is_empty(), "nobody was told anything");
        // Nothing was lost, if the index reaches the last place that anybody was told.
        let last = told.iter().map(|entry| entry.position).max().unwrap_or_default();
        faults(&told, &kept, self.reached(last))
    }

    /// Where the index stands once it has come to a place; or where it stays, in a copy that never comes there.
    fn reached(&self, place: i64) -> i64 {
        let begun = Instant::now();
        loop {
            let found = self.ask(0, "GET", "/v1/search?q=witness", &self.reader, "", None).body;
            let position = found["position"].as_i64().unwrap_or_default();
            if position >= place || begun.elapsed() > STANDSTILL {
                return position;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Ends the clients' work, also when the trial has failed.
struct Stop<'w>(&'w Witnesses);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// One request; `None` when no whole answer came.
fn send(
    base: &str,
    method: &str,
    path: &str,
    token: &str,
    key: &str,
    body: Option<&Value>,
) -> Option<(u16, Value, i64)> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    let mut request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{base}{path}"))
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "application/json");
    if !key.is_empty() {
        request = request.header("Idempotency-Key", key);
    }
    let sent = match body {
        Some(body) => agent.run(request.body(body.to_string()).unwrap()),
        None => agent.run(request.body(()).unwrap()),
    };
    let mut response = sent.ok()?;
    let position = response.headers().get("Eureka-Position").and_then(|at| at.to_str().ok()?.parse().ok());
    let body = response.body_mut().read_to_vec().ok()?;
    let status = response.status().as_u16();
    Some((status, serde_json::from_slice(&body).unwrap_or_default(), position.unwrap_or_default()))
}
