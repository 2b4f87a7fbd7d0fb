//! What browsers are told: with every kind of reply, whoever makes it.

use eureka_api::LimitOptions;
use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Reply, TestApp, TestDatabase, sample};
use serde_json::json;

/// Refuses a reply that a browser could make more of than it is.
fn check(what: &str, reply: &Reply) {
    let header = |name: &str| reply.header(name).unwrap_or_default().to_owned();
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(header("referrer-policy"), "no-referrer", "{what}");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{what}");
    assert!(!header("cache-control").is_empty(), "{what}");
    let policy = header("content-security-policy");
    for part in ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    let is_page = what.starts_with("/docs/");
    assert_eq!(policy.contains("default-src 'none'"), !is_page, "{what}: {policy}");
    let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap_or("default-src 'self'");
    assert!(!scripts.contains("unsafe"), "{what}: {policy}");
    for name in ["server", "x-powered-by", "access-control-allow-origin", "set-cookie"] {
        assert_eq!(reply.header(name), None, "{what}");
    }
}

#[test]
fn every_kind_of_reply_tells_browsers_to_make_no_more_of_it_than_it_is() {
    let database = TestDatabase::sqlite();
    let app = TestApp::start(&database);
    let printers = app.community("printers", Openness::Open);
    let (ana, ravi) = (app.member(&printers, "ana", Role::Contributor), app.member(&printers, "ravi", Role::Reviewer));
    let id = app.published(&ana, &ravi, &printers, "It stops");
    let tip = app.get(&ana, &format!("/v1/tips/{id}")).expect(200);
    let call = |method: &str, path: &str| app.call(method, path).by(&ana);
    let posted = |body: &[u8], media: &str| call("POST", "/v1/tips").raw(media, body).send();
    let known = call("GET", &format!("/v1/tips/{id}")).header("If-None-Match", tip.etag()).send();
    let watch = format!("/v1/tips/{id}/watch");
    let compressed = call("POST", "/v1/tips").header("Content-Encoding", "gzip").json(json!({})).send();
    let large = posted(" ".repeat(2 << 20).as_bytes(), "application/json");
    let stale = call("PATCH", &format!("/v1/tips/{id}")).header("If-Match", "\"x\"").json(json!({"title": "x"})).send();
    let owed = call("PATCH", &format!("/v1/tips/{id}")).json(json!({"title": "x"})).send();
    for (what, reply, status) in [
        ("a read", tip.clone(), 200),
        ("a list", app.get(&ana, "/v1/tips"), 200),
        ("a search", app.get(&ana, "/v1/search?q=3396"), 200),
        ("a page of Markdown", app.get(&ana, &format!("/v1/tips/{id}.md")), 200),
        ("a stream", app.get(&ana, "/v1/exports/tips"), 200),
        ("a head", call("HEAD", &format!("/v1/tips/{id}")).send(), 200),
        ("something made", app.post(&ana, "/v1/tips", sample("printers", "Another")), 201),
        ("nothing to say", call("PUT", &watch).send(), 204),
        ("what is known", known, 304),
        ("bad JSON", posted(b"{", "application/json"), 400),
        ("nobody", app.call("GET", "/v1/me").send(), 401),
        ("not permitted", app.get(&ana, "/v1/admin/index"), 403),
        ("nothing there", app.get(&ana, "/v1/tips/T-1"), 404),
        ("no such path", app.call("GET", "/nothing").send(), 404),
        ("a path with a NUL", app.call("GET", "/v1/tips/%00").send(), 404),
        ("no such method", app.call("DELETE", "/v1/tips").send(), 405),
        ("stale", stale, 412),
        ("too large", large, 413),
        ("another type", posted(b"x", "text/html"), 415),
        ("compressed", compressed, 415),
        ("a broken rule", app.post(&ana, "/v1/tips", sample("nowhere", "x")), 422),
        ("owed", owed, 428),
        ("/health/live", app.call("GET", "/health/live").send(), 200),
        ("/.well-known/jwks.json", app.call("GET", "/.well-known/jwks.json").send(), 200),
        ("/openapi.json", app.call("GET", "/openapi.json").send(), 200),
        ("/problems/taken", app.call("GET", "/problems/taken").send(), 200),
        ("/docs", app.call("GET", "/docs").send(), 307),
        ("/docs/", app.call("GET", "/docs/").send(), 200),
        ("/docs/nothing", app.call("GET", "/docs/nothing").send(), 404),
    ] {
        assert_eq!(reply.status, status, "{what}: {}", reply.text());
        check(what, &reply);
    }
    app.drain();
    check("not ready", &app.call("GET", "/health/ready").send().expect(503));

    let few = LimitOptions { per_user: 1, ..LimitOptions::none() };
    let database = TestDatabase::sqlite();
    let app = TestApp::limited(&database, few);
    let ana = app.person("ana");
    let replies: Vec<Reply> = (0..5).map(|_| app.get(&ana, "/v1/me")).collect();
    let limited = replies.iter().find(|reply| reply.status == 429).unwrap();
    check("too many", limited);
}

#[test]
fn the_documentation_s_pages_run_scripts_of_their_own_files_only() {
    let database = TestDatabase::sqlite();
    let app = TestApp::start(&database);
    let page = app.call("GET", "/docs/").send().expect(200).text();
    let mut scripts = 0;
    for script in page.split("<script").skip(1) {
        let (tag, rest) = script.split_once('>').unwrap();
        let body = rest.split("</script").next().unwrap();
        assert_eq!(body.trim(), "", "a script that stands in the page needs unsafe-inline");
        let source = tag.split("src=\"").nth(1).unwrap().split('"').next().unwrap();
        let file = app.call("GET", &format!("/docs/{}", source.trim_start_matches("./"))).send().expect(200);
        assert!(file.header("content-type").unwrap().contains("javascript"), "{source}");
        scripts += 1;
    }
    assert!(scripts >= 3, "{page}");
    let handlers = page.split(['<', '>']).filter(|tag| tag.contains(" on") && tag.contains("=\"")).count();
    assert_eq!(handlers, 0, "{page}");
}
