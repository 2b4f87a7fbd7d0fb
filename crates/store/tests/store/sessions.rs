//! Sessions and refresh tokens: used once, told when used again, ended together, forgotten when expired.

use eureka_domain::ids::{SessionId, UserId};
use eureka_store::sessions::{RefreshToken, Session};
use eureka_store::{Store, sessions};
use eureka_testkit::on_both;

use crate::support::{at, id, number, person, read, refused, write};

fn session(user: UserId, expires: i64) -> Session {
    Session { id: SessionId(id()), user, created_at: at(0), expires_at: at(expires), ended_at: None, end_reason: None }
}

fn token(session: &Session, hash: &str, expires: i64) -> RefreshToken {
    RefreshToken {
        hash: hash.to_owned(),
        session: session.id,
        issued_at: at(0),
        expires_at: at(expires),
        used_at: None,
    }
}

fn open(store: &Store, session: &Session, token: &RefreshToken) {
    let (session, token) = (session.clone(), token.clone());
    write(store, move |conn| {
        sessions::insert(conn, &session)?;
        sessions::insert_token(conn, &token)
    })
    .unwrap();
}

fn used(store: &Store, hash: &'static str, micros: i64) -> bool {
    write(store, move |conn| sessions::use_token(conn, hash, at(micros))).unwrap().value
}

#[test]
fn a_session_and_its_token_come_back_as_they_were_opened() {
    on_both(|db| {
        let store = db.store();
        let session = session(person(store, "ana"), 100);
        let token = token(&session, "first", 50);
        open(store, &session, &token);
        assert_eq!(read(store, |conn| sessions::find(conn, session.id)), Some(session));
        assert_eq!(read(store, |conn| sessions::find_token(conn, "first")), Some(token));
        assert_eq!(read(store, |conn| sessions::find(conn, SessionId(id()))), None);
        assert_eq!(read(store, |conn| sessions::find_token(conn, "second")), None);
    });
}

#[test]
fn a_token_is_used_once_and_its_second_use_is_told() {
    on_both(|db| {
        let store = db.store();
        let session = session(person(store, "ana"), 100);
        let (first, second) = (token(&session, "first", 50), token(&session, "second", 60));
        open(store, &session, &first);

        assert!(used(store, "first", 1));
        write(store, move |conn| sessions::insert_token(conn, &second)).unwrap();
        assert!(!used(store, "first", 2), "it was used before");
        assert!(!used(store, "none", 2), "there is none");
        // Reuse is told from a forgery by what is remembered: when it was used, and of which session it was.
        let found = read(store, |conn| sessions::find_token(conn, "first")).unwrap();
        assert_eq!((found.used_at, found.session), (Some(at(1)), session.id));
        assert!(used(store, "second", 3));
    });
}

#[test]
fn of_fifty_who_use_a_token_at_once_one_may() {
    on_both(|db| {
        let store = db.store();
        let session = session(person(store, "ana"), 100);
        open(store, &session, &token(&session, "first", 50));
        let other = db.open_again(); // as another process
        let allowed = std::thread::scope(|scope| {
            let uses: Vec<_> = (0..50)
                .map(|n| {
                    let store = if n % 2 == 0 { store } else { &other };
                    scope.spawn(move || used(store, "first", n))
                })
                .collect();
            uses.into_iter().map(|thread| thread.join().unwrap()).filter(|&allowed| allowed).count()
        });
        assert_eq!(allowed, 1);
    });
}

#[test]
fn a_session_ends_once_for_the_first_reason() {
    on_both(|db| {
        let store = db.store();
        let session = session(person(store, "ana"), 100);
        open(store, &session, &token(&session, "first", 50));
        let end = |reason: &'static str, micros| {
            let id = session.id;
            write(store, move |conn| sessions::end(conn, id, reason, at(micros))).unwrap().value
        };
        assert!(end("reuse", 5));
        assert!(!end("logout", 6));
        let found = read(store, |conn| sessions::find(conn, session.id)).unwrap();
        assert_eq!((found.ended_at, found.end_reason.as_deref()), (Some(at(5)), Some("reuse")));
        // The whole family is of that session, tokens not used yet included.
        assert_eq!(read(store, |conn| sessions::find_token(conn, "first")).unwrap().session, session.id);
    });
}

#[test]
fn all_open_sessions_of_one_person_end_together() {
    on_both(|db| {
        let store = db.store();
        let [ana, pat] = ["ana", "pat"].map(|name| person(store, name));
        let made = [session(ana, 100), session(ana, 100), session(ana, 100), session(pat, 100)];
        for (n, session) in made.iter().enumerate() {
            open(store, session, &token(session, &format!("token {n}"), 50));
        }
        let first = made[0].id;
        write(store, move |conn| sessions::end(conn, first, "logout", at(1))).unwrap();
        let ended = write(store, move |conn| sessions::end_all(conn, ana, "password_changed", at(2))).unwrap();
        assert_eq!(ended.value, 2);
        let reasons = made.map(|session| read(store, |conn| sessions::find(conn, session.id)).unwrap().end_reason);
        let reasons = reasons.each_ref().map(Option::as_deref);
        assert_eq!(reasons, [Some("logout"), Some("password_changed"), Some("password_changed"), None]);
    });
}

#[test]
fn what_has_expired_is_forgotten_and_nothing_else() {
    on_both(|db| {
        let store = db.store();
        let ana = person(store, "ana");
        let (short, long) = (session(ana, 10), session(ana, 100));
        open(store, &short, &token(&short, "of the short one", 10));
        open(store, &long, &token(&long, "old", 10));
        let new = token(&long, "new", 20);
        write(store, move |conn| sessions::insert_token(conn, &new)).unwrap();
        let purge = |micros| write(store, move |conn| sessions::purge(conn, at(micros))).unwrap().value;

        assert_eq!(purge(10), 0, "their last moment is not over");
        assert_eq!(purge(11), 3);
        assert_eq!(read(store, |conn| sessions::find(conn, short.id)), None);
        assert!(read(store, |conn| sessions::find(conn, long.id)).is_some());
        assert!(read(store, |conn| sessions::find_token(conn, "new")).is_some());
        assert_eq!(purge(101), 2);
        assert_eq!(number(store, "SELECT count(*) AS n FROM refresh_tokens"), 0);
    });
}

#[test]
fn a_session_that_goes_takes_its_tokens_along() {
    on_both(|db| {
        let store = db.store();
        let session = session(person(store, "ana"), 10);
        open(store, &session, &token(&session, "outlives it", 100));
        write(store, |conn| sessions::purge(conn, at(50))).unwrap();
        assert_eq!(read(store, |conn| sessions::find_token(conn, "outlives it")), None);
    });
}

#[test]
fn a_token_belongs_to_a_session_there_is() {
    on_both(|db| {
        let store = db.store();
        let orphan = token(&session(UserId(id()), 10), "orphan", 10);
        assert_eq!(refused(write(store, move |conn| sessions::insert_token(conn, &orphan))), "foreign_key");
    });
}
