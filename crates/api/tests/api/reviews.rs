//! `/v1/reviews`.

use chrono::Duration;
use eureka_domain::community::{Openness, ReviewPolicy, Role};
use eureka_testkit::{Person, Reply, TestApp, on_both_apps, sample};
use serde_json::json;

fn decide(app: &TestApp, reviewer: &Person, review: &str, verdict: &str, revision: i32) -> Reply {
    let mut body = json!({"verdict": verdict, "revision": revision});
    if verdict != "approve" {
        body["reason"] = json!("incomplete");
        body["comment"] = json!("which fuse?");
    }
    app.post(reviewer, &format!("/v1/reviews/{review}/decisions"), body)
}

#[test]
fn the_main_job_from_submission_to_the_next_technician() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let otto = app.person("otto");
        let tip = app.submitted(&ana, &printers, "Clean the oxidised fuse holders");
        assert_eq!(app.get(&otto, "/v1/search?q=3396").expect(200).at("/total/value"), 0);
        app.get(&otto, &format!("/v1/tips/{}", tip.word("/id"))).expect_problem(404, "not_found");

        let queue = app.get(&ravi, "/v1/reviews").expect(200);
        assert_eq!(queue.each("/tip/number"), [tip.at("/number")]);
        let next = app.call("POST", "/v1/reviews/claim-next").by(&ravi).send().expect(200);
        let review = next.word("/id");
        assert_eq!(next.word("/claim/by/name"), "ravi");
        assert_eq!(app.get(&ana, &format!("/v1/tips/{}", tip.word("/id"))).word("/review/claimed_by/name"), "ravi");

        let decided = decide(app, &ravi, &review, "approve", 1).expect(201);
        assert_eq!(decided.word("/outcome"), "approved");
        let found = app.get(&otto, &format!("/v1/search?q=3396&min_position={}", decided.position())).expect(200);
        assert_eq!(found.at("/items/0/tip/id"), tip.at("/id"));
        assert_eq!(found.at("/items/0/tip/author/name"), "ana");
        assert_eq!(app.get(&otto, &format!("/v1/tips/{}", tip.word("/id"))).word("/confidence"), "validated");
    });
}

#[test]
fn nobody_decides_a_text_they_are_credited_on() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let stella = app.member(&printers, "stella", Role::Steward);
        let ana = app.member(&printers, "ana", Role::Reviewer);
        let admin = app.admin();
        app.service.enrol_member(printers.id, admin.id, Role::Steward).unwrap();
        for author in [&ana, &stella, &admin] {
            let review = app.submitted(author, &printers, "Mine").word("/review/id");
            for verdict in ["approve", "request_changes", "reject"] {
                decide(app, author, &review, verdict, 1).expect_problem(403, "own_tip");
            }
            let claim = app.call("POST", &format!("/v1/reviews/{review}/claim")).by(author);
            claim.send().expect_problem(403, "own_tip");
        }

        // An edit makes one its editor.
        let tip = app.submitted(&ana, &printers, "Hers");
        let path = format!("/v1/tips/{}", tip.word("/id"));
        let etag = app.get(&stella, &path).expect(200).etag().to_owned();
        let edit = app.call("PATCH", &path).by(&stella).header("If-Match", &etag).json(json!({"cause": "Oxide."}));
        let edited = edit.send().expect(200);
        assert_eq!(edited.at("/revision"), 2);
        decide(app, &stella, &edited.word("/review/id"), "approve", 2).expect_problem(403, "own_tip");

        // And one stays credited when the author edits after them: the words are still there.
        let touch = app.call("PATCH", &path).by(&ana).header("If-Match", "*").json(json!({"tags": ["x"]}));
        let touched = touch.send().expect(200);
        assert_eq!(touched.at("/revision"), 3);
        let review = touched.word("/review/id");
        decide(app, &stella, &review, "approve", 3).expect_problem(403, "own_tip");
        let claim = app.call("POST", &format!("/v1/reviews/{review}/claim")).by(&stella);
        claim.send().expect_problem(403, "own_tip");
        let offered = app.get(&stella, &format!("/v1/reviews/{review}")).expect(200).at("/possible");
        assert!(!offered.as_array().unwrap().contains(&json!("approve")), "{offered}");
        decide(app, &admin, &touched.word("/review/id"), "approve", 3).expect(201);
    });
}

