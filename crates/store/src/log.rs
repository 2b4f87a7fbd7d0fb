//! The change log: its head, its rows and their erasable payloads. The walk that proves the chain is in `log/chain.rs`.

mod chain;

use std::collections::HashMap;

use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::change::{Change, GENESIS, Head, Kind, Payload, Recorded};
use eureka_domain::ids::{TipId, UserId};
use eureka_domain::tip::State;
use uuid::Uuid;

use crate::schema::{change_head, change_log, change_payloads};
use crate::sql_types::{DbInstant, DbUuid};
use crate::update::update;
use crate::{Conn, StoreError};

pub use chain::{BadRow, Flaw, Verdict, verify, verify_all};

/// The place of the last row.
pub fn head(conn: &mut Conn<'_>) -> Result<Head, StoreError> {
    let query = change_head::table.find(1).select((change_head::log_id, change_head::seq, change_head::hash));
    let row: Option<(DbUuid, i64, String)> = on_each!(conn, c => query.first(*c).optional())?;
    let (log_id, seq, hash) = row.ok_or_else(no_log)?;
    Ok(Head { log_id: log_id.0, seq, hash })
}

/// Whether the log passes through a place that somebody remembers: it has not been cut before it, nor written anew.
pub fn passes(conn: &mut Conn<'_>, place: &Head) -> Result<bool, StoreError> {
    if head(conn)?.log_id != place.log_id {
        return Ok(false);
    }
    let query = change_log::table.find(place.seq).select(change_log::hash);
    let hash: Option<String> = on_each!(conn, c => query.first(*c).optional())?;
    Ok(hash.map_or(place.seq == 0 && place.hash == GENESIS, |hash| hash == place.hash))
}

/// Takes the head for this transaction, before anything else is locked: writers of all processes queue here. SQLite's
/// immediate transaction has done so already.
pub(crate) fn lock_head(conn: &mut Conn<'_>) -> Result<i64, StoreError> {
    let query = change_head::table.find(1).select(change_head::seq);
    let seq = match conn {
        Conn::Sqlite(c) => query.first(*c).optional()?,
        Conn::Postgres(c) => query.for_update().first(*c).optional()?,
    };
    seq.ok_or_else(no_log)
}

fn no_log() -> StoreError {
    StoreError::Corrupt("there is no change log: the database has not been migrated".to_owned())
}

/// Records a change and answers its place. The last statement of a use case.
pub fn append(conn: &mut Conn<'_>, change: &Change) -> Result<i64, StoreError> {
    let head = head(conn)?;
    let recorded = Recorded::after(&head, change);
    let row = Row::from(&recorded);
    on_each!(conn, c => diesel::insert_into(change_log::table).values(&row).execute(*c))?;
    if let Some(payload) = &change.payload {
        let values = (
            change_payloads::seq.eq(recorded.seq),
            change_payloads::salt.eq(&payload.salt),
            change_payloads::body.eq(&payload.body),
        );
        on_each!(conn, c => diesel::insert_into(change_payloads::table).values(values).execute(*c))?;
    }
    let guarded = change_head::id.eq(1).and(change_head::seq.eq(head.seq));
    let next = (change_head::seq.eq(recorded.seq), change_head::hash.eq(&recorded.hash));
    let moved = on_each!(conn, c => update(change_head::table, guarded, next).execute(*c))?;
    if moved == 1 { Ok(recorded.seq) } else { Err(StoreError::Conflict { what: "change_head" }) }
}

/// The rows after a place, at most `limit`, in order.
pub fn after(conn: &mut Conn<'_>, seq: i64, limit: i64) -> Result<Vec<Recorded>, StoreError> {
    let query = change_log::table.filter(change_log::seq.gt(seq)).order(change_log::seq).limit(limit);
    recorded(on_each!(conn, c => query.select(Row::as_select()).load(*c))?)
}

/// Which rows to list; those that all of this is true of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this kind.
    pub kind: Option<Kind>,
    /// By this person.
    pub actor: Option<Uuid>,
    /// Of this tip.
    pub tip: Option<Uuid>,
    /// Of this community, account or other thing.
    pub subject: Option<Uuid>,
}

