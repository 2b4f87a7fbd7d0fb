//! `/v1/tips`.

use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Person, on_both_apps, sample};
use serde_json::{Value, json};

#[test]
fn a_draft_is_edited_submitted_and_withdrawn_by_its_author() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let made = app.post(&ana, "/v1/tips", sample("printers", "It stops")).expect(201);
        let path = format!("/v1/tips/{}", made.word("/id"));
        assert_eq!(made.header("location"), Some(path.as_str()));
        assert_eq!(made.word("/state"), "draft");
        assert_eq!(made.at("/author/name"), "ana");

        let by_number = app.get(&ana, &format!("/v1/tips/{}", made.word("/number"))).expect(200);
        assert_eq!(by_number.word("/id"), made.word("/id"));

        let patch = app.call("PATCH", &path).by(&ana).header("If-Match", made.etag());
        let edited = patch.json(json!({"title": "It stops at noon", "solution": null})).send().expect(200);
        assert_eq!(edited.word("/title"), "It stops at noon");
        assert!(edited.at("/solution").is_null());
        assert_eq!(edited.at("/fault_codes"), json!(["3396"]), "what is not named stays");

        let submitted = app.act(&ana, &format!("{path}/submit"), edited.etag(), json!({})).expect(200);
        assert_eq!(submitted.word("/state"), "submitted");
        let again = app.act(&ana, &format!("{path}/submit"), submitted.etag(), json!({}));
        let again = again.expect_problem(409, "invalid_state");
        assert_eq!(again.word("/state"), "submitted");
        assert!(again.at("/possible").as_array().unwrap().contains(&json!("withdraw")));

        let withdrawn = app.act(&ana, &format!("{path}/withdraw"), submitted.etag(), json!({"reason": "mine"}));
        let withdrawn = withdrawn.expect(200);
        assert_eq!(withdrawn.word("/state"), "withdrawn");
        let history = app.get(&ana, &format!("{path}/history")).expect(200);
        let kinds = history.each("/kind");
        assert_eq!(kinds, ["tip.created", "tip.edited", "tip.submitted", "tip.withdrawn"]);
    });
}

#[test]
fn writing_takes_a_contributor_of_a_community_one_knows() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        app.community("secret", Openness::Private);
        let (reader, otto) = (app.member(&printers, "rea", Role::Reader), app.person("otto"));
        app.post(&reader, "/v1/tips", sample("printers", "a")).expect_problem(403, "not_permitted");
        app.post(&otto, "/v1/tips", sample("printers", "a")).expect_problem(403, "not_permitted");
        let send = |slug| {
            let call = app.call("POST", "/v1/tips").by(&otto).header("X-Request-Id", "same");
            call.json(sample(slug, "a")).send()
        };
        let (hidden, absent) = (send("secret"), send("absent"));
        hidden.clone().expect_problem(422, "validation_failed");
        assert_eq!(hidden.body, absent.body);
    });
}

#[test]
fn the_approved_text_stays_live_while_its_next_revision_is_reviewed() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let otto = app.person("otto");
        let id = app.published(&ana, &ravi, &printers, "Oxidised fuse holders");
        let path = format!("/v1/tips/{id}");

        let etag = app.get(&ana, &path).expect(200).etag().to_owned();
        let edit = app.call("PATCH", &path).by(&ana).header("If-Match", &etag);
        let edited = edit.json(json!({"title": "Corroded fuse holders"})).send().expect(200);
        assert_eq!(edited.word("/pending/title"), "Corroded fuse holders");
        let sent = app.act(&ana, &format!("{path}/submit"), edited.etag(), json!({})).expect(200);
        app.settle(sent.position());

        let seen = app.get(&otto, &path).expect(200);
        assert_eq!(seen.word("/title"), "Oxidised fuse holders");
        assert!(seen.at("/pending").is_null() && seen.at("/review").is_null(), "{}", seen.text());
        app.get(&otto, &format!("{path}/revisions/2")).expect_problem(404, "not_found");
        assert_eq!(app.get(&otto, "/v1/search?q=corroded").expect(200).at("/total/value"), 0);
        assert_eq!(app.get(&otto, "/v1/search?q=oxidised").expect(200).at("/total/value"), 1);

        let review = sent.word("/review/id");
        let decided =
            app.post(&ravi, &format!("/v1/reviews/{review}/decisions"), json!({"verdict": "approve", "revision": 2}));
        app.settle(decided.expect(201).position());
        assert_eq!(app.get(&otto, &path).word("/title"), "Corroded fuse holders");
        assert_eq!(app.get(&otto, "/v1/search?q=corroded").at("/total/value"), 1);
        assert_eq!(app.get(&ana, &format!("{path}/revisions/1")).word("/state"), "superseded");
    });
}