#[test]
fn a_decision_on_a_text_that_has_changed_meanwhile_is_refused() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let tip = app.submitted(&ana, &printers, "First");
        let path = format!("/v1/tips/{}", tip.word("/id"));
        let edit = app.call("PATCH", &path).by(&ana).header("If-Match", tip.etag()).json(json!({"title": "Second"}));
        let edited = edit.send().expect(200);
        decide(app, &ravi, &tip.word("/review/id"), "approve", 1).expect_problem(409, "invalid_state");
        let review = edited.word("/review/id");
        decide(app, &ravi, &review, "approve", 1).expect_problem(409, "stale_revision");
        decide(app, &ravi, &review, "approve", 2).expect(201);
    });
}

#[test]
fn sending_back_and_rejecting_owe_the_author_a_reason() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let tip = app.submitted(&ana, &printers, "It stops");
        let review = tip.word("/review/id");
        let path = format!("/v1/reviews/{review}/decisions");
        for verdict in ["request_changes", "reject"] {
            let bare = app.post(&ravi, &path, json!({"verdict": verdict, "revision": 1}));
            bare.expect_problem(422, "validation_failed");
        }
        decide(app, &ravi, &review, "request_changes", 1).expect(201);
        let told = app.get(&ana, &format!("/v1/reviews/{review}")).expect(200);
        assert_eq!(told.word("/decisions/0/comment"), "which fuse?");
        assert_eq!(told.word("/decisions/0/reason"), "incomplete");

        let tip_path = format!("/v1/tips/{}", tip.word("/id"));
        let sent_back = app.get(&ana, &tip_path).expect(200);
        assert_eq!(sent_back.word("/state"), "changes_requested");
        let edit = app.call("PATCH", &tip_path).by(&ana).header("If-Match", sent_back.etag());
        let edited = edit.json(json!({"solution": "Clean the left one."})).send().expect(200);
        let sent = app.act(&ana, &format!("{tip_path}/submit"), edited.etag(), json!({})).expect(200);
        let second = app.get(&ravi, &format!("/v1/reviews/{}", sent.word("/review/id"))).expect(200);
        assert_eq!(second.at("/round"), 2);
        decide(app, &ravi, &sent.word("/review/id"), "reject", 2).expect(201);
        assert_eq!(app.get(&ana, &tip_path).word("/state"), "rejected");
    });
}

#[test]
fn a_claim_keeps_others_out_until_it_ends() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let (ravi, runa) =
            (app.member(&printers, "ravi", Role::Reviewer), app.member(&printers, "runa", Role::Reviewer));
        let review = app.submitted(&ana, &printers, "It stops").word("/review/id");
        let claim = |who: &Person| app.call("POST", &format!("/v1/reviews/{review}/claim")).by(who).send();
        claim(&ravi).expect(200);
        let refused = claim(&runa).expect_problem(409, "claimed_by_other");
        assert_eq!(refused.word("/holder"), ravi.id.to_string());
        assert!(!refused.word("/until").is_empty());
        decide(app, &runa, &review, "approve", 1).expect_problem(409, "claimed_by_other");
        app.call("POST", "/v1/reviews/claim-next").by(&runa).send().expect(204);

        app.clock.advance(Duration::minutes(31));
        let runa = app.log_in(runa.id, &runa.email);
        claim(&runa).expect(200);
        let ravi = app.log_in(ravi.id, &ravi.email);
        let release = app.call("POST", &format!("/v1/reviews/{review}/release"));
        release.by(&ravi).send().expect_problem(409, "claimed_by_other");
        app.call("POST", &format!("/v1/reviews/{review}/release")).by(&runa).send().expect(200);
        decide(app, &ravi, &review, "approve", 1).expect(201);
    });
}

