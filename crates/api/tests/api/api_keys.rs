//! `/v1/api-keys`, and what a program may do with one.

use chrono::Duration;
use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Person, TestApp, on_both_apps, sample};
use serde_json::json;

fn with(owner: &Person, key: &str) -> Person {
    Person { token: key.to_owned(), ..owner.clone() }
}

#[test]
fn a_key_is_shown_once_and_acts_in_its_owner_s_name_until_it_is_ended() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let made = app.post(&ana, "/v1/api-keys", json!({"name": " Dispatch ", "scopes": ["write"]})).expect(201);
        assert_eq!((made.word("/name").as_str(), made.at("/scopes")), ("Dispatch", json!(["write"])));
        let program = with(&ana, &made.word("/key"));
        assert_eq!(app.get(&program, "/v1/me").expect(200).word("/id"), ana.id.to_string());
        let tip = app.post(&program, "/v1/tips", sample("printers", "It stops")).expect(201);
        assert_eq!(tip.word("/author/id"), ana.id.to_string());

        let path = format!("/v1/api-keys/{}", made.word("/id"));
        assert_eq!(made.header("location"), Some(path.as_str()));
        for shown in [app.get(&ana, "/v1/api-keys").expect(200).at("/items/0"), app.get(&ana, &path).expect(200).json()]
        {
            assert_eq!(shown["id"], made.at("/id"));
            assert_eq!(shown.get("key"), None);
            assert!(shown["last_used_at"].is_string(), "{shown}");
        }
        app.call("DELETE", &path).by(&ana).send().expect(204);
        app.get(&program, "/v1/me").expect_problem(401, "unauthenticated");
        app.call("DELETE", &path).by(&ana).send().expect_problem(404, "not_found");
    });
}

#[test]
fn a_repeated_request_makes_no_second_key_and_shows_none() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let body = json!({"name": "Dispatch", "scopes": ["read"]});
        let make =
            || app.call("POST", "/v1/api-keys").by(&ana).header("Idempotency-Key", "k").json(body.clone()).send();
        let (first, again) = (make().expect(201), make().expect(201));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(first.at("/id"), again.at("/id"));
        assert!(first.at("/key").is_string() && again.at("/key").is_null());
        assert_eq!(app.get(&ana, "/v1/api-keys").each("/id").len(), 1);
    });
}

#[test]
fn a_key_does_what_its_scopes_grant_of_what_its_owner_may_and_nothing_else() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Private);
        let (ana, sue) = (app.member(&printers, "ana", Role::Contributor), app.member(&printers, "sue", Role::Steward));
        let waiting = app.submitted(&ana, &printers, "It stops");
        let review = waiting.word("/review/id");
        let [read, write, reviews] = ["read", "write", "review"].map(|scope| app.key(&sue, &[scope]));

        // A reader's eyes only, whoever the owner is.
        let tip = format!("/v1/tips/{}", waiting.word("/id"));
        app.get(&sue, &tip).expect(200);
        for narrow in [&read, &write] {
            app.get(narrow, &tip).expect_problem(404, "not_found");
        }
        app.get(&reviews, &tip).expect(200);
        app.get(&read, "/v1/communities/printers").expect(200);

        app.post(&read, "/v1/tips", sample("printers", "a")).expect_problem(403, "insufficient_scope");
        app.post(&reviews, "/v1/tips", sample("printers", "a")).expect_problem(403, "insufficient_scope");
        app.post(&write, "/v1/tips", sample("printers", "a")).expect(201);
        let decide = json!({"verdict": "approve", "revision": 1});
        let path = format!("/v1/reviews/{review}/decisions");
        let refused = app.post(&write, &path, decide.clone()).expect_problem(403, "insufficient_scope");
        assert!(refused.word("/detail").contains("`review`"), "{}", refused.text());
        // The owner's rights bound the key's: ana reviews nothing.
        let hers = app.key(&ana, &["read", "write", "review", "admin"]);
        app.post(&hers, &path, decide.clone()).expect_problem(403, "not_permitted");
        app.get(&hers, "/v1/users").expect_problem(403, "not_permitted");
        app.post(&reviews, &path, decide).expect(201);
    });
}

#[test]
fn an_admin_s_key_administers_with_that_scope_only_and_gives_nobody_access_for_longer() {
    on_both_apps(|app| {
        let admin = app.admin();
        let hidden = app.community("hidden", Openness::Private);
        let (plain, full) = (app.key(&admin, &["read", "write", "review"]), app.key(&admin, &["admin"]));
        app.get(&plain, &format!("/v1/communities/{}", hidden.slug)).expect_problem(404, "not_found");
        app.get(&plain, "/v1/users").expect_problem(403, "insufficient_scope");
        app.get(&full, "/v1/users").expect(200);
        let account = |role: &str| json!({"email": format!("{role}@x.org"), "name": role, "site_role": role, "password": "oxidised fuse"});
        let made = app.post(&full, "/v1/users", account("member")).expect(201);
        app.post(&full, "/v1/users", account("admin")).expect_problem(403, "not_permitted");

        let path = format!("/v1/users/{}", made.word("/id"));
        let patch = |body| app.call("PATCH", &path).by(&full).header("If-Match", "*").json(body).send();
        patch(json!({"name": "Bo"})).expect(200);
        patch(json!({"password": "another password"})).expect_problem(403, "not_permitted");
        patch(json!({"site_role": "admin"})).expect_problem(403, "not_permitted");
        for call in [
            app.call("POST", "/v1/api-keys").json(json!({"name": "a", "scopes": ["read"]})),
            app.call("GET", "/v1/api-keys"),
            app.call("GET", &format!("/v1/api-keys/{}", made.word("/id"))),
            app.call("DELETE", &format!("/v1/api-keys/{}", made.word("/id"))),
            app.call("POST", "/v1/auth/logout"),
        ] {
            call.by(&full).send().expect_problem(403, "insufficient_scope");
        }
    });
}

