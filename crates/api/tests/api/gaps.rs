//! `/v1/gaps`: what people searched for in vain, for those who can answer it.

use chrono::Duration;
use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Person, Reply, TestApp, on_both_apps, sample};
use serde_json::{Value, json};

/// Searches, and waits until that is remembered.
fn search(app: &TestApp, who: &Person, query: &str) -> Reply {
    let found = app.get(who, &format!("/v1/search?q={query}")).expect(200);
    app.service.settle_searches();
    found
}

fn gaps(app: &TestApp, who: &Person, query: &str) -> Reply {
    app.get(who, &format!("/v1/gaps{query}")).expect(200)
}

/// A tip that is meant to answer a gap: what its author sees.
fn answer(app: &TestApp, author: &Person, community: &str, gap: &Value) -> Reply {
    let mut tip = sample(community, "Zirconium dust in the duct");
    tip["gap"] = gap.clone();
    tip["submit"] = json!(true);
    app.post(author, "/v1/tips", tip)
}

fn approve(app: &TestApp, reviewer: &Person, tip: &Reply) -> Reply {
    let path = format!("/v1/reviews/{}/decisions", tip.word("/review/id"));
    app.post(reviewer, &path, json!({"verdict": "approve", "revision": 1})).expect(201)
}

#[test]
fn what_is_searched_in_vain_is_a_gap_from_the_third_search_on() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let (ana, pat) = (app.member(&printers, "ana", Role::Contributor), app.member(&printers, "pat", Role::Reader));
        let otto = app.person("otto");
        search(app, &ana, "zirconium+duct&community=printers");
        search(app, &ana, "the+duct+of+zirconium&community=printers");
        assert!(gaps(app, &ana, "").each("/id").is_empty());
        search(app, &ana, "Zirconium+DUCTS&community=printers");
        let alone = gaps(app, &ana, "");
        assert_eq!(alone.each("/terms"), [json!(["duct", "zirconium"])]);
        assert_eq!(alone.at("/items/0/wording"), Value::Null, "one person's wording is their own");
        assert_eq!((alone.at("/items/0/asked"), alone.at("/items/0/people")), (json!(3), json!(1)));
        assert_eq!(alone.word("/items/0/community"), "printers");

        search(app, &otto, "zirconium+duct&community=printers");
        let gap = gaps(app, &ana, "?community=printers");
        assert_eq!((gap.at("/items/0/asked"), gap.at("/items/0/people")), (json!(4), json!(2)));
        assert_eq!(gap.word("/items/0/wording"), "zirconium duct");
        for hidden in ["ana", "otto", &otto.id.to_string()] {
            assert!(!gap.text().contains(hidden), "who asked is told to nobody");
        }
        for stranger in [&otto, &pat] {
            assert!(gaps(app, stranger, "").each("/id").is_empty(), "it is for those who can answer it");
            let path = format!("/v1/gaps/{}", gap.word("/items/0/id"));
            app.get(stranger, &path).expect_problem(404, "not_found");
        }
        assert_eq!(gaps(app, &app.admin(), "").each("/id").len(), 1);
        assert!(gaps(app, &ana, "?community=lifts").each("/id").is_empty());
    });
}

#[test]
fn a_search_is_in_vain_though_one_of_its_words_stands_somewhere() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let (ana, ravi) =
            (app.member(&printers, "ana", Role::Contributor), app.member(&printers, "ravi", Role::Reviewer));
        app.published(&ana, &ravi, &printers, "Dust in the tray");
        for q in ["zirconium+dust", "tray+dust", "dust+tray+zirconium"] {
            for _ in 0..3 {
                let found = search(app, &ana, &format!("{q}&community=printers"));
                assert_eq!(found.at("/total/value"), 1, "{q}");
            }
            let terms = gaps(app, &ana, "").each("/terms");
            assert_eq!(terms, [json!(["dust", "zirconium"])], "{q}");
        }
    });
}

#[test]
fn of_a_query_that_is_asked_for_while_it_is_typed_only_the_last_form_counts() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let pat = app.person("pat");
        let q = "zirconium yttrium";
        for round in 0..3 {
            for typed in (1..=q.len()).chain([q.len() - 1, q.len() - 2]).filter_map(|end| q.get(..end)) {
                for who in [&ana, &pat] {
                    app.get(who, &format!("/v1/search?community=printers&q={}", typed.replace(' ', "+"))).expect(200);
                }
                app.clock.advance(Duration::milliseconds(300));
            }
            if round == 0 {
                app.service.settle_searches();
            }
            app.clock.advance(Duration::seconds(20));
        }
        app.service.settle_searches();
        let found = gaps(app, &ana, "");
        assert_eq!(found.each("/terms"), [json!(["yttri", "zirconium"])], "{}", found.text());
        assert_eq!((found.at("/items/0/asked"), found.at("/items/0/people")), (json!(6), json!(2)));
        // Another question is no continuation, however soon it comes.
        for query in ["hafnium", "niobium", "hafnium", "niobium", "hafnium&product=A1", "hafnium"] {
            app.get(&ana, &format!("/v1/search?community=printers&q={query}")).expect(200);
        }
        app.service.settle_searches();
        assert_eq!(gaps(app, &ana, "").each("/terms")[0], json!(["hafnium"]));
    });
}