#[test]
fn a_steward_may_give_back_what_a_reviewer_holds_and_the_review_says_so() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let (ravi, runa) =
            (app.member(&printers, "ravi", Role::Reviewer), app.member(&printers, "runa", Role::Reviewer));
        let stella = app.member(&printers, "stella", Role::Steward);
        let path = format!("/v1/reviews/{}", app.submitted(&ana, &printers, "It stops").word("/review/id"));
        app.call("POST", &format!("{path}/claim")).by(&ravi).send().expect(200);
        let possible = |who: &Person| app.get(who, &path).expect(200).at("/possible");
        assert_eq!((possible(&runa), possible(&stella)), (json!([]), json!(["release"])));
        app.call("POST", &format!("{path}/release")).by(&stella).send().expect(200);
        assert_eq!(app.get(&runa, &path).expect(200).at("/claim"), json!(null));
    });
}

#[test]
fn a_claim_ends_when_its_holder_edits_the_text_or_has_decided() {
    on_both_apps(|app| {
        let policy = ReviewPolicy { quorum: 2, ..ReviewPolicy::default() };
        let lifts = app.community_with("lifts", Openness::Open, policy);
        let ana = app.member(&lifts, "ana", Role::Contributor);
        let (ravi, runa) = (app.member(&lifts, "ravi", Role::Reviewer), app.member(&lifts, "runa", Role::Reviewer));
        let stella = app.member(&lifts, "stella", Role::Steward);
        let claim =
            |who: &Person, review: &str| app.call("POST", &format!("/v1/reviews/{review}/claim")).by(who).send();

        let tip = app.submitted(&ana, &lifts, "It stops");
        claim(&stella, &tip.word("/review/id")).expect(200);
        let edit = app.call("PATCH", &format!("/v1/tips/{}", tip.word("/id"))).by(&stella).header("If-Match", "*");
        let review = edit.json(json!({"cause": "Oxide."})).send().expect(200).word("/review/id");
        claim(&ravi, &review).expect(200);

        decide(app, &ravi, &review, "approve", 2).expect(201);
        claim(&ravi, &review).expect_problem(409, "already_decided");
        let offered = app.get(&ravi, &format!("/v1/reviews/{review}")).expect(200).at("/possible");
        for action in ["claim", "approve", "request_changes", "reject"] {
            assert!(!offered.as_array().unwrap().contains(&json!(action)), "{offered}");
        }
        decide(app, &runa, &review, "approve", 2).expect(201);
    });
}

#[test]
fn a_quorum_takes_distinct_reviewers_and_one_rejection_ends_the_round() {
    on_both_apps(|app| {
        let policy = ReviewPolicy { quorum: 2, ..ReviewPolicy::default() };
        let lifts = app.community_with("lifts", Openness::Open, policy);
        let ana = app.member(&lifts, "ana", Role::Contributor);
        let (ravi, runa) = (app.member(&lifts, "ravi", Role::Reviewer), app.member(&lifts, "runa", Role::Reviewer));
        let first = app.submitted(&ana, &lifts, "It stops");
        let review = first.word("/review/id");
        let half = decide(app, &ravi, &review, "approve", 1).expect(201);
        assert!(half.at("/outcome").is_null());
        decide(app, &ravi, &review, "approve", 1).expect_problem(409, "already_decided");
        let done = decide(app, &runa, &review, "approve", 1).expect(201);
        assert_eq!(done.word("/outcome"), "approved");

        let second = app.submitted(&ana, &lifts, "It drops").word("/review/id");
        decide(app, &ravi, &second, "approve", 1).expect(201);
        let ended = decide(app, &runa, &second, "reject", 1).expect(201);
        assert_eq!(ended.word("/outcome"), "rejected");
    });
}

