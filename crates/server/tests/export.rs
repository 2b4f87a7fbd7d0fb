//! Export and import: what peers have approved in one place, and what came of it, comes back the same out of another, on
//! the other kind of database.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that stops has failed"
)]

mod process;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eureka_testkit::TestDatabase;
use process::{PASSWORD, Server, eureka, stderr, stdout};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const PDF: &[u8] = b"%PDF-1.7\n% a wiring diagram of the fuse holders\n%%EOF\n";

/// The smallest picture there is.
fn pixel() -> Vec<u8> {
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    BASE64.decode(pixel).unwrap()
}

/// Has people make whatever the API lets them make of approved tips.
fn live(server: &Server) {
    let log_in = |name: &str| server.log_in(&format!("{name}@demo.example"), PASSWORD);
    let [author, reviewer, steward, reader] = ["technician", "reviewer", "steward", "outsider"].map(log_in);
    let publish = |title: &str| server.publish(&author, &reviewer, title);
    let [edited, kept, merged, old, held, archived, doubtful] = [
        "Zirconium edited",
        "Zirconium kept",
        "Zirconium merged",
        "Zirconium old",
        "Zirconium held",
        "Zirconium archived",
        "Zirconium doubtful",
    ]
    .map(publish);
    let tip = |number: &str| format!("/v1/tips/{number}");
    let attach = |tip: &str, name: &str, bytes: &[u8]| {
        let (status, told) = server.attach(tip, &author, name, bytes).unwrap();
        assert_eq!(status, 201, "{told}");
    };
    attach(&edited, "plan.pdf", PDF);
    attach(&edited, "holders.png", &pixel());
    server.act("PATCH", &tip(&edited), &author, &json!({"problem": "It stops at noon."}));
    let sent = server.act("POST", &format!("{}/submit", tip(&edited)), &author, &json!({}));
    let decisions = format!("/v1/reviews/{}/decisions", sent["review"]["id"].as_str().unwrap());
    server.act("POST", &decisions, &reviewer, &json!({"verdict": "approve", "revision": 2}));
    for (number, token, result) in [
        (&edited, &reader, "fixed"),
        (&edited, &reader, "not_fixed"),
        (&merged, &reader, "fixed"),
        (&kept, &steward, "partly"),
        (&edited, &author, "fixed"),
    ] {
        let outcome = json!({
            "result": result, "product": "DocuColor 40", "note": "as told", "work_order": "W-1", "minutes_saved": 30,
            "client_id": format!("{number}-{result}"),
        });
        server.act("POST", &format!("{}/outcomes", tip(number)), token, &outcome);
    }
    server.act("POST", &format!("{}/merge", tip(&merged)), &steward, &json!({"into": kept, "reason": "the same"}));
    server.act("POST", &format!("{}/supersede", tip(&old)), &steward, &json!({"by": edited, "reason": "better"}));
    server.act("POST", &format!("{}/hold", tip(&held)), &steward, &json!({"reason": "Burns."}));
    server.act("POST", &format!("{}/archive", tip(&archived)), &steward, &json!({"reason": "no longer made"}));
    let relation = json!({"relation": "differs_because", "reason": "another machine"});
    server.act("PUT", &format!("{}/relations/{kept}", tip(&edited)), &author, &relation);
    let flag = |body: Value| server.act("POST", &format!("{}/flags", tip(&doubtful)), &reader, &body);
    let resolved = flag(json!({"kind": "unclear", "text": "which roller?"}));
    flag(json!({"kind": "duplicate", "duplicate_of": kept, "text": "says the same"}));
    let path = format!("/v1/flags/{}/resolve", resolved["id"].as_str().unwrap());
    server.act("POST", &path, &reviewer, &json!({"resolution": "no_action", "reason": "the only one there is"}));
    let words = json!({"entries": [{"term": "fuser", "means": ["fixing unit"]}, {"term": "ADF", "means": ["feeder"]}]});
    server.act("PUT", "/v1/communities/office-printers/glossary", &steward, &words);
    // What peers have not approved stays where it is, and whoever wrote no more than that has no name on a tip.
    let (_, me) = server.get("/v1/me", &reader);
    let member = format!("/v1/communities/office-printers/members/{}", me["id"].as_str().unwrap());
    server.act("PUT", &member, &steward, &json!({"role": "contributor"}));
    let notes = json!({"community": "office-printers", "title": "Zirconium draft of a reader", "problem": "It stops."});
    server.act("POST", "/v1/tips", &reader, &notes);
    let draft =
        json!({"community": "office-printers", "title": "Zirconium draft", "problem": "It stops.", "submit": true});
    let draft = server.act("POST", "/v1/tips", &author, &draft);
    attach(draft["number"].as_str().unwrap(), "draft.pdf", b"%PDF-1.7\n% nobody has approved it\n");
    attach(&edited, "next.pdf", b"%PDF-1.7\n% nor this\n");
}

