//! The committed OpenAPI document is the one that the code has, and it is complete.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stops has failed")]

mod breaks;
mod older;
mod promised;
mod shape;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

fn document() -> Value {
    serde_json::to_value(eureka_api::document()).unwrap()
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

/// A file of `openapi/`.
fn kept(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_committed_document_is_that_of_the_code() {
    let committed = kept("eureka.json");
    assert!(committed == document(), "the API has changed: run `make openapi` and commit openapi/eureka.json");
}

#[test]
fn the_page_of_errors_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == eureka_api::errors_page(),
        "an error has changed: run `make openapi` and commit docs/errors.md"
    );
}

#[test]
fn every_operation_says_what_it_does_what_it_takes_and_what_can_happen() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && ids.insert(id.to_owned()), "{name}: operationId {id:?}");
        assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{name}: no summary");
        assert!(operation["security"].is_array(), "{name}: no security requirement");
        assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{name}: tags");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let text = parameter["description"].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{name}: parameter {} has no description", parameter["name"]);
        }
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name}: no success");
        assert!(responses.contains_key("500"), "{name}: no 500");
        for (status, response) in responses {
            let text = response["description"].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{name}: {status} has no description");
            let is_error = status.starts_with('4') || status.starts_with('5');
            if is_error && !name.contains("/health/") {
                // The protocol for assistants has a form of its own for what it does not know.
                let form = if name == "post /mcp" && status == "404" { "json" } else { "problem+json" };
                let content = &response["content"][format!("application/{form}")];
                assert!(content.is_object(), "{name}: {status} is no problem");
            }
        }
    }
}

#[test]
fn every_schema_and_every_field_has_a_description_and_every_reference_leads_somewhere() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        let parts = schema["allOf"].as_array().map_or_else(|| vec![schema], |parts| parts.iter().collect());
        for (field, property) in parts.iter().filter_map(|part| part["properties"].as_object()).flatten() {
            let described = ["description", "$ref", "oneOf"].iter().any(|key| !property[*key].is_null());
            assert!(described, "{name}.{field} has no description");
        }
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

/// What is sent, and says not how large it may be.
struct Unlimited<'a> {
    document: &'a Value,
    seen: BTreeSet<String>,
    found: Vec<String>,
}

impl Unlimited<'_> {
    fn look(&mut self, at: &str, schema: &Value) {
        if let Some(name) = schema["$ref"].as_str() {
            if self.seen.insert(name.to_owned()) {
                let named = self.document.pointer(name.trim_start_matches('#')).unwrap();
                self.look(name.rsplit('/').next().unwrap(), named);
            }
            return;
        }
        let is = |kind: &str| {
            let own = &schema["type"];
            *own == kind || own.as_array().is_some_and(|any| any.iter().any(|one| one == kind))
        };
        let says = |keyword: &str| !schema[keyword].is_null();
        let lacks = (is("string") && !says("maxLength") && !says("enum"))
            || (is("array") && !says("maxItems"))
            || (is("integer") && !(says("minimum") && says("maximum") && says("format")));
        if lacks {
            self.found.push(format!("{at}: {schema}"));
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            self.look(&format!("{at}.{name}"), field);
        }
        for part in ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| schema[*key].as_array()).flatten() {
            self.look(at, part);
        }
        for part in ["items", "additionalProperties"].iter().map(|key| &schema[*key]).filter(|part| part.is_object()) {
            self.look(&format!("{at}[]"), part);
        }
    }
}

#[test]
fn every_text_list_and_number_that_is_sent_has_a_limit() {
    let document = document();
    let mut unlimited = Unlimited { document: &document, seen: BTreeSet::new(), found: Vec::new() };
    for (name, operation) in operations(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            unlimited.look(&format!("{name}: {}", parameter["name"]), &parameter["schema"]);
        }
        for (media, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            unlimited.look(&format!("{name}: {media}"), &content["schema"]);
        }
    }
    let found = unlimited.found;
    assert!(found.is_empty(), "say how large, at the field or in crates/api/src/openapi/sizes.rs:\n{found:#?}");
}

#[test]
fn a_reply_leaves_out_what_is_absent_and_says_so() {
    let document = document();
    let tip = &document["components"]["schemas"]["TipBody"]["allOf"][1]["properties"];
    assert_eq!(tip["hold"]["type"], "string", "absent, not null");
    assert_eq!(tip["review"]["$ref"], "#/components/schemas/TipReviewBody");
    let patch = &document["components"]["schemas"]["TipPatch"]["properties"];
    assert_eq!(patch["hazard"]["type"], serde_json::json!(["string", "null"]), "null removes it");
    let page = &document["components"]["schemas"]["PageBody_ReviewBody"]["properties"]["items"];
    assert_eq!(page["items"]["$ref"], "#/components/schemas/ReviewBody", "what has a name goes by it");
}
