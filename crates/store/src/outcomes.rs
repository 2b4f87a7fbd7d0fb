//! What happened when tips were used.

use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::ids::{OutcomeId, TipId, UserId};
use eureka_domain::outcome::{Counting, Outcome, OutcomeResult};

use crate::schema::outcomes;
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Which outcomes of a tip to list. What is `None` filters nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutcomeFilter {
    /// Told by this person.
    pub by: Option<UserId>,
    /// Of this revision and those after it.
    pub since_revision: Option<i32>,
    /// Taken into the proof, or not.
    pub counting: Option<Counting>,
}

/// One use that is taken into the proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedUse {
    /// The tip.
    pub tip: TipId,
    /// Who used it.
    pub user: UserId,
    /// The revision that readers saw.
    pub revision: i32,
    /// What it did.
    pub result: OutcomeResult,
    /// The machine.
    pub product: Option<String>,
    /// When.
    pub happened_at: Instant,
    /// Its place in the change log.
    pub seq: i64,
}

/// Adds an outcome. Conflicts: `outcomes.client_id`, `one_counted_outcome`.
pub fn insert(conn: &mut Conn<'_>, outcome: &Outcome) -> Result<(), StoreError> {
    let row = Row::from(outcome);
    on_each!(conn, c => diesel::insert_into(outcomes::table).values(&row).execute(*c))?;
    Ok(())
}

/// Makes room for a person's later word on the same occasion: the one before no longer counts.
pub fn replace(conn: &mut Conn<'_>, tip: TipId, user: UserId, occasion: &str) -> Result<(), StoreError> {
    let before = outcomes::table
        .filter(outcomes::tip_id.eq(DbUuid(tip.0)))
        .filter(outcomes::user_id.eq(DbUuid(user.0)))
        .filter(outcomes::occasion.eq(occasion))
        .filter(outcomes::counting.eq(Counting::Counted.word()));
    let replaced = outcomes::counting.eq(Counting::Replaced.word());
    on_each!(conn, c => diesel::update(before).set(replaced).execute(*c))?;
    Ok(())
}

/// One outcome of a tip.
pub fn find(conn: &mut Conn<'_>, tip: TipId, id: OutcomeId) -> Result<Option<Outcome>, StoreError> {
    let query = outcomes::table.find(DbUuid(id.0)).filter(outcomes::tip_id.eq(DbUuid(tip.0)));
    on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(Outcome::try_from).transpose()
}

/// The outcome that a person's client gave this name.
pub fn by_client_id(conn: &mut Conn<'_>, user: UserId, client_id: &str) -> Result<Option<Outcome>, StoreError> {
    let query = outcomes::table.filter(outcomes::user_id.eq(DbUuid(user.0))).filter(outcomes::client_id.eq(client_id));
    on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(Outcome::try_from).transpose()
}

/// The outcomes of tips that a filter lets through, the newest first, at most `limit` before a place of the log.
pub fn list(
    conn: &mut Conn<'_>,
    tips: &[TipId],
    filter: &OutcomeFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Outcome>, StoreError> {
    let tips: Vec<DbUuid> = tips.iter().map(|id| DbUuid(id.0)).collect();
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = outcomes::table
            .filter(outcomes::tip_id.eq_any(tips))
            .select(Row::as_select())
            .into_boxed();
        if let Some(user) = filter.by {
            query = query.filter(outcomes::user_id.eq(DbUuid(user.0)));
        }
        if let Some(revision) = filter.since_revision {
            query = query.filter(outcomes::revision.ge(revision));
        }
        if let Some(counting) = filter.counting {
            query = query.filter(outcomes::counting.eq(counting.word()));
        }
        if let Some(before) = before {
            query = query.filter(outcomes::seq.lt(before));
        }
        query.order(outcomes::seq.desc()).limit(limit).load(*c)
    })?;
    rows.into_iter().map(Outcome::try_from).collect()
}

/// The uses of tips that are taken into their proof, in the order they were told in.
pub fn counted(conn: &mut Conn<'_>, tips: &[TipId]) -> Result<Vec<CountedUse>, StoreError> {
    let tips: Vec<DbUuid> = tips.iter().map(|id| DbUuid(id.0)).collect();
    let query = outcomes::table
        .filter(outcomes::tip_id.eq_any(tips))
        .filter(outcomes::counting.eq(Counting::Counted.word()))
        .order(outcomes::seq);
    let rows: Vec<CountedRow> = on_each!(conn, c => query.select(CountedRow::as_select()).load(*c))?;
    rows.into_iter().map(CountedUse::try_from).collect()
}

fn result_of(word: &str) -> Result<OutcomeResult, StoreError> {
    OutcomeResult::from_word(word).ok_or_else(|| StoreError::corrupt("outcomes.result", word))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outcomes)]
struct CountedRow {
    tip_id: DbUuid,
    user_id: DbUuid,
    revision: i32,
    result: String,
    product: Option<String>,
    happened_at: DbInstant,
    seq: i64,
}

impl TryFrom<CountedRow> for CountedUse {
    type Error = StoreError;

    fn try_from(row: CountedRow) -> Result<Self, StoreError> {
        Ok(Self {
            tip: TipId(row.tip_id.0),
            user: UserId(row.user_id.0),
            revision: row.revision,
            result: result_of(&row.result)?,
            product: row.product,
            happened_at: row.happened_at.0,
            seq: row.seq,
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = outcomes, treat_none_as_default_value = false)]
struct Row {
    id: DbUuid,
    tip_id: DbUuid,
    revision: i32,
    user_id: DbUuid,
    result: String,
    counting: String,
    occasion: String,
    minutes_spent: Option<i32>,
    minutes_saved: Option<i32>,
    product: Option<String>,
    work_order: Option<String>,
    note: Option<String>,
    client_id: Option<String>,
    happened_at: DbInstant,
    reported_at: DbInstant,
    seq: i64,
}

impl From<&Outcome> for Row {
    fn from(outcome: &Outcome) -> Self {
        Self {
            id: DbUuid(outcome.id.0),
            tip_id: DbUuid(outcome.tip.0),
            revision: outcome.revision,
            user_id: DbUuid(outcome.user.0),
            result: outcome.result.word().to_owned(),
            counting: outcome.counting.word().to_owned(),
            occasion: outcome.occasion(),
            minutes_spent: outcome.minutes_spent,
            minutes_saved: outcome.minutes_saved,
            product: outcome.product.clone(),
            work_order: outcome.work_order.clone(),
            note: outcome.note.clone(),
            client_id: outcome.client_id.clone(),
            happened_at: DbInstant(outcome.happened_at),
            reported_at: DbInstant(outcome.reported_at),
            seq: outcome.seq,
        }
    }
}

impl TryFrom<Row> for Outcome {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let counting = Counting::from_word(&row.counting);
        Ok(Self {
            id: OutcomeId(row.id.0),
            tip: TipId(row.tip_id.0),
            revision: row.revision,
            user: UserId(row.user_id.0),
            result: result_of(&row.result)?,
            counting: counting.ok_or_else(|| StoreError::corrupt("outcomes.counting", &row.counting))?,
            minutes_spent: row.minutes_spent,
            minutes_saved: row.minutes_saved,
            product: row.product,
            work_order: row.work_order,
            note: row.note,
            client_id: row.client_id,
            happened_at: row.happened_at.0,
            reported_at: row.reported_at.0,
            seq: row.seq,
        })
    }
}
