//! `/v1/communities/{slug}/glossary`: a community's words, in searches and in what is completed.

use chrono::Duration;
use eureka_domain::community::{Community, Openness, Role};
use eureka_testkit::{Person, Reply, TestApp, on_both, on_both_apps};
use serde_json::{Value, json};

fn rewrite(app: &TestApp, who: &Person, slug: &str, etag: &str, entries: Value) -> Reply {
    let call = app.call("PUT", &format!("/v1/communities/{slug}/glossary")).by(who).header("If-Match", etag);
    call.json(json!({"entries": entries})).send()
}

fn found(app: &TestApp, who: &Person, query: &str) -> Vec<Value> {
    app.get(who, &format!("/v1/search?q={query}")).expect(200).each("/tip/title")
}

fn completed(app: &TestApp, who: &Person, typed: &str) -> Vec<Value> {
    app.get(who, &format!("/v1/suggest?q={typed}")).expect(200).each("/text")
}

/// A community with one tip and the people in it: who writes, who reviews, who stewards.
fn staffed(app: &TestApp, slug: &str, openness: Openness, title: &str) -> (Community, Person) {
    let community = app.community(slug, openness);
    let ana = app.member(&community, &format!("ana-{slug}"), Role::Contributor);
    let stella = app.member(&community, &format!("stella-{slug}"), Role::Steward);
    app.published(&ana, &stella, &community, title);
    (community, stella)
}

#[test]
fn a_steward_rewrites_the_glossary_and_the_next_query_speaks_it() {
    on_both_apps(|app| {
        let (_, stella) = staffed(app, "printers", Openness::Open, "Document feeder pulls two sheets");
        let otto = app.person("otto");
        let none = app.get(&otto, "/v1/communities/printers/glossary").expect(200);
        assert_eq!((none.at("/version"), none.at("/entries")), (json!(0), json!([])));
        assert!(found(app, &otto, "adf").is_empty() && completed(app, &otto, "ad").is_empty());

        let entries = json!([{"term": " ADF", "means": ["document  feeder", "DADF"]}]);
        let first = rewrite(app, &stella, "printers", none.etag(), entries).expect(200);
        assert_eq!(first.at("/entries"), json!([{"term": "ADF", "means": ["document feeder", "DADF"]}]));
        assert_eq!((first.at("/version"), first.word("/editor/name").as_str()), (json!(1), "stella-printers"));
        assert_eq!(found(app, &otto, "adf"), ["Document feeder pulls two sheets"]);
        assert_eq!(found(app, &otto, "dadf&community=printers"), ["Document feeder pulls two sheets"]);
        assert_eq!(completed(app, &otto, "ad"), ["ADF"]);

        let again = rewrite(app, &stella, "printers", first.etag(), first.at("/entries")).expect(200);
        assert_eq!(again.etag(), first.etag(), "the same words are no new version");
        let second = rewrite(app, &stella, "printers", first.etag(), json!([])).expect(200);
        assert!(found(app, &otto, "adf").is_empty() && completed(app, &otto, "ad").is_empty());
        let old = app.get(&otto, "/v1/communities/printers/glossary/versions").expect(200);
        assert_eq!(old.each("/version"), [2, 1]);
        assert_eq!(old.at("/items/1/entries/0/term"), "ADF");
        let page = app.get(&otto, "/v1/communities/printers/glossary/versions?limit=1").expect(200);
        let next = format!("/v1/communities/printers/glossary/versions?limit=1&cursor={}", page.word("/next_cursor"));
        assert_eq!(app.get(&otto, &next).expect(200).each("/version"), [1]);
        let kept = app.call("GET", "/v1/communities/printers/glossary").by(&otto);
        kept.header("If-None-Match", second.etag()).send().expect(304);
    });
}

#[test]
fn only_stewards_and_admins_rewrite_a_glossary_and_only_the_one_they_saw() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let (ravi, stella) =
            (app.member(&printers, "ravi", Role::Reviewer), app.member(&printers, "stella", Role::Steward));
        let path = "/v1/communities/printers/glossary";
        let etag = app.get(&ravi, path).expect(200).etag().to_owned();
        let entries = json!([{"term": "ADF", "means": ["feeder"]}]);
        rewrite(app, &ravi, "printers", &etag, entries.clone()).expect_problem(403, "not_permitted");
        let unconditional = app.call("PUT", path).by(&stella).json(json!({"entries": entries}));
        unconditional.send().expect_problem(428, "precondition_required");
        rewrite(app, &stella, "printers", &etag, entries.clone()).expect(200);
        let stale = rewrite(app, &stella, "printers", &etag, json!([])).expect_problem(412, "stale");
        rewrite(app, &app.admin(), "printers", stale.etag(), json!([])).expect(200);

        let lifts = app.community("lifts", Openness::Private);
        let mia = app.member(&lifts, "mia", Role::Reader);
        app.get(&mia, "/v1/communities/lifts/glossary").expect(200);
        app.get(&stella, "/v1/communities/lifts/glossary").expect_problem(404, "not_found");
        app.get(&stella, "/v1/communities/lifts/glossary/versions").expect_problem(404, "not_found");
        rewrite(app, &stella, "lifts", "*", json!([])).expect_problem(404, "not_found");
        rewrite(app, &mia, "lifts", "*", json!([])).expect_problem(403, "not_permitted");
    });
}

