//! What a caller may not see does not exist: the same reply as for what is not there, wherever the id came from.

use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Person, TestApp, on_both_apps, sample};
use serde_json::{Value, json};

const CANARY: &str = "zirconium";

/// The paths that lead to a tip, with its id in place.
const PATHS: [(&str, &str); 19] = [
    ("GET", ""),
    ("GET", ".md"),
    ("GET", "/revisions"),
    ("GET", "/revisions/1"),
    ("GET", "/history"),
    ("GET", "/similar"),
    ("PUT", "/watch"),
    ("DELETE", "/watch"),
    ("POST", "/submit"),
    ("POST", "/withdraw"),
    ("POST", "/hold"),
    ("POST", "/release"),
    ("POST", "/archive"),
    ("POST", "/restore"),
    ("POST", "/separate"),
    ("GET", "/revisions/1/diff"),
    ("GET", "/outcomes"),
    ("POST", "/outcomes"),
    ("POST", "/flags"),
];

/// A body that a path takes.
fn body(tail: &str) -> Value {
    match tail {
        "/outcomes" => json!({"result": "fixed"}),
        "/flags" => json!({"kind": "wrong"}),
        _ => json!({"reason": "x"}),
    }
}

fn same_as_absent(app: &TestApp, who: &Person, id: &str, number: &str) {
    let absent = "01930000-0000-7000-8000-000000000000";
    for (method, tail) in PATHS {
        let send = |tip: &str| {
            let call = app.call(method, &format!("/v1/tips/{tip}{tail}")).by(who).header("X-Request-Id", "same");
            let call = if method == "POST" { call.header("If-Match", "*").json(body(tail)) } else { call };
            call.send()
        };
        let nothing = send(absent);
        for name in [id, number] {
            let reply = send(name);
            assert_eq!(reply.status, 404, "{method} {tail} by {}: {}", who.email, reply.text());
            assert_eq!(reply.text().replace(name, absent), nothing.text(), "{method} {tail}");
        }
    }
    for path in ["/v1/tips?limit=100", "/v1/changes?limit=100", "/v1/exports/tips"] {
        let list = app.get(who, path).expect(200).text().to_lowercase();
        assert!(!list.contains(CANARY) && !list.contains(id), "{path} by {}: {list}", who.email);
    }
    // A search for the hidden word is as good as one for a word that nobody ever wrote.
    let search = |word: &str| {
        let facets = "product,tag,community,author,fault_code";
        let mut answer = app.get(who, &format!("/v1/search?q={word}&facets={facets}")).expect(200).json();
        answer["took_ms"].take();
        answer["id"].take();
        answer.to_string().replace(word, "…")
    };
    assert_eq!(search(CANARY), search("pyroclast"), "by {}", who.email);
}

fn canary(app: &TestApp, author: &Person, slug: &str, submit: bool) -> (String, String) {
    let mut tip = sample(slug, "Zirconium title");
    for field in ["problem", "solution", "cause"] {
        tip[field] = json!(format!("zirconium {field}"));
    }
    for field in ["products", "tags", "fault_codes", "parts"] {
        tip[field] = json!(["zirconium"]);
    }
    tip["submit"] = json!(submit);
    let made = app.post(author, "/v1/tips", tip).expect(201);
    (made.word("/id"), made.word("/number"))
}

#[test]
fn a_draft_exists_for_its_author_alone() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let (id, number) = canary(app, &ana, "printers", false);
        for (name, role) in [("bo", Role::Contributor), ("ravi", Role::Reviewer), ("stella", Role::Steward)] {
            same_as_absent(app, &app.member(&printers, name, role), &id, &number);
        }
        same_as_absent(app, &app.person("otto"), &id, &number);
        same_as_absent(app, &app.admin(), &id, &number);
    });
}

#[test]
fn a_draft_exists_for_all_whose_words_are_in_it_whoever_edited_it_last() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let stella = app.member(&printers, "stella", Role::Steward);
        let path = format!("/v1/tips/{}", app.published(&ana, &ravi, &printers, "It stops"));
        let edit = |who: &Person, title: &str| {
            let edit = app.call("PATCH", &path).by(who).header("If-Match", "*");
            edit.json(json!({"title": title})).send().expect(200);
        };
        edit(&stella, "It stops when it is cold");
        edit(&ana, "It stops on Mondays");
        for co_author in [&ana, &stella] {
            let seen = app.get(co_author, &path).expect(200);
            assert_eq!(seen.word("/pending/title"), "It stops on Mondays", "{}", seen.text());
            assert_eq!(app.get(co_author, "/v1/tips?state=draft").each("/pending/title").len(), 1);
        }
        assert_eq!(app.get(&ravi, &path).at("/pending"), json!(null));
        assert!(app.get(&ravi, "/v1/tips?state=draft").each("/id").is_empty());
    });
}

#[test]
fn a_submission_exists_for_its_author_and_the_reviewers() {
    on_both_apps(|app| {
        let (printers, lifts) = (app.community("printers", Openness::Open), app.community("lifts", Openness::Open));
        let ana = app.member(&printers, "ana", Role::Contributor);
        let (id, number) = canary(app, &ana, "printers", true);
        app.get(&app.member(&printers, "ravi", Role::Reviewer), &format!("/v1/tips/{id}")).expect(200);
        same_as_absent(app, &app.member(&printers, "bo", Role::Contributor), &id, &number);
        same_as_absent(app, &app.member(&lifts, "lena", Role::Reviewer), &id, &number);
    });
}