/// The rows before a place, the newest first, at most `limit`.
pub fn before(conn: &mut Conn<'_>, filter: &Filter, seq: Option<i64>, limit: i64) -> Result<Vec<Recorded>, StoreError> {
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = change_log::table.select(Row::as_select()).into_boxed();
        if let Some(seq) = seq {
            query = query.filter(change_log::seq.lt(seq));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(change_log::kind.eq(kind.word()));
        }
        if let Some(actor) = filter.actor {
            query = query.filter(change_log::actor.eq(DbUuid(actor)));
        }
        if let Some(tip) = filter.tip {
            query = query.filter(change_log::tip_id.eq(DbUuid(tip)));
        }
        if let Some(subject) = filter.subject {
            query = query.filter(change_log::subject.eq(DbUuid(subject)));
        }
        query.order(change_log::seq.desc()).limit(limit).load(*c)
    })?;
    recorded(rows)
}

/// The rows of one tip but those of its uses, in order.
pub fn of_tip(conn: &mut Conn<'_>, tip: TipId) -> Result<Vec<Recorded>, StoreError> {
    let query = change_log::table
        .filter(change_log::tip_id.eq(DbUuid(tip.0)))
        .filter(change_log::kind.ne(Kind::OutcomeRecorded.word()))
        .order(change_log::seq);
    recorded(on_each!(conn, c => query.select(Row::as_select()).load(*c))?)
}

/// The revision of a tip that became the live one last before a moment, or the first that did.
pub fn live_at(conn: &mut Conn<'_>, tip: TipId, at: Instant) -> Result<Option<i32>, StoreError> {
    let published = || {
        change_log::table
            .filter(change_log::tip_id.eq(DbUuid(tip.0)))
            .filter(change_log::kind.eq_any([Kind::TipPublished.word(), Kind::TipImported.word()]))
            .select(change_log::revision)
    };
    let before = published().filter(change_log::at.le(DbInstant(at))).order(change_log::seq.desc());
    let mut found: Option<Option<i32>> = on_each!(conn, c => before.first(*c).optional())?;
    if found.is_none() {
        let first = published().order(change_log::seq);
        found = on_each!(conn, c => first.first(*c).optional())?;
    }
    Ok(found.flatten())
}

/// The payloads of these rows, those that had one and whose was not erased.
pub fn payloads(conn: &mut Conn<'_>, seqs: &[i64]) -> Result<HashMap<i64, Payload>, StoreError> {
    let mut found = HashMap::new();
    for seqs in seqs.chunks(crate::MANY) {
        let query = change_payloads::table.filter(change_payloads::seq.eq_any(seqs));
        let rows: Vec<(i64, String, String)> = on_each!(conn, c => query.load(*c))?;
        found.extend(rows.into_iter().map(|(seq, salt, body)| (seq, Payload { salt, body })));
    }
    Ok(found)
}

pub(crate) fn recorded(rows: Vec<Row>) -> Result<Vec<Recorded>, StoreError> {
    rows.into_iter().map(Recorded::try_from).collect()
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = change_log, treat_none_as_default_value = false)]
pub(crate) struct Row {
    seq: i64,
    at: DbInstant,
    actor: Option<DbUuid>,
    kind: String,
    tip_id: Option<DbUuid>,
    revision: Option<i32>,
    from_state: Option<String>,
    to_state: Option<String>,
    subject: Option<DbUuid>,
    commitment: Option<String>,
    prev_hash: String,
    hash: String,
}

impl From<&Recorded> for Row {
    fn from(change: &Recorded) -> Self {
        Self {
            seq: change.seq,
            at: DbInstant(change.at),
            actor: change.actor.map(|id| DbUuid(id.0)),
            kind: change.kind.word().to_owned(),
            tip_id: change.tip.map(|id| DbUuid(id.0)),
            revision: change.revision,
            from_state: change.from.map(|state| state.word().to_owned()),
            to_state: change.to.map(|state| state.word().to_owned()),
            subject: change.subject.map(DbUuid),
            commitment: change.commitment.clone(),
            prev_hash: change.prev_hash.clone(),
            hash: change.hash.clone(),
        }
    }
}

impl TryFrom<Row> for Recorded {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let state = |word: Option<String>| {
            word.map(|word| State::from_word(&word).ok_or_else(|| StoreError::corrupt("change_log state", word)))
                .transpose()
        };
        Ok(Self {
            seq: row.seq,
            kind: Kind::from_word(&row.kind).ok_or_else(|| StoreError::corrupt("change_log.kind", &row.kind))?,
            actor: row.actor.map(|id| UserId(id.0)),
            at: row.at.0,
            tip: row.tip_id.map(|id| TipId(id.0)),
            revision: row.revision,
            from: state(row.from_state)?,
            to: state(row.to_state)?,
            subject: row.subject.map(|id| id.0),
            commitment: row.commitment,
            prev_hash: row.prev_hash,
            hash: row.hash,
        })
    }
}
