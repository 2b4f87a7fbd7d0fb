//! What webhooks send: how it is written, and the `webhooks` of the OpenAPI document.

use eureka_service::Message;
use serde::Serialize;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    Components, ContentBuilder, ObjectBuilder, Paths, PathsBuilder, Ref, Required, ResponseBuilder, Type,
};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::changes::ChangeBody;
use crate::wire::instant;

/// The type of a message that tells of nothing.
pub(super) const PING: &str = "webhook.ping";

/// That something changed. `type` is the kind of change, as in `data`.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "type": "tip.published", "timestamp": "2026-11-24T09:12:00.000000Z", "log_id": "019d5d6c-0000-7000-8000-00000000000a",
    "data": {
        "position": 1041, "at": "2026-11-24T09:12:00.000000Z", "kind": "tip.published",
        "id": "01930000-0000-7000-8000-000000000001", "number": "T-1042", "community": "office-printers",
        "revision": 2, "confidence": "validated",
    },
}))]
pub(crate) struct ChangeMessage {
    /// The kind of change.
    #[serde(rename = "type")]
    #[schema(example = "tip.published")]
    kind: &'static str,
    /// When it happened.
    #[schema(format = DateTime)]
    timestamp: String,
    /// The life of the database that the position belongs to: another one after a restore.
    log_id: Uuid,
    /// What it makes of one tip in your copy, as in `/v1/changes`.
    data: ChangeBody,
}

/// That the webhook is there.
#[derive(Serialize, ToSchema)]
pub(crate) struct PingMessage {
    /// `webhook.ping`.
    #[serde(rename = "type")]
    #[schema(example = "webhook.ping")]
    kind: &'static str,
    /// When it was asked for.
    #[schema(format = DateTime)]
    timestamp: String,
    /// The life of the database.
    log_id: Uuid,
    /// Of which webhook.
    data: PingData,
}

/// Of which webhook a ping is.
#[derive(Serialize, ToSchema)]
pub(crate) struct PingData {
    /// The webhook.
    webhook: Uuid,
}

/// A message as it is sent.
pub fn webhook_message(message: &Message) -> Vec<u8> {
    let (timestamp, log_id) = (instant(message.at), message.log_id);
    let json = if let Some(entry) = &message.entry {
        serde_json::to_vec(&ChangeMessage { kind: entry.kind.word(), timestamp, log_id, data: entry.into() })
    } else {
        let data = PingData { webhook: message.webhook.0 };
        serde_json::to_vec(&PingMessage { kind: PING, timestamp, log_id, data })
    };
    json.unwrap_or_default() // writing to memory cannot fail
}

/// What is sent, for the OpenAPI document, with the schemas it needs.
pub(crate) fn described(components: &mut Components) -> Paths {
    let headers = [
        ("webhook-id", "Names the message: the same on every attempt"),
        ("webhook-timestamp", "When this attempt was made, in seconds of the epoch: refuse what is minutes away"),
        (
            "webhook-signature",
            "`v1,` and the base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`, with the bytes that the \
             secret has as base64 behind `whsec_`; several with spaces between while a secret is being replaced",
        ),
    ];
    let operation = |id: &str, summary: &str, schema: &str| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
        let body = RequestBodyBuilder::new()
            .description(Some("The message"))
            .content("application/json", content)
            .required(Some(Required::True));
        let mut operation = OperationBuilder::new()
            .operation_id(Some(id))
            .summary(Some(summary))
            .tag("webhooks")
            .request_body(Some(body.build()))
            .security(SecurityRequirement::default())
            .response("2XX", ResponseBuilder::new().description("The message was taken"))
            .response("410", ResponseBuilder::new().description("Nothing more is wanted: the webhook is turned off"))
            .response("default", ResponseBuilder::new().description("The message is sent again later"));
        for (name, description) in headers {
            let parameter = ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Header)
                .required(Required::True)
                .description(Some(description))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()));
            operation = operation.parameter(parameter);
        }
        PathItem::new(HttpMethod::Post, operation)
    };
    components.schemas.insert(ChangeMessage::name().to_string(), ChangeMessage::schema());
    components.schemas.insert(PingMessage::name().to_string(), PingMessage::schema());
    components.schemas.insert(PingData::name().to_string(), PingData::schema());
    PathsBuilder::new()
        .path("change", operation("receiveChange", "Something changed", &ChangeMessage::name()))
        .path("ping", operation("receivePing", "The webhook is there", &PingMessage::name()))
        .build()
}
