//! `/health/*`, `/.well-known/jwks.json`, `/openapi.json`, `/docs`, `/problems/*`.

use std::io::{Read, Write};
use std::net::TcpStream;

use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Reply, TestApp, TestDatabase, on_both_apps};
use serde_json::json;

#[test]
fn the_service_is_live_and_becomes_ready() {
    on_both_apps(|app| {
        app.call("GET", "/health/live").send().expect(200);
        app.settle(0);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while app.call("GET", "/health/ready").send().status != 200 {
            assert!(std::time::Instant::now() < deadline, "not ready in ten seconds");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let keys = app.call("GET", "/.well-known/jwks.json").send().expect(200);
        assert_eq!(keys.at("/keys/0/kty"), "OKP");
        assert!(keys.at("/keys/0/d").is_null(), "the private part stays here");
    });
}

#[test]
fn whoever_finds_the_service_not_ready_is_told_when_to_ask_again() {
    on_both_apps(|app| {
        app.drain();
        let not_ready = app.call("GET", "/health/ready").send().expect(503);
        assert!(not_ready.at("/reasons").as_array().unwrap().contains(&serde_json::json!("stopping")));
        assert_eq!(not_ready.header("retry-after"), Some("1"));
        app.call("GET", "/health/live").send().expect(200);
    });
}

#[test]
fn what_comes_from_the_index_says_how_far_behind_that_is() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let tip = app.published(&ana, &ravi, &printers, "Zirconium");
        let lag = |reply: Reply| reply.expect(200).header("eureka-index-lag").unwrap().parse::<i64>().unwrap();
        let similar = format!("/v1/tips/{tip}/similar");
        for path in ["/v1/search?q=zirconium", "/v1/suggest?q=zirc", &similar] {
            assert_eq!(lag(app.get(&ana, path)), 0, "{path}");
        }
        app.service.indexer().stop();
        let (_, reached) = app.service.indexer().state();
        let written = app.submitted(&ana, &printers, "Beryllium").position();
        assert_eq!(lag(app.get(&ana, "/v1/search?q=zirconium")), written - reached, "no database was asked");
        assert_eq!(
            lag(app.post(&ana, "/v1/tips/similar", json!({"title": "Beryllium", "problem": "It stops."}))),
            written - reached
        );
        app.get(&ana, "/v1/search?limit=0").expect(400);
    });
}

#[test]
fn the_documentation_is_served_without_a_network() {
    let database = TestDatabase::sqlite();
    let app = TestApp::start(&database);
    app.call("GET", "/docs").send().expect(307);
    let page = app.call("GET", "/docs/").send().expect(200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'self'"), "{policy}");
    let text = page.text();
    let elsewhere: Vec<&str> = text.split(['"', '\'']).filter(|part| part.starts_with("http")).collect();
    assert!(elsewhere.is_empty(), "the page asks other hosts: {elsewhere:?}");
    let document = app.call("GET", "/openapi.json").send().expect(200);
    assert_eq!(document.at("/openapi"), "3.1.0");
    let older = app.call("GET", "/openapi-3.0.json").send().expect(200);
    assert_eq!(older.at("/openapi"), "3.0.3");
}

#[test]
fn what_the_documentation_does_not_have_is_a_problem_too() {
    let database = TestDatabase::sqlite();
    let app = TestApp::start(&database);
    for path in ["/openapi.json", "/openapi-3.0.json", "/docs", "/docs/", "/docs/index.html", "/problems/taken"] {
        let reply = app.call("POST", path).send().expect_problem(405, "method_not_allowed");
        assert_eq!(reply.header("allow"), Some("GET"), "{path}");
    }
    for path in ["/docs/nothing.js", "/docs/%2e%2e/v1", "/problems/", "/openapi"] {
        app.call("GET", path).send().expect_problem(404, "not_found");
    }
    let mut stream = TcpStream::connect(app.address()).unwrap();
    stream.write_all(b"GET /docs/../v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("\"not_found\""), "{answer}");
}

#[test]
fn the_type_of_every_problem_leads_to_its_page() {
    let database = TestDatabase::sqlite();
    let app = TestApp::start(&database);
    let problem = app.call("GET", "/v1/me").send().expect_problem(401, "unauthenticated");
    let page = app.call("GET", &problem.word("/type")).send().expect(200);
    assert!(page.text().contains("unauthenticated"));
    let catalogue = eureka_api::errors_page();
    let codes: Vec<&str> =
        catalogue.lines().filter_map(|line| line.split('`').nth(1)).filter(|code| *code != "code").collect();
    assert!(codes.contains(&"stale") && codes.len() > 30, "{codes:?}");
    for code in codes.iter().filter(|code| code.chars().all(|c| c.is_ascii_lowercase() || c == '_')) {
        let page = app.call("GET", &format!("/problems/{code}")).send().expect(200);
        assert!(page.text().contains(code), "{code}");
    }
    app.call("GET", "/problems/no_such_code").send().expect_problem(404, "not_found");
}
