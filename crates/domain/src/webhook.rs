//! Webhooks: who is told of which changes at which URL, when what was not taken is sent again, and when a webhook that
//! nobody answers is turned off.

use chrono::Duration;
use uuid::Uuid;

use crate::change::Kind;
use crate::clock::Instant;
use crate::error::RuleError;
use crate::feed;
use crate::ids::{CommunityId, DeliveryId, TipId, UserId, WebhookId};
use crate::word::word_enum;

/// How many webhooks a person has at most.
pub const MAX_WEBHOOKS: usize = 10;
/// How many messages of a webhook wait at most; what comes after that waits in the log.
pub const MAX_WAITING: usize = 1000;
/// How many messages of a webhook are kept at most once they have been seen to.
pub const MAX_KEPT: usize = 5000;
/// How long messages are kept.
pub const KEPT: Duration = Duration::days(30);
/// How long a secret that was replaced goes on signing.
pub const OVERLAP: Duration = Duration::days(1);
/// How many secrets sign at once at most.
pub const MAX_SECRETS: usize = 5;
/// How long nothing must have been taken before a webhook is turned off.
pub const PATIENCE: Duration = Duration::days(1);
const MAX_URL: usize = 2048;
const MAX_DESCRIPTION: usize = 200;

/// How long to wait after the first, the second, … attempt that failed, in seconds: a day and 35 minutes in all.
const WAITS: [i64; 7] = [5, 300, 1800, 7200, 18_000, 28_800, 32_400];
/// How long a webhook rests at most after an attempt that failed, so that it is seen soon when somebody answers again.
const LONGEST_REST: i64 = 3600;

word_enum! {
    /// Whether a webhook is being sent to.
    WebhookStatus {
        /// It is.
        Active = "active",
        /// Its owner, their leaving or a restored backup turned it off.
        Paused = "paused",
        /// Nothing had been taken for a day.
        Failing = "failing",
        /// The receiver said that it is gone for good (410).
        Gone = "gone",
    }
}

word_enum! {
    /// What became of a message.
    DeliveryStatus {
        /// It is to be sent, or sent again.
        Pending = "pending",
        /// The receiver took it.
        Delivered = "delivered",
        /// It was given up.
        Failed = "failed",
    }
}

/// Somebody's wish to be told of changes at a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// For ever.
    pub id: WebhookId,
    /// Who is told, of what they may read at that moment.
    pub owner: UserId,
    /// Where.
    pub url: String,
    /// What it is for, in its owner's words.
    pub description: String,
    /// Of this community alone.
    pub community: Option<CommunityId>,
    /// Of these kinds of change alone; none means all.
    pub kinds: Vec<Kind>,
    /// Whether it is being sent to.
    pub status: WebhookStatus,
    /// When it was made.
    pub created_at: Instant,
    /// When it was last changed by its owner, or turned off.
    pub updated_at: Instant,
    /// When its newest secret was made.
    pub secret_at: Instant,
    /// How it fares.
    pub health: Health,
}

/// How a webhook fares: what has failed since something was last taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// How many attempts in a row have failed.
    pub failures: i32,
    /// Since when nothing was taken.
    pub failing_since: Option<Instant>,
    /// Before when nothing more is tried.
    pub resting_until: Option<Instant>,
}

/// A message of a webhook: that something happened. What it says is made when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// For ever: the `webhook-id` of every attempt.
    pub id: DeliveryId,
    /// Whose.
    pub webhook: WebhookId,
    /// What it is about; absent for a ping.
    pub event: Option<Event>,
    /// What became of it.
    pub status: DeliveryStatus,
    /// How often it was tried since it was last asked for.
    pub attempts: i32,
    /// When it was asked for.
    pub created_at: Instant,
    /// When it was last tried.
    pub tried_at: Option<Instant>,
    /// Before when it is not tried again.
    pub next_at: Option<Instant>,
    /// The HTTP status that was last answered.
    pub response: Option<i32>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// A change of the log, as it concerns one tip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// The change's place in the log.
    pub position: i64,
    /// When.
    pub at: Instant,
    /// The tip.
    pub tip: TipId,
    /// Whether its owner is to be told even of a tip that they do not read now, because they may have a copy of it from
    /// before there was the webhook.
    pub was_read: bool,
}

