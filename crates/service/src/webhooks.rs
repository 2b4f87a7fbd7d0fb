//! Webhooks: asking to be told of changes at a URL, looking at what was sent, asking for it again. The sending is in
//! `webhooks/sending.rs`, the way out of the house in `webhooks/courier.rs`.

mod courier;
mod sending;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eureka_domain::access::{self, Caller};
use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::community::Community;
use eureka_domain::ids::{CommunityId, DeliveryId, WebhookId};
use eureka_domain::webhook::{
    Delivery, DeliveryStatus, Health, MAX_SECRETS, MAX_WAITING, MAX_WEBHOOKS, OVERLAP, Webhook, WebhookStatus,
};
use eureka_domain::{Instant, RuleError};
use eureka_store::webhooks::{self, Place};
use eureka_store::{Conn, Written, communities, log};

use crate::views::entity_tag;
use crate::{Answer, IfMatch, Once, Page, PageRequest, Service, ServiceError, audit, once};

pub use courier::{Courier, Names, Parcel, Post};
pub(crate) use sending::Sending;
pub use sending::{Envelope, Message, WebhookFigures};

const NONE: ServiceError = ServiceError::NotFound("webhook");
const NO_DELIVERY: ServiceError = ServiceError::NotFound("delivery");

/// A webhook to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// Where to be told.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// Of the community with this slug alone.
    pub community: Option<String>,
    /// Of these kinds of change alone, by their words; none means all.
    pub kinds: Vec<String>,
}

/// What to change of a webhook; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookChanges {
    /// Where to be told.
    pub url: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Of which community alone; of all.
    pub community: Option<Option<String>>,
    /// Of which kinds of change alone.
    pub kinds: Option<Vec<String>>,
    /// Turned on, or off.
    pub is_on: Option<bool>,
}

/// A webhook, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookView {
    /// The webhook, without how it fares.
    pub webhook: Webhook,
    /// The slug of the one community that it is told of, as long as its owner reads that.
    pub community: Option<String>,
}

/// The reply to whoever makes a webhook, and what it signs with, which stands in no stored reply.
pub struct MadeWebhook {
    /// What to send, but for the secret.
    pub answer: Answer,
    /// What signs; of no use where the answer is a replay.
    pub secret: String,
}

impl Service {
    /// Makes a webhook for the caller: in person, since it goes on for as long as nobody ends it. It is told of what
    /// changes from now on.
    pub fn create_webhook(
        &self,
        caller: &Caller,
        new: NewWebhook,
        once: Once<WebhookView>,
    ) -> Result<MadeWebhook, ServiceError> {
        access::in_person(caller)?;
        let now = self.clock.now();
        let webhook = Webhook {
            id: WebhookId(self.new_id(now)),
            owner: caller.user,
            url: new.url,
            description: new.description,
            community: None,
            kinds: named_kinds(&new.kinds)?,
            status: WebhookStatus::Active,
            created_at: now,
            updated_at: now,
            secret_at: now,
            health: Health::default(),
        };
        let webhook = webhook.checked()?;
        self.may_send(&webhook.url)?;
        let (secret, caller) = (new_secret()?, caller.clone());
        let written = secret.clone();
        let stored = self.store.write(move |conn| {
            let permit = |_: &mut Conn<'_>| Ok(()); // everybody may have webhooks
            once::run(conn, caller.user, once, now, permit, |conn, ()| {
                if usize::try_from(webhooks::count(conn, caller.user)?).is_ok_and(|count| count >= MAX_WEBHOOKS) {
                    let detail = format!("you have {MAX_WEBHOOKS} webhooks: end one first");
                    return Err(RuleError::field("", "too_many", detail).into());
                }
                let community = new.community.map(|slug| wanted(conn, &caller, &slug)).transpose()?;
                let webhook = Webhook { community: community.as_ref().map(|community| community.id), ..webhook };
                let head = log::head(conn)?;
                let place = Place { log_id: head.log_id, since: head.seq, seq: head.seq, within: None };
                webhooks::insert(conn, &webhook, &place)?;
                webhooks::add_secret(conn, webhook.id, &secret, now, now)?;
                log::append(conn, &change(Kind::WebhookCreated, &webhook, &[], now)?)?;
                Ok(WebhookView { webhook, community: community.map(|community| community.slug) })
            })
        })?;
        Ok(MadeWebhook { answer: stored.value, secret: written })
    }

    /// The caller's webhooks, the oldest first.
    pub fn list_webhooks(&self, caller: &Caller, page: &PageRequest) -> Result<Page<WebhookView>, ServiceError> {
        access::in_person(caller)?;
        self.store.read(|conn| {
            let found = webhooks::list(conn, caller.user, page.after()?, page.fetch())?;
            let page = page.page(found, |webhook| webhook.id)?;
            page.try_map(|webhook| view(conn, caller, webhook))
        })
    }

