//! `/v1/suggest`, `/v1/tips/{id}/similar`, `/v1/tips/similar`: completions and look-alikes.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, post};
use eureka_domain::Instant;
use eureka_domain::tip::{BODY_MAX, LABEL_MAX, LABELS_MAX, TITLE_MAX};
use eureka_service::{SimilarText, SimilarTip, Suggestion, SuggestionKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::body::Body;
use crate::caller::Caller;
use crate::page::checked_limit;
use crate::params::Params;
use crate::path::tip_ref;
use crate::problem::{Problem, VALIDATION_FAILED};
use crate::search::{HitTip, hit_tip};
use crate::wire::wire_enum;

/// How many look-alikes authors and reviewers are shown.
pub(crate) const LOOK_ALIKES: usize = 5;

wire_enum! {
    /// What a completion is.
    SuggestionKindWord = SuggestionKind {
        FaultCode = "fault_code", Part = "part", Product = "product", Term = "term", Title = "title", Word = "word",
    }
}

/// What to complete.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuggestParams {
    /// What was typed so far. The last word is unfinished unless a space follows it.
    #[param(example = "docuc")]
    q: String,
    /// How many completions at most, 1 to 100; 10 unless given.
    #[param(minimum = 1, maximum = 100, default = 10)]
    limit: Option<i64>,
}

/// How many look-alikes to give.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SimilarParams {
    /// How many at most, 1 to 100; 5 unless given.
    #[param(minimum = 1, maximum = 100, default = 5)]
    limit: Option<i64>,
}

/// A text that is being written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "3396 comes and goes", "products": ["DocuColor 40"]}))]
pub(crate) struct SimilarTextBody {
    /// One line that names the problem.
    title: String,
    /// What was seen.
    #[serde(default)]
    problem: String,
    /// Why it happens.
    cause: Option<String>,
    /// What fixes it.
    solution: Option<String>,
    /// Machines it applies to.
    #[serde(default)]
    products: Vec<String>,
    /// Fault codes.
    #[serde(default)]
    fault_codes: Vec<String>,
    /// Part numbers.
    #[serde(default)]
    parts: Vec<String>,
}

/// Completions, best first.
#[derive(Serialize, ToSchema)]
pub(crate) struct SuggestBody {
    /// The completions.
    items: Vec<SuggestionBody>,
}

/// One completion.
#[derive(Serialize, ToSchema)]
pub(crate) struct SuggestionBody {
    /// What it is.
    kind: SuggestionKindWord,
    /// The whole text to search for, as it is written in the tips.
    text: String,
    /// The tip's human key, where the completion is a title.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "T-1042")]
    tip: Option<String>,
}

/// Look-alikes, the most alike first.
#[derive(Serialize, ToSchema)]
pub(crate) struct SimilarBody {
    /// The look-alikes.
    items: Vec<SimilarTipBody>,
}

/// A tip that looks like the text.
#[derive(Serialize, ToSchema)]
pub(crate) struct SimilarTipBody {
    /// The tip, as much as a list shows.
    pub(crate) tip: HitTip,
    /// How alike, 0 to 1.
    pub(crate) likeness: f32,
    /// What both have.
    pub(crate) why: WhyBody,
}

/// What two texts have in common.
#[derive(Serialize, ToSchema)]
pub(crate) struct WhyBody {
    /// Fault codes of both.
    fault_codes: Vec<String>,
    /// Part numbers of both.
    parts: Vec<String>,
    /// Products of both.
    products: Vec<String>,
    /// Words of both, the most telling first.
    words: Vec<String>,
}

/// Complete what is being typed: fault codes, parts, products, titles, words.
#[utoipa::path(
    tag = "search",
    params(SuggestParams),
    responses((status = 200, description = "Completions, each from a tip that you may see", body = SuggestBody)),
)]
#[get("/suggest")]
pub(crate) async fn suggest(
    api: Data<Api>,
    caller: Caller,
    params: Params<SuggestParams>,
) -> Result<HttpResponse, Problem> {
    let limit = limit(params.0.limit, 10)?;
    let body = api.service().suggest(&caller.0, params.0.q, limit, suggest_body).await?;
    Ok(HttpResponse::Ok().json(body))
}