#[test]
fn a_hold_takes_a_tip_out_of_all_results_and_only_a_steward_lifts_it() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let stella = app.member(&printers, "stella", Role::Steward);
        let id = app.published(&ana, &ravi, &printers, "Oxidised fuse holders");
        let path = format!("/v1/tips/{id}");
        let found = || app.get(&ana, "/v1/search?q=oxidised").at("/total/value");
        let etag = |who| app.get(who, &path).expect(200).etag().to_owned();
        assert_eq!(found(), 1);

        let reason = json!({"reason": "it burnt one"});
        app.act(&ana, &format!("{path}/hold"), &etag(&ana), reason.clone()).expect_problem(403, "not_permitted");
        app.act(&ravi, &format!("{path}/hold"), &etag(&ravi), json!({"reason": " "}))
            .expect_problem(422, "validation_failed");
        let held = app.act(&ravi, &format!("{path}/hold"), &etag(&ravi), reason.clone()).expect(200);
        app.settle(held.position());
        assert_eq!(found(), 0);
        assert_eq!(app.get(&ana, &path).word("/hold"), "it burnt one");
        app.act(&ravi, &format!("{path}/release"), &etag(&ravi), reason.clone()).expect_problem(403, "not_permitted");
        let lifted = app.act(&stella, &format!("{path}/release"), &etag(&stella), reason).expect(200);
        app.settle(lifted.position());
        assert_eq!(found(), 1);
    });
}

#[test]
fn an_archived_tip_resolves_and_comes_back_unvalidated() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let stella = app.member(&printers, "stella", Role::Steward);
        let id = app.published(&ana, &stella, &printers, "Oxidised fuse holders");
        let path = format!("/v1/tips/{id}");
        let etag = || app.get(&stella, &path).expect(200).etag().to_owned();
        let reason = json!({"reason": "the machine is gone"});
        let archived = app.act(&stella, &format!("{path}/archive"), &etag(), reason.clone()).expect(200);
        app.settle(archived.position());
        assert_eq!(app.get(&ana, "/v1/search?q=oxidised").at("/total/value"), 0);
        assert_eq!(app.get(&ana, &path).expect(200).word("/confidence"), "archived");
        let restored = app.act(&stella, &format!("{path}/restore"), &etag(), reason).expect(200);
        app.settle(restored.position());
        assert_eq!(restored.word("/confidence"), "not_validated");
        assert_eq!(app.get(&ana, "/v1/search?q=oxidised").at("/total/value"), 1);
    });
}

#[test]
fn a_merged_tip_leads_to_the_other_which_names_its_author_and_it_can_come_back() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let bo = app.member(&printers, "bo", Role::Contributor);
        let stella = app.member(&printers, "stella", Role::Steward);
        let twin = app.published(&bo, &stella, &printers, "Zirconium, again");
        let kept = app.published(&ana, &stella, &printers, "Zirconium");
        let number = app.get(&ana, &format!("/v1/tips/{kept}")).word("/number");
        let path = format!("/v1/tips/{twin}");
        let merge = |who, body| app.act(who, &format!("{path}/merge"), "*", body);
        merge(&bo, json!({"into": number, "reason": "the same"})).expect_problem(403, "not_permitted");
        for (into, code) in [("T-99999", "unknown"), (twin.as_str(), "invalid"), ("x", "invalid")] {
            let refused = merge(&stella, json!({"into": into, "reason": "x"})).expect_problem(422, "validation_failed");
            assert_eq!(
                (refused.word("/errors/0/pointer"), refused.word("/errors/0/code")),
                ("/into".into(), code.into())
            );
        }
        let merged = merge(&stella, json!({"into": number, "reason": "the same"})).expect(200);
        assert_eq!(merged.at("/replaced_by"), json!({"id": kept, "number": number, "how": "merged"}));
        app.settle(merged.position());

        let read = app.get(&ana, &path).expect(307);
        assert_eq!(read.header("location"), Some(format!("/v1/tips/{number}").as_str()));
        assert_eq!(app.get(&ana, &format!("{path}?redirect=false")).expect(200).word("/title"), "Zirconium, again");
        let other = app.get(&ana, &format!("/v1/tips/{kept}")).expect(200);
        assert_eq!(other.at("/also_by/0/name"), "bo");
        let of_bo = app.get(&ana, &format!("/v1/tips?author={}", bo.id)).expect(200).each("/number");
        assert!(of_bo.contains(&json!(number)), "the same credit as for writing one: {of_bo:?}");
        let found = || app.get(&ana, "/v1/search?q=zirconium").expect(200).each("/tip/id").len();
        assert_eq!(found(), 1);
        let again = app.get(&ana, "/v1/search?q=zirconium+again").expect(200);
        assert_eq!((again.each("/tip/id"), again.at("/relaxed")), (vec![json!(kept)], json!(null)));
        assert_eq!(again.at("/items/0/tip/stands_for"), json!([merged.word("/number")]));
        assert_eq!(again.at("/items/0/highlights/1/fragment"), "Zirconium, again");
        assert_eq!(app.get(&ana, "/v1/notifications").expect(200).each("/kind")[0], "tip.merged");
        assert_eq!(app.get(&bo, "/v1/notifications").expect(200).at("/items/0/value"), number.as_str());
        let edit = app.call("PATCH", &path).by(&bo).header("If-Match", "*").json(json!({"title": "Mine"}));
        edit.send().expect_problem(409, "invalid_state");

        let separated =
            app.act(&stella, &format!("{path}/separate"), "*", json!({"reason": "not the same"})).expect(200);
        app.settle(separated.position());
        assert_eq!((app.get(&ana, &path).expect(200).at("/replaced_by"), found()), (json!(null), 2));
        assert!(app.get(&ana, &format!("/v1/tips/{kept}")).at("/also_by").is_null());
        let again = app.get(&ana, "/v1/search?q=zirconium+again").expect(200);
        assert_eq!(again.each("/tip/id")[0], json!(twin), "each speaks for itself again");
        assert!(!again.text().contains("stands_for"), "{}", again.text());
    });
}

