//! Load over HTTP: how many searches a second a served product gives, beside the same queries in process on a copy of the
//! same index and beside its hello endpoint, all in one run; HTTP and process in turns, so that what else the machine does
//! meets both.
//!
//! `load --binary PATH [--tips FILE --queries FILE] [--made-up 10000] [--connections 16] [--seconds 5] [--rate N]` imports
//! tips into a new directory, serves them, and measures; without files, so many made-up tips. A query file has `q` and, when
//! a known item is to be found, `source`, its line's `id` in the tips (1, 2, …). With `--rate`, requests start at that many a
//! second whether or not earlier ones have come back (an open loop), and latency counts from when each was due. Last, four
//! times as many requests as it can answer are sent: how many are answered all the same, and whether the others are told so
//! and when to ask again, and what whoever asks meanwhile whether it is alive is answered. Then it is started once more, to
//! see how soon it is ready, and again without its index, which has to take longer. Ends with 1 if it was not alive in the
//! flood, refused without `Retry-After`, or was not ready within a second.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a table for people; a benchmark that cannot be made has failed"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant as Wall};

use eureka_benches::{
    Answered, Client, Corpus, Crowd, FIRST, Memory, Pace, Server, Times, encoded, import, micros, now, processor_time,
    request, settle,
};
use eureka_search::{Index, OpenOptions, Opened};
use eureka_testkit::copy_folder;
use serde_json::Value;

/// Turns of searching over HTTP and in process.
const TURNS: u32 = 10;
/// Connections of the flood: more than the product lets wait.
const FLOOD: usize = 1_520;
/// How soon it is to be ready where its index is there.
const READY: Duration = Duration::from_secs(1);
/// How often somebody asks in the flood whether it is alive.
const PULSE: Duration = Duration::from_millis(20);

struct Arguments {
    binary: PathBuf,
    tips: Option<PathBuf>,
    queries: Option<PathBuf>,
    made_up: usize,
    connections: usize,
    seconds: u64,
    rate: Option<f64>,
}

struct Asked {
    q: String,
    /// The number of the tip that is to be found.
    wanted: Option<i64>,
}

/// What came of a load.
struct Loaded {
    /// How long each took that was answered.
    times: Vec<Duration>,
    /// How many were refused for load.
    refused: usize,
    /// How many of these were not told when to ask again.
    left_guessing: usize,
}

/// What whoever asks whether it is alive was answered.
#[derive(Default)]
struct Pulse {
    asked: usize,
    /// How often the answer was not 200, or none.
    missed: usize,
    longest: Duration,
}

