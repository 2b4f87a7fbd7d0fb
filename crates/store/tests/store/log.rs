//! The change log: its order, its erasable payloads, and that no tampering escapes the walk along its chain.

use eureka_domain::change::{Change, GENESIS, Head, Kind as ChangeKind, Payload, Recorded};
use eureka_domain::ids::{TipId, UserId};
use eureka_domain::tip::State;
use eureka_store::log::{BadRow, Flaw, Verdict};
use eureka_store::{Conn, Kind, Store, StoreError, log};
use eureka_testkit::{LOG_ID, TestDatabase, on_both};

use crate::support::{append, at, change, execute, id, raw, read, undone, write};

/// Rows of the log that the tests tamper with; the second and the fourth have a payload.
const ROWS: i64 = 6;

fn written(store: &Store) -> Vec<Recorded> {
    write(store, |conn| {
        for n in 1..=ROWS {
            let payload = Payload { salt: format!("{n:032x}"), body: format!("{{\"reason\":\"number {n}\"}}") };
            let change = Change {
                kind: ChangeKind::TipHeld,
                actor: Some(UserId(id())),
                at: at(n),
                tip: Some(TipId(id())),
                revision: Some(1),
                from: Some(State::Draft),
                to: Some(State::Submitted),
                subject: Some(id()),
                payload: (n == 2 || n == 4).then_some(payload),
            };
            log::append(conn, &change)?;
        }
        Ok(())
    })
    .unwrap();
    read(store, |conn| log::after(conn, 0, 100))
}

fn start() -> Head {
    Head { log_id: LOG_ID, seq: 0, hash: GENESIS.to_owned() }
}

/// Walks the whole chain, `stride` rows at a time.
fn walk(conn: &mut Conn<'_>, mut from: Head, stride: i64) -> Result<Verdict, StoreError> {
    loop {
        match log::verify(conn, &from, stride)? {
            Verdict::Holds(head) if head.seq > from.seq => from = head,
            verdict => return Ok(verdict),
        }
    }
}

/// What the walk says of the log after it was tampered with, which is then undone; the same whatever the stride.
fn after_tampering(db: &TestDatabase, from: &Head, tampering: &str) -> Verdict {
    let disarm = match db.kind() {
        Kind::Sqlite => {
            "DROP TRIGGER change_log_is_not_rewritten; DROP TRIGGER change_log_is_not_shortened; \
             DROP TRIGGER change_log_words; PRAGMA ignore_check_constraints = ON;"
        }
        Kind::Postgres => {
            "DROP TRIGGER change_log_is_not_rewritten ON change_log; \
             DROP TRIGGER change_log_is_not_shortened ON change_log; \
             ALTER TABLE change_log DROP CONSTRAINT \"change_log.words\"; \
             ALTER TABLE change_payloads DROP CONSTRAINT change_payloads_salt_check;"
        }
    };
    let (from, sql) = (from.clone(), format!("{disarm} {tampering}"));
    undone(db.store(), move |conn| {
        execute(conn, &sql)?;
        let verdict = walk(conn, from.clone(), 1000)?;
        for stride in 1..=ROWS + 1 {
            assert_eq!(walk(conn, from.clone(), stride)?, verdict, "{sql}, {stride} rows at a time");
        }
        Ok(verdict)
    })
}

#[test]
fn an_untouched_log_holds_whatever_the_stride() {
    on_both(|db| {
        assert_eq!(read(db.store(), |conn| walk(conn, start(), 10)), Verdict::Holds(start()), "even an empty one");
        let rows = written(db.store());
        let head = read(db.store(), log::head);
        assert_eq!((head.log_id, head.seq, &head.hash), (LOG_ID, ROWS, &rows.last().unwrap().hash));
        assert_eq!(after_tampering(db, &start(), ""), Verdict::Holds(head.clone()));
        assert_eq!(after_tampering(db, &head, ""), Verdict::Holds(head));
    });
}

