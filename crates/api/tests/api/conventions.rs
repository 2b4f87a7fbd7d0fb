//! What holds on every route: problems, strictness, limits, conditions, idempotency, pages.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Person, Reply, TestApp, TestDatabase, on_both_apps, sample};
use serde_json::{Value, json};

/// A community with an author.
fn printers(app: &TestApp) -> Person {
    let printers = app.community("printers", Openness::Open);
    app.member(&printers, "ana", Role::Contributor)
}

#[test]
fn every_refusal_is_a_problem_with_a_stable_code_and_a_request_id() {
    on_both_apps(|app| {
        let ana = printers(app);
        let json = |body: &str| app.call("POST", "/v1/tips").by(&ana).raw("application/json", body.as_bytes()).send();
        let cases: Vec<(Reply, u16, &str, &str)> = vec![
            (json("{"), 400, "malformed_json", ""),
            (json(""), 400, "malformed_json", ""),
            (json("[]"), 400, "invalid_body", ""),
            (json(r#"{"title": 3}"#), 400, "invalid_body", "/title"),
            (json(r#"{"community": "printers", "title": "a"}"#), 400, "invalid_body", "/problem"),
            (json(r#"{"community": "printers", "titel": "a"}"#), 400, "unknown_field", "/titel"),
            (
                json("{\"community\": \"printers\", \"title\": \"a\u{0}b\", \"problem\": \"c\"}"),
                400,
                "malformed_json",
                "",
            ),
            (app.get(&ana, "/v1/tips?limit=0"), 400, "invalid_parameter", "limit"),
            (app.get(&ana, "/v1/tips?limit=many"), 400, "invalid_parameter", "limit"),
            (app.get(&ana, "/v1/search?min_position=-1"), 400, "invalid_parameter", "min_position"),
            (app.get(&ana, "/v1/tips?colour=red"), 400, "unknown_parameter", "colour"),
            (app.get(&ana, "/v1/tips?cursor=abc"), 400, "invalid_cursor", "cursor"),
            (app.get(&ana, "/v1/search?cursor=abc"), 400, "invalid_cursor", "cursor"),
            (app.get(&ana, "/v1/tips/T-99999999999999999999"), 404, "not_found", ""),
            (app.get(&ana, "/v1/tips/%00"), 404, "not_found", ""),
            (app.get(&ana, "/v1/tips/T-1042"), 404, "not_found", ""),
            (app.get(&ana, "/v1/nothing"), 404, "not_found", ""),
            (app.call("DELETE", "/v1/tips").by(&ana).send(), 405, "method_not_allowed", ""),
            (app.call("GET", "/v1/reviews/claim-next?community=x").by(&ana).send(), 405, "method_not_allowed", ""),
            (app.call("POST", "/v1/tips").by(&ana).raw("text/plain", b"{}").send(), 415, "unsupported_media_type", ""),
        ];
        for (reply, status, code, pointer) in cases {
            let reply = reply.expect_problem(status, code);
            assert_eq!(reply.header("content-type"), Some("application/problem+json"));
            assert_eq!(reply.header("x-request-id"), Some(reply.word("/request_id").as_str()));
            assert_eq!(reply.word("/errors/0/pointer"), pointer, "{}", reply.text());
            assert_eq!(reply.at("/status"), status);
        }
    });
}

#[test]
fn a_path_tells_its_own_methods_and_not_those_of_a_pattern_it_fits() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let cases = [
            ("/v1/reviews/claim-next", "POST"),
            ("/v1/tips/T-1042.md", "GET"),
            ("/v1/tips/T-1042", "GET, PATCH"),
            ("/v1/tips/similar", "POST"),
        ];
        for (path, methods) in cases {
            let reply = app.call("OPTIONS", path).by(&ana).send().expect_problem(405, "method_not_allowed");
            assert_eq!(reply.header("allow"), Some(methods), "{path}");
        }
    });
}

#[test]
fn a_nul_in_a_text_is_refused_wherever_it_stands() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let (ana, sue) = (app.member(&printers, "ana", Role::Contributor), app.member(&printers, "sue", Role::Steward));
        let (admin, ravi) = (app.admin(), app.member(&printers, "ravi", Role::Reviewer));
        let tip = app.submitted(&ana, &printers, "It stops");
        let (id, review) = (tip.word("/id"), tip.word("/review/id"));
        let bodies = [
            (&admin, "POST", "/v1/communities".to_owned(), json!({"slug": "a\0", "name": "a"}), "/slug"),
            (&admin, "POST", "/v1/communities".to_owned(), json!({"slug": "ab", "name": "a\0"}), "/name"),
            (&sue, "PATCH", "/v1/communities/printers".to_owned(), json!({"description": "\0"}), "/description"),
            (&admin, "PATCH", format!("/v1/users/{}", ana.id), json!({"name": "Ana\0"}), "/name"),
            (&ana, "POST", "/v1/auth/login".to_owned(), json!({"email": "a\0@x.org", "password": "x"}), "/email"),
            (&ana, "POST", "/v1/auth/login".to_owned(), json!({"email": "a@x.org", "password": "\0"}), "/password"),
            (&ana, "POST", "/v1/auth/refresh".to_owned(), json!({"refresh_token": "\0"}), "/refresh_token"),
            (&ana, "POST", "/v1/tips".to_owned(), sample("printers", "a\0"), "/title"),
            (&ana, "POST", "/v1/tips".to_owned(), sample("print\0ers", "a"), "/community"),
            (&ana, "PATCH", format!("/v1/tips/{id}"), json!({"parts": ["a", "b\0"]}), "/parts/1"),
            (&ana, "POST", format!("/v1/tips/{id}/withdraw"), json!({"reason": "\0"}), "/reason"),
            (&ravi, "POST", format!("/v1/tips/{id}/hold"), json!({"reason": "\0"}), "/reason"),
            (&sue, "POST", format!("/v1/tips/{id}/archive"), json!({"reason": "\0"}), "/reason"),
            (
                &ravi,
                "POST",
                format!("/v1/reviews/{review}/decisions"),
                json!({"verdict": "reject", "reason": "other", "comment": "a\0", "revision": 1}),
                "/comment",
            ),
            (&ana, "POST", "/v1/tips/similar".to_owned(), json!({"title": "\0"}), "/title"),
        ];
        for (person, method, path, body, pointer) in bodies {
            let reply = app.call(method, &path).by(person).header("If-Match", "*").json(body).send();
            let reply = reply.expect_problem(400, "invalid_body");
            assert_eq!(reply.word("/errors/0/pointer"), pointer, "{path}");
        }
        for (path, parameter) in [
            ("/v1/tips", "community"),
            ("/v1/tips", "product"),
            ("/v1/tips", "fault_code"),
            ("/v1/tips", "tag"),
            ("/v1/reviews", "community"),
            ("/v1/reviews", "product"),
            ("/v1/reviews", "lang"),
            ("/v1/search", "community"),
            ("/v1/search", "cursor"),
            ("/v1/users", "cursor"),
        ] {
            let reply = app.get(&admin, &format!("{path}?{parameter}=a%00")).expect_problem(400, "invalid_parameter");
            assert_eq!(reply.word("/errors/0/pointer"), parameter);
        }
        for path in ["/v1/search?q=a%00", "/v1/suggest?q=a%00"] {
            app.get(&ana, path).expect(200);
        }
        for path in
            ["/v1/communities/%00", "/v1/communities/a%00/members", "/v1/tips/%00/history", "/v1/users/%00", "/%00"]
        {
            app.get(&admin, path).expect_problem(404, "not_found");
        }
        let put = app.call("PUT", &format!("/v1/communities/%00/members/{}", ana.id)).by(&admin);
        put.json(json!({"role": "reader"})).send().expect_problem(404, "not_found");
        app.post(&admin, "/v1/reviews/claim-next?community=%00", json!({})).expect_problem(400, "invalid_parameter");
    });
}

