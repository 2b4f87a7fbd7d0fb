//! Doubt and renewal: what use, flags and time do to the confidence in a tip.

use chrono::Duration;
use eureka_domain::community::{Openness, Role};
use eureka_domain::tip::{Safety, TipText};
use eureka_service::ImportLine;
use eureka_testkit::{Person, Reply, TestApp, on_both_apps};
use serde_json::{Value, json};

/// An author, a reviewer, a reader, and a tip that readers see.
struct Shop {
    ana: Person,
    ravi: Person,
    otto: Person,
    tip: String,
}

fn shop(app: &TestApp) -> Shop {
    let printers = app.community("printers", Openness::Open);
    let ana = app.member(&printers, "ana", Role::Contributor);
    let ravi = app.member(&printers, "ravi", Role::Reviewer);
    let tip = app.published(&ana, &ravi, &printers, "Clean the fuse holders");
    Shop { ana, ravi, otto: app.person("otto"), tip }
}

fn people(app: &TestApp, prefix: &str, count: usize) -> Vec<Person> {
    (0..count).map(|n| app.person(&format!("{prefix}{n}"))).collect()
}

fn tell(app: &TestApp, who: &Person, tip: &str, result: &str) -> Reply {
    app.post(who, &format!("/v1/tips/{tip}/outcomes"), json!({"result": result})).expect(201)
}

fn confidence(app: &TestApp, who: &Person, tip: &str) -> String {
    app.get(who, &format!("/v1/tips/{tip}")).expect(200).word("/confidence")
}

/// What happened to the confidence: kind, from, to, why, and who did it.
fn turns(app: &TestApp, who: &Person, tip: &str) -> Vec<Value> {
    let history = app.get(who, &format!("/v1/tips/{tip}/history")).expect(200);
    let items = history.at("/items");
    let turn = |item: &Value| {
        let kind = item["kind"].as_str().unwrap_or_default();
        let told = ["tip.disputed", "tip.renewed"].contains(&kind);
        told.then(|| json!([kind, item["was"], item["value"], item["reason_code"], item["actor"]["name"]]))
    };
    items.as_array().into_iter().flatten().filter_map(turn).collect()
}

fn tasks(app: &TestApp, reviewer: &Person, query: &str) -> Reply {
    app.get(reviewer, &format!("/v1/flags?kind=recheck{query}")).expect(200)
}

fn republish(app: &TestApp, shop: &Shop, revision: i32) {
    let path = format!("/v1/tips/{}", shop.tip);
    let edit = app.call("PATCH", &path).by(&shop.ana).header("If-Match", "*");
    let draft = edit.json(json!({"cause": format!("Oxide, {revision}.")})).send().expect(200);
    let sent = app.act(&shop.ana, &format!("{path}/submit"), draft.etag(), json!({})).expect(200);
    let decide = format!("/v1/reviews/{}/decisions", sent.word("/review/id"));
    app.post(&shop.ravi, &decide, json!({"verdict": "approve", "revision": revision})).expect(201);
}

#[test]
fn a_tip_that_fails_three_people_is_in_doubt_and_its_people_are_told() {
    on_both_apps(|app| {
        let Shop { ana, ravi, otto, tip } = shop(app);
        let three = people(app, "p", 3);
        for (n, person) in three.iter().enumerate() {
            assert_eq!(confidence(app, &otto, &tip), "validated", "after {n}");
            tell(app, person, &tip, "not_fixed");
        }
        assert_eq!(confidence(app, &otto, &tip), "not_validated");
        assert_eq!(turns(app, &otto, &tip), [json!(["tip.disputed", "validated", "not_validated", "use", null])]);
        let task = tasks(app, &ravi, "&mine=true");
        assert_eq!(task.each("/tip/id"), [json!(tip)]);
        assert!(task.at("/items/0/flagged_by").is_null() && !task.word("/items/0/text").is_empty());
        for person in [&ana, &ravi] {
            let told = app.get(person, "/v1/notifications").expect(200);
            assert!(told.each("/kind").contains(&json!("tip.disputed")), "{}: {}", person.email, told.text());
            assert!(three.iter().all(|user| !told.text().contains(&user.id.to_string())), "nobody is named");
        }
        let last = tell(app, &otto, &tip, "not_fixed").position();
        assert_eq!(turns(app, &otto, &tip).len(), 1, "it is in doubt already");
        let hit = app.get(&otto, &format!("/v1/search?q=fuse&min_position={last}")).expect(200);
        assert_eq!(hit.at("/items/0/tip/confidence"), "not_validated");
        assert!(app.service.indexer().verify(|_| ()).unwrap().is_none());
    });
}

