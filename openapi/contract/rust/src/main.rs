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
    let body = types::Login {
        email: format!("{login}@demo.example").parse().expect("an address"),
        password: "eureka-demo-2026".parse().expect("a password"),
    };
    let tokens = Client::new(base).login(&body).await.expect("login");
    let mut headers = HeaderMap::new();
    let value = format!("Bearer {}", tokens.access_token.as_str());
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
    let (technician, reviewer, outsider) = (
        logged_in(&base, "technician").await,
        logged_in(&base, "reviewer").await,
        logged_in(&base, "outsider").await,
    );
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
    let key: types::CreateTipIdempotencyKey = fault.parse().expect("a key");
    let tip = technician.create_tip(Some(&key), &text).await.expect("submit");
    let again = technician.create_tip(Some(&key), &text).await.expect("repeat");
    assert_eq!(again.id, tip.id, "a repeated request makes no second tip");
    assert_eq!(again.headers()["Idempotency-Replayed"], "true");
    let review = tip.review.as_ref().expect("a submitted tip has a review").id;

    // Nobody decides their own tip; the problem's code says so.
    let approval: types::NewDecision =
        serde_json::from_value(serde_json::json!({"verdict": "approve", "revision": 1})).expect("a decision");
    let code = refused(technician.decide_review(&review, None, &approval).await);
    assert!(["own_tip", "not_permitted"].contains(&code.as_str()), "{code}");

    // Review.
    reviewer.claim_review(&review).await.expect("claim");
    let decided = reviewer.decide_review(&review, None, &approval).await.expect("decide");
    let position: i64 = decided.headers()["Eureka-Position"].to_str().expect("text").parse().expect("a position");

    // Search, from the very position on.
    let found = search(&outsider, &fault, position).await;
    assert_eq!(found.items[0].tip.id, tip.id, "the tip is found first");

    // Use it, and say so.
    let id = tip.id.to_string().parse().expect("an id");
    let used = serde_json::from_value(serde_json::json!({"result": "fixed"})).expect("an outcome");
    reviewer.record_outcome(&id, None, &used).await.expect("outcome");
    let shown = outsider.read_tip(&id, None, None).await.expect("read");
    assert_eq!(shown.proof.as_ref().map(|proof| proof.fixed), Some(1), "the outcome counts");

    // What does not exist is a problem.
    let absent = "T-999999999".parse().expect("a number");
    assert_eq!(refused(outsider.read_tip(&absent, None, None).await), "not_found");

    let number = &tip.number;
    println!("rust: {} submitted, approved at {position}, found, used; {}", number.as_str(), include_str!(concat!(env!("OUT_DIR"), "/summary.txt")));
}
