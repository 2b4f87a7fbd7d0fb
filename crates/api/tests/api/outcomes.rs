//! `/v1/tips/{id}/outcomes`, and the proof that tips and hits show.

use chrono::Duration;
use eureka_domain::Clock;
use eureka_domain::community::{Community, Openness, Role};
use eureka_testkit::{Person, Reply, TestApp, on_both_apps};
use serde_json::{Value, json};

/// A community with an author, a reviewer, and a tip that both have brought to readers.
struct Shop {
    printers: Community,
    ana: Person,
    ravi: Person,
    tip: String,
}

fn shop(app: &TestApp) -> Shop {
    let printers = app.community("printers", Openness::Open);
    let ana = app.member(&printers, "ana", Role::Contributor);
    let ravi = app.member(&printers, "ravi", Role::Reviewer);
    let tip = app.published(&ana, &ravi, &printers, "Clean the fuse holders");
    Shop { printers, ana, ravi, tip }
}

fn tell(app: &TestApp, who: &Person, tip: &str, body: Value) -> Reply {
    app.post(who, &format!("/v1/tips/{tip}/outcomes"), body)
}

/// What the tip's uses say: fixed, in part, not fixed.
fn counts(app: &TestApp, who: &Person, tip: &str) -> [i64; 3] {
    let read = app.get(who, &format!("/v1/tips/{tip}")).expect(200);
    ["fixed", "partly", "not_fixed"].map(|word| read.at(&format!("/proof/{word}")).as_i64().unwrap_or_default())
}

fn hit(app: &TestApp, who: &Person, position: i64) -> Value {
    let found = app.get(who, &format!("/v1/search?q=fuse+holders&min_position={position}")).expect(200);
    found.at("/items/0/tip/proof")
}

#[test]
fn one_tap_tells_that_it_fixed_it_and_every_reader_sees_so() {
    on_both_apps(|app| {
        let Shop { tip, ravi, .. } = shop(app);
        assert!(app.get(&ravi, &format!("/v1/tips/{tip}")).at("/proof").is_null());
        let body = json!({"result": "fixed", "product": "docucolor  40", "client_id": "0192a4b2-7c1e-7aa0-8f5e"});
        assert!(body.to_string().len() <= 200 && json!({"result": "fixed"}).to_string().len() < 20);
        let mut last = None;
        for name in ["otto", "olga", "omar"] {
            let told = tell(app, &app.person(name), &tip, body.clone()).expect(201);
            assert_eq!((told.word("/counting"), told.at("/revision")), ("counted".to_owned(), json!(1)));
            assert_eq!(told.word("/product"), "DocuColor 40", "spelled as in the tip");
            assert_eq!(told.word("/by/name"), name);
            last = Some(told);
        }
        let last = last.unwrap();
        let proof = json!({
            "fixed": 3, "partly": 0, "not_fixed": 0, "total": 3, "lower": 0.526, "upper": 1.0,
            "last_used_at": last.word("/happened_at"),
        });
        assert_eq!(hit(app, &ravi, last.position()), proof);
        let read = app.get(&ravi, &format!("/v1/tips/{tip}")).expect(200);
        let mut model = proof.clone();
        model["product"] = json!("DocuColor 40");
        let mut whole = proof;
        whole["models"] = json!([model]);
        assert_eq!(read.at("/proof"), whole);
        assert!(app.service.indexer().verify(|_| ()).unwrap().is_none());
    });
}

#[test]
fn a_proof_fades_in_the_index_and_in_the_database_alike() {
    on_both_apps(|app| {
        let Shop { tip, ana, ravi, .. } = shop(app);
        let mut position = 0;
        for name in ["otto", "olga", "omar"] {
            position = tell(app, &app.person(name), &tip, json!({"result": "not_fixed"})).expect(201).position();
        }
        assert_eq!(hit(app, &ravi, position)["upper"], 0.474);
        app.clock.advance(Duration::days(365));
        let ravi = app.log_in(ravi.id, &ravi.email);
        assert_eq!(hit(app, &ravi, position)["upper"], 0.643);
        let ana = app.log_in(ana.id, &ana.email);
        assert_eq!(app.get(&ana, &format!("/v1/tips/{tip}")).at("/proof/upper"), 0.643);
        assert!(app.service.indexer().verify(|_| ()).unwrap().is_none(), "nothing that is stored has changed");
    });
}

