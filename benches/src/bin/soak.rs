//! Whether memory stays flat: an hour's mixed load on a served product, and what it has resident meanwhile.
//!
//! `soak --binary PATH [--minutes 60] [--tips 10000]` imports made-up tips, serves them, and has two people search 25 times
//! a second each, while one tip a second is submitted, approved and used. What is resident is told each twelfth of the time,
//! in all and without the pages of files, and by how much the last of them is more than the median of the second third.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a table for people; a benchmark that cannot be made has failed"
)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant as Wall};

use eureka_benches::{Client, Corpus, Memory, PASSWORD, Server, encoded, import};
use serde_json::{Value, json};

const SEARCHERS: usize = 2;
/// Of each searcher.
const SEARCHES_A_SECOND: u32 = 25;
/// How often what is resident is told.
const TOLD: u32 = 12;
/// An access token lasts fifteen minutes.
const TOKEN: Duration = Duration::from_mins(10);

struct Arguments {
    binary: PathBuf,
    minutes: u64,
    tips: usize,
}

fn main() {
    let arguments = arguments();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut corpus = Corpus::new(arguments.tips);
    let (tips, data) = (folder.path().join("tips.jsonl"), folder.path().join("data"));
    corpus.write(&tips);
    let queries = corpus.mixed(10_000);
    import(&arguments.binary, &data, &tips);
    drop(corpus);
    let server = Server::start(&arguments.binary, &data);
    people(&server);

    let length = Duration::from_secs(arguments.minutes * 60);
    let begun = Wall::now();
    let [searched, refused, written] = [const { AtomicUsize::new(0) }; 3];
    let mut told: Vec<Memory> = Vec::new();
    println!("{:>8} {:>10} {:>14} {:>10} {:>8}", "minute", "resident", "not of files", "searches", "tips");
    std::thread::scope(|scope| {
        for first in 0..SEARCHERS {
            let (server, queries, searched, refused) = (&server, &queries, &searched, &refused);
            scope.spawn(move || {
                let queries = queries.iter().cycle().skip(first * queries.len() / SEARCHERS);
                let mut person = Person::new(server, "reader@bench.example");
                paced(begun, length, Duration::from_secs(1) / SEARCHES_A_SECOND, queries, |q| {
                    match person.get(&format!("/v1/search?limit=10&q={}", encoded(q))) {
                        (200, _) => searched.fetch_add(1, Ordering::Relaxed),
                        (503, _) => refused.fetch_add(1, Ordering::Relaxed),
                        (status, body) => panic!("{q}: {status} {body}"),
                    };
                });
            });
        }
        scope.spawn(|| {
            let mut author = Person::new(&server, "author@bench.example");
            let mut reviewer = Person::new(&server, "reviewer@bench.example");
            paced(begun, length, Duration::from_secs(1), 0_u32.., |turn| {
                one_tip(&mut author, &mut reviewer, turn);
                written.fetch_add(1, Ordering::Relaxed);
            });
        });
        for part in 0..=TOLD {
            std::thread::sleep((length * part / TOLD).saturating_sub(begun.elapsed()));
            let memory = Memory::of(server.process());
            let minute = begun.elapsed().as_secs_f64() / 60.0;
            let (all, own) = (memory.all as f64 / 1e6, memory.own as f64 / 1e6);
            let (searches, tips) = (searched.load(Ordering::Relaxed), written.load(Ordering::Relaxed));
            println!("{minute:>8.1} {all:>7.1} MB {own:>11.1} MB {searches:>10} {tips:>8}");
            told.push(memory);
        }
    });
    println!("searches told to come later: {}", refused.into_inner());
    let mut middle = told.iter().skip(told.len() / 3).take(told.len() / 3).map(|memory| memory.own).collect::<Vec<_>>();
    middle.sort_unstable();
    let (last, middle) = (told.last().map_or(0, |memory| memory.own), middle[middle.len() / 2]);
    println!("not of files, the last against the median of the second third: {:.3}", last as f64 / middle as f64);
}

