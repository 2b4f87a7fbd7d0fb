//! The shapes of search on the wire.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use eureka_domain::Instant;
use eureka_domain::ids::TipNumber;
use eureka_service::{
    Age, ExplainPart, FacetField, FacetValue, Highlight, Hit, ProofView, Relaxed, SearchResponse, Sort, TipDocument,
};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{IntoParams, PartialSchema, ToSchema};
use uuid::Uuid;

use crate::outcomes::ProofBody;
use crate::params::{AnyOf, Ids, Texts};
use crate::problem::{INVALID_PARAMETER, Problem};
use crate::tips::{ConfidenceWord, ConfidenceWords, SafetyWord, SafetyWords};
use crate::wire::{Person, instant, wire_enum};

wire_enum! {
    /// The order of hits.
    SortWord = Sort { Relevance = "relevance", Newest = "newest", Proof = "proof" }
}

wire_enum! {
    /// How long ago a tip was last changed: within seven days, 31 days, 366 days or longer ago, each without those before it.
    AgeWord = Age { Week = "week", Month = "month", Year = "year", Older = "older" }
}

/// Any of these ages.
type AgeWords = AnyOf<AgeWord>;

/// The facets that can be asked for.
const FACETS: [(&str, FacetField); 9] = [
    ("community", FacetField::Community),
    ("product", FacetField::Product),
    ("fault_code", FacetField::FaultCode),
    ("tag", FacetField::Tag),
    ("lang", FacetField::Lang),
    ("author", FacetField::Author),
    ("confidence", FacetField::Confidence),
    ("safety", FacetField::Safety),
    ("age", FacetField::Age),
];

/// What to find.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SearchParams {
    /// What you are looking for: words, codes, a question.
    #[param(example = "3396 DocuColor 40")]
    pub(crate) q: Option<String>,
    /// In the community with this slug.
    #[param(inline)]
    pub(crate) community: Texts,
    /// For this product; case, accents and spacing do not matter. Where product and code are all that is asked for and no tip
    /// declares them, they are looked for as words (`relaxed` says so).
    #[param(inline)]
    pub(crate) product: Texts,
    /// With this fault code; case and separators do not matter.
    #[param(inline)]
    pub(crate) fault_code: Texts,
    /// With this tag.
    #[param(inline)]
    pub(crate) tag: Texts,
    /// In this language: BCP 47 primary subtag.
    #[param(inline)]
    pub(crate) lang: Texts,
    /// By this author.
    #[param(inline)]
    pub(crate) author: Ids,
    /// Of this confidence.
    #[param(inline)]
    pub(crate) confidence: ConfidenceWords,
    /// Of this safety level.
    #[param(inline)]
    pub(crate) safety: SafetyWords,
    /// Last changed so long ago.
    #[param(inline)]
    pub(crate) age: AgeWords,
    /// `relevance` unless given.
    pub(crate) sort: Option<SortWord>,
    /// What to count hits by, comma-separated: community, product, `fault_code`, tag, lang, author, confidence, safety,
    /// age.
    #[param(example = "product,tag")]
    pub(crate) facets: Option<String>,
    /// Tell the parts of each score (stewards, admins).
    pub(crate) explain: Option<bool>,
    /// How many hits at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(crate) limit: Option<i64>,
    /// The `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// Wait up to two seconds until the index has reached this position: see `Eureka-Position` on the reply to a write.
    #[param(minimum = 0)]
    pub(crate) min_position: Option<i64>,
}

/// The facets that a parameter names.
pub(crate) fn facet_fields(names: Option<&str>) -> Result<Vec<FacetField>, Problem> {
    names
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| {
            FACETS.iter().find(|(known, _)| *known == name).map(|(_, field)| *field).ok_or_else(|| {
                Problem::at(&INVALID_PARAMETER, "facets", "unknown", format!("there is no facet `{name}`"))
            })
        })
        .collect()
}

/// The answer to a search.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchBody {
    /// Names this search, to tell which hits you opened: `POST /v1/searches/{id}/opened`. Absent on further pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// The hits, best first.
    items: Vec<HitBody>,
    /// How many tips there are.
    total: TotalBody,
    /// Counts per facet that was asked for, each as if its own filter were not set; of the tips that have all that was asked
    /// for, where there are any.
    facets: BTreeMap<&'static str, Vec<FacetBody>>,
    /// What was forgiven or given up to find these hits; absent when they are what was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    relaxed: Vec<RelaxedBody>,
    /// The query as it was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    did_you_mean: Option<String>,
    /// The position in the change log that the index had reached.
    position: i64,
    /// How long the search took, in milliseconds.
    took_ms: f64,
    /// Names the place after the last hit; absent on the last page, and by relevance after some 2,000 hits.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A number of tips.