#[test]
fn rows_come_back_as_they_were_recorded_and_of_each_tip_in_order() {
    on_both(|db| {
        let store = db.store();
        let tip = TipId(id());
        let mut expected = Vec::new();
        for (n, kind) in [(0, ChangeKind::TipCreated), (1, ChangeKind::UserCreated), (2, ChangeKind::TipEdited)] {
            let of_tip = n != 1;
            let change = Change { kind, at: at(n), tip: of_tip.then_some(tip), ..change(None) };
            let head = read(store, log::head);
            expected.push(Recorded::after(&head, &change));
            let written = write(store, move |conn| log::append(conn, &change)).unwrap();
            assert_eq!((written.value, written.position), (n + 1, n + 1));
        }
        assert_eq!(read(store, |conn| log::after(conn, 0, 100)), expected);
        assert_eq!(read(store, |conn| log::after(conn, 1, 1)), expected[1..2]);
        expected.remove(1);
        assert_eq!(read(store, |conn| log::of_tip(conn, tip)), expected);
        assert_eq!(read(store, |conn| log::of_tip(conn, TipId(id()))), []);
    });
}

#[test]
fn an_edit_of_any_column_is_found_at_its_row() {
    on_both(|db| {
        let rows = written(db.store());
        let (second, third) = (&rows[1], &rows[2]);
        let other = id();
        for (edit, why) in [
            ("at = '2031-01-01T00:00:00.000000Z'".to_owned(), Flaw::Hash),
            (format!("actor = '{other}'"), Flaw::Hash),
            ("actor = NULL".to_owned(), Flaw::Hash),
            ("kind = 'tip.unheld'".to_owned(), Flaw::Hash),
            ("kind = 'tip.improved'".to_owned(), Flaw::Unreadable),
            (format!("tip_id = '{other}'"), Flaw::Hash),
            ("tip_id = NULL".to_owned(), Flaw::Hash),
            ("revision = 2".to_owned(), Flaw::Hash),
            ("revision = NULL".to_owned(), Flaw::Hash),
            ("from_state = 'in_review'".to_owned(), Flaw::Hash),
            ("from_state = 'lost'".to_owned(), Flaw::Unreadable),
            ("from_state = NULL".to_owned(), Flaw::Hash),
            ("to_state = 'in_review'".to_owned(), Flaw::Hash),
            ("to_state = 'lost'".to_owned(), Flaw::Unreadable),
            ("from_state = to_state, to_state = from_state".to_owned(), Flaw::Hash),
            (format!("subject = '{other}'"), Flaw::Hash),
            ("subject = NULL".to_owned(), Flaw::Hash),
            ("tip_id = subject, subject = tip_id".to_owned(), Flaw::Hash),
            (format!("commitment = '{}'", second.commitment.as_ref().unwrap()), Flaw::Hash),
            (format!("prev_hash = '{}'", third.hash), Flaw::PreviousHash),
            (format!("hash = '{}'", second.hash), Flaw::Hash),
            ("hash = upper(hash)".to_owned(), Flaw::Hash),
            ("seq = 30".to_owned(), Flaw::Gap),
        ] {
            let verdict = after_tampering(db, &start(), &format!("UPDATE change_log SET {edit} WHERE seq = 3"));
            assert_eq!(verdict, Verdict::Broken(BadRow { seq: 3, why }), "{edit}");
        }
        let disown = "UPDATE change_log SET commitment = NULL WHERE seq = 2";
        assert_eq!(after_tampering(db, &start(), disown), Verdict::Broken(BadRow { seq: 2, why: Flaw::Hash }));
    });
}

#[test]
fn a_value_in_another_spelling_is_found_at_its_row() {
    // PostgreSQL has types for these, and keeps one spelling of each value.
    let db = TestDatabase::sqlite();
    written(db.store());
    for edit in [
        "at = 'yesterday'",
        "at = replace(at, 'Z', '+00:00')",
        "at = replace(at, 'Z', '001Z')",
        "at = replace(at, 'T', ' ')",
        "actor = 'somebody'",
        "actor = upper(actor)",
        "tip_id = upper(tip_id)",
        "tip_id = replace(tip_id, '-', '')",
        "subject = '{' || subject || '}'",
    ] {
        let verdict = after_tampering(&db, &start(), &format!("UPDATE change_log SET {edit} WHERE seq = 3"));
        assert_eq!(verdict, Verdict::Broken(BadRow { seq: 3, why: Flaw::Unreadable }), "{edit}");
    }
    let two = "UPDATE change_log SET at = 'yesterday' WHERE seq = 3; DELETE FROM change_log WHERE seq IN (1)";
    assert_eq!(after_tampering(&db, &start(), two), Verdict::Broken(BadRow { seq: 1, why: Flaw::Gap }));
}