fn plain(file: &Path) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// How many lines there are of each kind.
fn kinds(text: &str) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        *kinds.entry(line["kind"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    kinds
}

/// Without the admin that each place makes for itself.
fn without_own_admin(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.contains("admin@eureka.example")).collect()
}

#[test]
fn all_that_peers_approved_and_what_came_of_it_is_exported_the_same_again_by_the_other_kind_of_database() {
    let postgres = || TestDatabase::empty_postgres();
    let mut ways = vec![(TestDatabase::empty_sqlite(), TestDatabase::empty_sqlite())];
    if let (Some(one), Some(other)) = (postgres(), postgres()) {
        ways = vec![(TestDatabase::empty_sqlite(), one), (other, TestDatabase::empty_sqlite())];
    }
    for (from, to) in ways {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let command = |data: &str, database: &TestDatabase, arguments: &[&str]| -> Command {
            let mut command = eureka(&at(data), arguments);
            command.env("DATABASE_URL", database.url()).env("EUREKA_ADMIN_PASSWORD", "a-long-enough-one-2026");
            command
        };
        let run = |data: &str, database: &TestDatabase, arguments: &[&str]| {
            let output = command(data, database, arguments).output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
            stdout(&output)
        };
        let [whole, nameless, back] = ["whole.jsonl.gz", "nameless.jsonl.gz", "back.jsonl.gz"].map(at);
        let [whole, nameless, back] = [&whole, &nameless, &back].map(|path| path.to_str().unwrap());
        let server = Server::start(command("from", &from, &["demo"]));
        live(&server);
        server.stop();
        assert!(run("from", &from, &["export", whole, "--people"]).contains("exported 6 communities and 178 tips"));
        let again = command("from", &from, &["export", whole]).output().unwrap();
        assert!(!again.status.success(), "what is there is not written over");
        run("from", &from, &["export", nameless]);

        let first = plain(Path::new(whole));
        let kinds = kinds(&first);
        for kind in ["community", "person", "member", "glossary", "file", "tip", "flag", "relation", "replaced"] {
            assert!(kinds.contains_key(kind), "{kind} is missing: {kinds:?}");
        }
        assert_eq!((kinds["flag"], kinds["relation"], kinds["replaced"]), (2, 1, 2), "{kinds:?}");
        assert_eq!(kinds["file"], 2, "once each");
        for text in ["Zirconium draft", "draft.pdf", "next.pdf"] {
            assert!(!first.contains(text), "nobody has approved {text}");
        }
        let bare = plain(Path::new(nameless));
        assert!(bare.contains("Tess Ferreira"), "whose words are in a tip has their name on it");
        for private in ["@demo.example", "Otto Brandt", "\"kind\":\"member\""] {
            assert!(first.contains(private) && !bare.contains(private), "{private}");
        }

        let told = run("to", &to, &["import", whole]);
        assert!(told.contains("imported 178, here before 0, refused 0"), "{told}");
        run("to", &to, &["export", back, "--people"]);
        let second = plain(Path::new(back));
        for (one, other) in without_own_admin(&first).iter().zip(without_own_admin(&second)) {
            assert_eq!(*one, other, "{:?}", to.kind());
        }
        assert_eq!(without_own_admin(&first).len(), without_own_admin(&second).len());

        let told = run("to", &to, &["import", whole]);
        assert!(told.contains("imported 0, here before 178, refused 0") && told.contains("and 0 of what"), "{told}");
        run("to", &to, &["audit", "verify"]);
        run("to", &to, &["index", "verify"]);
        run("to", &to, &["doctor"]);
        let proofs = |data: &str, database: &TestDatabase, email: &str, password: &str| -> Vec<Value> {
            let server = Server::start(command(data, database, &["serve"]));
            let token = server.log_in(email, password);
            let (_, found) = server.get("/v1/search?q=zirconium&limit=50", &token);
            let mut proofs: Vec<Value> = found["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|hit| json!([hit["tip"]["title"], hit["tip"]["proof"]["fixed"], hit["tip"]["proof"]["not_fixed"]]))
                .collect();
            proofs.sort_by_key(Value::to_string);
            let edited =
                found["items"].as_array().unwrap().iter().find(|hit| hit["tip"]["title"] == "Zirconium edited");
            let path = format!("/v1/tips/{}/attachments", edited.unwrap()["tip"]["id"].as_str().unwrap());
            let (_, files) = server.get(&path, &token);
            let file = |place: usize, field: &str| server.bytes(files["items"][place][field].as_str().unwrap(), &token);
            assert_eq!(file(0, "url"), (200, PDF.to_vec()), "{files}");
            for picture in ["url", "thumbnail_url"] {
                assert_eq!(file(1, picture).0, 200, "{files}");
            }
            server.stop();
            proofs
        };
        let here = proofs("from", &from, "reviewer@demo.example", PASSWORD);
        let there = proofs("to", &to, "admin@eureka.example", "a-long-enough-one-2026");
        assert_eq!(here, there, "proofs are counted again");
        assert!(here.iter().any(|proof| proof[2] == json!(1)), "{here:?}");
    }
}

#[test]
fn a_tip_whose_files_are_not_what_they_were_is_refused_and_nothing_of_them_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let file = at("whole.jsonl");
    let server = Server::start(eureka(&at("from"), &["demo"]));
    live(&server);
    server.stop();
    assert!(eureka(&at("from"), &["export", file.to_str().unwrap()]).output().unwrap().status.success());
    let whole = std::fs::read_to_string(&file).unwrap();
    let bytes = |bytes: &[u8]| BASE64.encode(bytes);
    let is_plan = |line: &&str| line.starts_with(r#"{"kind":"file""#) && line.contains(&bytes(PDF));
    let plan = whole.lines().find(is_plan).unwrap();
    let hash = |of: &[u8]| hex::encode(Sha256::digest(of));
    let (other, page) = (b"%PDF-1.7\n% another one", b"<script>alert(1)</script>");
    for (place, (damaged, told)) in [
        (whole.replace(&bytes(PDF), &bytes(other)), "is not what it was"),
        (whole.replace(&format!("{plan}\n"), ""), "did not come with it"),
        (whole.replace(&bytes(PDF), "no base64"), "did not come with it"),
        // Whoever made these knows what a hash is.
        (whole.replace(&bytes(PDF), &bytes(other)).replace(&hash(PDF), &hash(other)), "is not what its text says"),
        (whole.replace(&bytes(PDF), &bytes(page)).replace(&hash(PDF), &hash(page)), "is not what its text says"),
        (whole.replace("plan.pdf", "../plan.pdf"), "is not a file of a text"),
        (whole.replace("plan.pdf", "holders.png"), "is not a file of a text"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_ne!(damaged, whole, "{told}");
        let (data, path) = (at(&format!("to-{place}")), at(&format!("{place}.jsonl")));
        std::fs::write(&path, damaged).unwrap();
        let taken = eureka(&data, &["import", path.to_str().unwrap(), "--show-refused", "99"]).output().unwrap();
        assert!(stdout(&taken).contains("imported 177") && stdout(&taken).contains(told), "{}", stdout(&taken));
        let doctor = eureka(&data, &["doctor"]).output().unwrap();
        assert!(stdout(&doctor).contains("0 files, 0 kB"), "{}", stdout(&doctor));
    }
}
