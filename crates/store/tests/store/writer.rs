//! The writer: one order, savepoints, panics, lost connections.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::{Connection, PgConnection, RunQueryDsl};
use eureka_store::{Kind, Store, StoreError, log, users};
use eureka_testkit::{TestDatabase, on_both};

use crate::support::{append, change, execute, number, person, raw, read, refused, write};

/// Keeps the writer busy, so that whoever writes meanwhile shares the next transaction, until the answer is dropped.
fn hold(store: &Store) -> Sender<()> {
    let (started, has_started) = channel();
    let (let_go, is_let_go) = channel::<()>();
    let store = store.clone();
    std::thread::spawn(move || {
        write(&store, move |_| {
            started.send(()).unwrap();
            let _ = is_let_go.recv();
            Ok(())
        })
    });
    has_started.recv().unwrap();
    let_go
}

#[test]
fn a_closure_that_errs_leaves_no_trace_and_harms_no_other() {
    on_both(|db| {
        let store = db.store();
        let held = hold(store);
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
        std::thread::sleep(Duration::from_millis(100));
        drop(held);
        assert_eq!(refused(two.join().unwrap()), "told to");
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
        let held = hold(store);
        let pings = store.subscribe();
        let waiting: Vec<_> = (0..20)
            .map(|_| {
                let store = store.clone();
                std::thread::spawn(move || append(&store))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(200));
        drop(held);
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
fn a_failure_that_takes_the_whole_transaction_is_told_to_all_who_were_in_it() {
    on_both(|db| {
        let store = db.store();
        person(store, "ana");
        // What a full disk may do on SQLite, and a lost connection on PostgreSQL.
        let fatal = match db.kind() {
            Kind::Sqlite => "INSERT OR ROLLBACK INTO users SELECT * FROM users",
            Kind::Postgres => "SELECT pg_terminate_backend(pg_backend_pid())",
        };
        let held = hold(store);
        let ran: Arc<Mutex<Vec<usize>>> = Arc::default();
        let waiting: Vec<_> = (0..9)
            .map(|n| {
                let (store, ran) = (store.clone(), Arc::clone(&ran));
                std::thread::spawn(move || {
                    write(&store, move |conn| {
                        ran.lock().unwrap().push(n);
                        let seq = log::append(conn, &change(None))?;
                        if n == 4 { execute(conn, fatal).map(|()| seq) } else { Ok(seq) }
                    })
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(100));
        drop(held);
        let told: Vec<_> = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
        let ran = ran.lock().unwrap();
        let fatal_at = ran.iter().position(|&n| n == 4).unwrap();
        let (with_it, after_it) = ran.split_at(fatal_at + 1);
        assert!(with_it.iter().all(|&n| told[n].is_err()), "they shared its transaction: {ran:?} {told:?}");
        let kept: Vec<i64> = after_it.iter().map(|&n| told[n].as_ref().unwrap().value).collect();
        assert!(kept.iter().copied().eq(1..=8 - i64::try_from(fatal_at).unwrap()), "these had another: {kept:?}");
        assert_eq!(append(store), kept.last().map_or(1, |last| last + 1));
    });
}

#[test]
fn a_writer_with_too_many_waiting_refuses_at_once() {
    let db = TestDatabase::sqlite(); // what waits is the same on both
    let store = db.store();
    let held = hold(store);
    let told: Vec<_> = std::thread::scope(|scope| {
        let waiting: Vec<_> =
            (0..1100).map(|_| scope.spawn(|| write(store, |conn| log::append(conn, &change(None))))).collect();
        while waiting.iter().filter(|thread| thread.is_finished()).count() < 1100 - 1024 {
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(held);
        waiting.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let refused = told.iter().filter(|told| matches!(told, Err(StoreError::Busy))).count();
    assert_eq!(refused, 1100 - 1024);
    assert_eq!(told.iter().flatten().count(), 1024);
    assert_eq!(read(store, log::head).seq, 1024);
}

#[test]
fn a_panic_in_one_write_of_many_undoes_that_one_alone() {
    on_both(|db| {
        let store = db.store();
        let held = hold(store);
        let waiting: Vec<_> = (0..9)
            .map(|n| {
                let store = store.clone();
                std::thread::spawn(move || {
                    write(&store, move |conn| {
                        let seq = log::append(conn, &change(None))?;
                        assert!(n != 4, "a defect");
                        Ok(seq)
                    })
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(100));
        drop(held);
        let told: Vec<_> = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(matches!(told[4], Err(StoreError::Panicked)));
        let mut kept: Vec<i64> = told.iter().flatten().map(|written| written.value).collect();
        kept.sort_unstable();
        assert_eq!(kept, (1..=8).collect::<Vec<_>>());
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

/// The control of the trial above: three followers of numbers that the database gives out by itself lose a row, since who
/// takes the lower number may commit later.
#[test]
#[allow(clippy::disallowed_methods, reason = "the store itself has no transaction that stays open")]
fn followers_of_identities_would_lose_what_commits_late() {
    #[derive(diesel::QueryableByName)]
    struct Seen {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        id: i64,
    }
    let Some(db) = TestDatabase::postgres() else { return };
    let connect = || PgConnection::establish(db.url()).unwrap();
    let run = |conn: &mut PgConnection, sql: &str| diesel::sql_query(sql).execute(conn).unwrap();
    let (mut early, mut late) = (connect(), connect());
    run(&mut early, "CREATE TABLE numbered (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY)");
    let mut followers = [(connect(), Vec::new()), (connect(), Vec::new()), (connect(), Vec::new())];
    let mut poll = || {
        for (conn, seen) in &mut followers {
            let after = seen.last().copied().unwrap_or(0_i64);
            let sql = format!("SELECT id FROM numbered WHERE id > {after} ORDER BY id");
            seen.extend(diesel::sql_query(sql).load::<Seen>(conn).unwrap().into_iter().map(|row| row.id));
        }
    };
    run(&mut late, "BEGIN");
    run(&mut late, "INSERT INTO numbered DEFAULT VALUES");
    run(&mut early, "INSERT INTO numbered DEFAULT VALUES");
    poll();
    run(&mut late, "COMMIT");
    poll();
    assert!(followers.iter().all(|(_, seen)| *seen == [2]), "each of them lost the first row");
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