#[test]
fn the_last_word_of_a_person_on_a_job_or_a_day_counts() {
    on_both_apps(|app| {
        let Shop { tip, ravi, .. } = shop(app);
        let otto = app.person("otto");
        let told = |body| tell(app, &otto, &tip, body).expect(201);
        told(json!({"result": "fixed", "work_order": "W-1"}));
        assert_eq!(counts(app, &ravi, &tip), [1, 0, 0]);
        let second = told(json!({"result": "not_fixed", "work_order": " W-1 "}));
        assert_eq!(counts(app, &ravi, &tip), [0, 0, 1], "it came back");
        told(json!({"result": "partly", "work_order": "W-2"}));
        assert_eq!(counts(app, &ravi, &tip), [0, 1, 1]);
        told(json!({"result": "fixed"}));
        told(json!({"result": "not_applicable"}));
        assert_eq!(counts(app, &ravi, &tip), [0, 1, 1], "the day's last word says nothing");
        app.clock.advance(Duration::days(1));
        let (otto, ravi) = (app.log_in(otto.id, &otto.email), app.log_in(ravi.id, &ravi.email));
        tell(app, &otto, &tip, json!({"result": "fixed"})).expect(201);
        tell(app, &otto, &tip, json!({"result": "fixed", "work_order": "W-1"})).expect(201);
        assert_eq!(counts(app, &ravi, &tip), [2, 1, 0], "a job is told of on any day");

        let all = app.get(&ravi, &format!("/v1/tips/{tip}/outcomes")).expect(200);
        let counting: Vec<_> = all.each("/counting").into_iter().rev().collect();
        assert_eq!(counting, ["replaced", "replaced", "counted", "replaced", "counted", "counted", "counted"]);
        let read = app.get(&ravi, &format!("/v1/tips/{tip}/outcomes/{}", second.word("/id"))).expect(200);
        assert_eq!(read.word("/counting"), "replaced");
    });
}

#[test]
fn those_whose_words_are_in_a_tip_are_heard_and_never_count() {
    on_both_apps(|app| {
        let Shop { tip, ana, ravi, printers } = shop(app);
        let stella = app.member(&printers, "stella", Role::Steward);
        let path = format!("/v1/tips/{tip}");
        // The co-author's revision goes live, then one of the author's alone.
        for (editor, revision) in [(&stella, 2), (&ana, 3)] {
            let edit = app.call("PATCH", &path).by(editor).header("If-Match", "*");
            let draft = edit.json(json!({"cause": format!("Oxide, {revision}.")})).send().expect(200);
            let sent = app.act(editor, &format!("{path}/submit"), draft.etag(), json!({})).expect(200);
            let decide = format!("/v1/reviews/{}/decisions", sent.word("/review/id"));
            app.post(&ravi, &decide, json!({"verdict": "approve", "revision": revision})).expect(201);
        }
        for author in [&ana, &stella] {
            let told = tell(app, author, &tip, json!({"result": "fixed", "note": "again"})).expect(201);
            assert_eq!((told.word("/counting"), told.at("/revision")), ("own".to_owned(), json!(3)));
        }
        assert!(app.get(&ravi, &path).at("/proof").is_null());
        assert_eq!(app.get(&ravi, &format!("{path}/outcomes")).expect(200).each("/note"), ["again", "again"]);
        tell(app, &ravi, &tip, json!({"result": "fixed"})).expect(201);
        assert_eq!(counts(app, &ana, &tip), [1, 0, 0], "who has reviewed it has not written it");
    });
}

