//! The change feed: a copy that follows it holds what a list would, and nothing in it tells of what is not for its reader.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Person, Reply, TestApp, on_both_apps, sample};
use serde_json::{Value, json};

/// A copy of the tips that somebody finds.
#[derive(Default)]
struct Copy {
    next: Option<String>,
    tips: BTreeMap<String, Value>,
}

impl Copy {
    /// Follows until there is no more; answers the items.
    fn follow(&mut self, app: &TestApp, who: &Person) -> Vec<Value> {
        let mut told = Vec::new();
        loop {
            let after = self.next.as_ref().map(|next| format!("&after={next}")).unwrap_or_default();
            let page = app.get(who, &format!("/v1/changes?limit=3{after}")).expect(200);
            for item in page.at("/items").as_array().unwrap() {
                let id = item["id"].as_str().unwrap().to_owned();
                if item["gone"].is_null() {
                    self.tips.insert(id, item["revision"].clone());
                } else {
                    self.tips.remove(&id);
                }
                told.push(item.clone());
            }
            self.next = Some(page.word("/next"));
            if page.at("/more") == false {
                return told;
            }
        }
    }
}

fn kinds(told: &[Value]) -> Vec<String> {
    let gone = |item: &Value| item["gone"].as_str().map(|gone| format!(" {gone}")).unwrap_or_default();
    told.iter().map(|item| format!("{}{}", item["kind"].as_str().unwrap(), gone(item))).collect()
}

#[test]
fn a_copy_follows_a_tip_through_what_peers_do_to_it() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let stella = app.member(&printers, "stella", Role::Steward);
        let otto = app.person("otto");
        let mut copy = Copy::default();
        assert!(copy.follow(app, &otto).is_empty());
        let kept = app.published(&ana, &stella, &printers, "It stops");
        let id = app.published(&ana, &stella, &printers, "It stops too");
        app.submitted(&ana, &printers, "Not yet");
        let path = format!("/v1/tips/{id}");
        assert_eq!(kinds(&copy.follow(app, &otto)), ["tip.published", "tip.published"]);
        assert_eq!(copy.tips.len(), 2);
        let mut act = |tail: &str, body: Value| {
            app.act(&stella, &format!("{path}/{tail}"), "*", body).expect(200);
            let told = copy.follow(app, &otto);
            assert!(!json!(told).to_string().contains("why"), "{told:?}");
            (kinds(&told), copy.tips.contains_key(&id))
        };
        let why = || json!({"reason": "why"});
        assert_eq!(act("hold", why()), (vec!["tip.held held".to_owned()], false));
        assert_eq!(act("release", why()), (vec!["tip.unheld".to_owned()], true));
        assert_eq!(act("archive", why()), (vec!["tip.archived archived".to_owned()], false));
        assert_eq!(act("restore", why()), (vec!["tip.restored".to_owned()], true));
        let merged = act("merge", json!({"reason": "why", "into": kept}));
        assert_eq!(merged, (vec!["tip.merged".to_owned(), "tip.merged merged".to_owned()], false));
        assert_eq!(act("separate", why()), (vec!["tip.separated".to_owned(); 2], true));
        let edit = app.call("PATCH", &path).by(&ana).header("If-Match", "*");
        let edited = edit.json(json!({"title": "It stops at noon"})).send().expect(200);
        assert!(copy.follow(app, &otto).is_empty(), "{}", edited.text());
        let sent = app.act(&ana, &format!("{path}/submit"), "*", json!({})).expect(200);
        let decisions = format!("/v1/reviews/{}/decisions", sent.word("/review/id"));
        app.post(&stella, &decisions, json!({"verdict": "approve", "revision": 2})).expect(201);
        copy.follow(app, &otto);
        assert_eq!(copy.tips[&id], 2);
        app.call("PATCH", &format!("/v1/users/{}", ana.id))
            .by(&ana)
            .header("If-Match", "*")
            .json(json!({"name": "Ana Élan"}))
            .send()
            .expect(200);
        assert_eq!(kinds(&copy.follow(app, &otto)), ["user.renamed", "user.renamed"]);
    });
}

