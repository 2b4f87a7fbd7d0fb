//! What in a newer document breaks a client that was written, or generated, for an older one. The rule for schemas is
//! one: whatever one side may send, the other must take. In requests the old client sends, in replies the new service.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use crate::operations;
use crate::shape::Shape;

/// Marks an enumeration in replies whose clients were told that words may come.
const OPEN: &str = "x-extensible-enum";

/// Who sends what is compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    /// Clients, to the service.
    Request,
    /// The service, to clients.
    Reply,
}

/// Each thing that breaks, in words that name the operation and the place.
pub(crate) fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Found { old, new, seen: HashSet::new(), breaks: Vec::new() };
    let now: BTreeMap<String, &Value> = operations(new).collect();
    for (name, before) in operations(old) {
        match now.get(&name) {
            None => found.say(&name, "the operation is gone"),
            Some(after) => found.operation(&name, before, after),
        }
    }
    found.breaks
}

struct Found<'a> {
    old: &'a Value,
    new: &'a Value,
    /// Pairs of named schemas that are being, or have been, compared for a place.
    seen: HashSet<(Way, String, String)>,
    breaks: Vec<String>,
}

impl<'a> Found<'a> {
    fn say(&mut self, at: &str, what: &str) {
        self.breaks.push(format!("{at}: {what}"));
    }

    fn operation(&mut self, at: &str, old: &'a Value, new: &'a Value) {
        if old["operationId"] != new["operationId"] {
            self.say(at, "operationId is another: generated clients lose the method");
        }
        self.security(at, old, new);
        self.parameters(at, old, new);
        self.body(at, &old["requestBody"], &new["requestBody"]);
        self.replies(at, &old["responses"], &new["responses"]);
    }

    /// Every way in that was there must still do, with no more than it took.
    fn security(&mut self, at: &str, old: &Value, new: &Value) {
        let now = ways_in(new);
        for way in ways_in(old) {
            if !now.iter().any(|now| takes_no_more(now, &way)) {
                self.say(at, &format!("credentials {way} no longer do"));
            }
        }
    }

    fn parameters(&mut self, at: &str, old: &'a Value, new: &'a Value) {
        let (before, after) = (parameters(self.old, old), parameters(self.new, new));
        for (key, parameter) in &after {
            if parameter["required"] == true && !before.contains_key(key) {
                self.say(at, &format!("{key} is new and required"));
            }
        }
        for (key, parameter) in before {
            let Some(now) = after.get(&key) else {
                self.say(at, &format!("{key} is gone"));
                continue;
            };
            if parameter["required"] != true && now["required"] == true {
                self.say(at, &format!("{key} is now required"));
            }
            self.schema(Way::Request, &format!("{at}: {key}"), &parameter["schema"], &now["schema"]);
        }
    }

    fn body(&mut self, at: &str, old: &'a Value, new: &'a Value) {
        let (old, new) = (resolve(self.old, old), resolve(self.new, new));
        if old.is_null() {
            if new["required"] == true {
                self.say(at, "a body is now required");
            }
            return;
        }
        if new.is_null() {
            self.say(at, "the request's body is gone");
            return;
        }
        if old["required"] != true && new["required"] == true {
            self.say(at, "the body is now required");
        }
        self.content(Way::Request, &format!("{at}: body"), &old["content"], &new["content"]);
    }

    fn replies(&mut self, at: &str, old: &'a Value, new: &'a Value) {
        for status in entries(new).map(|(status, _)| status).filter(|status| status.starts_with('2')) {
            if old.get(status).is_none() {
                self.say(at, &format!("{status} is a success that clients do not know"));
            }
        }
        for (status, reply) in entries(old) {
            let at = format!("{at}: {status}");
            let Some(now) = new.get(status) else {
                self.say(&at, "the reply is gone");
                continue;
            };
            let (reply, now) = (resolve(self.old, reply), resolve(self.new, now));
            for (name, _) in entries(&reply["headers"]) {
                if now["headers"].get(name).is_none() {
                    self.say(&at, &format!("the header {name} is gone"));
                }
            }
            self.content(Way::Reply, &at, &reply["content"], &now["content"]);
        }
    }

    fn content(&mut self, way: Way, at: &str, old: &'a Value, new: &'a Value) {
        for (media, described) in entries(old) {
            match new.get(media) {
                None => self.say(at, &format!("{media} is gone")),
                Some(now) => self.schema(way, at, &described["schema"], &now["schema"]),
            }
        }
    }

    /// Compares what is sent with what is taken; each named pair once.
    fn schema(&mut self, way: Way, at: &str, old: &'a Value, new: &'a Value) {
        if let (Some(before), Some(after)) = (old["$ref"].as_str(), new["$ref"].as_str())
            && !self.seen.insert((way, before.to_owned(), after.to_owned()))
        {
            return;
        }
        let (old, new) = (Shape::of(self.old, old), Shape::of(self.new, new));
        self.shape(way, at, &old, &new);
    }

