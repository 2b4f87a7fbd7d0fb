//! `/v1/admin/*`: for those who look after the service.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use eureka_domain::change::Kind;
use eureka_service::{AuditQuery, HistoryEntry, IndexOutcome, IndexState, IndexStatus, IndexTask, IndexWork};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::Api;
use crate::body::OptionalBody;
use crate::caller::Caller;
use crate::page::{PageBody, listed, page_request};
use crate::params::Params;
use crate::problem::{INVALID_PARAMETER, Problem};
use crate::tips::HistoryBody;
use crate::wire::instant;

/// How many tips that differ are named.
const EXAMPLES: usize = 20;

/// How the index of the process that answers stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct IndexBody {
    /// `ready`, `catching_up`, `rebuilding`, or `held`: then the log says why.
    #[schema(example = "ready")]
    state: &'static str,
    /// How far it has come in the change log.
    position: i64,
    /// The end of the change log.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<i64>,
    /// How many tips it has.
    tips: u64,
    /// Size of its files.
    bytes: u64,
    /// Tips that checks found to differ from the database, since the start of the process.
    drift_found: u64,
    /// How many of these were brought to what the database says.
    drift_repaired: u64,
    /// How often checks found files of the index that were not what was written, and made it anew, since the start of the
    /// process.
    damage_found: u64,
    /// The last work on it that was asked for since the start of the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    work: Option<IndexWorkBody>,
}

/// A work on the index.
#[derive(Serialize, ToSchema)]
pub(crate) struct IndexWorkBody {
    /// `verify`, `repair` or `rebuild`.
    #[schema(example = "verify")]
    task: &'static str,
    /// `running`, `done` or `failed`.
    #[schema(example = "done")]
    state: &'static str,
    /// Since when.
    #[schema(format = DateTime)]
    started_at: String,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// Of `rebuild`: how many tips the new index has.
    #[serde(skip_serializing_if = "Option::is_none")]
    indexed: Option<u64>,
    /// Of `verify` and `repair`: what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<DriftBody>,
}

/// Where index and database differ.
#[derive(Serialize, ToSchema)]
pub(crate) struct DriftBody {
    /// How many tips were compared.
    compared: usize,
    /// Whether files of the index are not what was written: then nothing was compared, and repairing makes it anew.
    damaged: bool,
    /// How many are not in the index, and should be.
    missing: usize,
    /// How many are in the index, and should not be.
    extra: usize,
    /// How many are in the index as they are no more.
    stale: usize,
    /// Some of them.
    examples: Vec<Uuid>,
}

impl From<&IndexStatus> for IndexBody {
    fn from(status: &IndexStatus) -> Self {
        let figures = &status.figures;
        Self {
            state: match figures.index {
                IndexState::Ready => "ready",
                IndexState::CatchingUp => "catching_up",
                IndexState::Rebuilding => "rebuilding",
                IndexState::OnItsOwn | IndexState::Held(_) => "held",
            },
            position: figures.index_position,
            head: figures.log_head,
            tips: figures.index_tips,
            bytes: figures.index_bytes,
            drift_found: figures.drift_found,
            drift_repaired: figures.drift_repaired,
            damage_found: figures.damage_found,
            work: status.work.as_ref().map(Into::into),
        }
    }
}

impl From<&IndexWork> for IndexWorkBody {
    fn from(work: &IndexWork) -> Self {
        let outcome = work.ended.as_ref().map(|(_, outcome)| outcome);
        Self {
            task: match work.task {
                IndexTask::Verify => "verify",
                IndexTask::Repair => "repair",
                IndexTask::Rebuild => "rebuild",
            },
            state: match outcome {
                None => "running",
                Some(IndexOutcome::Failed) => "failed",
                Some(_) => "done",
            },
            started_at: instant(work.started_at),
            ended_at: work.ended.as_ref().map(|(at, _)| instant(*at)),
            indexed: match outcome {
                Some(IndexOutcome::Rebuilt(tips)) => Some(*tips),
                _ => None,
            },
            drift: match outcome {
                Some(IndexOutcome::Compared(drift)) => Some(DriftBody {
                    compared: drift.compared,
                    damaged: drift.damage.is_some(),
                    missing: drift.missing.len(),
                    extra: drift.extra.len(),
                    stale: drift.stale.len(),
                    examples: [&drift.missing, &drift.extra, &drift.stale]
                        .into_iter()
                        .flatten()
                        .take(EXAMPLES)
                        .map(|tip| tip.0)
                        .collect(),
                }),
                _ => None,
            },
        }
    }
}