#[test]
fn an_outcome_is_of_the_text_that_was_live_when_it_happened() {
    on_both_apps(|app| {
        let Shop { tip, ana, ravi, .. } = shop(app);
        let path = format!("/v1/tips/{tip}");
        let first_day = app.clock.now();
        app.clock.advance(Duration::minutes(5));
        let edit = app.call("PATCH", &path).by(&ana).header("If-Match", "*").json(json!({"cause": "Oxide."}));
        let sent = app.act(&ana, &format!("{path}/submit"), edit.send().expect(200).etag(), json!({})).expect(200);
        let decide = format!("/v1/reviews/{}/decisions", sent.word("/review/id"));
        app.post(&ravi, &decide, json!({"verdict": "approve", "revision": 2})).expect(201);
        app.clock.advance(Duration::minutes(5));
        let used = |minutes: i64| (first_day + Duration::minutes(minutes)).to_rfc3339();
        for (name, minutes, revision) in [("otto", -9, 1), ("olga", 1, 1), ("omar", 5, 2), ("odo", 9, 2)] {
            let body = json!({"result": "fixed", "happened_at": used(minutes)});
            assert_eq!(tell(app, &app.person(name), &tip, body).expect(201).at("/revision"), revision, "{name}");
        }
        let since = app.get(&ravi, &format!("{path}/outcomes?since_revision=2")).expect(200);
        app.get(&ravi, &format!("{path}/outcomes?since_revision=0")).expect_problem(400, "invalid_parameter");
        assert_eq!(since.each("/by/name"), ["odo", "omar"]);
        let future = tell(app, &ravi, &tip, json!({"result": "fixed", "happened_at": used(11)}));
        assert_eq!(future.expect_problem(422, "validation_failed").at("/errors/0/pointer"), "/happened_at");
    });
}

#[test]
fn an_outcome_told_again_is_the_same_one() {
    on_both_apps(|app| {
        let Shop { tip, ravi, printers, ana } = shop(app);
        let otto = app.person("otto");
        let body = json!({"result": "fixed", "client_id": "tap-1", "product": "DocuColor 40"});
        let first = tell(app, &otto, &tip, body.clone()).expect(201);
        assert_eq!(first.header("location"), Some(&*format!("/v1/tips/{tip}/outcomes/{}", first.word("/id"))));
        app.clock.advance(Duration::days(7));
        let otto = app.log_in(otto.id, &otto.email);
        let again = tell(app, &otto, &tip, body).expect(201);
        assert_eq!((again.body.clone(), again.position()), (first.body.clone(), first.position()));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        let (ravi, ana) = (app.log_in(ravi.id, &ravi.email), app.log_in(ana.id, &ana.email));
        assert_eq!(counts(app, &ravi, &tip), [1, 0, 0]);

        let other = tell(app, &otto, &tip, json!({"result": "not_fixed", "client_id": "tap-1"}));
        assert_eq!(other.expect_problem(422, "idempotency_key_reused").at("/errors/0/pointer"), "/client_id");
        let second = app.published(&ana, &ravi, &printers, "Another tip");
        let elsewhere = tell(app, &otto, &second, json!({"result": "fixed", "client_id": "tap-1"}));
        elsewhere.expect_problem(422, "idempotency_key_reused");
        tell(app, &ravi, &tip, json!({"result": "fixed", "client_id": "tap-1"})).expect(201);

        let keyed = |result: &str| {
            let call = app.call("POST", &format!("/v1/tips/{tip}/outcomes")).by(&otto).header("Idempotency-Key", "k");
            call.json(json!({"result": result, "work_order": "W-9"})).send()
        };
        assert_eq!(keyed("fixed").expect(201).body, keyed("fixed").expect(201).body);
        keyed("partly").expect_problem(422, "idempotency_key_reused");
    });
}

#[test]
fn each_field_that_breaks_a_rule_is_pointed_at() {
    on_both_apps(|app| {
        let Shop { tip, ravi, .. } = shop(app);
        for (field, value, status) in [
            ("minutes_spent", json!(-1), 422),
            ("minutes_saved", json!(1_000_000), 422),
            ("product", json!("x".repeat(201)), 422),
            ("work_order", json!("x".repeat(201)), 422),
            ("note", json!("x".repeat(2001)), 422),
            ("client_id", json!("two words"), 422),
            ("happened_at", json!("1066-10-14T00:00:00Z"), 422),
            ("happened_at", json!("yesterday"), 400),
            ("result", json!("great"), 400),
            ("stars", json!(5), 400),
        ] {
            let mut body = json!({"result": "fixed"});
            body[field] = value;
            let refused = tell(app, &ravi, &tip, body).expect(status);
            assert_eq!(refused.at("/errors/0/pointer"), format!("/{field}"), "{}", refused.text());
        }
        assert_eq!(tell(app, &ravi, &tip, json!({})).expect(400).at("/errors/0/pointer"), "/result");
    });
}