    /// One of the caller's webhooks.
    pub fn read_webhook(&self, caller: &Caller, id: WebhookId) -> Result<WebhookView, ServiceError> {
        access::in_person(caller)?;
        self.store.read(|conn| {
            let webhook = own(conn, caller, id)?;
            view(conn, caller, webhook)
        })
    }

    /// Changes one of the caller's webhooks. Turned on again it goes on from where it was: what waits is sent at once.
    pub fn update_webhook(
        &self,
        caller: &Caller,
        id: WebhookId,
        changes: WebhookChanges,
        expected: IfMatch,
    ) -> Result<Written<WebhookView>, ServiceError> {
        access::in_person(caller)?;
        let before = self.store.read(|conn| own(conn, caller, id))?;
        let kinds = changes.kinds.as_deref().map(named_kinds).transpose()?;
        let url = changes.url.filter(|url| *url != before.url);
        if let Some(url) = &url {
            Webhook { url: url.clone(), ..before }.checked()?;
            self.may_send(url)?; // looks names up: not in a transaction
        }
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store.write(move |conn| {
            let before = own(conn, &caller, id)?;
            let seen = view(conn, &caller, before.clone())?;
            expected.check(entity_tag(&seen))?;
            let community = match changes.community {
                Some(Some(slug)) => Some(wanted(conn, &caller, &slug)?.id),
                Some(None) => None,
                None => before.community,
            };
            let status = match changes.is_on {
                Some(true) => WebhookStatus::Active,
                Some(false) => WebhookStatus::Paused,
                None => before.status,
            };
            let turned_on = status == WebhookStatus::Active && before.status != status;
            let after = Webhook {
                url: url.unwrap_or_else(|| before.url.clone()),
                description: changes.description.unwrap_or_else(|| before.description.clone()),
                community,
                kinds: kinds.unwrap_or_else(|| before.kinds.clone()),
                status,
                health: if turned_on { Health::default() } else { before.health },
                ..before.clone()
            };
            let after = after.checked()?;
            let fields = fields(&before, &after);
            if fields.is_empty() {
                return Ok(seen);
            }
            let after = Webhook { updated_at: now, ..after };
            webhooks::save(conn, &after)?;
            if turned_on {
                webhooks::hasten(conn, id, now)?;
            }
            log::append(conn, &change(Kind::WebhookUpdated, &after, &fields, now)?)?;
            view(conn, &caller, after)
        })
    }

    /// Gives one of the caller's webhooks another secret; the old one signs as well for a day.
    pub fn rotate_webhook(
        &self,
        caller: &Caller,
        id: WebhookId,
        expected: IfMatch,
    ) -> Result<(Written<WebhookView>, String), ServiceError> {
        access::in_person(caller)?;
        let secret = new_secret()?;
        let (caller, now, new) = (caller.clone(), self.clock.now(), secret.clone());
        let written = self.store.write(move |conn| {
            let before = own(conn, &caller, id)?;
            expected.check(entity_tag(&view(conn, &caller, before.clone())?))?;
            if webhooks::secrets(conn, id, now)?.len() >= MAX_SECRETS {
                let detail = format!("{MAX_SECRETS} secrets sign already: wait until the oldest has ended");
                return Err(RuleError::field("", "too_many", detail).into());
            }
            webhooks::add_secret(conn, id, &new, now, now + OVERLAP)?;
            let after = Webhook { secret_at: now, ..before };
            webhooks::save(conn, &after)?;
            log::append(conn, &change(Kind::WebhookRotated, &after, &[], now)?)?;
            view(conn, &caller, after)
        })?;
        Ok((written, secret))
    }

    /// Ends one of the caller's webhooks, with all that it remembers.
    pub fn end_webhook(&self, caller: &Caller, id: WebhookId) -> Result<Written<()>, ServiceError> {
        access::in_person(caller)?;
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store.write(move |conn| {
            let webhook = own(conn, &caller, id)?;
            webhooks::remove(conn, id)?;
            log::append(conn, &change(Kind::WebhookEnded, &webhook, &[], now)?)?;
            Ok(())
        })
    }

