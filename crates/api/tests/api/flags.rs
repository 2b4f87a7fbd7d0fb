//! `/v1/flags`, `/v1/tips/{id}/flags`: what readers say is wrong with tips, and the tasks that come of it.

use chrono::Duration;
use eureka_domain::community::{Community, Openness, Role};
use eureka_testkit::{Person, Reply, TestApp, on_both_apps};
use serde_json::{Value, json};

/// A community with an author, two reviewers, a steward and a tip that readers see.
struct Shop {
    printers: Community,
    ana: Person,
    ravi: Person,
    runa: Person,
    stella: Person,
    tip: String,
}

fn shop(app: &TestApp, openness: Openness) -> Shop {
    let printers = app.community("printers", openness);
    let ana = app.member(&printers, "ana", Role::Reviewer);
    let ravi = app.member(&printers, "ravi", Role::Reviewer);
    let runa = app.member(&printers, "runa", Role::Reviewer);
    let stella = app.member(&printers, "stella", Role::Steward);
    let tip = app.published(&ana, &ravi, &printers, "Clean the fuse holders");
    Shop { printers, ana, ravi, runa, stella, tip }
}

fn raise(app: &TestApp, who: &Person, tip: &str, body: Value) -> Reply {
    app.post(who, &format!("/v1/tips/{tip}/flags"), body)
}

fn resolve(app: &TestApp, who: &Person, flag: &str, resolution: &str) -> Reply {
    let path = format!("/v1/flags/{flag}/resolve");
    app.act(who, &path, "*", json!({"resolution": resolution, "reason": format!("because {resolution}")}))
}

fn flags(app: &TestApp, who: &Person, query: &str) -> Reply {
    app.get(who, &format!("/v1/flags{query}")).expect(200)
}

fn found(app: &TestApp, who: &Person, position: i64) -> Value {
    app.get(who, &format!("/v1/search?q=fuse+holders&min_position={position}")).expect(200).at("/total/value")
}

#[test]
fn a_flag_is_a_reviewers_task_and_ends_with_a_reason_that_the_flagger_sees() {
    on_both_apps(|app| {
        let Shop { tip, ana, ravi, runa, stella, .. } = shop(app, Openness::Open);
        let otto = app.person("otto");
        let text = "The holders changed with serial number 4000.";
        let raised = raise(app, &otto, &tip, json!({"kind": "outdated", "text": text})).expect(201);
        let (id, path) = (raised.word("/id"), format!("/v1/flags/{}", raised.word("/id")));
        assert_eq!(raised.header("location"), Some(&*path));
        assert_eq!((raised.word("/flagged_by/name"), raised.word("/text")), ("otto".to_owned(), text.to_owned()));
        assert_eq!(raised.word("/assignee/name"), "ravi", "the author reviews too, but not their own");
        assert_eq!(raised.at("/may_resolve"), false);
        // The clock shows a Monday: two working days.
        assert_eq!((raised.word("/opened_at"), raised.word("/due_at")), (at("21"), at("23")));

        // The next task goes to who has none.
        let next = raise(app, &otto, &tip, json!({"kind": "unclear"})).expect(201);
        assert_eq!(next.word("/assignee/name"), "runa");
        assert_eq!(raise(app, &otto, &tip, json!({"kind": "wrong"})).expect(201).word("/assignee/name"), "stella");
        assert_eq!(next.word("/due_at"), "2026-10-05T14:13:20.000000Z", "ten working days");

        resolve(app, &otto, &id, "fixed").expect_problem(403, "not_permitted");
        resolve(app, &ana, &id, "fixed").expect_problem(403, "own_tip");
        let bare = app.post(&ravi, &format!("{path}/resolve"), json!({"resolution": "fixed", "reason": "x"}));
        bare.expect_problem(428, "precondition_required");
        for (reason, code) in [(" ".to_owned(), "required"), ("x".repeat(2001), "too_long")] {
            let refused =
                app.act(&ravi, &format!("{path}/resolve"), "*", json!({"resolution": "fixed", "reason": reason}));
            let refused = refused.expect_problem(422, "validation_failed");
            assert_eq!(
                (refused.word("/errors/0/pointer"), refused.word("/errors/0/code")),
                ("/reason".to_owned(), code.to_owned())
            );
        }
        let body = json!({"resolution": "no_action", "reason": "Those have their own tip."});
        let seen = app.get(&runa, &path).expect(200);
        assert_eq!(seen.at("/may_resolve"), true);
        app.act(&runa, &format!("{path}/resolve"), "\"stale\"", body.clone()).expect_problem(412, "stale");
        let ended = app.act(&runa, &format!("{path}/resolve"), seen.etag(), body).expect(200);
        assert_eq!(
            (ended.word("/resolution"), ended.word("/resolved_by/name")),
            ("no_action".to_owned(), "runa".to_owned())
        );
        resolve(app, &runa, &id, "fixed").expect_problem(409, "already_resolved");

        assert_eq!(app.get(&otto, &path).expect(200).word("/reason"), "Those have their own tip.");
        let told = app.get(&otto, "/v1/notifications").expect(200);
        assert_eq!(told.at("/items/0/kind"), "flag.resolved", "{}", told.text());
        assert!(told.text().contains("Those have their own tip."), "{}", told.text());
        assert!(app.get(&ravi, "/v1/notifications").expect(200).text().contains(text), "whose task it is");
        assert!(app.get(&ana, "/v1/notifications").expect(200).text().contains(text), "whose words it is about");
        assert_eq!(app.get(&stella, &format!("/v1/tips/{tip}")).expect(200).word("/confidence"), "validated");
    });
}