fn arguments() -> Arguments {
    let mut out = Arguments { binary: PathBuf::new(), minutes: 60, tips: 10_000 };
    let mut words = std::env::args().skip(1);
    while let Some(flag) = words.next() {
        let value = words.next().unwrap_or_default();
        match flag.as_str() {
            "--binary" => out.binary = value.into(),
            "--minutes" => out.minutes = value.parse().expect("a number"),
            "--tips" => out.tips = value.parse().expect("a number"),
            other => eprintln!("{other} is not known"),
        }
    }
    assert!(out.binary.is_file(), "say where the binary is: --binary target/release/eureka");
    out
}

/// Does something with one after another, so far apart, until the time is over.
fn paced<T>(begun: Wall, length: Duration, apart: Duration, each: impl Iterator<Item = T>, mut work: impl FnMut(T)) {
    let mut due = Duration::ZERO;
    for one in each {
        due += apart;
        if due >= length {
            return;
        }
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        work(one);
    }
}

/// Somebody with an account, who logs in again before their token ends.
struct Person<'a> {
    server: &'a Server,
    email: &'static str,
    client: Client,
    since: Wall,
}

impl<'a> Person<'a> {
    fn new(server: &'a Server, email: &'static str) -> Self {
        let client = Self::connected(server, email);
        Self { server, email, client, since: Wall::now() }
    }

    fn connected(server: &Server, email: &str) -> Client {
        Client::connect(server.address(), Some(server.log_in_as(email))).expect("a connection")
    }

    fn client(&mut self) -> &mut Client {
        if self.since.elapsed() > TOKEN {
            self.client = Self::connected(self.server, self.email);
            self.since = Wall::now();
        }
        &mut self.client
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        let (status, body) = self.client().get(path).expect("a reply");
        (status, serde_json::from_slice(body).unwrap_or_default())
    }

    fn post(&mut self, path: &str, json: &Value) -> Value {
        let (status, body) = self.client().post(path, &json.to_string()).expect("a reply");
        assert!((200..300).contains(&status), "{path}: {status} {}", String::from_utf8_lossy(body));
        serde_json::from_slice(body).unwrap_or_default()
    }
}

/// A community with an author, a reviewer and somebody who reads.
fn people(server: &Server) {
    let mut admin = Client::connect(server.address(), Some(server.log_in())).expect("a connection");
    let mut send = |method: &str, path: &str, json: &Value| {
        let json = json.to_string();
        let (status, body) = match method {
            "PUT" => admin.put(path, &json),
            _ => admin.post(path, &json),
        }
        .expect("a reply");
        assert!((200..300).contains(&status), "{path}: {status} {}", String::from_utf8_lossy(body));
        serde_json::from_slice::<Value>(body).unwrap_or_default()
    };
    send("POST", "/v1/communities", &json!({"slug": "soak", "name": "Soak", "visibility": "open"}));
    for (name, role) in [("author", "contributor"), ("reviewer", "reviewer"), ("reader", "contributor")] {
        let account = json!({"email": format!("{name}@bench.example"), "name": name, "password": PASSWORD});
        let user = send("POST", "/v1/users", &account);
        let id = user["id"].as_str().expect("an id");
        send("PUT", &format!("/v1/communities/soak/members/{id}"), &json!({ "role": role }));
    }
}

/// A tip from its submission to its first use.
fn one_tip(author: &mut Person<'_>, reviewer: &mut Person<'_>, turn: u32) {
    let title = format!("Feeder {turn} stops after {} sheets", turn % 97);
    let tip = json!({"community": "soak", "title": title, "problem": "It stops, and says nothing.", "submit": true});
    let tip = author.post("/v1/tips", &tip);
    let (id, review) = (tip["id"].as_str().expect("an id"), tip["review"]["id"].as_str().expect("a review"));
    reviewer.post(&format!("/v1/reviews/{review}/decisions"), &json!({"verdict": "approve", "revision": 1}));
    reviewer.post(&format!("/v1/tips/{id}/outcomes"), &json!({"result": "fixed"}));
}