#[test]
fn of_a_hundred_opposite_decisions_at_once_one_counts() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let reviewers: Vec<Person> = (0..10).map(|n| app.member(&printers, &format!("r{n}"), Role::Reviewer)).collect();
        let tip = app.submitted(&ana, &printers, "It stops");
        let review = tip.word("/review/id");
        let replies: Vec<Reply> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..100)
                .map(|n| {
                    let (reviewer, review) = (&reviewers[n % 10], &review);
                    let verdict = if n % 2 == 0 { "approve" } else { "reject" };
                    scope.spawn(move || decide(app, reviewer, review, verdict, 1))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
        assert_eq!(replies.iter().filter(|reply| reply.status == 409).count(), 99);
        let after = app.get(&ana, &format!("/v1/reviews/{review}")).expect(200);
        assert_eq!(after.at("/decisions").as_array().unwrap().len(), 1);
        let history = app.get(&ana, &format!("/v1/tips/{}/history", tip.word("/id"))).expect(200);
        assert_eq!(history.each("/kind").len(), 3, "created, submitted, decided: {}", history.text());
    });
}

#[test]
fn the_queue_is_for_reviewers_of_the_community() {
    on_both_apps(|app| {
        let (printers, lifts) = (app.community("printers", Openness::Open), app.community("lifts", Openness::Private));
        let ana = app.member(&printers, "ana", Role::Contributor);
        let elsewhere = app.member(&lifts, "lena", Role::Steward);
        let review = app.submitted(&ana, &printers, "It stops").word("/review/id");
        let path = format!("/v1/reviews/{review}");
        assert!(app.get(&elsewhere, "/v1/reviews").expect(200).each("/id").is_empty());
        app.get(&elsewhere, &path).expect_problem(404, "not_found");
        decide(app, &elsewhere, &review, "approve", 1).expect_problem(404, "not_found");
        app.get(&ana, &path).expect(200);
        assert!(app.get(&ana, "/v1/reviews").expect(200).each("/id").is_empty());
        let colleague = app.member(&printers, "cora", Role::Contributor);
        app.get(&colleague, &path).expect_problem(404, "not_found");
    });
}

#[test]
fn the_queue_says_how_many_wait_and_shows_those_that_have_waited_long() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let old = app.submitted(&ana, &printers, "First").word("/review/id");
        app.clock.advance(Duration::days(30));
        let (ana, ravi) = (app.log_in(ana.id, &ana.email), app.log_in(ravi.id, &ravi.email));
        let new = app.submitted(&ana, &printers, "Second").word("/review/id");
        app.call("POST", &format!("/v1/reviews/{new}/claim")).by(&ravi).send().expect(200);
        let long = app.get(&ravi, "/v1/reviews?waiting_days=30").expect(200);
        assert_eq!(long.each("/id"), [json!(old)]);
        assert_eq!(long.at("/counts"), json!({"open": 1, "claimed": 0, "overdue": 1, "mine": 0}));
        let mine = app.get(&ravi, "/v1/reviews?mine=true&limit=1").expect(200);
        assert_eq!(mine.each("/id"), [json!(new)]);
        assert_eq!(mine.at("/counts"), json!({"open": 2, "claimed": 1, "overdue": 1, "mine": 1}));
        assert!(app.get(&ravi, "/v1/reviews?waiting_days=4294967295").expect(200).each("/id").is_empty());
        assert_eq!(app.get(&ana, "/v1/reviews").expect(200).at("/counts/open"), 0, "nothing of the queue for others");
    });
}

#[test]
fn a_claim_goes_on_while_its_holder_speaks() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let [ravi, runa] = ["ravi", "runa"].map(|name| app.member(&printers, name, Role::Reviewer));
        let review = app.submitted(&ana, &printers, "It stops").word("/review/id");
        app.call("POST", &format!("/v1/reviews/{review}/claim")).by(&ravi).send().expect(200);
        app.clock.advance(Duration::minutes(20));
        let again = [&ana, &ravi, &runa].map(|person| app.log_in(person.id, &person.email));
        let [ana, ravi, runa] = again;
        let say =
            |who: &Person| app.post(who, &format!("/v1/reviews/{review}/comments"), json!({"text": "Which fuse?"}));
        say(&ravi).expect(201);
        app.clock.advance(Duration::minutes(20));
        let [ana, runa] = [&ana, &runa].map(|person| app.log_in(person.id, &person.email));
        say(&ana).expect(201);
        decide(app, &runa, &review, "approve", 1).expect_problem(409, "claimed_by_other");
        app.clock.advance(Duration::minutes(11));
        let runa = app.log_in(runa.id, &runa.email);
        decide(app, &runa, &review, "approve", 1).expect(201);
    });
}

