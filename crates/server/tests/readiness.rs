//! What the binary says to a balancer: ready or not and why, while its index or its database is not to be had, before it has
//! caught up, and when it is told to end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that stops has failed; one holds a table of the database's"
)]

mod process;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use eureka_testkit::{OwnPostgres, TestDatabase};
use process::{PASSWORD, Server, eureka, listing, run, stderr};
use serde_json::json;

/// Waits until a service gives a reason, and answers with which status.
fn gives_reason(server: &Server, reason: &str) -> u16 {
    let begun = Instant::now();
    loop {
        let (status, body) = server.get("/health/ready", "");
        if body["reasons"].as_array().is_some_and(|reasons| reasons.iter().any(|said| said == reason)) {
            return status;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not say that {reason}: {body}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_service_whose_index_another_process_has_waits_for_it_and_goes_on_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(eureka(folder.path(), &["demo"]));
    let second = Server::start_unready(eureka(folder.path(), &["serve"]), 0);
    assert_eq!(gives_reason(&second, "the index is held up: locked by another process"), 503);
    assert_eq!(second.get("/health/live", "").0, 200);
    let token = second.log_in("technician@demo.example", PASSWORD);
    let (status, body) = second.get("/v1/search?q=3396", &token);
    assert_eq!((status, body["code"].as_str()), (503, Some("unavailable")), "{body}");
    assert_eq!(first.get("/v1/search?q=3396", &token).0, 200, "and harms nobody");
    let refused = run(folder.path(), &["index", "rebuild"]);
    assert!(!refused.status.success() && stderr(&refused).contains("in use by another process"), "{refused:?}");
    first.stop();
    second.wait_until_well();
    let (status, found) = second.get("/v1/search?q=3396", &token);
    assert!(status == 200 && found["total"]["value"].as_u64().unwrap() > 0, "{found}");
    second.stop();
    assert!(run(folder.path(), &["index", "verify"]).status.success());
}

#[test]
fn a_service_whose_index_cannot_be_opened_is_live_says_why_and_goes_on_when_it_can() {
    let folder = tempfile::tempdir().unwrap();
    Server::start(eureka(folder.path(), &["demo"])).stop();
    let (index, aside) = (folder.path().join("index"), folder.path().join("aside"));
    std::fs::rename(&index, &aside).unwrap();
    std::fs::write(&index, "not a folder").unwrap();
    let before = listing(folder.path());
    let server = Server::start_unready(eureka(folder.path(), &["serve"]), 0);
    assert_eq!(gives_reason(&server, "the index is held up: I/O error"), 503);
    assert_eq!(server.get("/health/live", "").0, 200);
    assert_eq!(std::fs::read(&index).unwrap(), b"not a folder", "nothing is wiped");
    let kept: Vec<_> = listing(folder.path()).into_iter().filter(|(path, _)| path.starts_with(&aside)).collect();
    assert!(before.iter().filter(|(path, _)| path.starts_with(&aside)).eq(&kept));
    std::fs::remove_file(&index).unwrap();
    std::fs::rename(&aside, &index).unwrap();
    server.wait_until_well();
    let token = server.log_in("technician@demo.example", PASSWORD);
    assert!(server.get("/v1/search?q=3396", &token).1["total"]["value"].as_u64().unwrap() > 0);
}

/// A small file system of its own in the place of a folder; gone with it.
struct Mounted<'p>(&'p Path);

impl<'p> Mounted<'p> {
    /// Mounts it, or says that one may not.
    fn new(at: &'p Path, options: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        if mount(at, options) {
            return Some(Self(at));
        }
        eprintln!("SKIPPED: no right to mount a tmpfs; run this as root on Linux");
        None
    }

    /// Changes how it is mounted.
    fn remount(&self, options: &str) {
        assert!(mount(self.0, &format!("remount,{options}")), "{options}");
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

fn mount(at: &Path, options: &str) -> bool {
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output();
    mounted.is_ok_and(|output| output.status.success())
}

#[test]
fn an_index_without_room_or_rights_waits_for_them_and_is_not_wiped() {
    let folder = tempfile::tempdir().unwrap();
    Server::start(eureka(folder.path(), &["demo"])).stop();
    let index = folder.path().join("index");
    std::fs::remove_dir_all(&index).unwrap();
    let Some(mounted) = Mounted::new(&index, "size=16k") else { return };
    let server = Server::start_unready(eureka(folder.path(), &["serve"]), 0);
    assert_eq!(gives_reason(&server, "the index is held up: disk full"), 503);
    assert_eq!(server.get("/health/live", "").0, 200);
    mounted.remount("size=64m");
    server.wait_until_well();
    server.stop();

    mounted.remount("ro");
    let before = listing(&index);
    let server = Server::start_unready(eureka(folder.path(), &["serve"]), 0);
    assert_eq!(gives_reason(&server, "the index is held up: permission denied"), 503);
    assert!(listing(&index) == before, "something was changed");
    mounted.remount("rw");
    server.wait_until_well();
    let token = server.log_in("technician@demo.example", PASSWORD);
    assert!(server.get("/v1/search?q=3396", &token).1["total"]["value"].as_u64().unwrap() > 0);
    server.stop();
    assert!(run(folder.path(), &["index", "verify"]).status.success());
}

#[test]
fn while_the_database_is_away_a_service_that_had_caught_up_stays_ready_searches_and_refuses_writes() {
    let Some(postgres) = OwnPostgres::primary(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = eureka(folder.path(), &["demo", "--metrics-listen", &metrics]);
    command.env("DATABASE_URL", postgres.url_of_either(&postgres));
    let server = Server::start(command);
    let reader = server.log_in("outsider@demo.example", PASSWORD);
    let [author, reviewer] =
        ["technician", "reviewer"].map(|who| server.log_in(&format!("{who}@demo.example"), PASSWORD));
    for who in [&reader, &author] {
        assert_eq!(server.get("/v1/search?q=paper", who).0, 200);
    }
    postgres.kill();
    let status = gives_reason(&server, "the database is away: searches go on, writes are refused");
    assert_eq!(status, 200, "a balancer would take every replica out");
    let tip = json!({"community": "office-printers", "title": "Into the void", "problem": "Nobody is there."});
    for _ in 0..3 {
        let (status, found) = server.get("/v1/search?q=paper", &reader);
        assert!(status == 200 && !found["items"].as_array().unwrap().is_empty(), "{status} {found}");
        let (status, body) = server.send("POST", "/v1/tips", &author, Some(tip.clone()));
        assert_eq!((status, body["code"].as_str()), (503, Some("unavailable")), "{body}");
        assert_eq!(server.get("/health/ready", "").0, 200);
    }
    let figures = ureq::get(format!("http://{metrics}/metrics")).call().unwrap().body_mut().read_to_string().unwrap();
    for figure in ["eureka_index_ready 0", "eureka_database_up 0"] {
        assert!(figures.contains(figure), "{figures}");
    }
    postgres.start();
    server.wait_until_well();
    server.publish(&author, &reviewer, "Zirconium");
    let begun = Instant::now();
    while server.get("/v1/search?q=zirconium", &reader).1["total"]["value"] != 1 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the index does not follow");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn sigterm_turns_it_not_ready_first_finishes_what_is_in_flight_and_ends_it_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(eureka(folder.path(), &["demo", "--drain", "2"]));
    let author = server.log_in("technician@demo.example", PASSWORD);
    let half_sent = HalfSent::to(&server, &author);
    server.signal("TERM");
    assert_eq!(gives_reason(&server, "stopping"), 503);
    assert_eq!(server.get("/v1/search?q=3396", &author).0, 200, "a balancer has yet to notice");
    assert_eq!(server.get("/health/live", "").0, 200);
    std::thread::sleep(Duration::from_millis(2500));
    assert!(TcpStream::connect(server.base.trim_start_matches("http://")).is_err(), "no more are taken");
    assert!(half_sent.finish());
    assert_eq!(server.child.wait().unwrap().code(), Some(0));

    // The control: what ends a process at once loses what is in flight, and it says nothing before.
    let mut server = Server::start(eureka(folder.path(), &["demo", "--drain", "2"]));
    let half_sent = HalfSent::to(&server, &author);
    server.signal("KILL");
    assert!(server.child.wait().unwrap().code().is_none());
    assert!(TcpStream::connect(server.base.trim_start_matches("http://")).is_err());
    assert!(!half_sent.finish(), "a process that was killed is taken for one that was told to end");
}

/// A tip on its way to a service.
struct HalfSent {
    stream: TcpStream,
    rest: String,
}

impl HalfSent {
    /// Sends the first part of it.
    fn to(server: &Server, author: &str) -> Self {
        let tip = json!({"community": "office-printers", "title": "On its way", "problem": "It stops."}).to_string();
        let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).unwrap();
        write!(
            stream,
            "POST /v1/tips HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {author}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
            tip.len(),
            &tip[..10]
        )
        .unwrap();
        std::thread::sleep(Duration::from_millis(200)); // it is being read
        Self { stream, rest: tip[10..].to_owned() }
    }

    /// Sends the rest, and says whether it was acknowledged.
    fn finish(mut self) -> bool {
        let mut reply = String::new();
        let answered =
            self.stream.write_all(self.rest.as_bytes()).and_then(|()| self.stream.read_to_string(&mut reply));
        answered.is_ok() && reply.starts_with("HTTP/1.1 201 ")
    }
}

#[test]
fn a_replica_is_not_ready_before_its_index_has_reached_the_end_of_the_log() {
    let Some(database) = TestDatabase::empty_postgres() else { return };
    let folder = tempfile::tempdir().unwrap();
    let replica = |name: &str, command: &str| {
        let mut command = eureka(&folder.path().join(name), &[command]);
        command.env("DATABASE_URL", database.url()).env("EUREKA_KEYS", folder.path().join("keys"));
        command
    };
    let first = Server::start(replica("one", "demo"));
    let head = first.get("/health/ready", "").1["index_position"].as_i64().unwrap();
    let mut holder = PgConnection::establish(database.url()).unwrap();
    // What the new index is made of cannot be read for a while.
    holder.batch_execute("BEGIN; LOCK TABLE revisions IN ACCESS EXCLUSIVE MODE").unwrap();
    let second = Server::start_unready(replica("two", "serve"), 0);
    for _ in 0..5 {
        let (status, body) = second.get("/health/ready", "");
        assert_eq!((status, body["status"].as_str()), (503, Some("not_ready")), "{body}");
        assert!(body["index_position"].as_i64().unwrap() < head, "{body}");
        assert_eq!(second.get("/health/live", "").0, 200);
        std::thread::sleep(Duration::from_millis(200));
    }
    holder.batch_execute("ROLLBACK").unwrap();
    second.wait_until_well();
    assert!(second.get("/health/ready", "").1["index_position"].as_i64().unwrap() >= head);
}
