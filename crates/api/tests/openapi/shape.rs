//! What a schema says, with references followed, `allOf` taken together and "this or null" as one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

type Names = BTreeSet<String>;

/// What a schema says of a value. Nothing said, anything goes.
#[derive(Clone, Default)]
pub(crate) struct Shape<'a> {
    pub(crate) types: Option<Names>,
    pub(crate) words: Option<Vec<String>>,
    pub(crate) format: Option<&'a str>,
    pub(crate) pattern: Option<&'a str>,
    pub(crate) unique: bool,
    pub(crate) default: Option<&'a Value>,
    pub(crate) limits: BTreeMap<&'a str, f64>,
    pub(crate) fields: BTreeMap<&'a str, &'a Value>,
    pub(crate) required: Names,
    /// Fields that it does not name are refused.
    pub(crate) is_closed: bool,
    /// What the values of fields are that it does not name.
    pub(crate) others: Option<&'a Value>,
    pub(crate) items: Option<&'a Value>,
    pub(crate) variants: Vec<Shape<'a>>,
    /// Extensions that are `true`.
    pub(crate) marks: Names,
}

impl<'a> Shape<'a> {
    pub(crate) fn of(document: &'a Value, schema: &'a Value) -> Self {
        let mut shape = Self::default();
        shape.add(document, schema);
        shape
    }

    fn add(&mut self, document: &'a Value, schema: &'a Value) {
        if let Some(reference) = schema["$ref"].as_str() {
            self.add(document, document.pointer(reference.trim_start_matches('#')).unwrap());
        }
        for part in list(schema, "allOf") {
            self.add(document, part);
        }
        self.add_kind(schema);
        self.add_limits(schema);
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            self.fields.insert(name, field);
        }
        self.required.extend(list(schema, "required").filter_map(Value::as_str).map(str::to_owned));
        match &schema["additionalProperties"] {
            Value::Bool(false) => self.is_closed = true,
            others @ Value::Object(_) => self.others = Some(others),
            _ => {}
        }
        if schema["items"].is_object() {
            self.items = Some(&schema["items"]);
        }
        self.add_alternatives(document, schema);
    }

    fn add_kind(&mut self, schema: &'a Value) {
        match &schema["type"] {
            Value::String(one) => self.types = Some([one.clone()].into()),
            Value::Array(any) => self.types = Some(any.iter().map(|one| one.as_str().unwrap().to_owned()).collect()),
            _ => {}
        }
        if let Some(words) = schema["enum"].as_array() {
            self.words = Some(words.iter().map(ToString::to_string).collect());
        } else if let Some(only) = schema.get("const") {
            self.words = Some(vec![only.to_string()]);
        }
        self.format = schema["format"].as_str().or(self.format);
        self.default = schema.get("default").or(self.default);
        let extensions =
            schema.as_object().into_iter().flatten().filter(|(key, value)| key.starts_with("x-") && **value == true);
        self.marks.extend(extensions.map(|(key, _)| key.clone()));
    }

    fn add_limits(&mut self, schema: &'a Value) {
        self.pattern = schema["pattern"].as_str().or(self.pattern);
        self.unique |= schema["uniqueItems"] == true;
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            let is_limit = keyword.starts_with("max") || keyword.starts_with("min") || keyword.starts_with("exclusive");
            if let (true, Some(number)) = (is_limit, value.as_f64()) {
                self.limits.insert(keyword, number);
            }
        }
    }

    /// "This or null" is this, with null among its types.
    fn add_alternatives(&mut self, document: &'a Value, schema: &'a Value) {
        let any: Vec<&Value> = list(schema, "oneOf").chain(list(schema, "anyOf")).collect();
        let is_null = |one: &&Value| one["type"] == "null";
        let nullable = any.iter().any(is_null);
        let rest: Vec<&Value> = any.into_iter().filter(|one| !is_null(one)).collect();
        match rest[..] {
            [] => {}
            [alone] => self.add(document, alone),
            _ => {
                self.variants = rest.into_iter().map(|one| Self::of(document, one)).collect();
                let types: Option<Vec<&Names>> = self.variants.iter().map(|one| one.types.as_ref()).collect();
                self.types = types.map(|types| types.into_iter().flatten().cloned().collect());
            }
        }
        if nullable {
            if let Some(types) = &mut self.types {
                types.insert("null".to_owned());
            }
            if let Some(words) = &mut self.words {
                words.push("null".to_owned());
            }
        }
    }
}

fn list<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    schema[key].as_array().into_iter().flatten()
}
