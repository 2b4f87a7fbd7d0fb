//! `/v1/admin/*`.

use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Person, Reply, TestApp, on_both_apps, sample};
use serde_json::json;

/// Has something done about the index, and waits for it: the status at the end.
fn work(app: &TestApp, admin: &Person, task: &str, body: serde_json::Value) -> Reply {
    let begun = app.post(admin, &format!("/v1/admin/index/{task}"), body).expect(202);
    assert!(["running", "done"].contains(&begun.word("/work/state").as_str()), "{}", begun.text());
    for _ in 0..400 {
        let status = app.get(admin, "/v1/admin/index").expect(200);
        if status.word("/work/state") != "running" {
            return status;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    app.get(admin, "/v1/admin/index")
}

#[test]
fn an_admin_compares_the_index_and_makes_it_anew_while_searches_are_answered() {
    on_both_apps(|app| {
        let admin = app.admin();
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        app.published(&ana, &ravi, &printers, "Zirconium");
        let before = app.get(&admin, "/v1/admin/index").expect(200);
        assert_eq!((before.at("/tips"), before.at("/work")), (json!(1), json!(null)));
        assert!(before.at("/bytes").as_u64().unwrap() > 0);

        for body in [json!({}), json!({"repair": true})] {
            let compared = work(app, &admin, "verify", body);
            assert_eq!(compared.word("/work/state"), "done", "{}", compared.text());
            let drift = compared.at("/work/drift");
            assert_eq!(
                drift,
                json!({"compared": 1, "damaged": false, "missing": 0, "extra": 0, "stale": 0, "examples": []})
            );
        }
        let found = |q: &str| app.get(&ana, &format!("/v1/search?q={q}")).expect(200).each("/tip/id").len();
        app.post(&admin, "/v1/admin/index/rebuild", json!({})).expect(202);
        assert_eq!(found("zirconium"), 1);
        app.get(&ana, "/health/ready").expect(200);
        let mut again = app.post(&admin, "/v1/admin/index/rebuild", json!({}));
        if again.status == 409 {
            again = again.expect_problem(409, "already_running");
        }
        assert!([202, 409].contains(&again.status));
        let made = loop {
            let status = app.get(&admin, "/v1/admin/index").expect(200);
            if status.word("/work/state") != "running" {
                break status;
            }
        };
        assert_eq!((made.word("/work/state"), made.at("/work/indexed")), ("done".to_owned(), json!(1)));
        app.published(&ana, &ravi, &printers, "Ytterbium");
        assert_eq!((found("zirconium"), found("ytterbium")), (1, 1));
    });
}

#[test]
fn an_admin_reads_who_changed_what_and_why() {
    on_both_apps(|app| {
        let admin = app.admin();
        let printers = app.community("printers", Openness::Private);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let tip = app.post(&ana, "/v1/tips", sample("printers", "It stops")).expect(201);
        let withdraw = app.act(
            &ana,
            &format!("/v1/tips/{}/withdraw", tip.word("/id")),
            tip.etag(),
            json!({"reason": "a mistake"}),
        );
        withdraw.expect(200);
        let list = |query: &str| app.get(&admin, &format!("/v1/admin/audit?{query}")).expect(200);

        let newest = list("limit=1");
        assert_eq!(
            (newest.word("/items/0/kind").as_str(), newest.word("/items/0/reason").as_str()),
            ("tip.withdrawn", "a mistake")
        );
        assert_eq!(newest.word("/items/0/actor/name"), "ana");
        assert_eq!(newest.at("/items/0/tip"), tip.at("/id"));
        assert_eq!(newest.word("/items/0/hash").len(), 64);
        assert_eq!(list(&format!("actor={}", ana.id)).each("/kind"), [json!("tip.withdrawn"), json!("tip.created")]);
        assert_eq!(list(&format!("tip={}", tip.word("/id"))).each("/kind").len(), 2);
        assert_eq!(list(&format!("subject={}", ana.id)).each("/kind"), [json!("user.created")]);
        assert_eq!(list("kind=member.set").word("/items/0/user"), ana.id.to_string());

        let mut walked = Vec::new();
        let mut page = list("limit=2");
        loop {
            walked.extend(page.each("/position"));
            let next = page.word("/next_cursor");
            if next.is_empty() {
                break;
            }
            page = list(&format!("limit=2&cursor={next}"));
        }
        let head = app.get(&admin, "/v1/admin/index").at("/head").as_i64().unwrap();
        assert_eq!(walked, (1..=head).rev().map(|n| json!(n)).collect::<Vec<_>>());
        app.get(&admin, "/v1/admin/audit?kind=nothing").expect_problem(400, "invalid_parameter");
    });
}

#[test]
fn operating_is_for_site_admins_and_their_keys_of_that_scope_alone() {
    on_both_apps(|app| {
        let admin = app.admin();
        let printers = app.community("printers", Openness::Open);
        let sue = app.member(&printers, "sue", Role::Steward);
        let (narrow, full) = (app.key(&admin, &["read", "write", "review"]), app.key(&admin, &["admin"]));
        for path in ["/v1/admin/index", "/v1/admin/audit"] {
            app.call("GET", path).send().expect_problem(401, "unauthenticated");
            app.get(&sue, path).expect_problem(403, "not_permitted");
            app.get(&narrow, path).expect_problem(403, "insufficient_scope");
            app.get(&full, path).expect(200);
        }
        for path in ["/v1/admin/index/verify", "/v1/admin/index/rebuild"] {
            app.post(&sue, path, json!({})).expect_problem(403, "not_permitted");
            app.post(&narrow, path, json!({})).expect_problem(403, "insufficient_scope");
        }
    });
}
