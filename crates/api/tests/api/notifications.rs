//! `/v1/notifications`, and who watches a tip.

use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Person, Reply, TestApp, on_both_apps};
use serde_json::json;

fn told(app: &TestApp, who: &Person) -> Vec<String> {
    let page = app.get(who, "/v1/notifications?limit=100").expect(200);
    page.each("/kind").iter().map(|kind| kind.as_str().unwrap().to_owned()).collect()
}

fn decide(app: &TestApp, who: &Person, tip: &Reply, body: serde_json::Value) {
    app.post(who, &format!("/v1/reviews/{}/decisions", tip.word("/review/id")), body).expect(201);
}

#[test]
fn an_author_is_told_who_did_what_and_why() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let tip = app.submitted(&ana, &printers, "It stops");
        let review = tip.word("/review/id");
        app.post(&ravi, &format!("/v1/reviews/{review}/claim"), json!({})).expect(200);
        let body = json!({"verdict": "request_changes", "reason": "unclear", "comment": "Which fuse?", "revision": 1});
        decide(app, &ravi, &tip, body);

        let page = app.get(&ana, "/v1/notifications").expect(200);
        assert_eq!(page.each("/kind"), ["tip.changes_requested", "review.claimed"]);
        assert_eq!(page.at("/items/0/actor/name"), "ravi");
        assert_eq!(page.at("/items/0/reason"), "Which fuse?");
        assert_eq!(page.at("/items/0/reason_code"), "unclear");
        assert_eq!(page.at("/items/0/tip/title"), "It stops");
        assert_eq!(page.at("/items/0/tip/number"), tip.at("/number"));
        assert_eq!(page.at("/items/0/subject"), review.as_str());
        assert!(told(app, &ravi).is_empty(), "nobody is told what they did themselves");

        let path = format!("/v1/notifications/{}/read", page.at("/items/0/id"));
        let read = app.post(&ana, &path, json!({})).expect(200);
        assert!(read.at("/read_at").is_string());
        assert_eq!(app.post(&ana, &path, json!({})).expect(200).at("/read_at"), read.at("/read_at"));
        assert_eq!(app.get(&ana, "/v1/notifications?unread=true").each("/kind"), ["review.claimed"]);
        app.post(&ravi, &path, json!({})).expect_problem(404, "not_found");
        app.post(&ana, "/v1/notifications/x/read", json!({})).expect_problem(404, "not_found");
    });
}

#[test]
fn whoever_watches_a_tip_is_told_what_every_reader_may_know() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let stella = app.member(&printers, "stella", Role::Steward);
        let otto = app.person("otto");
        let id = app.published(&ana, &stella, &printers, "It stops");
        let watch = |method: &str| app.call(method, &format!("/v1/tips/{id}/watch")).by(&otto).send().expect(204);
        watch("PUT");
        watch("PUT");
        let edit = app.call("PATCH", &format!("/v1/tips/{id}")).by(&ana).header("If-Match", "*");
        edit.json(json!({"title": "A secret for now"})).send().expect(200);
        let submit = app.act(&ana, &format!("/v1/tips/{id}/submit"), "*", json!({})).expect(200);
        assert!(told(app, &otto).is_empty());
        decide(app, &stella, &submit, json!({"verdict": "approve", "revision": 2, "comment": "for ana"}));
        app.act(&stella, &format!("/v1/tips/{id}/hold"), "*", json!({"reason": "unsafe"})).expect(200);
        let page = app.get(&otto, "/v1/notifications").expect(200);
        assert_eq!(page.each("/kind"), ["tip.held", "tip.published"]);
        assert_eq!(page.at("/items/0/reason"), "unsafe");
        assert!(page.at("/items/1/reason").is_null(), "what was said to the author");
        watch("DELETE");
        app.act(&stella, &format!("/v1/tips/{id}/release"), "*", json!({"reason": "safe"})).expect(200);
        assert_eq!(told(app, &otto).len(), 2);
        assert_eq!(told(app, &ana)[0], "tip.unheld");
    });
}

#[test]
fn what_one_may_no_longer_see_is_not_told_either() {
    on_both_apps(|app| {
        let medical = app.community("medical", Openness::Private);
        let ana = app.member(&medical, "ana", Role::Contributor);
        let ravi = app.member(&medical, "ravi", Role::Reviewer);
        let mia = app.member(&medical, "mia", Role::Reader);
        let watched = |id: &str| app.call("PUT", &format!("/v1/tips/{id}/watch")).by(&mia).send();
        let id = app.published(&ana, &ravi, &medical, "It stops");
        watched(&id).expect(204);
        app.act(&ravi, &format!("/v1/tips/{id}/hold"), "*", json!({"reason": "unsafe"})).expect(200);
        assert_eq!(told(app, &mia), ["tip.held"]);
        let seq = app.get(&mia, "/v1/notifications").at("/items/0/id");
        let member = format!("/v1/communities/medical/members/{}", mia.id);
        app.call("DELETE", &member).by(&mia).send().expect(204);
        assert!(told(app, &mia).is_empty());
        app.post(&mia, &format!("/v1/notifications/{seq}/read"), json!({})).expect_problem(404, "not_found");
        watched(&id).expect_problem(404, "not_found");
    });
}

#[test]
fn notifications_come_in_pages() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        for n in 0..5 {
            app.published(&ana, &ravi, &printers, &format!("Number {n}"));
        }
        let mut path = "/v1/notifications?limit=2".to_owned();
        let mut titles = Vec::new();
        loop {
            let page = app.get(&ana, &path).expect(200);
            titles.extend(page.each("/tip/title"));
            let Some(next) = page.at("/next_cursor").as_str().map(str::to_owned) else { break };
            path = format!("/v1/notifications?limit=2&cursor={next}");
        }
        assert_eq!(titles, ["Number 4", "Number 3", "Number 2", "Number 1", "Number 0"]);
    });
}