#[test]
fn who_told_what_is_for_reviewers_and_themselves() {
    on_both_apps(|app| {
        let Shop { tip, ana, ravi, printers } = shop(app);
        let (otto, cora) = (app.person("otto"), app.member(&printers, "cora", Role::Contributor));
        let path = format!("/v1/tips/{tip}/outcomes");
        let body = json!({"result": "fixed", "work_order": "W-77", "note": "took a longer screw", "client_id": "c1"});
        let told = tell(app, &otto, &tip, body).expect(201);
        tell(app, &cora, &tip, json!({"result": "partly"})).expect(201);

        for reviewer in [&ravi, &app.admin()] {
            let all = app.get(reviewer, &path).expect(200);
            assert_eq!(all.each("/by/name"), ["cora", "otto"]);
            assert_eq!(all.each("/work_order")[1], "W-77");
        }
        for (contributor, names) in [(&ana, [Value::Null, Value::Null]), (&cora, [json!("cora"), Value::Null])] {
            let all = app.get(contributor, &path).expect(200);
            assert_eq!(all.each("/by/name"), names);
            assert_eq!(all.each("/note")[1], "took a longer screw");
            let text = all.text();
            assert!(!text.contains("W-77") && !text.contains(&otto.id.to_string()) && !text.contains("c1"), "{text}");
        }
        assert_eq!(app.get(&otto, &path).expect(200).each("/by/name"), ["otto"], "a reader, of their own");
        assert_eq!(app.get(&cora, &format!("{path}?mine=true")).expect(200).each("/result"), ["partly"]);
        let olga = app.person("olga");
        assert!(app.get(&olga, &path).expect(200).each("/id").is_empty());
        let one = format!("{path}/{}", told.word("/id"));
        app.get(&olga, &one).expect_problem(404, "not_found");
        assert_eq!(app.get(&otto, &one).expect(200).body, told.body);
        assert!(!app.get(&cora, &one).expect(200).text().contains("W-77"));

        // A walk shows each once; history tells of no use.
        let first = app.get(&ravi, &format!("{path}?limit=1")).expect(200);
        let rest = app.get(&ravi, &format!("{path}?limit=1&cursor={}", first.word("/next_cursor"))).expect(200);
        assert_eq!([first.each("/by/name"), rest.each("/by/name")].concat(), ["cora", "otto"]);
        assert!(rest.at("/next_cursor").is_null());
        for person in [&ravi, &ana, &olga] {
            assert!(!app.get(person, &format!("/v1/tips/{tip}/history")).expect(200).text().contains("outcome"));
        }
    });
}

#[test]
fn only_what_readers_see_can_be_used() {
    on_both_apps(|app| {
        let Shop { ana, ravi, printers, .. } = shop(app);
        let waiting = app.submitted(&ana, &printers, "Waiting").word("/id");
        for insider in [&ana, &ravi] {
            tell(app, insider, &waiting, json!({"result": "fixed"})).expect_problem(409, "not_published");
            let none = app.get(insider, &format!("/v1/tips/{waiting}/outcomes")).expect(200);
            assert!(none.each("/id").is_empty());
        }
        tell(app, &app.person("otto"), &waiting, json!({"result": "fixed"})).expect_problem(404, "not_found");
    });
}