#[test]
fn a_superseded_tip_stays_readable_and_names_the_better_one() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let stella = app.member(&printers, "stella", Role::Steward);
        let old = app.published(&ana, &stella, &printers, "Zirconium, the old way");
        let new = app.published(&ana, &stella, &printers, "Zirconium, the new way");
        let path = format!("/v1/tips/{old}");
        let superseded =
            app.act(&stella, &format!("{path}/supersede"), "*", json!({"by": new, "reason": "redesigned"}));
        app.settle(superseded.expect(200).position());
        let read = app.get(&ana, &path).expect(200);
        assert_eq!((read.word("/replaced_by/how"), read.word("/replaced_by/id")), ("superseded".into(), new));
        assert_eq!(app.get(&ana, "/v1/search?q=zirconium").expect(200).each("/tip/id").len(), 1);
        let history = app.get(&ana, &format!("{path}/history")).expect(200);
        let last = history.each("").pop().unwrap();
        assert_eq!((&last["kind"], &last["reason"]), (&json!("tip.superseded"), &json!("redesigned")));
    });
}

#[test]
fn an_earlier_text_is_taken_up_again_and_reviewed_like_any_other() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let id = app.published(&ana, &ravi, &printers, "The first text");
        let path = format!("/v1/tips/{id}");
        let edit = app.call("PATCH", &path).by(&ana).header("If-Match", "*");
        edit.json(json!({"title": "The second text"})).send().expect(200);
        let submitted = app.act(&ana, &format!("{path}/submit"), "*", json!({})).expect(200);
        let decisions = format!("/v1/reviews/{}/decisions", submitted.word("/review/id"));
        app.post(&ravi, &decisions, json!({"verdict": "approve", "revision": 2})).expect(201);

        let diff = app.get(&ravi, &format!("{path}/revisions/2/diff")).expect(200);
        let part = |fate: &str, text: &str| json!({"fate": fate, "text": text});
        let parts = [part("kept", "The "), part("removed", "first"), part("added", "second"), part("kept", " text")];
        assert_eq!(diff.at("/changes"), json!([{"field": "title", "parts": parts}]));
        assert_eq!(app.get(&ravi, &format!("{path}/revisions/2/diff?from=2")).expect(200).at("/changes"), json!([]));
        for none in ["1", "0", "-2147483648", "2147483648"] {
            app.get(&ravi, &format!("{path}/revisions/{none}/diff")).expect_problem(404, "not_found");
        }

        let revert =
            |who, to| app.act(who, &format!("{path}/revert"), "*", json!({"to": to, "reason": "it was right"}));
        revert(&ravi, 1).expect_problem(403, "not_permitted");
        revert(&ana, 9).expect_problem(422, "validation_failed");
        let reverted = revert(&ana, 1).expect(200);
        assert_eq!(
            (reverted.word("/title"), reverted.word("/pending/title")),
            ("The second text".into(), "The first text".into())
        );
        assert_eq!((reverted.at("/pending/revision"), reverted.word("/pending/state")), (json!(3), "draft".into()));
        let history = app.get(&ana, &format!("{path}/history")).expect(200);
        let last = history.each("").pop().unwrap();
        assert_eq!((&last["kind"], &last["was"], &last["value"]), (&json!("tip.reverted"), &json!("2"), &json!("1")));
    });
}

#[test]
fn what_its_author_threw_away_is_in_nobody_else_s_next_revision() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let stella = app.member(&printers, "stella", Role::Steward);
        let path = format!("/v1/tips/{}", app.published(&ana, &stella, &printers, "It stops"));
        let edit = |who: &Person, body: Value| {
            app.call("PATCH", &path).by(who).header("If-Match", "*").json(body).send().expect(200)
        };
        edit(&ana, json!({"problem": "Zirconium."}));
        assert!(!app.get(&stella, &path).at("/possible").to_string().contains("edit"), "it is being edited");
        app.act(&ana, &format!("{path}/withdraw"), "*", json!({})).expect(200);
        assert!(app.get(&stella, &path).at("/possible").to_string().contains("edit"));
        let edited = edit(&stella, json!({"title": "It stops when it is cold"}));
        assert_eq!(
            (edited.at("/pending/revision"), edited.word("/pending/title")),
            (json!(3), "It stops when it is cold".to_owned())
        );
        assert!(!edited.text().contains("Zirconium"), "{}", edited.text());
    });
}