    /// Has something sent to one of the caller's webhooks that tells of nothing, to see whether it arrives.
    pub fn ping_webhook(&self, caller: &Caller, id: WebhookId) -> Result<Written<Delivery>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let ping = DeliveryId(self.new_id(now));
        let written = self.store.write(move |conn| {
            own(conn, &caller, id)?;
            has_room(conn, id)?;
            let ping = Delivery::new(ping, id, None, now);
            webhooks::enqueue(conn, std::slice::from_ref(&ping))?;
            Ok::<_, ServiceError>(ping)
        })?;
        self.sending.wake();
        Ok(written)
    }

    /// What was sent to one of the caller's webhooks and is to be, the newest first.
    pub fn list_deliveries(
        &self,
        caller: &Caller,
        id: WebhookId,
        status: Option<DeliveryStatus>,
        page: &PageRequest,
    ) -> Result<Page<Delivery>, ServiceError> {
        self.store.read(|conn| {
            own(conn, caller, id)?;
            let found = webhooks::list_deliveries(conn, id, status, page.after()?, page.fetch())?;
            page.page(found, |delivery| delivery.id)
        })
    }

    /// Has a message sent again, under the same id. It tells of the tip as it will be then.
    pub fn replay_delivery(
        &self,
        caller: &Caller,
        id: WebhookId,
        delivery: DeliveryId,
    ) -> Result<Written<Delivery>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let written = self.store.write(move |conn| {
            own(conn, &caller, id)?;
            let before = webhooks::delivery(conn, id, delivery)?.ok_or(NO_DELIVERY)?;
            if before.status != DeliveryStatus::Pending {
                has_room(conn, id)?;
            }
            let again = before.again(now);
            webhooks::save_delivery(conn, &again)?;
            Ok::<_, ServiceError>(again)
        })?;
        self.sending.wake();
        Ok(written)
    }

    fn may_send(&self, url: &str) -> Result<(), ServiceError> {
        let refused = |why| RuleError::field("/url", "invalid", why);
        Ok(self.sending.post().may_send(url).map_err(refused)?)
    }
}

fn own(conn: &mut Conn<'_>, caller: &Caller, id: WebhookId) -> Result<Webhook, ServiceError> {
    webhooks::find(conn, id)?.filter(|webhook| webhook.owner == caller.user).ok_or(NONE)
}

fn has_room(conn: &mut Conn<'_>, id: WebhookId) -> Result<(), ServiceError> {
    if usize::try_from(webhooks::count_waiting(conn, id)?).is_ok_and(|waiting| waiting < MAX_WAITING) {
        return Ok(());
    }
    Err(RuleError::field("", "too_many", format!("{MAX_WAITING} messages wait to be sent already")).into())
}

/// The community that a webhook is to be told of alone.
fn wanted(conn: &mut Conn<'_>, caller: &Caller, slug: &str) -> Result<Community, ServiceError> {
    let found = communities::find_slug(conn, slug)?.filter(|community| caller.knows(community));
    found.ok_or_else(|| RuleError::field("/community", "unknown", "there is no such community").into())
}

fn view(conn: &mut Conn<'_>, caller: &Caller, webhook: Webhook) -> Result<WebhookView, ServiceError> {
    let find = |id: CommunityId| communities::find(conn, id);
    let community = webhook.community.map(find).transpose()?.flatten();
    let community = community.filter(|community| caller.knows(community)).map(|community| community.slug);
    Ok(WebhookView { webhook: Webhook { health: Health::default(), ..webhook }, community })
}

fn named_kinds(words: &[String]) -> Result<Vec<Kind>, RuleError> {
    let kind = |(place, word): (usize, &String)| {
        let unknown = || RuleError::field(format!("/kinds/{place}"), "unknown", "there is no such kind of change");
        Kind::from_word(word).ok_or_else(unknown)
    };
    words.iter().enumerate().map(kind).collect()
}

fn fields(before: &Webhook, after: &Webhook) -> Vec<String> {
    let parts = [
        ("url", before.url != after.url),
        ("description", before.description != after.description),
        ("community", before.community != after.community),
        ("kinds", before.kinds != after.kinds),
        ("status", before.status != after.status),
    ];
    parts.iter().filter(|(_, differs)| *differs).map(|(field, _)| (*field).to_owned()).collect()
}

/// What is recorded of a webhook: whose it is, and what of it was changed. Never where it leads: that may be a secret.
fn change(kind: Kind, webhook: &Webhook, fields: &[String], now: Instant) -> Result<Change, ServiceError> {
    let facts = Facts {
        value: fields.iter().any(|field| field == "status").then(|| webhook.status.word().to_owned()),
        fields: fields.to_vec(),
        user: Some(webhook.owner),
        ..Facts::default()
    };
    Ok(Change::new(kind, Some(webhook.owner), now).about(webhook.id.0).telling(audit::payload(&facts)?))
}

/// 256 random bits, as the Standard Webhooks specification writes them.
fn new_secret() -> Result<String, ServiceError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(ServiceError::internal)?;
    Ok(format!("{}{}", sending::SECRET_PREFIX, STANDARD.encode(random)))
}
