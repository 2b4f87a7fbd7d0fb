//! What a path names. A malformed id names nothing: 404, as for what is not there.

use eureka_domain::ids::{
    ApiKeyId, AttachmentId, DeliveryId, FlagId, GapId, ImportId, OutcomeId, ReviewId, TipRef, UserId, WebhookId,
};
use eureka_service::ServiceError;
use uuid::Uuid;

use crate::problem::Problem;

pub(crate) fn tip_ref(text: &str) -> Result<TipRef, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("tip").into())
}

pub(crate) fn revision_number(text: &str) -> Result<i32, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("revision").into())
}

pub(crate) fn attachment_id(text: &str) -> Result<AttachmentId, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("attachment").into())
}

pub(crate) fn review_id(text: &str) -> Result<ReviewId, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("review").into())
}

pub(crate) fn outcome_id(text: &str) -> Result<OutcomeId, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("outcome").into())
}

pub(crate) fn flag_id(text: &str) -> Result<FlagId, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("flag").into())
}

pub(crate) fn user_id(text: &str) -> Result<UserId, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("user").into())
}

pub(crate) fn api_key_id(text: &str) -> Result<ApiKeyId, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("API key").into())
}

pub(crate) fn gap_id(text: &str) -> Result<GapId, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("gap").into())
}

pub(crate) fn search_id(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("search").into())
}

pub(crate) fn import_id(text: &str) -> Result<ImportId, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("import").into())
}

pub(crate) fn webhook_id(text: &str) -> Result<WebhookId, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("webhook").into())
}

pub(crate) fn delivery_id(text: &str) -> Result<DeliveryId, Problem> {
    text.parse().map_err(|_| ServiceError::NotFound("delivery").into())
}