#[derive(Serialize, ToSchema)]
pub(crate) struct TotalBody {
    /// The number.
    value: u64,
    /// Whether it is exact; a lower bound otherwise.
    exact: bool,
}

/// One tip that was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct HitBody {
    /// The tip, as much as a list shows.
    tip: HitTip,
    /// How well it fits, against the first hit of the page: 1 is as well.
    score: f32,
    /// Where the query's words stand.
    highlights: Vec<HighlightBody>,
    /// Words of the query that the tip lacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    missing: Vec<String>,
    /// The parts of the score, when asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    explain: Vec<ExplainBody>,
}

/// A tip as a list shows it. Written from the very tip that was found: many are shown, and few of them are read.
pub(crate) struct HitTip {
    tip: Arc<TipDocument>,
    now: Instant,
}

impl Serialize for HitTip {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Listed::of(&self.tip, self.now).serialize(to)
    }
}

impl PartialSchema for HitTip {
    fn schema() -> RefOr<Schema> {
        Listed::schema()
    }
}

impl ToSchema for HitTip {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("HitTip")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Listed::schemas(schemas);
    }
}

/// A tip as a list shows it.
#[derive(Serialize, ToSchema)]
struct Listed<'a> {
    /// For ever.
    id: Uuid,
    /// The human key.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, example = "T-1042")]
    number: TipNumber,
    /// The live revision.
    revision: i32,
    /// The slug of the community that owns it.
    community: &'a str,
    /// Whose name is on it.
    #[schema(value_type = Person)]
    author: Author<'a>,
    /// One line that names the problem.
    title: &'a str,
    /// The beginning of the problem.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    excerpt: Excerpt<'a>,
    /// How dangerous the work is.
    safety: SafetyWord,
    /// The hazard in words: show it before anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    hazard: Option<&'a str>,
    /// Machines it applies to.
    #[schema(value_type = Vec<String>)]
    products: &'a [String],
    /// Fault codes.
    #[schema(value_type = Vec<String>)]
    fault_codes: &'a [String],
    /// Part numbers.
    #[schema(value_type = Vec<String>)]
    parts: &'a [String],
    /// Free labels.
    #[schema(value_type = Vec<String>)]
    tags: &'a [String],
    /// Language.
    #[serde(skip_serializing_if = "Option::is_none")]
    lang: Option<&'a str>,
    /// How far it can be relied on.
    confidence: ConfidenceWord,
    /// What its uses say, if any were told.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<ProofBody>,
    /// The numbers of the tips that say the same and were merged into it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, example = json!(["T-1043"]))]
    stands_for: Vec<String>,
    /// When a revision was first published.
    #[schema(format = DateTime)]
    published_at: String,
    /// When the live text last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A person, as a list names them.
#[derive(Serialize)]
struct Author<'a> {
    id: Uuid,
    name: &'a str,
}

/// A piece of a tip's text with the places where the query's words stand.
#[derive(Serialize, ToSchema)]
pub(crate) struct HighlightBody {
    /// The field the piece is from; `stands_for` of a tip that was merged into this one.
    field: &'static str,
    /// The piece: plain text, never markup.
    fragment: String,
    /// `[start, end)` offsets in `fragment`, in bytes of its UTF-8 form, on character borders.
    ranges: Vec<[usize; 2]>,
    /// Whether text was left out before it.
    cut_before: bool,
    /// Whether text was left out after it.
    cut_after: bool,
}

/// One part of a score, in words.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExplainBody {
    /// What it is.
    what: String,
    /// What it adds, or multiplies by.
    value: f32,
    /// Whether `value` multiplies instead of adding.
    factor: bool,
}

/// One value of a facet.
#[derive(Serialize, ToSchema)]
pub(crate) struct FacetBody {
    /// The value, as a filter takes it.
    value: String,
    /// What to show instead, where the value is not for reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// How many tips have it.
    count: u64,
}

/// What was forgiven or given up.
#[derive(Serialize, ToSchema)]
pub(crate) struct RelaxedBody {
    /// `corrected`, `completed`, `split`, `code_family`, `ignored`, `phrase_as_words`, `filters_as_words` or `some_words`.
    kind: &'static str,
    /// The word, code or phrase of the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    word: Option<String>,
    /// What was read instead, the best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    instead: Vec<String>,
}

