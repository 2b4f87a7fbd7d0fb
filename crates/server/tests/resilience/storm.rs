//! The service killed again and again under load.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use eureka_testkit::TestDatabase;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::process::{PASSWORD, Server, eureka, stdout};
use crate::wire::Wire;
use crate::witness::Witnesses;
use crate::{all_holds, long};

/// Kills beyond those that were asked for, until one has come between a write and its answer.
const MORE: u64 = 30;
/// Kills after which the control gives up: it mostly ends within four. Killed at the same two points again and again, it once
/// met nothing in more than thirty that could be done twice.
const MOST: u64 = 150;

/// How long an answer is on its way from far off.
const FAR: Duration = Duration::from_millis(60);

fn demo(data: &Path, database: Option<&str>) -> Command {
    let mut command = eureka(data, &["demo"]);
    if let Some(url) = database {
        command.env("DATABASE_URL", url);
    }
    command
}

/// A service, and the way to it that clients take.
struct Reached {
    server: Server,
    wire: Wire,
}

impl Reached {
    /// Starts it, every other time far from its clients.
    fn start(data: &Path, database: Option<&str>, turn: u64) -> Self {
        let server = Server::start(demo(data, database));
        let way = if turn.is_multiple_of(2) { FAR } else { Duration::ZERO };
        Self { wire: Wire::to(&server, way), server }
    }

    /// Kills it, and at the same moment what it has said that nobody has heard.
    fn kill(self) {
        drop(self.wire);
        self.server.kill();
    }
}

/// So many kills while clients work, and more until enough has come of them; at another point of its work each time, also
/// after the kills that came before.
fn killed_at_work(
    mut service: Reached,
    witnesses: &Witnesses,
    before: u64,
    kills: u64,
    is_enough: impl Fn() -> bool,
    start: impl Fn(u64) -> Reached,
) -> (Reached, u64) {
    witnesses.are_at(vec![service.wire.base.clone()]);
    witnesses.working(|| {
        let mut killed = 0;
        while killed < kills || (!is_enough() && killed < kills + MORE) {
            std::thread::sleep(Duration::from_millis(400 + ((before + killed) * 137) % 600));
            service.kill();
            killed += 1;
            service = start(before + killed);
            witnesses.are_at(vec![service.wire.base.clone()]);
        }
        std::thread::sleep(Duration::from_millis(300));
        (service, killed)
    })
}

fn storm(database: Option<&str>, kills: u64) {
    let folder = tempfile::tempdir().unwrap();
    let start = |turn| Reached::start(folder.path(), database, turn);
    let service = start(0);
    let witnesses = Witnesses::of(&service.server);
    let (service, killed) = killed_at_work(service, &witnesses, 0, kills, || witnesses.replays() > 0, start);
    let (again, replays) = (witnesses.asked_again().len(), witnesses.replays());
    println!(
        "{killed} kills, {} answers, {again} asked for again, {replays} of these done before; {} illegal approvals refused",
        witnesses.answers(),
        witnesses.turned_away()
    );
    // Whoever finds nobody asks again, too: only an answer that was lost when its write was done shows what a kill met.
    assert!(replays > 0, "no kill came between a write and its answer: this was no storm");
    assert!(witnesses.turned_away() > 0, "nobody tried what they may not");
    assert_eq!(witnesses.faults(), Vec::<String>::new());
    service.server.stop();
    all_holds(folder.path(), database);
}