#[test]
fn a_repeated_decision_with_its_key_is_answered_again() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let made = app.post(&ana, "/v1/tips", {
            let mut tip = sample("printers", "It stops");
            tip["submit"] = json!(true);
            tip
        });
        let review = made.expect(201).word("/review/id");
        let send = || {
            let call = app.call("POST", &format!("/v1/reviews/{review}/decisions")).by(&ravi);
            call.header("Idempotency-Key", "d1").json(json!({"verdict": "approve", "revision": 1})).send()
        };
        let (first, again) = (send().expect(201), send().expect(201));
        assert_eq!(first.body, again.body);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
    });
}

/// A tip with a safety level that waits for review: what its author sees.
fn dangerous(app: &TestApp, author: &Person, level: &str) -> Reply {
    let mut tip = sample("printers", "Mains at the fuse holders");
    tip["safety"] = json!(level);
    tip["hazard"] = json!("Unplug, and wait five minutes.");
    tip["submit"] = json!(true);
    app.post(author, "/v1/tips", tip).expect(201)
}

#[test]
fn a_tip_with_a_safety_level_takes_two_reviewers_and_a_dangerous_one_a_steward() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let [ravi, runa] = ["ravi", "runa"].map(|name| app.member(&printers, name, Role::Reviewer));
        let stella = app.member(&printers, "stella", Role::Steward);
        let approve = |who: &Person, tip: &Reply| {
            let path = format!("/v1/reviews/{}/decisions", tip.word("/review/id"));
            app.post(who, &path, json!({"verdict": "approve", "revision": 1})).expect(201)
        };
        let state = |tip: &Reply| app.get(&ana, &format!("/v1/tips/{}", tip.word("/id"))).word("/state");

        let caution = dangerous(app, &ana, "caution");
        let first = approve(&ravi, &caution);
        assert_eq!((first.at("/quorum"), first.at("/steward_required")), (json!(2), json!(false)));
        assert_eq!(state(&caution), "in_review");
        approve(&runa, &caution);
        assert_eq!(state(&caution), "published");

        let danger = dangerous(app, &ana, "danger");
        approve(&ravi, &danger);
        let second = approve(&runa, &danger);
        assert_eq!(second.at("/steward_required"), true);
        assert_eq!(state(&danger), "in_review", "two reviewers are not enough");
        approve(&stella, &danger);
        assert_eq!(state(&danger), "published");
    });
}

#[test]
fn a_text_comes_back_to_the_reviewer_who_sent_it_back() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let [ravi, runa] = ["ravi", "runa"].map(|name| app.member(&printers, name, Role::Reviewer));
        let tip = app.submitted(&ana, &printers, "It stops");
        let path = format!("/v1/reviews/{}/decisions", tip.word("/review/id"));
        let body = json!({"verdict": "request_changes", "reason": "unclear", "comment": "Which fuse?", "revision": 1});
        app.post(&runa, &path, body).expect(201);
        app.submitted(&ana, &printers, "Something newer");
        let own = format!("/v1/tips/{}", tip.word("/id"));
        let edit = app.call("PATCH", &own).by(&ana).header("If-Match", "*");
        edit.json(json!({"problem": "The upper fuse."})).send().expect(200);
        let again = app.act(&ana, &format!("{own}/submit"), "*", json!({})).expect(200);
        let review = app.get(&runa, &format!("/v1/reviews/{}", again.word("/review/id"))).expect(200);
        assert_eq!((review.at("/round"), review.at("/offered_to/name")), (json!(2), json!("runa")));
        assert_eq!(app.get(&runa, "/v1/notifications").expect(200).each("/kind")[0], "tip.submitted");

        let next =
            |who: &Person| app.post(who, "/v1/reviews/claim-next", json!({})).expect(200).word("/revision/title");
        assert_eq!(next(&ravi), "Something newer", "what is offered to somebody else comes last");
        assert_eq!(next(&runa), "It stops");
    });
}

