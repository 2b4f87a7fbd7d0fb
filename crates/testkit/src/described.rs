//! Holds a reply against the OpenAPI document: status, content type, body, headers.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use actix_web::dev::ResourceDef;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::call::Reply;

/// The document, and the compiled schemas of the replies seen so far.
struct Described {
    document: Value,
    paths: Vec<(ResourceDef, String)>,
    compiled: Mutex<HashMap<String, &'static Validator>>,
}

/// Says what in a reply is not as the document has it. Paths that it does not describe are not looked at.
pub(crate) fn check(method: &str, target: &str, reply: &Reply) -> Result<(), String> {
    if method == "HEAD" {
        return Ok(()); // GET without its body
    }
    let described = described();
    let path = target.split('?').next().unwrap_or_default();
    // Of `/tips/{id}` and `/tips/{id}.md`, the one that says more.
    let fitting = described.paths.iter().filter(|(known, _)| known.is_match(path));
    let Some((_, template)) = fitting.max_by_key(|(_, template)| literal(template)) else { return Ok(()) };
    let item = &described.document["paths"][template.as_str()];
    let Some(operation) = item.get(method.to_ascii_lowercase()) else {
        return if reply.status == 405 { Ok(()) } else { Err("the method is not described".to_owned()) };
    };
    let status = reply.status.to_string();
    let response = operation["responses"].get(&status).ok_or(format!("status {status} is not described"))?;
    check_headers(response, reply)?;
    check_body(described, method, template, &status, response, reply)
}

const SENT_ONLY_IF_DESCRIBED: [&str; 9] = [
    "etag",
    "location",
    "eureka-position",
    "eureka-index-lag",
    "idempotency-replayed",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "x-request-id",
];

fn check_headers(response: &Value, reply: &Reply) -> Result<(), String> {
    let declared = |name: &str| {
        response["headers"].as_object().is_some_and(|headers| headers.keys().any(|key| key.eq_ignore_ascii_case(name)))
    };
    for name in SENT_ONLY_IF_DESCRIBED {
        if reply.header(name).is_some() && !declared(name) {
            return Err(format!("the header {name} is not described"));
        }
    }
    for name in ["etag", "location", "eureka-position", "eureka-index-lag", "retry-after", "x-request-id"] {
        if reply.header(name).is_none() && declared(name) {
            return Err(format!("the header {name} is described but not there"));
        }
    }
    Ok(())
}

fn check_body(
    described: &Described,
    method: &str,
    template: &str,
    status: &str,
    response: &Value,
    reply: &Reply,
) -> Result<(), String> {
    let Some(content) = response.get("content").and_then(Value::as_object) else {
        return if reply.body.is_empty() { Ok(()) } else { Err("a body that is not described".to_owned()) };
    };
    let sent = reply.header("content-type").unwrap_or_default();
    let media = sent.split(';').next().unwrap_or_default();
    if !content.contains_key(media) {
        return Err(format!("the content type {media:?} is not described"));
    }
    let pointer = format!(
        "#/paths/{}/{}/responses/{status}/content/{}/schema",
        escape(template),
        method.to_ascii_lowercase(),
        escape(media)
    );
    let bodies: Vec<Value> = match media {
        "application/x-ndjson" => lines(&reply.body).map_err(|error| error.to_string())?,
        media if media.contains("json") => {
            vec![serde_json::from_slice(&reply.body).map_err(|error| error.to_string())?]
        }
        _ => Vec::new(),
    };
    for body in bodies {
        let errors = described.validator(&pointer).iter_errors(&body);
        let errors: Vec<String> = errors.map(|error| format!("{}: {error}", error.instance_path())).collect();
        if !errors.is_empty() {
            return Err(errors.join("; "));
        }
    }
    Ok(())
}

/// One JSON value to a line.
fn lines(body: &[u8]) -> Result<Vec<Value>, serde_json::Error> {
    body.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(serde_json::from_slice).collect()
}

/// How much of a path's template is no parameter.
fn literal(template: &str) -> usize {
    template.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest).len()).sum()
}

impl Described {
    #[allow(clippy::expect_used, reason = "a document that does not compile has failed the test")]
    fn validator(&self, pointer: &str) -> &'static Validator {
        let mut compiled = self.compiled.lock().expect("no test panics in here");
        compiled.entry(pointer.to_owned()).or_insert_with(|| {
            let mut root = self.document.clone();
            root["$ref"] = json!(pointer);
            let options = jsonschema::options().should_validate_formats(true);
            Box::leak(Box::new(options.build(&root).expect("a schema that compiles")))
        })
    }
}

#[allow(clippy::expect_used, reason = "a document that is not JSON has failed the test")]
fn described() -> &'static Described {
    static DESCRIBED: OnceLock<Described> = OnceLock::new();
    DESCRIBED.get_or_init(|| {
        let document = serde_json::to_value(eureka_api::document()).expect("a document");
        let templates = document["paths"].as_object().expect("paths");
        let paths = templates.keys().map(|path| (ResourceDef::new(path.as_str()), path.clone())).collect();
        Described { document, paths, compiled: Mutex::default() }
    })
}

fn escape(text: &str) -> String {
    text.replace('~', "~0").replace('/', "~1").replace('{', "%7B").replace('}', "%7D")
}
