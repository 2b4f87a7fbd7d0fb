//! The walk along the chain of the change log, which finds the first row that does not hold.

use std::cmp::Ordering;
use std::collections::HashMap;

use diesel::dsl::min;
use diesel::prelude::*;
use eureka_domain::change::{GENESIS, Head, Payload, Recorded};

use super::{Row, head, payloads};
use crate::schema::change_log;
use crate::{Conn, Store, StoreError};

/// What a walk along the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every row holds, up to this place; where it is the place the walk began at, there is no more to walk.
    Holds(Head),
    /// The first row that does not.
    Broken(BadRow),
}

/// A row that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadRow {
    /// Its place, or that of the row that is missing.
    pub seq: i64,
    /// What is wrong.
    pub why: Flaw,
}

/// What is wrong with a row of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It is missing.
    Gap,
    /// It stands before the first row.
    Stray,
    /// It does not follow the row before.
    PreviousHash,
    /// Its own hash is not that of what it says.
    Hash,
    /// Its payload is not the one it commits to.
    Payload,
    /// It holds a word, an id or an instant that no change has.
    Unreadable,
    /// The head names another row as the last.
    Head,
    /// The head is that of another log.
    OtherLog,
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gap => "it is missing",
            Self::Stray => "it stands before the first row",
            Self::PreviousHash => "it does not follow the row before it",
            Self::Hash => "it does not say what was recorded",
            Self::Payload => "its payload is not the one that was recorded",
            Self::Unreadable => "it holds a word, an id or an instant that no change has",
            Self::Head => "the head of the log names another row as the last",
            Self::OtherLog => "the head is that of another log",
        })
    }
}

/// Walks the whole chain, a stretch at a time: its head, or the first row that does not hold.
pub fn verify_all(store: &Store, mut progress: impl FnMut(i64)) -> Result<Verdict, StoreError> {
    const STRETCH: i64 = 1000;
    let log_id = store.read(head)?.log_id;
    let mut from = Head { log_id, seq: 0, hash: GENESIS.to_owned() };
    loop {
        match store.read(|conn| verify(conn, &from, STRETCH))? {
            Verdict::Holds(head) if head.seq == from.seq => return Ok(Verdict::Holds(head)),
            Verdict::Holds(head) => {
                progress(head.seq);
                from = head;
            }
            broken @ Verdict::Broken(_) => return Ok(broken),
        }
    }
}

/// Walks at most `limit` rows after `from`, which the caller trusts, recomputing every hash and payload commitment. A
/// walk that reaches the end compares the head as well, so that a shortened log is found. Payloads may be gone (erased).
pub fn verify(conn: &mut Conn<'_>, from: &Head, limit: i64) -> Result<Verdict, StoreError> {
    let head = head(conn)?;
    if head.log_id != from.log_id {
        return Ok(broken(head.seq, Flaw::OtherLog));
    }
    let before_first = change_log::table.filter(change_log::seq.lt(1)).select(min(change_log::seq));
    if let Some(seq) = on_each!(conn, c => before_first.get_result::<Option<i64>>(*c))? {
        return Ok(broken(seq, Flaw::Stray));
    }
    let query = change_log::table.filter(change_log::seq.gt(from.seq)).order(change_log::seq).limit(limit);
    let rows: Vec<Row> = match on_each!(conn, c => query.select(Row::as_select()).load(*c)).map_err(StoreError::from) {
        Ok(rows) => rows,
        // One of them is not even of its columns' kinds: a shorter walk ends before it, one of a single row finds it.
        Err(StoreError::Corrupt(_)) if limit > 1 => return verify(conn, from, limit / 2),
        Err(StoreError::Corrupt(_)) => {
            let query = change_log::table.filter(change_log::seq.gt(from.seq)).select(min(change_log::seq));
            let unreadable: Option<i64> = on_each!(conn, c => query.get_result(*c))?;
            let next = from.seq + 1;
            return Ok(broken(next, if unreadable == Some(next) { Flaw::Unreadable } else { Flaw::Gap }));
        }
        Err(error) => return Err(error),
    };
    let payloads = payloads(conn, &rows.iter().map(|row| row.seq).collect::<Vec<_>>())?;
    let mut at = from.clone();
    let mut rows = rows.into_iter();
    loop {
        if at.seq == head.seq && at.hash != head.hash {
            return Ok(broken(at.seq, Flaw::Head));
        }
        let Some(row) = rows.next() else { break };
        match follows(&at, row, &payloads) {
            Ok(row) => {
                at.seq = row.seq;
                at.hash = row.hash;
            }
            Err(bad) => return Ok(Verdict::Broken(bad)),
        }
    }
    let reached_end = at.seq - from.seq < limit;
    Ok(match at.seq.cmp(&head.seq) {
        Ordering::Less if reached_end => broken(at.seq + 1, Flaw::Gap),
        Ordering::Greater => broken(head.seq + 1, Flaw::Head),
        _ => Verdict::Holds(at),
    })
}

fn broken(seq: i64, why: Flaw) -> Verdict {
    Verdict::Broken(BadRow { seq, why })
}

/// Salts have one length, or the end of one could be taken for the beginning of its body.
const SALT: usize = 32;

fn follows(at: &Head, row: Row, payloads: &HashMap<i64, Payload>) -> Result<Recorded, BadRow> {
    let seq = row.seq;
    let bad = |why| BadRow { seq, why };
    if seq != at.seq + 1 {
        return Err(BadRow { seq: at.seq + 1, why: Flaw::Gap });
    }
    let row = Recorded::try_from(row).map_err(|_| bad(Flaw::Unreadable))?;
    if row.prev_hash != at.hash {
        return Err(bad(Flaw::PreviousHash));
    }
    if row.hash != row.expected_hash() {
        return Err(bad(Flaw::Hash));
    }
    match payloads.get(&seq) {
        Some(payload) if payload.salt.len() != SALT || Some(payload.commitment()) != row.commitment => {
            Err(bad(Flaw::Payload))
        }
        _ => Ok(row),
    }
}