#[test]
fn one_is_handed_what_one_knows_about_and_not_more_than_five() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let submit = |title: &str, product: &str| {
            let mut tip = sample("printers", title);
            tip["products"] = json!([product]);
            tip["submit"] = json!(true);
            app.post(&ana, "/v1/tips", tip).expect(201)
        };
        let known = submit("Known", "X-500");
        let path = format!("/v1/reviews/{}/decisions", known.word("/review/id"));
        app.post(&ravi, &path, json!({"verdict": "approve", "revision": 1})).expect(201);
        for n in 0..6 {
            submit(&format!("Older {n}"), "Z-9");
        }
        submit("The newest", "x-500");
        let next = || app.call("POST", "/v1/reviews/claim-next").by(&ravi).send();
        assert_eq!(next().expect(200).word("/revision/title"), "The newest");
        for n in 0..4 {
            assert_eq!(next().expect(200).word("/revision/title"), format!("Older {n}"));
        }
        next().expect(204);
    });
}

#[test]
fn what_was_promised_and_has_not_come_is_overdue_and_told_once() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let (ravi, stella) =
            (app.member(&printers, "ravi", Role::Reviewer), app.member(&printers, "stella", Role::Steward));
        let tip = app.submitted(&ana, &printers, "It stops");
        assert!(tip.at("/review/decide_by").is_string(), "the author knows what was promised");
        let overdue = |who: &Person| app.get(who, "/v1/reviews?overdue=true").expect(200).each("/overdue").len();
        assert_eq!((overdue(&ravi), app.service.remind_reviewers().unwrap()), (0, 0));

        app.clock.advance(Duration::days(5));
        let [ravi, stella] = [&ravi, &stella].map(|person| app.log_in(person.id, &person.email));
        assert_eq!((overdue(&ravi), app.service.remind_reviewers().unwrap()), (1, 1));
        assert_eq!(app.service.remind_reviewers().unwrap(), 0);
        let told = |who: &Person| app.get(who, "/v1/notifications").expect(200).each("/kind");
        assert_eq!(told(&ravi), ["review.reminded"]);
        assert_eq!(told(&stella), ["review.reminded"]);

        app.clock.advance(Duration::days(14));
        assert_eq!(app.service.remind_reviewers().unwrap(), 1);
        let [ravi, stella] = [&ravi, &stella].map(|person| app.log_in(person.id, &person.email));
        assert_eq!(told(&ravi), ["review.reminded"]);
        assert_eq!(told(&stella), ["review.escalated", "review.reminded"]);
        let stats = app.get(&ravi, "/v1/reviews/stats?community=printers").expect(200);
        assert_eq!((stats.at("/open"), stats.at("/overdue"), stats.at("/claimed")), (json!(1), json!(1), json!(0)));
        assert_eq!(stats.at("/backlog/median_hours"), 456.0);
        assert_eq!(stats.at("/thin_products/0"), json!({"product": "DocuColor 40", "reviewers": 0, "open": 1}));

        app.post(&ravi, &format!("/v1/reviews/{}/claim", tip.word("/review/id")), json!({})).expect(200);
        let stats = app.get(&ravi, "/v1/reviews/stats").expect(200);
        assert_eq!(stats.at("/load/0/reviewer/name"), "ravi");
        app.get(&app.person("otto"), "/v1/reviews/stats").expect_problem(403, "not_permitted");
    });
}