/// What came of an attempt to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The receiver answered with this HTTP status.
    Answered(u16),
    /// There was no answer, and why.
    NoAnswer(String),
}

impl Attempt {
    /// Whether the receiver took the message.
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }

    /// Whether the receiver wants nothing more, ever.
    pub fn is_farewell(&self) -> bool {
        *self == Self::Answered(410)
    }
}

impl Webhook {
    /// A webhook to be made or changed, checked but for where its URL leads.
    pub fn checked(self) -> Result<Self, RuleError> {
        if self.url.len() > MAX_URL {
            return Err(RuleError::field("/url", "too_long", format!("at most {MAX_URL} bytes")));
        }
        let description = self.description.trim().to_owned();
        if description.chars().count() > MAX_DESCRIPTION {
            return Err(RuleError::field("/description", "too_long", format!("at most {MAX_DESCRIPTION} characters")));
        }
        if let Some(place) = self.kinds.iter().position(|kind| !feed::is_followed(*kind)) {
            let detail = "webhooks tell of what the change feed tells";
            return Err(RuleError::field(format!("/kinds/{place}"), "unknown", detail));
        }
        let mut kinds = self.kinds;
        kinds.sort_unstable();
        kinds.dedup();
        Ok(Self { description, kinds, ..self })
    }

    /// Whether its owner wants to be told of such a change of a tip of that community.
    pub fn wants(&self, kind: Kind, community: CommunityId) -> bool {
        let of_kind = self.kinds.is_empty() || self.kinds.contains(&kind);
        of_kind && self.community.is_none_or(|wanted| wanted == community)
    }
}

impl Health {
    /// How it fares after an attempt at a moment.
    #[must_use]
    pub fn after(self, attempt: &Attempt, id: DeliveryId, now: Instant) -> Self {
        if attempt.is_taken() {
            return Self::default();
        }
        let failures = self.failures.saturating_add(1);
        let rest = wait(failures, id).map_or(LONGEST_REST, |wait| wait.num_seconds().min(LONGEST_REST));
        Self {
            failures,
            failing_since: self.failing_since.or(Some(now)),
            resting_until: Some(now + Duration::seconds(rest)),
        }
    }

    /// Whether nothing was taken for so long that the webhook is to be turned off.
    pub fn is_hopeless(&self, now: Instant) -> bool {
        self.failing_since.is_some_and(|since| now - since >= PATIENCE)
    }
}

impl Delivery {
    /// A message that is to be sent for the first time.
    pub fn new(id: DeliveryId, webhook: WebhookId, event: Option<Event>, now: Instant) -> Self {
        Self {
            id,
            webhook,
            event,
            status: DeliveryStatus::Pending,
            attempts: 0,
            created_at: now,
            tried_at: None,
            next_at: Some(now),
            response: None,
            error: None,
        }
    }

    /// The message, asked for once more.
    #[must_use]
    pub fn again(self, now: Instant) -> Self {
        let Self { id, webhook, event, created_at, .. } = self;
        Self { created_at, ..Self::new(id, webhook, event, now) }
    }

    /// The message with an attempt begun: should nothing more be heard of that, it is tried again in time.
    #[must_use]
    pub fn begun(self, now: Instant) -> Self {
        let attempts = self.attempts.saturating_add(1);
        let next_at = Some(now + wait(attempts, self.id).unwrap_or(Duration::seconds(LONGEST_REST)));
        Self { attempts, tried_at: Some(now), next_at, ..self }
    }

