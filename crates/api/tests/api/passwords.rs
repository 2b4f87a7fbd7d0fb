//! `/v1/me/password`, `/v1/users/{id}/password-reset`, `/v1/auth/reset`, and guessing at the login.

use chrono::Duration;
use eureka_testkit::{PASSWORD, Person, Reply, TestApp, on_both_apps};
use serde_json::json;

const NEW: &str = "three blind photoconductors";

fn change(app: &TestApp, person: &Person, current: &str, new: &str) -> Reply {
    let body = json!({"current_password": current, "password": new});
    app.call("PUT", "/v1/me/password").by(person).json(body).send()
}

fn log_in(app: &TestApp, email: &str, password: &str) -> Reply {
    app.call("POST", "/v1/auth/login").json(json!({"email": email, "password": password})).send()
}

fn reset(app: &TestApp, token: &str, password: &str) -> Reply {
    app.call("POST", "/v1/auth/reset").json(json!({"token": token, "password": password})).send()
}

#[test]
fn a_changed_password_ends_every_other_session_and_keeps_whoever_changed_it_signed_in() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let (elsewhere, key) = (app.log_in(ana.id, &ana.email), app.key(&ana, &["read"]));
        let wrong = change(app, &ana, "not the password", NEW).expect_problem(422, "validation_failed");
        assert_eq!(wrong.word("/errors/0/pointer"), "/current_password");
        let changed = change(app, &ana, PASSWORD, NEW).expect(200);
        for old in [&ana, &elsewhere] {
            app.get(old, "/v1/me").expect_problem(401, "unauthenticated");
            let refresh = app.call("POST", "/v1/auth/refresh").json(json!({"refresh_token": old.refresh_token}));
            refresh.send().expect_problem(401, "unauthenticated");
        }
        let now = Person { token: changed.word("/access_token"), ..ana.clone() };
        app.get(&now, "/v1/me").expect(200);
        app.get(&key, "/v1/me").expect(200);
        log_in(app, &ana.email, PASSWORD).expect_problem(401, "unauthenticated");
        log_in(app, &ana.email, NEW).expect(200);
    });
}

#[test]
fn a_password_that_is_easily_guessed_is_refused_wherever_one_is_set() {
    on_both_apps(|app| {
        let (admin, ana) = (app.admin(), app.person("ana"));
        let refused = |reply: Reply| {
            let reply = reply.expect_problem(422, "validation_failed");
            assert_eq!(
                (reply.word("/errors/0/pointer").as_str(), reply.word("/errors/0/code").as_str()),
                ("/password", "common")
            );
        };
        refused(change(app, &ana, PASSWORD, "Password2026!"));
        refused(app.post(&admin, "/v1/users", json!({"email": "bo@x.org", "name": "Bo", "password": "123456789012"})));
        let body = json!({"password": "ana-example-org"});
        refused(
            app.call("PATCH", &format!("/v1/users/{}", ana.id)).by(&admin).header("If-Match", "*").json(body).send(),
        );
        let token =
            app.post(&admin, &format!("/v1/users/{}/password-reset", ana.id), json!({})).expect(200).word("/token");
        refused(reset(app, &token, "qwertyuiop12"));
        let set = reset(app, &token, NEW).expect(204);
        let head = app.service.figures().log_head.unwrap();
        assert_eq!(set.position(), head, "it is told where in the log it stands");
    });
}

#[test]
fn a_reset_token_is_good_once_for_a_day_and_only_the_newest() {
    on_both_apps(|app| {
        let (admin, ana) = (app.admin(), app.person("ana"));
        let key = app.key(&ana, &["read"]);
        let path = format!("/v1/users/{}/password-reset", ana.id);
        let token = || app.post(&admin, &path, json!({})).expect(200).word("/token");
        app.post(&ana, &path, json!({})).expect_problem(403, "not_permitted");
        app.post(&admin, &format!("/v1/users/{}/password-reset", admin.id), json!({}))
            .expect_problem(403, "not_permitted");
        let by_key = app.post(&app.key(&admin, &["admin"]), &path, json!({}));
        by_key.expect_problem(403, "insufficient_scope");

        let (first, second) = (token(), token());
        app.get(&ana, "/v1/me").expect(200);
        reset(app, &first, NEW).expect_problem(401, "unauthenticated");
        reset(app, "", NEW).expect_problem(401, "unauthenticated");
        reset(app, &second, NEW).expect(204);
        app.get(&ana, "/v1/me").expect_problem(401, "unauthenticated");
        app.get(&key, "/v1/me").expect_problem(401, "unauthenticated");
        log_in(app, &ana.email, NEW).expect(200);
        reset(app, &second, PASSWORD).expect_problem(401, "unauthenticated");

        let late = token();
        app.clock.advance(Duration::hours(24) + Duration::seconds(1));
        reset(app, &late, PASSWORD).expect_problem(401, "unauthenticated");
    });
}

#[test]
fn a_reset_token_is_void_once_the_password_was_changed_or_the_account_suspended() {
    on_both_apps(|app| {
        let (admin, ana, bo) = (app.admin(), app.person("ana"), app.person("bo"));
        let token = |who: &Person| {
            app.post(&admin, &format!("/v1/users/{}/password-reset", who.id), json!({})).expect(200).word("/token")
        };
        let (hers, his) = (token(&ana), token(&bo));
        change(app, &ana, PASSWORD, NEW).expect(200);
        reset(app, &hers, "another photoconductor").expect_problem(401, "unauthenticated");
        let suspend = app.call("PATCH", &format!("/v1/users/{}", bo.id)).by(&admin).header("If-Match", "*");
        suspend.json(json!({"status": "suspended"})).send().expect(200);
        reset(app, &his, NEW).expect_problem(401, "unauthenticated");
    });
}

#[test]
fn guessing_at_an_account_is_stopped_whether_it_exists_or_not_and_goes_on_a_minute_later() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        for email in [ana.email.as_str(), "nobody@example.org"] {
            for _ in 0..10 {
                log_in(app, email, "not the password").expect_problem(401, "unauthenticated");
            }
            let stopped = log_in(app, email, PASSWORD).expect_problem(429, "too_many_requests");
            assert_eq!(stopped.header("retry-after"), Some("60"));
        }
        // Neither a session nor anybody else's login is in the way of it.
        app.get(&ana, "/v1/me").expect(200);
        change(app, &ana, PASSWORD, NEW).expect_problem(429, "too_many_requests");
        app.person("bo");
        app.clock.advance(Duration::minutes(1));
        log_in(app, &ana.email, PASSWORD).expect(200);
        for _ in 0..9 {
            log_in(app, &ana.email, "not the password").expect_problem(401, "unauthenticated");
        }
        log_in(app, &ana.email, PASSWORD).expect(200);
    });
}
