//! What `utoipa` makes of Rust's types, said as the wire has it: a page is a list of what it is a page of, and what is
//! absent is left out of replies, not null.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Schema, SchemaType};
use utoipa::openapi::{Components, Content, OpenApi, Ref, RefOr, Response, Type};

use super::{operations, sizes};

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// Mends the schemas of a document.
pub(super) fn mend(document: &mut OpenApi) {
    let Some(components) = &mut document.components else { return };
    name_items(components);
    components.schemas.values_mut().for_each(sizes::width);
    let mut sent = BTreeSet::new();
    for (_, operation) in document.paths.paths.values_mut().flat_map(operations) {
        for parameter in operation.parameters.iter_mut().flatten() {
            let RefOr::T(parameter) = parameter else { continue };
            if let Some(schema) = &mut parameter.schema {
                sent.extend(references(schema));
                without_null(schema);
                sizes::width(schema);
                sizes::limit_parameter(&parameter.name, schema);
            }
        }
        sent.extend(operation.request_body.iter().flat_map(references));
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            for (media, content) in &mut body.content {
                if let RefOr::T(Content { schema: Some(schema), .. }) = content {
                    // A body that may be left out is left out, not null.
                    without_null(schema);
                    sizes::limit(media, schema);
                }
            }
        }
        operation.responses.responses.values_mut().for_each(mend_response);
    }
    let sent = closure(&components.schemas, sent);
    for (name, schema) in &mut components.schemas {
        if sent.contains(name) {
            sizes::limit(name, schema);
        } else {
            without_null(schema);
        }
    }
}

/// Says of a schema outside of the document what the document says of one in a request.
pub(crate) fn as_sent(name: &str, schema: &mut RefOr<Schema>) {
    as_replied(name, schema);
    sizes::limit(name, schema);
}

/// Says of a schema outside of the document what the document says of one in a reply.
pub(crate) fn as_replied(_: &str, schema: &mut RefOr<Schema>) {
    sizes::width(schema);
    without_null(schema);
}

fn mend_response(response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else { return };
    for header in response.headers.values_mut() {
        if let RefOr::T(header) = header {
            header.schema.iter_mut().for_each(sizes::width);
        }
    }
    for content in response.content.values_mut() {
        if let RefOr::T(content) = content {
            content.schema.iter_mut().for_each(without_null);
        }
    }
}

/// `PageBody<T>` has T's schema in it; where that has a name, it is meant by it.
fn name_items(components: &mut Components) {
    let names: BTreeSet<String> = components.schemas.keys().cloned().collect();
    for (name, schema) in &mut components.schemas {
        let Some(item) = name.strip_prefix("PageBody_").filter(|item| names.contains(*item)) else { continue };
        if let RefOr::T(Schema::Object(page)) = schema
            && let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items")
        {
            items.items = ArrayItems::RefOrSchema(Box::new(RefOr::Ref(Ref::from_schema_name(item))));
        }
    }
}

/// The names that lead from these names, themselves included.
fn closure(schemas: &Schemas, from: BTreeSet<String>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut open: Vec<String> = from.into_iter().collect();
    while let Some(name) = open.pop() {
        if all.insert(name.clone()) {
            open.extend(schemas.get(&name).into_iter().flat_map(references));
        }
    }
    all
}

/// The names of the schemas that a part of the document refers to.
fn references(part: &impl Serialize) -> Vec<String> {
    fn within(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                let name = fields.get("$ref").and_then(Value::as_str).and_then(|to| to.rsplit('/').next());
                found.extend(name.map(str::to_owned));
                fields.values().for_each(|value| within(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| within(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    within(&serde_json::to_value(part).unwrap_or_default(), &mut found);
    found
}

/// Takes null from what a schema allows, and from all within it.
fn without_null(schema: &mut RefOr<Schema>) {
    let RefOr::T(own) = schema else { return };
    match own {
        Schema::Object(object) => one_type(&mut object.schema_type),
        Schema::Array(array) => one_type(&mut array.schema_type),
        Schema::OneOf(any) => any.items.retain(|one| !is_null(one)),
        _ => {}
    }
    for (_, part) in parts(own) {
        without_null(part);
    }
    if let Schema::OneOf(any) = own
        && let [alone] = &any.items[..]
    {
        *schema = alone.clone();
    }
}

/// The schemas right within a schema; those of fields with the field's name.
pub(super) fn parts(schema: &mut Schema) -> Vec<(Option<String>, &mut RefOr<Schema>)> {
    let (fields, others, items) = match schema {
        Schema::Object(object) => {
            let others = match object.additional_properties.as_deref_mut() {
                Some(AdditionalProperties::RefOr(others)) => Some(others),
                _ => None,
            };
            (Some(&mut object.properties), others, None)
        }
        Schema::Array(array) => match &mut array.items {
            ArrayItems::RefOrSchema(items) => (None, Some(items.as_mut()), None),
            ArrayItems::False => (None, None, None),
        },
        Schema::OneOf(any) => (None, None, Some(&mut any.items)),
        Schema::AllOf(all) => (None, None, Some(&mut all.items)),
        Schema::AnyOf(any) => (None, None, Some(&mut any.items)),
        _ => (None, None, None),
    };
    let fields = fields.into_iter().flatten().map(|(name, field)| (Some(name.clone()), field));
    let unnamed = others.into_iter().chain(items.into_iter().flatten()).map(|part| (None, part));
    fields.chain(unnamed).collect()
}

fn one_type(kind: &mut SchemaType) {
    if let SchemaType::Array(types) = kind {
        types.retain(|one| *one != Type::Null);
        if let [alone] = &types[..] {
            *kind = SchemaType::Type(alone.clone());
        }
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}