fn main() -> ExitCode {
    let arguments = arguments();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (tips, queries) = inputs(&arguments, folder.path());
    let data = folder.path().join("data");
    import(&arguments.binary, &data, &tips);
    let server = Server::start(&arguments.binary, &data);
    let token = server.log_in();
    let paths = queries.iter().map(|each| format!("/v1/search?limit=10&q={}", encoded(&each.q))).collect::<Vec<_>>();

    let found = found_over_http(&server, &token, &queries, &paths);
    let duration = Duration::from_secs(arguments.seconds);
    let measure = |paths: &[String], pace, duration| {
        let loaded = load(&server, &token, paths, arguments.connections, duration, pace);
        assert_eq!(loaded.refused, 0, "requests were refused");
        loaded.times
    };
    measure(&paths, Pace::Closed, duration); // warm
    let hello = Times::new(measure(&["/health/live".to_owned()], Pace::Closed, duration));
    let (index, copy) = (data.join("index"), folder.path().join("copy"));
    copy_folder(&index, &copy);
    let own = InProcess::open(&copy, &queries);
    let own_found = own.found();
    own.ask(duration); // warm
    let (mut http, mut in_process, mut spent) = (Vec::new(), Vec::new(), Duration::ZERO);
    // What it writes down of its searches it writes a moment later.
    let begun = processor_time(server.process());
    for _ in 0..TURNS {
        http.extend(measure(&paths, Pace::Closed, duration / TURNS));
        let before = processor_time(std::process::id());
        in_process.extend(own.ask(duration / TURNS));
        spent += processor_time(std::process::id()).saturating_sub(before);
    }
    let served = processor_time(server.process()).saturating_sub(begun);
    drop(own);
    let (http, own) = (Times::new(http), Times::new(in_process));
    let open = arguments.rate.map(|rate| (rate, Times::new(measure(&paths, Pace::Open(rate), duration))));
    let peak = http.len() as f64 / duration.as_secs_f64();
    let flood = || load(&server, &token, &paths, FLOOD, duration, Pace::Open(4.0 * peak));
    let (Loaded { times: flooded, refused, left_guessing }, pulse) = with_pulse(&server, flood);
    let flooded = Times::new(flooded);
    let memory = Memory::of(server.process());
    drop(server);
    let ready_after = Server::start(&arguments.binary, &data).ready_after();
    std::fs::remove_dir_all(&index).expect("its index");
    let made_after = Server::start(&arguments.binary, &data).ready_after();

    println!("{:<40} {:>10} {:>9} {:>9} {:>9}", "", "requests/s", "p50 µs", "p99 µs", "max µs");
    show(&format!("hello, {} connections", arguments.connections), &hello, duration);
    show(&format!("search, {} connections", arguments.connections), &http, duration);
    if let Some((rate, times)) = &open {
        show(&format!("search, {rate} a second (open loop)"), times, duration);
    }
    show("search, four times what it can do", &flooded, duration);
    show("the same queries in process", &own, duration);
    let goodput = 100.0 * flooded.len() as f64 / http.len().max(1) as f64;
    println!("under four times the load: {goodput:.0} % of the peak answered, {refused} requests told to come later");
    println!("of these without Retry-After: {left_guessing}");
    println!(
        "meanwhile asked {} times whether it is alive: {} times no 200, the longest {:.1} ms",
        pulse.asked,
        pulse.missed,
        micros(pulse.longest) / 1e3
    );
    println!("ready after a start with its index there: {:.0} ms", micros(ready_after) / 1e3);
    println!("control: with its index to be made: {:.0} ms", micros(made_after) / 1e3);
    assert!(made_after > ready_after, "to the start it is no matter whether the index is there");
    let share = |one: &Times, other: &Times| 100.0 * one.len() as f64 / other.len().max(1) as f64;
    println!("search over HTTP: {:.0} % of in process, {:.1} % of hello", share(&http, &own), share(&http, &hello));
    let each = |spent: Duration, times: &Times| micros(spent) / times.len().max(1) as f64;
    let (served, spent) = (each(served, &http), each(spent, &own));
    println!(
        "processor time a search: {served:.0} µs served, {spent:.0} µs in process ({:.0} %)",
        100.0 * spent / served
    );
    let (all, own) = (memory.all as f64 / 1e6, memory.own as f64 / 1e6);
    println!("resident after all of this: {all:.0} MB, {own:.0} MB of it not of files");
    let known = queries.iter().filter(|each| each.wanted.is_some()).count();
    if known > 0 {
        println!("known items in the first ten: {found} of {known} over HTTP, {own_found} in process");
    }
    let is_well = pulse.asked > 0 && pulse.missed == 0 && left_guessing == 0 && ready_after <= READY;
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn arguments() -> Arguments {
    let mut out = Arguments {
        binary: PathBuf::new(),
        tips: None,
        queries: None,
        made_up: 10_000,
        connections: 16,
        seconds: 5,
        rate: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(flag) = words.next() {
        let value = words.next().unwrap_or_default();
        match flag.as_str() {
            "--binary" => out.binary = value.into(),
            "--tips" => out.tips = Some(value.into()),
            "--queries" => out.queries = Some(value.into()),
            "--made-up" => out.made_up = value.parse().expect("a number"),
            "--connections" => out.connections = value.parse().expect("a number"),
            "--seconds" => out.seconds = value.parse().expect("a number"),
            "--rate" => out.rate = Some(value.parse().expect("a number")),
            other => eprintln!("{other} is not known"),
        }
    }
    assert!(out.binary.is_file(), "say where the binary is: --binary target/release/eureka");
    out
}

/// The tips to import and the queries to ask.
fn inputs(arguments: &Arguments, folder: &Path) -> (PathBuf, Vec<Asked>) {
    if let (Some(tips), Some(queries)) = (&arguments.tips, &arguments.queries) {
        let text = std::fs::read_to_string(queries).expect("the queries");
        let asked = text.lines().filter_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            let wanted = line["source"].as_i64().map(|id| id + FIRST - 1);
            Some(Asked { q: line["q"].as_str()?.to_owned(), wanted })
        });
        return (tips.clone(), asked.collect());
    }
    let mut corpus = Corpus::new(arguments.made_up);
    let path = folder.join("tips.jsonl");
    corpus.write(&path);
    let asked = corpus.mixed(1_000).into_iter().map(|q| Asked { q, wanted: None });
    (path, asked.collect())
}

