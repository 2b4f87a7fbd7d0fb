//! Webhooks: who is told of changes at which URL, how far in the log each has been told, and what signs. Their messages are
//! in `webhooks/deliveries.rs`.

mod deliveries;

use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::change::Kind;
use eureka_domain::ids::{CommunityId, TipId, UserId, WebhookId};
use eureka_domain::user::UserStatus;
use eureka_domain::webhook::{Health, Webhook, WebhookStatus};
use uuid::Uuid;

use crate::schema::{users, webhook_lease, webhook_secrets, webhooks};
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

pub use deliveries::{
    backlog, count_waiting, delivery, drop_waiting, due, enqueue, hasten, is_approved_before, is_told, list_deliveries,
    next, purge_deliveries, save_delivery, set_told,
};

/// How far a webhook's owner has been told of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The log.
    pub log_id: Uuid,
    /// The head of the log when the webhook began.
    pub since: i64,
    /// The last row that has been told in full.
    pub seq: i64,
    /// The last tip of the next row that has been told.
    pub within: Option<TipId>,
}

/// Adds a webhook that begins at a place.
pub fn insert(conn: &mut Conn<'_>, webhook: &Webhook, place: &Place) -> Result<(), StoreError> {
    let row = Row::of(webhook, place);
    on_each!(conn, c => diesel::insert_into(webhooks::table).values(row).execute(*c))?;
    Ok(())
}

/// One webhook.
pub fn find(conn: &mut Conn<'_>, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
    Ok(find_with_place(conn, id)?.map(|(webhook, _)| webhook))
}

/// One webhook, and how far its owner has been told.
pub fn find_with_place(conn: &mut Conn<'_>, id: WebhookId) -> Result<Option<(Webhook, Place)>, StoreError> {
    let query = webhooks::table.find(DbUuid(id.0));
    let row: Option<Row> = on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?;
    row.map(Row::read).transpose()
}

/// How many webhooks a person has.
pub fn count(conn: &mut Conn<'_>, owner: UserId) -> Result<i64, StoreError> {
    let query = webhooks::table.filter(webhooks::user_id.eq(DbUuid(owner.0))).count();
    Ok(on_each!(conn, c => query.get_result(*c))?)
}

/// A person's webhooks, the oldest first, at most `limit` after one of them.
pub fn list(
    conn: &mut Conn<'_>,
    owner: UserId,
    after: Option<WebhookId>,
    limit: i64,
) -> Result<Vec<Webhook>, StoreError> {
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = webhooks::table.filter(webhooks::user_id.eq(DbUuid(owner.0))).into_boxed();
        if let Some(after) = after {
            query = query.filter(webhooks::id.gt(DbUuid(after.0)));
        }
        query.select(Row::as_select()).order(webhooks::id).limit(limit).load(*c)
    })?;
    rows.into_iter().map(|row| Ok(row.read()?.0)).collect()
}

/// Those that are sent to, of people who may sign in, and how far each has been told.
pub fn active(conn: &mut Conn<'_>) -> Result<Vec<(Webhook, Place)>, StoreError> {
    let query = webhooks::table
        .inner_join(users::table)
        .filter(users::status.eq(UserStatus::Active.word()))
        .filter(webhooks::status.eq(WebhookStatus::Active.word()))
        .order(webhooks::id);
    let rows: Vec<Row> = on_each!(conn, c => query.select(Row::as_select()).load(*c))?;
    rows.into_iter().map(Row::read).collect()
}

/// Writes what a webhook's owner may change of it, and its standing.
pub fn save(conn: &mut Conn<'_>, webhook: &Webhook) -> Result<(), StoreError> {
    let set = (
        webhooks::url.eq(&webhook.url),
        webhooks::description.eq(&webhook.description),
        webhooks::community_id.eq(webhook.community.map(|id| DbUuid(id.0))),
        webhooks::kinds.eq(words(&webhook.kinds)),
        webhooks::status.eq(webhook.status.word()),
        webhooks::updated_at.eq(DbInstant(webhook.updated_at)),
        webhooks::secret_at.eq(DbInstant(webhook.secret_at)),
    );
    let one = webhooks::table.find(DbUuid(webhook.id.0));
    on_each!(conn, c => diesel::update(one).set(set).execute(*c))?;
    save_health(conn, webhook.id, &webhook.health)
}