#[test]
fn what_is_wrong_with_a_glossary_is_said_field_by_field() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let stella = app.member(&printers, "stella", Role::Steward);
        let entries = json!([
            {"term": "ADF", "means": ["feeder", "a\u{7}b"]},
            {"term": "adf", "means": []},
        ]);
        let refused = rewrite(app, &stella, "printers", "*", entries).expect_problem(422, "validation_failed");
        let pointers: Vec<Value> = (0..3).map(|n| refused.at(&format!("/errors/{n}/pointer"))).collect();
        assert_eq!(pointers, ["/entries/0/means/1", "/entries/1/term", "/entries/1/means"]);
        let odd = json!([{"term": "ADF", "means": ["feeder"], "note": "x"}]);
        rewrite(app, &stella, "printers", "*", odd).expect_problem(400, "unknown_field");
    });
}

#[test]
fn a_community_speaks_for_its_own_tips() {
    on_both_apps(|app| {
        let (_, lift) = staffed(app, "lifts", Openness::Open, "Elevator stops between floors");
        staffed(app, "printers", Openness::Open, "Paper elevator squeals");
        rewrite(app, &lift, "lifts", "*", json!([{"term": "lift", "means": ["elevator"]}])).expect(200);
        let otto = app.person("otto");
        assert_eq!(found(app, &otto, "lift"), ["Elevator stops between floors"]);
        assert!(found(app, &otto, "lift&community=printers").is_empty());
        assert_eq!(found(app, &otto, "lift&community=lifts"), ["Elevator stops between floors"]);
        assert_eq!(found(app, &otto, "lift&community=printers&community=lifts"), ["Elevator stops between floors"]);
    });
}

#[test]
fn nothing_that_an_outsider_gets_depends_on_a_private_glossary() {
    on_both_apps(|app| {
        let (medical, stella) = staffed(app, "medical", Openness::Private, "Zirconium in the autoclave");
        let (printers, _) = staffed(app, "printers", Openness::Open, "Steam in the fuser");
        let otto = app.member(&printers, "otto", Role::Steward); // who may ask for explanations
        let queries = [
            "search?q=steam&explain=true",
            "search?q=zirkonn",
            "search?q=steamm",
            "search?q=SCSZ",
            "search?q=sterilizer&facets=community",
            "search?q=steam&community=medical",
            "search?q=steam&community=medical&community=printers",
            "suggest?q=ster",
            "suggest?q=sc",
            "suggest?q=stea",
        ];
        let gets = |who: &Person| {
            let stripped = |query: &&str| {
                let mut reply = app.get(who, &format!("/v1/{query}")).expect(200).json();
                for moving in ["id", "took_ms", "position"] {
                    reply.as_object_mut().map(|fields| fields.remove(moving));
                }
                reply
            };
            queries.iter().map(stripped).collect::<Vec<_>>()
        };
        let (before, inside) = (gets(&otto), gets(&stella));
        let entries = json!([{"term": "SCSZ", "means": ["steam", "sterilizer", "zirkonn", "zirconium"]}]);
        let written = rewrite(app, &stella, "medical", "*", entries).expect(200);
        app.settle(written.position());
        assert_eq!(gets(&otto), before);
        let speaks = gets(&stella);
        assert_ne!(speaks, inside);
        let mia = app.member(&medical, "mia", Role::Reader);
        assert_eq!(found(app, &mia, "scsz"), ["Zirconium in the autoclave"]);
        assert_eq!(completed(app, &mia, "scs"), ["SCSZ"]);
    });
}

#[test]
fn a_community_that_turns_private_takes_its_words_along() {
    on_both_apps(|app| {
        let (lifts, stella) = staffed(app, "lifts", Openness::Open, "Elevator stops between floors");
        rewrite(app, &stella, "lifts", "*", json!([{"term": "paternoster", "means": ["elevator"]}])).expect(200);
        let (otto, mia) = (app.person("otto"), app.member(&lifts, "mia", Role::Reader));
        assert_eq!(completed(app, &otto, "pater"), ["paternoster"]);
        let call = app.call("PATCH", "/v1/communities/lifts").by(&stella).header("If-Match", "*");
        app.settle(call.json(json!({"visibility": "private"})).send().expect(200).position());
        assert!(completed(app, &otto, "pater").is_empty() && found(app, &otto, "paternoster").is_empty());
        assert_eq!(completed(app, &mia, "pater"), ["paternoster"]);
        assert_eq!(found(app, &mia, "paternoster"), ["Elevator stops between floors"]);
    });
}

#[test]
fn other_replicas_speak_a_new_glossary_within_a_second() {
    on_both(|database| {
        let (here, there) = (TestApp::start(database), TestApp::start(database));
        there.clock.advance(Duration::minutes(1)); // so that their ids differ
        let (_, stella) = staffed(&here, "printers", Openness::Open, "Document feeder pulls two sheets");
        let otto = here.person("otto");
        let otto_there = there.log_in(otto.id, &otto.email);
        assert!(found(&there, &otto_there, "adf").is_empty());
        let entries = json!([{"term": "ADF", "means": ["document feeder"]}]);
        let written = rewrite(&here, &stella, "printers", "*", entries).expect(200);
        let query = format!("adf&min_position={}", written.position());
        assert_eq!(found(&there, &otto_there, &query), ["Document feeder pulls two sheets"]);
        assert_eq!(completed(&there, &otto_there, "ad"), ["ADF"]);
    });
}