#[test]
fn a_head_is_a_get_without_its_body() {
    on_both_apps(|app| {
        let ana = printers(app);
        let made = app.post(&ana, "/v1/tips", sample("printers", "It stops")).expect(201);
        let path = format!("/v1/tips/{}", made.word("/id"));
        let (get, head) = (app.get(&ana, &path).expect(200), app.call("HEAD", &path).by(&ana).send().expect(200));
        assert!(head.body.is_empty());
        for name in ["etag", "content-type", "content-length"] {
            assert_eq!(head.header(name), get.header(name), "{name}");
        }
        app.call("HEAD", "/v1/tips/T-9999").by(&ana).send().expect(404);
    });
}

#[test]
fn a_405_names_the_methods_there_are() {
    on_both_apps(|app| {
        let ana = printers(app);
        let reply = app.call("DELETE", "/v1/tips").by(&ana).send().expect(405);
        assert_eq!(reply.header("allow"), Some("GET, POST"));
    });
}

#[test]
fn a_text_that_breaks_rules_is_told_every_one_of_them_and_leaves_no_trace() {
    on_both_apps(|app| {
        let ana = printers(app);
        let mut tip = sample("printers", " ");
        tip["problem"] = json!("x".repeat(100_001));
        tip["safety"] = json!("danger");
        tip["fault_codes"] = json!(["E-541", "y".repeat(500)]);
        let reply = app.post(&ana, "/v1/tips", tip).expect_problem(422, "validation_failed");
        let pointers: Vec<String> =
            reply.at("/errors").as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect();
        for expected in ["/title", "/problem", "/hazard", "/fault_codes/1"] {
            assert!(pointers.iter().any(|p| p == expected), "{expected} not in {pointers:?}");
        }
        assert!(app.get(&ana, "/v1/tips").each("/id").is_empty());
    });
}

