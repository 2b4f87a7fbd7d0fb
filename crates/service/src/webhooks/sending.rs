//! The sending of webhooks: a thread of the service follows the log for each of them, and another sends what is due to
//! each that has something due.
//!
//! One process sends at a time: whoever has the lease, which each attempt renews. An attempt is written down before it is
//! made, with when the next one is due: what is not heard of again is sent again, under the same id. What a message says
//! is made at that moment, of what its owner may see then.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, Scope};
use std::time::{Duration, Instant as Stopwatch};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eureka_domain::Instant;
use eureka_domain::access::Caller;
use eureka_domain::change::{Change, Facts, Head, Kind};
use eureka_domain::feed::{self, Absence, Told};
use eureka_domain::ids::{DeliveryId, TipRef, UserId, WebhookId};
use eureka_domain::user::{SiteRole, UserStatus};
use eureka_domain::webhook::{Attempt, Delivery, DeliveryStatus, Event, Health, MAX_WAITING, Webhook, WebhookStatus};
use eureka_store::webhooks::{self, Place};
use eureka_store::{Conn, communities, log, notifications, tips, users};
use parking_lot::{Condvar, Mutex};
use uuid::Uuid;

use super::{Parcel, Post};
use crate::callers::standing;
use crate::feed::{FeedCursor, FeedEntry, look};
use crate::{Service, ServiceError, audit};

/// What every secret begins with.
pub(super) const SECRET_PREFIX: &str = "whsec_";
/// How often it is looked whether something is due; a change in this process is seen at once.
const POLL: Duration = Duration::from_secs(1);
/// How long a process that was heard of is left to send alone. Longer than an attempt takes.
const LEASE: chrono::Duration = chrono::Duration::seconds(60);
/// How many webhooks are sent to at once.
const SENDERS: usize = 16;
/// How long one webhook is sent to before it is looked who else waits.
const TURN: Duration = Duration::from_secs(5);
/// How many tips one look at the log tells of at most.
const PAGE: i64 = 100;
/// How many looks a round takes for one webhook at most.
const LOOKS: usize = 10;
/// How many messages that are not to be sent any more are dropped in one transaction.
const DROPPED: usize = 100;
/// How many rows of the log that tell a webhook nothing are gone over before its place is written down.
const UNWRITTEN: i64 = 1000;

/// What a message tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Of which webhook it is.
    pub webhook: WebhookId,
    /// When what it tells of happened.
    pub at: Instant,
    /// The life of the database that its position belongs to.
    pub log_id: Uuid,
    /// What is told of a tip; nothing in a ping.
    pub entry: Option<FeedEntry>,
}

/// How a message is written.
pub type Envelope = fn(&Message) -> Vec<u8>;

/// How the sending of webhooks stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookFigures {
    /// Messages that are due, of all processes.
    pub due: i64,
    /// How long the oldest of them has been due.
    pub oldest_due: Duration,
    /// Attempts of this process that were taken by their receivers, since the start.
    pub taken: u64,
    /// Attempts of this process that were not.
    pub not_taken: u64,
    /// Webhooks that this process turned off because their receivers took nothing.
    pub turned_off: u64,
}

/// What sending works with, beside the service.
pub(crate) struct Sending {
    post: Arc<dyn Post>,
    /// This process, as far as the lease is concerned.
    holder: Uuid,
    /// How far the log has been looked at for each webhook, which may be further than it is written down.
    places: Mutex<HashMap<WebhookId, FeedCursor>>,
    /// Those that are being sent to.
    busy: Mutex<HashSet<WebhookId>>,
    stopping: AtomicBool,
    awake: Mutex<bool>,
    woken: Condvar,
    tally: Tally,
}

/// What this process has sent since its start.
#[derive(Default)]
struct Tally {
    taken: AtomicU64,
    not_taken: AtomicU64,
    turned_off: AtomicU64,
}

impl Sending {
    pub(crate) fn new(post: Arc<dyn Post>) -> Self {
        let mut random = [0; 16];
        if let Err(error) = getrandom::fill(&mut random) {
            tracing::error!(%error, "no randomness: this process may be taken for another one that sends webhooks");
        }
        Self {
            post,
            holder: uuid::Builder::from_custom_bytes(random).into_uuid(),
            places: Mutex::default(),
            busy: Mutex::default(),
            stopping: AtomicBool::new(false),
            awake: Mutex::new(false),
            woken: Condvar::new(),
            tally: Tally::default(),
        }
    }

