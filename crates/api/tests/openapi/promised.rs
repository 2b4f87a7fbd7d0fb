//! What has been promised is kept: nothing in the code's document breaks a client of `openapi/released.json`. And the
//! rules that say so find one made-up break of each kind, and let additions pass.

use serde_json::{Value, json};

use crate::breaks::breaks;
use crate::{document, kept};

#[test]
fn nothing_breaks_what_clients_were_promised() {
    let breaks = breaks(&kept("released.json"), &document());
    assert!(breaks.is_empty(), "clients of /v1 break on this; see \"Versions\" in docs/integrating.md:\n{breaks:#?}");
}

/// A small API that has everything the rules look at.
fn promised() -> Value {
    json!({
        "paths": {
            "/things": {
                "get": {
                    "operationId": "list_things",
                    "security": [{}],
                    "parameters": [
                        {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100, "default": 20}},
                        {"name": "kind", "in": "query", "schema": {"$ref": "#/components/schemas/Kind"}},
                    ],
                    "responses": {"200": {
                        "headers": {"Link": {}},
                        "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}},
                    }},
                },
                "post": {
                    "operationId": "make_thing",
                    "security": [{"bearer": []}, {"key": ["write"]}],
                    "requestBody": {"content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/NewThing"}},
                        "text/csv": {"schema": {"type": "string"}},
                    }},
                    "responses": {
                        "201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                        "409": {"content": {"application/problem+json": {"schema": {"type": "object"}}}},
                    },
                },
            },
        },
        "components": {"schemas": {
            "Kind": {"type": "string", "enum": ["big", "small"]},
            "Mood": {"type": "string", "enum": ["glad"], "x-extensible-enum": true},
            "NewThing": {
                "type": "object",
                "additionalProperties": false,
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "maxLength": 80},
                    "kind": {"oneOf": [{"$ref": "#/components/schemas/Kind"}, {"type": "null"}]},
                    "weight": {"type": ["number", "null"], "minimum": 1},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "inner": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
            "Thing": {
                "allOf": [{"$ref": "#/components/schemas/Base"}, {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "name": {"type": "string"},
                        "kind": {"$ref": "#/components/schemas/Kind"},
                        "mood": {"$ref": "#/components/schemas/Mood"},
                        "value": {"oneOf": [{"type": "string"}, {"type": "object"}]},
                        "part": {"$ref": "#/components/schemas/Thing"},
                    },
                }],
            },
            "Base": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string", "format": "uuid"}, "note": {"type": "string"}},
            },
        }},
    })
}

/// A change: the name of what it does, where, and the new value; `null` takes it away.
type Change = (&'static str, &'static str, Value);

const GET: &str = "/paths/~1things/get";
const POST: &str = "/paths/~1things/post";
const SENT: &str = "/components/schemas/NewThing";
const REPLY: &str = "/components/schemas/Thing/allOf/1";

fn changed(place: &str, value: Value) -> Value {
    let mut document = promised();
    let (parent, name) = place.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/");
    match document.pointer_mut(parent).unwrap() {
        Value::Object(holder) if value.is_null() => assert!(holder.remove(&name).is_some(), "{place}"),
        Value::Object(holder) => drop(holder.insert(name, value)),
        Value::Array(list) if name == "-" => list.push(value),
        Value::Array(list) if value.is_null() => drop(list.remove(name.parse().unwrap())),
        Value::Array(list) => list[name.parse::<usize>().unwrap()] = value,
        _ => unreachable!("{place}"),
    }
    document
}

fn at(start: &str, rest: &str) -> &'static str {
    format!("{start}{rest}").leak()
}