#[test]
fn a_body_over_a_megabyte_or_compressed_is_refused_before_it_is_read() {
    on_both_apps(|app| {
        let ana = printers(app);
        let big = vec![b' '; (1 << 20) + 1];
        let reply = app.call("POST", "/v1/tips").by(&ana).raw("application/json", &big).send();
        reply.expect_problem(413, "payload_too_large");
        for encoding in ["gzip", "br", "zstd", "deflate", "x-made-up"] {
            let call = app.call("POST", "/v1/tips").by(&ana).header("Content-Encoding", encoding);
            call.raw("application/json", b"whatever").send().expect_problem(415, "unsupported_encoding");
        }
    });
}

#[test]
fn a_body_that_trickles_in_is_given_up_on() {
    let database = TestDatabase::sqlite();
    let app = TestApp::start(&database);
    let ana = printers(&app);
    let mut stream = TcpStream::connect(app.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head = format!(
        "POST /v1/tips HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{",
        ana.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    let mut buffer = [0; 4096];
    while !answer.contains("request_timeout") {
        let n = stream.read(&mut buffer).unwrap();
        assert!(n > 0, "closed without an answer: {answer}");
        answer.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[test]
fn a_change_owes_an_if_match_and_a_stale_one_is_told_the_present_tag() {
    on_both_apps(|app| {
        let ana = printers(app);
        let made = app.post(&ana, "/v1/tips", sample("printers", "It stops")).expect(201);
        let path = format!("/v1/tips/{}", made.word("/id"));
        let edit = |etag: Option<&str>, title: &str| {
            let call = app.call("PATCH", &path).by(&ana);
            let call = etag.map_or(app.call("PATCH", &path).by(&ana), |etag| call.header("If-Match", etag));
            call.json(json!({"title": title})).send()
        };
        edit(None, "a").expect_problem(428, "precondition_required");
        edit(Some("unquoted"), "a").expect_problem(400, "invalid_header");
        let first = made.etag().to_owned();
        let changed = edit(Some(&first), "It stops at noon").expect(200);
        assert_ne!(changed.etag(), first);
        let stale = edit(Some(&first), "It stops at night").expect_problem(412, "stale");
        assert_eq!(stale.etag(), changed.etag());
        assert_eq!(app.get(&ana, &path).word("/title"), "It stops at noon");
        edit(Some(&format!("\"other\", {}", changed.etag())), "It stops at night").expect(200);
        edit(Some("*"), "It stops").expect(200);
    });
}

#[test]
fn what_cannot_be_removed_cannot_be_patched_with_null() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let (ana, sue) = (app.member(&printers, "ana", Role::Contributor), app.member(&printers, "sue", Role::Steward));
        let admin = app.admin();
        let tip = app.post(&ana, "/v1/tips", sample("printers", "It stops")).expect(201);
        let (tip, user) = (format!("/v1/tips/{}", tip.word("/id")), format!("/v1/users/{}", ana.id));
        let community = "/v1/communities/printers";
        for (person, path, body, pointer) in [
            (&ana, tip.as_str(), json!({"title": null}), "/title"),
            (&ana, &tip, json!({"problem": null}), "/problem"),
            (&ana, &user, json!({"name": null}), "/name"),
            (&ana, &user, json!({"password": null}), "/password"),
            (&admin, &user, json!({"site_role": null}), "/site_role"),
            (&admin, &user, json!({"status": null}), "/status"),
            (&sue, community, json!({"name": null}), "/name"),
            (&sue, community, json!({"description": null}), "/description"),
            (&sue, community, json!({"visibility": null}), "/visibility"),
            (&sue, community, json!({"policy": null}), "/policy"),
            (&sue, community, json!({"policy": {"quorum": null}}), "/policy/quorum"),
            (&sue, community, json!({"policy": {"claim_minutes": null}}), "/policy/claim_minutes"),
            (&sue, community, json!({"policy": {"decision_days": null}}), "/policy/decision_days"),
        ] {
            let reply = app.call("PATCH", path).by(person).header("If-Match", "*").json(body).send();
            assert_eq!(reply.expect_problem(400, "invalid_body").word("/errors/0/pointer"), pointer);
        }
    });
}

#[test]
fn a_reader_who_has_the_present_state_gets_304() {
    on_both_apps(|app| {
        let ana = printers(app);
        let made = app.post(&ana, "/v1/tips", sample("printers", "It stops")).expect(201);
        let path = format!("/v1/tips/{}", made.word("/id"));
        let read = |tag: &str| app.call("GET", &path).by(&ana).header("If-None-Match", tag).send();
        for tag in [made.etag().to_owned(), format!("W/{}", made.etag()), "*".to_owned()] {
            let reply = read(&tag).expect(304);
            assert!(reply.body.is_empty());
        }
        read("\"another\"").expect(200);
    });
}

#[test]
fn a_repeated_creation_gets_the_first_reply_and_makes_nothing_new() {
    on_both_apps(|app| {
        let ana = printers(app);
        let create = |key: &str, title: &str| {
            let call = app.call("POST", "/v1/tips").by(&ana).header("Idempotency-Key", key);
            call.json(sample("printers", title)).send()
        };
        let first = create("k1", "It stops").expect(201);
        assert_eq!(first.header("idempotency-replayed"), None);
        let again = create("k1", "It stops").expect(201);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!((&again.body, again.header("etag")), (&first.body, first.header("etag")));
        create("k1", "It goes").expect_problem(422, "idempotency_key_reused");
        create("k2", "It stops").expect(201);
        assert_eq!(app.get(&ana, "/v1/tips").each("/id").len(), 2);
        create(&"k".repeat(256), "It stops").expect_problem(400, "invalid_header");

        // Keys are each caller's own.
        let community = app.community("drives", Openness::Open);
        let bo = app.member(&community, "bo", Role::Contributor);
        let other = app.call("POST", "/v1/tips").by(&bo).header("Idempotency-Key", "k1");
        other.json(sample("drives", "Mine")).send().expect(201);
    });
}

#[test]
fn of_ten_equal_creations_at_once_one_takes_effect() {
    on_both_apps(|app| {
        let ana = printers(app);
        let create = || {
            let call = app.call("POST", "/v1/tips").by(&ana).header("Idempotency-Key", "race");
            call.json(sample("printers", "It stops")).send()
        };
        let replies: Vec<Reply> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..10).map(|_| scope.spawn(create)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let made: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 201).collect();
        assert_eq!(made.iter().filter(|reply| reply.header("idempotency-replayed").is_none()).count(), 1);
        assert!(replies.iter().all(|reply| reply.status == 201 || reply.status == 409));
        assert_eq!(app.get(&ana, "/v1/tips").each("/id").len(), 1);
    });
}

