//! Idempotency keys: a reply is kept with what it replies to, for its caller, as long as it is promised.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eureka_store::idempotency::{self, StoredReply};
use eureka_store::{Conn, Store, StoreError, log};
use eureka_testkit::on_both;

use crate::support::{at, change, number, read, refused, write};

fn reply(fingerprint: &str) -> StoredReply {
    StoredReply {
        fingerprint: fingerprint.to_owned(),
        status: 201,
        headers: "[[\"location\",\"/v1/tips/T-1001\"]]".to_owned(),
        body: vec![0, 159, 146, 150, b'\''],
    }
}

fn keep(store: &Store, caller: &'static str, key: &'static str, from: i64, until: i64) -> Result<(), StoreError> {
    write(store, move |conn| idempotency::insert(conn, caller, key, &reply("a body"), at(from), at(until))).map(|_| ())
}

fn find(store: &Store, caller: &str, key: &str, now: i64) -> Option<StoredReply> {
    read(store, |conn| idempotency::find(conn, caller, key, at(now)))
}

#[test]
fn a_reply_is_replayed_byte_for_byte_to_its_caller_under_its_key() {
    on_both(|db| {
        let store = db.store();
        assert_eq!(find(store, "ana", "k", 1), None);
        keep(store, "ana", "k", 1, 100).unwrap();
        assert_eq!(find(store, "ana", "k", 2), Some(reply("a body")));
        assert_eq!(find(store, "ana", "K", 2), None);
        assert_eq!(find(store, "pat", "k", 2), None);
        keep(store, "pat", "k", 2, 100).unwrap();
        assert_eq!(number(store, "SELECT count(*) AS n FROM idempotency_keys"), 2);
    });
}

#[test]
fn a_second_request_under_a_key_that_is_kept_is_refused_whatever_its_body() {
    on_both(|db| {
        let store = db.store();
        keep(store, "ana", "k", 1, 100).unwrap();
        let other = write(store, |conn| idempotency::insert(conn, "ana", "k", &reply("other"), at(99), at(200)));
        assert_eq!(refused(other), "idempotency_keys.key");
        assert_eq!(find(store, "ana", "k", 99).unwrap().fingerprint, "a body");
    });
}

#[test]
fn a_reply_that_has_expired_is_none_and_makes_room() {
    on_both(|db| {
        let store = db.store();
        keep(store, "ana", "k", 1, 100).unwrap();
        assert!(find(store, "ana", "k", 99).is_some());
        assert_eq!(find(store, "ana", "k", 100), None);
        keep(store, "ana", "k", 100, 200).unwrap();
        assert!(find(store, "ana", "k", 150).is_some());
    });
}

#[test]
fn expired_replies_are_forgotten_and_no_others() {
    on_both(|db| {
        let store = db.store();
        keep(store, "ana", "old", 1, 100).unwrap();
        keep(store, "ana", "new", 1, 101).unwrap();
        let purge = |now| write(store, move |conn| idempotency::purge(conn, at(now))).unwrap().value;
        assert_eq!(purge(100), 0);
        assert_eq!(purge(101), 1);
        assert!(find(store, "ana", "new", 100).is_some());
    });
}

/// What a creating use case does: looks, acts, keeps. Whether it acted.
fn once(conn: &mut Conn<'_>, acts: &AtomicUsize) -> Result<bool, StoreError> {
    if idempotency::find(conn, "ana", "k", at(1))?.is_some() {
        return Ok(false);
    }
    acts.fetch_add(1, Ordering::Relaxed);
    log::append(conn, &change(None))?;
    idempotency::insert(conn, "ana", "k", &reply("a body"), at(1), at(100))?;
    Ok(true)
}

#[test]
fn of_fifty_requests_at_once_one_acts_and_the_others_wait_for_its_reply() {
    on_both(|db| {
        let acts = Arc::new(AtomicUsize::new(0));
        let other = db.open_again(); // as another process
        let acted = std::thread::scope(|scope| {
            let requests: Vec<_> = (0..50)
                .map(|n| {
                    let store = if n % 2 == 0 { db.store() } else { &other };
                    let acts = Arc::clone(&acts);
                    scope.spawn(move || {
                        let acted = write(store, move |conn| once(conn, &acts)).unwrap().value;
                        assert!(find(store, "ana", "k", 1).is_some(), "whoever is answered finds the reply");
                        acted
                    })
                })
                .collect();
            requests.into_iter().map(|request| request.join().unwrap()).filter(|&acted| acted).count()
        });
        assert_eq!((acted, acts.load(Ordering::Relaxed)), (1, 1));
        assert_eq!(read(db.store(), log::head).seq, 1);
    });
}

#[test]
fn a_request_that_fails_leaves_its_key_free() {
    on_both(|db| {
        let store = db.store();
        let failed: Result<_, StoreError> = store.write(|conn| {
            idempotency::insert(conn, "ana", "k", &reply("a body"), at(1), at(100))?;
            Err::<(), _>(StoreError::Conflict { what: "the effect" })
        });
        assert_eq!(refused(failed), "the effect");
        assert_eq!(find(store, "ana", "k", 1), None);
        keep(store, "ana", "k", 1, 100).unwrap();
    });
}
