//! The service killed again and again under load.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use eureka_testkit::TestDatabase;

use crate::process::{Server, eureka};
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

#[test]
fn killed_under_load_it_loses_nothing_it_acknowledged_and_does_nothing_twice() {
    let kills = if long() { 50 } else { 3 };
    storm(None, kills);
    if let Some(database) = TestDatabase::empty_postgres() {
        storm(Some(database.url()), kills);
    }
}