#[test]
fn a_reviewer_needs_one_call_to_decide() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let [ravi, runa] = ["ravi", "runa"].map(|name| app.member(&printers, name, Role::Reviewer));
        let twin = app.published(&ana, &ravi, &printers, "Oxidised fuse holders, clean them");
        let own = app.published(&ana, &ravi, &printers, "The lower fuse holder oxidises");
        let rejected = app.submitted(&ana, &printers, "Something else");
        decide(app, &ravi, &rejected.word("/review/id"), "reject", 1).expect(201);

        let path = format!("/v1/tips/{own}");
        let edit = |body| app.call("PATCH", &path).by(&ana).header("If-Match", "*").json(body).send().expect(200);
        edit(json!({"title": "The upper fuse holder oxidises", "fault_codes": ["3396", "E-77"], "products": []}));
        let pending = app.act(&ana, &format!("{path}/submit"), "*", json!({})).expect(200);
        let desk = app.get(&runa, &format!("/v1/reviews/{}", pending.word("/review/id"))).expect(200);

        let part = |fate: &str, text: &str| json!({"fate": fate, "text": text});
        let title = [part("kept", "The "), part("removed", "lower"), part("added", "upper")];
        assert_eq!(desk.at("/changes/0/field"), "title");
        assert_eq!(desk.at("/changes/0/parts").as_array().unwrap()[..3], title);
        assert_eq!(desk.at("/changes/1"), json!({"field": "products", "parts": [part("removed", "DocuColor 40")]}));
        let holds = |item: &str| {
            let checks = desk.at("/checklist");
            let check = checks.as_array().unwrap().iter().find(|check| check["item"] == item).unwrap();
            check["holds"].as_bool().unwrap()
        };
        assert_eq!((holds("solution_given"), holds("product_named")), (true, false));
        assert_eq!(desk.at("/author_reasons/0/reason"), "incomplete");
        assert_eq!(desk.at("/author_reasons/0/tip"), rejected.at("/number"));
        assert_eq!(desk.at("/look_alikes/0/tip/id"), twin.as_str());
        assert_eq!(desk.at("/look_alikes/0/why/fault_codes"), json!(["3396"]));
        assert_eq!(desk.at("/stale_approvals"), 0);
    });
}

#[test]
fn an_edit_makes_approvals_stale_and_the_review_says_so() {
    on_both_apps(|app| {
        let policy = ReviewPolicy { quorum: 2, ..ReviewPolicy::default() };
        let printers = app.community_with("printers", Openness::Open, policy);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let [ravi, runa] = ["ravi", "runa"].map(|name| app.member(&printers, name, Role::Reviewer));
        let tip = app.submitted(&ana, &printers, "It stops");
        decide(app, &ravi, &tip.word("/review/id"), "approve", 1).expect(201);
        let edit = app.call("PATCH", &format!("/v1/tips/{}", tip.word("/id"))).by(&ana).header("If-Match", "*");
        let edited = edit.json(json!({"title": "It stops at noon"})).send().expect(200);
        let desk = app.get(&runa, &format!("/v1/reviews/{}", edited.word("/review/id"))).expect(200);
        assert_eq!((desk.at("/stale_approvals"), desk.at("/decisions")), (json!(1), json!([])));
        decide(app, &runa, &edited.word("/review/id"), "approve", 2).expect(201);
        assert_eq!(app.get(&ana, &format!("/v1/tips/{}", tip.word("/id"))).word("/state"), "in_review");
    });
}

