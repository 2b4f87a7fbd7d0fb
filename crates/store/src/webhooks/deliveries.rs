//! The messages of webhooks, and the tips that their receivers were told of.

use diesel::dsl::{count_star, exists, min, select};
use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::change::Kind;
use eureka_domain::ids::{DeliveryId, TipId, WebhookId};
use eureka_domain::user::UserStatus;
use eureka_domain::webhook::{Delivery, DeliveryStatus, Event, WebhookStatus};

use crate::schema::{change_log, users, webhook_deliveries, webhook_told, webhooks};
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// What is to be sent at a moment: to a webhook that is on and not resting, of a person who may sign in; pings to any.
macro_rules! waiting {
    ($now:expr) => {{
        let rested = webhooks::resting_until.is_null().or(webhooks::resting_until.le(DbInstant($now)));
        let is_on = webhooks::status.eq(WebhookStatus::Active.word()).and(rested);
        webhook_deliveries::table
            .inner_join(webhooks::table.inner_join(users::table))
            .filter(webhook_deliveries::status.eq(DeliveryStatus::Pending.word()))
            .filter(webhook_deliveries::next_at.le(DbInstant($now)))
            .filter(users::status.eq(UserStatus::Active.word()))
            .filter(webhook_deliveries::kind.is_null().or(is_on))
    }};
}

/// Adds messages that are to be sent.
pub fn enqueue(conn: &mut Conn<'_>, deliveries: &[Delivery]) -> Result<(), StoreError> {
    let rows: Vec<Row> = deliveries.iter().map(Row::from).collect();
    for rows in rows.chunks(crate::MANY) {
        on_each!(conn, c => diesel::insert_into(webhook_deliveries::table).values(rows).execute(*c))?;
    }
    Ok(())
}

/// The webhooks that something is to be sent to.
pub fn due(conn: &mut Conn<'_>, now: Instant) -> Result<Vec<WebhookId>, StoreError> {
    let query = waiting!(now).select(webhook_deliveries::webhook_id).distinct();
    let ids: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
    Ok(ids.into_iter().map(|id| WebhookId(id.0)).collect())
}

/// The oldest message that is to be sent to a webhook.
pub fn next(conn: &mut Conn<'_>, webhook: WebhookId, now: Instant) -> Result<Option<Delivery>, StoreError> {
    let query =
        waiting!(now).filter(webhook_deliveries::webhook_id.eq(DbUuid(webhook.0))).order(webhook_deliveries::id);
    let row: Option<Row> = on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?;
    row.map(Delivery::try_from).transpose()
}

/// How many messages are to be sent, and since when the oldest is due.
pub fn backlog(conn: &mut Conn<'_>, now: Instant) -> Result<(i64, Option<Instant>), StoreError> {
    let query = waiting!(now).select((count_star(), min(webhook_deliveries::next_at)));
    let (waiting, since): (i64, Option<DbInstant>) = on_each!(conn, c => query.first(*c))?;
    Ok((waiting, since.map(|since| since.0)))
}

/// How many messages of a webhook are to be sent, now or later.
pub fn count_waiting(conn: &mut Conn<'_>, webhook: WebhookId) -> Result<i64, StoreError> {
    let query = webhook_deliveries::table
        .filter(webhook_deliveries::webhook_id.eq(DbUuid(webhook.0)))
        .filter(webhook_deliveries::status.eq(DeliveryStatus::Pending.word()))
        .count();
    Ok(on_each!(conn, c => query.get_result(*c))?)
}

/// One message of a webhook.
pub fn delivery(conn: &mut Conn<'_>, webhook: WebhookId, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
    let query =
        webhook_deliveries::table.find(DbUuid(id.0)).filter(webhook_deliveries::webhook_id.eq(DbUuid(webhook.0)));
    let row: Option<Row> = on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?;
    row.map(Delivery::try_from).transpose()
}

