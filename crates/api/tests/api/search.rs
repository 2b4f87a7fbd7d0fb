//! `/v1/search`.

use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Person, on_both_apps, sample};
use serde_json::json;

#[test]
fn any_text_is_a_query() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        app.published(&ana, &ravi, &printers, "Oxidised fuse holders");
        let long = "fuse+".repeat(1500);
        for q in [
            "",
            "%20",
            "*",
            "title:*",
            "%22",
            "%22unbalanced",
            "-",
            "--",
            "-fuse",
            "a%00b",
            "%F0%9F%94%A7",
            "((",
            "AND+OR+NOT",
            "field:",
            "code:",
            "%5B1+TO+2%5D",
            "fuse%5E9999",
            "%2B%2B",
            "~",
            "code:3396",
            "E-541",
            &long,
        ] {
            let reply = app.get(&ana, &format!("/v1/search?q={q}"));
            assert_eq!(reply.status, 200, "{q}: {}", reply.text());
        }
    });
}

#[test]
fn filters_alone_are_a_query_and_explain_is_for_stewards() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let stella = app.member(&printers, "stella", Role::Steward);
        app.published(&ana, &stella, &printers, "Oxidised fuse holders");
        let by_code = app.get(&ana, "/v1/search?product=DocuColor+40&fault_code=3396").expect(200);
        assert_eq!(by_code.at("/total"), json!({"value": 1, "exact": true}));
        assert_eq!(app.get(&ana, "/v1/search?fault_code=33").expect(200).at("/total/value"), 0);
        assert_eq!(app.get(&ana, "/v1/search?community=printers&lang=en").at("/total/value"), 1);
        assert_eq!(app.get(&ana, "/v1/search?community=none").at("/total/value"), 0);
        app.get(&ana, "/v1/search?q=fuse&explain=true").expect_problem(403, "not_permitted");
        let told = app.get(&stella, "/v1/search?q=fuse&explain=true").expect(200);
        assert!(told.at("/items/0/explain").is_array(), "{}", told.text());
        let facets = app.get(&ana, "/v1/search?q=fuse&facets=product,fault_code").expect(200);
        assert_eq!(facets.at("/facets/fault_code/0/value"), "3396");
        app.get(&ana, "/v1/search?facets=colour").expect(400);
        app.get(&ana, "/v1/search?sort=loudest").expect(400);
    });
}

#[test]
fn what_was_forgiven_is_told_and_what_was_meant() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        app.published(&ana, &ravi, &printers, "Oxidised fuse holders");
        let exact = app.get(&ana, "/v1/search?q=oxidised+fuse").expect(200);
        assert!(exact.at("/relaxed").is_null() && exact.at("/did_you_mean").is_null(), "{}", exact.text());
        for (asked, kind, meant) in [
            ("q=oxydised+fuse", "corrected", json!("oxidised fuse")),
            ("q=fuse+zirconium", "ignored", json!(null)),
            ("q=%22fuse+oxidised%22", "phrase_as_words", json!(null)),
            ("q=oxi", "completed", json!(null)),
            ("product=DocuColor+40+CP&fault_code=3396", "filters_as_words", json!(null)),
        ] {
            let found = app.get(&ana, &format!("/v1/search?{asked}")).expect(200);
            assert_eq!(found.at("/total/value"), 1, "{asked}: {}", found.text());
            assert!(found.at("/relaxed").as_array().unwrap().iter().any(|step| step["kind"] == kind), "{asked}");
            assert_eq!(found.at("/did_you_mean"), meant, "{asked}");
        }
    });
}

#[test]
fn filters_and_orders_are_as_the_document_says() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let old = app.published(&ana, &ravi, &printers, "Oxidised fuse holders");
        app.clock.advance(chrono::Duration::days(20));
        let (ines, omar) =
            (app.member(&printers, "ines", Role::Contributor), app.member(&printers, "omar", Role::Reviewer));
        let new = app.published(&ines, &omar, &printers, "Fuse of the lamp");
        let outcome = app.post(&omar, &format!("/v1/tips/{old}/outcomes"), json!({"result": "fixed"})).expect(201);
        app.settle(outcome.position());
        let (old, new) = (json!(old), json!(new));
        let both = [new.clone(), old.clone()];
        for (query, wanted) in [
            ("sort=newest", &both[..]),
            ("sort=proof", &[old.clone(), new.clone()]),
            ("sort=newest&age=week", std::slice::from_ref(&new)),
            ("sort=newest&age=month", std::slice::from_ref(&old)),
            ("sort=newest&age=older", &[]),
            (&format!("sort=newest&author={}", ines.id), std::slice::from_ref(&new)),
            ("sort=newest&confidence=validated", &both),
            ("sort=newest&safety=danger", &[]),
            ("sort=newest&safety=danger&safety=caution&safety=none", &both),
            ("sort=newest&age=week&age=month", &both),
            ("sort=newest&age=week&age=older", std::slice::from_ref(&new)),
            (&format!("sort=newest&author={}&author={}", ines.id, ana.id), &both),
            (&format!("sort=newest&author={}&author={}", ines.id, omar.id), std::slice::from_ref(&new)),
            ("sort=newest&community=none&community=printers", &both),
            ("sort=newest&product=none&product=docucolor+40&fault_code=3396&fault_code=1", &both),
            ("sort=newest&lang=fr&lang=en&lang=en", &both),
        ] {
            let found = app.get(&ines, &format!("/v1/search?q=fuse&{query}")).expect(200);
            assert_eq!(found.each("/tip/id"), wanted, "{query}: {}", found.text());
        }
        let ages = app.get(&ines, "/v1/search?q=fuse&age=week&facets=age").expect(200).at("/facets/age");
        for age in ages.as_array().unwrap() {
            let query = format!("/v1/search?q=fuse&age={}", age["value"].as_str().unwrap());
            assert_eq!(
                app.get(&ines, &query).at("/total/value"),
                age["count"],
                "a facet's value is one that a filter takes"
            );
        }
        // A facet counts as if its own filter were not set, so that another value can be ticked beside the first.
        let ticked = app.get(&ines, "/v1/search?q=fuse&age=week&age=older&facets=age").expect(200);
        assert_eq!(ticked.at("/facets/age"), ages);
        let of = |one: &Person, other: &Person| format!("/v1/search?q=fuse&author={}&author={}", one.id, other.id);
        let first = app.get(&ines, &format!("{}&limit=1", of(&ana, &ines))).expect(200);
        let rest = format!("{}&author={}&cursor={}", of(&ines, &ana), ana.id, first.word("/next_cursor"));
        let rest = app.get(&ines, &rest).expect(200);
        assert_eq!(first.each("/tip/id").len() + rest.each("/tip/id").len(), 2, "the order of values is no matter");
        let twice = "/v1/search?product=DocuColor+40+CP&product=DocuColor+41+CP";
        assert_eq!(
            app.get(&ines, twice).expect(200).at("/total/value"),
            0,
            "of two products none is looked for as words"
        );
        let many = "&tag=a".repeat(51);
        for wrong in ["age=young", "age=week&age=young", "sort=newest&sort=proof", &many] {
            app.get(&ines, &format!("/v1/search?q=fuse&{wrong}")).expect_problem(400, "invalid_parameter");
        }
    });
}