#[test]
fn a_walk_through_the_pages_shows_each_tip_once() {
    on_both_apps(|app| {
        let ana = printers(app);
        for n in 0..7 {
            app.post(&ana, "/v1/tips", sample("printers", &format!("Tip {n}"))).expect(201);
        }
        let mut path = "/v1/tips?limit=3".to_owned();
        let mut seen: Vec<Value> = Vec::new();
        loop {
            let page = app.get(&ana, &path).expect(200);
            seen.extend(page.each("/title"));
            if seen.len() == 3 {
                // What is written meanwhile neither repeats nor hides anything.
                app.post(&ana, "/v1/tips", sample("printers", "Late")).expect(201);
            }
            let Some(next) = page.at("/next_cursor").as_str().map(str::to_owned) else { break };
            let link = page.header("link").unwrap();
            assert!(link.contains("rel=\"next\"") && link.contains(&next), "{link}");
            path = format!("/v1/tips?limit=3&cursor={next}");
        }
        let expected: Vec<Value> = (0..7).rev().map(|n| json!(format!("Tip {n}"))).collect();
        assert_eq!(seen, expected);
    });
}

#[test]
fn every_write_tells_its_position() {
    on_both_apps(|app| {
        let ana = printers(app);
        let first = app.post(&ana, "/v1/tips", sample("printers", "One")).expect(201).position();
        let second = app.post(&ana, "/v1/tips", sample("printers", "Two")).expect(201).position();
        assert!(second > first);
    });
}