#[test]
fn a_tip_in_doubt_renews_itself_by_five_fixes() {
    on_both_apps(|app| {
        let Shop { ana, ravi, otto, tip } = shop(app);
        for person in people(app, "p", 3) {
            tell(app, &person, &tip, "not_fixed");
        }
        let task = tasks(app, &ravi, "").word("/items/0/id");
        for (n, person) in people(app, "q", 5).iter().enumerate() {
            assert_eq!(confidence(app, &otto, &tip), "not_validated", "after {n}");
            tell(app, person, &tip, "fixed");
        }
        assert_eq!(confidence(app, &otto, &tip), "validated");
        assert_eq!(turns(app, &otto, &tip)[1], json!(["tip.renewed", "not_validated", "validated", "use", null]));
        let ended = app.get(&ravi, &format!("/v1/flags/{task}")).expect(200);
        assert_eq!(ended.word("/resolution"), "no_action");
        assert!(ended.at("/resolved_by").is_null());
        let told = app.get(&ana, "/v1/notifications").expect(200);
        assert!(told.each("/kind").contains(&json!("tip.renewed")), "{}", told.text());
    });
}

#[test]
fn a_reviewer_who_looked_again_confirms_the_tip_until_it_fails_others() {
    on_both_apps(|app| {
        let Shop { ravi, otto, tip, .. } = shop(app);
        for person in people(app, "p", 3) {
            tell(app, &person, &tip, "not_fixed");
        }
        let resolve = |resolution: &str| {
            let path = format!("/v1/flags/{}/resolve", tasks(app, &ravi, "").word("/items/0/id"));
            app.act(&ravi, &path, "*", json!({"resolution": resolution, "reason": "They had another board."}))
        };
        resolve("fixed").expect_problem(422, "validation_failed");
        resolve("no_action").expect(200);
        assert_eq!(confidence(app, &otto, &tip), "validated");
        assert_eq!(turns(app, &otto, &tip)[1], json!(["tip.renewed", "not_validated", "validated", "recheck", "ravi"]));
        for person in people(app, "q", 2) {
            tell(app, &person, &tip, "not_fixed");
        }
        assert_eq!(confidence(app, &otto, &tip), "validated", "what was looked at is no news");
        tell(app, &otto, &tip, "not_fixed");
        assert_eq!(confidence(app, &otto, &tip), "not_validated");
        assert_eq!(tasks(app, &ravi, "").each("/id").len(), 1);
    });
}

#[test]
fn a_new_text_starts_with_a_clean_sheet_and_ends_the_re_check() {
    on_both_apps(|app| {
        let shop = shop(app);
        for person in people(app, "p", 3) {
            tell(app, &person, &shop.tip, "not_fixed");
        }
        republish(app, &shop, 2);
        assert_eq!(confidence(app, &shop.otto, &shop.tip), "validated");
        assert!(tasks(app, &shop.ravi, "").each("/id").is_empty());
        assert_eq!(tasks(app, &shop.ravi, "&state=resolved").each("/resolution"), ["fixed"]);
        for person in people(app, "q", 2) {
            tell(app, &person, &shop.tip, "not_fixed");
        }
        assert_eq!(confidence(app, &shop.otto, &shop.tip), "validated", "three failed on another text");
        let proof = app.get(&shop.otto, &format!("/v1/tips/{}", shop.tip)).at("/proof/not_fixed");
        assert_eq!(proof, 5, "the proof is of the tip");
    });
}

#[test]
fn an_accepted_flag_puts_the_text_it_was_raised_on_in_doubt() {
    on_both_apps(|app| {
        let shop = shop(app);
        let Shop { ravi, otto, tip, .. } = &shop;
        let raise = |kind: &str| {
            app.post(otto, &format!("/v1/tips/{tip}/flags"), json!({"kind": kind})).expect(201).word("/id")
        };
        let end = |flag: String, resolution: &str| {
            let body = json!({"resolution": resolution, "reason": "so it is"});
            app.act(ravi, &format!("/v1/flags/{flag}/resolve"), "*", body).expect(200);
        };
        end(raise("unclear"), "fixed");
        end(raise("wrong"), "no_action");
        assert_eq!(confidence(app, otto, tip), "validated");
        end(raise("outdated"), "fixed");
        assert_eq!(confidence(app, otto, tip), "not_validated");
        assert_eq!(turns(app, otto, tip), [json!(["tip.disputed", "validated", "not_validated", "outdated", "ravi"])]);
        assert_eq!(tasks(app, ravi, "").each("/text"), ["so it is"]);
        // Fixed by a new text before the flag ends: nothing is in doubt.
        let later = raise("wrong");
        republish(app, &shop, 2);
        end(later, "fixed");
        assert_eq!(confidence(app, otto, tip), "validated");
        assert!(tasks(app, ravi, "").each("/id").is_empty());
    });
}