    /// The message with what came of its last attempt. A ping is tried once.
    #[must_use]
    pub fn tried(self, attempt: &Attempt) -> Self {
        let (response, error) = match attempt {
            Attempt::Answered(status) => (Some(i32::from(*status)), None),
            Attempt::NoAnswer(why) => (None, Some(why.clone())),
        };
        let is_over = attempt.is_farewell() || self.event.is_none() || wait(self.attempts, self.id).is_none();
        let status = match (attempt.is_taken(), is_over) {
            (true, _) => DeliveryStatus::Delivered,
            (false, true) => DeliveryStatus::Failed,
            (false, false) => DeliveryStatus::Pending,
        };
        let next_at = self.next_at.filter(|_| status == DeliveryStatus::Pending);
        Self { status, next_at, response, error, ..self }
    }
}

/// How long to wait after so many attempts, `None` when it is over: up to a tenth more than the plan, so that what failed
/// together is not tried together.
fn wait(attempts: i32, id: DeliveryId) -> Option<Duration> {
    let place = usize::try_from(attempts - 1).ok()?;
    let planned = Duration::seconds(*WAITS.get(place)?);
    Some(planned + planned * jitter(id.0, place) / 10_000)
}

/// Between nothing and 1,000, of the random bits of an id (FNV-1a).
fn jitter(id: Uuid, place: usize) -> i32 {
    let bytes = id.into_bytes().into_iter().chain(place.to_be_bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    i32::try_from((hash >> 32) % 1001).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn delivery(id: u128) -> Delivery {
        let event = Event {
            kind: Kind::TipPublished,
            position: 1,
            at: DateTime::UNIX_EPOCH,
            tip: TipId(Uuid::nil()),
            was_read: false,
        };
        Delivery::new(DeliveryId(Uuid::from_u128(id)), WebhookId(Uuid::nil()), Some(event), DateTime::UNIX_EPOCH)
    }

    #[test]
    fn what_nobody_takes_is_tried_eight_times_over_more_than_a_day_and_then_the_webhook_is_hopeless() {
        let mut ends = Vec::new();
        for id in 1..50 {
            let (mut told, mut health, mut now) = (delivery(id), Health::default(), DateTime::UNIX_EPOCH);
            let mut tries = 0;
            while told.status == DeliveryStatus::Pending {
                now = told.next_at.unwrap();
                told = told.begun(now);
                let answer = Attempt::Answered(503);
                (told, health) = (told.tried(&answer), health.after(&answer, DeliveryId(Uuid::from_u128(id)), now));
                tries += 1;
                assert_eq!(health.is_hopeless(now), tries == 8, "{tries}");
            }
            assert_eq!((told.status, tries, told.next_at), (DeliveryStatus::Failed, 8, None));
            let took = now - DateTime::UNIX_EPOCH;
            assert!(took >= Duration::hours(24) && took <= Duration::minutes(27 * 60 + 10), "{took}");
            ends.push(took);
        }
        ends.sort_unstable();
        ends.dedup();
        assert!(ends.len() > 40, "they are spread: {}", ends.len());
    }

    #[test]
    fn one_that_is_taken_heals_the_webhook_and_a_farewell_or_a_ping_is_not_repeated() {
        let now = DateTime::UNIX_EPOCH;
        let begun = delivery(1).begun(now);
        let failed = Health::default().after(&Attempt::NoAnswer("refused".into()), begun.id, now);
        assert!(failed.resting_until.is_some_and(|until| until >= now + Duration::seconds(5)));
        assert_eq!(failed.after(&Attempt::Answered(204), begun.id, now), Health::default());
        assert_eq!(begun.clone().tried(&Attempt::Answered(204)).status, DeliveryStatus::Delivered);
        assert_eq!(begun.clone().tried(&Attempt::Answered(302)).status, DeliveryStatus::Pending);
        assert_eq!(begun.clone().tried(&Attempt::Answered(410)).status, DeliveryStatus::Failed);
        let ping = Delivery { event: None, ..begun };
        assert_eq!(ping.tried(&Attempt::Answered(500)).status, DeliveryStatus::Failed);
        // However long somebody is away, they are asked every hour.
        let away = Health { failures: 6, ..failed }.after(&Attempt::Answered(500), DeliveryId(Uuid::nil()), now);
        assert_eq!(away.resting_until, Some(now + Duration::hours(1)));
    }
}
