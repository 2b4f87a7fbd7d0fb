//! Feeds: what a feed reader is told of a community or a search, and how it says for whom it reads.

use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Person, Reply, TestApp, on_both_apps, sample};
use serde_json::{Value, json};

fn basic(app: &TestApp, password: &str, path: &str) -> Reply {
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("reader:{password}"));
    app.call("GET", path).header("Authorization", &format!("Basic {pair}")).send()
}

/// A tip that these reviewers have approved: what is dangerous takes two.
fn approve(app: &TestApp, author: &Person, reviewers: [&Person; 2], tip: Value) -> String {
    let written = app.post(author, "/v1/tips", tip).expect(201);
    let decisions = format!("/v1/reviews/{}/decisions", written.word("/review/id"));
    for reviewer in reviewers {
        let decided = app.post(reviewer, &decisions, json!({"verdict": "approve", "revision": 1})).expect(201);
        app.settle(decided.position());
    }
    written.word("/id")
}

fn ids(feed: &Reply) -> Vec<String> {
    feed.each("/id").iter().map(|id| id.as_str().unwrap().trim_start_matches("urn:uuid:").to_owned()).collect()
}

#[test]
fn a_community_s_feed_has_what_its_reader_finds_the_newest_text_first_and_the_danger_before_it() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Steward);
        let stella = app.member(&printers, "stella", Role::Reviewer);
        let otto = app.person("otto");
        let mut tip = sample("printers", "Clean <b>& the holders\u{1}");
        tip["problem"] = json!("It stops.\n\nMostly in the \u{8}morning, <script>alert(1)</script>.");
        tip["safety"] = json!("danger");
        tip["hazard"] = json!("Mains at the holders.");
        tip["submit"] = json!(true);
        let first = approve(app, &ana, [&ravi, &stella], tip);
        app.clock.advance(chrono::Duration::minutes(5));
        let second = app.published(&ana, &ravi, &printers, "It stops too");
        app.submitted(&ana, &printers, "Nobody has approved this");
        let json = |who: &Person| app.get(who, "/v1/communities/printers/feed.json").expect(200);
        let feed = json(&otto);
        assert_eq!(ids(&feed), [second.clone(), first.clone()]);
        let told = feed.at("/items/1");
        assert_eq!(told["authors"], json!([{"name": "ana"}]));
        assert_eq!(told["_eureka"]["hazard"], "Mains at the holders.");
        for text in [&told["content_html"], &told["summary"]] {
            let text = text.as_str().unwrap();
            let (danger, problem) = (text.find("Mains at").unwrap(), text.find("It stops").unwrap());
            assert!(danger < problem, "{text}");
        }
        let html = told["content_html"].as_str().unwrap();
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "{html}");
        assert!(told["url"].as_str().unwrap().ends_with("/v1/tips/T-1001.md"), "{told}");

        let atom = app.get(&otto, "/v1/communities/printers/feed.atom").expect(200);
        assert_eq!(atom.header("content-type"), Some("application/atom+xml; charset=utf-8"));
        let read: atom_syndication::Feed = atom.text().parse().expect("an Atom feed");
        let entries: Vec<_> = read.entries.iter().map(|entry| entry.id.clone()).collect();
        assert_eq!(entries, [format!("urn:uuid:{second}"), format!("urn:uuid:{first}")]);
        assert_eq!(read.entries[1].title.value, "Clean <b>& the holders\u{fffd}");
        assert_eq!(read.entries[1].authors[0].name, "ana");
        assert_eq!(
            read.entries[1].content.as_ref().unwrap().value.as_deref(),
            Some(&*html.replace('\u{8}', "\u{fffd}"))
        );
        assert_eq!(read.updated, read.entries[0].updated);
        assert!(read.links.iter().any(|link| link.rel == "self" && link.href.ends_with("/feed.atom")), "{read:?}");

        // The next revision comes up again; an outcome or a draft does not.
        let tagged = |etag: &str| {
            let call = app.call("GET", "/v1/communities/printers/feed.json").by(&otto);
            call.header("If-None-Match", etag).send()
        };
        tagged(feed.etag()).expect(304);
        app.clock.advance(chrono::Duration::minutes(5));
        let edit = app.call("PATCH", &format!("/v1/tips/{first}")).by(&ana).header("If-Match", "*");
        edit.json(json!({"title": "Clean the holders"})).send().expect(200);
        tagged(feed.etag()).expect(304);
        let sent = app.act(&ana, &format!("/v1/tips/{first}/submit"), "*", json!({})).expect(200);
        let decisions = format!("/v1/reviews/{}/decisions", sent.word("/review/id"));
        for reviewer in [&ravi, &stella] {
            let decided = app.post(reviewer, &decisions, json!({"verdict": "approve", "revision": 2})).expect(201);
            app.settle(decided.position());
        }
        let again = tagged(feed.etag()).expect(200);
        assert_eq!(ids(&again), [first.clone(), second.clone()]);
        assert_eq!(again.at("/items/0/id"), feed.at("/items/1/id"));

        let held = app.act(&ravi, &format!("/v1/tips/{second}/hold"), "*", json!({"reason": "Smoke."})).expect(200);
        app.settle(held.position());
        assert_eq!(ids(&json(&otto)), [first]);
    });
}