/// How to verify.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyBody {
    /// Whether to bring what differs to what the database says.
    #[serde(default)]
    repair: bool,
}

/// A change as the log has it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditBody {
    /// What happened.
    #[serde(flatten)]
    change: HistoryBody,
    /// The tip it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    tip: Option<Uuid>,
    /// The person it happened to, where that is neither who did it nor the `subject`.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Uuid>,
    /// The parts of a charter that were changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    fields: Vec<String>,
    /// The hash of this row, over the one before it.
    hash: String,
}

impl From<&HistoryEntry> for AuditBody {
    fn from(entry: &HistoryEntry) -> Self {
        Self {
            change: entry.into(),
            tip: entry.change.tip.map(|tip| tip.0),
            user: entry.facts.user.map(|user| user.0),
            fields: entry.facts.fields.clone(),
            hash: entry.change.hash.clone(),
        }
    }
}

/// Which changes to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditParams {
    /// Of this kind.
    #[param(example = "member.set")]
    kind: Option<String>,
    /// By this person.
    actor: Option<Uuid>,
    /// Of this tip.
    tip: Option<Uuid>,
    /// Of this community, account, key, review, flag, gap or other tip.
    subject: Option<Uuid>,
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Read how the index stands (admins).
///
/// Each process has an index of its own; behind a balancer this is one of them.
#[utoipa::path(tag = "operations", responses((status = 200, description = "How it stands", body = IndexBody)))]
#[get("/admin/index")]
pub(crate) async fn index_status(api: Data<Api>, caller: Caller) -> Result<HttpResponse, Problem> {
    let status = api.run(move |service| service.index_status(&caller.0)).await?;
    Ok(HttpResponse::Ok().json(IndexBody::from(&status)))
}

/// Compare the index with the database, both ways (admins).
///
/// Answers at once; `GET /v1/admin/index` has the outcome in `work`. Searches go on.
#[utoipa::path(
    tag = "operations",
    request_body(content = Option<VerifyBody>),
    responses((status = 202, description = "It has begun", body = IndexBody)),
)]
#[post("/admin/index/verify")]
pub(crate) async fn verify_index(
    api: Data<Api>,
    caller: Caller,
    body: OptionalBody<VerifyBody>,
) -> Result<HttpResponse, Problem> {
    let repair = body.0.is_some_and(|body| body.repair);
    begun(&api, caller, if repair { IndexTask::Repair } else { IndexTask::Verify }).await
}

/// Make the index anew from the database (admins).
///
/// Answers at once; `GET /v1/admin/index` has the outcome in `work`. The present index answers searches until the new one
/// takes its place; what is written meanwhile is found after that.
#[utoipa::path(tag = "operations", responses((status = 202, description = "It has begun", body = IndexBody)))]
#[post("/admin/index/rebuild")]
pub(crate) async fn rebuild_index(api: Data<Api>, caller: Caller) -> Result<HttpResponse, Problem> {
    begun(&api, caller, IndexTask::Rebuild).await
}

async fn begun(api: &Api, caller: Caller, task: IndexTask) -> Result<HttpResponse, Problem> {
    let status = api.run(move |service| service.work_on_index(&caller.0, task)).await?;
    Ok(HttpResponse::Accepted().json(IndexBody::from(&status)))
}

/// List the changes that the log has, the newest first (admins).
///
/// Reasons that named an erased person are gone; the chain of hashes holds all the same.
#[utoipa::path(
    tag = "operations",
    params(AuditParams),
    responses((status = 200, description = "One page of changes", body = PageBody<AuditBody>)),
)]
#[get("/admin/audit")]
pub(crate) async fn list_audit(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<AuditParams>,
) -> Result<HttpResponse, Problem> {
    let AuditParams { kind, actor, tip, subject, limit, cursor } = params.0;
    let known = |word: String| {
        Kind::from_word(&word)
            .ok_or_else(|| Problem::at(&INVALID_PARAMETER, "kind", "unknown", "there is no such kind"))
    };
    let query = AuditQuery { kind: kind.map(known).transpose()?, actor, tip, subject };
    let page = page_request(limit, cursor)?;
    let changes = api.run(move |service| service.list_audit(&caller.0, &query, &page)).await?;
    Ok(listed(&req, changes, |entry| AuditBody::from(&entry)))
}
