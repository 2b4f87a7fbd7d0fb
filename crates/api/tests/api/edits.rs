//! Approving with edits, and what the author says to them.

use eureka_domain::community::{Openness, ReviewPolicy, Role};
use eureka_testkit::{Person, Reply, TestApp, on_both_apps};
use serde_json::{Value, json};

fn approve_with(app: &TestApp, reviewer: &Person, review: &str, revision: i32, edits: Value) -> Reply {
    let body = json!({
        "verdict": "approve_with_edits", "revision": revision, "edits": edits, "comment": "The hazard comes first.",
    });
    app.post(reviewer, &format!("/v1/reviews/{review}/decisions"), body)
}

fn answer(app: &TestApp, who: &Person, review: &str, body: Value) -> Reply {
    app.post(who, &format!("/v1/reviews/{review}/answer"), body)
}

#[test]
fn what_is_approved_with_edits_is_published_when_its_author_agrees() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let otto = app.person("otto");
        let tip = app.submitted(&ana, &printers, "Clean the fuse holders");
        let path = format!("/v1/tips/{}", tip.word("/id"));
        let decided =
            approve_with(app, &ravi, &tip.word("/review/id"), 1, json!({"cause": "They oxidise."})).expect(201);
        assert_eq!(decided.word("/decisions/0/verdict"), "approve_with_edits");
        assert_eq!(decided.at("/decisions/0/edited_into"), 2);
        assert_eq!(decided.word("/outcome"), "superseded");
        app.get(&otto, &path).expect_problem(404, "not_found");

        // The author is told, and reads in one call what was changed.
        let told = app.get(&ana, "/v1/notifications").expect(200);
        assert_eq!(told.word("/items/0/kind"), "review.edited");
        assert_eq!(told.word("/items/0/reason"), "The hazard comes first.");
        let asked = app.get(&ana, &path).expect(200);
        assert_eq!(asked.word("/review/edited_by/name"), "ravi");
        for action in ["accept_edits", "decline_edits"] {
            assert!(asked.at("/possible").as_array().unwrap().contains(&json!(action)), "{action}");
        }
        let review = asked.word("/review/id");
        let desk = app.get(&ana, &format!("/v1/reviews/{review}")).expect(200);
        assert_eq!(desk.word("/edited_by/name"), "ravi");
        assert_eq!(desk.at("/edits").as_array().unwrap().len(), 1);
        assert_eq!(desk.word("/edits/0/field"), "cause");
        assert_eq!(desk.at("/stale_approvals"), 0, "the approval waits for the author");

        // Nobody agrees to their own edits, and nobody else is asked.
        answer(app, &ravi, &review, json!({"accept": true})).expect_problem(403, "not_permitted");
        answer(app, &otto, &review, json!({"accept": true})).expect_problem(404, "not_found");
        let done = answer(app, &ana, &review, json!({"accept": true})).expect(200);
        assert_eq!(done.word("/outcome"), "approved");
        assert!(!done.word("/agreed_at").is_empty());
        let live = app.get(&otto, &path).expect(200);
        assert_eq!((live.word("/cause"), live.word("/author/name")), ("They oxidise.".into(), "ana".into()));
        answer(app, &ana, &review, json!({"accept": true})).expect_problem(409, "invalid_state");
        let told = app.get(&ravi, "/v1/notifications").expect(200);
        assert_eq!(told.word("/items/0/kind"), "tip.published");
    });
}