#[test]
fn a_search_s_feed_has_what_has_all_the_words_and_keeps_its_id_however_it_is_written() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let found = app.published(&ana, &ravi, &printers, "Gripper slips at dawn");
        app.published(&ana, &ravi, &printers, "Drum slips");
        let feed = |query: &str| app.get(&ana, &format!("/v1/search/feed.json?{query}")).expect(200);
        assert_eq!(ids(&feed("q=gripper+slips")), [found]);
        assert!(ids(&feed("q=gripper+pyroclastium")).is_empty());
        assert_eq!(ids(&feed("q=slips")).len(), 2);
        assert_eq!(ids(&feed("q=slips&limit=1")).len(), 1);
        assert_eq!(ids(&feed("fault_code=3396&community=printers")).len(), 2);
        let id = |query: &str| {
            let atom = app.get(&ana, &format!("/v1/search/feed.atom?{query}")).expect(200);
            atom.text().parse::<atom_syndication::Feed>().unwrap().id
        };
        assert_eq!(id("q=slips&community=printers"), id("limit=3&community=printers&q=%73lips"));
        assert_ne!(id("q=slips"), id("q=slip"));
        app.get(&ana, "/v1/search/feed.atom?sort=proof").expect_problem(400, "unknown_parameter");
        // Polling is nobody's need.
        for _ in 0..5 {
            feed("q=pyroclastium");
        }
        app.service.settle_searches();
        assert!(app.get(&ravi, "/v1/gaps").expect(200).each("/id").is_empty());
    });
}

#[test]
fn a_feed_reader_says_for_whom_it_reads_with_an_api_key_as_its_password_and_with_nothing_else() {
    on_both_apps(|app| {
        let clinic = app.community("clinic", Openness::Private);
        let ana = app.member(&clinic, "ana", Role::Contributor);
        let ravi = app.member(&clinic, "ravi", Role::Reviewer);
        let otto = app.person("otto");
        let id = app.published(&ana, &ravi, &clinic, "The pump stops");
        let (path, key) = ("/v1/communities/clinic/feed.json", app.key(&ana, &["read"]));
        assert_eq!(ids(&basic(app, &key.token, path).expect(200)), [id]);
        basic(app, &key.token, "/v1/tips/T-1001.md").expect(200);
        let nobody = app.call("GET", path).send().expect_problem(401, "unauthenticated");
        let ways: Vec<_> = nobody.headers.iter().filter(|(name, _)| name == "www-authenticate").collect();
        assert!(ways.iter().any(|(_, way)| way.starts_with("Basic")), "{ways:?}");
        assert!(ways.iter().any(|(_, way)| way == "Bearer"), "{ways:?}");
        // Neither a password nor an access token is one, and nowhere else is any of them.
        for password in [eureka_testkit::PASSWORD, &ana.token, ""] {
            basic(app, password, path).expect_problem(401, "unauthenticated");
        }
        let elsewhere = basic(app, &key.token, "/v1/tips").expect_problem(401, "unauthenticated");
        assert_eq!(elsewhere.header("www-authenticate"), Some("Bearer"));
        // What is not for the key's owner is not there.
        let stranger = app.key(&otto, &["read"]);
        basic(app, &stranger.token, path).expect_problem(404, "not_found");
        assert!(ids(&basic(app, &stranger.token, "/v1/search/feed.json?q=pump").expect(200)).is_empty());
        app.admin();
        app.call("DELETE", &format!("/v1/communities/clinic/members/{}", ana.id)).by(&ana).send().expect(204);
        basic(app, &key.token, path).expect_problem(404, "not_found");
    });
}