#[test]
fn of_tips_that_fit_alike_those_in_the_language_of_the_screen_come_first() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        for lang in ["de", "en", "fr"] {
            let tip = json!({"lang": lang, "submit": true});
            let mut text = sample("printers", "3396");
            text.as_object_mut().unwrap().extend(tip.as_object().unwrap().clone());
            let tip = app.post(&ana, "/v1/tips", text).expect(201);
            let path = format!("/v1/reviews/{}/decisions", tip.word("/review/id"));
            let decided = app.post(&ravi, &path, json!({"verdict": "approve", "revision": 1})).expect(201);
            app.settle(decided.position());
        }
        let first = |accepted: &str| {
            let call = app.call("GET", "/v1/search?q=3396").by(&ana).header("Accept-Language", accepted);
            call.send().expect(200).word("/items/0/tip/lang")
        };
        for (accepted, wanted) in
            [("de", "de"), ("fr-CH, de;q=0.5", "fr"), ("en-US,en;q=0.9", "en"), ("de;q=0.1, en", "en")]
        {
            assert_eq!(first(accepted), wanted, "{accepted}");
        }
        for odd in ["*", "", "§", "de;q=9"] {
            assert!(["de", "en", "fr"].contains(&first(odd).as_str()), "{odd}");
        }
    });
}

#[test]
fn a_search_waits_for_the_position_it_is_told() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let head = app.submitted(&ana, &printers, "It stops").position();
        let reply = app.get(&ana, &format!("/v1/search?q=a&min_position={head}")).expect(200);
        assert!(reply.at("/position").as_i64().unwrap() >= head);
        let never = app.get(&ana, &format!("/v1/search?q=a&min_position={}", head + 1000));
        let never = never.expect_problem(503, "index_behind");
        assert!(never.header("retry-after").is_some());

        // Those who wait for ever do not take every thread from those who do not.
        let statuses: Vec<String> = std::thread::scope(|scope| {
            let wait = || app.get(&ana, &format!("/v1/search?q=a&min_position={}", i64::MAX)).code();
            let threads: Vec<_> = (0..80).map(|_| scope.spawn(wait)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(statuses.iter().any(|code| code == "busy"), "{statuses:?}");
        assert!(statuses.iter().all(|code| code == "busy" || code == "index_behind"), "{statuses:?}");
    });
}

#[test]
fn pages_of_hits_show_each_tip_once() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let made: Vec<String> =
            (0..7).map(|n| app.published(&ana, &ravi, &printers, &format!("Fuse holder {n}"))).collect();
        let mut path = "/v1/search?q=fuse&limit=3".to_owned();
        let mut seen = Vec::new();
        loop {
            let page = app.get(&ana, &path).expect(200);
            assert_eq!(page.at("/total/value"), 7);
            seen.extend(page.each("/tip/id").iter().map(|id| id.as_str().unwrap().to_owned()));
            let Some(next) = page.at("/next_cursor").as_str().map(str::to_owned) else { break };
            path = format!("/v1/search?q=fuse&limit=3&cursor={next}");
        }
        assert_eq!(seen.len(), 7);
        let first = app.get(&ana, "/v1/search?q=fuse&limit=3").word("/next_cursor");
        for other in ["q=holder", "q=fuse&sort=newest", "q=fuse&product=M450"] {
            let reply = app.get(&ana, &format!("/v1/search?{other}&cursor={first}"));
            reply.expect_problem(400, "invalid_cursor");
        }
        seen.sort();
        let mut made = made;
        made.sort();
        assert_eq!(seen, made);
    });
}
