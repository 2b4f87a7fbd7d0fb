//! What stands in the log: which request had which answer, and no secret. Every test looks that none of its passwords and
//! tokens does; this one sends them where they do not belong, too.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stops has failed")]

use eureka_testkit::{PASSWORD, TestApp, leaks, must_not_be_logged, on_both_apps};
use serde_json::json;

const CANARY: &str = "canary-winter-42-obsidian";

#[test]
fn a_secret_that_is_logged_is_found_by_any_test() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let (_, before) = leaks();
        app.get(&ana, "/v1/me").expect(200);
        let (found, after) = leaks();
        assert!(found.is_empty() && after > before, "{} lines", after - before);
        tracing::debug!(token = ana.token, "a mistake");
        tracing::debug!("{PASSWORD}");
        let (found, _) = leaks();
        assert_eq!(found.len(), 2, "{found:?}");
    });
}

#[test]
fn nothing_that_a_client_keeps_to_itself_is_logged_wherever_it_is_sent() {
    on_both_apps(|app| {
        let admin = app.admin();
        let ana = app.person("ana");
        must_not_be_logged(CANARY);
        let post = |path: &str, body: serde_json::Value| app.call("POST", path).json(body).send();
        // Wrong passwords, unknown people, and bodies that are refused while they are read.
        post("/v1/auth/login", json!({"email": ana.email, "password": CANARY})).expect(401);
        post("/v1/auth/login", json!({"email": "nobody@example.org", "password": CANARY})).expect(401);
        post("/v1/auth/login", json!({"email": CANARY, "password": CANARY})).expect(401);
        post("/v1/auth/login", json!({"email": ana.email, "pasword": CANARY})).expect(400);
        post("/v1/auth/login", json!({"email": ana.email, "password": [CANARY]})).expect(400);
        let broken = format!("{{\"email\": \"{}\", \"password\": \"{CANARY}", ana.email);
        app.call("POST", "/v1/auth/login").raw("application/json", broken.as_bytes()).send().expect(400);
        // Tokens and keys, whole, changed and in the wrong place.
        for token in [CANARY.to_owned(), format!("eur_{CANARY}"), format!("{}x", ana.token)] {
            must_not_be_logged(&token);
            app.call("GET", "/v1/me").header("Authorization", &format!("Bearer {token}")).send().expect(401);
            app.call("GET", "/v1/me").header("Authorization", &token).send().expect(401);
            post("/v1/auth/refresh", json!({"refresh_token": token})).expect(401);
            post("/v1/auth/reset", json!({"token": token, "password": CANARY}));
            app.get(&ana, &format!("/v1/search?q=a&access_token={token}")).expect(400);
        }
        let key = app.key(&ana, &["read"]);
        app.get(&key, "/v1/me");
        app.call("POST", "/v1/api-keys").by(&key).json(json!({"name": "x"})).send().expect(403);
        // A reset, and a password of one's own choice.
        let reset = app.call("POST", &format!("/v1/users/{}/password-reset", ana.id)).by(&admin).send();
        let token = reset.word("/token");
        assert!(token.len() > 20, "{}", reset.text());
        must_not_be_logged(&token);
        post("/v1/auth/reset", json!({"token": token, "password": CANARY})).expect(204);
        post("/v1/auth/reset", json!({"token": token, "password": CANARY}));
        let again = post("/v1/auth/login", json!({"email": ana.email, "password": CANARY})).expect(200);
        let session = again.word("/refresh_token");
        post("/v1/auth/refresh", json!({"refresh_token": session})).expect(200);
        post("/v1/auth/refresh", json!({"refresh_token": session})).expect(401); // which is logged
        let (found, lines) = leaks();
        assert!(found.is_empty(), "{found:#?}");
        assert!(lines > 20, "{lines} lines");
        let _: &TestApp = app;
    });
}