/// The messages of a webhook, the newest first, at most `limit` before one of them.
pub fn list_deliveries(
    conn: &mut Conn<'_>,
    webhook: WebhookId,
    status: Option<DeliveryStatus>,
    before: Option<DeliveryId>,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query =
            webhook_deliveries::table.filter(webhook_deliveries::webhook_id.eq(DbUuid(webhook.0))).into_boxed();
        if let Some(status) = status {
            query = query.filter(webhook_deliveries::status.eq(status.word()));
        }
        if let Some(before) = before {
            query = query.filter(webhook_deliveries::id.lt(DbUuid(before.0)));
        }
        query.select(Row::as_select()).order(webhook_deliveries::id.desc()).limit(limit).load(*c)
    })?;
    rows.into_iter().map(Delivery::try_from).collect()
}

/// Writes what became of a message.
pub fn save_delivery(conn: &mut Conn<'_>, delivery: &Delivery) -> Result<(), StoreError> {
    let set = (
        webhook_deliveries::status.eq(delivery.status.word()),
        webhook_deliveries::attempts.eq(delivery.attempts),
        webhook_deliveries::tried_at.eq(delivery.tried_at.map(DbInstant)),
        webhook_deliveries::next_at.eq(delivery.next_at.map(DbInstant)),
        webhook_deliveries::response.eq(delivery.response),
        webhook_deliveries::error.eq(delivery.error.as_deref()),
    );
    on_each!(conn, c => diesel::update(webhook_deliveries::table.find(DbUuid(delivery.id.0))).set(set).execute(*c))?;
    Ok(())
}

/// Has everything that waits for a webhook sent from a moment on.
pub fn hasten(conn: &mut Conn<'_>, webhook: WebhookId, now: Instant) -> Result<(), StoreError> {
    let waiting = webhook_deliveries::table
        .filter(webhook_deliveries::webhook_id.eq(DbUuid(webhook.0)))
        .filter(webhook_deliveries::status.eq(DeliveryStatus::Pending.word()));
    let set = webhook_deliveries::next_at.eq(DbInstant(now));
    on_each!(conn, c => diesel::update(waiting).set(set).execute(*c))?;
    Ok(())
}

/// Forgets a message that is not to be sent, as if it had never been.
pub fn drop_waiting(conn: &mut Conn<'_>, id: DeliveryId) -> Result<(), StoreError> {
    on_each!(conn, c => diesel::delete(webhook_deliveries::table.find(DbUuid(id.0))).execute(*c))?;
    Ok(())
}

/// Forgets the messages that were asked for before a moment, and of each webhook all that have been seen to but the newest
/// `most`; says how many.
pub fn purge_deliveries(conn: &mut Conn<'_>, before: Instant, most: i64) -> Result<usize, StoreError> {
    let old = webhook_deliveries::table.filter(webhook_deliveries::created_at.lt(DbInstant(before)));
    let mut forgotten = on_each!(conn, c => diesel::delete(old).execute(*c))?;
    let seen_to = || webhook_deliveries::table.filter(webhook_deliveries::status.ne(DeliveryStatus::Pending.word()));
    let many = seen_to()
        .group_by(webhook_deliveries::webhook_id)
        .having(count_star().gt(most))
        .select(webhook_deliveries::webhook_id);
    let many: Vec<DbUuid> = on_each!(conn, c => many.load(*c))?;
    for webhook in many {
        let of = || webhook_deliveries::webhook_id.eq(webhook);
        let last =
            seen_to().filter(of()).order(webhook_deliveries::id.desc()).offset(most).select(webhook_deliveries::id);
        let last: Option<DbUuid> = on_each!(conn, c => last.first(*c).optional())?;
        let Some(last) = last else { continue };
        let rest = webhook_deliveries::table
            .filter(of())
            .filter(webhook_deliveries::status.ne(DeliveryStatus::Pending.word()))
            .filter(webhook_deliveries::id.le(last));
        forgotten += on_each!(conn, c => diesel::delete(rest).execute(*c))?;
    }
    Ok(forgotten)
}

