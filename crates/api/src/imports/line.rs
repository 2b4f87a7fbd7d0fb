//! One line of an import: a tip as it is moved out, or as it is written.

use eureka_domain::FieldError;
use eureka_domain::tip::{Confidence, Safety, TipText};
use eureka_service::{ImportLine, Refusal};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::csv::Record;
use crate::body::parse;
use crate::tips::{ConfidenceWord, SafetyWord};

/// What stands between the values of a list in one field of CSV.
const BETWEEN: char = ';';
/// The fields that are lists.
const LISTS: [&str; 4] = ["products", "fault_codes", "parts", "tags"];

/// A tip to be taken in. What an exported tip says beside its text (number, revision, proof, who else is named, when) is passed over: here it begins anew.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "external_id": "kb-17", "author": "Ana Duarte", "title": "Door opens again: the light curtain is dusty",
    "problem": "It opens again at once.", "solution": "Wipe both strips.", "products": ["Lift 300"],
}))]
pub(crate) struct ImportLineBody {
    /// Its name where it comes from, up to 200 bytes: what is here by this name already is not taken in again. One of this
    /// and `id` is owed.
    external_id: Option<String>,
    /// The same, where there is no `external_id`.
    id: Option<String>,
    /// The slug of the community that will own it; the request's `community` unless given.
    community: Option<String>,
    /// The name on it; `Imported` unless given. They get no account that one could sign in to.
    author: Option<AuthorBody>,
    /// One line that names the problem.
    title: String,
    /// What was seen.
    problem: String,
    /// Why it happens.
    cause: Option<String>,
    /// What fixes it.
    solution: Option<String>,
    /// Machines it applies to.
    #[serde(default)]
    products: Vec<String>,
    /// Fault codes, byte for byte.
    #[serde(default)]
    fault_codes: Vec<String>,
    /// Part numbers, byte for byte.
    #[serde(default)]
    parts: Vec<String>,
    /// Free labels.
    #[serde(default)]
    tags: Vec<String>,
    /// How dangerous the work is.
    safety: Option<SafetyWord>,
    /// The hazard in words; owed when `safety` is not `none`.
    hazard: Option<String>,
    /// Language: BCP 47 primary subtag.
    lang: Option<String>,
    /// Passed over.
    #[serde(default, rename = "number")]
    #[schema(value_type = Option<String>)]
    _number: Option<IgnoredAny>,
    /// Passed over.
    #[serde(default, rename = "revision")]
    #[schema(value_type = Option<i32>)]
    _revision: Option<IgnoredAny>,
    /// How far it can be relied on: `validated` unless it says `not_validated`.
    confidence: Option<ConfidenceWord>,
    /// Passed over.
    #[serde(default, rename = "proof")]
    #[schema(value_type = Option<Object>)]
    _proof: Option<IgnoredAny>,
    /// Passed over: the files themselves are not moved.
    #[serde(default, rename = "attachments")]
    #[schema(value_type = Option<Vec<Object>>)]
    _attachments: Option<IgnoredAny>,
    /// Passed over.
    #[serde(default, rename = "also_by")]
    #[schema(value_type = Option<Vec<Object>>)]
    _also_by: Option<IgnoredAny>,
    /// Passed over.
    #[serde(default, rename = "published_at")]
    #[schema(value_type = Option<String>)]
    _published_at: Option<IgnoredAny>,
    /// Passed over.
    #[serde(default, rename = "updated_at")]
    #[schema(value_type = Option<String>)]
    _updated_at: Option<IgnoredAny>,
    /// Passed over.
    #[serde(default, rename = "confirmed_at")]
    #[schema(value_type = Option<String>)]
    _confirmed_at: Option<IgnoredAny>,
}

/// A name, or a person as tips have them.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum AuthorBody {
    /// The name.
    Name(String),
    /// A person of where it comes from.
    Person {
        /// Passed over: the name counts.
        #[serde(rename = "id")]
        _id: Option<Uuid>,
        /// The name.
        name: String,
    },
}

/// Reads one line of NDJSON.
pub(crate) fn read_line(number: usize, line: &[u8], community: Option<&str>) -> Result<ImportLine, Refusal> {
    let refused = |external_id: &str, errors| Refusal { line: number, external_id: external_id.to_owned(), errors };
    let body: ImportLineBody = parse(line).map_err(|problem| refused("", problem.into_errors()))?;
    let Some(external_id) = body.external_id.or(body.id) else {
        return Err(refused("", vec![FieldError::new("/external_id", "required", "what it is called elsewhere")]));
    };
    let Some(community) = body.community.or_else(|| community.map(str::to_owned)) else {
        let why = FieldError::new("/community", "required", "here, or as a parameter of the request");
        return Err(refused(&external_id, vec![why]));
    };
    Ok(ImportLine {
        line: number,
        external_id,
        community,
        author: match body.author {
            Some(AuthorBody::Name(name) | AuthorBody::Person { name, .. }) => name,
            None => "Imported".to_owned(),
        },
        confidence: body.confidence.map_or(Confidence::Validated, Into::into),
        text: TipText {
            title: body.title,
            problem: body.problem,
            cause: body.cause,
            solution: body.solution,
            products: body.products,
            fault_codes: body.fault_codes,
            parts: body.parts,
            tags: body.tags,
            safety: body.safety.map_or(Safety::None, Into::into),
            hazard: body.hazard,
            attachments: Vec::new(),
            lang: body.lang,
        },
    })
}

/// Reads one record of CSV by the names in the first: as the line of NDJSON that says the same. Empty fields are absent;
/// lists have a semicolon between their values.
pub(crate) fn read_record(names: &[String], record: Record, community: Option<&str>) -> Result<ImportLine, Refusal> {
    if record.fields.len() > names.len() {
        let why =
            FieldError::new("", "malformed", format!("{} fields under {} names", record.fields.len(), names.len()));
        return Err(Refusal { line: record.line, external_id: String::new(), errors: vec![why] });
    }
    let mut line = Map::new();
    for (name, field) in names.iter().zip(record.fields).filter(|(_, field)| !field.is_empty()) {
        let value = if LISTS.contains(&name.as_str()) {
            field.split(BETWEEN).map(str::trim).filter(|value| !value.is_empty()).map(Value::from).collect()
        } else {
            Value::from(field)
        };
        line.insert(name.clone(), value);
    }
    read_line(record.line, Value::Object(line).to_string().as_bytes(), community)
}
