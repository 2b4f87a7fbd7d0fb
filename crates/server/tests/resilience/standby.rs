//! A PostgreSQL primary that dies, and its standby in its place.

use std::time::{Duration, Instant};

use eureka_testkit::{OwnPostgres, TestDatabase};
use serde_json::json;

use crate::process::{PASSWORD, Server, eureka, stderr, stdout};
use crate::witness::Witnesses;
use crate::{all_holds, long};

/// Servers of the trial's own, or `None`, said aloud, where PostgreSQL is not installed.
fn primary_and_standby() -> Option<(OwnPostgres, OwnPostgres)> {
    TestDatabase::empty_postgres()?;
    let primary = OwnPostgres::primary(&["wal_level = replica"])?;
    let standby = primary.standby();
    Some((primary, standby))
}

#[test]
fn a_synchronous_standby_takes_over_without_loss_and_reads_go_on_meanwhile() {
    let Some((primary, standby)) = primary_and_standby() else { return };
    primary.set("synchronous_standby_names = '*'");
    let url = primary.url_of_either(&standby);
    let folder = tempfile::tempdir().unwrap();
    let mut command = eureka(folder.path(), &["demo"]);
    command.env("DATABASE_URL", &url);
    let server = Server::start(command);
    let reader = server.log_in("outsider@demo.example", PASSWORD);
    let author = server.log_in("technician@demo.example", PASSWORD);
    let witnesses = Witnesses::of(&server);
    let pause = Duration::from_secs(if long() { 20 } else { 2 });
    let (answered, refused) = witnesses.working(|| {
        std::thread::sleep(pause);
        assert_eq!(server.get("/v1/search?q=paper", &reader).0, 200);
        primary.kill();
        let begun = Instant::now();
        let (mut answered, mut refused) = (0, 0);
        let tip = json!({"community": "office-printers", "title": "Into the void", "problem": "Nobody is there."});
        while begun.elapsed() < pause {
            // Whoever was known a moment ago goes on searching; nobody is told that anything was written.
            let (status, body) = server.get("/v1/search?q=paper", &reader);
            assert_eq!(status, 200, "{body}");
            assert!(!body["items"].as_array().unwrap().is_empty(), "{body}");
            answered += 1;
            let (status, body) = server.send("POST", "/v1/tips", &author, Some(tip.clone()));
            assert_eq!((status, body["code"].as_str()), (503, Some("unavailable")), "{body}");
            assert_eq!(server.get("/health/live", "").0, 200);
            refused += 1;
        }
        standby.promote();
        std::thread::sleep(pause);
        (answered, refused)
    });
    let again = witnesses.asked_again().len();
    assert!(again > 0, "the primary's death met nobody's request");
    println!(
        "{answered} searches and {refused} refusals meanwhile, {} answers, {again} asked for again",
        witnesses.answers()
    );
    assert_eq!(witnesses.faults(), Vec::<String>::new());
    server.stop();
    all_holds(folder.path(), Some(&url));
}

/// The control: what an asynchronous standby had not got is gone, the judge finds it, and so does whoever kept a head.
#[test]
fn what_an_asynchronous_standby_had_not_got_is_lost_and_found_to_be_lost() {
    let Some((primary, standby)) = primary_and_standby() else { return };
    let url = primary.url_of_either(&standby);
    let folder = tempfile::tempdir().unwrap();
    let mut command = eureka(folder.path(), &["demo"]);
    command.env("DATABASE_URL", &url);
    let server = Server::start(command);
    let audit = |arguments: &[&str]| {
        let mut command = eureka(folder.path(), &[&["audit", "verify"], arguments].concat());
        command.env("DATABASE_URL", &url).output().unwrap()
    };
    let witnesses = Witnesses::of(&server);
    std::thread::sleep(Duration::from_millis(500)); // their sessions reach the standby
    standby.kill();
    witnesses.working(|| std::thread::sleep(Duration::from_secs(2)));
    let head = stdout(&audit(&[]));
    let head = head.split_whitespace().find(|word| word.matches(':').count() == 2).unwrap_or_else(|| panic!("{head}"));
    primary.kill();
    standby.start();
    standby.promote();
    let lost = witnesses.faults();
    assert!(!lost.is_empty(), "nothing was lost: the trial proves nothing");
    let told = audit(&["--head", head]);
    assert!(!told.status.success(), "{}{}", stdout(&told), stderr(&told));
    server.wait_until_well(); // its index was made anew: its place is no longer in the log
    server.stop();
    all_holds(folder.path(), Some(&url));
}