/// Whether the receiver of a webhook may have been told of a tip.
pub fn is_told(conn: &mut Conn<'_>, webhook: WebhookId, tip: TipId) -> Result<bool, StoreError> {
    let query = select(exists(webhook_told::table.find((DbUuid(webhook.0), DbUuid(tip.0)))));
    Ok(on_each!(conn, c => query.get_result(*c))?)
}

/// Notes that it may have been told of a tip, or that it was told that the tip is gone.
pub fn set_told(conn: &mut Conn<'_>, webhook: WebhookId, tip: TipId, is_told: bool) -> Result<(), StoreError> {
    let key = (DbUuid(webhook.0), DbUuid(tip.0));
    if is_told {
        let row = (webhook_told::webhook_id.eq(key.0), webhook_told::tip_id.eq(key.1));
        let insert = diesel::insert_into(webhook_told::table).values(row).on_conflict_do_nothing();
        on_each!(conn, c => insert.execute(*c))?;
    } else {
        on_each!(conn, c => diesel::delete(webhook_told::table.find(key)).execute(*c))?;
    }
    Ok(())
}

/// Whether a tip had been approved at a place of the log.
pub fn is_approved_before(conn: &mut Conn<'_>, tip: TipId, seq: i64) -> Result<bool, StoreError> {
    let approvals = [Kind::TipPublished.word(), Kind::TipImported.word()];
    let approved = change_log::table
        .filter(change_log::tip_id.eq(DbUuid(tip.0)))
        .filter(change_log::kind.eq_any(approvals))
        .filter(change_log::seq.le(seq));
    Ok(on_each!(conn, c => select(exists(approved)).get_result(*c))?)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_deliveries, treat_none_as_default_value = false)]
struct Row {
    id: DbUuid,
    webhook_id: DbUuid,
    kind: Option<String>,
    position: Option<i64>,
    at: Option<DbInstant>,
    tip_id: Option<DbUuid>,
    was_read: i32,
    status: String,
    attempts: i32,
    created_at: DbInstant,
    tried_at: Option<DbInstant>,
    next_at: Option<DbInstant>,
    response: Option<i32>,
    error: Option<String>,
}

impl From<&Delivery> for Row {
    fn from(delivery: &Delivery) -> Self {
        let event = delivery.event;
        Self {
            id: DbUuid(delivery.id.0),
            webhook_id: DbUuid(delivery.webhook.0),
            kind: event.map(|event| event.kind.word().to_owned()),
            position: event.map(|event| event.position),
            at: event.map(|event| DbInstant(event.at)),
            tip_id: event.map(|event| DbUuid(event.tip.0)),
            was_read: event.map_or(0, |event| i32::from(event.was_read)),
            status: delivery.status.word().to_owned(),
            attempts: delivery.attempts,
            created_at: DbInstant(delivery.created_at),
            tried_at: delivery.tried_at.map(DbInstant),
            next_at: delivery.next_at.map(DbInstant),
            response: delivery.response,
            error: delivery.error.clone(),
        }
    }
}

impl TryFrom<Row> for Delivery {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let event = match (row.kind, row.position, row.at, row.tip_id) {
            (Some(word), Some(position), Some(at), Some(tip)) => {
                let kind =
                    Kind::from_word(&word).ok_or_else(|| StoreError::corrupt("webhook_deliveries.kind", &word))?;
                Some(Event { kind, position, at: at.0, tip: TipId(tip.0), was_read: row.was_read != 0 })
            }
            _ => None,
        };
        Ok(Self {
            id: DeliveryId(row.id.0),
            webhook: WebhookId(row.webhook_id.0),
            event,
            status: DeliveryStatus::from_word(&row.status)
                .ok_or_else(|| StoreError::corrupt("webhook_deliveries.status", &row.status))?,
            attempts: row.attempts,
            created_at: row.created_at.0,
            tried_at: row.tried_at.map(|at| at.0),
            next_at: row.next_at.map(|at| at.0),
            response: row.response,
            error: row.error,
        })
    }
}
