//! `/v1/users`.

use eureka_testkit::{PASSWORD, on_both_apps};
use serde_json::json;

#[test]
fn an_admin_makes_accounts_and_nobody_else_does() {
    on_both_apps(|app| {
        let (admin, ana) = (app.admin(), app.person("ana"));
        let new = json!({"email": "Bo@Example.org", "name": "Bo", "password": PASSWORD});
        app.post(&ana, "/v1/users", new.clone()).expect_problem(403, "not_permitted");
        let made = app.post(&admin, "/v1/users", new.clone()).expect(201);
        assert_eq!(made.word("/email"), "bo@example.org");
        assert_eq!(made.header("location"), Some(format!("/v1/users/{}", made.word("/id")).as_str()));
        app.get(&admin, made.header("location").unwrap()).expect(200);

        let taken = app.post(&admin, "/v1/users", new).expect_problem(409, "taken");
        assert_eq!(taken.at("/errors/0/pointer"), "/email");
        let short = json!({"email": "cy@example.org", "name": "Cy", "password": "short"});
        let refused = app.post(&admin, "/v1/users", short).expect_problem(422, "validation_failed");
        assert_eq!(refused.at("/errors/0/pointer"), "/password");
    });
}

#[test]
fn one_sees_ones_own_account_and_no_other() {
    on_both_apps(|app| {
        let (ana, bo) = (app.person("ana"), app.person("bo"));
        app.get(&ana, &format!("/v1/users/{}", ana.id)).expect(200);
        app.get(&ana, &format!("/v1/users/{}", bo.id)).expect_problem(404, "not_found");
        app.get(&ana, "/v1/users").expect_problem(403, "not_permitted");
    });
}

#[test]
fn suspension_bites_on_the_next_request() {
    on_both_apps(|app| {
        let (admin, ana) = (app.admin(), app.person("ana"));
        app.get(&ana, "/v1/me").expect(200);
        let path = format!("/v1/users/{}", ana.id);
        let etag = app.get(&admin, &path).expect(200).etag().to_owned();
        let suspend =
            app.call("PATCH", &path).by(&admin).header("If-Match", &etag).json(json!({"status": "suspended"}));
        suspend.send().expect(200);
        app.get(&ana, "/v1/me").expect_problem(401, "unauthenticated");
        let login = app.call("POST", "/v1/auth/login").json(json!({"email": ana.email, "password": PASSWORD}));
        login.send().expect_problem(401, "unauthenticated");
    });
}

#[test]
fn a_new_password_takes_the_old_one_and_ends_every_session() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let elsewhere = app.log_in(ana.id, &ana.email);
        let path = format!("/v1/users/{}", ana.id);
        let etag = app.get(&ana, &path).expect(200).etag().to_owned();
        let change = |body| app.call("PATCH", &path).by(&ana).header("If-Match", &etag).json(body).send();
        let new = "a new and better one";
        let refused = change(json!({"password": new})).expect_problem(422, "validation_failed");
        assert_eq!(refused.at("/errors/0/pointer"), "/current_password");
        change(json!({"password": new, "current_password": "wrong password"})).expect_problem(422, "validation_failed");
        change(json!({"password": new, "current_password": PASSWORD})).expect(200);

        app.get(&elsewhere, "/v1/me").expect_problem(401, "unauthenticated");
        let login =
            |password: &str| app.call("POST", "/v1/auth/login").json(json!({"email": ana.email, "password": password}));
        login(PASSWORD).send().expect_problem(401, "unauthenticated");
        login(new).send().expect(200);
    });
}

#[test]
fn nobody_raises_themselves() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let path = format!("/v1/users/{}", ana.id);
        let etag = app.get(&ana, &path).expect(200).etag().to_owned();
        for body in [json!({"site_role": "admin"}), json!({"status": "suspended"})] {
            let reply = app.call("PATCH", &path).by(&ana).header("If-Match", &etag).json(body).send();
            reply.expect_problem(403, "not_permitted");
        }
        assert_eq!(app.get(&ana, "/v1/me").word("/site_role"), "member");
    });
}
