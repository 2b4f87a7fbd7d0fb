//! `/v1/tips/{id}/relations`: look-alikes at capture, and what their authors say of them.

use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Person, Reply, TestApp, on_both_apps};
use serde_json::{Value, json};

const PROBLEM: &str = "The fan in the upper left corner of the cabinet gets loud after an hour and stops at night.";

/// A tip about the fan, submitted.
fn about_the_fan(app: &TestApp, author: &Person, title: &str) -> Reply {
    let body = json!({
        "community": "printers", "title": title, "problem": PROBLEM, "solution": "Clean the filter.", "lang": "en",
        "fault_codes": ["FAN-7"], "submit": true,
    });
    app.post(author, "/v1/tips", body)
}

/// One that readers find.
fn published(app: &TestApp, author: &Person, reviewer: &Person, title: &str) -> Reply {
    let tip = about_the_fan(app, author, title).expect(201);
    approve(app, reviewer, &tip);
    tip
}

/// Approves the newest text; returns when the index has it.
fn approve(app: &TestApp, reviewer: &Person, tip: &Reply) {
    let tip = app.get(reviewer, &format!("/v1/tips/{}", tip.word("/id"))).expect(200);
    let revision = if tip.at("/pending").is_null() { tip.at("/revision") } else { tip.at("/pending/revision") };
    let body = json!({"verdict": "approve", "revision": revision});
    let path = format!("/v1/reviews/{}/decisions", tip.word("/review/id"));
    let decided = app.post(reviewer, &path, body).expect(201);
    app.get(reviewer, &format!("/v1/search?q=fan&min_position={}", decided.position())).expect(200);
}

fn relate(app: &TestApp, who: &Person, tip: &Reply, other: &Reply, body: Value) -> Reply {
    let path = format!("/v1/tips/{}/relations/{}", tip.word("/id"), other.word("/number"));
    app.call("PUT", &path).by(who).json(body).send()
}

/// The ids of the look-alikes in a reply.
fn alike(reply: &Reply) -> Vec<Value> {
    reply.at("/look_alikes").as_array().unwrap().iter().map(|found| found["tip"]["id"].clone()).collect()
}

/// The look-alikes that a reviewer is shown.
fn seen_at_the_desk(app: &TestApp, reviewer: &Person, tip: &Reply) -> Vec<Value> {
    let tip = app.get(reviewer, &format!("/v1/tips/{}", tip.word("/id"))).expect(200);
    alike(&app.get(reviewer, &format!("/v1/reviews/{}", tip.word("/review/id"))).expect(200))
}

#[test]
fn whoever_submits_is_shown_what_looks_like_it_and_their_answer_is_on_the_reviewers_desk() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let old = published(app, &ana, &ravi, "Fan gets loud");
        let private = app.community("lifts", Openness::Private);
        let lena = app.member(&private, "lena", Role::Contributor);

        let new = about_the_fan(app, &ana, "Loud fan").expect(201);
        assert_eq!(alike(&new), [old.at("/id")]);
        let draft =
            json!({"community": "printers", "title": "A loud fan", "problem": PROBLEM, "fault_codes": ["FAN-7"]});
        let draft = app.post(&ana, "/v1/tips", draft).expect(201);
        assert!(draft.at("/look_alikes").is_null(), "only what goes to reviewers");
        let path = format!("/v1/tips/{}/submit", draft.word("/id"));
        let sent = app.act(&ana, &path, draft.etag(), json!({})).expect(200);
        assert_eq!(alike(&sent), [old.at("/id")]);

        let bare = relate(app, &ana, &new, &old, json!({"relation": "differs_because"}));
        assert_eq!(bare.expect_problem(422, "validation_failed").word("/errors/0/pointer"), "/reason");
        let body = json!({"relation": "adds_to", "reason": "How to get at the filter."});
        relate(app, &ravi, &new, &old, body.clone()).expect_problem(403, "not_permitted");
        relate(app, &lena, &new, &old, body.clone()).expect_problem(404, "not_found");
        relate(app, &ana, &new, &new, body.clone()).expect_problem(422, "validation_failed");
        let said = relate(app, &ana, &new, &old, body).expect(200);
        assert_eq!((said.word("/relation"), said.word("/other/number")), ("adds_to".into(), old.word("/number")));

        let desk = app.get(&ravi, &format!("/v1/reviews/{}", new.word("/review/id"))).expect(200);
        assert_eq!(desk.word("/relations/0/relation"), "adds_to");
        assert_eq!(desk.word("/relations/0/reason"), "How to get at the filter.");
        assert_eq!(desk.at("/look_alikes/0/tip/id"), old.at("/id"));

        let path = format!("/v1/tips/{}/relations", new.word("/id"));
        assert_eq!(app.get(&ana, &path).expect(200).each("/relation"), ["adds_to"]);
        app.get(&app.person("otto"), &path).expect_problem(404, "not_found");
        let gone = app.call("DELETE", &format!("{path}/{}", old.word("/id"))).by(&ana).send();
        gone.expect(204);
        assert!(app.get(&ana, &path).expect(200).each("/relation").is_empty());
        let history = app.get(&ana, &format!("/v1/tips/{}/history", new.word("/id"))).expect(200);
        let kinds = history.each("/kind");
        assert!(kinds.ends_with(&[json!("tip.related"), json!("tip.unrelated")]), "{kinds:?}");
    });
}

