//! JSON-RPC 2.0, as far as it shows in the OpenAPI document: a message, its answer, and the refusal of what is no message.

use actix_web::HttpResponse;
use rmcp::model::{ErrorData, JsonObject, JsonRpcError, RequestId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat};
use utoipa::openapi::{RefOr, Type};
use utoipa::{Number, PartialSchema, ToSchema};

use crate::body::BODY_LIMIT;
use crate::wire::present;

/// The version of JSON-RPC.
#[derive(Deserialize, ToSchema)]
enum RpcVersion {
    /// The only one.
    #[serde(rename = "2.0")]
    Two,
}

/// A word or a number of the client's own, that comes back in the answer.
enum RpcId {}

/// A JSON-RPC message: with an `id` it is answered, without one it is a notification.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RpcMessage {
    /// The version of JSON-RPC.
    #[expect(dead_code, reason = "it is there, and that is all")]
    jsonrpc: RpcVersion,
    /// Comes back in the answer.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = RpcId, required = false)]
    pub(super) id: Option<RequestId>,
    /// What is asked: `tools/list`, `tools/call`, `server/discover`, or, in older revisions, `initialize`.
    #[expect(dead_code, reason = "it is there, and that is all")]
    #[schema(max_length = 1_048_576)]
    method: String,
    /// What it takes: of `tools/call`, the tool's `name` and `arguments`.
    #[serde(default, deserialize_with = "present")]
    #[expect(dead_code, reason = "it has the right shape, and that is all")]
    #[schema(value_type = Object, required = false)]
    params: Option<JsonObject>,
}

/// The answer to a JSON-RPC message: either its `result`, or an `error`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the protocol's own answers have this shape")]
pub(crate) struct RpcReply {
    /// The version of JSON-RPC.
    jsonrpc: RpcVersion,
    /// That of the message; absent where it could not be read.
    #[schema(value_type = RpcId, required = false)]
    id: Option<RequestId>,
    /// What was asked for. A tool's has `content` and `structuredContent`; with `isError` it was refused, and `content` is
    /// the problem.
    #[schema(value_type = Object, required = false)]
    result: Option<JsonObject>,
    /// Why there is no result.
    error: Option<RpcError>,
}

/// What is wrong with a JSON-RPC message.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the protocol's own errors have this shape")]
pub(crate) struct RpcError {
    /// The number that JSON-RPC, or the protocol, has for it.
    code: i32,
    /// For people.
    message: String,
    /// What else is to be known.
    #[schema(value_type = serde_json::Value, required = false)]
    data: Option<serde_json::Value>,
}

impl PartialSchema for RpcId {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(Number::Int(isize::MIN)))
            .maximum(Some(Number::Int(isize::MAX)));
        let word = ObjectBuilder::new().schema_type(Type::String).max_length(Some(BODY_LIMIT));
        let description = "A word or a number of the client's own, that comes back in the answer.";
        OneOfBuilder::new().item(word).item(number).description(Some(description)).into()
    }
}

impl ToSchema for RpcId {}

/// Looks whether a body is a message, before the protocol does: its own refusal of what is none is for people.
pub(super) fn read_message(body: &[u8]) -> Result<RpcMessage, ErrorData> {
    serde_json::from_slice(body).map_err(|error| {
        let is_json = serde_json::from_slice::<IgnoredAny>(body).is_ok();
        let refusal = if is_json { ErrorData::invalid_request } else { ErrorData::parse_error };
        refusal(error.to_string(), None)
    })
}

/// Says what is wrong with a message.
pub(super) fn refuse(id: Option<RequestId>, error: ErrorData) -> HttpResponse {
    HttpResponse::BadRequest().json(JsonRpcError::new(id, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> Option<i32> {
        read_message(body.as_bytes()).err().map(|error| error.code.0)
    }

    #[test]
    fn what_is_no_json_and_what_is_no_message_are_told_apart() {
        for message in [
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        ] {
            assert_eq!(code(message), None, "{message}");
        }
        let deep = format!("{{\"params\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        for junk in ["", "{", "{} {}", "\u{0}"] {
            assert_eq!(code(junk), Some(-32700), "{junk}");
        }
        for json in [
            &deep,
            "{}",
            "3",
            "null",
            r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","id":[],"method":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        ] {
            assert_eq!(code(json), Some(-32600), "{json:.80}");
        }
    }
}