#[test]
fn one_code_is_one_gap_however_it_is_written() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        for query in ["E-977", "E+977", "e977", "&fault_code=E_977", "e+977"] {
            search(app, &ana, &format!("{query}&community=printers"));
        }
        let found = gaps(app, &ana, "");
        assert_eq!((found.each("/terms"), found.each("/asked")), (vec![json!(["e977"])], vec![json!(5)]));
    });
}

#[test]
fn remembering_searches_leaves_no_row_in_the_change_log() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let head = || format!("{:?}", app.service.verify_log(|_| ()).unwrap());
        let before = head();
        for _ in 0..5 {
            search(app, &ana, "zirconium&community=printers");
        }
        assert_eq!(head(), before);
        assert_eq!(app.service.searches_dropped(), 0);
    });
}

#[test]
fn gaps_are_told_apart_by_product_and_fault_code_and_community() {
    on_both_apps(|app| {
        let (printers, lifts) = (app.community("printers", Openness::Open), app.community("lifts", Openness::Open));
        let ana = app.member(&printers, "ana", Role::Contributor);
        app.service.enrol_member(lifts.id, ana.id, Role::Contributor).unwrap();
        for query in [
            "zirconium&community=printers&product=DocuColor+40",
            "zirconium&community=printers",
            "zirconium&community=lifts",
            "&community=lifts&fault_code=E-977&product=Schindler",
            "zirconium",
        ] {
            for _ in 0..3 {
                search(app, &ana, query);
            }
        }
        assert_eq!(gaps(app, &ana, "").each("/id").len(), 5);
        assert_eq!(gaps(app, &ana, "?community=printers").each("/id").len(), 2);
        let docucolor = gaps(app, &ana, "?product=docucolor++40");
        assert_eq!(docucolor.each("/product"), ["DocuColor 40"]);
        assert_eq!(gaps(app, &ana, "?product=schindler").each("/terms"), [json!(["e977"])]);
        let first = gaps(app, &ana, "?limit=2");
        let rest = gaps(app, &ana, &format!("?limit=100&cursor={}", first.word("/next_cursor")));
        assert_eq!(first.each("/id").len() + rest.each("/id").len(), 5);
        // What narrows a search to no result is no need, and what is asked of several communities at once is none's.
        for _ in 0..3 {
            search(app, &ana, "yttrium&tag=nowhere&community=printers");
            search(app, &ana, "yttrium&community=printers&community=lifts");
            search(app, &ana, "yttrium&community=printers&product=DocuColor+40&product=DocuColor+50");
        }
        assert_eq!(gaps(app, &ana, "").each("/id").len(), 5);
    });
}

#[test]
fn what_members_of_a_private_community_search_for_stays_there() {
    on_both_apps(|app| {
        let (printers, medical) =
            (app.community("printers", Openness::Open), app.community("medical", Openness::Private));
        let mia = app.member(&medical, "mia", Role::Contributor);
        app.service.enrol_member(printers.id, mia.id, Role::Contributor).unwrap();
        let ana = app.member(&printers, "ana", Role::Steward);
        for query in ["zirconium", "zirconium", "zirconium", "yttrium&community=medical"] {
            search(app, &mia, query);
            search(app, &ana, "yttrium&community=medical");
        }
        assert!(gaps(app, &ana, "").each("/id").is_empty(), "{}", gaps(app, &ana, "").text());
        assert!(gaps(app, &ana, "?community=medical").each("/id").is_empty());
        let inside = gaps(app, &mia, "");
        assert_eq!(
            (inside.each("/terms"), inside.each("/community")),
            (vec![json!(["zirconium"])], vec![json!("medical")])
        );
    });
}

#[test]
fn a_gap_is_one_persons_to_answer_until_they_give_it_back() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let (ana, pat) =
            (app.member(&printers, "ana", Role::Contributor), app.member(&printers, "pat", Role::Contributor));
        for _ in 0..3 {
            search(app, &ana, "zirconium&community=printers");
        }
        let path = format!("/v1/gaps/{}", gaps(app, &ana, "").word("/items/0/id"));
        let claimed = app.post(&ana, &format!("{path}/claim"), json!({})).expect(200);
        assert_eq!((claimed.word("/state").as_str(), claimed.word("/claim/by/name").as_str()), ("claimed", "ana"));
        app.post(&pat, &format!("{path}/claim"), json!({})).expect_problem(409, "claimed_by_other");
        app.post(&pat, &format!("{path}/release"), json!({})).expect_problem(409, "claimed_by_other");
        assert_eq!(gaps(app, &pat, "?state=claimed").each("/id").len(), 1);
        assert!(gaps(app, &pat, "?state=open").each("/id").is_empty());
        let released = app.post(&ana, &format!("{path}/release"), json!({})).expect(200);
        assert_eq!(released.word("/state"), "open");
        app.post(&pat, &format!("{path}/claim"), json!({})).expect(200);
        app.clock.advance(Duration::days(15));
        app.post(&app.log_in(ana.id, &ana.email), &format!("{path}/claim"), json!({})).expect(200);
        app.post(&app.person("otto"), &format!("{path}/claim"), json!({})).expect_problem(404, "not_found");
    });
}