#[test]
fn demotion_and_suspension_of_the_owner_bite_on_the_key_s_next_request() {
    on_both_apps(|app| {
        let admin = app.admin();
        let printers = app.community("printers", Openness::Private);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let key = app.key(&ravi, &["review"]);
        app.get(&key, "/v1/communities/printers").expect(200);
        app.call("DELETE", &format!("/v1/communities/printers/members/{}", ravi.id)).by(&admin).send().expect(204);
        app.get(&key, "/v1/communities/printers").expect_problem(404, "not_found");

        set_status(app, &admin, &ravi, "suspended");
        app.get(&key, "/v1/me").expect_problem(401, "unauthenticated");
        set_status(app, &admin, &ravi, "active");
        app.get(&key, "/v1/me").expect_problem(401, "unauthenticated");
    });
}

fn set_status(app: &TestApp, admin: &Person, who: &Person, status: &str) {
    let path = format!("/v1/users/{}", who.id);
    app.call("PATCH", &path).by(admin).header("If-Match", "*").json(json!({"status": status})).send().expect(200);
}

#[test]
fn a_key_expires_and_a_wrong_or_mistyped_one_is_refused() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let key = app.key(&ana, &["read"]);
        app.get(&key, "/v1/me").expect(200);
        let mistyped =
            app.get(&with(&ana, &key.token.replace('0', "1")), "/v1/me").expect_problem(401, "unauthenticated");
        assert!(mistyped.word("/detail").contains("mistyped"));
        let other = app.key(&ana, &["read"]).token;
        let id = eureka_domain::api_key::WrittenKey::read(&key.token).unwrap().id;
        let secret = eureka_domain::api_key::WrittenKey::read(&other).unwrap().secret;
        let crossed = eureka_domain::api_key::WrittenKey { id, secret }.text();
        let refused = app.get(&with(&ana, &crossed), "/v1/me").expect_problem(401, "unauthenticated");
        assert!(!refused.word("/detail").contains("mistyped"));
        app.get(&key, "/v1/me").expect(200);

        app.clock.advance(Duration::days(90) + Duration::seconds(1));
        app.get(&key, "/v1/me").expect_problem(401, "unauthenticated");
        let later = app.log_in(ana.id, &ana.email);
        assert_eq!(app.get(&later, "/v1/api-keys").each("/id").len(), 2, "still shown");
        app.clock.advance(Duration::days(31));
        app.service.forget_expired().unwrap();
        assert_eq!(app.get(&app.log_in(ana.id, &ana.email), "/v1/api-keys").each("/id").len(), 0);
    });
}

#[test]
fn a_key_that_cannot_be_is_refused_with_the_field() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let now = app.service.now();
        let at = |days: i64| (now + Duration::days(days)).to_rfc3339();
        for (body, status, pointer) in [
            (json!({"name": " ", "scopes": ["read"]}), 422, "/name"),
            (json!({"name": "a", "scopes": []}), 422, "/scopes"),
            (json!({"name": "a", "scopes": ["root"]}), 400, "/scopes/0"),
            (json!({"name": "a", "scopes": ["read"], "expires_at": at(367)}), 422, "/expires_at"),
            (json!({"name": "a", "scopes": ["read"], "expires_at": at(0)}), 422, "/expires_at"),
            (json!({"name": "a", "scopes": ["read"], "expires_at": "soon"}), 400, "/expires_at"),
        ] {
            let refused = app.post(&ana, "/v1/api-keys", body).expect(status);
            assert_eq!(refused.word("/errors/0/pointer"), pointer, "{}", refused.text());
        }
        let year = json!({"name": "a", "scopes": ["read"], "expires_at": at(366)});
        app.post(&ana, "/v1/api-keys", year).expect(201);
    });
}

#[test]
fn nobody_sees_or_ends_another_s_keys_but_admins() {
    on_both_apps(|app| {
        let (admin, ana, bo) = (app.admin(), app.person("ana"), app.person("bo"));
        let key = app.key(&ana, &["read"]);
        let id = app.get(&ana, "/v1/api-keys").word("/items/0/id");
        let path = format!("/v1/api-keys/{id}");
        app.get(&bo, &path).expect_problem(404, "not_found");
        app.call("DELETE", &path).by(&bo).send().expect_problem(404, "not_found");
        app.get(&bo, &format!("/v1/api-keys?user={}", ana.id)).expect_problem(403, "not_permitted");
        assert_eq!(app.get(&admin, &format!("/v1/api-keys?user={}", ana.id)).each("/id"), [json!(id)]);
        app.get(&key, "/v1/me").expect(200);
        app.call("DELETE", &path).by(&admin).send().expect(204);
        app.get(&key, "/v1/me").expect_problem(401, "unauthenticated");
    });
}