#[test]
fn a_row_that_is_gone_added_or_moved_is_found_at_its_place() {
    on_both(|db| {
        written(db.store());
        let last = ROWS;
        let forge = |seq: i64| {
            format!(
                "INSERT INTO change_log (seq, at, kind, prev_hash, hash) \
                 SELECT {seq}, at, kind, hash, hash FROM change_log WHERE seq = {last};"
            )
        };
        let swap = "UPDATE change_log SET seq = -5 WHERE seq = 5; UPDATE change_log SET seq = 5 WHERE seq = 6; \
                    UPDATE change_log SET seq = 6 WHERE seq = -5";
        for (tampering, seq, why) in [
            ("DELETE FROM change_log WHERE seq = 1".to_owned(), 1, Flaw::Gap),
            ("DELETE FROM change_log WHERE seq = 3".to_owned(), 3, Flaw::Gap),
            ("DELETE FROM change_log WHERE seq IN (3, 5)".to_owned(), 3, Flaw::Gap),
            (format!("DELETE FROM change_log WHERE seq = {last}"), last, Flaw::Gap),
            ("DELETE FROM change_log WHERE seq >= 5".to_owned(), 5, Flaw::Gap),
            ("DELETE FROM change_payloads; DELETE FROM change_log".to_owned(), 1, Flaw::Gap),
            (swap.to_owned(), 5, Flaw::PreviousHash),
            (forge(last + 1), last + 1, Flaw::Hash),
            (forge(0), 0, Flaw::Stray),
            (forge(i64::MIN), i64::MIN, Flaw::Stray),
            ("UPDATE change_log SET seq = -3 WHERE seq = 3".to_owned(), -3, Flaw::Stray),
        ] {
            let verdict = after_tampering(db, &start(), &tampering);
            assert_eq!(verdict, Verdict::Broken(BadRow { seq, why }), "{tampering}");
        }
    });
}

#[test]
fn a_row_past_the_head_is_found_even_if_it_follows() {
    on_both(|db| {
        let store = db.store();
        written(store);
        let before = read(store, log::head);
        append(store);
        append(store);
        let back = format!("UPDATE change_head SET seq = {}, hash = '{}'", before.seq, before.hash);
        let bad = BadRow { seq: before.seq + 1, why: Flaw::Head };
        assert_eq!(after_tampering(db, &start(), &back), Verdict::Broken(bad));
    });
}

#[test]
fn an_edit_of_the_head_is_found() {
    on_both(|db| {
        let rows = written(db.store());
        for (edit, seq, why) in [
            ("seq = 5".to_owned(), 5, Flaw::Head),
            ("seq = 0".to_owned(), 0, Flaw::Head),
            (format!("seq = 0, hash = '{GENESIS}'"), 1, Flaw::Head),
            ("seq = 7".to_owned(), 7, Flaw::Gap),
            (format!("hash = '{}'", rows[0].hash), 6, Flaw::Head),
            (format!("seq = 5, hash = '{}'", rows[4].hash), 6, Flaw::Head),
            (format!("log_id = '{}'", id()), 6, Flaw::OtherLog),
        ] {
            let verdict = after_tampering(db, &start(), &format!("UPDATE change_head SET {edit}"));
            assert_eq!(verdict, Verdict::Broken(BadRow { seq, why }), "{edit}");
        }
        let lost = undone_error(db.store(), "DELETE FROM change_head");
        assert!(matches!(lost, StoreError::Corrupt(_)), "{lost:?}");
    });
}

/// What the walk fails with.
fn undone_error(store: &Store, sql: &'static str) -> StoreError {
    store
        .write(move |conn| {
            execute(conn, sql)?;
            Err::<(), _>(walk(conn, start(), 10).unwrap_err())
        })
        .unwrap_err()
}

