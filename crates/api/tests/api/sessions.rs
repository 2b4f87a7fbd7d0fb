//! `/v1/auth/*` and `/v1/me`.

use chrono::Duration;
use eureka_domain::community::{Openness, Role};
use eureka_testkit::{PASSWORD, Person, TestApp, on_both_apps, sample};
use serde_json::json;

fn refresh(app: &TestApp, token: &str) -> eureka_testkit::Reply {
    app.call("POST", "/v1/auth/refresh").json(json!({"refresh_token": token})).send()
}

#[test]
fn a_login_gives_tokens_that_say_who_one_is() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let me = app.get(&ana, "/v1/me").expect(200);
        assert_eq!((me.word("/email").as_str(), me.word("/name").as_str()), ("ana@example.org", "ana"));
        let again =
            app.call("POST", "/v1/auth/login").json(json!({"email": " ANA@example.org ", "password": PASSWORD}));
        assert_eq!(again.send().expect(200).at("/expires_in"), 900);
    });
}

#[test]
fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    on_both_apps(|app| {
        app.person("ana");
        let login = |email: &str| {
            let body = json!({"email": email, "password": "not the password"});
            app.call("POST", "/v1/auth/login").header("X-Request-Id", "same").json(body).send()
        };
        let (wrong, unknown) = (login("ana@example.org"), login("nobody@example.org"));
        wrong.clone().expect_problem(401, "unauthenticated");
        assert_eq!(wrong.body, unknown.body);
        assert!(wrong.header("www-authenticate").is_some());
    });
}

#[test]
fn a_refresh_token_works_once_and_its_reuse_ends_the_session() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let first = refresh(app, &ana.refresh_token).expect(200);
        let next = first.word("/refresh_token");
        let renewed = Person { token: first.word("/access_token"), ..ana.clone() };
        app.get(&renewed, "/v1/me").expect(200);

        refresh(app, &ana.refresh_token).expect_problem(401, "unauthenticated");
        refresh(app, &next).expect_problem(401, "unauthenticated");
        app.get(&renewed, "/v1/me").expect_problem(401, "unauthenticated");
    });
}

#[test]
fn of_twenty_refreshes_at_once_one_at_most_succeeds_and_the_family_ends() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..20).map(|_| scope.spawn(|| refresh(app, &ana.refresh_token).status)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|&&status| status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|&status| status == 200 || status == 401), "{statuses:?}");
        app.get(&ana, "/v1/me").expect_problem(401, "unauthenticated");
    });
}

#[test]
fn logging_out_bites_on_the_next_request() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        app.get(&ana, "/v1/me").expect(200);
        app.call("POST", "/v1/auth/logout").by(&ana).send().expect(204);
        app.get(&ana, "/v1/me").expect_problem(401, "unauthenticated");
        refresh(app, &ana.refresh_token).expect_problem(401, "unauthenticated");
    });
}

#[test]
fn an_access_token_lasts_fifteen_minutes_and_a_session_thirty_days() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        app.clock.advance(Duration::minutes(14));
        app.get(&ana, "/v1/me").expect(200);
        app.clock.advance(Duration::minutes(2));
        app.get(&ana, "/v1/me").expect_problem(401, "unauthenticated");
        refresh(app, &ana.refresh_token).expect(200);

        let late = app.log_in(ana.id, &ana.email);
        app.clock.advance(Duration::days(31));
        refresh(app, &late.refresh_token).expect_problem(401, "unauthenticated");
    });
}

#[test]
fn what_has_expired_is_forgotten_and_nothing_else() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let printers = app.community("printers", Openness::Open);
        app.service.enrol_member(printers.id, ana.id, Role::Contributor).unwrap();
        let create = |who: &Person, key: &str| {
            let call = app.call("POST", "/v1/tips").by(who).header("Idempotency-Key", key);
            call.json(sample("printers", "It stops")).send().expect(201)
        };
        create(&ana, "old");
        assert_eq!(app.service.forget_expired().unwrap(), 0);
        app.clock.advance(Duration::days(31));
        let later = app.log_in(ana.id, &ana.email);
        create(&later, "new");
        // A session, its refresh token, a stored reply.
        assert_eq!(app.service.forget_expired().unwrap(), 3);
        assert_eq!(create(&later, "new").header("idempotency-replayed"), Some("true"));
        refresh(app, &later.refresh_token).expect(200);
    });
}

#[test]
fn a_request_without_a_sound_token_is_refused() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let tampered = format!("{}x", ana.token);
        for header in ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", &format!("Bearer {tampered}")] {
            let call = app.call("GET", "/v1/me");
            let call = if header.is_empty() { call } else { call.header("Authorization", header) };
            call.send().expect_problem(401, "unauthenticated");
        }
    });
}
