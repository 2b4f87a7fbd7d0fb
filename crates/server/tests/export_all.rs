//! `export --all` and `import`: everything that people wrote in one place comes back the same out of another, on the other
//! kind of database, and goes on there; what could not have come about is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that stops has failed"
)]

mod process;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use eureka_testkit::TestDatabase;
use process::{PASSWORD, Server, eureka, stderr, stdout};
use serde_json::{Value, json};
use tempfile::TempDir;

const ADMIN: (&str, &str) = ("admin@eureka.example", "a-long-enough-one-2026");

/// A data directory and a database, for commands one after the other.
struct Place<'a> {
    folder: &'a TempDir,
    name: &'static str,
    database: &'a TestDatabase,
}

impl Place<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = eureka(&self.folder.path().join(self.name), arguments);
        command.env("DATABASE_URL", self.database.url()).env("EUREKA_ADMIN_PASSWORD", ADMIN.1);
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        stdout(&output)
    }

    /// Exports into a file of this name, and answers its path.
    fn export(&self, file: &str, arguments: &[&str]) -> PathBuf {
        let path = self.folder.path().join(file);
        self.run(&[&["export", path.to_str().unwrap()], arguments].concat());
        path
    }

    fn import(&self, file: &Path) -> String {
        self.run(&["import", file.to_str().unwrap(), "--show-refused", "99"])
    }
}

/// The demo's people at work: their tokens.
struct Desk<'a> {
    server: &'a Server,
    author: String,
    reviewer: String,
    second: String,
    steward: String,
    reader: String,
}

impl<'a> Desk<'a> {
    fn of(server: &'a Server, password: impl Fn(&str) -> String) -> Self {
        let log_in = |name: &str| server.log_in(&format!("{name}@demo.example"), &password(name));
        let [author, reviewer, second, steward, reader] =
            ["technician", "reviewer", "reviewer2", "steward", "outsider"].map(log_in);
        Self { server, author, reviewer, second, steward, reader }
    }

    /// Starts a tip; its path.
    fn draft(&self, title: &str, more: Value) -> String {
        let mut tip = json!({"community": "office-printers", "title": title, "problem": "It stops."});
        tip.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let tip = self.server.act("POST", "/v1/tips", &self.author, &tip);
        format!("/v1/tips/{}", tip["id"].as_str().unwrap())
    }

    fn submitted(&self, title: &str) -> String {
        self.draft(title, json!({"submit": true}))
    }

    fn published(&self, title: &str) -> String {
        let tip = self.submitted(title);
        self.decide(&tip, &self.reviewer, json!({"verdict": "approve"}));
        tip
    }

    fn act(&self, tip: &str, what: &str, token: &str, body: Value) -> Value {
        self.server.act("POST", &format!("{tip}/{what}"), token, &body)
    }

    fn edit(&self, tip: &str, body: Value) {
        self.server.act("PATCH", tip, &self.author, &body);
    }

    /// The path of a tip's newest review, and the number of its text.
    fn review(&self, tip: &str) -> (String, i64) {
        let (status, told) = self.server.get(tip, &self.author);
        assert_eq!(status, 200, "{told}");
        let review = format!("/v1/reviews/{}", told["review"]["id"].as_str().unwrap_or_else(|| panic!("{told}")));
        let (_, detail) = self.server.get(&review, &self.author);
        (review, detail["revision"]["revision"].as_i64().unwrap_or_else(|| panic!("{detail}")))
    }

    fn decide(&self, tip: &str, token: &str, mut body: Value) -> Value {
        let (review, revision) = self.review(tip);
        body["revision"] = json!(revision);
        self.server.act("POST", &format!("{review}/decisions"), token, &body)
    }

    fn say(&self, tip: &str, token: &str, body: Value) -> String {
        let (review, _) = self.review(tip);
        let said = self.server.act("POST", &format!("{review}/comments"), token, &body);
        said["id"].as_str().unwrap().to_owned()
    }

    fn number(&self, tip: &str) -> String {
        self.server.get(tip, &self.author).1["number"].as_str().unwrap().to_owned()
    }

    fn ask(&self, token: &str, q: &str) {
        assert_eq!(self.server.get(&format!("/v1/search?q={q}"), token).0, 200);
    }