#[test]
fn a_tip_that_answers_a_gap_closes_it_and_tells_those_who_asked() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let (otto, mia) = (app.person("otto"), app.person("mia"));
        for who in [&otto, &mia, &ana] {
            search(app, who, "zirconium&community=printers");
        }
        let gap = gaps(app, &ana, "").at("/items/0/id");
        let path = format!("/v1/gaps/{}", gap.as_str().unwrap());
        answer(app, &ana, "printers", &json!(app.service.new_request_id())).expect_problem(422, "validation_failed");
        let tip = answer(app, &ana, "printers", &gap).expect(201);
        assert_eq!(gaps(app, &ana, "").each("/state"), ["open"], "not before peers approve");
        let decided = approve(app, &ravi, &tip);
        let closed = app.get(&ana, &path).expect(200);
        assert_eq!((closed.word("/state"), closed.word("/answer")), ("closed".to_owned(), tip.word("/number")));
        assert!(gaps(app, &ana, "").each("/id").is_empty());
        assert_eq!(gaps(app, &ana, "?state=closed").each("/id"), std::slice::from_ref(&gap));
        for who in [&otto, &mia] {
            let told = app.get(who, "/v1/notifications").expect(200);
            assert_eq!((told.each("/kind"), told.each("/tip/number")), (vec![json!("gap.answered")], tip_number(&tip)));
        }
        let author = app.get(&ana, "/v1/notifications").expect(200).each("/kind");
        assert!(!author.contains(&json!("gap.answered")), "{author:?}");
        app.post(&ana, &format!("{path}/claim"), json!({})).expect_problem(409, "already_answered");
        answer(app, &ana, "printers", &gap).expect_problem(409, "already_answered");
        app.settle(decided.position());
        assert_eq!(search(app, &otto, "zirconium&community=printers").at("/total/value"), 1);
    });
}

#[test]
fn those_who_may_not_read_the_answer_are_not_told_of_it() {
    on_both_apps(|app| {
        let medical = app.community("medical", Openness::Private);
        let ana = app.member(&medical, "ana", Role::Contributor);
        let (ravi, mia) = (app.member(&medical, "ravi", Role::Reviewer), app.member(&medical, "mia", Role::Reader));
        for _ in 0..3 {
            search(app, &mia, "zirconium");
        }
        let gap = gaps(app, &ana, "").at("/items/0/id");
        let member = format!("/v1/communities/medical/members/{}", mia.id);
        app.call("DELETE", &member).by(&mia).send().expect(204);
        approve(app, &ravi, &answer(app, &ana, "medical", &gap).expect(201));
        assert!(app.get(&mia, "/v1/notifications").expect(200).each("/kind").is_empty());
    });
}

#[test]
fn searches_whose_hits_nobody_opens_are_gaps_where_clients_tell_what_is_opened() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        app.published(&ana, &ravi, &printers, "Squealing drum");
        for _ in 0..4 {
            search(app, &ana, "squeal&community=printers");
        }
        app.clock.advance(Duration::hours(1));
        app.service.forget_expired().unwrap();
        let ana = app.log_in(ana.id, &ana.email);
        assert!(gaps(app, &ana, "").each("/id").is_empty(), "this client has never told of anything");

        let other = search(app, &ana, "drum").word("/id");
        app.call("POST", &format!("/v1/searches/{other}/opened")).by(&ana).send().expect(204);
        app.service.settle_searches();
        app.service.forget_expired().unwrap();
        let gap = gaps(app, &ana, "");
        assert_eq!((gap.each("/terms"), gap.at("/items/0/asked")), (vec![json!(["squeal"])], json!(4)));
        app.service.forget_expired().unwrap();
        assert_eq!(gaps(app, &ana, "").at("/items/0/asked"), 4, "each counts once");
        app.call("POST", "/v1/searches/nonsense/opened").by(&ana).send().expect_problem(404, "not_found");
    });
}

#[test]
fn searches_are_forgotten_after_180_days_and_their_gap_keeps_its_count() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        for query in ["zirconium", "zirconium", "zirconium", "yttrium"] {
            search(app, &ana, &format!("{query}&community=printers"));
        }
        app.clock.advance(Duration::days(181));
        assert!(app.service.forget_expired().unwrap() >= 5, "four searches, and the gap nobody came back for");
        let ana = app.log_in(ana.id, &ana.email);
        let kept = gaps(app, &ana, "");
        assert_eq!((kept.each("/terms"), kept.at("/items/0/asked")), (vec![json!(["zirconium"])], json!(3)));
        search(app, &ana, "yttrium&community=printers");
        assert_eq!(gaps(app, &ana, "").each("/id").len(), 1);
    });
}

fn tip_number(tip: &Reply) -> Vec<Value> {
    vec![tip.at("/number")]
}