/// A day of the month in which the tests' clock stands still.
fn at(day: &str) -> String {
    format!("2026-09-{day}T14:13:20.000000Z")
}

#[test]
fn a_person_flags_a_tip_once_per_kind_while_it_is_open() {
    on_both_apps(|app| {
        let Shop { tip, ravi, .. } = shop(app, Openness::Open);
        let (otto, olga) = (app.person("otto"), app.person("olga"));
        let first = raise(app, &otto, &tip, json!({"kind": "wrong"})).expect(201);
        raise(app, &otto, &tip, json!({"kind": "wrong", "text": "really"})).expect_problem(409, "already_flagged");
        raise(app, &otto, &tip, json!({"kind": "unclear"})).expect(201);
        raise(app, &olga, &tip, json!({"kind": "wrong"})).expect(201);
        resolve(app, &ravi, &first.word("/id"), "no_action").expect(200);
        let keyed = || {
            let call = app.call("POST", &format!("/v1/tips/{tip}/flags")).by(&otto).header("Idempotency-Key", "f");
            call.json(json!({"kind": "wrong"})).send().expect(201)
        };
        assert_eq!(keyed().body, keyed().body);
        assert_eq!(flags(app, &otto, "?state=all").each("/kind").len(), 3);
    });
}

#[test]
fn an_unsafe_flag_of_a_contributor_stops_the_use_at_once_and_a_readers_is_due_at_once() {
    on_both_apps(|app| {
        let Shop { tip, ravi, stella, printers, .. } = shop(app, Openness::Open);
        let (otto, cora) = (app.person("otto"), app.member(&printers, "cora", Role::Contributor));
        let by_reader = raise(app, &otto, &tip, json!({"kind": "unsafe"})).expect(201);
        assert_eq!(by_reader.at("/due_at"), by_reader.at("/opened_at"));
        assert_eq!(found(app, &otto, by_reader.position()), 1);

        let words = "Mains at the holders, and it says nothing of it.";
        let by_peer = raise(app, &cora, &tip, json!({"kind": "unsafe", "text": words})).expect(201);
        assert_eq!(found(app, &otto, by_peer.position()), 0);
        let path = format!("/v1/tips/{tip}");
        let held = app.get(&otto, &path).expect(200);
        assert_eq!(held.word("/hold"), words);
        let history = app.get(&otto, &format!("{path}/history")).expect(200);
        assert_eq!(history.each("/kind"), ["tip.published", "tip.held"]);

        for (person, status) in [(&cora, 403), (&ravi, 403), (&stella, 200)] {
            let release = app.act(person, &format!("{path}/release"), "*", json!({"reason": "hazard added"}));
            release.expect(status);
        }
        let again = raise(app, &app.member(&printers, "carl", Role::Contributor), &tip, json!({"kind": "unsafe"}));
        assert_eq!(app.get(&otto, &path).expect(200).word("/hold"), "flagged as unsafe");
        again.expect(201);
    });
}