    /// The gaps for each of these words, once all of them are there.
    fn gaps(&self, words: &[&str]) -> BTreeMap<String, String> {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let (_, told) = self.server.get("/v1/gaps?limit=50", &self.author);
            let gaps = told["items"].as_array().unwrap();
            let of = |word: &&str| {
                let gap = gaps.iter().find(|gap| gap["terms"].to_string().contains(word))?;
                Some(((*word).to_owned(), format!("/v1/gaps/{}", gap["id"].as_str().unwrap())))
            };
            let found: BTreeMap<_, _> = words.iter().filter_map(of).collect();
            if found.len() == words.len() {
                return found;
            }
            assert!(Instant::now() < deadline, "not all of {words:?} are gaps: {told}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

const CHANGES: &str = "Which roller is it?";

/// Has people make whatever the API lets them make: a tip in every state, and all that hangs on them.
#[allow(clippy::too_many_lines, reason = "one line for each state")]
fn live(desk: &Desk<'_>) {
    let Desk { server, author, reviewer, second, steward, reader } = desk;
    for (who, times) in [(reader, 2), (second, 1), (author, 1)] {
        for _ in 0..times {
            for word in ["quokka", "wombat", "numbat&community=office-printers", "dingo"] {
                desk.ask(who, &format!("zyx+{word}"));
            }
        }
    }
    desk.ask(reader, "private+thylacine");
    let reject = json!({"verdict": "reject", "reason": "incorrect", "comment": "It is the other way round."});
    let send_back = json!({"verdict": "request_changes", "reason": "unclear", "comment": CHANGES});
    let attach = |tip: &str, name: &str, body: &str| {
        let id = tip.rsplit('/').next().unwrap();
        let (status, told) = server.attach(id, author, name, format!("%PDF-1.7\n% {body}\n").as_bytes()).unwrap();
        assert_eq!(status, 201, "{told}");
    };

    // Drafts.
    let kept = desk.published("Zirconium kept");
    let draft = desk.draft("Zirconium draft", json!({}));
    attach(&draft, "draft.pdf", "nobody has approved it");
    server.act("PUT", &format!("{draft}/watch"), author, &json!({}));
    let relation = json!({"relation": "differs_because", "reason": "another machine"});
    server.act("PUT", &format!("{draft}/relations/{}", desk.number(&kept)), author, &relation);
    let thrown = desk.draft("Zirconium thrown away", json!({}));
    desk.act(&thrown, "withdraw", author, json!({"reason": "never mind"}));

    // Under review: waiting, held, approved by one of two, edited meanwhile, with a reviewer's edits.
    let waiting = desk.submitted("Zirconium waiting");
    let first = desk.say(&waiting, reviewer, json!({"text": "Which fuse?", "field": "problem"}));
    desk.say(&waiting, second, json!({"text": "I know it."}));
    desk.say(&waiting, author, json!({"text": "The left one.", "reply_to": first}));
    let held = desk.submitted("Zirconium held");
    server.act("POST", &format!("{}/claim", desk.review(&held).0), reviewer, &json!({}));
    let half = desk.draft("Zirconium half", json!({"safety": "caution", "hazard": "Hot.", "submit": true}));
    desk.decide(&half, reviewer, json!({"verdict": "approve"}));
    let edited = desk.draft("Zirconium edited", json!({"safety": "caution", "hazard": "Hot.", "submit": true}));
    desk.decide(&edited, reviewer, json!({"verdict": "approve", "comment": "Good."}));
    desk.edit(&edited, json!({"cause": "Dust."}));
    let amend = |tip: &str, cause: &str| {
        let body =
            json!({"verdict": "approve_with_edits", "comment": "The cause is known.", "edits": {"cause": cause}});
        desk.decide(tip, reviewer, body);
    };
    let asked = desk.submitted("Zirconium asked");
    amend(&asked, "Oxide.");
    let declined = desk.submitted("Zirconium declined");
    amend(&declined, "Oxide.");
    let no = json!({"accept": false, "reason": "It is dust."});
    server.act("POST", &format!("{}/answer", desk.review(&declined).0), author, &no);
    let agreed = desk.submitted("Zirconium agreed");
    amend(&agreed, "Oxide.");
    server.act("POST", &format!("{}/answer", desk.review(&agreed).0), author, &json!({"accept": true}));

    // Ended: sent back, sent back and submitted again, turned down, taken back.
    let sent_back = desk.submitted("Zirconium sent back");
    desk.decide(&sent_back, reviewer, send_back.clone());
    let again = desk.submitted("Zirconium again");
    desk.decide(&again, second, send_back.clone());
    desk.edit(&again, json!({"cause": "Dust."}));
    desk.act(&again, "submit", author, json!({}));
    let begun = desk.submitted("Zirconium begun again");
    desk.decide(&begun, reviewer, send_back);
    desk.edit(&begun, json!({"cause": "Dust."}));
    let turned_down = desk.submitted("Zirconium turned down");
    desk.decide(&turned_down, reviewer, reject);
    let taken_back = desk.submitted("Zirconium taken back");
    desk.act(&taken_back, "withdraw", author, json!({"reason": "wrong machine"}));

    // Turned down for another tip: one for good, one for a later tip and published after all.
    let into = |tip: &str, other: &str| {
        let other = desk.number(other);
        let body = json!({"verdict": "merge", "reason": "duplicate", "comment": "There is one.", "into": other});
        desk.decide(tip, reviewer, body);
    };
    let merged = desk.submitted("Zirconium merged");
    into(&merged, &kept);
    let apart = desk.submitted("Zirconium apart");
    let later = desk.submitted("Zirconium later");
    let latest = desk.published("Zirconium latest");
    into(&apart, &latest);
    desk.act(&apart, "separate", steward, json!({"reason": "not the same"}));
    desk.edit(&apart, json!({"cause": "Dust."}));
    desk.act(&apart, "submit", author, json!({}));
    desk.decide(&apart, second, json!({"verdict": "approve"}));
    into(&later, &apart);

    // Published, with a next text: a draft with a file, under review, sent back, replaced under review, published.
    let [drafted, reviewed, returned, replaced, renewed] = ["drafted", "reviewed", "returned", "replaced", "renewed"]
        .map(|name| desk.published(&format!("Zirconium {name}")));
    attach(&drafted, "next.pdf", "nor this");
    for tip in [&reviewed, &returned, &replaced, &renewed] {
        desk.edit(tip, json!({"cause": "Unapproved dust."}));
        desk.act(tip, "submit", author, json!({}));
    }
    desk.decide(&returned, reviewer, json!({"verdict": "request_changes", "reason": "unclear", "comment": CHANGES}));
    desk.edit(&replaced, json!({"cause": "Unapproved rust."}));
    desk.edit(&renewed, json!({"cause": "Rust."}));
    desk.decide(&renewed, second, json!({"verdict": "approve"}));
    let outcome = json!({"result": "fixed", "product": "DocuColor 40", "client_id": "one"});
    desk.act(&renewed, "outcomes", reader, outcome);
    desk.act(&reviewed, "hold", steward, json!({"reason": "Burns."}));
    desk.act(&returned, "archive", steward, json!({"reason": "no longer made"}));
    desk.act(&drafted, "flags", reader, json!({"kind": "unclear", "text": "which roller?"}));
    for who in [reader, steward] {
        server.act("PUT", &format!("{renewed}/watch"), who, &json!({}));
    }

    // Gaps: open, claimed, to be answered, answered.
    let gaps = desk.gaps(&["quokka", "wombat", "numbat", "dingo"]);
    server.act("POST", &format!("{}/claim", gaps["wombat"]), author, &json!({}));
    let gap = |word: &str| gaps[word].rsplit('/').next().unwrap().to_owned();
    desk.draft("Zirconium to answer", json!({"gap": gap("numbat"), "submit": true}));
    let answer = desk.draft("Zirconium answer", json!({"gap": gap("dingo"), "submit": true}));
    desk.decide(&answer, reviewer, json!({"verdict": "approve"}));
}

/// Without the admin that each place makes for itself, who is nobody of the other.
fn lines(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().filter(|line| !line.contains(ADMIN.0)).map(str::to_owned).collect()
}

/// What hangs on tips in an order of its own, behind all else: it comes in the order of the tips' ids, which are those of the
/// place, and a tip whose text was turned down for another comes in, and gets its id, behind that one.
fn in_order(lines: &[String]) -> Vec<String> {
    let hangs = |line: &&String| {
        ["flag", "relation", "replaced", "watch"].iter().any(|kind| line.starts_with(&format!(r#"{{"kind":"{kind}""#)))
    };
    let (mut hanging, mut rest): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for line in lines {
        if hangs(&line) { hanging.push(line.clone()) } else { rest.push(line.clone()) }
    }
    hanging.sort();
    rest.append(&mut hanging);
    rest
}

fn ways() -> Vec<(TestDatabase, TestDatabase)> {
    let postgres = TestDatabase::empty_postgres;
    match (postgres(), postgres()) {
        (Some(one), Some(other)) => vec![(TestDatabase::empty_sqlite(), one), (other, TestDatabase::empty_sqlite())],
        _ => vec![(TestDatabase::empty_sqlite(), TestDatabase::empty_sqlite())],
    }
}

#[test]
fn everything_that_people_wrote_is_exported_the_same_again_by_the_other_kind_of_database_and_goes_on_there() {
    for (from, to) in ways() {
        let folder = tempfile::tempdir().unwrap();
        let here = Place { folder: &folder, name: "from", database: &from };
        let there = Place { folder: &folder, name: "to", database: &to };
        let all = everything(&here);
        let first = lines(&all);
        nothing_is_missing(&first);
        without_all_there_is_nothing_unapproved(&here, &first);

        let told = there.import(&all);
        assert!(told.contains("refused 0"), "{told}");
        let second = lines(&there.export("back.jsonl", &["--all"]));
        for (one, other) in in_order(&first).iter().zip(in_order(&second)) {
            assert_eq!(*one, other, "{:?}", to.kind());
        }
        assert_eq!(first.len(), second.len());

        let told = there.import(&all);
        assert!(told.contains("imported 0, ") && told.contains("refused 0") && told.contains("and 0 of"), "{told}");
        assert_eq!(lines(&there.export("twice.jsonl", &["--all"])), second, "a second time changes nothing");
        for command in [&["audit", "verify"][..], &["index", "verify"], &["doctor"]] {
            there.run(command);
        }
        it_goes_on(&there);
    }
}

fn nothing_is_missing(lines: &[String]) {
    let told: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let tips: Vec<&Value> = told.iter().filter(|line| line["kind"] == "tip").collect();
    let of = |kind: &str| told.iter().filter(|line| line["kind"] == kind).collect::<Vec<_>>();
    let texts = || tips.iter().flat_map(|tip| tip["texts"].as_array().unwrap());
    for state in
        ["draft", "submitted", "in_review", "changes_requested", "published", "rejected", "withdrawn", "superseded"]
    {
        assert!(texts().any(|text| text["state"] == state), "no text is {state}");
    }
    let empty = Vec::new();
    let reviews: Vec<&Value> = tips.iter().flat_map(|tip| tip["reviews"].as_array().unwrap_or(&empty)).collect();
    for outcome in ["approved", "changes_requested", "rejected", "withdrawn", "superseded"] {
        assert!(reviews.iter().any(|review| review["closed"]["outcome"] == outcome), "no review ended {outcome}");
    }
    for field in ["claim", "offered_to", "amended", "decisions", "comments", "responded_at"] {
        assert!(reviews.iter().any(|review| !review[field].is_null()), "no review has {field}");
    }
    let decisions: Vec<&Value> =
        reviews.iter().flat_map(|review| review["decisions"].as_array().unwrap_or(&empty)).collect();
    for field in ["into", "edited_into", "reason", "comment"] {
        assert!(decisions.iter().any(|decision| !decision[field].is_null()), "no decision has {field}");
    }
    let gaps = of("gap");
    assert_eq!(gaps.len(), 4, "what was asked for once is nobody's business: {gaps:?}");
    for field in ["claim", "tips", "answer", "community", "wording"] {
        assert!(gaps.iter().any(|gap| !gap[field].is_null()), "no gap has {field}");
    }
    assert_eq!((of("watch").len(), of("relation").len(), of("flag").len(), of("replaced").len()), (3, 1, 1, 2));
    assert_eq!(of("file").len(), 2);
    assert!(!lines.iter().any(|line| line.contains("thylacine")));
}

/// What nobody has approved is in a file that was asked for, and in no other.
fn without_all_there_is_nothing_unapproved(here: &Place<'_>, all: &[String]) {
    let unapproved = [
        "Zirconium draft\"",
        "Zirconium thrown away",
        "Zirconium waiting",
        "Zirconium held",
        "Zirconium half",
        "Zirconium edited",
        "Zirconium asked",
        "Zirconium declined",
        "Zirconium sent back",
        "Zirconium again",
        "Zirconium begun again",
        "Zirconium turned down",
        "Zirconium taken back",
        "Zirconium merged",
        "Zirconium later",
        "Zirconium to answer",
        "Unapproved",
        CHANGES,
        "quokka",
        "draft.pdf",
        "next.pdf",
        "\"draft\"",
        "\"in_review\"",
        "\"reviews\"",
        "\"kind\":\"watch\"",
        "\"kind\":\"gap\"",
    ];
    for (file, arguments) in [("people.jsonl", &["--people"][..]), ("bare.jsonl", &[])] {
        let told = lines(&here.export(file, arguments));
        for text in unapproved {
            assert!(all.iter().any(|line| line.contains(text)), "{text} is not in what is all");
            assert!(!told.iter().any(|line| line.contains(text)), "{text} is in {file}");
        }
    }
}

/// Has an admin let the demo's people in, who came without passwords: those that they have now.
fn with_passwords(server: &Server) -> BTreeMap<String, String> {
    let admin = server.log_in(ADMIN.0, ADMIN.1);
    let (_, told) = server.get("/v1/users?limit=100", &admin);
    let mut people = BTreeMap::new();
    for user in told["items"].as_array().unwrap() {
        let email = user["email"].as_str();
        let Some(name) = email.and_then(|email| email.strip_suffix("@demo.example")) else { continue };
        let path = format!("/v1/users/{}/password-reset", user["id"].as_str().unwrap());
        let token = server.act("POST", &path, &admin, &json!({}))["token"].clone();
        let password = format!("moved here as {name}");
        let reset = json!({"token": token, "password": password});
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            match server.send("POST", "/v1/auth/reset", "", Some(reset.clone())) {
                (204, _) => break,
                (503, _) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(100)),
                (status, told) => panic!("{status} {told}"),
            }
        }
        people.insert(name.to_owned(), password);
    }
    people
}

/// What is open in a base that came from elsewhere is taken up there.
fn it_goes_on(there: &Place<'_>) {
    let server = Server::start(there.command(&["serve"]));
    let people = with_passwords(&server);
    let desk = Desk::of(&server, |name| people[name].clone());
    let Desk { author, reviewer, second, reader, .. } = &desk;
    for who in [author, reviewer, second, reader] {
        let (_, told) = server.get("/v1/notifications", who);
        assert_eq!(told["items"], json!([]), "nobody is told again of what was");
    }
    let (_, own) = server.get("/v1/tips?limit=100", author);
    let tip = |title: &str| {
        let found = own["items"].as_array().unwrap().iter().find(|tip| tip["title"] == title);
        format!("/v1/tips/{}", found.unwrap_or_else(|| panic!("no {title}: {own}"))["id"].as_str().unwrap())
    };
    // Nobody but those who may sees it.
    let (_, found) = server.get("/v1/search?q=zirconium&limit=100", reader);
    let found = found.to_string();
    for (title, is_found) in [
        ("Zirconium kept", true),
        ("Zirconium renewed", true),
        ("Zirconium draft", false),
        ("Zirconium waiting", false),
        ("Zirconium turned down", false),
        ("Zirconium merged", false),
        ("Unapproved dust.", false),
    ] {
        assert_eq!(found.contains(&format!("{title}\"")), is_found, "{title}");
    }
    for title in ["Zirconium draft", "Zirconium waiting", "Zirconium sent back", "Zirconium merged"] {
        assert_eq!(server.get(&tip(title), reader).0, 404, "{title}");
    }
    assert_eq!(server.get(&tip("Zirconium draft"), reviewer).0, 404, "a draft is its author's");

    // Drafts are written on, and sent.
    let draft = tip("Zirconium draft");
    desk.edit(&draft, json!({"cause": "Dust, here."}));
    desk.act(&draft, "submit", author, json!({}));
    desk.decide(&draft, reviewer, json!({"verdict": "approve"}));
    // What one held is theirs, what one of two approved takes the other, what was asked is answered.
    let held = tip("Zirconium held");
    let (review, _) = desk.review(&held);
    let (status, told) = server.send("POST", &format!("{review}/claim"), second, Some(json!({})));
    assert_eq!(status, 409, "{told}");
    desk.decide(&held, reviewer, json!({"verdict": "approve"}));
    let half = tip("Zirconium half");
    let (review, revision) = desk.review(&half);
    let twice = json!({"verdict": "approve", "revision": revision});
    assert_eq!(server.send("POST", &format!("{review}/decisions"), reviewer, Some(twice)).0, 409, "they have decided");
    assert_eq!(desk.decide(&half, second, json!({"verdict": "approve"}))["outcome"], "approved");
    let (review, _) = desk.review(&tip("Zirconium asked"));
    let done = server.act("POST", &format!("{review}/answer"), author, &json!({"accept": true}));
    assert_eq!(done["outcome"], "approved", "{done}");
    let (_, told) = server.get(&desk.review(&tip("Zirconium again")).0, second);
    assert_eq!(told["offered_to"]["name"], "Runa Lindqvist", "{told}");
    let waiting = tip("Zirconium waiting");
    let (_, said) = server.get(&format!("{}/comments", desk.review(&waiting).0), second);
    let said = said["items"].as_array().unwrap();
    let texts: Vec<&Value> = said.iter().map(|comment| &comment["text"]).collect();
    assert_eq!(texts, ["Which fuse?", "I know it.", "The left one."]);
    assert_eq!((&said[2]["reply_to"], &said[2]["field"]), (&said[0]["id"], &json!("problem")));
    // Who watches a tip is told of what happens to it from now on.
    desk.act(&tip("Zirconium renewed"), "archive", &desk.steward, json!({"reason": "no longer made"}));
    let (_, told) = server.get("/v1/notifications", reader);
    assert_eq!(told["items"][0]["kind"], "tip.archived", "{told}");
    // A gap is held by whoever held it, and closed by the tip that was written to answer it.
    let gaps = desk.gaps(&["quokka", "wombat", "numbat"]);
    assert_eq!(server.send("POST", &format!("{}/claim", gaps["wombat"]), second, Some(json!({}))).0, 409);
    server.act("POST", &format!("{}/claim", gaps["quokka"]), second, &json!({}));
    desk.decide(&tip("Zirconium to answer"), reviewer, json!({"verdict": "approve"}));
    let (_, gap) = server.get(&gaps["numbat"], author);
    assert_eq!(gap["state"], "closed", "{gap}");
    server.stop();
    for command in [&["audit", "verify"][..], &["index", "verify"]] {
        there.run(command);
    }
}

/// What a base with everything in it exports.
fn everything(here: &Place<'_>) -> PathBuf {
    let server = Server::start(here.command(&["demo"]));
    live(&Desk::of(&server, |_| PASSWORD.to_owned()));
    server.stop();
    here.export("all.jsonl", &["--all"])
}

/// A line of a kind, with a text in it, that says something else at a place; and why it is refused.
type Damage = (&'static str, &'static str, &'static str, Value, &'static str);

#[allow(clippy::too_many_lines, reason = "one line for each refusal")]
fn damages() -> Vec<Damage> {
    let nobody = || json!("0193e0a0-0000-7000-8000-00000000dead");
    let then = "2026-11-30T12:00:00Z";
    let closed = |outcome: &str| json!({"outcome": outcome, "at": then});
    let tip = |title, place, value, why| ("tip", title, place, value, why);
    vec![
        // What a line says by itself.
        tip("Zirconium waiting", "/texts/0/state", json!("approved"), "unknown variant"),
        tip("Zirconium waiting", "/reviews/0/quorum", json!(0), "unknown field"),
        tip("Zirconium waiting", "/reviews/0/opened_at", json!("yesterday"), "invalid"),
        tip("Zirconium waiting", "/texts/0/text/title", json!("a\u{0}b"), "NUL"),
        tip("Zirconium waiting", "/community", json!("nowhere"), "there is no community nowhere"),
        // Texts: drafts too.
        tip("Zirconium waiting", "/texts/0/text/title", json!(" "), "/title: must not be empty"),
        tip("Zirconium draft", "/texts/0/text/problem", json!(""), "/problem: must not be empty"),
        tip("Zirconium draft", "/texts/0/text/safety", json!("danger"), "/hazard: a tip with a safety level"),
        tip("Zirconium draft", "/texts/0/number", json!(1), "unknown field"),
        tip("Zirconium waiting", "/texts", json!([]), "it has no text"),
        tip("Zirconium waiting", "/texts/0/revision", json!(0), "not in order"),
        tip("Zirconium waiting", "/texts/0/state", json!("published"), "peers have approved it, or have not"),
        tip("Zirconium waiting", "/texts/0/state", json!("draft"), "its review is not what its state says"),
        tip("Zirconium waiting", "/texts/0/submitted_at", Value::Null, "when it was submitted"),
        tip("Zirconium waiting", "/confidence", json!("validated"), "peers have approved it, or have not"),
        tip("Zirconium waiting", "/hold", json!("Burns."), "nor is its use stopped"),
        tip("Zirconium waiting", "/published_at", json!(then), "it was never published"),
        tip("Zirconium edited", "/texts/0/state", json!("rejected"), "its review is not what its state says"),
        tip("Zirconium kept", "/confidence", json!("work_in_progress"), "peers have approved it, or have not"),
        // People.
        tip("Zirconium waiting", "/author", nobody(), "is not told of"),
        tip("Zirconium waiting", "/texts/0/editor", nobody(), "is not told of"),
        tip("Zirconium turned down", "/reviews/0/decisions/0/by", nobody(), "is not told of"),
        tip("Zirconium waiting", "/reviews/0/comments/0/said/0/by", nobody(), "is not told of"),
        tip("Zirconium held", "/reviews/0/claim/by", nobody(), "is not told of"),
        tip("Zirconium again", "/reviews/1/offered_to", nobody(), "is not told of"),
        tip("Zirconium asked", "/reviews/1/amended/by", nobody(), "is not told of"),
        // Reviews.
        tip("Zirconium waiting", "/reviews", json!([]), "its review is not what its state says"),
        tip("Zirconium waiting", "/reviews/0/revision", json!(2), "its review is not what its state says"),
        tip("Zirconium waiting", "/reviews/0/closed", closed("approved"), "its review is not what its state says"),
        tip("Zirconium turned down", "/reviews/0/closed", closed("approved"), "its review is not what its state says"),
        tip("Zirconium turned down", "/reviews/0/decisions", json!([]), "it does not end as its decisions say"),
        tip("Zirconium turned down", "/reviews/0/decisions/0/verdict", json!("approve"), "as its decisions say"),
        tip("Zirconium turned down", "/reviews/0/decisions/0/reason", Value::Null, "/reason: the author is owed"),
        tip("Zirconium turned down", "/reviews/0/decisions/0/comment", json!(" "), "/comment: the author is owed"),
        tip("Zirconium turned down", "/reviews/0/decisions/0/role", json!("reader"), "who is no reviewer"),
        tip("Zirconium merged", "/reviews/0/decisions/0/into/id", json!("nothing"), "there is no tip nothing"),
        tip("Zirconium asked", "/reviews/0/decisions/0/edited_into", json!(3), "makes the next text"),
        tip("Zirconium asked", "/reviews/1/amended", Value::Null, "makes the next text"),
        tip("Zirconium waiting", "/reviews/0/comments/0/said/0/text", json!(" "), "/text: must not be empty"),
        tip("Zirconium waiting", "/reviews/0/comments/0/said", json!([]), "nobody says anything"),
        tip("Zirconium renewed", "/outcomes/0/revision", json!(9), "readers never saw"),
        // What hangs on tips and communities.
        ("gap", "quokka", "/people", json!(0), "or by nobody"),
        ("gap", "quokka", "/people", json!(99), "by more people than times"),
        ("gap", "quokka", "/terms", json!([]), "have in common"),
        ("gap", "numbat", "/community", json!("nowhere"), "there is no community nowhere"),
        ("gap", "numbat", "/community", json!("automotive"), "a tip of another community"),
        ("gap", "numbat", "/tips/0/tip/id", json!("nothing"), "there is no tip nothing"),
        ("gap", "wombat", "/claim/by", nobody(), "is not told of"),
        ("gap", "dingo", "/tips", json!([]), "was not written to"),
        ("watch", "", "/person", nobody(), "is not told of"),
        ("watch", "", "/tip/id", json!("nothing"), "there is no tip nothing"),
        ("member", "", "/person", nobody(), "is not told of"),
        ("person", "technician@", "/email", json!("nowhere"), "/email"),
        ("glossary", "fuser", "/versions/1/entries/0/means", json!([]), "/"),
        ("community", "", "/slug", json!("Not A Slug"), "/slug"),
        ("flag", "", "/revision", json!(9), "never saw the text"),
        ("flag", "", "/says", json!("recheck"), "is nobody's flag"),
        ("relation", "", "/reason", Value::Null, "say what is different"),
    ]
}

/// A line that says something else at a place, of a thing that is nowhere yet.
fn damaged(all: &[String], place: usize, (kind, holds, pointer, value, _): &Damage) -> String {
    let of_kind = |line: &&String| line.starts_with(&format!(r#"{{"kind":"{kind}""#)) && line.contains(holds);
    let line = all.iter().find(of_kind).unwrap_or_else(|| panic!("no {kind} with {holds}"));
    let mut line: Value = serde_json::from_str(line).unwrap();
    match *kind {
        "tip" => line["id"] = json!(format!("damaged-{place}")),
        "gap" | "flag" | "person" => line["id"] = json!(format!("0193e0a0-0000-7000-8000-{place:012}")),
        "glossary" => {
            let version = line["versions"][0].clone();
            line["versions"].as_array_mut().unwrap().push(version);
        }
        "relation" => {
            let (tip, other) = (line["tip"].take(), line["other"].take());
            (line["tip"], line["other"]) = (other, tip);
        }
        _ => {}
    }
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = line.pointer_mut(parent).unwrap_or_else(|| panic!("no {pointer} in {holds}"));
    match parent {
        Value::Array(items) => items[field.parse::<usize>().unwrap()] = value.clone(),
        parent => parent[field] = value.clone(),
    }
    line.to_string()
}

#[test]
fn what_could_not_have_come_about_is_refused_with_its_line_and_nothing_of_it_is_kept() {
    for (from, to) in ways() {
        let folder = tempfile::tempdir().unwrap();
        let here = Place { folder: &folder, name: "from", database: &from };
        let there = Place { folder: &folder, name: "to", database: &to };
        let all = everything(&here);
        let sound = lines(&all);
        let damages = damages();
        let mut text = sound.clone();
        text.extend(damages.iter().enumerate().map(|(place, damage)| damaged(&sound, place, damage)));
        let file = folder.path().join("damaged.jsonl");
        std::fs::write(&file, text.join("\n")).unwrap();
        let told = there.import(&file);
        for (place, damage) in damages.iter().enumerate() {
            let line = sound.len() + place + 1;
            let refused = told.lines().find(|told| told.trim_start().starts_with(&format!("line {line} ")));
            let refused = refused.unwrap_or_else(|| panic!("{damage:?} was taken:\n{told}"));
            assert!(refused.contains(damage.4), "{damage:?}: {refused}");
        }
        assert!(told.contains(&format!("refused {}", damages.len())), "{told}");
        let taken = lines(&there.export("back.jsonl", &["--all"]));
        assert!(in_order(&taken) == in_order(&sound), "{:?}", to.kind());
    }
}

#[test]
fn whoever_was_erased_stays_so_whatever_an_import_says_of_them() {
    let (from, to) = (TestDatabase::empty_sqlite(), TestDatabase::empty_sqlite());
    let folder = tempfile::tempdir().unwrap();
    let here = Place { folder: &folder, name: "from", database: &from };
    let there = Place { folder: &folder, name: "to", database: &to };
    let all = everything(&here);
    let people: Vec<String> = lines(&all).into_iter().filter(|line| line.starts_with(r#"{"kind":"person""#)).collect();
    let file = folder.path().join("people.jsonl");
    std::fs::write(&file, people.join("\n")).unwrap();
    there.import(&file);
    for name in ["reviewer", "reviewer2", "outsider"] {
        there.run(&["user", "erase", &format!("{name}@demo.example")]);
    }
    let told = there.import(&all);
    assert!(told.contains("was erased here"), "{told}");
    let taken = lines(&there.export("back.jsonl", &["--all"]));
    let find = |lines: &[String], what: &str| -> Value {
        serde_json::from_str(lines.iter().find(|line| line.contains(what)).unwrap()).unwrap()
    };
    for trace in ["Ravi Okonkwo", "reviewer@demo.example", "Otto Brandt", "outsider@demo.example"] {
        assert!(!taken.iter().any(|line| line.starts_with(r#"{"kind":"person""#) && line.contains(trace)), "{trace}");
    }
    let who = find(&lines(&all), "reviewer@demo.example")["id"].as_str().unwrap().to_owned();
    let member = |line: &String| line.starts_with(r#"{"kind":"member""#) && line.contains(&who);
    assert!(lines(&all).iter().any(member) && !taken.iter().any(member));
    let held = |lines: &[String]| find(lines, "Zirconium held")["reviews"][0]["claim"]["until"].to_string();
    assert!(held(&taken) < held(&lines(&all)), "what they held is free");
    let offered = |lines: &[String]| find(lines, "Zirconium again")["reviews"][1]["offered_to"].clone();
    assert!(offered(&taken).is_null() && !offered(&lines(&all)).is_null());
    // What they decided stays, under an id that names nobody.
    assert_eq!(find(&taken, "Zirconium turned down")["reviews"][0]["decisions"][0]["by"], json!(who));
}