#[test]
fn author_and_reviewers_talk_in_threads_about_a_field() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let [ravi, runa] = ["ravi", "runa"].map(|name| app.member(&printers, name, Role::Reviewer));
        let bo = app.member(&printers, "bo", Role::Contributor);
        let review = app.submitted(&ana, &printers, "It stops").word("/review/id");
        let path = format!("/v1/reviews/{review}/comments");
        let asked = app.post(&ravi, &path, json!({"text": " Which fuse? ", "field": "solution"})).expect(201);
        assert_eq!((asked.word("/text"), asked.word("/field")), ("Which fuse?".to_owned(), "solution".to_owned()));
        let answer = app.post(&ana, &path, json!({"text": "The upper one.", "reply_to": asked.at("/id")})).expect(201);
        let also = app.post(&runa, &path, json!({"text": "Say so.", "reply_to": answer.at("/id")})).expect(201);
        for reply in [&answer, &also] {
            assert_eq!((reply.at("/reply_to"), reply.word("/field")), (asked.at("/id"), "solution".to_owned()));
        }
        let said = json!(["Which fuse?", "The upper one.", "Say so."]);
        assert_eq!(json!(app.get(&ana, &path).expect(200).each("/text")), said);
        let desk = app.get(&ravi, &format!("/v1/reviews/{review}")).expect(200);
        assert_eq!(desk.at("/comments/2/author/name"), "runa");
        let told = |who: &Person| app.get(who, "/v1/notifications").expect(200).each("/reason");
        assert_eq!(told(&ana), ["Say so.", "Which fuse?"]);
        assert_eq!(told(&ravi), ["Say so.", "The upper one."]);
        assert!(told(&runa).is_empty());

        for (body, pointer) in [
            (json!({"text": "  "}), "/text"),
            (json!({"text": "x".repeat(10_001)}), "/text"),
            (json!({"text": "x", "reply_to": review}), "/reply_to"),
        ] {
            let refused = app.post(&ravi, &path, body).expect_problem(422, "validation_failed");
            assert_eq!(refused.word("/errors/0/pointer"), pointer);
        }
        app.post(&bo, &path, json!({"text": "x"})).expect_problem(404, "not_found");
        app.get(&bo, &path).expect_problem(404, "not_found");
        let page = app.get(&ravi, &format!("{path}?limit=2")).expect(200);
        let next = app.get(&ravi, &format!("{path}?limit=2&cursor={}", page.word("/next_cursor"))).expect(200);
        assert_eq!(next.each("/text"), ["Say so."]);
    });
}

#[test]
fn a_text_that_says_the_same_is_merged_where_it_is_reviewed() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let bo = app.member(&printers, "bo", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let kept = app.published(&ana, &ravi, &printers, "Oxidised fuse holders");
        let number = app.get(&ana, &format!("/v1/tips/{kept}")).word("/number");
        let twin = app.submitted(&bo, &printers, "Fuse holders that oxidise");
        let path = format!("/v1/reviews/{}/decisions", twin.word("/review/id"));
        let merge = |into: serde_json::Value| {
            let body = json!({"verdict": "merge", "into": into, "comment": "It is known.", "revision": 1});
            app.post(&ravi, &path, body)
        };
        merge(json!(null)).expect_problem(422, "validation_failed");
        merge(json!("T-99999")).expect_problem(422, "validation_failed");
        let reject = json!({"verdict": "reject", "reason": "other", "into": number, "comment": "x", "revision": 1});
        app.post(&ravi, &path, reject).expect_problem(422, "validation_failed");
        let decided = merge(json!(number)).expect(201);
        assert_eq!(
            (decided.word("/decisions/0/verdict"), decided.word("/decisions/0/into")),
            ("merge".into(), kept.clone())
        );
        let own = app.get(&bo, &format!("/v1/tips/{}", twin.word("/id"))).expect(307);
        assert_eq!(own.header("location"), Some(format!("/v1/tips/{number}").as_str()));
        assert_eq!(app.get(&bo, &format!("/v1/tips/{kept}")).expect(200).at("/also_by/0/name"), "bo");
        assert_eq!(app.get(&bo, "/v1/notifications").expect(200).at("/items/0/kind"), "tip.merged");

        // What readers see is merged as a tip, not by turning a revision of it down.
        let live = app.published(&bo, &ravi, &printers, "Something else");
        let edit = app.call("PATCH", &format!("/v1/tips/{live}")).by(&bo).header("If-Match", "*");
        edit.json(json!({"title": "Fuse holders again"})).send().expect(200);
        let again = app.act(&bo, &format!("/v1/tips/{live}/submit"), "*", json!({})).expect(200);
        let body = json!({"verdict": "merge", "into": number, "comment": "It is known.", "revision": 2});
        app.post(&ravi, &format!("/v1/reviews/{}/decisions", again.word("/review/id")), body)
            .expect_problem(422, "validation_failed");
    });
}
