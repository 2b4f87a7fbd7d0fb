//! The whole story with the client that progenitor makes of the 3.0.3 document: log in, submit, review, search, outcome,
//! and what is refused.

mod client {
    #![allow(warnings, clippy::all, reason = "generated")]
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

use client::{Client, Error, types};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(story());
}

async fn logged_in(base: &str, login: &str) -> Client {
    let body = types::Login::builder().email(format!("{login}@demo.example")).password("eureka-demo-2026".to_owned());
    let tokens = Client::new(base).login().body(body).send().await.expect("login");
    let mut headers = HeaderMap::new();
    let value = format!("Bearer {}", &*tokens.access_token);
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&value).expect("a header"));
    let http = reqwest::Client::builder().default_headers(headers).build().expect("an HTTP client");
    Client::new_with_client(base, http)
}

/// The code of the problem that a refused call was answered with.
fn refused<T: std::fmt::Debug>(answer: Result<T, Error<types::Problem>>) -> String {
    match answer {
        Err(Error::ErrorResponse(problem)) => problem.code.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

async fn story() {
    let base = std::env::var("EUREKA_BASE").expect("EUREKA_BASE: where the service is");
    let technician = logged_in(&base, "technician").await;
    let reviewer = logged_in(&base, "reviewer").await;
    let outsider = logged_in(&base, "outsider").await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
    let fault = format!("RS-{}", now.as_nanos());

    // Submit; and once more with the same key, as after a broken connection.
    let text: types::NewTipBody = serde_json::from_value(serde_json::json!({
        "community": "office-printers",
        "title": format!("DocuColor 40: intermittent {fault}, clean the two fuse holders first"),
        "problem": format!("{fault} comes and goes."),
        "solution": "Power off, pull both fuses, polish or replace the holders.",
        "fault_codes": [&fault],
        "products": ["DocuColor 40"],
        "submit": true,
    }))
    .expect("a tip as the document has it");
    let submit = || technician.create_tip().idempotency_key(fault.clone()).body(text.clone()).send();
    let tip = submit().await.expect("submit");
    let again = submit().await.expect("repeat");
    assert_eq!(again.id, tip.id, "a repeated request makes no second tip");
    assert_eq!(again.headers()["Idempotency-Replayed"], "true");
    let review = tip.review.as_ref().expect("a submitted tip has a review").id;

    // Nobody decides their own tip; the problem's code says so.
    let approval: types::NewDecision =
        serde_json::from_value(serde_json::json!({"verdict": "approve", "revision": 1})).expect("a decision");
    let own = technician.decide_review().id(review).body(approval.clone()).send().await;
    let code = refused(own);
    assert!(["own_tip", "not_permitted"].contains(&code.as_str()), "{code}");

    // Review.
    let queue = reviewer.list_reviews().community("office-printers".to_owned()).limit(100).send().await.expect("queue");
    assert!(queue.items.iter().any(|waiting| waiting.tip.id == tip.id), "the queue has it");
    reviewer.claim_review().id(review).send().await.expect("claim");
    let decided = reviewer.decide_review().id(review).body(approval).send().await.expect("decide");
    let position: i64 = decided.headers()["Eureka-Position"].to_str().expect("text").parse().expect("a position");

    // Search, from the very position on.
    let found = outsider.search_tips().q(fault.clone()).min_position(position).send().await.expect("search");
    assert_eq!(found.items[0].tip.id, tip.id, "the tip is found first");
    let either: types::SearchTipsCommunity =
        serde_json::from_value(serde_json::json!(["nowhere", "office-printers"])).expect("two slugs");
    let there = outsider.search_tips().q(fault).community(either).send().await.expect("search in either");
    assert_eq!(there.items[0].tip.id, tip.id, "of a filter's values any will do");

    // Use it, and say so.
    let id = tip.id.to_string();
    let used: types::NewOutcomeBody =
        serde_json::from_value(serde_json::json!({"result": "fixed"})).expect("an outcome");
    reviewer.record_outcome().id(id.clone()).body(used).send().await.expect("outcome");
    let shown = outsider.read_tip().id(id).send().await.expect("read");
    assert!(shown.proof.is_some(), "the outcome counts");

    // What does not exist is a problem.
    assert_eq!(refused(outsider.read_tip().id("T-999999999".to_owned()).send().await), "not_found");

    let summary = include_str!(concat!(env!("OUT_DIR"), "/summary.txt"));
    println!("rust: {} submitted, approved at {position}, found, used; {summary}", tip.number);
}
