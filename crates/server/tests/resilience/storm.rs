//! The service killed again and again under load.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use eureka_testkit::TestDatabase;
use serde_json::json;

use crate::process::{PASSWORD, Server, eureka, stdout};
use crate::witness::Witnesses;
use crate::{all_holds, long};

/// Clients at once.
const CLIENTS: usize = 4;

fn demo(data: &Path, database: Option<&str>) -> Command {
    let mut command = eureka(data, &["demo"]);
    if let Some(url) = database {
        command.env("DATABASE_URL", url);
    }
    command
}

/// Kills it while clients work, at another point of its work each time, and starts it again.
fn storm(database: Option<&str>, kills: u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(demo(folder.path(), database));
    let witnesses = Witnesses::of(&server);
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let witnesses = &witnesses;
            scope.spawn(move || witnesses.work(client));
        }
        for kill in 0..kills {
            std::thread::sleep(Duration::from_millis(400 + (kill * 137) % 600));
            server.signal("KILL");
            server.child.wait().unwrap();
            server = Server::start(demo(folder.path(), database));
            witnesses.are_at(vec![server.base.clone()]);
        }
        std::thread::sleep(Duration::from_millis(300));
        witnesses.stop();
    });
    let again = witnesses.asked_again().len();
    assert!(again > 0, "no kill met anybody's request: this was no storm");
    println!("{kills} kills, {} answers, {again} of them asked for again", witnesses.answers());
    assert_eq!(witnesses.faults(), Vec::<String>::new());
    server.stop();
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
    for (path, bytes) in &kept {
        let (status, found) = server.bytes(path, &token);
        assert!(status == 200 && found == *bytes, "{path}: {status}, {} bytes", found.len());
    }
    server.stop();
    let mut doctor = eureka(folder.path(), &["doctor"]);
    if let Some(url) = database {
        doctor.env("DATABASE_URL", url);
    }
    let found = doctor.output().unwrap();
    assert!(found.status.success(), "{}", stdout(&found));
    all_holds(folder.path(), database);
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