#[test]
fn a_flag_that_ends_as_held_stops_the_use() {
    on_both_apps(|app| {
        let Shop { tip, ravi, .. } = shop(app, Openness::Open);
        let otto = app.person("otto");
        let flag = raise(app, &otto, &tip, json!({"kind": "customer_data"})).expect(201);
        let ended = resolve(app, &ravi, &flag.word("/id"), "held").expect(200);
        assert_eq!(found(app, &otto, ended.position()), 0);
        assert_eq!(app.get(&otto, &format!("/v1/tips/{tip}")).expect(200).word("/hold"), "because held");
    });
}

#[test]
fn each_field_of_a_flag_that_breaks_a_rule_is_pointed_at() {
    on_both_apps(|app| {
        let Shop { tip, ana, ravi, printers, .. } = shop(app, Openness::Open);
        let secret = app.community("secret", Openness::Private);
        let sam = app.member(&secret, "sam", Role::Reviewer);
        let hidden = app.published(&app.member(&secret, "suki", Role::Contributor), &sam, &secret, "Hidden");
        let other = app.published(&ana, &ravi, &printers, "The same");
        let otto = app.person("otto");
        for (body, pointer) in [
            (json!({"kind": "recheck"}), "/kind"),
            (json!({"kind": "wrong", "text": "x".repeat(2001)}), "/text"),
            (json!({"kind": "wrong", "duplicate_of": other}), "/duplicate_of"),
            (json!({"kind": "duplicate"}), "/duplicate_of"),
            (json!({"kind": "duplicate", "duplicate_of": "T-9999"}), "/duplicate_of"),
            (json!({"kind": "duplicate", "duplicate_of": "nonsense"}), "/duplicate_of"),
            (json!({"kind": "duplicate", "duplicate_of": hidden}), "/duplicate_of"),
            (json!({"kind": "duplicate", "duplicate_of": tip}), "/duplicate_of"),
        ] {
            let refused = raise(app, &otto, &tip, body.clone()).expect_problem(422, "validation_failed");
            assert_eq!(refused.word("/errors/0/pointer"), pointer, "{body}");
        }
        let double = raise(app, &otto, &tip, json!({"kind": "duplicate", "duplicate_of": other})).expect(201);
        assert_eq!(double.word("/duplicate_of"), other);

        // A tip that a reviewer may not know of is not named to them.
        let by_sam = raise(app, &sam, &tip, json!({"kind": "duplicate", "duplicate_of": hidden})).expect(201);
        assert_eq!(by_sam.word("/duplicate_of"), hidden);
        let seen = app.get(&ravi, &format!("/v1/flags/{}", by_sam.word("/id"))).expect(200);
        assert!(!seen.text().contains(&hidden), "{}", seen.text());
    });
}

