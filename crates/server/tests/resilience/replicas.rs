//! Two services on one PostgreSQL, one of them killed in turn. What a client writes at one, it reads at the other, from the
//! place on that it was told.

use std::time::Duration;

use eureka_testkit::TestDatabase;

use crate::log::{Again, Step};
use crate::process::{Server, eureka};
use crate::witness::Witnesses;
use crate::{all_holds, long};

#[test]
fn a_replica_that_is_killed_is_missed_by_nobody_who_asks_the_other_once() {
    let Some(database) = TestDatabase::empty_postgres() else { return };
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let start = |name: &str| {
        let mut command = eureka(&folder.path().join(name), &["demo", "--keys", keys.to_str().unwrap()]);
        command.env("DATABASE_URL", database.url());
        Server::start(command)
    };
    let kills = if long() { 20 } else { 2 };
    let mut servers = [start("a"), start("b")];
    let witnesses = Witnesses::of(&servers[0]);
    // The control: a client that knows of one of them only.
    let control = Witnesses::called("Alone", &servers[0]);
    let tell = |servers: &[Server; 2]| {
        witnesses.are_at(servers.iter().map(|server| server.base.clone()).collect());
        control.are_at(vec![servers[0].base.clone()]);
    };
    tell(&servers);
    let work = || {
        for round in 0..kills {
            std::thread::sleep(Duration::from_millis(700));
            let place = round % 2;
            servers[place].signal("KILL");
            servers[place].child.wait().unwrap();
            std::thread::sleep(Duration::from_millis(300));
            servers[place] = start(["a", "b"][place]);
            tell(&servers);
        }
    };
    witnesses.working(|| control.working_with(1, work));
    let again = witnesses.asked_again();
    assert!(!again.is_empty(), "no kill met anybody's request");
    // A search that waits for a place may be told that the index is behind, whoever is alive.
    let (searches, others): (Vec<&Again>, Vec<_>) =
        again.iter().partition(|again| matches!(again.step, Step::Find { .. }));
    let more: Vec<_> = others.iter().filter(|again| again.why.len() > 1).collect();
    assert!(more.is_empty(), "somebody had to ask more than once again: {more:?}");
    let alone = control.asked_again();
    let in_vain = |again: &Again| again.why.iter().filter(|why| why.contains("no answer")).count();
    let missed: Vec<usize> = alone.iter().map(in_vain).filter(|times| *times > 1).collect();
    assert!(!missed.is_empty(), "who knows of one alone never had to ask more than once again: {alone:?}");
    println!("control: who knows of one alone asked {missed:?} times in vain");
    println!(
        "{kills} kills, {} answers, {} of them asked for once again, and {} searches, of these {} more than once",
        witnesses.answers(),
        others.len(),
        searches.len(),
        searches.iter().filter(|again| again.why.len() > 1).count()
    );
    assert_eq!(witnesses.faults(), Vec::<String>::new());
    for server in servers {
        server.stop();
    }
    for name in ["a", "b"] {
        all_holds(&folder.path().join(name), Some(database.url()));
    }
}
