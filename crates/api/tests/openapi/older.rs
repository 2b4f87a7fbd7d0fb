//! The document as 3.0.3: valid by the official schema, with every operation, and each thing that 3.0 says otherwise
//! converted. `oas-3.0-2021-09-28.json` is the OpenAPI Initiative's schema of 3.0 documents, unchanged (Apache-2.0,
//! <https://spec.openapis.org/oas/3.0/schema/2021-09-28>).

use std::collections::BTreeSet;

use eureka_api::{document_3_0, older};
use serde_json::{Value, json};

use crate::{document, operations};

/// What the official schema says against a document.
fn faults(document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(include_str!("oas-3.0-2021-09-28.json")).unwrap();
    let validator = jsonschema::draft4::new(&schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// A document of 3.1 with one schema.
fn with_schema(schema: &Value) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "made up", "version": "1"},
        "paths": {},
        "components": {"schemas": {"Other": {"type": "object"}, "It": schema}},
    })
}

#[test]
fn the_older_document_is_valid_3_0_and_has_every_operation_reply_and_schema() {
    let (newer, older) = (document(), document_3_0());
    assert_eq!(faults(&older), Vec::<String>::new());
    assert_eq!(older["openapi"], "3.0.3");

    let parts = |document: &Value| -> BTreeSet<String> {
        let schemas = document["components"]["schemas"].as_object().unwrap().keys().cloned();
        let replies = operations(document).flat_map(|(name, operation)| {
            let replies = operation["responses"].as_object().unwrap().keys();
            let id = operation["operationId"].as_str().unwrap();
            replies.map(|status| format!("{name} {id} {status}")).collect::<Vec<_>>()
        });
        replies.chain(schemas).collect()
    };
    assert!(parts(&newer).len() > 500, "there is something to keep");
    let left_out = parts(&newer).difference(&parts(&older)).cloned().collect::<Vec<_>>();
    assert_eq!(
        left_out,
        ["ChangeMessage", "PingData", "PingMessage"],
        "3.0 has no webhooks, nor what only they are made of"
    );
    assert!(parts(&older).is_subset(&parts(&newer)));
    for (name, operation) in operations(&newer) {
        let (count, path) = name.split_once(' ').unwrap();
        let converted = &older["paths"][path][count];
        let number = |operation: &Value| operation["parameters"].as_array().map(Vec::len);
        assert_eq!(number(operation), number(converted), "{name}");
        assert_eq!(operation["requestBody"].is_null(), converted["requestBody"].is_null(), "{name}");
    }
}

#[test]
fn the_official_schema_finds_what_is_not_3_0() {
    let newer = with_schema(&json!({"type": ["string", "null"], "examples": ["a"]}));
    assert!(!faults(&newer).is_empty(), "3.1 is not 3.0");
    assert_eq!(faults(&older(newer)), Vec::<String>::new());
}

#[test]
fn each_thing_that_3_0_says_otherwise_is_converted() {
    let cases = [
        (
            json!({"type": ["string", "null"], "format": "uuid"}),
            json!({"type": "string", "format": "uuid", "nullable": true}),
        ),
        (json!({"type": "null"}), json!({"enum": [null], "nullable": true})),
        (json!({"type": ["array", "null"], "items": true}), json!({"type": "array", "items": {}, "nullable": true})),
        (json!({"type": "array"}), json!({"type": "array", "items": {}})),
        (
            json!({"type": ["string", "integer", "null"]}),
            json!({"anyOf": [{"type": "string", "nullable": true}, {"type": "integer", "nullable": true}]}),
        ),
        (
            json!({"oneOf": [{"$ref": "#/components/schemas/Other", "description": "d"}, {"type": "null"}]}),
            json!({"allOf": [{"$ref": "#/components/schemas/Other"}], "description": "d", "nullable": true}),
        ),
        (
            json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Other"}], "description": "d"}),
            json!({"allOf": [{"$ref": "#/components/schemas/Other"}], "description": "d", "nullable": true}),
        ),
        (
            json!({"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}]}),
            json!({"anyOf": [{"type": "string"}, {"type": "object"}], "nullable": true}),
        ),
        (
            json!({"$ref": "#/components/schemas/Other", "description": "d"}),
            json!({"allOf": [{"$ref": "#/components/schemas/Other"}], "description": "d"}),
        ),
        (json!({"$ref": "#/components/schemas/Other"}), json!({"$ref": "#/components/schemas/Other"})),
        (json!({"const": "a"}), json!({"enum": ["a"]})),
        (json!({"type": "string", "examples": ["a", "b"]}), json!({"type": "string", "example": "a"})),
        (json!({"type": "string", "example": "a", "examples": ["b"]}), json!({"type": "string", "example": "a"})),
        (
            json!({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9}),
            json!({"type": "integer", "minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": true}),
        ),
        (json!({"type": "integer", "minimum": 5, "exclusiveMinimum": 0}), json!({"type": "integer", "minimum": 5})),
        (json!({"type": "string", "contentEncoding": "base64"}), json!({"type": "string", "format": "byte"})),
        (json!({"contentMediaType": "image/png"}), json!({"type": "string", "format": "binary"})),
        (
            json!({"type": "object", "propertyNames": {"type": "string"}, "additionalProperties": false, "patternProperties": {"^a": {}}}),
            json!({"type": "object", "additionalProperties": true}),
        ),
        (
            json!({"type": "array", "prefixItems": [{"type": "string"}], "items": false}),
            json!({"type": "array", "items": {"anyOf": [{"type": "string"}]}}),
        ),
        (json!({"properties": {"a": true, "b": false}}), json!({"properties": {"a": {}, "b": {"not": {}}}})),
    ];
    for (newer, expected) in cases {
        let converted = older(with_schema(&newer));
        assert_eq!(converted["components"]["schemas"]["It"], expected, "{newer}");
        assert_eq!(faults(&converted), Vec::<String>::new(), "{newer}");
    }
}

#[test]
fn what_3_0_has_no_place_for_outside_of_schemas_is_left_out_or_moved() {
    let reply = json!({"description": "ok", "content": {"application/octet-stream": {}, "text/csv": {"schema": {"type": ["string", "null"]}}}});
    let converted = older(json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {"title": "t", "summary": "s", "version": "1", "license": {"name": "MIT", "identifier": "MIT"}},
        "webhooks": {"happened": {}},
        "paths": {"/a": {"get": {"security": [{}, {"key": ["read"]}], "responses": {"200": reply}}}},
        "components": {"pathItems": {}, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }));
    assert_eq!(faults(&converted), Vec::<String>::new());
    let get = &converted["paths"]["/a"]["get"];
    assert_eq!(get["security"], json!([{}, {"key": []}]));
    assert_eq!(get["x-scopes"], json!({"key": ["read"]}), "only OAuth has scopes in 3.0");
    let content = &get["responses"]["200"]["content"];
    assert_eq!(content["application/octet-stream"]["schema"], json!({"type": "string", "format": "binary"}));
    assert_eq!(content["text/csv"]["schema"], json!({"type": "string", "nullable": true}));
}