#[test]
fn an_author_who_declines_edits_has_their_own_text_back_under_review() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let tip = app.submitted(&ana, &printers, "Clean the fuse holders");
        approve_with(app, &ravi, &tip.word("/review/id"), 1, json!({"title": "Replace the board"})).expect(201);
        let asked = app.get(&ana, &format!("/v1/tips/{}", tip.word("/id"))).expect(200).word("/review/id");
        let bare = answer(app, &ana, &asked, json!({"accept": false})).expect_problem(422, "validation_failed");
        assert_eq!(bare.word("/errors/0/pointer"), "/reason");
        let body = json!({"accept": false, "reason": "The board is sound."});
        let own = answer(app, &ana, &asked, body.clone()).expect(200);
        assert_eq!(
            (own.at("/revision/revision"), own.word("/revision/title")),
            (json!(3), "Clean the fuse holders".into())
        );
        assert_eq!(own.at("/opened_at"), tip.at("/review/opened_at"), "it keeps its place in the queue");
        assert_eq!(own.word("/offered_to/name"), "ravi");
        answer(app, &ana, &asked, body).expect_problem(409, "invalid_state");

        let told = app.get(&ravi, "/v1/notifications").expect(200);
        assert_eq!(told.word("/items/0/kind"), "review.edits_declined");
        assert_eq!(told.word("/items/0/reason"), "The board is sound.");
        // None of the reviewer's words are in it, so that they can decide it.
        let desk = app.get(&ravi, &format!("/v1/reviews/{}", own.word("/id"))).expect(200);
        assert_eq!(desk.at("/stale_approvals"), 1);
        let decide = json!({"verdict": "approve", "revision": 3});
        let path = format!("/v1/reviews/{}/decisions", own.word("/id"));
        assert_eq!(app.post(&ravi, &path, decide).expect(201).word("/outcome"), "approved");
    });
}

#[test]
fn an_edited_text_needs_its_quorum_and_another_reviewer_need_not_wait_for_the_author() {
    on_both_apps(|app| {
        let policy = ReviewPolicy { quorum: 2, ..ReviewPolicy::default() };
        let lifts = app.community_with("lifts", Openness::Open, policy);
        let ana = app.member(&lifts, "ana", Role::Contributor);
        let [ravi, runa, rolf] = ["ravi", "runa", "rolf"].map(|name| app.member(&lifts, name, Role::Reviewer));
        let approve = |who: &Person, review: &str, revision: i32| {
            let body = json!({"verdict": "approve", "revision": revision});
            app.post(who, &format!("/v1/reviews/{review}/decisions"), body)
        };
        let edited = |title: &str| {
            let tip = app.submitted(&ana, &lifts, title);
            approve_with(app, &ravi, &tip.word("/review/id"), 1, json!({"cause": "Oxide."})).expect(201);
            app.get(&ana, &format!("/v1/tips/{}", tip.word("/id"))).expect(200).word("/review/id")
        };
        // The author agrees: one of two.
        let review = edited("It stops");
        let half = answer(app, &ana, &review, json!({"accept": true})).expect(200);
        assert!(half.at("/outcome").is_null());
        assert_eq!(app.get(&ana, "/v1/tips?state=in_review").expect(200).at("/items/0/review/approvals"), 1);
        approve(&ravi, &review, 2).expect_problem(403, "own_tip");
        assert_eq!(approve(&runa, &review, 2).expect(201).word("/outcome"), "approved");

        // The author says nothing: two others are enough, as of any text.
        let review = edited("It stops again");
        approve(&runa, &review, 2).expect(201);
        assert_eq!(approve(&rolf, &review, 2).expect(201).word("/outcome"), "approved");
    });
}

#[test]
fn edits_that_cannot_be_are_refused_by_field_and_change_nothing() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let tip = app.submitted(&ana, &printers, "Clean the fuse holders");
        let review = tip.word("/review/id");
        let path = format!("/v1/reviews/{review}/decisions");
        for (body, pointer) in [
            (json!({"verdict": "approve_with_edits", "revision": 1, "comment": "x"}), "/edits"),
            (json!({"verdict": "approve", "revision": 1, "edits": {"cause": "x"}}), "/edits"),
            (json!({"verdict": "approve_with_edits", "revision": 1, "edits": {"cause": "x"}}), "/comment"),
            (json!({"verdict": "approve_with_edits", "revision": 1, "comment": "x", "edits": {}}), "/edits"),
            (
                json!({"verdict": "approve_with_edits", "revision": 1, "comment": "x", "edits": {"title": ""}}),
                "/edits/title",
            ),
        ] {
            let refused = app.post(&ravi, &path, body).expect_problem(422, "validation_failed");
            assert_eq!(refused.word("/errors/0/pointer"), pointer);
        }
        approve_with(app, &ravi, &review, 2, json!({"cause": "x"})).expect_problem(409, "stale_revision");
        approve_with(app, &ana, &review, 1, json!({"cause": "x"})).expect_problem(403, "not_permitted");
        answer(app, &ana, &review, json!({"accept": true})).expect_problem(409, "invalid_state");
        assert_eq!(app.get(&ana, &format!("/v1/tips/{}", tip.word("/id"))).expect(200).at("/revision"), 1);
    });
}