#[test]
fn an_edit_of_a_payload_is_found_at_its_row() {
    on_both(|db| {
        written(db.store());
        for (edit, seq) in [
            ("UPDATE change_payloads SET body = '{}' WHERE seq = 4", 4),
            ("UPDATE change_payloads SET body = body || ' ' WHERE seq = 4", 4),
            ("UPDATE change_payloads SET salt = 'ffffffffffffffffffffffffffffffff' WHERE seq = 4", 4),
            ("UPDATE change_payloads SET salt = salt || substr(body, 1, 1), body = substr(body, 2) WHERE seq = 4", 4),
            ("UPDATE change_payloads SET salt = '', body = salt || body WHERE seq = 4", 4),
            ("INSERT INTO change_payloads SELECT 3, salt, body FROM change_payloads WHERE seq = 2", 3),
            (
                "UPDATE change_payloads SET seq = 5 WHERE seq = 2; UPDATE change_payloads SET seq = 2 WHERE seq = 4; \
                 UPDATE change_payloads SET seq = 4 WHERE seq = 5",
                2,
            ),
        ] {
            let verdict = after_tampering(db, &start(), edit);
            assert_eq!(verdict, Verdict::Broken(BadRow { seq, why: Flaw::Payload }), "{edit}");
        }
    });
}

#[test]
fn erasing_payloads_keeps_the_chain() {
    on_both(|db| {
        let store = db.store();
        written(store);
        let all = [1, 2, 3, 4, 5, 6];
        let told = read(store, |conn| log::payloads(conn, &all));
        assert_eq!(told.len(), 2);
        assert_eq!(told[&4].body, "{\"reason\":\"number 4\"}");

        raw(store, "DELETE FROM change_payloads WHERE seq = 4").unwrap();
        assert_eq!(read(store, |conn| log::payloads(conn, &all)).keys().collect::<Vec<_>>(), [&2]);
        raw(store, "DELETE FROM change_payloads").unwrap();
        assert!(read(store, |conn| log::payloads(conn, &all)).is_empty());
        let head = read(store, log::head);
        assert_eq!(read(store, |conn| walk(conn, start(), 100)), Verdict::Holds(head));
        assert_eq!(append(store), ROWS + 1);
    });
}

/// The chain alone cannot tell a log that was cut short, or written anew from some row on, head and hashes included.
/// Who remembers a head can.
#[test]
fn who_remembers_a_head_finds_a_log_that_was_cut_or_written_anew() {
    on_both(|db| {
        let store = db.store();
        let rows = written(store);
        let pinned = read(store, log::head);
        let early = Head { seq: 3, hash: rows[2].hash.clone(), ..pinned.clone() };

        let cut =
            format!("DELETE FROM change_log WHERE seq > 4; UPDATE change_head SET seq = 4, hash = '{}'", rows[3].hash);
        assert!(matches!(after_tampering(db, &start(), &cut), Verdict::Holds(_)));
        assert!(matches!(after_tampering(db, &early, &cut), Verdict::Holds(_)));
        assert_eq!(after_tampering(db, &pinned, &cut), Verdict::Broken(BadRow { seq: 5, why: Flaw::Head }));

        let mut hash = rows[1].hash.clone();
        let mut anew = Vec::new();
        for row in &rows[2..] {
            let mut row = Recorded { actor: Some(UserId(LOG_ID)), prev_hash: hash, ..row.clone() };
            row.hash = row.expected_hash();
            anew.push(format!(
                "UPDATE change_log SET actor = '{LOG_ID}', prev_hash = '{}', hash = '{}' WHERE seq = {}",
                row.prev_hash, row.hash, row.seq
            ));
            hash = row.hash;
        }
        anew.push(format!("UPDATE change_head SET hash = '{hash}'"));
        let anew = anew.join(";");
        assert!(matches!(after_tampering(db, &start(), &anew), Verdict::Holds(_)));
        assert_eq!(after_tampering(db, &early, &anew), Verdict::Broken(BadRow { seq: 4, why: Flaw::PreviousHash }));
        assert_eq!(after_tampering(db, &pinned, &anew), Verdict::Broken(BadRow { seq: 6, why: Flaw::Head }));
    });
}