/// Writes how a webhook fares.
pub fn save_health(conn: &mut Conn<'_>, id: WebhookId, health: &Health) -> Result<(), StoreError> {
    let set = (
        webhooks::failures.eq(health.failures),
        webhooks::failing_since.eq(health.failing_since.map(DbInstant)),
        webhooks::resting_until.eq(health.resting_until.map(DbInstant)),
    );
    on_each!(conn, c => diesel::update(webhooks::table.find(DbUuid(id.0))).set(set).execute(*c))?;
    Ok(())
}

/// Writes how far a webhook's owner has been told.
pub fn move_to(conn: &mut Conn<'_>, id: WebhookId, place: &Place) -> Result<(), StoreError> {
    let set = (
        webhooks::log_id.eq(DbUuid(place.log_id)),
        webhooks::since.eq(place.since),
        webhooks::seq.eq(place.seq),
        webhooks::within.eq(place.within.map(|id| DbUuid(id.0))),
    );
    on_each!(conn, c => diesel::update(webhooks::table.find(DbUuid(id.0))).set(set).execute(*c))?;
    Ok(())
}

/// Turns every webhook of a person off; says how many were on.
pub fn pause_all(conn: &mut Conn<'_>, owner: UserId, now: Instant) -> Result<usize, StoreError> {
    let theirs = webhooks::table
        .filter(webhooks::user_id.eq(DbUuid(owner.0)))
        .filter(webhooks::status.eq(WebhookStatus::Active.word()));
    let set = (webhooks::status.eq(WebhookStatus::Paused.word()), webhooks::updated_at.eq(DbInstant(now)));
    Ok(on_each!(conn, c => diesel::update(theirs).set(set).execute(*c))?)
}

/// Ends a webhook, with its secrets and messages.
pub fn remove(conn: &mut Conn<'_>, id: WebhookId) -> Result<(), StoreError> {
    on_each!(conn, c => diesel::delete(webhooks::table.find(DbUuid(id.0))).execute(*c))?;
    Ok(())
}

/// What signs at a moment, the newest first.
pub fn secrets(conn: &mut Conn<'_>, id: WebhookId, now: Instant) -> Result<Vec<String>, StoreError> {
    let in_force = webhook_secrets::until.is_null().or(webhook_secrets::until.gt(DbInstant(now)));
    let query = webhook_secrets::table
        .filter(webhook_secrets::webhook_id.eq(DbUuid(id.0)))
        .filter(in_force)
        .select((webhook_secrets::secret, webhook_secrets::until));
    let mut rows: Vec<(String, Option<DbInstant>)> = on_each!(conn, c => query.load(*c))?;
    rows.sort_by_key(|(_, until)| (until.is_some(), std::cmp::Reverse(*until)));
    Ok(rows.into_iter().map(|(secret, _)| secret).collect())
}

/// Adds a secret; the one that has signed until now goes on until a moment, and what has ended goes.
pub fn add_secret(
    conn: &mut Conn<'_>,
    id: WebhookId,
    secret: &str,
    now: Instant,
    until: Instant,
) -> Result<(), StoreError> {
    let of = || webhook_secrets::webhook_id.eq(DbUuid(id.0));
    let ended = webhook_secrets::table.filter(of()).filter(webhook_secrets::until.le(DbInstant(now)));
    let present = webhook_secrets::table.filter(of()).filter(webhook_secrets::until.is_null());
    let row = (of(), webhook_secrets::secret.eq(secret));
    on_each!(conn, c => {
        diesel::delete(ended).execute(*c)?;
        diesel::update(present).set(webhook_secrets::until.eq(DbInstant(until))).execute(*c)?;
        diesel::insert_into(webhook_secrets::table).values(row).execute(*c)
    })?;
    Ok(())
}

