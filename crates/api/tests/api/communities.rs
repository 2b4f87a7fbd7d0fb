//! `/v1/communities` and their members.

use eureka_domain::community::{Openness, Role};
use eureka_testkit::on_both_apps;
use serde_json::json;

#[test]
fn an_admin_founds_a_community_and_its_steward_sets_its_policy() {
    on_both_apps(|app| {
        let admin = app.admin();
        let new = json!({"slug": "lifts", "name": "Lifts", "visibility": "private", "policy": {"quorum": 2}});
        let made = app.post(&admin, "/v1/communities", new.clone()).expect(201);
        assert_eq!(made.at("/policy/quorum"), 2);
        app.post(&admin, "/v1/communities", new).expect_problem(409, "taken");

        let stella = app.person("stella");
        let member = format!("/v1/communities/lifts/members/{}", stella.id);
        app.call("PUT", &member).by(&admin).json(json!({"role": "steward"})).send().expect(200);
        let etag = app.get(&stella, "/v1/communities/lifts").expect(200).etag().to_owned();
        let change = app.call("PATCH", "/v1/communities/lifts").by(&stella).header("If-Match", &etag);
        let changed = change.json(json!({"policy": {"quorum": 1}})).send().expect(200);
        assert_eq!(changed.at("/policy/quorum"), 1);
    });
}

#[test]
fn a_private_community_does_not_exist_for_others() {
    on_both_apps(|app| {
        let lifts = app.community("lifts", Openness::Private);
        let (ana, otto) = (app.member(&lifts, "ana", Role::Reader), app.person("otto"));
        app.get(&ana, "/v1/communities/lifts").expect(200);
        let hidden = app.call("GET", "/v1/communities/lifts").header("X-Request-Id", "a").by(&otto).send();
        let absent = app.call("GET", "/v1/communities/lofts").header("X-Request-Id", "a").by(&otto).send();
        hidden.clone().expect_problem(404, "not_found");
        assert_eq!(hidden.text(), absent.text().replace("lofts", "lifts"));
        app.get(&otto, "/v1/communities/lifts/members").expect_problem(404, "not_found");
        assert!(app.get(&otto, "/v1/communities").expect(200).each("/slug").is_empty());
        assert_eq!(app.get(&ana, "/v1/communities").expect(200).each("/slug"), ["lifts"]);
    });
}

#[test]
fn a_member_removed_a_moment_ago_sees_no_more() {
    on_both_apps(|app| {
        let lifts = app.community("lifts", Openness::Private);
        let (steward, ana) = (app.member(&lifts, "stella", Role::Steward), app.member(&lifts, "ana", Role::Reader));
        app.get(&ana, "/v1/communities/lifts").expect(200);
        let member = format!("/v1/communities/lifts/members/{}", ana.id);
        app.call("DELETE", &member).by(&steward).send().expect(204);
        app.get(&ana, "/v1/communities/lifts").expect_problem(404, "not_found");
    });
}

#[test]
fn only_stewards_and_admins_change_who_belongs() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let reviewer = app.member(&printers, "ravi", Role::Reviewer);
        let own = format!("/v1/communities/printers/members/{}", reviewer.id);
        let raise = app.call("PUT", &own).by(&reviewer).json(json!({"role": "steward"}));
        raise.send().expect_problem(403, "not_permitted");
        let etag = app.get(&reviewer, "/v1/communities/printers").expect(200).etag().to_owned();
        let change = app.call("PATCH", "/v1/communities/printers").by(&reviewer).header("If-Match", &etag);
        change.json(json!({"name": "Mine"})).send().expect_problem(403, "not_permitted");
    });
}