#[test]
fn an_editor_who_left_a_private_community_no_longer_reads_its_live_text() {
    on_both_apps(|app| {
        let medical = app.community("medical", Openness::Private);
        let ana = app.member(&medical, "ana", Role::Contributor);
        let ravi = app.member(&medical, "ravi", Role::Reviewer);
        let stella = app.member(&medical, "stella", Role::Steward);
        let id = app.published(&ana, &ravi, &medical, "Zirconium in the autoclave");
        let path = format!("/v1/tips/{id}");
        let edit = app.call("PATCH", &path).by(&stella).header("If-Match", "*");
        let edited = edit.json(json!({"title": "Another title", "problem": "Another problem."})).send().expect(200);
        assert_eq!(edited.word("/title"), "Zirconium in the autoclave");
        let member = format!("/v1/communities/medical/members/{}", stella.id);
        app.call("DELETE", &member).by(&app.admin()).send().expect(204);
        let left = app.get(&stella, &path).text().to_lowercase();
        assert!(!left.contains(CANARY), "{left}");
    });
}

#[test]
fn what_a_reviewer_says_to_an_author_is_not_for_every_reader() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let tip = app.submitted(&ana, &printers, "It stops");
        let path = format!("/v1/reviews/{}/decisions", tip.word("/review/id"));
        app.post(&ravi, &path, json!({"verdict": "approve", "revision": 1, "comment": CANARY})).expect(201);
        let history = format!("/v1/tips/{}/history", tip.word("/id"));
        for inside in [&ana, &ravi] {
            assert!(app.get(inside, &history).expect(200).text().contains(CANARY), "{}", inside.email);
        }
        let outside = app.get(&app.person("otto"), &history).expect(200);
        assert_eq!(outside.each("/kind"), ["tip.published"]);
        assert!(!outside.text().contains(CANARY), "{}", outside.text());
    });
}

#[test]
fn a_tip_of_a_private_community_exists_for_its_members() {
    on_both_apps(|app| {
        let medical = app.community("medical", Openness::Private);
        let ana = app.member(&medical, "ana", Role::Contributor);
        let ravi = app.member(&medical, "ravi", Role::Reviewer);
        let (id, number) = canary(app, &ana, "medical", true);
        let review = app.get(&ana, &format!("/v1/tips/{id}")).word("/review/id");
        let body = json!({"verdict": "approve", "revision": 1});
        let decided = app.post(&ravi, &format!("/v1/reviews/{review}/decisions"), body).expect(201);
        app.settle(decided.position());
        let found = app.get(&app.member(&medical, "mia", Role::Reader), "/v1/search?q=zirconium").expect(200);
        assert_eq!(found.at("/total/value"), 1);
        let otto = app.person("otto");
        same_as_absent(app, &otto, &id, &number);
        app.get(&otto, &format!("/v1/reviews/{review}")).expect_problem(404, "not_found");
        let open = app.community("printers", Openness::Open);
        same_as_absent(app, &app.member(&open, "stella", Role::Steward), &id, &number);
    });
}

#[test]
fn what_a_reviewer_said_when_merging_is_not_for_every_reader_of_what_came_after() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let stella = app.member(&printers, "stella", Role::Steward);
        let kept = app.published(&ana, &stella, &printers, "It stops");
        let tip = app.submitted(&ana, &printers, "It stops too");
        let decide = |tip: &eureka_testkit::Reply, body: serde_json::Value| {
            app.post(&stella, &format!("/v1/reviews/{}/decisions", tip.word("/review/id")), body).expect(201)
        };
        decide(&tip, json!({"verdict": "merge", "into": kept, "comment": CANARY, "revision": 1}));
        let path = format!("/v1/tips/{}", tip.word("/id"));
        app.act(&stella, &format!("{path}/separate"), "*", json!({"reason": "not the same"})).expect(200);
        let edit = app.call("PATCH", &path).by(&ana).header("If-Match", "*");
        edit.json(json!({"problem": "Another one."})).send().expect(200);
        let again = app.act(&ana, &format!("{path}/submit"), "*", json!({})).expect(200);
        decide(&again, json!({"verdict": "approve", "revision": 2}));
        let history = format!("{path}/history");
        assert!(app.get(&ana, &history).expect(200).text().contains(CANARY));
        let outside = app.get(&app.person("otto"), &history).expect(200);
        assert_eq!(outside.each("/kind"), ["tip.merged", "tip.separated", "tip.published"]);
        assert!(!outside.text().contains(CANARY), "{}", outside.text());
    });
}

#[test]
fn an_author_who_left_a_private_community_is_not_told_which_tip_theirs_went_into() {
    on_both_apps(|app| {
        let medical = app.community("medical", Openness::Private);
        let ana = app.member(&medical, "ana", Role::Contributor);
        let bo = app.member(&medical, "bo", Role::Contributor);
        let ravi = app.member(&medical, "ravi", Role::Reviewer);
        let kept = app.published(&ana, &ravi, &medical, "Zirconium in the autoclave");
        let tip = app.submitted(&bo, &medical, "It stops");
        let decisions = format!("/v1/reviews/{}/decisions", tip.word("/review/id"));
        app.post(&ravi, &decisions, json!({"verdict": "merge", "into": kept, "comment": "Known.", "revision": 1}))
            .expect(201);
        let path = format!("/v1/tips/{}", tip.word("/id"));
        app.get(&bo, &path).expect(307);
        app.call("DELETE", &format!("/v1/communities/medical/members/{}", bo.id)).by(&bo).send().expect(204);
        let own = app.get(&bo, &path).expect(200);
        assert_eq!((own.word("/title"), own.at("/replaced_by")), ("It stops".to_owned(), json!(null)));
    });
}
