//! What the change log records of accounts and communities.

use eureka_domain::change::{Facts, Kind};
use eureka_domain::community::{Openness, Role};
use eureka_store::log;
use eureka_testkit::{PASSWORD, Person, TestApp, on_both_apps};
use serde_json::{Value, json};

/// What was recorded after a place.
fn recorded(app: &TestApp, after: i64) -> Vec<(Kind, Facts)> {
    let read = app.service.store().read(|conn| {
        let rows = log::after(conn, after, 100)?;
        let payloads = log::payloads(conn, &rows.iter().map(|row| row.seq).collect::<Vec<_>>())?;
        Ok::<_, eureka_store::StoreError>((rows, payloads))
    });
    let (rows, payloads) = read.unwrap();
    let facts = |seq| payloads.get(&seq).map_or_else(Facts::default, |p| serde_json::from_str(&p.body).unwrap());
    rows.into_iter().map(|row| (row.kind, facts(row.seq))).collect()
}

fn head(app: &TestApp) -> i64 {
    app.service.store().read(log::head).unwrap().seq
}

fn patch(app: &TestApp, by: &Person, path: &str, body: Value) {
    app.call("PATCH", path).by(by).header("If-Match", "*").json(body).send().expect(200);
}

#[test]
fn each_matter_of_an_account_is_recorded_from_what_to_what() {
    on_both_apps(|app| {
        let (admin, ana) = (app.admin(), app.person("ana"));
        let path = format!("/v1/users/{}", ana.id);
        let before = head(app);
        let all = json!({"name": "Ana Lima", "password": PASSWORD, "site_role": "admin", "status": "suspended"});
        patch(app, &admin, &path, all);
        let expected = [
            (Kind::UserRenamed, Facts::default()),
            (Kind::UserPasswordChanged, Facts::default()),
            (Kind::UserRoleChanged, Facts::turned("member", "admin")),
            (Kind::UserStatusChanged, Facts::turned("active", "suspended")),
        ];
        assert_eq!(recorded(app, before), expected);
        let before = head(app);
        patch(app, &admin, &path, json!({"name": "Ana Lima"}));
        assert_eq!(recorded(app, before), []);
    });
}

#[test]
fn each_matter_of_a_community_is_recorded_from_what_to_what() {
    on_both_apps(|app| {
        let lifts = app.community("lifts", Openness::Open);
        let stella = app.member(&lifts, "stella", Role::Steward);
        let ana = app.person("ana");
        let before = head(app);
        let path = "/v1/communities/lifts";
        patch(app, &stella, path, json!({"visibility": "private", "description": "Ropes", "policy": {"quorum": 2}}));
        let member = format!("{path}/members/{}", ana.id);
        for role in ["reader", "contributor"] {
            app.call("PUT", &member).by(&stella).json(json!({"role": role})).send().expect(200);
        }
        let fields = vec!["description".to_owned(), "policy".to_owned()];
        let joined = Facts { value: Some("reader".to_owned()), user: Some(ana.id), ..Facts::default() };
        let raised = Facts { user: Some(ana.id), ..Facts::turned("reader", "contributor") };
        let expected = [
            (Kind::CommunityOpennessChanged, Facts::turned("open", "private")),
            (Kind::CommunityUpdated, Facts { fields, ..Facts::default() }),
            (Kind::MemberSet, joined),
            (Kind::MemberSet, raised),
        ];
        assert_eq!(recorded(app, before), expected);
    });
}