impl SearchBody {
    pub(crate) fn new(
        found: SearchResponse,
        id: Option<Uuid>,
        next_cursor: Option<String>,
        took: Duration,
        now: Instant,
    ) -> Self {
        let best = found.hits.first().map_or(1.0, |hit| hit.score.max(f32::MIN_POSITIVE));
        Self {
            id,
            items: found.hits.into_iter().map(|hit| hit_body(hit, best, now)).collect(),
            total: TotalBody { value: found.total.value, exact: found.total.exact },
            facets: FACETS
                .iter()
                .filter_map(|(name, field)| {
                    let values = found.facets.get(field)?;
                    Some((*name, values.iter().map(facet_body).collect()))
                })
                .collect(),
            relaxed: found.relaxed.iter().map(relaxed_body).collect(),
            did_you_mean: found.did_you_mean,
            position: found.position,
            took_ms: (took.as_secs_f64() * 1e6).round() / 1e3,
            next_cursor,
        }
    }
}

fn hit_body(hit: Hit, best: f32, now: Instant) -> HitBody {
    let highlight = |highlight: Highlight| HighlightBody {
        field: highlight.field,
        fragment: highlight.fragment,
        ranges: highlight.ranges.into_iter().map(|(start, end)| [start, end]).collect(),
        cut_before: highlight.cut_before,
        cut_after: highlight.cut_after,
    };
    let part = |part: ExplainPart| ExplainBody { what: part.what, value: part.value, factor: part.factor };
    HitBody {
        tip: hit_tip(&hit.tip, now),
        score: (hit.score / best * 1000.0).round() / 1000.0,
        highlights: hit.highlights.into_iter().map(highlight).collect(),
        missing: hit.missing,
        explain: hit.explain.into_iter().map(part).collect(),
    }
}

/// A tip as a list shows it at a moment.
pub(crate) fn hit_tip(tip: &Arc<TipDocument>, now: Instant) -> HitTip {
    HitTip { tip: Arc::clone(tip), now }
}

impl<'a> Listed<'a> {
    fn of(tip: &'a TipDocument, now: Instant) -> Self {
        Self {
            id: tip.tip.0,
            number: tip.number,
            revision: tip.revision,
            community: &tip.community_slug,
            author: Author { id: tip.author.0, name: &tip.author_name },
            title: &tip.title,
            excerpt: Excerpt(&tip.problem),
            safety: tip.safety.into(),
            hazard: tip.hazard.as_deref(),
            products: &tip.products,
            fault_codes: &tip.fault_codes,
            parts: &tip.parts,
            tags: &tip.tags,
            lang: tip.lang.as_deref(),
            confidence: tip.confidence.into(),
            proof: tip.proof.map(|proof| (&ProofView::of(&proof, now)).into()),
            stands_for: tip.stands_for.iter().map(|merged| merged.number.to_string()).collect(),
            published_at: instant(tip.published_at),
            updated_at: instant(tip.updated_at),
        }
    }
}

/// The first 240 bytes of a text, to the last whole word.
struct Excerpt<'a>(&'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 240;
        let Self(text) = self;
        if text.len() <= LONGEST {
            return f.write_str(text);
        }
        let (start, _) = text.split_at(text.floor_char_boundary(LONGEST));
        let end = start.rfind(char::is_whitespace).unwrap_or(start.len());
        write!(f, "{} …", start.split_at(end).0.trim_end())
    }
}

fn as_text<S: Serializer>(shown: &impl fmt::Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(shown)
}

fn facet_body(value: &FacetValue) -> FacetBody {
    FacetBody { value: value.value.clone(), label: value.label.clone(), count: value.count }
}

fn relaxed_body(relaxed: &Relaxed) -> RelaxedBody {
    let body = |kind, word: Option<&String>, instead: &[String]| RelaxedBody {
        kind,
        word: word.cloned(),
        instead: instead.to_vec(),
    };
    match relaxed {
        Relaxed::Corrected { word, instead } => body("corrected", Some(word), instead),
        Relaxed::Completed { word, instead } => body("completed", Some(word), instead),
        Relaxed::Split { word, instead } => body("split", Some(word), instead),
        Relaxed::CodeFamily { code, instead } => body("code_family", Some(code), instead),
        Relaxed::Ignored { word } => body("ignored", Some(word), &[]),
        Relaxed::PhraseAsWords { phrase } => body("phrase_as_words", Some(phrase), &[]),
        Relaxed::FiltersAsWords { text } => body("filters_as_words", Some(text), &[]),
        Relaxed::SomeWords => body("some_words", None, &[]),
    }
}