#[test]
fn a_community_that_closes_takes_its_tips_along_and_tells_nothing_of_what_comes_after() {
    on_both_apps(|app| {
        let lifts = app.community("lifts", Openness::Open);
        let ana = app.member(&lifts, "ana", Role::Contributor);
        let ravi = app.member(&lifts, "ravi", Role::Reviewer);
        let (otto, admin) = (app.person("otto"), app.admin());
        let shown: Vec<String> = (0..5).map(|n| app.published(&ana, &ravi, &lifts, &format!("It stops {n}"))).collect();
        app.submitted(&ana, &lifts, "Under review");
        let (mut early, mut member) = (Copy::default(), Copy::default());
        early.follow(app, &otto);
        member.follow(app, &ana);
        let turn = |openness: &str| {
            let change = app.call("PATCH", "/v1/communities/lifts").by(&admin).header("If-Match", "*");
            change.json(json!({"visibility": openness})).send().expect(200);
        };
        turn("private");
        let hidden = app.published(&ana, &ravi, &lifts, "Only for us");
        let told = early.follow(app, &otto);
        assert_eq!(kinds(&told), vec!["community.openness_changed closed"; 5]);
        let named: Vec<&str> = told.iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(named, shown);
        assert!(!json!(told).to_string().contains("lifts"), "{told:?}");
        assert!(early.tips.is_empty());
        let told = member.follow(app, &ana);
        assert_eq!((kinds(&told).len(), member.tips.len()), (6, 6));
        let late = Copy::default().follow(app, &otto);
        assert!(late.iter().all(|item| item["gone"] == "closed" && item["id"] != json!(hidden)), "{late:?}");
        turn("open");
        early.follow(app, &otto);
        assert_eq!(early.tips.len(), 6);
    });
}

#[test]
fn a_member_is_told_of_all_tips_of_a_private_community_when_they_join_and_that_they_are_gone_when_they_leave() {
    on_both_apps(|app| {
        let medical = app.community("medical", Openness::Private);
        let ana = app.member(&medical, "ana", Role::Contributor);
        let ravi = app.member(&medical, "ravi", Role::Reviewer);
        let (mia, otto, admin) = (app.person("mia"), app.person("otto"), app.admin());
        for n in 0..4 {
            app.published(&ana, &ravi, &medical, &format!("It stops {n}"));
        }
        let (mut copy, mut outside) = (Copy::default(), Copy::default());
        assert!(copy.follow(app, &mia).is_empty() && outside.follow(app, &otto).is_empty());
        let path = format!("/v1/communities/medical/members/{}", mia.id);
        let as_role = |role: &str| {
            app.call("PUT", &path).by(&admin).json(json!({"role": role})).send();
        };
        as_role("reader");
        assert_eq!(kinds(&copy.follow(app, &mia)), vec!["member.set"; 4]);
        as_role("contributor");
        assert!(copy.follow(app, &mia).is_empty());
        let late = app.published(&ana, &ravi, &medical, "It stops again");
        copy.follow(app, &mia);
        app.call("DELETE", &path).by(&mia).send().expect(204);
        app.published(&ana, &ravi, &medical, "Only for us");
        assert!(copy.tips.contains_key(&late));
        assert_eq!(kinds(&copy.follow(app, &mia)), vec!["member.removed closed"; 5]);
        assert!(copy.tips.is_empty());
        assert!(outside.follow(app, &otto).is_empty());
    });
}

