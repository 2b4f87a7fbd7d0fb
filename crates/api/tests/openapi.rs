//! The committed OpenAPI document is the one that the code has, and it is complete.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stops has failed")]

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

#[test]
fn the_committed_document_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/eureka.json");
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(committed == document(), "the API has changed: run `make openapi` and commit openapi/eureka.json");
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
                assert!(response["content"]["application/problem+json"].is_object(), "{name}: {status} is no problem");
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