#[test]
fn use_moves_the_date_of_the_last_confirmation() {
    on_both_apps(|app| {
        let Shop { ana, otto, tip, .. } = shop(app);
        let path = format!("/v1/tips/{tip}");
        let published = app.get(&otto, &path).expect(200);
        assert_eq!(published.at("/confirmed_at"), published.at("/published_at"));
        app.clock.advance(Duration::days(30));
        let five = people(app, "p", 5);
        let told = tell(app, &five[0], &tip, "fixed");
        for person in five.iter().skip(1) {
            tell(app, person, &tip, "fixed");
        }
        let ana = app.log_in(ana.id, &ana.email);
        let confirmed = app.get(&ana, &path).expect(200);
        assert_eq!(confirmed.at("/confirmed_at"), told.at("/happened_at"));
        assert_eq!(turns(app, &ana, &tip), [json!(["tip.renewed", null, null, "use", null])]);
        let notifications = app.get(&ana, "/v1/notifications").expect(200);
        assert!(!notifications.text().contains("tip.renewed"), "nobody need be told that all is as it was");
    });
}

#[test]
fn time_alone_asks_for_another_look() {
    on_both_apps(|app| {
        let Shop { ana, ravi, otto, tip } = shop(app);
        assert_eq!(app.service.open_rechecks().unwrap(), 0);
        app.clock.advance(Duration::days(300));
        for person in people(app, "p", 5) {
            tell(app, &person, &tip, "fixed");
        }
        app.clock.advance(Duration::days(300));
        assert_eq!(app.service.open_rechecks().unwrap(), 0, "use has confirmed it since");
        app.clock.advance(Duration::days(70));
        assert_eq!(app.service.open_rechecks().unwrap(), 1);
        assert_eq!(app.service.open_rechecks().unwrap(), 0, "one task is enough");
        let [ravi, otto, ana] = [&ravi, &otto, &ana].map(|person| app.log_in(person.id, &person.email));
        assert_eq!(confidence(app, &otto, &tip), "validated", "age is no doubt");
        let path = format!("/v1/flags/{}/resolve", tasks(app, &ravi, "&mine=true").word("/items/0/id"));
        app.act(&ravi, &path, "*", json!({"resolution": "no_action", "reason": "Still so."})).expect(200);
        assert_eq!(app.service.open_rechecks().unwrap(), 0);
        assert_eq!(turns(app, &ana, &tip).last().unwrap()[4], "ravi");
    });
}

fn text(title: &str) -> TipText {
    TipText {
        title: title.to_owned(),
        problem: "How it is done.".to_owned(),
        cause: None,
        solution: None,
        products: vec![],
        fault_codes: vec![],
        parts: vec![],
        tags: vec![],
        safety: Safety::None,
        hazard: None,
        attachments: Vec::new(),
        lang: None,
    }
}

#[test]
fn a_year_after_many_tips_came_at_once_reviewers_are_asked_for_some_at_a_time() {
    on_both_apps(|app| {
        let mut reviewers = Vec::new();
        for (slug, tips) in [("printers", 40), ("lifts", 3)] {
            let community = app.community(slug, Openness::Open);
            reviewers.push(app.member(&community, &format!("{slug}-reviewer"), Role::Reviewer));
            let line = |n: usize| ImportLine {
                line: n + 1,
                external_id: format!("{slug}-{n}"),
                community: slug.to_owned(),
                author: "The manual".to_owned(),
                confidence: eureka_domain::tip::Confidence::Validated,
                text: text(&format!("Procedure {n}")),
            };
            assert_eq!(app.service.import_tips((0..tips).map(line).collect()).unwrap().imported, tips);
        }
        app.clock.advance(Duration::days(400));
        assert_eq!(app.service.open_rechecks().unwrap(), 25 + 3, "no community waits for another's reviewers");
        assert_eq!(app.service.open_rechecks().unwrap(), 0);
        let reviewer = app.log_in(reviewers[0].id, &reviewers[0].email);
        let first = tasks(app, &reviewer, "&community=printers").word("/items/0/id");
        let path = format!("/v1/flags/{first}/resolve");
        app.act(&reviewer, &path, "*", json!({"resolution": "no_action", "reason": "Still so."})).expect(200);
        assert_eq!(app.service.open_rechecks().unwrap(), 1, "the next one");
    });
}

#[test]
fn the_third_failure_told_by_many_at_once_is_one_dispute() {
    on_both_apps(|app| {
        let Shop { ana, ravi, tip, .. } = shop(app);
        let many = people(app, "p", 12);
        std::thread::scope(|scope| {
            for person in &many {
                let tip = &tip;
                scope.spawn(move || tell(app, person, tip, "not_fixed"));
            }
        });
        assert_eq!(turns(app, &ana, &tip).len(), 1);
        assert_eq!(tasks(app, &ravi, "&state=all").each("/id").len(), 1);
        let told = app.get(&ana, "/v1/notifications?limit=100").expect(200);
        assert_eq!(told.each("/kind").iter().filter(|kind| **kind == "tip.disputed").count(), 1);
        let read = app.get(&ana, &format!("/v1/tips/{tip}")).expect(200);
        assert_eq!(read.at("/proof/not_fixed"), 12);
    });
}