#[test]
fn an_outcome_is_no_conflict_with_an_edit_but_a_new_state_of_what_is_shown() {
    on_both_apps(|app| {
        let Shop { tip, ana, .. } = shop(app);
        let path = format!("/v1/tips/{tip}");
        let read = app.get(&ana, &path).expect(200);
        tell(app, &app.person("otto"), &tip, json!({"result": "fixed"})).expect(201);
        let cached = app.call("GET", &path).by(&ana).header("If-None-Match", read.etag()).send().expect(200);
        assert_ne!(cached.etag(), read.etag());
        app.call("GET", &path).by(&ana).header("If-None-Match", cached.etag()).send().expect(304);
        let edit =
            |etag: &str| app.call("PATCH", &path).by(&ana).header("If-Match", etag).json(json!({"cause": "Oxide."}));
        let edited = edit(read.etag()).send().expect(200);
        for old in [read.etag(), cached.etag()] {
            edit(old).send().expect_problem(412, "stale");
        }
        edit(edited.etag()).send().expect(200);
    });
}

#[test]
fn of_fifty_outcomes_at_once_each_counts_once() {
    on_both_apps(|app| {
        let Shop { tip, ravi, .. } = shop(app);
        let people: Vec<Person> = (0..10).map(|n| app.person(&format!("p{n}"))).collect();
        std::thread::scope(|scope| {
            for n in 0..50 {
                let (person, tip) = (&people[n % 10], &tip);
                // Of each person five: twice the same tap, and thrice the same job.
                let body = match n / 10 {
                    0 | 1 => json!({"result": "fixed", "client_id": "tap"}),
                    _ => json!({"result": "not_fixed", "work_order": "W-1"}),
                };
                scope.spawn(move || tell(app, person, tip, body).expect(201));
            }
        });
        assert_eq!(counts(app, &ravi, &tip), [10, 0, 10]);
        let all = app.get(&ravi, &format!("/v1/tips/{tip}/outcomes?limit=100")).expect(200);
        assert_eq!(all.each("/id").len(), 40);
        let counted = app.get(&ravi, &format!("/v1/tips/{tip}/outcomes?limit=100&counting=counted")).expect(200);
        assert_eq!(counted.each("/id").len(), 20);
    });
}

#[test]
fn what_using_a_tip_did_moves_with_it_into_another_and_back() {
    on_both_apps(|app| {
        let Shop { tip, ana, ravi, printers } = shop(app);
        let stella = app.member(&printers, "stella", Role::Steward);
        let cora = app.member(&printers, "cora", Role::Contributor);
        let target = app.published(&cora, &ravi, &printers, "Fuse holders oxidise");
        let (otto, olga) = (app.person("otto"), app.person("olga"));
        tell(app, &otto, &tip, json!({"result": "fixed", "client_id": "before"})).expect(201);
        tell(app, &otto, &target, json!({"result": "partly"})).expect(201);
        let path = format!("/v1/tips/{tip}");
        let merge = app.act(&stella, &format!("{path}/merge"), "*", json!({"into": target, "reason": "the same"}));
        let merged = merge.expect(200);
        assert_eq!(counts(app, &ravi, &target), [1, 1, 0]);
        let found = app.get(&ravi, &format!("/v1/search?q=oxidise&min_position={}", merged.position())).expect(200);
        assert_eq!(found.at("/items/0/tip/proof/total"), 2);

        // Whoever still has the old name tells of the new one; the old author's word counts there no more than hers.
        let told = tell(app, &olga, &tip, json!({"result": "not_fixed"})).expect(201);
        assert_eq!(told.word("/tip"), target);
        for author in [&ana, &cora] {
            assert_eq!(tell(app, author, &target, json!({"result": "fixed"})).expect(201).word("/counting"), "own");
        }
        assert_eq!(counts(app, &ravi, &target), [1, 1, 1]);
        let again = tell(app, &otto, &tip, json!({"result": "fixed", "client_id": "before"})).expect(201);
        assert_eq!(again.word("/tip"), tip, "told before it went");
        assert_eq!(app.get(&ravi, &format!("/v1/tips/{target}/outcomes")).expect(200).each("/id").len(), 5);

        let separate = app.act(&stella, &format!("{path}/separate"), "*", json!({"reason": "not the same"}));
        let separated = separate.expect(200);
        assert_eq!((counts(app, &ravi, &tip), counts(app, &ravi, &target)), ([1, 0, 0], [0, 1, 1]));
        app.settle(separated.position());
        assert!(app.service.indexer().verify(|_| ()).unwrap().is_none());
    });
}
