//! How large what clients send may be: each text, list and number of a request says so in the document. A name means the
//! same everywhere, so most limits go by it; the field's own `#[schema(max_length = …)]` goes before.

use eureka_domain::{attachment, glossary, outcome, password, review, tip, workflow};
use utoipa::Number;
use utoipa::openapi::schema::{KnownFormat, Object, Schema, SchemaFormat, SchemaType};
use utoipa::openapi::{RefOr, Type};

use super::schemas::parts;

/// Longest texts, in characters, by the name of the field; of what is no field, by that of the schema or media type.
const TEXTS: [(&str, usize); 43] = [
    ("title", tip::TITLE_MAX),
    ("problem", tip::BODY_MAX),
    ("cause", tip::BODY_MAX),
    ("solution", tip::BODY_MAX),
    ("hazard", tip::BODY_MAX),
    ("products", tip::LABEL_MAX),
    ("fault_codes", tip::LABEL_MAX),
    ("parts", tip::LABEL_MAX),
    ("tags", tip::LABEL_MAX),
    ("product", tip::LABEL_MAX),
    ("work_order", tip::LABEL_MAX),
    ("lang", 3),
    ("reason", workflow::REASON_MAX),
    ("comment", review::COMMENT_MAX),
    ("text", review::COMMENT_MAX),
    ("note", outcome::NOTE_MAX),
    ("client_id", outcome::CLIENT_ID_MAX),
    ("term", glossary::PHRASE_MAX),
    ("means", glossary::PHRASE_MAX),
    ("community", 60),
    ("slug", 60),
    ("name", 120),
    ("description", 4000),
    ("email", 254),
    ("password", password::PASSWORD_MAX),
    ("current_password", password::PASSWORD_MAX),
    ("external_id", 200),
    ("token", TOKEN),
    ("refresh_token", TOKEN),
    ("id", REFERENCE),
    ("other", REFERENCE),
    ("into", REFERENCE),
    ("by", REFERENCE),
    ("duplicate_of", REFERENCE),
    ("number", REFERENCE),
    ("published_at", INSTANT),
    ("updated_at", INSTANT),
    ("confirmed_at", INSTANT),
    ("url", 2048),
    ("kinds", 60),
    ("AuthorBody", 120),
    ("FileBody", attachment::BYTES_MAX),
    ("text/csv", 8 << 20),
];
/// An id, or a tip's number.
const REFERENCE: usize = 36;
/// RFC 3339, with more digits than anybody needs.
const INSTANT: usize = 40;
/// The secrets that the service makes are shorter.
const TOKEN: usize = 128;

/// Most items, by the name of the field.
const LISTS: [(&str, usize); 10] = [
    ("products", tip::LABELS_MAX),
    ("fault_codes", tip::LABELS_MAX),
    ("parts", tip::LABELS_MAX),
    ("tags", tip::LABELS_MAX),
    ("entries", glossary::ENTRIES_MAX),
    ("means", glossary::MEANS_MAX),
    ("scopes", 4),
    ("also_by", tip::LABELS_MAX),
    ("attachments", attachment::FILES_MAX),
    ("kinds", 50),
];

/// Greatest numbers, by the name of the field or parameter; the least is 1 unless the field says otherwise.
const NUMBERS: [(&str, i64); 13] = [
    ("revision", i32::MAX as i64),
    ("since_revision", i32::MAX as i64),
    ("from", i32::MAX as i64),
    ("to", i32::MAX as i64),
    ("n", i32::MAX as i64),
    ("id", i64::MAX),
    ("min_position", i64::MAX),
    ("waiting_days", u32::MAX as i64),
    ("quorum", 5),
    ("safety_quorum", 5),
    ("claim_minutes", 1440),
    ("first_response_days", 100),
    ("decision_days", 100),
];

/// How headers are written, by name: entity tags (RFC 9110, 8.8.3), and a word of the client's choice.
const PATTERNS: [(&str, &str); 3] =
    [("If-Match", TAGS), ("If-None-Match", TAGS), ("Idempotency-Key", "^[!-~]([ -~]*[!-~])?$")];
const TAGS: &str = "^(\\*|(W/)?\"[!#-~]*\"( *, *(W/)?\"[!#-~]*\")*)$";

/// What no request's head is longer than: the connection refuses it. For parameters that go by nothing else.
const HEAD: usize = 65_534;

/// Gives a schema that is part of a request its limits, and all within it.
pub(super) fn limit(name: &str, schema: &mut RefOr<Schema>) {
    let RefOr::T(own) = schema else { return };
    match own {
        Schema::Object(object) => one(name, object),
        Schema::Array(array) => array.max_items = array.max_items.or_else(|| of(&LISTS, name)),
        _ => {}
    }
    for (field, part) in parts(own) {
        limit(field.as_deref().unwrap_or(name), part);
    }
}

/// The same for a parameter, which is never longer than the head of a request.
pub(super) fn limit_parameter(name: &str, schema: &mut RefOr<Schema>) {
    let RefOr::T(own) = schema else { return };
    if let Schema::Object(object) = own
        && is(object, &Type::String)
        && object.enum_values.is_none()
    {
        let length = match name {
            "id" | "other" | "slug" => of(&TEXTS, name),
            "Idempotency-Key" => Some(255),
            _ => None,
        };
        let length = length.unwrap_or(HEAD);
        object.pattern = object.pattern.take().or_else(|| of(&PATTERNS, name).map(str::to_owned));
        object.max_length = object.max_length.or_else(|| by_format(object)).or(Some(length));
    }
    for (_, part) in parts(own) {
        limit_parameter(name, part);
    }
    limit(name, schema);
}

fn one(name: &str, object: &mut Object) {
    if is(object, &Type::String) && object.enum_values.is_none() {
        object.max_length = object.max_length.or_else(|| by_format(object)).or_else(|| of(&TEXTS, name));
    }
    if is(object, &Type::Integer)
        && let Some(most) = of(&NUMBERS, name)
    {
        object.minimum.get_or_insert(Number::Int(1));
        object.maximum.get_or_insert(Number::Int(isize::try_from(most).unwrap_or(isize::MAX)));
    }
}

fn by_format(object: &Object) -> Option<usize> {
    match object.format {
        Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)) => Some(REFERENCE),
        Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)) => Some(INSTANT),
        _ => None,
    }
}

fn of<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, limit)| *limit)
}

fn is(object: &Object, kind: &Type) -> bool {
    match &object.schema_type {
        SchemaType::Type(own) => own == kind,
        SchemaType::Array(any) => any.contains(kind),
        SchemaType::AnyValue => false,
    }
}

/// Every whole number has a width; those that Rust has none for are no wider than 64 bits.
pub(super) fn width(schema: &mut RefOr<Schema>) {
    let RefOr::T(own) = schema else { return };
    if let Schema::Object(object) = own
        && is(object, &Type::Integer)
        && object.format.is_none()
    {
        object.format = Some(SchemaFormat::KnownFormat(KnownFormat::Int64));
    }
    for (_, part) in parts(own) {
        width(part);
    }
}