#[test]
fn a_pair_that_peers_told_apart_does_not_come_back_until_one_side_says_something_else() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let otto = app.person("otto");
        let old = published(app, &ana, &ravi, "Fan gets loud");
        let new = about_the_fan(app, &ana, "Loud fan").expect(201);
        let reason = json!({"relation": "differs_because", "reason": "The other one is about the rear fan."});
        relate(app, &ana, &new, &old, reason).expect(200);
        assert_eq!(seen_at_the_desk(app, &ravi, &new), [old.at("/id")], "nobody has agreed yet");
        approve(app, &ravi, &new);
        let public = app.get(&otto, &format!("/v1/tips/{}/relations", new.word("/id"))).expect(200);
        assert_eq!(public.each("/relation"), ["differs_because"]);
        assert!(public.at("/items/0/reason").is_null() && !public.word("/items/0/confirmed_at").is_empty());

        // Not at the next capture, from either side; nor by a flag.
        let edit = |tip: &Reply, body: Value| {
            let path = format!("/v1/tips/{}", tip.word("/id"));
            let edited = app.call("PATCH", &path).by(&ana).header("If-Match", "*").json(body).send().expect(200);
            app.act(&ana, &format!("{path}/submit"), edited.etag(), json!({})).expect(200)
        };
        for tip in [&new, &old] {
            let again = edit(tip, json!({"tags": ["fan"]}));
            assert!(alike(&again).is_empty());
            assert!(seen_at_the_desk(app, &ravi, tip).is_empty());
            approve(app, &ravi, tip);
        }
        let flag = json!({"kind": "duplicate", "duplicate_of": old.word("/number")});
        app.post(&otto, &format!("/v1/tips/{}/flags", new.word("/id")), flag.clone()).expect_problem(409, "told_apart");

        // Until one says something else.
        let changed =
            edit(&old, json!({"problem": format!("{PROBLEM} So does the one in the lower right corner at noon.")}));
        assert_eq!(alike(&changed), [new.at("/id")]);
        approve(app, &ravi, &old);
        app.post(&otto, &format!("/v1/tips/{}/flags", new.word("/id")), flag).expect(201);
    });
}

#[test]
fn a_flag_that_was_turned_down_tells_its_pair_apart() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let otto = app.person("otto");
        let (old, new) = (published(app, &ana, &ravi, "Fan gets loud"), published(app, &ana, &ravi, "Loud fan"));
        let path = format!("/v1/tips/{}/flags", new.word("/id"));
        let flag = json!({"kind": "duplicate", "duplicate_of": old.word("/number")});
        let raised = app.post(&otto, &path, flag.clone()).expect(201);
        let resolve = app.call("POST", &format!("/v1/flags/{}/resolve", raised.word("/id"))).by(&ravi);
        let body = json!({"resolution": "no_action", "reason": "The rear fan is another one."});
        resolve.header("If-Match", "*").json(body).send().expect(200);
        app.post(&otto, &path, flag).expect_problem(409, "told_apart");
        let back = json!({"kind": "duplicate", "duplicate_of": new.word("/number")});
        let path = format!("/v1/tips/{}/flags", old.word("/id"));
        app.post(&otto, &path, back).expect_problem(409, "told_apart");
    });
}

