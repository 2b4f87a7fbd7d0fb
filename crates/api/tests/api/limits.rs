//! How many requests may be made, and by whom they are counted.

use chrono::Duration;
use eureka_api::{ForwardedBy, LimitOptions, Proxies};
use eureka_testkit::{Person, Reply, TestApp, on_both};
use serde_json::json;

/// The product with these limits, on each database.
fn limited(limits: &LimitOptions, test: impl Fn(&TestApp) + Sync) {
    on_both(|database| test(&TestApp::limited(database, limits.clone())));
}

fn stopped(reply: Reply, seconds: &str) {
    let reply = reply.expect_problem(429, "too_many_requests");
    assert_eq!(reply.header("retry-after"), Some(seconds));
    assert!(reply.header("ratelimit").unwrap().contains(";r=0;"), "{:?}", reply.headers);
}

#[test]
fn a_person_and_each_of_their_keys_have_an_allowance_of_their_own_that_every_reply_tells() {
    limited(&LimitOptions { per_user: 6, per_key: 3, ..LimitOptions::none() }, |app| {
        let (ana, bo) = (app.person("ana"), app.person("bo"));
        let keys = [app.key(&ana, &["read"]), app.key(&ana, &["read"])];
        let reply = app.get(&ana, "/v1/me").expect(200);
        assert_eq!(reply.header("ratelimit-policy"), Some("\"user\";q=6;w=60"));
        assert_eq!(reply.header("ratelimit"), Some("\"user\";r=3;t=30"));
        for path in ["/v1/me", "/v1/tips/T-9999", "/v1/users"] {
            app.get(&ana, path); // what is refused counts as well
        }
        stopped(app.get(&ana, "/v1/me"), "10");
        for key in &keys {
            for left in [2, 1, 0] {
                let reply = app.get(key, "/v1/me").expect(200);
                assert!(reply.header("ratelimit").unwrap().starts_with(&format!("\"key\";r={left};")));
            }
            stopped(app.get(key, "/v1/me"), "20");
        }
        app.get(&bo, "/v1/me").expect(200);
        app.clock.advance(Duration::seconds(10));
        app.get(&ana, "/v1/me").expect(200);
        stopped(app.get(&ana, "/v1/me"), "10");
    });
}

#[test]
fn whoever_does_not_prove_who_they_are_is_counted_by_their_address() {
    limited(&LimitOptions { per_address: 8, ..LimitOptions::none() }, |app| {
        let ana = app.person("ana"); // a login
        let key = app.key(&ana, &["read"]);
        app.get(&key, "/v1/me").expect(200);
        for token in ["junk", "a.b.c", &"x".repeat(50)] {
            let reply = app.get(&Person { token: token.to_owned(), ..ana.clone() }, "/v1/me");
            assert!(reply.expect(401).header("ratelimit-policy").unwrap().starts_with("\"address\";q=8;"));
        }
        app.call("GET", "/v1/me").send().expect(401);
        let login = || app.call("POST", "/v1/auth/login").json(json!({"email": "a@b.c", "password": "x"}));
        login().send().expect(401);
        login().header("Authorization", "Bearer junk").send().expect(401);
        app.call("GET", "/openapi.json").send().expect(200);
        stopped(login().send(), "8");
        stopped(app.call("GET", "/v1/me").send(), "8");
        stopped(app.call("GET", "/openapi.json").send(), "8");
        // A key that nobody has seen may be made up, and is not looked for; one that is known is served.
        let unseen = app.key(&ana, &["read"]);
        app.get(&unseen, "/v1/me").expect_problem(429, "too_many_requests");
        app.get(&key, "/v1/me").expect(200);
        app.get(&ana, "/v1/me").expect(200);
        app.call("GET", "/health/live").send().expect(200);
    });
}

#[test]
fn only_a_trusted_proxy_says_where_a_request_comes_from() {
    let ask =
        |app: &TestApp, from: &str| app.call("GET", "/openapi.json").header("X-Forwarded-For", from).send().status;
    let limits = LimitOptions { per_address: 1, ..LimitOptions::none() };
    limited(&limits, |app| {
        assert_eq!((ask(app, "192.0.2.1"), ask(app, "192.0.2.2")), (200, 429));
    });
    let proxies = Proxies { trusted: vec!["127.0.0.0/8".parse().unwrap()], header: ForwardedBy::XForwardedFor };
    limited(&LimitOptions { proxies, ..limits }, |app| {
        assert_eq!((ask(app, "192.0.2.1"), ask(app, "192.0.2.2"), ask(app, "192.0.2.2")), (200, 200, 429));
        // What stands before the proxy's own word was written by the client; a /64 is one client.
        assert_eq!(ask(app, "192.0.2.3, 192.0.2.2"), 429);
        assert_eq!((ask(app, "2001:db8::1"), ask(app, "2001:db8::2"), ask(app, "2001:db8:0:1::1")), (200, 429, 200));
    });
}