#[test]
fn replies_are_compressed_for_those_who_ask() {
    on_both_apps(|app| {
        let ana = printers(app);
        app.post(&ana, "/v1/tips", sample("printers", "One")).expect(201);
        let plain = app.call("GET", "/openapi.json").send().expect(200).body.len();
        for encoding in ["gzip", "br", "zstd"] {
            let reply = app.call("GET", "/openapi.json").header("Accept-Encoding", encoding).send().expect(200);
            assert_eq!(reply.header("content-encoding"), Some(encoding));
            assert_eq!(reply.header("vary").map(str::to_lowercase).as_deref(), Some("accept-encoding"));
            assert!(reply.body.len() < plain / 4);
        }
    });
}

#[test]
fn a_reply_with_an_entity_tag_is_the_same_bytes_whatever_coding_is_accepted() {
    on_both_apps(|app| {
        let ana = printers(app);
        let made = app.post(&ana, "/v1/tips", sample("printers", &"It stops. ".repeat(20))).expect(201);
        let path = format!("/v1/tips/{}", made.word("/id"));
        let plain = app.get(&ana, &path).expect(200);
        for encoding in ["gzip", "br", "zstd"] {
            let reply = app.call("GET", &path).by(&ana).header("Accept-Encoding", encoding).send().expect(200);
            assert_eq!(reply.header("content-encoding"), None);
            assert_eq!((reply.etag(), &reply.body), (plain.etag(), &plain.body));
        }
    });
}

#[test]
fn a_sensible_request_id_is_kept_and_another_is_replaced() {
    on_both_apps(|app| {
        let id = |sent: &str| app.call("GET", "/health/live").header("X-Request-Id", sent).send();
        assert_eq!(id("job-17").header("x-request-id"), Some("job-17"));
        for strange in ["a b", &"x".repeat(200), "<script>"] {
            let got = id(strange);
            let got = got.header("x-request-id").unwrap();
            assert!(got != strange && !got.is_empty(), "{got}");
        }
    });
}

#[test]
fn a_stored_reply_does_not_outlive_the_right_to_it() {
    on_both_apps(|app| {
        let medical = app.community("medical", Openness::Private);
        let ana = app.member(&medical, "ana", Role::Contributor);
        let ravi = app.member(&medical, "ravi", Role::Reviewer);
        let create = || {
            let call = app.call("POST", "/v1/tips").by(&ana).header("Idempotency-Key", "one");
            let mut tip = sample("medical", "It stops");
            tip["submit"] = json!(true);
            call.json(tip).send()
        };
        let tip = create().expect(201);
        let path = format!("/v1/reviews/{}/decisions", tip.word("/review/id"));
        let decide = || {
            let call = app.call("POST", &path).by(&ravi).header("Idempotency-Key", "two");
            call.json(json!({"verdict": "approve", "revision": 1})).send()
        };
        decide().expect(201);
        assert_eq!(decide().expect(201).header("idempotency-replayed"), Some("true"));
        assert_eq!(create().expect(201).header("idempotency-replayed"), Some("true"));
        for gone in [&ana, &ravi] {
            let member = format!("/v1/communities/medical/members/{}", gone.id);
            app.call("DELETE", &member).by(gone).send().expect(204);
        }
        decide().expect_problem(404, "not_found");
        create().expect_problem(422, "validation_failed");
    });
}