#[test]
fn what_is_said_of_a_tip_elsewhere_tells_nobody_there_of_it() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let lifts = app.community("lifts", Openness::Private);
        let ana = app.member(&printers, "ana", Role::Contributor);
        app.join(&lifts, &ana, Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let lena = app.member(&lifts, "lena", Role::Reviewer);
        let hidden = app.published(&ana, &lena, &lifts, "Canary door");
        let hidden = app.get(&ana, &format!("/v1/tips/{hidden}")).expect(200);
        let new = about_the_fan(app, &ana, "Loud fan").expect(201);

        let body = json!({"relation": "differs_because", "reason": "That one is about the canary door."});
        relate(app, &ana, &new, &hidden, body).expect(200);
        let path = format!("/v1/tips/{}/relations/{}", new.word("/id"), hidden.word("/id"));
        app.call("DELETE", &path).by(&ana).send().expect(204);
        let history = app.get(&ravi, &format!("/v1/tips/{}/history", new.word("/id"))).expect(200);
        assert!(history.each("/kind").ends_with(&[json!("tip.related"), json!("tip.unrelated")]));
        for secret in ["canary", &hidden.word("/number"), &hidden.word("/id")] {
            assert!(!history.text().contains(secret), "{secret} in {}", history.text());
        }
    });
}

#[test]
fn a_tip_that_another_is_approved_to_replace_is_in_doubt_until_a_reviewer_has_looked() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let omar = app.member(&printers, "omar", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let old = published(app, &omar, &ravi, "Fan gets loud");
        let elsewhere = app.community("lifts", Openness::Open);
        let lena = app.member(&elsewhere, "lena", Role::Reviewer);
        app.join(&elsewhere, &omar, Role::Contributor);
        let of_others = app.published(&omar, &lena, &elsewhere, "Fan of a lift");
        let of_others = app.get(&ana, &format!("/v1/tips/{of_others}")).expect(200);
        let confidence = |tip: &Reply| app.get(&ana, &format!("/v1/tips/{}", tip.word("/id"))).word("/confidence");

        let new = about_the_fan(app, &ana, "Loud fan").expect(201);
        for other in [&old, &of_others] {
            relate(app, &ana, &new, other, json!({"relation": "replaces"})).expect(200);
        }
        assert_eq!(confidence(&old), "validated", "nobody has agreed yet");
        approve(app, &ravi, &new);
        assert_eq!(confidence(&old), "not_validated");
        assert_eq!(confidence(&of_others), "validated", "what another community holds is for its own reviewers");

        let told = app.get(&omar, "/v1/notifications").expect(200);
        assert!(told.each("/kind").contains(&json!("tip.disputed")), "{:?}", told.each("/kind"));
        let task = app.get(&ravi, "/v1/flags?state=open&kind=recheck").expect(200);
        assert_eq!(task.each("/tip/id"), [old.at("/id")]);
        assert!(task.word("/items/0/text").contains(&new.word("/number")), "{}", task.text());

        // It holds all the same: said once, this is not asked again when the new one is edited.
        let path = format!("/v1/flags/{}/resolve", task.word("/items/0/id"));
        app.act(&ravi, &path, "*", json!({"resolution": "no_action", "reason": "For machines without the new fan."}))
            .expect(200);
        assert_eq!(confidence(&old), "validated");
        let path = format!("/v1/tips/{}", new.word("/id"));
        let edit = app.call("PATCH", &path).by(&ana).header("If-Match", "*").json(json!({"tags": ["fan"]})).send();
        app.act(&ana, &format!("{path}/submit"), edit.expect(200).etag(), json!({})).expect(200);
        approve(app, &ravi, &new);
        assert_eq!(confidence(&old), "validated");
    });
}
