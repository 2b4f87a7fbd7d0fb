//! The shapes of webhooks on the wire, but for what they send.

#![allow(clippy::option_option, reason = "RFC 7396 tells a field that is null from one that is absent")]

use eureka_domain::webhook::{Delivery, DeliveryStatus, WebhookStatus};
use eureka_service::{NewWebhook, WebhookChanges, WebhookView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::message::PING;
use crate::wire::{instant, nullable, present, wire_enum};

wire_enum! {
    /// Whether a webhook is being sent to: `failing` when nothing had been taken for a day, `gone` after a `410`.
    WebhookStatusWord = WebhookStatus { Active = "active", Paused = "paused", Failing = "failing", Gone = "gone" }
}

wire_enum! {
    /// What became of a message: `failed` is one that was given up.
    DeliveryStatusWord = DeliveryStatus { Pending = "pending", Delivered = "delivered", Failed = "failed" }
}

/// What its owner can make of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WebhookTurn {
    /// Send to it.
    Active,
    /// Do not.
    Paused,
}

/// A wish to be told of changes at a URL.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookBody {
    /// For ever.
    id: Uuid,
    /// Where.
    #[schema(example = "https://dispatch.example.org/eureka")]
    url: String,
    /// What it is for.
    description: String,
    /// The slug of the one community that it tells of; absent where it is all, or one that you no longer read.
    #[serde(skip_serializing_if = "Option::is_none")]
    community: Option<String>,
    /// The kinds of change that it tells of, as in `/v1/changes`; empty for all.
    #[schema(example = json!(["tip.published", "tip.held"]))]
    kinds: Vec<&'static str>,
    /// Whether it is being sent to.
    status: WebhookStatusWord,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last changed, or turned off.
    #[schema(format = DateTime)]
    updated_at: String,
    /// When its newest secret was made.
    #[schema(format = DateTime)]
    secret_at: String,
    /// What its messages are signed with: only in the reply that makes it, never in one that is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: Option<String>,
}

impl WebhookBody {
    pub(crate) fn new(view: &WebhookView) -> Self {
        let webhook = &view.webhook;
        Self {
            id: webhook.id.0,
            url: webhook.url.clone(),
            description: webhook.description.clone(),
            community: view.community.clone(),
            kinds: webhook.kinds.iter().map(|kind| kind.word()).collect(),
            status: webhook.status.into(),
            created_at: instant(webhook.created_at),
            updated_at: instant(webhook.updated_at),
            secret_at: instant(webhook.secret_at),
            secret: None,
        }
    }

    pub(crate) fn with_secret(self, secret: String) -> Self {
        Self { secret: Some(secret), ..self }
    }
}

/// A webhook to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWebhookBody {
    /// Where to be told: `https`, on the open network.
    #[schema(example = "https://dispatch.example.org/eureka")]
    url: String,
    /// What it is for, in your words.
    #[serde(default)]
    #[schema(max_length = 200)]
    description: String,
    /// Of the community with this slug alone.
    #[serde(default)]
    community: Option<String>,
    /// Of these kinds of change alone, `gone` ones included; empty for all.
    #[serde(default)]
    #[schema(example = json!(["tip.published", "tip.held"]))]
    kinds: Vec<String>,
}

impl From<NewWebhookBody> for NewWebhook {
    fn from(body: NewWebhookBody) -> Self {
        let NewWebhookBody { url, description, community, kinds } = body;
        Self { url, description, community, kinds }
    }
}

/// What to change of a webhook (RFC 7396); what is not named stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookPatch {
    /// Where to be told.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    url: Option<String>,
    /// What it is for.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 200)]
    description: Option<String>,
    /// Of the community with this slug alone; `null` for all.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    community: Option<Option<String>>,
    /// Of these kinds of change alone; empty for all.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    kinds: Option<Vec<String>>,
    /// On, or off.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    status: Option<WebhookTurn>,
}

impl From<WebhookPatch> for WebhookChanges {
    fn from(body: WebhookPatch) -> Self {
        let WebhookPatch { url, description, community, kinds, status } = body;
        Self { url, description, community, kinds, is_on: status.map(|turn| turn == WebhookTurn::Active) }
    }
}

/// A message of a webhook, and what became of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryBody {
    /// The `webhook-id` of every attempt.
    id: Uuid,
    /// What it tells of: a kind of change, or `webhook.ping`.
    #[serde(rename = "type")]
    #[schema(example = "tip.published")]
    kind: &'static str,
    /// The change's place in the log; absent for a ping.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<i64>,
    /// What became of it.
    status: DeliveryStatusWord,
    /// How often it was tried since it was last asked for.
    attempts: i32,
    /// When it was asked for.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    tried_at: Option<String>,
    /// When it is tried next, at the earliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    next_at: Option<String>,
    /// The HTTP status that was answered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<i32>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<&Delivery> for DeliveryBody {
    fn from(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id.0,
            kind: delivery.event.map_or(PING, |event| event.kind.word()),
            position: delivery.event.map(|event| event.position),
            status: delivery.status.into(),
            attempts: delivery.attempts,
            created_at: instant(delivery.created_at),
            tried_at: delivery.tried_at.map(instant),
            next_at: delivery.next_at.map(instant),
            response: delivery.response,
            error: delivery.error.clone(),
        }
    }
}

/// Which deliveries to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryParams {
    /// Only what became of them so.
    pub(super) status: Option<DeliveryStatusWord>,
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(super) limit: Option<i64>,
    /// The `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}