fn breaking() -> Vec<Change> {
    let limit = json!({"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100, "default": 20}});
    let moved = json!({"name": "limit", "in": "header", "schema": limit["schema"]});
    let in_need = |name: &str| json!({"name": name, "in": "query", "required": true, "schema": limit["schema"]});
    vec![
        ("an operation is removed", POST, Value::Null),
        ("an operation is renamed", at(POST, "/operationId"), json!("create_thing")),
        ("a success is removed", at(POST, "/responses/201"), Value::Null),
        ("an error reply is removed", at(POST, "/responses/409"), Value::Null),
        ("another success is answered", at(POST, "/responses/202"), json!({})),
        ("a reply's media type is removed", at(GET, "/responses/200/content"), json!({"text/csv": {}})),
        ("a reply's header is removed", at(GET, "/responses/200/headers/Link"), Value::Null),
        ("a parameter is removed", at(GET, "/parameters/0"), Value::Null),
        ("a required parameter is added", at(GET, "/parameters/-"), in_need("page")),
        ("a parameter becomes required", at(GET, "/parameters/0"), in_need("limit")),
        ("a parameter moves", at(GET, "/parameters/0"), moved),
        ("a parameter's range narrows", at(GET, "/parameters/0/schema/maximum"), json!(50)),
        ("a parameter's default changes", at(GET, "/parameters/0/schema/default"), json!(10)),
        ("a parameter's type changes", at(GET, "/parameters/0/schema/type"), json!("boolean")),
        ("a word of a request and reply is removed", "/components/schemas/Kind/enum", json!(["big"])),
        ("a word is added to a closed enumeration of a reply", "/components/schemas/Kind/enum/-", json!("huge")),
        ("a body becomes required", at(POST, "/requestBody/required"), json!(true)),
        ("a body is removed", at(POST, "/requestBody"), Value::Null),
        ("a body appears", at(GET, "/requestBody"), json!({"required": true, "content": {}})),
        ("a body's media type is removed", at(POST, "/requestBody/content/text~1csv"), Value::Null),
        ("a field of a request is removed", at(SENT, "/properties/tags"), Value::Null),
        ("a field of a request becomes required", at(SENT, "/required/-"), json!("kind")),
        ("a required field is added to a request", SENT, {
            let mut schema = promised().pointer(SENT).unwrap().clone();
            schema["properties"]["size"] = json!({"type": "string"});
            schema["required"] = json!(["name", "size"]);
            schema
        }),
        ("a request's text must be shorter", at(SENT, "/properties/name/maxLength"), json!(10)),
        ("a request's text must be longer", at(SENT, "/properties/name/minLength"), json!(3)),
        ("a request's text gets a pattern", at(SENT, "/properties/name/pattern"), json!("^a")),
        ("a request's text gets a format", at(SENT, "/properties/name/format"), json!("uuid")),
        ("a request's text becomes words", at(SENT, "/properties/name/enum"), json!(["a"])),
        ("a request's number must be greater", at(SENT, "/properties/weight/minimum"), json!(2)),
        ("a request's number must be whole", at(SENT, "/properties/weight/type"), json!(["integer", "null"])),
        ("a request's field is no longer null", at(SENT, "/properties/weight/type"), json!("number")),
        ("a request's alternative of null is removed", at(SENT, "/properties/kind/oneOf/1"), Value::Null),
        ("a request's items change", at(SENT, "/properties/tags/items/type"), json!("object")),
        ("a request's items must differ", at(SENT, "/properties/tags/uniqueItems"), json!(true)),
        ("a request's inner object is closed", at(SENT, "/properties/inner/additionalProperties"), json!(false)),
        ("a request's values change", at(SENT, "/properties/inner/additionalProperties/type"), json!("integer")),
        ("a reply's field is removed", at(REPLY, "/properties/name"), Value::Null),
        ("a reply's optional field is removed", at(REPLY, "/properties/mood"), Value::Null),
        ("a reply's inherited field is removed", "/components/schemas/Base/properties/note", Value::Null),
        ("a reply's field may be absent", at(REPLY, "/required"), json!([])),
        ("a reply's field may be null", at(REPLY, "/properties/name/type"), json!(["string", "null"])),
        ("a reply's field has another type", at(REPLY, "/properties/name/type"), json!("integer")),
        ("a reply's words become any text", at(REPLY, "/properties/kind"), json!({"type": "string"})),
        ("a reply has another alternative", at(REPLY, "/properties/value/oneOf/-"), json!({"type": "integer"})),
        ("a reply's format changes", "/components/schemas/Base/properties/id/format", json!("date")),
        ("a reply's format is removed", "/components/schemas/Base/properties/id/format", Value::Null),
        ("what was open takes credentials", at(GET, "/security"), json!([{"bearer": []}])),
        ("a kind of credentials is refused", at(POST, "/security/1"), Value::Null),
        ("another scope is taken", at(POST, "/security/1"), json!({"key": ["admin"]})),
        ("a second credential is taken", at(POST, "/security/0"), json!({"bearer": [], "key": []})),
    ]
}

fn harmless() -> Vec<Change> {
    let optional = json!({"name": "page", "in": "query", "schema": {"type": "string"}});
    let fresh = json!({"operationId": "fresh", "security": [{"bearer": []}], "responses": {"200": {}}});
    vec![
        ("an operation is added", "/paths/~1others", json!({"get": fresh})),
        ("an optional parameter is added", at(GET, "/parameters/-"), optional),
        ("an optional field is added to a request", at(SENT, "/properties/size"), json!({"type": "string"})),
        ("a field of a request is no longer required", at(SENT, "/required"), json!([])),
        ("a request's text may be longer", at(SENT, "/properties/name/maxLength"), json!(100)),
        ("a request's text has no limit", at(SENT, "/properties/name/maxLength"), Value::Null),
        ("a request's text need not be there", at(SENT, "/properties/name/minLength"), json!(0)),
        ("a request's number may be smaller", at(SENT, "/properties/weight/minimum"), json!(0)),
        ("a request's type widens", at(SENT, "/properties/weight/type"), json!(["number", "string", "null"])),
        ("a request takes unknown fields", at(SENT, "/additionalProperties"), Value::Null),
        ("a parameter takes any text", at(GET, "/parameters/1/schema"), json!({"type": "string"})),
        ("a request's media type is added", at(POST, "/requestBody/content/text~1plain"), json!({})),
        ("a field is added to a reply", at(REPLY, "/properties/extra"), json!({"type": "string"})),
        ("a field of a reply is always there", at(REPLY, "/required/-"), json!("kind")),
        ("a reply's alternative goes", at(REPLY, "/properties/value/oneOf/1"), Value::Null),
        ("a word is added to an open enumeration", "/components/schemas/Mood/enum/-", json!("sad")),
        ("an error reply is added", at(POST, "/responses/410"), json!({})),
        ("a reply's header is added", at(GET, "/responses/200/headers/ETag"), json!({})),
        ("credentials are no longer needed", at(POST, "/security"), json!([{}])),
        ("a kind of credentials is added", at(POST, "/security/-"), json!({"cookie": []})),
        ("a lesser scope is enough", at(POST, "/security/1"), json!({"key": ["read"]})),
        ("a description is added", at(POST, "/description"), json!("Makes one.")),
    ]
}

#[test]
fn a_break_of_each_kind_is_found_where_it_is() {
    for (what, place, value) in breaking() {
        let found = breaks(&promised(), &changed(place, value));
        assert!(!found.is_empty(), "not found: {what}");
        assert!(found.iter().all(|one| one.contains("/things")), "{what}: {found:?}");
    }
}

#[test]
fn additions_and_what_is_made_easier_pass() {
    assert_eq!(breaks(&promised(), &promised()), Vec::<String>::new());
    for (what, place, value) in harmless() {
        assert_eq!(breaks(&promised(), &changed(place, value)), Vec::<String>::new(), "{what}");
    }
}