/// Find the approved tips that look like this one.
#[utoipa::path(
    tag = "search",
    params(("id" = String, Path, description = "The tip's id or number"), SimilarParams),
    responses((status = 200, description = "Look-alikes that you may see", body = SimilarBody)),
)]
#[get("/tips/{id}/similar")]
pub(crate) async fn similar_to_tip(
    api: Data<Api>,
    caller: Caller,
    id: Path<String>,
    params: Params<SimilarParams>,
) -> Result<HttpResponse, Problem> {
    let limit = limit(params.0.limit, 5)?;
    let tip = tip_ref(&id)?;
    let of = caller.0.clone();
    let text = api.run(move |service| service.similar_text(&of, tip)).await?;
    let now = api.service().now();
    let body = api.service().similar_tips(&caller.0, text, limit, move |found| similar_body(found, now)).await?;
    Ok(HttpResponse::Ok().json(body))
}

/// Find the approved tips that look like a text you are writing.
#[utoipa::path(
    tag = "search",
    request_body = SimilarTextBody,
    params(SimilarParams),
    responses((status = 200, description = "Look-alikes that you may see", body = SimilarBody)),
)]
#[post("/tips/similar")]
pub(crate) async fn similar_tips(
    api: Data<Api>,
    caller: Caller,
    params: Params<SimilarParams>,
    body: Body<SimilarTextBody>,
) -> Result<HttpResponse, Problem> {
    let limit = limit(params.0.limit, 5)?;
    let now = api.service().now();
    let shape = move |found| similar_body(found, now);
    let found = api.service().similar_tips(&caller.0, body.value.checked()?.into(), limit, shape).await?;
    Ok(HttpResponse::Ok().json(found))
}

fn limit(asked: Option<i64>, usual: i64) -> Result<usize, Problem> {
    let limit = checked_limit(Some(asked.unwrap_or(usual)))?;
    Ok(usize::try_from(limit).unwrap_or_default())
}

impl SimilarTextBody {
    /// Refuses what no tip could hold.
    pub(crate) fn checked(self) -> Result<Self, Problem> {
        let texts = [
            ("/title", Some(&self.title), TITLE_MAX),
            ("/problem", Some(&self.problem), BODY_MAX),
            ("/cause", self.cause.as_ref(), BODY_MAX),
            ("/solution", self.solution.as_ref(), BODY_MAX),
        ];
        for (pointer, text, most) in texts {
            if text.is_some_and(|text| text.chars().count() > most) {
                return Err(too_long(pointer, most));
            }
        }
        for (pointer, labels) in
            [("/products", &self.products), ("/fault_codes", &self.fault_codes), ("/parts", &self.parts)]
        {
            if labels.len() > LABELS_MAX {
                let detail = format!("at most {LABELS_MAX}");
                return Err(Problem::at(&VALIDATION_FAILED, pointer, "too_many", detail));
            }
            if let Some(place) = labels.iter().position(|label| label.chars().count() > LABEL_MAX) {
                return Err(too_long(&format!("{pointer}/{place}"), LABEL_MAX));
            }
        }
        Ok(self)
    }
}

fn too_long(pointer: &str, most: usize) -> Problem {
    Problem::at(&VALIDATION_FAILED, pointer, "too_long", format!("at most {most} characters"))
}

impl From<SimilarTextBody> for SimilarText {
    fn from(body: SimilarTextBody) -> Self {
        let parts = [Some(body.problem), body.cause, body.solution];
        Self {
            title: body.title,
            text: parts.into_iter().flatten().collect::<Vec<_>>().join("\n"),
            fault_codes: body.fault_codes,
            parts: body.parts,
            products: body.products,
            ..Self::default()
        }
    }
}

fn suggest_body(found: Vec<Suggestion>) -> SuggestBody {
    let item = |suggestion: Suggestion| SuggestionBody {
        kind: suggestion.kind.into(),
        text: suggestion.text,
        tip: suggestion.tip.map(|number| number.to_string()),
    };
    SuggestBody { items: found.into_iter().map(item).collect() }
}

fn similar_body(found: Vec<SimilarTip>, now: Instant) -> SimilarBody {
    SimilarBody { items: similar_items(found, now) }
}

/// Look-alikes as others see them at a moment.
pub(crate) fn similar_items(found: Vec<SimilarTip>, now: Instant) -> Vec<SimilarTipBody> {
    let item = |similar: SimilarTip| SimilarTipBody {
        tip: hit_tip(&similar.tip, now),
        likeness: (similar.likeness * 1000.0).round() / 1000.0,
        why: WhyBody {
            fault_codes: similar.why.fault_codes,
            parts: similar.why.parts,
            products: similar.why.products,
            words: similar.why.words,
        },
    };
    found.into_iter().map(item).collect()
}
