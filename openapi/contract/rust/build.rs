//! Makes the client of the document that EUREKA_OPENAPI names. What progenitor cannot say is cut out first: it has one type
//! for all successes of an operation and one for all its errors, knows no JSON but `application/json`, and no redirects.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Map, Value};

fn main() {
    println!("cargo::rerun-if-env-changed=EUREKA_OPENAPI");
    let path = std::env::var("EUREKA_OPENAPI").expect("EUREKA_OPENAPI: the 3.0.3 document");
    println!("cargo::rerun-if-changed={path}");
    let mut document: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON");

    let (mut kept, mut left_out) = (0, Vec::new());
    for item in document["paths"].as_object_mut().expect("paths").values_mut() {
        let item = item.as_object_mut().expect("a path");
        let methods: Vec<String> = item.keys().cloned().collect();
        for method in methods {
            if fit(&mut item[&method]) {
                kept += 1;
            } else {
                left_out.push(item[&method]["operationId"].as_str().unwrap_or_default().to_owned());
                item.remove(&method);
            }
        }
    }

    let document: openapiv3::OpenAPI = serde_json::from_value(document).expect("OpenAPI 3.0");
    let mut settings = progenitor::GenerationSettings::default();
    settings.with_interface(progenitor::InterfaceStyle::Builder);
    let tokens = progenitor::Generator::new(&settings).generate_tokens(&document).expect("a client");
    let code = prettyplease::unparse(&syn::parse2(tokens).expect("Rust"));
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("OUT_DIR"));
    std::fs::write(out.join("client.rs"), code).expect("the client is written");
    let summary = format!("{kept} operations; left out: {}", left_out.join(", "));
    std::fs::write(out.join("summary.txt"), summary).expect("the summary is written");
}

/// Cuts an operation down to what progenitor takes; false where nothing is left.
fn fit(operation: &mut Value) -> bool {
    let json_only =
        |holder: &Value| holder["content"].as_object().is_none_or(|types| types.keys().all(|media| is_json(media)));
    if !json_only(&operation["requestBody"]) {
        return false;
    }
    let responses = operation["responses"].as_object_mut().expect("responses");
    responses.retain(|status, _| !status.starts_with('3'));
    if !responses.values().all(json_only) {
        return false;
    }
    // A success without content beside one with it: the one with it.
    let successes: Vec<String> = responses.keys().filter(|status| status.starts_with('2')).cloned().collect();
    if successes.len() > 1 {
        responses.retain(|status, reply| !status.starts_with('2') || reply["content"].is_object());
    }
    // An error that is no problem, of the balancers' question and of assistants' protocol; a form beside the problem.
    responses.retain(|status, reply| status.starts_with('2') || is_problem(reply));
    for reply in responses.values_mut() {
        let content = reply.get_mut("content").and_then(Value::as_object_mut);
        if let Some((content, problem)) = content.and_then(|content| content.remove(PROBLEM).map(|one| (content, one)))
        {
            content.insert("application/json".to_owned(), problem);
        }
    }
    one_type(responses, '2')
}

const PROBLEM: &str = "application/problem+json";

fn is_json(media: &str) -> bool {
    media == "application/json" || media == PROBLEM
}

fn is_problem(reply: &Value) -> bool {
    reply["content"][PROBLEM].is_object()
}

fn one_type(responses: &Map<String, Value>, class: char) -> bool {
    let of_class = responses.iter().filter(|(status, _)| status.starts_with(class));
    of_class.map(|(_, reply)| reply["content"].to_string()).collect::<BTreeSet<_>>().len() <= 1
}
