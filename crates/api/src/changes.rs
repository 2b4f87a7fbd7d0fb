//! `/v1/changes`: the change feed, for whoever keeps a copy of the tips.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use eureka_domain::feed::{Absence, Told};
use eureka_service::{FeedCursor, FeedEntry, FeedPage};
use serde::{Deserialize, Serialize};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, timeout};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::Api;
use crate::caller::Caller;
use crate::page::checked_limit;
use crate::params::Params;
use crate::prefer::{self, APPLIED};
use crate::problem::{INVALID_CURSOR, Problem};
use crate::tips::ConfidenceWord;
use crate::wire::{instant, wire_enum};

/// How long a wait goes on before it is seen to whether the process is about to stop.
const GLANCE: Duration = Duration::from_secs(1);

wire_enum! {
    /// Why a tip is not, or no longer, among those that you find: `closed` is one that you may no longer read.
    AbsenceWord = Absence {
        Held = "held", Archived = "archived", Merged = "merged", Superseded = "superseded", Closed = "closed",
    }
}

/// From where to follow.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeParams {
    /// The `next` of the reply before, or of the export that your copy began with; absent: from the beginning.
    #[param(example = "019d5d6c00007000800000000000000a.1042")]
    after: Option<String>,
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
}

/// What a change makes of one tip in your copy: put it in with this revision, or, where it is `gone`, drop it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangeBody {
    /// The change's place in the log. One change may concern many tips.
    position: i64,
    /// When it happened.
    #[schema(format = DateTime)]
    at: String,
    /// What happened. The rest of the entry tells what the tip is now, whatever happened since.
    #[schema(example = "tip.published")]
    kind: &'static str,
    /// The tip.
    id: Uuid,
    /// Its human key.
    #[schema(example = "T-1042")]
    number: String,
    /// The slug of its community; absent where you do not read that.
    #[serde(skip_serializing_if = "Option::is_none")]
    community: Option<String>,
    /// The number of the revision that readers see: `/v1/tips/{id}/revisions/{n}`, which never changes. Absent where the
    /// tip is `gone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<i32>,
    /// How far the tip can be relied on. Absent where it is `gone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<ConfidenceWord>,
    /// Drop it, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<AbsenceWord>,
}

impl From<&FeedEntry> for ChangeBody {
    fn from(entry: &FeedEntry) -> Self {
        let (revision, confidence, gone) = match entry.told {
            Told::Listed { revision, confidence } => (Some(revision), Some(confidence.into()), None),
            Told::Gone(why) => (None, None, Some(why.into())),
        };
        Self {
            position: entry.position,
            at: instant(entry.at),
            kind: entry.kind.word(),
            id: entry.tip.0,
            number: entry.number.to_string(),
            community: entry.community.clone(),
            revision,
            confidence,
            gone,
        }
    }
}

/// What has changed.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "items": [
        {
            "position": 1041, "at": "2026-11-24T09:12:00.000000Z", "kind": "tip.published",
            "id": "01930000-0000-7000-8000-000000000001", "number": "T-1042", "community": "office-printers",
            "revision": 2, "confidence": "validated",
        },
        {
            "position": 1043, "at": "2026-11-24T09:15:00.000000Z", "kind": "tip.held",
            "id": "01930000-0000-7000-8000-000000000002", "number": "T-1007", "community": "office-printers",
            "gone": "held",
        },
    ],
    "next": "019d5d6c00007000800000000000000a.1050",
    "more": false,
    "position": 1050,
    "log_id": "019d5d6c-0000-7000-8000-00000000000a",
}))]
pub(crate) struct ChangesBody {
    /// What has changed of what you may see, in the order of the log.
    items: Vec<ChangeBody>,
    /// Where to go on: send it as `after`. Also of an empty page, which may have gone past much that is not for you.
    next: String,
    /// Whether there is more to read now.
    more: bool,
    /// The place in the log up to which all has been told.
    position: i64,
    /// The life of the database: another one after a restore.
    log_id: Uuid,
}

impl From<&FeedPage> for ChangesBody {
    fn from(page: &FeedPage) -> Self {
        Self {
            items: page.entries.iter().map(Into::into).collect(),
            next: page.next.to_string(),
            more: page.more,
            position: page.next.position(),
            log_id: page.next.log_id(),
        }
    }
}

/// Follow what changes among the tips that you find.
///
/// For a copy of them that is kept elsewhere: apply the items in order, then ask again with `next`. A copy that has
/// followed until `more` is false holds exactly the approved tips that you may read and that are not held, archived or
/// replaced, as `/v1/exports/tips` lists them. Each item tells what a tip is now, and what you may read now; of what you
/// may not read it says at most that it is gone, and only where you could have read it. When you join or leave a private
/// community, or one is opened or closed, its tips are told one by one. Who changed what, and why, is at
/// `/v1/tips/{id}/history`.
///
/// With `Prefer: wait=30` the reply waits up to so many seconds (60 at most) until there is something to tell, and says so
/// with `Preference-Applied`. Where too many wait already, or the service is about to stop, it comes at once and without.
///
/// `410 log_changed` means that `after` is of another life of the database: drop your copy, and begin anew.
#[utoipa::path(
    tag = "moving",
    params(
        ChangeParams,
        ("Prefer" = Option<String>, Header, description = "`wait=30`: seconds to wait for something to tell"),
    ),
    responses((
        status = 200,
        description = "What has changed",
        body = ChangesBody,
        headers(("Preference-Applied" = String, description = "`wait=30`: how long it would have waited")),
    )),
)]
#[get("/changes")]
pub(crate) async fn list_changes(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<ChangeParams>,
) -> Result<HttpResponse, Problem> {
    let limit = checked_limit(params.0.limit)?;
    let mut after: Option<FeedCursor> = match params.0.after {
        Some(text) => Some(text.parse().map_err(|_| not_ours())?),
        None => None,
    };
    let wait = prefer::wait(&req);
    let place = wait.and_then(|_| api.place_to_wait());
    let granted = wait.filter(|_| place.is_some() && !api.is_draining());
    let deadline = Instant::now() + granted.unwrap_or_default();
    let mut moves = api.service().indexer().places();
    let page = loop {
        moves.mark_unchanged(); // what moves from here on may not be in this look
        let who = caller.0.clone();
        let page = api.run(move |service| service.list_changes(&who, after, limit)).await?;
        if !page.entries.is_empty() {
            break page;
        }
        after = Some(page.next);
        if !page.more && !moves_before(&api, &mut moves, deadline).await {
            break page;
        }
        if Instant::now() >= deadline {
            break page;
        }
    };
    let mut reply = HttpResponse::Ok();
    if let Some(granted) = granted {
        reply.insert_header((APPLIED, format!("wait={}", granted.as_secs())));
    }
    Ok(reply.json(ChangesBody::from(&page)))
}

/// Waits until the log moves; false when that did not happen in time, or the process is about to stop.
async fn moves_before(api: &Api, moves: &mut Receiver<i64>, deadline: Instant) -> bool {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || api.is_draining() {
            return false;
        }
        if let Ok(moved) = timeout(left.min(GLANCE), moves.changed()).await {
            return moved.is_ok();
        }
    }
}

fn not_ours() -> Problem {
    Problem::at(&INVALID_CURSOR, "after", "invalid", "send the `next` of a reply as it is")
}