/// Kills it while files of some megabytes come in, a moment after it took the first, and starts it again.
fn kill_while_files_come_in(database: Option<&str>, kills: u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(demo(folder.path(), database));
    let token = server.log_in("technician@demo.example", PASSWORD);
    let draft = json!({"community": "office-printers", "title": "Witness of files", "problem": "It stops."});
    let mut tips = Vec::new();
    let mut kept: Vec<(String, Vec<u8>)> = Vec::new();
    let mut turn = 0_u64;
    for kill in 0..kills {
        let (status, tip) = server.send("POST", "/v1/tips", &token, Some(draft.clone()));
        assert_eq!(status, 201, "{tip}");
        tips.push(tip["id"].as_str().unwrap().to_owned());
        let tip = tips.last().unwrap();
        std::thread::scope(|scope| {
            let pid = server.child.id().to_string();
            let (begin, begun) = std::sync::mpsc::channel();
            scope.spawn(move || {
                begun.recv().unwrap();
                std::thread::sleep(Duration::from_millis(20 + (kill * 137) % 900));
                assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
            });
            // As many as one text takes: the rest is asked of the next tip.
            for _ in 0..20 {
                turn += 1;
                let bytes = document(turn);
                match server.attach(tip, &token, &format!("{turn}.pdf"), &bytes) {
                    Some((201, told)) => {
                        kept.push((told["url"].as_str().unwrap().to_owned(), bytes));
                        let _ = begin.send(()); // the killer may have gone
                    }
                    Some((status, told)) => panic!("{status} {told}"),
                    None => break,
                }
            }
        });
        server.child.wait().unwrap();
        server = Server::start(demo(folder.path(), database));
    }
    println!("{kills} kills, {} files acknowledged of {turn}", kept.len());
    assert!((kept.len() as u64) < turn, "no kill met a file on its way: {} of {turn}", kept.len());
    assert_eq!(unlike(&server, &token, &kept), Vec::<String>::new());
    server.stop();
    let doctor = || {
        let found =
            eureka(folder.path(), &["doctor"]).envs(database.map(|url| ("DATABASE_URL", url))).output().unwrap();
        (found.status.success(), stdout(&found))
    };
    let (is_well, said) = doctor();
    assert!(is_well, "{said}");
    all_holds(folder.path(), database);

    // The control: what a crash could leave is planted, and the same two looks must find it.
    let of = |file: Option<&(String, Vec<u8>)>| hex::encode(Sha256::digest(&file.unwrap().1));
    let (stray, cut, gone) = ("0".repeat(64), of(kept.first()), of(kept.last()));
    for (harm, found) in [
        (format!("INSERT INTO attachment_files (sha256) VALUES ('{stray}')"), "1 files are kept that no text has"),
        (format!("DELETE FROM attachment_parts WHERE place > 0 AND sha256 = '{cut}'"), "1 files of texts are not"),
        (format!("DELETE FROM attachment_parts WHERE sha256 = '{gone}'"), "2 files of texts are not"),
    ] {
        spoil(folder.path(), database, &harm);
        let (is_well, said) = doctor();
        assert!(!is_well && said.contains(found), "{harm}: {said}");
    }
    let server = Server::start(demo(folder.path(), database));
    let token = server.log_in("technician@demo.example", PASSWORD);
    let unlike = unlike(&server, &token, &kept);
    println!(
        "control: a stray file, one cut short, one gone: each found; not whole {} of those acknowledged",
        unlike.len()
    );
    assert_eq!(unlike.len(), 2, "{unlike:?}");
    server.stop();
}

/// The files that are not what was acknowledged.
fn unlike(server: &Server, token: &str, kept: &[(String, Vec<u8>)]) -> Vec<String> {
    let differs = |(path, bytes): &(String, Vec<u8>)| {
        let (status, found) = server.bytes(path, token);
        (status != 200 || found != *bytes).then(|| format!("{path}: {status}, {} bytes", found.len()))
    };
    kept.iter().filter_map(differs).collect()
}

/// Does something to the database behind the service's back.
fn spoil(data: &Path, database: Option<&str>, sql: &str) {
    let done = match database {
        Some(url) => PgConnection::establish(url).unwrap().batch_execute(sql),
        None => SqliteConnection::establish(data.join("eureka.db").to_str().unwrap()).unwrap().batch_execute(sql),
    };
    done.unwrap();
}

/// A document that is like no other.
fn document(turn: u64) -> Vec<u8> {
    let line = format!("% line of document {turn}\n");
    [b"%PDF-1.7\n".to_vec(), line.repeat(3 << 16).into_bytes()].concat()
}

#[test]
fn killed_while_files_come_in_it_has_those_it_acknowledged_whole_and_nothing_of_the_others() {
    let kills = if long() { 30 } else { 3 };
    kill_while_files_come_in(None, kills);
    if let Some(database) = TestDatabase::empty_postgres() {
        kill_while_files_come_in(Some(database.url()), kills);
    }
}

#[test]
fn killed_under_load_it_loses_nothing_it_acknowledged_and_does_nothing_twice() {
    let kills = if long() { 50 } else { 3 };
    storm(None, kills);
    if let Some(database) = TestDatabase::empty_postgres() {
        storm(Some(database.url()), kills);
    }
}

/// The control: of clients that make a lost write again under another key, some do a thing twice, and the judge finds it.
#[test]
fn the_storm_tells_clients_that_repeat_a_request_from_such_as_make_another() {
    let folder = tempfile::tempdir().unwrap();
    let start = |turn| Reached::start(folder.path(), None, turn);
    let mut service = start(0);
    let witnesses = Witnesses::forgetful(&service.server);
    let (mut killed, mut doubled) = (0, Vec::new());
    while doubled.is_empty() && killed < MOST {
        let (alive, kills) = killed_at_work(service, &witnesses, killed, 2, || true, start);
        (service, killed) = (alive, killed + kills);
        doubled = witnesses.faults();
        doubled.retain(|fault| fault.contains(": 2 of ") || fault.contains(": 2 tips"));
    }
    println!("{killed} kills, {doubled:?}");
    assert!(!doubled.is_empty(), "in {killed} kills nothing was done twice: the trial proves nothing");
    service.server.stop();
    all_holds(folder.path(), None);
}
