//! The writer: one order, savepoints, panics, lost connections.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use eureka_store::{StoreError, log, users};
use eureka_testkit::{TestDatabase, on_both};

use crate::support::{append, change, number, person, raw, read, write};

#[test]
fn a_closure_that_errs_leaves_no_trace_and_harms_no_other() {
    on_both(|db| {
        let store = db.store();
        let gate = Arc::new(Barrier::new(2));
        let held = {
            // Holds the writer, so that the next three wait and share a transaction.
            let (store, gate) = (store.clone(), Arc::clone(&gate));
            std::thread::spawn(move || {
                write(&store, move |_| {
                    gate.wait();
                    std::thread::sleep(Duration::from_millis(200));
                    Ok(())
                })
            })
        };
        gate.wait();
        let spawn = |fails: bool| {
            let store = store.clone();
            std::thread::spawn(move || {
                write(&store, move |conn| {
                    let seq = log::append(conn, &change(None))?;
                    if fails { Err(StoreError::Conflict { what: "told to" }) } else { Ok(seq) }
                })
            })
        };
        let (one, two, three) = (spawn(false), spawn(true), spawn(false));
        held.join().unwrap().unwrap();
        assert!(matches!(two.join().unwrap(), Err(StoreError::Conflict { what: "told to" })));
        let (one, three) = (one.join().unwrap().unwrap(), three.join().unwrap().unwrap());
        assert_eq!((one.value, three.value), (one.position, three.position));
        assert_eq!(one.value + three.value, 3);
        assert_eq!(number(store, "SELECT count(*) AS n FROM change_log"), 2);
    });
}

#[test]
fn those_who_wait_together_are_committed_together() {
    on_both(|db| {
        let store = db.store();
        let (started, gate) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let held = {
            let (store, started, gate) = (store.clone(), Arc::clone(&started), Arc::clone(&gate));
            std::thread::spawn(move || {
                write(&store, move |_| {
                    started.wait();
                    gate.wait();
                    Ok(())
                })
            })
        };
        started.wait();
        let pings = store.subscribe();
        let waiting: Vec<_> = (0..20)
            .map(|_| {
                let store = store.clone();
                std::thread::spawn(move || append(&store))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(200));
        gate.wait();
        held.join().unwrap().unwrap();
        let mut seqs: Vec<i64> = waiting.into_iter().map(|t| t.join().unwrap()).collect();
        seqs.sort_unstable();
        assert_eq!(seqs, (1..=20).collect::<Vec<_>>());
        // The first commit had no change to tell of; twenty changes made one more, so there is one ping and no other.
        pings.recv_timeout(Duration::from_secs(5)).unwrap();
        assert!(pings.recv_timeout(Duration::from_millis(200)).is_err());
    });
}

#[test]
fn a_closure_that_panics_is_rolled_back_and_the_writer_goes_on() {
    on_both(|db| {
        let store = db.store();
        let panicked = write(store, |conn| -> Result<(), StoreError> {
            log::append(conn, &change(None))?;
            panic!("a defect");
        });
        assert!(matches!(panicked, Err(StoreError::Panicked)));
        assert_eq!(append(store), 1);
    });
}

#[test]
fn a_reader_that_panics_does_not_use_up_the_readers() {
    on_both(|db| {
        for _ in 0..10 {
            let store = db.store().clone();
            std::thread::spawn(move || store.read(|_| -> Result<(), StoreError> { panic!("a defect") }))
                .join()
                .unwrap_err();
        }
        assert_eq!(read(db.store(), log::head).seq, 0);
    });
}

#[test]
fn positions_are_gap_free_in_commit_order_under_eight_threads() {
    on_both(|db| {
        let other = db.open_again(); // as another process
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let store = if n % 2 == 0 { db.store().clone() } else { other.clone() };
                std::thread::spawn(move || (0..25).map(|_| append(&store)).collect::<Vec<_>>())
            })
            .collect();
        let mut seen = Vec::new();
        let mut follower = 0;
        while seen.len() < 200 {
            for row in read(db.store(), |conn| log::after(conn, follower, 1000)) {
                assert_eq!(row.seq, follower + 1, "a follower never sees a gap");
                follower = row.seq;
                seen.push(row.seq);
            }
        }
        let mut told: Vec<i64> = Vec::new();
        for thread in threads {
            let seqs = thread.join().unwrap();
            assert!(seqs.is_sorted(), "a client's writes keep their order");
            told.extend(seqs);
        }
        told.sort_unstable();
        assert_eq!(told, (1..=200).collect::<Vec<_>>());
    });
}

#[test]
fn a_reader_sees_one_state_and_cannot_change_it() {
    on_both(|db| {
        let store = db.store();
        append(store);
        let writer = store.clone();
        let (before, after) = read(store, |conn| {
            let before = log::head(conn)?.seq;
            std::thread::spawn(move || append(&writer)).join().unwrap();
            Ok((before, log::head(conn)?.seq))
        });
        assert_eq!((before, after), (1, 1));
        assert_eq!(read(store, log::head).seq, 2);
        let refused = store.read(|conn| log::append(conn, &change(None)));
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    });
}

#[test]
fn a_conflict_is_named_alike_on_both() {
    on_both(|db| {
        let store = db.store();
        person(store, "ana");
        let ana = read(store, |conn| users::find_email(conn, "ana@example.org")).unwrap();
        let twin = eureka_domain::user::User { id: eureka_domain::ids::UserId(crate::support::id()), ..ana };
        let taken = write(store, move |conn| users::insert(conn, &twin, None));
        assert!(matches!(taken, Err(StoreError::Conflict { what: "users.email" })), "{taken:?}");
    });
}

#[test]
fn a_closed_store_answers_what_was_queued_and_refuses_the_rest() {
    on_both(|db| {
        let store = db.store();
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let store = store.clone();
                std::thread::spawn(move || write(&store, |conn| log::append(conn, &change(None))))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(100));
        store.close();
        for thread in waiting {
            thread.join().unwrap().unwrap();
        }
        assert!(matches!(write(store, |_| Ok(())), Err(StoreError::Unavailable(_))));
    });
}

#[test]
fn a_lost_connection_is_replaced() {
    let Some(db) = TestDatabase::postgres() else { return };
    let store = db.store();
    append(store);
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                WHERE datname = current_database() AND pid <> pg_backend_pid()";

    // While it lies idle: nobody notices.
    let other = db.open_again();
    read(&other, log::head);
    read(store, log::head);
    raw(&other, kill).unwrap();
    assert_eq!(read(store, log::head).seq, 1);
    assert_eq!(append(store), 2);

    // In the middle of a write: that one is told, the next one works.
    let lost = write(store, |conn| {
        log::append(conn, &change(None))?;
        let eureka_store::Conn::Postgres(c) = conn else { unreachable!() };
        diesel::connection::SimpleConnection::batch_execute(*c, "SELECT pg_terminate_backend(pg_backend_pid())")?;
        Ok(())
    });
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    assert_eq!(append(store), 3);
}

#[test]
fn a_server_that_is_down_is_unavailable_and_makes_no_file() {
    let folder = std::env::temp_dir().join("eureka-no-such-socket");
    let down = eureka_store::Store::open(&format!("postgres:///nothing?host={}", folder.display()), 1);
    let error = down.map(|store| store.kind()).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)) && error.is_transient(), "{error}");
    assert!(!std::path::Path::new("postgres:").exists());
}