    fn shape(&mut self, way: Way, at: &str, old: &Shape<'a>, new: &Shape<'a>) {
        let (sent, taken) = match way {
            Way::Request => (old, new),
            Way::Reply => (new, old),
        };
        let open = way == Way::Reply && old.marks.contains(OPEN);
        let foreign: Vec<&str> = match (&sent.types, &taken.types) {
            (_, None) => Vec::new(),
            (None, Some(_)) => vec!["any"],
            (Some(sent), Some(taken)) => sent
                .iter()
                .filter(|kind| !(taken.contains(*kind) || *kind == "integer" && taken.contains("number")))
                .map(String::as_str)
                .collect(),
        };
        for kind in foreign {
            let what = if way == Way::Request { "no longer taken" } else { "now sent" };
            self.say(at, &format!("the type {kind} is {what}"));
        }
        self.words(way, at, sent, taken, open);
        self.variants(way, at, sent, taken, open);
        if old.format != new.format && (way == Way::Reply || new.format.is_some()) {
            self.say(at, &format!("the format is {:?} instead of {:?}", new.format, old.format));
        }
        if way == Way::Request {
            self.limits(at, old, new);
        }
        self.fields(way, at, old, new);
        if let (Some(before), Some(after)) = (old.items, new.items) {
            self.schema(way, &format!("{at}[]"), before, after);
        }
        if let (Some(before), Some(after)) = (old.others, new.others) {
            self.schema(way, &format!("{at}{{}}"), before, after);
        }
    }

    fn words(&mut self, way: Way, at: &str, sent: &Shape<'a>, taken: &Shape<'a>, open: bool) {
        let Some(known) = &taken.words else { return };
        let what = if way == Way::Request { "no longer taken" } else { "now sent" };
        match &sent.words {
            _ if open => {}
            None => self.say(at, &format!("words beside {} are {what}", known.join(", "))),
            Some(words) => {
                for word in words.iter().filter(|word| !known.contains(word)) {
                    self.say(at, &format!("the word {word} is {what}"));
                }
            }
        }
    }

    fn variants(&mut self, way: Way, at: &str, sent: &Shape<'a>, taken: &Shape<'a>, open: bool) {
        if open || taken.variants.is_empty() {
            return;
        }
        let own = [sent.clone()];
        let sent = if sent.variants.is_empty() { &own[..] } else { &sent.variants[..] };
        for (number, one) in sent.iter().enumerate() {
            let fits = taken.variants.iter().any(|other| {
                let (old, new) = if way == Way::Request { (one, other) } else { (other, one) };
                let mut apart = Found { old: self.old, new: self.new, seen: self.seen.clone(), breaks: Vec::new() };
                apart.shape(way, at, old, new);
                apart.breaks.is_empty()
            });
            if !fits {
                self.say(at, &format!("alternative {number} fits none that is understood"));
            }
        }
    }

    fn limits(&mut self, at: &str, old: &Shape<'a>, new: &Shape<'a>) {
        for (keyword, is_upper) in [
            ("maximum", true),
            ("exclusiveMaximum", true),
            ("maxLength", true),
            ("maxItems", true),
            ("maxProperties", true),
            ("minimum", false),
            ("exclusiveMinimum", false),
            ("minLength", false),
            ("minItems", false),
            ("minProperties", false),
        ] {
            let Some(now) = new.limits.get(keyword) else { continue };
            let tighter =
                old.limits.get(keyword).is_none_or(|before| if is_upper { now < before } else { now > before });
            let is_none = *now == 0.0 && ["minLength", "minItems", "minProperties"].contains(&keyword);
            if tighter && !is_none {
                self.say(at, &format!("{keyword} is now {now}"));
            }
        }
        if new.pattern.is_some() && old.pattern != new.pattern {
            self.say(at, "the pattern is another");
        }
        if new.unique && !old.unique {
            self.say(at, "repeated items are no longer taken");
        }
        if old.default != new.default {
            self.say(at, "the default is another");
        }
    }

    fn fields(&mut self, way: Way, at: &str, old: &Shape<'a>, new: &Shape<'a>) {
        let (sent, taken) = if way == Way::Request { (old, new) } else { (new, old) };
        for name in taken.required.difference(&sent.required) {
            let what = if way == Way::Request { "is now required" } else { "is no longer always there" };
            self.say(at, &format!("the field {name} {what}"));
        }
        for (name, before) in &old.fields {
            match new.fields.get(name) {
                Some(after) => self.schema(way, &format!("{at}.{name}"), before, after),
                None if way == Way::Reply || new.is_closed => self.say(at, &format!("the field {name} is gone")),
                None => {}
            }
        }
        if way == Way::Request && new.is_closed && !old.is_closed {
            self.say(at, "unknown fields are no longer taken");
        }
    }
}

/// With what an operation is called; `{}` is nothing.
fn ways_in(operation: &Value) -> Vec<Value> {
    let ways = operation["security"].as_array().cloned().unwrap_or_default();
    if ways.is_empty() { vec![json!({})] } else { ways }
}

/// Whether whoever meets `old` meets `new`. A key that may do something else may read as well.
fn takes_no_more(new: &Value, old: &Value) -> bool {
    entries(new).all(|(scheme, scopes)| {
        let Some(had) = old.get(scheme).and_then(Value::as_array) else { return false };
        scopes
            .as_array()
            .into_iter()
            .flatten()
            .all(|scope| had.contains(scope) || (*scope == "read" && !had.is_empty()))
    })
}

/// The parameters of an operation by place and name.
fn parameters<'a>(document: &'a Value, operation: &'a Value) -> BTreeMap<String, &'a Value> {
    let listed = operation["parameters"].as_array().into_iter().flatten();
    listed
        .map(|parameter| resolve(document, parameter))
        .map(|parameter| {
            let text = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
            (format!("{} parameter {}", text("in"), text("name")), parameter)
        })
        .collect()
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let Some(reference) = value["$ref"].as_str() else { return value };
    document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null)
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
