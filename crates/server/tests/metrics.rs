//! The figures for Prometheus: on a listener of their own, moved by what happens, and all that the dashboard asks for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::float_cmp,
    reason = "a test that stops has failed"
)]

mod process;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;

use process::{PASSWORD, Server, eureka};

/// The figures by name and labels.
fn scrape(address: &str) -> BTreeMap<String, f64> {
    let mut response = ureq::get(format!("http://{address}/metrics")).call().unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4");
    let text = response.body_mut().read_to_string().unwrap();
    let figures = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    });
    figures.collect()
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn the_figures_move_and_the_dashboard_asks_for_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let address = free_address();
    let server = Server::start(eureka(folder.path(), &["demo", "--metrics-listen", &address]));
    let author = server.log_in("technician@demo.example", PASSWORD);
    let reviewer = server.log_in("reviewer@demo.example", PASSWORD);
    let before = scrape(&address);
    assert_eq!(before["eureka_database_up"], 1.0);
    assert_eq!(before["eureka_index_ready"], 1.0);

    server.publish(&author, &reviewer, "Oxidised fuse holders");
    for _ in 0..3 {
        assert_eq!(server.get("/v1/tips/T-1001", &author).0, 200);
    }
    assert_eq!(server.get("/v1/tips/T-999999", &author).0, 404);
    let position = server.get("/health/ready", "").1["index_position"].as_f64().unwrap();
    let after = scrape(&address);
    let count = |method: &str, route: &str, status: u16| {
        let name =
            format!("eureka_http_request_seconds_count{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
        after.get(&name).copied().unwrap_or_default() - before.get(&name).copied().unwrap_or_default()
    };
    assert_eq!(count("GET", "/v1/tips/{id}", 200), 3.0);
    assert_eq!(count("GET", "/v1/tips/{id}", 404), 1.0);
    assert_eq!(count("POST", "/v1/tips", 201), 1.0);
    let grown = |name: &str| after[name] - before[name];
    assert!(grown("eureka_log_head") >= 3.0, "{after:?}");
    assert!(after["eureka_index_position"] >= position);
    assert_eq!(grown("eureka_index_drift_found_total"), 0.0);
    assert!(after["eureka_index_bytes"] > 0.0 && after["eureka_index_tips"] > 0.0);
    assert_eq!(server.get("/metrics", &author).0, 404, "never on the public listener");

    let asked = dashboard();
    assert!(asked.len() > 12, "{asked:?}");
    for name in asked {
        let is_there = after.keys().any(|key| key.split('{').next() == Some(&name));
        assert!(is_there, "the dashboard asks for {name}");
    }
}

/// The names of the figures that the dashboard's queries are about.
fn dashboard() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/grafana-dashboard.json");
    let dashboard: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let queries = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let mut names: Vec<String> = queries
        .flat_map(|query| query["expr"].as_str().unwrap().split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')))
        .filter(|word| word.starts_with("eureka_"))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}