    /// What there is to send, of what the database says is due, and what has been sent.
    pub(crate) fn figures(&self, (due, since): (i64, Option<Instant>), now: Instant) -> WebhookFigures {
        WebhookFigures {
            due,
            oldest_due: since.and_then(|since| (now - since).to_std().ok()).unwrap_or_default(),
            taken: self.tally.taken.load(Ordering::Relaxed),
            not_taken: self.tally.not_taken.load(Ordering::Relaxed),
            turned_off: self.tally.turned_off.load(Ordering::Relaxed),
        }
    }

    fn count(&self, is_taken: bool, outlook: Outlook) {
        let attempts = if is_taken { &self.tally.taken } else { &self.tally.not_taken };
        attempts.fetch_add(1, Ordering::Relaxed);
        if outlook == Outlook::TurnedOff {
            self.tally.turned_off.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn post(&self) -> &dyn Post {
        &*self.post
    }

    /// Something may be due.
    pub(crate) fn wake(&self) {
        *self.awake.lock() = true;
        self.woken.notify_one();
    }

    fn sleep(&self) {
        let mut awake = self.awake.lock();
        if !*awake && !self.is_stopping() {
            self.woken.wait_for(&mut awake, POLL);
        }
        *awake = false;
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

/// That a webhook is being sent to, until this is dropped.
struct Busy<'a>(&'a Sending, WebhookId);

impl<'a> Busy<'a> {
    fn take(sending: &'a Sending, id: WebhookId) -> Option<Self> {
        let mut busy = sending.busy.lock();
        (busy.len() < SENDERS && busy.insert(id)).then(|| Self(sending, id))
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.lock().remove(&self.1);
    }
}

impl Service {
    /// Sends webhooks from now on, until [`Self::stop_webhooks`].
    pub fn follow_webhooks(self: &Arc<Self>, envelope: Envelope) -> Result<JoinHandle<()>, ServiceError> {
        let service = Arc::clone(self);
        let changes = self.store.subscribe();
        let bell = Arc::clone(self);
        // Pings of the writer are turned into wakes: one thread waits for both.
        let ring = move || {
            while !bell.sending.is_stopping() {
                match changes.recv_timeout(POLL) {
                    Ok(()) => bell.sending.wake(),
                    Err(over) if over.is_disconnected() => break,
                    Err(_) => {}
                }
            }
        };
        let work = move || {
            std::thread::scope(|scope| {
                scope.spawn(ring);
                while !service.sending.is_stopping() {
                    if let Err(error) = service.send_round(scope, envelope) {
                        tracing::warn!(%error, "webhooks wait");
                    }
                    service.sending.sleep();
                }
            });
            let holder = service.sending.holder;
            let left = service.store.write(move |conn| webhooks::leave_lease(conn, holder));
            if let Err(error) = left {
                tracing::debug!(%error, "the lease of the webhooks runs out by itself");
            }
        };
        std::thread::Builder::new().name("webhooks".to_owned()).spawn(work).map_err(ServiceError::internal)
    }

    /// Ends the sending; what is being sent is waited for by whoever joins the thread.
    pub fn stop_webhooks(&self) {
        self.sending.stopping.store(true, Ordering::SeqCst);
        self.sending.wake();
    }

    /// Follows the log once for every webhook and sends what is due, if no other process does; waits until it is sent.
    pub fn send_webhooks(&self, envelope: Envelope) -> Result<(), ServiceError> {
        std::thread::scope(|scope| self.send_round(scope, envelope))
    }

    fn send_round<'scope, 'env>(
        &'env self,
        scope: &'scope Scope<'scope, 'env>,
        envelope: Envelope,
    ) -> Result<(), ServiceError> {
        if !self.follow_log()? {
            return Ok(());
        }
        let now = self.clock.now();
        for id in self.store.read(|conn| webhooks::due(conn, now))? {
            let Some(busy) = Busy::take(&self.sending, id) else { continue };
            let work = move || {
                if let Err(error) = self.send_to(id, envelope) {
                    tracing::warn!(%error, webhook = %id, "the messages of a webhook wait");
                }
                drop(busy);
                self.sending.wake(); // there may be more, or somebody whose turn it is
            };
            let spawned = std::thread::Builder::new().name("webhook".to_owned()).spawn_scoped(scope, work);
            spawned.map_err(ServiceError::internal)?;
        }
        Ok(())
    }

    /// Makes messages of what has changed for each webhook. Whether it is this process that sends, and there is
    /// something to do.
    fn follow_log(&self) -> Result<bool, ServiceError> {
        let now = self.clock.now();
        let (head, active, is_due) = self.store.read(|conn| {
            let is_due = !webhooks::due(conn, now)?.is_empty();
            Ok::<_, ServiceError>((log::head(conn)?, webhooks::active(conn)?, is_due))
        })?;
        let behind: Vec<_> = active
            .into_iter()
            .map(|(webhook, place)| (self.reached(&webhook, &place), webhook, place))
            .filter(|(reached, ..)| reached.log_id != head.log_id || reached.seq < head.seq)
            .collect();
        if behind.is_empty() && !is_due {
            return Ok(false);
        }
        let holder = self.sending.holder;
        let leased = self.store.write(move |conn| webhooks::take_lease(conn, holder, now, now + LEASE))?.value;
        if leased {
            for (reached, webhook, place) in behind {
                self.follow_for(&webhook, place, reached, &head)?;
            }
        }
        Ok(leased)
    }

    /// How far the log has been looked at for a webhook.
    fn reached(&self, webhook: &Webhook, place: &Place) -> FeedCursor {
        let written = FeedCursor { log_id: place.log_id, seq: place.seq, within: place.within };
        let looked = self.sending.places.lock().get(&webhook.id).copied();
        looked.filter(|looked| looked.log_id == written.log_id && looked.seq > written.seq).unwrap_or(written)
    }

    fn follow_for(
        &self,
        webhook: &Webhook,
        place: Place,
        mut reached: FeedCursor,
        head: &Head,
    ) -> Result<(), ServiceError> {
        let now = self.clock.now();
        let (id, before) = (webhook.id, place);
        let mut place = place;
        if place.log_id != head.log_id {
            // A restored database: what the other life has told is not told again.
            reached = FeedCursor::at(head, head.seq);
            place = Place { log_id: head.log_id, since: head.seq, seq: head.seq, within: None };
        }
        let mut events: Vec<Event> = Vec::new();
        for _ in 0..LOOKS {
            let room = self.store.read(|conn| {
                let Some(caller) = reader(conn, webhook.owner)? else { return Ok(0) };
                let waiting = webhooks::count_waiting(conn, id)? + i64::try_from(events.len()).unwrap_or(i64::MAX);
                let room = i64::try_from(MAX_WAITING).unwrap_or(i64::MAX) - waiting;
                if room > 0 {
                    let (entries, next) = look(conn, &caller, reached, head, room.min(PAGE))?;
                    reached = next;
                    for entry in entries {
                        events.extend(wanted(conn, webhook, &place, &entry)?);
                    }
                }
                Ok::<_, ServiceError>(room)
            })?;
            if room <= 0 || reached.seq >= head.seq {
                break;
            }
        }
        let moved = Place { seq: reached.seq, within: reached.within, ..place };
        if !events.is_empty() || moved.log_id != before.log_id || moved.seq - before.seq >= UNWRITTEN {
            let messages: Vec<Delivery> =
                events.iter().map(|event| Delivery::new(DeliveryId(self.new_id(now)), id, Some(*event), now)).collect();
            self.store.write(move |conn| {
                // Another process, or an owner, may have been here meanwhile.
                if webhooks::find_with_place(conn, id)?.is_some_and(|(_, place)| place == before) {
                    webhooks::enqueue(conn, &messages)?;
                    webhooks::move_to(conn, id, &moved)?;
                }
                Ok::<_, ServiceError>(())
            })?;
        }
        self.sending.places.lock().insert(id, reached);
        Ok(())
    }

    /// Sends to one webhook what is due, in order, until something is not taken.
    fn send_to(&self, id: WebhookId, envelope: Envelope) -> Result<(), ServiceError> {
        let watch = Stopwatch::now();
        while watch.elapsed() < TURN && !self.sending.is_stopping() {
            let Some(begun) = self.begin_attempt_at(id)? else { break };
            let parcel = begun.parcel(envelope)?;
            let attempt = self.sending.post.send(&parcel);
            let is_taken = attempt.is_taken();
            let outlook = self.note_attempt(begun, attempt)?;
            self.sending.count(is_taken, outlook);
            if outlook != Outlook::GoesOn {
                break;
            }
        }
        Ok(())
    }

    /// Writes down that the next message of a webhook is being sent, and what it says.
    fn begin_attempt_at(&self, id: WebhookId) -> Result<Option<Begun>, ServiceError> {
        let (now, holder) = (self.clock.now(), self.sending.holder);
        let begun = self.store.write(move |conn| {
            if !webhooks::take_lease(conn, holder, now, now + LEASE)? {
                return Ok(None);
            }
            for _ in 0..DROPPED {
                let Some(delivery) = webhooks::next(conn, id, now)? else { return Ok(None) };
                let Some(webhook) = webhooks::find(conn, id)? else { return Ok(None) };
                let Some(message) = message(conn, &webhook, &delivery)? else {
                    webhooks::drop_waiting(conn, delivery.id)?;
                    continue;
                };
                if let Some(FeedEntry { tip, told: Told::Listed { .. }, .. }) = message.entry {
                    webhooks::set_told(conn, id, tip, true)?; // it may arrive, whatever is heard of it
                }
                let delivery = delivery.begun(now);
                webhooks::save_delivery(conn, &delivery)?;
                let secrets = webhooks::secrets(conn, id, now)?;
                return Ok(Some(Begun { delivery, message, url: webhook.url, secrets, now }));
            }
            Ok::<_, ServiceError>(None)
        })?;
        Ok(begun.value)
    }

    /// Writes down what came of an attempt.
    fn note_attempt(&self, begun: Begun, attempt: Attempt) -> Result<Outlook, ServiceError> {
        let now = self.clock.now();
        let Begun { delivery, message, .. } = begun;
        let noted = self.store.write(move |conn| {
            let id = delivery.webhook;
            // It may have been ended meanwhile, or asked for once more.
            let Some(webhook) = webhooks::find(conn, id)? else { return Ok(Outlook::Waits) };
            let present = webhooks::delivery(conn, id, delivery.id)?;
            if let Some(present) = present.filter(|present| present.attempts == delivery.attempts) {
                let tried = present.tried(&attempt);
                webhooks::save_delivery(conn, &tried)?;
                if let (DeliveryStatus::Delivered, Some(FeedEntry { tip, told: Told::Gone(_), .. })) =
                    (tried.status, &message.entry)
                {
                    webhooks::set_told(conn, id, *tip, false)?;
                }
            }
            if message.entry.is_none() {
                return Ok(Outlook::GoesOn); // a ping says nothing of how it fares
            }
            let health = webhook.health.after(&attempt, delivery.id, now);
            if attempt.is_farewell() {
                turn_off(conn, webhook, WebhookStatus::Gone, "the receiver answered 410 Gone", now)?;
                return Ok(Outlook::TurnedOff);
            }
            if health.is_hopeless(now) {
                turn_off(conn, webhook, WebhookStatus::Failing, "nothing was taken for a day", now)?;
                return Ok(Outlook::TurnedOff);
            }
            webhooks::save_health(conn, id, &health)?;
            Ok::<_, ServiceError>(if attempt.is_taken() { Outlook::GoesOn } else { Outlook::Waits })
        })?;
        Ok(noted.value)
    }
}

/// How it goes on with a webhook after an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outlook {
    /// The next message may follow at once.
    GoesOn,
    /// Nothing is sent for a time.
    Waits,
    /// Nothing is sent any more.
    TurnedOff,
}

/// An attempt that is written down and has not been made.
struct Begun {
    delivery: Delivery,
    message: Message,
    url: String,
    secrets: Vec<String>,
    now: Instant,
}

impl Begun {
    fn parcel(&self, envelope: Envelope) -> Result<Parcel, ServiceError> {
        let body = envelope(&self.message);
        let (id, timestamp) = (self.delivery.id, self.now.timestamp());
        let mut signed = format!("{id}.{timestamp}.").into_bytes();
        signed.extend(&body);
        let signatures: Vec<String> =
            self.secrets.iter().map(|secret| signature(secret, &signed)).collect::<Result<_, _>>()?;
        Ok(Parcel { url: self.url.clone(), id, timestamp, signature: signatures.join(" "), body })
    }
}

/// One signature of the Standard Webhooks specification, version 1: HMAC-SHA256.
fn signature(secret: &str, signed: &[u8]) -> Result<String, ServiceError> {
    let key = secret.strip_prefix(SECRET_PREFIX).and_then(|key| STANDARD.decode(key).ok());
    let key = key.ok_or_else(|| ServiceError::internal("a webhook's secret is none"))?;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed);
    Ok(format!("v1,{}", STANDARD.encode(tag)))
}

/// A webhook's owner as a reader, like a key with the scope `read`: what they are as an admin is for them in person.
fn reader(conn: &mut Conn<'_>, owner: UserId) -> Result<Option<Caller>, ServiceError> {
    let Some(user) = users::find(conn, owner)?.filter(|user| user.status == UserStatus::Active) else {
        return Ok(None);
    };
    Ok(Some(Caller { site_role: SiteRole::Member, ..standing(conn, &user)? }))
}

/// What is to be told of an entry of the feed, if anything. That a tip is no longer for its reader is told to who was told
/// of it, or may have a copy from before there was the webhook.
fn wanted(
    conn: &mut Conn<'_>,
    webhook: &Webhook,
    place: &Place,
    entry: &FeedEntry,
) -> Result<Option<Event>, ServiceError> {
    if !webhook.wants(entry.kind, entry.owner) {
        return Ok(None);
    }
    let is_closed = entry.told == Told::Gone(Absence::Closed);
    let was_read = is_closed && webhooks::is_approved_before(conn, entry.tip, place.since)?;
    if is_closed && !was_read && !webhooks::is_told(conn, webhook.id, entry.tip)? {
        // A message that waits may yet be sent; when it is, this one's turn comes after it.
        return Ok(None);
    }
    Ok(Some(Event { kind: entry.kind, position: entry.position, at: entry.at, tip: entry.tip, was_read }))
}

/// What a message says at this moment; nothing where it is not to be sent any more.
fn message(conn: &mut Conn<'_>, webhook: &Webhook, delivery: &Delivery) -> Result<Option<Message>, ServiceError> {
    let log_id = log::head(conn)?.log_id;
    let Some(event) = delivery.event else {
        return Ok(Some(Message { webhook: webhook.id, at: delivery.created_at, log_id, entry: None }));
    };
    let Some(caller) = reader(conn, webhook.owner)? else { return Ok(None) };
    let Some(tip) = tips::find(conn, &TipRef::Id(event.tip))? else { return Ok(None) };
    if !webhook.wants(event.kind, tip.community) {
        return Ok(None);
    }
    let community = communities::find(conn, tip.community)?.filter(|community| caller.knows(community));
    let may_know = event.was_read || webhooks::is_told(conn, webhook.id, tip.id)?;
    let Some(told) = feed::told(&tip, community.is_some(), may_know) else { return Ok(None) };
    let entry = FeedEntry {
        position: event.position,
        at: event.at,
        kind: event.kind,
        tip: tip.id,
        number: tip.number,
        community: community.map(|community| community.slug),
        owner: tip.community,
        told,
    };
    Ok(Some(Message { webhook: webhook.id, at: event.at, log_id, entry: Some(entry) }))
}

/// Turns a webhook off and tells its owner why.
fn turn_off(
    conn: &mut Conn<'_>,
    webhook: Webhook,
    status: WebhookStatus,
    why: &str,
    now: Instant,
) -> Result<(), ServiceError> {
    let off = Webhook { status, updated_at: now, health: Health::default(), ..webhook };
    webhooks::save(conn, &off)?;
    let facts = Facts {
        reason: Some(why.to_owned()),
        value: Some(status.word().to_owned()),
        user: Some(off.owner),
        ..Facts::default()
    };
    let change = Change::new(Kind::WebhookDisabled, None, now).about(off.id.0).telling(audit::payload(&facts)?);
    let seq = log::append(conn, &change)?;
    Ok(notifications::tell(conn, seq, &[off.owner].into())?)
}