#[test]
fn the_list_is_for_reviewers_and_of_ones_own_flags() {
    on_both_apps(|app| {
        let Shop { tip, ana, ravi, runa, printers, .. } = shop(app, Openness::Open);
        let (otto, olga) = (app.person("otto"), app.person("olga"));
        let lifts = app.community("lifts", Openness::Open);
        let (lena, leo) = (app.member(&lifts, "lena", Role::Reviewer), app.member(&lifts, "leo", Role::Contributor));
        let lift = app.published(&leo, &lena, &lifts, "It stops between floors");
        raise(app, &otto, &tip, json!({"kind": "unclear"})).expect(201); // due last, ravi's
        raise(app, &otto, &tip, json!({"kind": "wrong"})).expect(201); // runa's
        raise(app, &olga, &tip, json!({"kind": "unsafe"})).expect(201); // due first, stella's
        raise(app, &otto, &lift, json!({"kind": "outdated"})).expect(201);

        assert_eq!(flags(app, &ravi, "").each("/kind"), ["unsafe", "wrong", "unclear"]);
        assert_eq!(flags(app, &lena, "").each("/kind"), ["outdated"]);
        assert_eq!(flags(app, &otto, "").each("/kind").len(), 3);
        assert_eq!(flags(app, &otto, "?community=lifts").each("/kind"), ["outdated"]);
        assert_eq!(flags(app, &olga, "").each("/kind"), ["unsafe"]);
        assert!(flags(app, &leo, "").each("/kind").is_empty(), "writing is not reviewing");
        assert_eq!(flags(app, &ravi, "?mine=true").each("/kind"), ["unclear"]);
        assert_eq!(flags(app, &otto, &format!("?tip={lift}")).each("/kind"), ["outdated"]);
        assert!(flags(app, &ravi, &format!("?tip={lift}")).each("/kind").is_empty());
        app.get(&ravi, "/v1/flags?tip=nonsense").expect_problem(400, "invalid_parameter");
        assert_eq!(flags(app, &ravi, "?kind=wrong").each("/assignee/name"), ["runa"]);
        assert!(flags(app, &ravi, "?community=absent").each("/kind").is_empty());
        let first = flags(app, &ravi, "?limit=2");
        let rest = flags(app, &ravi, &format!("?limit=2&cursor={}", first.word("/next_cursor")));
        assert_eq!([first.each("/kind"), rest.each("/kind")].concat(), ["unsafe", "wrong", "unclear"]);

        let wrong = flags(app, &ravi, "?kind=wrong").word("/items/0/id");
        resolve(app, &runa, &wrong, "no_action").expect(200);
        assert_eq!(flags(app, &ravi, "").each("/kind"), ["unsafe", "unclear"]);
        assert_eq!(flags(app, &ravi, "?state=resolved").each("/kind"), ["wrong"]);
        app.clock.advance(Duration::days(2));
        let ravi = app.log_in(ravi.id, &ravi.email);
        assert_eq!(flags(app, &ravi, "?overdue=true").each("/kind"), ["unsafe"]);
        app.clock.advance(Duration::days(14));
        let (ravi, lena) = (app.log_in(ravi.id, &ravi.email), app.log_in(lena.id, &lena.email));
        assert_eq!(flags(app, &ravi, "?overdue=true").each("/kind"), ["unsafe", "unclear"]);
        for id in [wrong, "nonsense".to_owned()] {
            app.get(&lena, &format!("/v1/flags/{id}")).expect_problem(404, "not_found");
            resolve(app, &lena, &id, "fixed").expect_problem(404, "not_found");
        }
        let _ = (ana, printers);
    });
}

#[test]
fn a_reviewer_takes_a_task_and_a_steward_gives_it() {
    on_both_apps(|app| {
        let Shop { tip, ana, ravi, runa, stella, .. } = shop(app, Openness::Open);
        let otto = app.person("otto");
        let flag = raise(app, &otto, &tip, json!({"kind": "unclear"})).expect(201);
        let path = format!("/v1/flags/{}/assign", flag.word("/id"));
        let assign = |who: &Person, body: Value| app.act(who, &path, "*", body);
        assert_eq!(
            app.call("POST", &path).by(&runa).header("If-Match", "*").send().expect(200).word("/assignee/name"),
            "runa"
        );
        assign(&otto, json!({})).expect_problem(403, "not_permitted");
        assign(&ana, json!({})).expect_problem(403, "own_tip");
        assign(&runa, json!({"assignee": ravi.id.to_string()})).expect_problem(403, "not_permitted");
        let given = assign(&stella, json!({"assignee": ravi.id.to_string()})).expect(200);
        assert_eq!(given.word("/assignee/name"), "ravi");
        assert!(app.get(&ravi, "/v1/notifications").expect(200).each("/kind").contains(&json!("flag.assigned")));
        assign(&stella, json!({"assignee": ana.id.to_string()})).expect_problem(403, "own_tip");
        assign(&stella, json!({"assignee": otto.id.to_string()})).expect_problem(422, "validation_failed");
    });
}