fn found_over_http(server: &Server, token: &str, queries: &[Asked], paths: &[String]) -> usize {
    let mut client = Client::connect(server.address(), Some(token.to_owned())).expect("a connection");
    let mut found = 0;
    for (asked, path) in queries.iter().zip(paths).filter(|(asked, _)| asked.wanted.is_some()) {
        let (status, body) = client.get(path).expect("a reply");
        assert_eq!(status, 200, "{}: {}", asked.q, String::from_utf8_lossy(body));
        let reply: Value = serde_json::from_slice(body).expect("JSON");
        let key = asked.wanted.map(|number| format!("T-{number}"));
        let hits = reply["items"].as_array().map_or(&[] as &[Value], Vec::as_slice);
        found += usize::from(hits.iter().any(|hit| hit["tip"]["number"].as_str() == key.as_deref()));
    }
    found
}

/// Requests of a crowd for a while, over and over the same paths.
fn load(server: &Server, token: &str, paths: &[String], connections: usize, duration: Duration, pace: Pace) -> Loaded {
    let crowd = Crowd::connect(server.address(), connections).expect("connections");
    let answered = crowd.ask(paths, Some(token), pace, duration).expect("replies");
    let (mut times, mut refused, mut left_guessing) = (Vec::new(), 0, 0);
    for Answered { status, says_when, took } in answered {
        match status {
            200 => times.push(took),
            429 | 503 => {
                refused += 1;
                left_guessing += usize::from(!says_when);
            }
            other => panic!("a reply with {other}"),
        }
    }
    Loaded { times, refused, left_guessing }
}

/// Does something while somebody asks on a connection of their own, again and again, whether the server is alive.
fn with_pulse<T>(server: &Server, meanwhile: impl FnOnce() -> T) -> (T, Pulse) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asker = scope.spawn(|| pulse(server, &is_over));
        let done = meanwhile();
        is_over.store(true, Ordering::Relaxed);
        (done, asker.join().expect("an end"))
    })
}

fn pulse(server: &Server, is_over: &AtomicBool) -> Pulse {
    let mut pulse = Pulse::default();
    let mut client = Client::connect(server.address(), None).expect("a connection");
    while !is_over.load(Ordering::Relaxed) {
        let begun = Wall::now();
        let is_alive = client.get("/health/live").is_ok_and(|(status, _)| status == 200);
        pulse.asked += 1;
        pulse.longest = pulse.longest.max(begun.elapsed());
        if !is_alive {
            pulse.missed += 1;
            client = Client::connect(server.address(), None).expect("a connection");
        }
        std::thread::sleep(PULSE);
    }
    pulse
}

/// The same queries without HTTP.
struct InProcess<'a> {
    index: Index,
    queries: &'a [Asked],
    turn: AtomicUsize,
}

impl<'a> InProcess<'a> {
    fn open(dir: &Path, queries: &'a [Asked]) -> Self {
        let Opened::Usable(index) = Index::open(dir, OpenOptions::default()).expect("an index") else {
            panic!("the index cannot be used");
        };
        settle(&index);
        Self { index, queries, turn: AtomicUsize::new(0) }
    }

    /// How many known items they find.
    fn found(&self) -> usize {
        let is_found = |asked: &&Asked| {
            let hits = |q| self.index.search(&request(q), now()).expect("an answer").hits;
            asked.wanted.is_some_and(|wanted| hits(&asked.q).iter().any(|hit| hit.tip.number.0 == wanted))
        };
        self.queries.iter().filter(is_found).count()
    }

    /// How long each took, on as many threads as cores for a while.
    fn ask(&self, duration: Duration) -> Vec<Duration> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let begun = Wall::now();
        let one = || {
            let mut times = Vec::new();
            while begun.elapsed() < duration {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                let Some(asked) = self.queries.get(turn % self.queries.len()) else { break };
                let started = Wall::now();
                self.index.search(&request(&asked.q), now()).expect("an answer");
                times.push(started.elapsed());
            }
            times
        };
        std::thread::scope(|scope| {
            let threads = (0..threads).map(|_| scope.spawn(one)).collect::<Vec<_>>();
            threads.into_iter().flat_map(|thread| thread.join().expect("an end")).collect()
        })
    }
}

fn show(what: &str, times: &Times, duration: Duration) {
    println!(
        "{what:<40} {:>10.0} {:>9.0} {:>9.0} {:>9.0}",
        times.len() as f64 / duration.as_secs_f64(),
        micros(times.p50()),
        micros(times.p99()),
        micros(times.below(1000))
    );
}