#[test]
fn an_admin_follows_private_communities_for_as_long_as_they_are_one() {
    on_both_apps(|app| {
        let medical = app.community("medical", Openness::Private);
        let ana = app.member(&medical, "ana", Role::Contributor);
        let ravi = app.member(&medical, "ravi", Role::Reviewer);
        let (mia, admin) = (app.person("mia"), app.admin());
        app.published(&ana, &ravi, &medical, "It stops");
        let mut copy = Copy::default();
        copy.follow(app, &mia);
        let turn = |role: &str| {
            let change = app.call("PATCH", &format!("/v1/users/{}", mia.id)).by(&admin).header("If-Match", "*");
            change.json(json!({"site_role": role})).send().expect(200);
        };
        turn("admin");
        assert_eq!(kinds(&copy.follow(app, &mia)), ["user.role_changed"]);
        turn("member");
        assert_eq!(kinds(&copy.follow(app, &mia)), ["user.role_changed closed"]);
    });
}

#[test]
fn a_cursor_of_another_life_is_gone_and_one_that_is_none_is_refused() {
    on_both_apps(|app| {
        let otto = app.person("otto");
        let next = app.get(&otto, "/v1/changes").expect(200).word("/next");
        let get = |after: &str| app.get(&otto, &format!("/v1/changes?after={after}"));
        get(&next).expect(200);
        let (life, seq) = next.split_once('.').unwrap();
        get(&format!("{}.{seq}", life.replace('1', "2"))).expect_problem(410, "log_changed");
        get(&format!("{life}.999999")).expect_problem(410, "log_changed");
        for wrong in ["", "12", "x.1", &format!("{life}."), &format!("{life}.-1"), &format!("{next}.x"), &life[1..]] {
            get(wrong).expect_problem(400, "invalid_cursor");
        }
        app.get(&otto, "/v1/changes?limit=0").expect_problem(400, "invalid_parameter");
        app.call("GET", "/v1/changes").send().expect_problem(401, "unauthenticated");
    });
}

#[test]
fn a_caller_who_would_rather_wait_is_answered_when_there_is_something_to_tell() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let otto = app.person("otto");
        let next = app.get(&otto, "/v1/changes").expect(200).word("/next");
        let waited = |seconds: &str| -> (Reply, Duration) {
            let begun = Instant::now();
            let call = app.call("GET", &format!("/v1/changes?after={next}")).by(&otto);
            (call.header("Prefer", &format!("wait={seconds}")).send().expect(200), begun.elapsed())
        };
        let (nothing, took) = waited("1");
        assert_eq!((nothing.at("/items"), nothing.header("preference-applied")), (json!([]), Some("wait=1")));
        assert!(took >= Duration::from_secs(1), "{took:?}");
        std::thread::scope(|scope| {
            let told = scope.spawn(|| waited("20"));
            std::thread::sleep(Duration::from_millis(200));
            // What is not for them does not end the wait.
            app.submitted(&ana, &printers, "Not yet");
            let id = app.published(&ana, &ravi, &printers, "It stops");
            let (told, took) = told.join().unwrap();
            assert_eq!(told.each("/id"), [json!(id)]);
            assert!(took < Duration::from_secs(10), "{took:?}");
        });
        app.drain();
        let (at_once, took) = waited("20");
        assert_eq!(at_once.each("/kind"), ["tip.published"]);
        assert_eq!(at_once.header("preference-applied"), None);
        assert!(took < Duration::from_secs(10), "{took:?}");
    });
}

#[test]
fn whoever_is_suspended_or_logs_out_while_they_wait_is_told_nothing_more() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let otto = app.person("otto");
        let next = app.get(&otto, "/v1/changes").expect(200).word("/next");
        std::thread::scope(|scope| {
            let told = scope.spawn(|| {
                let call = app.call("GET", &format!("/v1/changes?after={next}")).by(&otto);
                call.header("Prefer", "wait=20").send()
            });
            std::thread::sleep(Duration::from_millis(200));
            app.call("POST", "/v1/auth/logout").by(&otto).send().expect(204);
            app.post(&ana, "/v1/tips", sample("printers", "A draft")).expect(201);
            app.published(&ana, &ravi, &printers, "It stops");
            told.join().unwrap().expect_problem(401, "unauthenticated");
        });
    });
}
