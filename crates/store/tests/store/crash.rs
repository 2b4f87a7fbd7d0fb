//! A process that is killed in the middle of its work loses nothing it was told is kept.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use eureka_domain::change::{GENESIS, Head, Payload};
use eureka_store::{Store, log};
use eureka_testkit::{LOG_ID, TestDatabase};

use crate::support::{change, read, word, write};

/// Tells the child which database to write to.
const DATABASE: &str = "EUREKA_TEST_DATABASE";
const KILLS: i64 = 10;

/// Appends as fast as it can, four threads at once, and says on standard output what has been acknowledged.
#[test]
#[ignore = "the child of the test below, which kills it"]
fn writes_until_it_is_killed() {
    #[allow(clippy::disallowed_methods, reason = "how the parent tells its child")]
    let Ok(url) = std::env::var(DATABASE) else { return };
    let store = Store::open(&url, 1).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    // Long enough that the write-ahead log is emptied into the file every now and then.
                    let change = change(Some(Payload { salt: "5".repeat(32), body: "x".repeat(20_000) }));
                    let kept = write(&store, move |conn| log::append(conn, &change)).unwrap().value;
                    // Not `println!`, which the test runner would keep to itself.
                    writeln!(std::io::stdout(), "{kept}").unwrap();
                }
            });
        }
    });
}

#[test]
fn a_process_that_is_killed_loses_no_write_it_was_told_is_kept() {
    let db = TestDatabase::sqlite();
    let mut acknowledged = 0;
    for round in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(DATABASE, db.url())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let enough = acknowledged + 20 + 17 * round;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let Ok(seq) = line.unwrap().parse::<i64>() else { continue };
            acknowledged = acknowledged.max(seq);
            if seq > enough {
                child.kill().unwrap(); // and on to the end of what it had said
            }
        }
        assert!(!child.wait().unwrap().success(), "it was killed");

        let store = db.open_again();
        let head = read(&store, log::head);
        assert!(head.seq >= acknowledged, "{} of {acknowledged} acknowledged writes are there", head.seq);
        let start = Head { log_id: LOG_ID, seq: 0, hash: GENESIS.to_owned() };
        assert_eq!(read(&store, |conn| log::verify(conn, &start, i64::MAX)), log::Verdict::Holds(head));
        assert_eq!(word(&store, "SELECT integrity_check AS w FROM pragma_integrity_check"), "ok");
        store.close();
    }
}