#[test]
fn whoever_loses_sight_of_a_tip_loses_sight_of_their_flag() {
    on_both_apps(|app| {
        let Shop { tip, ravi, printers, .. } = shop(app, Openness::Private);
        let rea = app.member(&printers, "rea", Role::Reader);
        let flag = raise(app, &rea, &tip, json!({"kind": "unclear", "text": "zirconium"})).expect(201);
        let path = format!("/v1/flags/{}", flag.word("/id"));
        assert_eq!(app.get(&rea, &path).expect(200).word("/tip/title"), "Clean the fuse holders");
        let member = format!("/v1/communities/printers/members/{}", rea.id);
        app.call("DELETE", &member).by(&app.admin()).send().expect(204);
        resolve(app, &ravi, &flag.word("/id"), "no_action").expect(200);
        app.get(&rea, &path).expect_problem(404, "not_found");
        assert!(flags(app, &rea, "?state=all").each("/id").is_empty());
        let told = app.get(&rea, "/v1/notifications").expect(200).text();
        assert!(!told.contains("fuse holders") && !told.contains("because"), "{told}");
    });
}

#[test]
fn of_many_equal_flags_at_once_one_is_raised_and_one_end_counts() {
    on_both_apps(|app| {
        let Shop { tip, ravi, runa, .. } = shop(app, Openness::Open);
        let otto = app.person("otto");
        let at_once = |send: &(dyn Fn(usize) -> Reply + Sync)| -> Vec<u16> {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..20).map(|n| scope.spawn(move || send(n).status)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            })
        };
        let raised = at_once(&|_| raise(app, &otto, &tip, json!({"kind": "wrong"})));
        assert_eq!(raised.iter().filter(|&&status| status == 201).count(), 1, "{raised:?}");
        let flag = flags(app, &otto, "").word("/items/0/id");
        let ended = at_once(&|n| {
            let (who, resolution) = if n % 2 == 0 { (&ravi, "fixed") } else { (&runa, "no_action") };
            resolve(app, who, &flag, resolution)
        });
        assert_eq!(ended.iter().filter(|&&status| status == 200).count(), 1, "{ended:?}");
        assert_eq!(ended.iter().filter(|&&status| status == 409).count(), 19, "{ended:?}");
    });
}

#[test]
fn a_duplicate_flag_that_ends_as_merged_merges_and_only_a_steward_ends_it_so() {
    on_both_apps(|app| {
        let Shop { tip, printers, ana, ravi, stella, .. } = shop(app, Openness::Open);
        let otto = app.person("otto");
        let other = app.published(&ana, &ravi, &printers, "Fuse holders oxidise");
        let other = app.get(&otto, &format!("/v1/tips/{other}")).expect(200);
        let wrong = raise(app, &otto, &tip, json!({"kind": "wrong"})).expect(201).word("/id");
        let body = json!({"kind": "duplicate", "duplicate_of": other.word("/number")});
        let duplicate = raise(app, &otto, &tip, body).expect(201).word("/id");

        let refused = resolve(app, &stella, &wrong, "merged").expect_problem(422, "validation_failed");
        assert_eq!(refused.word("/errors/0/pointer"), "/resolution");
        resolve(app, &ravi, &duplicate, "merged").expect_problem(403, "not_permitted");
        assert!(app.get(&otto, &format!("/v1/flags/{duplicate}")).expect(200).at("/resolution").is_null());
        let ended = resolve(app, &stella, &duplicate, "merged").expect(200);
        assert_eq!(found(app, &otto, ended.position()), 1);
        let merged = app.get(&otto, &format!("/v1/tips/{tip}"));
        assert_eq!(merged.header("location"), Some(&*format!("/v1/tips/{}", other.word("/number"))));
        let history = app.get(&ravi, &format!("/v1/tips/{tip}/history")).expect(200);
        assert!(history.each("/kind").contains(&json!("tip.merged")));
        assert!(history.text().contains("because merged"), "{}", history.text());

        // What was merged by hand is recorded as it is.
        resolve(app, &stella, &wrong, "merged").expect(200);
    });
}
