//! `/v1/search`.

use eureka_domain::community::{Openness, Role};
use eureka_testkit::on_both_apps;
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
        seen.sort();
        let mut made = made;
        made.sort();
        assert_eq!(seen, made);
    });
}
