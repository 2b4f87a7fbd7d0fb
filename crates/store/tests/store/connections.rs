//! What each connection is set to, and what becomes of those who have to wait for one.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use eureka_store::{Store, StoreError, log};
use eureka_testkit::{TestDatabase, on_both};

use crate::support::{append, beside, change, word, word_on, write};

#[test]
fn sqlite_is_recent_and_set_so_that_no_acknowledged_write_is_lost() {
    let db = TestDatabase::sqlite();
    let store = db.store();
    let version = word(store, "SELECT sqlite_version() AS w");
    let parts: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
    assert!(parts >= vec![3, 51, 3], "{version}");

    let settings = "SELECT (SELECT journal_mode FROM pragma_journal_mode) || ' synchronous ' || \
                    (SELECT synchronous FROM pragma_synchronous) || ' timeout ' || \
                    (SELECT timeout FROM pragma_busy_timeout) AS w";
    let (full, five_seconds) = (2, 5000);
    let expected = format!("wal synchronous {full} timeout {five_seconds}");
    assert_eq!(word(store, settings), expected);
    assert_eq!(write(store, |conn| word_on(conn, settings)).unwrap().value, expected);

    let of_writer = "SELECT foreign_keys || '' AS w FROM pragma_foreign_keys";
    assert_eq!(write(store, |conn| word_on(conn, of_writer)).unwrap().value, "1");
    assert_eq!(word(store, "SELECT query_only || '' AS w FROM pragma_query_only"), "1");
}

#[test]
fn postgres_speaks_utc_and_a_writer_neither_waits_nor_stalls_for_ever() {
    let Some(db) = TestDatabase::postgres() else { return };
    let settings = "SELECT current_setting('TimeZone') || ' ' || current_setting('lock_timeout') || ' ' || \
                    current_setting('idle_in_transaction_session_timeout') AS w";
    let of_writer = write(db.store(), |conn| word_on(conn, settings)).unwrap().value;
    assert_eq!(of_writer, "UTC 5s 1min");
    let of_reader = word(
        db.store(),
        "SELECT current_setting('TimeZone') || ' ' || current_setting('transaction_isolation') \
                                      || ' ' || current_setting('transaction_read_only') AS w",
    );
    assert_eq!(of_reader, "UTC repeatable read on");
}

#[test]
fn a_write_that_another_process_holds_up_is_told_so_and_the_next_one_works() {
    let held_up = |db: TestDatabase| {
        let (store, other) = (db.store(), db.open_again());
        let (start, has_started) = channel();
        let (let_go, is_let_go) = channel::<()>();
        let holder = std::thread::spawn(move || {
            write(&other, move |conn| {
                start.send(()).unwrap();
                is_let_go.recv().unwrap();
                log::append(conn, &change(None))
            })
        });
        has_started.recv().unwrap();
        let since = Instant::now();
        let told = write(store, |_| Ok(()));
        assert!(matches!(told, Err(StoreError::Busy)), "{told:?}");
        assert!(since.elapsed() < Duration::from_secs(10));
        let_go.send(()).unwrap();
        holder.join().unwrap().unwrap();
        assert_eq!(append(store), 2);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| held_up(TestDatabase::sqlite()));
        scope.spawn(|| TestDatabase::postgres().map(held_up));
    });
}

#[test]
fn more_readers_than_connections_take_turns() {
    on_both(|db| {
        let store = db.store();
        append(store);
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..20)
                .map(|_| {
                    scope.spawn(|| {
                        store.read(|conn| {
                            std::thread::sleep(Duration::from_millis(5));
                            log::head(conn)
                        })
                    })
                })
                .collect();
            for reader in readers {
                assert_eq!(reader.join().unwrap().unwrap().seq, 1);
            }
        });
    });
}

#[test]
fn a_file_that_is_no_database_is_damaged_and_not_overwritten() {
    let db = TestDatabase::empty_sqlite();
    let path = beside(&db, "letter.db");
    let letter = "Dear Ana, ".repeat(1000);
    std::fs::write(&path, &letter).unwrap();
    let told = Store::open(path.to_str().unwrap(), 1).map(|_| ());
    assert!(matches!(told, Err(StoreError::Corrupt(_))), "{told:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
}

#[test]
fn a_folder_that_is_not_there_is_unavailable() {
    let db = TestDatabase::empty_sqlite();
    let told = Store::open(beside(&db, "gone/eureka.db").to_str().unwrap(), 1).map(|_| ());
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
}
