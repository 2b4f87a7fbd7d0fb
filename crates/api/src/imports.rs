//! `/v1/imports`: moving tips in.

mod csv;
mod line;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use eureka_service::{ImportOrder, ImportView, LineOutcome, LineResult, entity_tag};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::Api;
use crate::body::read;
use crate::caller::Caller;
use crate::conditional::tagged;
use crate::exports::NDJSON;
use crate::idempotency::{Created, IdempotencyKey, answered};
use crate::params::Params;
use crate::path::import_id;
use crate::problem::{FieldProblem, MALFORMED_BODY, PAYLOAD_TOO_LARGE, Problem, UNSUPPORTED_MEDIA_TYPE};
use crate::wire::instant;

pub(crate) use line::ImportLineBody;

/// Largest body of an import, in bytes.
const LARGEST: usize = 8 << 20;
/// Most lines of an import.
const MOST: usize = 5_000;

/// How to take tips in.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportParams {
    /// The slug of the community of lines that name none.
    community: Option<String>,
    /// Only say what would come of it.
    #[param(default = false)]
    dry_run: Option<bool>,
}

/// What came of one line.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportedLineBody {
    /// Its number in what was sent, from 1.
    line: usize,
    /// Its name where it comes from; absent where that could not be read.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    external_id: String,
    /// `imported`; `importable` in a dry run; `known`: it was here before; `refused`.
    #[schema(example = "imported")]
    result: &'static str,
    /// The tip that it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// Its human key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "T-1042")]
    number: Option<String>,
    /// Why it was refused; the pointers lead into the line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldProblem>,
}

impl From<&LineResult> for ImportedLineBody {
    fn from(line: &LineResult) -> Self {
        let (mut id, mut number, mut errors) = (None, None, Vec::new());
        let result = match &line.outcome {
            LineOutcome::Imported(tip, key) => {
                (id, number) = (Some(*tip), Some(key.clone()));
                "imported"
            }
            LineOutcome::Importable => "importable",
            LineOutcome::Known => "known",
            LineOutcome::Refused(why) => {
                errors = why.iter().map(|(at, code, detail)| FieldProblem::new(at, code, detail)).collect();
                "refused"
            }
        };
        Self { line: line.line, external_id: line.external_id.clone(), result, id, number, errors }
    }
}

/// What came of an import.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportBody {
    /// For ever.
    id: Uuid,
    /// Whether it only said what would come of it.
    dry_run: bool,
    /// When it began.
    #[schema(format = DateTime)]
    started_at: String,
    /// When it ended. One without an end is at work, or broke off: send it again, what it took in is `known` then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    finished_at: Option<String>,
    /// How many lines became tips, or would.
    imported: usize,
    /// How many were here before.
    known: usize,
    /// How many were not taken.
    refused: usize,
    /// What came of each line, in their order.
    lines: Vec<ImportedLineBody>,
}

impl From<&ImportView> for ImportBody {
    fn from(view: &ImportView) -> Self {
        let lines: Vec<ImportedLineBody> = view.lines.iter().map(Into::into).collect();
        let count = |results: &[&str]| lines.iter().filter(|line| results.contains(&line.result)).count();
        Self {
            id: view.id.0,
            dry_run: view.dry_run,
            started_at: instant(view.started_at),
            finished_at: view.finished_at.map(instant),
            imported: count(&["imported", "importable"]),
            known: count(&["known"]),
            refused: count(&["refused"]),
            lines,
        }
    }
}

/// Move tips in (stewards).
///
/// One tip to a line as NDJSON, or CSV with the same names in its first line, lists with a semicolon between their values
/// (`text/csv`); up to 8 MiB and 5,000 lines. They come in as approved, into communities that you are a steward of, under
/// the names of their authors, who get no account to sign in to. A line that cannot be taken does not hold the others up.
/// What is there by its external id is left as it is: an import that broke off is sent again whole.
#[utoipa::path(
    tag = "moving",
    request_body(
        description = "The schema is that of a line",
        content((ImportLineBody = "application/x-ndjson"), (String = "text/csv")),
    ),
    params(
        ImportParams,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat"),
    ),
    responses((status = 201, description = "What came of it", body = ImportBody)),
)]
#[post("/imports")]
pub(crate) async fn import_tips(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    params: Params<ImportParams>,
    key: IdempotencyKey,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let kind = media_type(&req)?;
    let bytes = read(payload.into_inner(), LARGEST).await?;
    let print = api.service().fingerprint("POST", &req.uri().to_string(), &bytes);
    let (community, dry_run) = (params.0.community, params.0.dry_run.unwrap_or(false));
    let once = key.once(print, |view: &ImportView| {
        Created::at(format!("/v1/imports/{}", view.id), Some(entity_tag(view)), &ImportBody::from(view))
    });
    let order = actix_web::web::block(move || kind.order(&bytes, community.as_deref(), dry_run))
        .await
        .map_err(|error| eureka_service::ServiceError::Internal(error.to_string()))??;
    let answer = api.run(move |service| service.import_sent(&caller.0, order, once)).await?;
    Ok(answered(answer))
}

/// Read what came of an import that you sent.
#[utoipa::path(
    tag = "moving",
    params(("id" = String, Path, description = "The import's id")),
    responses((status = 200, description = "As far as it has come", body = ImportBody)),
)]
#[get("/imports/{id}")]
pub(crate) async fn read_import(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = import_id(&id)?;
    let view = api.run(move |service| service.read_import(&caller.0, id)).await?;
    tagged(&req, entity_tag(&view), &ImportBody::from(&view))
}

/// What lines come as.
#[derive(Clone, Copy)]
pub(crate) enum Media {
    Ndjson,
    Csv,
}

fn media_type(req: &HttpRequest) -> Result<Media, Problem> {
    let header = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let unsupported = || Problem::new(&UNSUPPORTED_MEDIA_TYPE, "send application/x-ndjson or text/csv");
    Media::named(&essence).ok_or_else(unsupported)
}

impl Media {
    /// The one with this name.
    pub(crate) fn named(essence: &str) -> Option<Self> {
        match essence {
            NDJSON => Some(Self::Ndjson),
            "text/csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// The lines of a body.
    pub(crate) fn order(self, bytes: &[u8], community: Option<&str>, dry_run: bool) -> Result<ImportOrder, Problem> {
        let text = std::str::from_utf8(bytes).map_err(|_| Problem::new(&MALFORMED_BODY, "the text is not UTF-8"))?;
        let read: Vec<_> = match self {
            Self::Ndjson => {
                let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
                lines.map(|(place, line)| line::read_line(place + 1, line.as_bytes(), community)).collect()
            }
            Self::Csv => {
                let mut records = csv::records(text).into_iter();
                let names: Vec<String> = records.next().map(|first| first.fields).unwrap_or_default();
                let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
                records.map(|record| line::read_record(&names, record, community)).collect()
            }
        };
        if read.len() > MOST {
            return Err(Problem::new(&PAYLOAD_TOO_LARGE, format!("at most {MOST} lines")));
        }
        let (mut lines, mut unreadable) = (Vec::with_capacity(read.len()), Vec::new());
        for line in read {
            match line {
                Ok(line) => lines.push(line),
                Err(refusal) => unreadable.push(refusal),
            }
        }
        Ok(ImportOrder { lines, unreadable, dry_run })
    }
}