/// Makes a process the one that sends until a moment, unless another one is; whether it is.
pub fn take_lease(conn: &mut Conn<'_>, holder: Uuid, now: Instant, until: Instant) -> Result<bool, StoreError> {
    let free = webhook_lease::holder
        .is_null()
        .or(webhook_lease::holder.eq(DbUuid(holder)))
        .or(webhook_lease::until.le(DbInstant(now)));
    let set = (webhook_lease::holder.eq(DbUuid(holder)), webhook_lease::until.eq(DbInstant(until)));
    let taken = on_each!(conn, c => diesel::update(webhook_lease::table.filter(free)).set(set).execute(*c))?;
    Ok(taken == 1)
}

/// Leaves the sending to whoever wants it next.
pub fn leave_lease(conn: &mut Conn<'_>, holder: Uuid) -> Result<(), StoreError> {
    let own = webhook_lease::table.filter(webhook_lease::holder.eq(DbUuid(holder)));
    let set = (webhook_lease::holder.eq(None::<DbUuid>), webhook_lease::until.eq(None::<DbInstant>));
    on_each!(conn, c => diesel::update(own).set(set).execute(*c))?;
    Ok(())
}

fn words(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(" ")
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = webhooks, treat_none_as_default_value = false)]
struct Row {
    id: DbUuid,
    user_id: DbUuid,
    url: String,
    description: String,
    community_id: Option<DbUuid>,
    kinds: String,
    status: String,
    created_at: DbInstant,
    updated_at: DbInstant,
    secret_at: DbInstant,
    failures: i32,
    failing_since: Option<DbInstant>,
    resting_until: Option<DbInstant>,
    log_id: DbUuid,
    since: i64,
    seq: i64,
    within: Option<DbUuid>,
}

impl Row {
    fn of(webhook: &Webhook, place: &Place) -> Self {
        Self {
            id: DbUuid(webhook.id.0),
            user_id: DbUuid(webhook.owner.0),
            url: webhook.url.clone(),
            description: webhook.description.clone(),
            community_id: webhook.community.map(|id| DbUuid(id.0)),
            kinds: words(&webhook.kinds),
            status: webhook.status.word().to_owned(),
            created_at: DbInstant(webhook.created_at),
            updated_at: DbInstant(webhook.updated_at),
            secret_at: DbInstant(webhook.secret_at),
            failures: webhook.health.failures,
            failing_since: webhook.health.failing_since.map(DbInstant),
            resting_until: webhook.health.resting_until.map(DbInstant),
            log_id: DbUuid(place.log_id),
            since: place.since,
            seq: place.seq,
            within: place.within.map(|id| DbUuid(id.0)),
        }
    }

    fn read(self) -> Result<(Webhook, Place), StoreError> {
        let kind = |word: &str| Kind::from_word(word).ok_or_else(|| StoreError::corrupt("webhooks.kinds", word));
        let webhook = Webhook {
            id: WebhookId(self.id.0),
            owner: UserId(self.user_id.0),
            url: self.url,
            description: self.description,
            community: self.community_id.map(|id| CommunityId(id.0)),
            kinds: self.kinds.split_whitespace().map(kind).collect::<Result<_, _>>()?,
            status: WebhookStatus::from_word(&self.status)
                .ok_or_else(|| StoreError::corrupt("webhooks.status", &self.status))?,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
            secret_at: self.secret_at.0,
            health: Health {
                failures: self.failures,
                failing_since: self.failing_since.map(|at| at.0),
                resting_until: self.resting_until.map(|at| at.0),
            },
        };
        let place = Place {
            log_id: self.log_id.0,
            since: self.since,
            seq: self.seq,
            within: self.within.map(|id| TipId(id.0)),
        };
        Ok((webhook, place))
    }
}
