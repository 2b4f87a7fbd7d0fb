//! Traces: what a collector is sent of requests, searches, writes and batches of the index, and whose traces they are.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that stops has failed"
)]

mod process;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use process::{PASSWORD, Server, eureka};
use serde_json::Value;

/// A collector that says yes to everything; what it was sent.
fn collector() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            loop {
                let (mut line, mut length) = (String::new(), 0);
                if reader.read_line(&mut line).unwrap_or_default() == 0 {
                    break;
                }
                assert!(line.starts_with("POST /v1/traces "), "{line}");
                while line.trim() != "" {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
                let _ = tell.send(serde_json::from_slice(&body).unwrap());
            }
        }
    });
    (address, told)
}

/// Asks with a `traceparent`; the request's id.
fn ask(server: &Server, token: &str, path: &str, parent: &str) -> String {
    let request = ureq::get(format!("{}{path}", server.base)).header("traceparent", parent);
    let reply = request.header("Authorization", format!("Bearer {token}")).call().unwrap();
    reply.headers()["x-request-id"].to_str().unwrap().to_owned()
}

fn attribute<'s>(span: &'s Value, name: &str) -> &'s str {
    let all = span["attributes"].as_array().unwrap();
    let found = all.iter().find(|attribute| attribute["key"] == name);
    found.map_or("", |found| {
        found["value"]["stringValue"].as_str().or_else(|| found["value"]["intValue"].as_str()).unwrap()
    })
}

#[test]
fn a_collector_is_sent_requests_searches_writes_and_index_batches_in_the_traces_of_those_who_asked() {
    let (endpoint, told) = collector();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(eureka(folder.path(), &["demo", "--otlp-endpoint", &endpoint]));
    let author = server.log_in("technician@demo.example", PASSWORD);
    let reviewer = server.log_in("reviewer@demo.example", PASSWORD);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let unwanted = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let id = ask(&server, &author, "/v1/search?q=3396", &format!("00-{trace}-00f067aa0ba902b7-01"));
    ask(&server, &author, "/v1/search?q=3396", &format!("00-{unwanted}-00f067aa0ba902b7-00"));
    server.publish(&author, &reviewer, "Oxidised fuse holders");
    let position = server.get("/v1/search?q=3396", &author).1["position"].as_i64().unwrap();
    server.get(&format!("/v1/search?q=oxidised&min_position={position}"), &author);
    server.stop();

    let (mut spans, mut services) = (Vec::new(), Vec::new());
    while let Ok(sent) = told.try_recv() {
        for resource in sent["resourceSpans"].as_array().unwrap() {
            services.push(attribute(&resource["resource"], "service.name").to_owned());
            spans.extend(resource["scopeSpans"][0]["spans"].as_array().unwrap().clone());
        }
    }
    assert!(!services.is_empty() && services.iter().all(|service| service == "eureka"), "{services:?}");
    let of_trace: Vec<&Value> = spans.iter().filter(|span| span["traceId"] == trace).collect();
    let named =
        |name: &str| *of_trace.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("{of_trace:?}"));
    let request = named("GET /v1/search");
    assert_eq!((&request["parentSpanId"], &request["kind"]), (&"00f067aa0ba902b7".into(), &2.into()));
    assert_eq!(
        (attribute(request, "request.id"), attribute(request, "http.response.status_code")),
        (id.as_str(), "200")
    );
    assert_eq!(attribute(request, "url.path"), "/v1/search");
    assert!(!request.to_string().contains("3396"), "what was searched for is nobody's business");
    let nanos = |span: &Value, name: &str| span[name].as_str().unwrap().parse::<i128>().unwrap();
    let search = named("search");
    assert_eq!(search["parentSpanId"], request["spanId"]);
    assert!(nanos(search, "startTimeUnixNano") >= nanos(request, "startTimeUnixNano"));
    assert!(nanos(request, "endTimeUnixNano") >= nanos(request, "startTimeUnixNano"));
    assert!(!spans.iter().any(|span| span["traceId"] == unwanted), "the caller did not want it recorded");
    let submit = spans.iter().find(|span| span["name"] == "POST /v1/tips").unwrap();
    let write = spans.iter().find(|span| span["name"] == "write" && span["parentSpanId"] == submit["spanId"]);
    assert_eq!(write.map(|write| &write["traceId"]), Some(&submit["traceId"]), "{spans:?}");
    assert!(spans.iter().any(|span| span["name"] == "index batch" && !attribute(span, "tips").is_empty()));
    let ids: std::collections::BTreeSet<&str> = spans.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), spans.len(), "each span has an id of its own");
}

#[test]
fn without_a_collector_that_answers_the_service_serves_all_the_same() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(eureka(folder.path(), &["demo", "--otlp-endpoint", &format!("http://{nobody}")]));
    let token = server.log_in("technician@demo.example", PASSWORD);
    assert_eq!(server.get("/v1/search?q=3396", &token).0, 200);
    server.stop();
}
