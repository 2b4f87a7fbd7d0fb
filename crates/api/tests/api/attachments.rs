//! Photos and PDFs of a tip: what is kept of them, who gets them, and that readers get what reviewers approved.

use std::io::{Read, Write};
use std::net::TcpStream;

use eureka_domain::community::{Community, Openness, Role};
use eureka_testkit::{Person, Reply, TestApp, drawing, on_both_apps, photo, sample};
use serde_json::json;
use sha2::{Digest, Sha256};

const PDF: &[u8] = b"%PDF-1.7\n% a wiring diagram\n%%EOF\n";

struct People {
    ana: Person,
    ravi: Person,
    otto: Person,
    printers: Community,
}

fn people(app: &TestApp, openness: Openness) -> People {
    let printers = app.community("printers", openness);
    let ana = app.member(&printers, "ana", Role::Contributor);
    let ravi = app.member(&printers, "ravi", Role::Reviewer);
    People { ana, ravi, otto: app.person("otto"), printers }
}

fn attach(app: &TestApp, who: &Person, tip: &str, name: &str, bytes: &[u8]) -> Reply {
    let path = format!("/v1/tips/{tip}/attachments?name={name}");
    app.call("POST", &path).by(who).raw("application/octet-stream", bytes).send()
}

fn names(app: &TestApp, who: &Person, tip: &str) -> Vec<String> {
    let listed = app.get(who, &format!("/v1/tips/{tip}/attachments")).expect(200);
    listed.each("/name").iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Sends what is pending to reviewers and has it approved.
fn approve(app: &TestApp, people: &People, tip: &str) {
    let call = app.call("POST", &format!("/v1/tips/{tip}/submit")).by(&people.ana).header("If-Match", "*");
    let sent = call.send().expect(200);
    let (review, revision) =
        (sent.word("/review/id"), app.get(&people.ravi, &format!("/v1/reviews/{}", sent.word("/review/id"))));
    let decision = json!({"verdict": "approve", "revision": revision.at("/revision/revision")});
    app.post(&people.ravi, &format!("/v1/reviews/{review}/decisions"), decision).expect(201);
}

#[test]
fn a_photo_is_kept_with_the_draft_and_served_as_it_was_approved() {
    on_both_apps(|app| {
        let people = people(app, Openness::Open);
        let tip = app.post(&people.ana, "/v1/tips", sample("printers", "It stops")).expect(201).word("/id");
        let kept = attach(app, &people.ana, &tip, "fuse%20holders.PNG", &photo(400, 200)).expect(201);
        assert_eq!((kept.word("/name"), kept.word("/media_type")), ("fuse holders.jpg".into(), "image/jpeg".into()));
        assert_eq!((kept.at("/width"), kept.at("/height")), (json!(400), json!(200)));
        let manual = attach(app, &people.ana, &tip, "..%2Fwiring.pdf", PDF).expect(201);
        assert_eq!((manual.word("/name"), manual.at("/thumbnail_url")), ("wiring.pdf".into(), json!(null)));

        // The author reads them with the draft; nobody else knows of the tip.
        let (url, small) = (kept.word("/url"), kept.word("/thumbnail_url"));
        let read = app.get(&people.ana, &url).expect(200);
        assert_eq!(read.header("content-type"), Some("image/jpeg"));
        assert_eq!(read.header("content-length"), Some(kept.at("/bytes").to_string().as_str()));
        assert_eq!(sha256(&read.body), kept.word("/sha256"));
        assert_eq!(read.etag(), format!("\"{}\"", kept.word("/sha256")));
        assert_eq!(kept.header("etag"), read.header("etag"));
        for path in [&url, &small] {
            app.get(&people.otto, path).expect_problem(404, "not_found");
            app.get(&people.ravi, path).expect_problem(404, "not_found");
            app.call("GET", path).send().expect_problem(401, "unauthenticated");
        }
        approve(app, &people, &tip);
        for who in [&people.ana, &people.ravi, &people.otto] {
            assert_eq!(app.get(who, &url).expect(200).body, read.body);
            let shown = app.get(who, &format!("/v1/tips/{tip}")).expect(200);
            assert_eq!(shown.at("/attachments/0"), kept.json());
            assert_eq!(shown.at("/attachments/1/sha256"), json!(sha256(PDF)));
        }
        assert_eq!(app.get(&people.otto, &manual.word("/url")).expect(200).body, PDF);
        app.get(&people.otto, &format!("{}/thumbnail", manual.word("/url"))).expect_problem(404, "not_found");
    });
}

#[test]
fn what_readers_see_changes_with_an_approval_only_and_a_submitted_revision_never() {
    on_both_apps(|app| {
        let people = people(app, Openness::Open);
        let tip = app.published(&people.ana, &people.ravi, &people.printers, "It stops");
        let first = attach(app, &people.ana, &tip, "one.jpg", &photo(8, 8)).expect(201);
        assert_eq!(names(app, &people.otto, &tip), [""; 0]);
        app.get(&people.otto, &first.word("/url")).expect_problem(404, "not_found");
        let pending = app.get(&people.ana, &format!("/v1/tips/{tip}")).expect(200);
        assert_eq!(pending.word("/pending/attachments/0/name"), "one.jpg");
        approve(app, &people, &tip);
        assert_eq!(names(app, &people.otto, &tip), ["one.jpg"]);

        // A second photo, and the first taken away: readers go on seeing the first until that is approved.
        attach(app, &people.ana, &tip, "two.jpg", &photo(9, 9)).expect(201);
        let gone = app.call("DELETE", &first.word("/url")).by(&people.ana).send().expect(204);
        assert!(gone.position() > first.position());
        app.call("DELETE", &first.word("/url")).by(&people.ana).send().expect_problem(404, "not_found");
        assert_eq!(names(app, &people.otto, &tip), ["one.jpg"]);
        app.get(&people.otto, &first.word("/url")).expect(200);

        // Under review, another photo is another revision; what reviewers had before them stays as it was.
        let sent = app.call("POST", &format!("/v1/tips/{tip}/submit")).by(&people.ana).header("If-Match", "*").send();
        let review = sent.expect(200).word("/review/id");
        let desk = app.get(&people.ravi, &format!("/v1/reviews/{review}")).expect(200);
        assert_eq!(desk.at("/revision/attachments/0/name"), json!("two.jpg"));
        let number = desk.at("/revision/revision").as_i64().unwrap();
        let diff = app.get(&people.ravi, &format!("/v1/tips/{tip}/revisions/{number}/diff")).expect(200);
        for changed in [desk.at("/changed_attachments"), diff.at("/attachments")] {
            let fates: Vec<_> = changed.as_array().unwrap().iter().map(|file| file["fate"].clone()).collect();
            assert_eq!(fates, ["removed", "added"]);
            assert_eq!(changed[1]["attachment"]["name"], "two.jpg");
        }
        attach(app, &people.ana, &tip, "three.jpg", &photo(10, 10)).expect(201);
        let kept = app.get(&people.ravi, &format!("/v1/tips/{tip}/attachments?revision={number}")).expect(200);
        assert_eq!(kept.each("/name"), ["two.jpg"]);
        let stale = json!({"verdict": "approve", "revision": number});
        app.post(&people.ravi, &format!("/v1/reviews/{review}/decisions"), stale);
        assert_eq!(names(app, &people.otto, &tip), ["one.jpg"], "nobody approved three");

        // Approved, the one that was taken away is for those who may read the past.
        let desk = app.get(&people.ravi, "/v1/reviews").expect(200);
        let decision = json!({"verdict": "approve", "revision": number + 1});
        app.post(&people.ravi, &format!("/v1/reviews/{}/decisions", desk.word("/items/0/id")), decision).expect(201);
        assert_eq!(names(app, &people.otto, &tip), ["two.jpg", "three.jpg"]);
        app.get(&people.otto, &first.word("/url")).expect_problem(404, "not_found");
        app.get(&people.ravi, &first.word("/url")).expect(200);
        let history = app.get(&people.ana, &format!("/v1/tips/{tip}/history")).expect(200);
        let happened: Vec<_> =
            history.each("/kind").into_iter().filter(|kind| kind.as_str().unwrap().ends_with("tached")).collect();
        assert_eq!(happened, ["tip.attached", "tip.attached", "tip.detached", "tip.attached"]);
    });
}

#[test]
fn files_are_served_as_nothing_but_files() {
    on_both_apps(|app| {
        let people = people(app, Openness::Open);
        let tip = app.post(&people.ana, "/v1/tips", sample("printers", "It stops")).expect(201).word("/id");
        let kept = attach(app, &people.ana, &tip, "a.jpg", &drawing(400, 300)).expect(201);
        let manual = attach(app, &people.ana, &tip, "F%C3%BChrung.pdf", PDF).expect(201);
        let paths = [kept.word("/url"), kept.word("/thumbnail_url"), manual.word("/url")];
        for (path, way) in paths.iter().zip(["inline", "inline", "attachment"]) {
            let file = app.get(&people.ana, path).expect(200);
            assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
            let policy = file.header("content-security-policy").unwrap();
            assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");
            assert_eq!(file.header("cache-control"), Some("private, no-cache"));
            assert_eq!(file.header("content-encoding"), None);
            assert!(file.header("content-disposition").unwrap().starts_with(way));
            let call = app.call("GET", path).by(&people.ana).header("If-None-Match", file.etag());
            let known = call.header("Accept-Encoding", "gzip").send().expect(304);
            assert_eq!(known.header("content-security-policy"), Some(policy));
            assert_eq!(known.header("cache-control"), Some("private, no-cache"));
            let head = app.call("HEAD", path).by(&people.ana).send().expect(200);
            assert_eq!(head.header("content-type"), file.header("content-type"));
        }
        let named = app.get(&people.ana, &manual.word("/url"));
        let disposition = named.header("content-disposition").unwrap();
        assert_eq!(disposition, "attachment; filename=\"F_hrung.pdf\"; filename*=UTF-8''F%C3%BChrung.pdf");
    });
}

#[test]
fn what_is_no_photo_or_too_much_is_refused_and_nothing_of_it_is_kept() {
    on_both_apps(|app| {
        let people = people(app, Openness::Open);
        let tip = app.post(&people.ana, "/v1/tips", sample("printers", "It stops")).expect(201).word("/id");
        let path = format!("/v1/tips/{tip}/attachments");
        let send = |media: &str, bytes: &[u8]| app.call("POST", &path).by(&people.ana).raw(media, bytes).send();
        send("text/html", &photo(8, 8)).expect_problem(415, "unsupported_media_type");
        // Whatever it says it is.
        for bytes in [&b"<svg onload=alert(1)>"[..], b"GIF89a", b"MZ", b"<html>"] {
            send("image/png", bytes).expect_problem(415, "unsupported_media_type");
        }
        let broken = send("image/jpeg", b"\xff\xd8\xff\xe0 not a photo").expect_problem(422, "validation_failed");
        assert_eq!(broken.word("/errors/0/code"), "unreadable");
        send("image/png", &vec![0; (10 << 20) + 1]).expect_problem(413, "payload_too_large");
        assert_eq!(names(app, &people.ana, &tip), [""; 0]);
        // Named as another thing, it is what it is.
        let named = send("image/png", &photo(8, 8)).expect(201);
        assert_eq!((named.word("/media_type"), named.word("/name")), ("image/jpeg".into(), "photo.jpg".into()));
        for n in 1..20 {
            attach(app, &people.ana, &tip, "same.jpg", &photo(8 + n, 8)).expect(201);
        }
        let more = attach(app, &people.ana, &tip, "more.jpg", &photo(8, 8));
        assert_eq!(more.expect_problem(422, "validation_failed").word("/errors/0/code"), "too_many");
        assert_eq!(names(app, &people.ana, &tip).len(), 20);
        app.call("POST", &format!("{path}?nmae=x"))
            .by(&people.ana)
            .raw("image/png", b"x")
            .send()
            .expect_problem(400, "unknown_parameter");
    });
}

#[test]
fn attaching_is_for_those_who_may_edit_and_safe_to_repeat() {
    on_both_apps(|app| {
        let people = people(app, Openness::Private);
        let tip = app.published(&people.ana, &people.ravi, &people.printers, "It stops");
        let reader = app.member(&people.printers, "rita", Role::Reader);
        attach(app, &reader, &tip, "a.jpg", &photo(8, 8)).expect_problem(403, "not_permitted");
        attach(app, &people.otto, &tip, "a.jpg", &photo(8, 8)).expect_problem(404, "not_found");
        let path = format!("/v1/tips/{tip}/attachments?name=a.jpg");
        let keyed = |bytes: &[u8]| {
            app.call("POST", &path).by(&people.ana).header("Idempotency-Key", "k").raw("image/jpeg", bytes).send()
        };
        let first = keyed(&photo(8, 8)).expect(201);
        let again = keyed(&photo(8, 8)).expect(201);
        assert_eq!((again.header("idempotency-replayed"), again.json()), (Some("true"), first.json()));
        keyed(&photo(9, 9)).expect_problem(422, "idempotency_key_reused");
        assert_eq!(app.get(&people.ana, &format!("/v1/tips/{tip}")).at("/pending/attachments/1"), json!(null));
        app.call("DELETE", &first.word("/url")).by(&reader).send().expect_problem(403, "not_permitted");
        app.call("DELETE", &first.word("/url")).by(&people.otto).send().expect_problem(404, "not_found");

        // Under another tip that one reads, it is not there.
        let other = app.published(&people.ana, &people.ravi, &people.printers, "Another");
        let elsewhere = first.word("/url").replace(&tip, &other);
        app.get(&people.ana, &elsewhere).expect_problem(404, "not_found");
        app.call("DELETE", &elsewhere).by(&people.ana).send().expect_problem(404, "not_found");
        let read_only = app.key(&people.ana, &["read"]);
        attach(app, &read_only, &tip, "b.jpg", &photo(8, 8)).expect_problem(403, "insufficient_scope");
    });
}

#[test]
fn whoever_does_not_get_the_text_does_not_get_its_files() {
    on_both_apps(|app| {
        let people = people(app, Openness::Private);
        let tip = app.post(&people.ana, "/v1/tips", sample("printers", "It stops")).expect(201).word("/id");
        let kept = attach(app, &people.ana, &tip, "a.jpg", &photo(8, 8)).expect(201);
        approve(app, &people, &tip);
        let reader = app.member(&people.printers, "rita", Role::Reader);
        let etag = app.get(&reader, &kept.word("/url")).expect(200).etag().to_owned();
        let path = format!("/v1/communities/printers/members/{}", reader.id);
        app.call("DELETE", &path).by(&app.admin()).send().expect(204);
        for path in [kept.word("/url"), kept.word("/thumbnail_url"), format!("/v1/tips/{tip}/attachments")] {
            let known = app.call("GET", &path).by(&reader).header("If-None-Match", &etag).send();
            known.expect_problem(404, "not_found");
            app.get(&people.otto, &path).expect_problem(404, "not_found");
        }
    });
}

#[test]
fn a_text_shows_its_own_photos_and_nobody_else_s() {
    on_both_apps(|app| {
        let people = people(app, Openness::Open);
        let mut new = sample("printers", "It stops");
        new["solution"] = json!(
            "![both *holders*](<attachment:fuse holders.jpg>) [plan](attachment:plan.pdf) \
             ![x](attachment:none.jpg) ![y](https://evil.example/y.png)"
        );
        let tip = app.post(&people.ana, "/v1/tips", new).expect(201).word("/id");
        let kept = attach(app, &people.ana, &tip, "fuse%20holders.jpg", &photo(8, 8)).expect(201);
        let plan = attach(app, &people.ana, &tip, "plan.pdf", PDF).expect(201);
        let shown = app.get(&people.ana, &format!("/v1/tips/{tip}?render=html")).expect(200);
        let expected = format!(
            "<p><img src=\"{}\" alt=\"both holders\"> <a href=\"{}\" rel=\"nofollow noopener noreferrer\">plan</a> x y</p>\n",
            kept.word("/url"),
            plan.word("/url")
        );
        assert_eq!(shown.word("/html/solution"), expected);
    });
}

#[test]
fn an_export_names_the_files_and_an_import_passes_them_over() {
    on_both_apps(|app| {
        let people = people(app, Openness::Open);
        let tip = app.post(&people.ana, "/v1/tips", sample("printers", "It stops")).expect(201).word("/id");
        let kept = attach(app, &people.ana, &tip, "a.jpg", &photo(8, 8)).expect(201);
        approve(app, &people, &tip);
        let moved = app.get(&people.otto, "/v1/exports/tips").expect(200);
        let line: serde_json::Value = serde_json::from_slice(&moved.body).unwrap();
        assert_eq!(line["attachments"], json!([kept.json()]));
        let lifts = app.community("lifts", Openness::Open);
        let stella = app.member(&lifts, "stella", Role::Steward);
        let moved = moved.text().replace("\"community\":\"printers\"", "\"community\":\"lifts\"");
        let taken = app.call("POST", "/v1/imports").by(&stella).raw("application/x-ndjson", moved.as_bytes()).send();
        let taken = taken.expect(201);
        assert_eq!(taken.at("/imported"), json!(1), "{}", taken.text());
        assert_eq!(names(app, &stella, &taken.word("/lines/0/id")), [""; 0]);
    });
}

#[test]
fn whoever_may_not_attach_is_told_before_they_have_sent_ten_megabytes() {
    on_both_apps(|app| {
        let people = people(app, Openness::Private);
        let tip = app.published(&people.ana, &people.ravi, &people.printers, "It stops");
        let mut stream = TcpStream::connect(app.address()).unwrap();
        let head = format!(
            "POST /v1/tips/{tip}/attachments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Content-Type: image/jpeg\r\nContent-Length: 10000000\r\n\r\n",
            people.otto.token
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 404");
    });
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
