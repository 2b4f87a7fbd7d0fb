//! The document as OpenAPI 3.0.3, for generators that read no newer one. What 3.0 cannot say is left out, never made
//! stricter: whatever the document of record allows, this one allows. Made-up documents in the tests have each case.

use serde_json::{Map, Value, json};

/// Keywords of JSON Schema 2020-12 that 3.0 has no word for. Each only narrows what is valid.
const NOT_IN_3_0: [&str; 24] = [
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$schema",
    "$vocabulary",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Makes a 3.1 document one of 3.0.3.
pub fn older(mut document: Value) -> Value {
    let Some(root) = document.as_object_mut() else { return document };
    root.insert("openapi".to_owned(), "3.0.3".into());
    root.remove("jsonSchemaDialect");
    if root.remove("webhooks").is_some() {
        forget_unused(root);
    }
    if let Some(info) = object_mut(root, "info") {
        info.remove("summary");
        if let Some(license) = object_mut(info, "license") {
            license.remove("identifier");
        }
    }
    each(root, "paths", path_item);
    if let Some(components) = object_mut(root, "components") {
        components.remove("pathItems");
        each(components, "schemas", schema);
        each(components, "parameters", described_by_schema);
        each(components, "headers", described_by_schema);
        each(components, "requestBodies", body);
        each(components, "responses", response);
        each(components, "callbacks", callback);
    }
    document
}

/// Takes out the schemas that nothing refers to any more.
fn forget_unused(root: &mut Map<String, Value>) {
    loop {
        let text = Value::Object(root.clone()).to_string();
        let Some(schemas) = object_mut(root, "components").and_then(|all| object_mut(all, "schemas")) else { return };
        let before = schemas.len();
        schemas.retain(|name, _| text.contains(&format!("\"#/components/schemas/{name}\"")));
        if schemas.len() == before {
            return;
        }
    }
}

fn path_item(item: &mut Value) {
    let Some(item) = item.as_object_mut() else { return };
    each_of_list(item, "parameters", described_by_schema);
    for method in ["get", "put", "post", "delete", "options", "head", "patch", "trace"] {
        if let Some(operation) = object_mut(item, method) {
            self::operation(operation);
        }
    }
}

fn operation(operation: &mut Map<String, Value>) {
    each_of_list(operation, "parameters", described_by_schema);
    if let Some(sent) = operation.get_mut("requestBody") {
        body(sent);
    }
    each(operation, "responses", response);
    each(operation, "callbacks", callback);
    scopes_apart(operation);
}

/// In 3.0 only OAuth has scopes; those of other schemes move to an extension, `x-scopes`.
fn scopes_apart(operation: &mut Map<String, Value>) {
    let mut scopes = Map::new();
    for way in operation.get_mut("security").and_then(Value::as_array_mut).into_iter().flatten() {
        for (scheme, of_scheme) in way.as_object_mut().into_iter().flatten() {
            if of_scheme.as_array().is_some_and(|list| !list.is_empty()) {
                scopes.insert(scheme.clone(), std::mem::replace(of_scheme, json!([])));
            }
        }
    }
    if !scopes.is_empty() {
        operation.insert("x-scopes".to_owned(), Value::Object(scopes));
    }
}

fn callback(callback: &mut Value) {
    callback.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(path_item);
}

fn body(body: &mut Value) {
    if let Some(body) = body.as_object_mut() {
        content(body);
    }
}

fn response(response: &mut Value) {
    let Some(response) = response.as_object_mut() else { return };
    each(response, "headers", described_by_schema);
    content(response);
}

fn content(holder: &mut Map<String, Value>) {
    let Some(types) = object_mut(holder, "content") else { return };
    for (media, described) in types {
        let Some(described) = described.as_object_mut() else { continue };
        // In 3.1 a body of bytes has no schema, or one without a type.
        let is_text = media.starts_with("text/") || media.contains("json") || media.contains("form");
        if !is_text && described.get("schema").is_none_or(|schema| *schema == json!({})) {
            described.insert("schema".to_owned(), json!({"type": "string", "format": "binary"}));
        }
        if let Some(own) = described.get_mut("schema") {
            schema(own);
        }
        for encoding in object_mut(described, "encoding").into_iter().flat_map(Map::values_mut) {
            if let Some(encoding) = encoding.as_object_mut() {
                each(encoding, "headers", described_by_schema);
            }
        }
    }
}

/// A parameter or a header: with a schema, or with content.
fn described_by_schema(described: &mut Value) {
    let Some(described) = described.as_object_mut() else { return };
    if let Some(own) = described.get_mut("schema") {
        schema(own);
    }
    content(described);
}

fn schema(schema: &mut Value) {
    match schema {
        Value::Bool(true) => *schema = json!({}),
        Value::Bool(false) => *schema = json!({"not": {}}),
        Value::Object(keywords) => keywords_of_3_0(keywords),
        _ => {}
    }
}

fn keywords_of_3_0(schema: &mut Map<String, Value>) {
    parts(schema);
    bytes(schema);
    positions(schema);
    for keyword in NOT_IN_3_0 {
        schema.remove(keyword);
    }
    if let Some(only) = schema.remove("const") {
        schema.insert("enum".to_owned(), json!([only]));
    }
    if let Some(Value::Array(examples)) = schema.remove("examples")
        && let Some(first) = examples.into_iter().next()
    {
        schema.entry("example").or_insert(first);
    }
    bound(schema, "exclusiveMinimum", "minimum", |exclusive, inclusive| exclusive >= inclusive);
    bound(schema, "exclusiveMaximum", "maximum", |exclusive, inclusive| exclusive <= inclusive);
    types(schema);
    alternatives(schema, "oneOf");
    alternatives(schema, "anyOf");
    reference_alone(schema);
    if schema.get("type").is_some_and(|kind| kind == "array") {
        schema.entry("items").or_insert_with(|| json!({}));
    }
}

/// Converts the schemas within a schema.
fn parts(own: &mut Map<String, Value>) {
    each(own, "properties", schema);
    for keyword in ["allOf", "anyOf", "oneOf", "prefixItems"] {
        each_of_list(own, keyword, schema);
    }
    for keyword in ["items", "not"] {
        if let Some(part) = own.get_mut(keyword) {
            schema(part);
        }
    }
    // 3.0 keeps true and false here.
    if let Some(part @ Value::Object(_)) = own.get_mut("additionalProperties") {
        schema(part);
    }
    // A property that only a pattern allows must not be refused once the pattern is gone.
    if own.contains_key("patternProperties") {
        own.insert("additionalProperties".to_owned(), true.into());
    }
}

/// Bytes, encoded or not, have formats in 3.0.
fn bytes(schema: &mut Map<String, Value>) {
    let encoding = schema.get("contentEncoding").and_then(Value::as_str);
    let format = match encoding {
        Some("base64" | "base64url") => "byte",
        None if schema.contains_key("contentMediaType") => "binary",
        _ => return,
    };
    schema.entry("type").or_insert_with(|| "string".into());
    schema.insert("format".to_owned(), format.into());
}

/// A list of one schema for each position becomes one of any of them.
fn positions(schema: &mut Map<String, Value>) {
    let Some(Value::Array(mut each)) = schema.remove("prefixItems") else { return };
    match schema.remove("items") {
        Some(Value::Object(rest)) if rest.contains_key("not") => {} // nothing after them
        Some(rest) => each.push(rest),
        None => each.push(json!({})),
    }
    schema.insert("items".to_owned(), json!({ "anyOf": each }));
}

/// `exclusiveMinimum: 1` becomes `minimum: 1, exclusiveMinimum: true`, where that is the one that counts.
fn bound(schema: &mut Map<String, Value>, exclusive: &str, inclusive: &str, counts: fn(f64, f64) -> bool) {
    let Some(bound) = schema.remove(exclusive) else { return };
    let (Some(own), other) = (bound.as_f64(), schema.get(inclusive).and_then(Value::as_f64)) else { return };
    if other.is_none_or(|other| counts(own, other)) {
        schema.insert(inclusive.to_owned(), bound);
        schema.insert(exclusive.to_owned(), true.into());
    }
}

/// One type, and `nullable` for null; several become alternatives.
fn types(schema: &mut Map<String, Value>) {
    let listed = match schema.get("type") {
        Some(Value::String(one)) if one == "null" => vec![Value::from("null")],
        Some(Value::Array(listed)) => listed.clone(),
        _ => return,
    };
    schema.remove("type");
    let mut kinds: Vec<Value> = listed.iter().filter(|kind| *kind != "null").cloned().collect();
    let nullable = kinds.len() < listed.len();
    match kinds.len() {
        0 => {
            schema.insert("enum".to_owned(), json!([null]));
        }
        1 => {
            schema.insert("type".to_owned(), kinds.remove(0));
        }
        _ => {
            let any: Vec<Value> = kinds.into_iter().map(|kind| typed(kind, nullable)).collect();
            // Beside alternatives that are there already, both must hold.
            if schema.contains_key("anyOf") {
                and(schema, json!({ "anyOf": any }));
            } else {
                schema.insert("anyOf".to_owned(), any.into());
            }
            return;
        }
    }
    if nullable {
        schema.insert("nullable".to_owned(), true.into());
    }
}

fn typed(kind: Value, nullable: bool) -> Value {
    let mut schema = Map::new();
    if kind == "array" {
        schema.insert("items".to_owned(), json!({}));
    }
    schema.insert("type".to_owned(), kind);
    if nullable {
        schema.insert("nullable".to_owned(), true.into());
    }
    Value::Object(schema)
}

/// "This or null" becomes this, nullable: what generators of 3.0 make an optional of. Inner schemas are converted already.
fn alternatives(schema: &mut Map<String, Value>, keyword: &str) {
    let Some(Value::Array(any)) = schema.get_mut(keyword) else { return };
    let before = any.len();
    any.retain(|one| !is_null(one));
    if any.len() == before {
        return;
    }
    let alone = (any.len() == 1).then(|| any.remove(0));
    if any.is_empty() {
        schema.remove(keyword);
    }
    if let Some(alone) = alone {
        match alone {
            // What the reference is described with goes where it stands.
            Value::Object(alone) if schema.is_empty() => *schema = alone,
            alone => and(schema, alone),
        }
        reference_alone(schema);
    }
    schema.insert("nullable".to_owned(), true.into());
}

/// Whether nothing but null is valid, as [`types`] writes it.
fn is_null(schema: &Value) -> bool {
    schema.get("enum").is_some_and(|values| *values == json!([null]))
}

/// Beside a `$ref` nothing else counts in 3.0.
fn reference_alone(schema: &mut Map<String, Value>) {
    if schema.len() > 1
        && let Some(reference) = schema.remove("$ref")
    {
        and(schema, json!({ "$ref": reference }));
    }
}

fn and(schema: &mut Map<String, Value>, also: Value) {
    match schema.get_mut("allOf") {
        Some(Value::Array(all)) => all.push(also),
        _ => {
            schema.insert("allOf".to_owned(), json!([also]));
        }
    }
}

fn object_mut<'a>(holder: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Map<String, Value>> {
    holder.get_mut(name).and_then(Value::as_object_mut)
}

fn each(holder: &mut Map<String, Value>, name: &str, convert: fn(&mut Value)) {
    object_mut(holder, name).into_iter().flat_map(Map::values_mut).for_each(convert);
}

fn each_of_list(holder: &mut Map<String, Value>, name: &str, convert: fn(&mut Value)) {
    holder.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().for_each(convert);
}
