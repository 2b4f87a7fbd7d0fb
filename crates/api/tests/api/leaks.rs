//! The leak matrix: every operation of the OpenAPI document, asked by every kind of caller about tips in every state that is
//! hidden from them, with words in them that stand nowhere else. Each reply is the one for a tip that is not there, and no
//! reply has any of the words. An operation without a row here fails the test.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use eureka_api::LimitOptions;
use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Call, Person, Reply, TestApp, on_both, photo, sample};
use serde_json::{Value, json};

const ABSENT: &str = "01930000-0000-7000-8000-000000000000";
/// A word like those of the hidden tips that stands in no tip at all.
const NOWHERE: &str = "pyroclastium";

/// How an operation is asked about a tip.
#[derive(Clone, Copy)]
enum Row {
    /// Its path names the tip; this is a body that it takes.
    Tip(&'static str),
    /// Its path names the review of the tip.
    Review(&'static str),
    /// Its body names the tip, `HIDDEN`, and its answer says in the body that there is none.
    Named(&'static str),
    /// It may show any tip; this follows the path.
    All(&'static str),
    /// It finds tips by words: `WORD` in what follows the path, or in the body.
    Words(&'static str, &'static str),
    /// Its path names something else that is not everybody's: a flag, a gap, a community …; this is a body that it takes.
    Own(&'static str, &'static str),
    /// It has to do with no tip, or only with what the caller says.
    Apart,
}

use Row::{All, Apart, Named, Own, Review, Tip, Words};

const REASON: &str = r#"{"reason": "x"}"#;
// What an assistant asks with its tools that read.
const SEARCHED: &str = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search_tips", "arguments": {"q": "WORD"}}}"#;
const COMPARED: &str = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "similar_tips", "arguments": {
    "title": "WORD", "problem": "WORD", "fault_codes": ["WORD"]}}}"#;
const READ: &str = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "read_tip", "arguments": {"tip": "HIDDEN"}}}"#;
const ROWS: &[(&str, Row)] = &[
    ("GET /.well-known/jwks.json", Apart),
    ("GET /health/live", Apart),
    ("GET /health/ready", Apart),
    ("POST /mcp", Words("", SEARCHED)),
    ("POST /mcp", Words("", COMPARED)),
    ("POST /mcp", Named(READ)),
    ("GET /v1/admin/audit", All("?limit=100")),
    ("GET /v1/admin/index", All("")),
    ("POST /v1/admin/index/rebuild", Apart),
    ("POST /v1/admin/index/verify", Apart),
    ("GET /v1/api-keys", Apart),
    ("POST /v1/api-keys", Apart),
    ("GET /v1/api-keys/{id}", Own("API key", "")),
    ("DELETE /v1/api-keys/{id}", Own("API key", "")),
    ("POST /v1/auth/login", Apart),
    ("POST /v1/auth/logout", Apart),
    ("POST /v1/auth/refresh", Apart),
    ("POST /v1/auth/reset", Apart),
    ("GET /v1/changes", All("?limit=100")),
    ("GET /v1/communities", All("?limit=100")),
    ("POST /v1/communities", Apart),
    ("GET /v1/communities/{slug}", Own("community", "")),
    ("PATCH /v1/communities/{slug}", Own("community", r#"{"name": "x"}"#)),
    ("GET /v1/communities/{slug}/feed.atom", All("?limit=100")),
    ("GET /v1/communities/{slug}/feed.json", All("?limit=100")),
    ("GET /v1/communities/{slug}/glossary", Own("community", "")),
    ("PUT /v1/communities/{slug}/glossary", Own("community", r#"{"entries": []}"#)),
    ("GET /v1/communities/{slug}/glossary/versions", Own("community", "")),
    ("GET /v1/communities/{slug}/members", Own("community", "")),
    ("PUT /v1/communities/{slug}/members/{user_id}", Own("community", r#"{"role": "reader"}"#)),
    ("DELETE /v1/communities/{slug}/members/{user_id}", Own("community", "")),
    ("GET /v1/exports/tips", All("")),
    ("GET /v1/flags", All("?limit=100")),
    ("GET /v1/flags/{id}", Own("flag", "")),
    ("POST /v1/flags/{id}/assign", Own("flag", "")),
    ("POST /v1/flags/{id}/resolve", Own("flag", r#"{"resolution": "no_action", "reason": "x"}"#)),
    ("GET /v1/gaps", All("?limit=100")),
    ("GET /v1/gaps/{id}", Own("gap", "")),
    ("POST /v1/gaps/{id}/claim", Own("gap", "")),
    ("POST /v1/gaps/{id}/release", Own("gap", "")),
    ("POST /v1/imports", Apart),
    ("GET /v1/imports/{id}", Own("import", "")),
    ("GET /v1/me", All("")),
    ("PUT /v1/me/password", Apart),
    ("GET /v1/notifications", All("?limit=100")),
    ("POST /v1/notifications/{id}/read", Own("notification", "")),
    ("GET /v1/reviews", All("?limit=100")),
    ("POST /v1/reviews/claim-next", Apart),
    ("GET /v1/reviews/stats", All("")),
    ("GET /v1/reviews/{id}", Review("")),
    ("POST /v1/reviews/{id}/answer", Review(r#"{"accept": true}"#)),
    ("POST /v1/reviews/{id}/claim", Review("")),
    ("GET /v1/reviews/{id}/comments", Review("")),
    ("POST /v1/reviews/{id}/comments", Review(r#"{"text": "x"}"#)),
    ("POST /v1/reviews/{id}/decisions", Review(r#"{"verdict": "approve", "revision": 1}"#)),
    ("POST /v1/reviews/{id}/release", Review("")),
    ("GET /v1/search", Words("?q=WORD&facets=product,tag,community,author,fault_code", "")),
    ("GET /v1/search/feed.atom", Words("?q=WORD", "")),
    ("GET /v1/search/feed.json", Words("?q=WORD", "")),
    ("POST /v1/searches/{id}/opened", Apart),
    ("GET /v1/suggest", Words("?q=WORD", "")),
    ("GET /v1/tips", All("?limit=100")),
    ("POST /v1/tips", Apart),
    ("POST /v1/tips/similar", Words("", r#"{"title": "WORD", "problem": "WORD", "fault_codes": ["WORD"]}"#)),
    ("GET /v1/tips/{id}", Tip("")),
    ("GET /v1/tips/{id}.md", Tip("")),
    ("PATCH /v1/tips/{id}", Tip(r#"{"title": "x"}"#)),
    ("POST /v1/tips/{id}/archive", Tip(REASON)),
    ("GET /v1/tips/{id}/attachments", Tip("")),
    ("POST /v1/tips/{id}/attachments", Tip("")),
    ("GET /v1/tips/{id}/attachments/{attachment_id}", Tip("")),
    ("DELETE /v1/tips/{id}/attachments/{attachment_id}", Tip("")),
    ("GET /v1/tips/{id}/attachments/{attachment_id}/thumbnail", Tip("")),
    ("POST /v1/tips/{id}/flags", Tip(r#"{"kind": "wrong"}"#)),
    ("GET /v1/tips/{id}/history", Tip("")),
    ("POST /v1/tips/{id}/hold", Tip(REASON)),
    ("POST /v1/tips/{id}/merge", Tip(r#"{"into": "BEACON", "reason": "x"}"#)),
    ("GET /v1/tips/{id}/outcomes", Tip("")),
    ("POST /v1/tips/{id}/outcomes", Tip(r#"{"result": "fixed"}"#)),
    ("GET /v1/tips/{id}/outcomes/{outcome_id}", Tip("")),
    ("GET /v1/tips/{id}/outcomes/{outcome_id}", Own("outcome", "")),
    ("GET /v1/tips/{id}/relations", Tip("")),
    ("PUT /v1/tips/{id}/relations/{other}", Tip(r#"{"relation": "same"}"#)),
    ("DELETE /v1/tips/{id}/relations/{other}", Tip("")),
    ("POST /v1/tips/{id}/release", Tip(REASON)),
    ("POST /v1/tips/{id}/restore", Tip(REASON)),
    ("POST /v1/tips/{id}/revert", Tip(r#"{"to": 1, "reason": "x"}"#)),
    ("GET /v1/tips/{id}/revisions", Tip("")),
    ("GET /v1/tips/{id}/revisions/{n}", Tip("")),
    ("GET /v1/tips/{id}/revisions/{n}/diff", Tip("")),
    ("POST /v1/tips/{id}/separate", Tip(REASON)),
    ("GET /v1/tips/{id}/similar", Tip("")),
    ("POST /v1/tips/{id}/submit", Tip("")),
    ("POST /v1/tips/{id}/supersede", Tip(r#"{"by": "BEACON", "reason": "x"}"#)),
    ("PUT /v1/tips/{id}/watch", Tip("")),
    ("DELETE /v1/tips/{id}/watch", Tip("")),
    ("POST /v1/tips/{id}/withdraw", Tip(REASON)),
    ("GET /v1/users", All("?limit=100")),
    ("POST /v1/users", Apart),
    ("GET /v1/users/{id}", Own("account", "")),
    ("PATCH /v1/users/{id}", Own("account", r#"{"name": "x"}"#)),
    ("POST /v1/users/{id}/password-reset", Own("account", "")),
    ("GET /v1/webhooks", All("?limit=100")),
    ("POST /v1/webhooks", Apart),
    ("GET /v1/webhooks/{id}", Own("webhook", "")),
    ("PATCH /v1/webhooks/{id}", Own("webhook", r#"{"description": "x"}"#)),
    ("DELETE /v1/webhooks/{id}", Own("webhook", "")),
    ("GET /v1/webhooks/{id}/deliveries", Own("webhook", "")),
    ("POST /v1/webhooks/{id}/deliveries/{delivery}/replay", Own("delivery", "")),
    ("POST /v1/webhooks/{id}/ping", Own("webhook", "")),
    ("POST /v1/webhooks/{id}/rotate", Own("webhook", "")),
];

/// A tip that is hidden from some, with a word of its own in every field.
struct Hidden {
    word: &'static str,
    id: String,
    number: String,
    review: Option<String>,
    /// A photo of it, called by its word.
    file: String,
    /// Whose eyes may see it.
    seen_by: BTreeSet<&'static str>,
}

/// Something else that is hidden from some.
struct Thing {
    kind: &'static str,
    id: String,
    /// What names nothing of its kind.
    absent: &'static str,
    /// What it hangs on, where its path names that too.
    on: String,
    seen_by: BTreeSet<&'static str>,
}

/// The tips and the people of the matrix.
struct World {
    /// By what they are; nobody in particular is `None`.
    callers: BTreeMap<&'static str, Option<Person>>,
    hidden: Vec<Hidden>,
    things: Vec<Thing>,
    /// A tip that everybody reads.
    beacon: String,
}

const IN_OPEN: [&str; 2] = ["reviewer", "steward"];

fn written(app: &TestApp, author: &Person, slug: &str, word: &str) -> Reply {
    let mut tip = sample(slug, &format!("{word} title"));
    for field in ["problem", "solution", "cause"] {
        tip[field] = json!(format!("{word} {field}"));
    }
    for field in ["products", "tags", "fault_codes", "parts"] {
        tip[field] = json!([word]);
    }
    let path = format!("/v1/tips/{}", app.post(author, "/v1/tips", tip).expect(201).word("/id"));
    let attach = app.call("POST", &format!("{path}/attachments?name={word}.jpg")).by(author);
    attach.raw("image/jpeg", &photo(8, 8)).send().expect(201);
    app.get(author, &path).expect(200)
}

/// Sends a tip to its review, where its word is spoken of; the review's id.
fn submitted(app: &TestApp, [author, reviewer]: [&Person; 2], tip: &Reply, word: &str) -> (String, Reply) {
    let path = format!("/v1/tips/{}/submit", tip.word("/id"));
    let sent = app.act(author, &path, tip.etag(), json!({})).expect(200);
    let review = sent.word("/review/id");
    let comment = json!({"text": format!("{word} comment")});
    app.post(reviewer, &format!("/v1/reviews/{review}/comments"), comment).expect(201);
    (review, sent)
}

/// Takes two out of both communities and suspends a third; the position that this reached.
fn turned_out(app: &TestApp, admin: &Person, members: [&Person; 2], suspended: &Person) -> i64 {
    for slug in ["open", "closed"] {
        for person in members {
            let path = format!("/v1/communities/{slug}/members/{}", person.id);
            app.call("DELETE", &path).by(admin).send().expect(204);
        }
    }
    let suspend = app.call("PATCH", &format!("/v1/users/{}", suspended.id)).by(admin).header("If-Match", "*");
    suspend.json(json!({"status": "suspended"})).send().expect(200).position()
}

fn world(app: &TestApp) -> World {
    let (open, closed) = (app.community("open", Openness::Open), app.community("closed", Openness::Private));
    let elsewhere = app.community("elsewhere", Openness::Open);
    let ana = app.member(&open, "ana", Role::Contributor);
    app.service.enrol_member(closed.id, ana.id, Role::Contributor).unwrap();
    let member = |name: &'static str, role| {
        let person = app.member(&open, name, role);
        app.service.enrol_member(closed.id, person.id, role).unwrap();
        person
    };
    let (peer, reviewer, steward) =
        (member("peer", Role::Contributor), member("reviewer", Role::Reviewer), member("steward", Role::Steward));
    let (reader, former, demoted) =
        (member("reader", Role::Reader), member("former", Role::Reviewer), member("demoted", Role::Reviewer));
    let suspended = member("suspended", Role::Reviewer);
    let (demoted_key, admin) = (app.key(&demoted, &["review"]), app.admin());
    let beacon = app.published(&ana, &reviewer, &open, "A beacon for all");

    let mut hidden = Vec::new();
    let mut add = |word: &'static str, tip: &Reply, review: Option<String>, seen_by: &[&'static str]| {
        let (id, number) = (tip.word("/id"), tip.word("/number"));
        let file = tip.word("/attachments/0/id");
        hidden.push(Hidden { word, id, number, review, file, seen_by: seen_by.iter().copied().collect() });
    };
    let submit = |tip: &Reply, word: &str| submitted(app, [&ana, &reviewer], tip, word);
    let decide = |review: &str, decision: Value| {
        app.post(&reviewer, &format!("/v1/reviews/{review}/decisions"), decision).expect(201).position()
    };
    let mut reached = 0;
    for (slug, words) in [
        ("open", ["obsidianite", "quartzomel", "vermiculin", "halcyonide", "tourmalane"]),
        ("closed", ["feldsparyx", "gneissolith", "kyanitrope", "marcasynth", "zeolithium"]),
    ] {
        let [draft, waiting, returned, rejected, withdrawn] = words;
        let is_open = slug == "open";
        add(draft, &written(app, &ana, slug, draft), None, &["author"]);
        let seen: Vec<&str> = IN_OPEN.into_iter().chain(["admin", "author"]).collect();
        let tip = written(app, &ana, slug, waiting);
        add(waiting, &tip, Some(submit(&tip, waiting).0), &seen);
        let tip = written(app, &ana, slug, returned);
        let review = submit(&tip, returned).0;
        decide(
            &review,
            json!({"verdict": "request_changes", "reason": "incomplete", "comment": "More.", "revision": 1}),
        );
        add(returned, &tip, Some(review), &seen);
        let tip = written(app, &ana, slug, rejected);
        let review = submit(&tip, rejected).0;
        decide(&review, json!({"verdict": "reject", "reason": "incorrect", "comment": "No.", "revision": 1}));
        add(rejected, &tip, Some(review), &seen);
        let tip = written(app, &ana, slug, withdrawn);
        let (review, sent) = submit(&tip, withdrawn);
        app.act(&ana, &format!("/v1/tips/{}/withdraw", tip.word("/id")), sent.etag(), json!({})).expect(200);
        add(withdrawn, &tip, Some(review), &seen);
        if !is_open {
            // Approved ones of the private community: as they are, on hold, archived.
            for (word, act) in [("bornitazal", ""), ("andalucore", "hold"), ("cinnabaryl", "archive")] {
                let tip = written(app, &ana, slug, word);
                let review = submit(&tip, word).0;
                reached = decide(&review, json!({"verdict": "approve", "revision": 1}));
                if !act.is_empty() {
                    let path = format!("/v1/tips/{}/{act}", tip.word("/id"));
                    let call =
                        app.call("POST", &path).by(&steward).header("If-Match", "*").json(json!({"reason": "x"}));
                    reached = call.send().expect(200).position();
                }
                let seen = [&seen[..], &["peer", "reader", "narrow key"]].concat();
                add(word, &tip, Some(review), &seen);
            }
        }
    }
    // Authors do not see each other's.
    add("lazuritane", &written(app, &peer, "open", "lazuritane"), None, &["peer"]);
    let tip = written(app, &peer, "closed", "malachitor");
    let review = submitted(app, [&peer, &reviewer], &tip, "malachitor").0;
    add("malachitor", &tip, Some(review), &["reviewer", "steward", "admin", "peer"]);
    let narrow = app.key(&steward, &["read"]);
    app.settle(reached.max(turned_out(app, &admin, [&former, &demoted], &suspended)));
    let of_the_closed = hidden.iter().find(|tip| tip.word == "bornitazal").unwrap().id.clone();
    let people = [&ana, &peer, &reader, &steward, &admin];
    let things = things(app, people, &of_the_closed);
    let callers = BTreeMap::from([
        ("anonymous", None),
        ("author", Some(ana)),
        ("outsider", Some(app.person("outsider"))),
        ("peer", Some(peer)),
        ("reader", Some(reader)),
        ("reviewer", Some(reviewer)),
        ("steward", Some(steward)),
        ("reviewer elsewhere", Some(app.member(&elsewhere, "lena", Role::Reviewer))),
        ("admin", Some(admin)),
        ("suspended", Some(suspended)),
        ("removed", Some(former)),
        ("narrow key", Some(narrow)),
        ("key of a demoted owner", Some(demoted_key)),
    ]);
    World { callers, hidden, things, beacon }
}

/// What else there is to be found by an id of its own: in the private community, on one of its tips, and somebody's.
fn things(app: &TestApp, [ana, peer, reader, steward, admin]: [&Person; 5], tip: &str) -> Vec<Thing> {
    let path = |what: &str| format!("/v1/tips/{tip}/{what}");
    let flag = app.post(reader, &path("flags"), json!({"kind": "wrong"})).expect(201).word("/id");
    let outcome = app.post(peer, &path("outcomes"), json!({"result": "fixed"})).expect(201).word("/id");
    for _ in 0..3 {
        app.get(ana, "/v1/search?community=closed&q=zirconogapium").expect(200);
        app.service.settle_searches();
        app.clock.advance(Duration::seconds(20)); // or it is one question, still being typed
    }
    let gap = app.get(ana, "/v1/gaps?community=closed").expect(200).word("/items/0/id");
    // What happens to a flag is told to several; what a reviewer says of a text, to its author alone.
    let told = app.get(ana, "/v1/notifications?limit=100").expect(200).at("/items");
    let sent_back = |item: &&Value| item["kind"] == "tip.changes_requested";
    let notification = told.as_array().unwrap().iter().find(sent_back).unwrap()["id"].to_string();
    let lines = sample("closed", "A line of an import").to_string();
    let import = app.call("POST", "/v1/imports?dry_run=true").by(steward);
    let import = import.raw("application/x-ndjson", lines.as_bytes()).send().expect(201).word("/id");
    let key = json!({"name": "a program", "scopes": ["read"]});
    let key = app.post(admin, "/v1/api-keys", key).expect(201).word("/id");
    let webhook = app.post(ana, "/v1/webhooks", json!({"url": "http://127.0.0.1:9/"})).expect(201).word("/id");
    let ping = app.post(ana, &format!("/v1/webhooks/{webhook}/ping"), json!({})).expect(202).word("/id");
    let members = ["author", "peer", "reader", "reviewer", "steward", "admin", "narrow key"];
    let thing_on = |on: &str, kind, id: &str, absent, seen_by: &[&'static str]| Thing {
        kind,
        id: id.to_owned(),
        absent,
        on: on.to_owned(),
        seen_by: seen_by.iter().copied().collect(),
    };
    let thing = |kind, id: &str, absent, seen_by: &[&'static str]| thing_on(tip, kind, id, absent, seen_by);
    vec![
        thing("community", "closed", "nowhere", &members),
        thing("flag", &flag, ABSENT, &["author", "reader", "reviewer", "steward", "admin"]),
        thing("outcome", &outcome, ABSENT, &members),
        thing("gap", &gap, ABSENT, &["author", "peer", "reviewer", "steward", "admin"]),
        thing("notification", &notification, "999999999", &["author"]),
        thing("import", &import, ABSENT, &["steward", "narrow key"]),
        thing("API key", &key, ABSENT, &["admin"]),
        thing("account", &ana.id.to_string(), ABSENT, &["author", "admin"]),
        thing("webhook", &webhook, ABSENT, &["author"]),
        thing_on(&webhook, "delivery", &ping, ABSENT, &["author"]),
    ]
}

/// Asks an operation, the same way each time but for what names the tip.
fn ask(app: &TestApp, who: Option<&Person>, operation: &str, path: &str, body: &str) -> Reply {
    let method = operation.split(' ').next().unwrap();
    let call: Call = app.call(method, path).header("X-Request-Id", "same").header("If-Match", "*");
    let call = match who {
        Some(person) => call.by(person),
        None => call,
    };
    let call = if body.is_empty() { call } else { call.json(serde_json::from_str(body).unwrap()) };
    call.send()
}

/// Headers that go by the clock.
const CHANGING: [&str; 4] = ["connection", "date", "content-length", "eureka-index-lag"];

/// All of a reply that a client sees, but for what goes by the clock: whether a body that nobody read closes the connection
/// is such a thing, and how far behind the index is at that moment.
fn whole(reply: &Reply) -> String {
    let mut headers: Vec<String> = reply
        .headers
        .iter()
        .filter(|(name, _)| !CHANGING.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    headers.sort();
    let mut json = reply.json();
    for changing in ["took_ms", "id"] {
        if let Some(value) = json.get_mut(changing) {
            value.take();
        }
    }
    let body = if json.is_null() { reply.text() } else { json.to_string() };
    format!("{} {} {body}", reply.status, headers.join("\n"))
}

fn mentions(reply: &Reply, hidden: &Hidden) -> bool {
    let text = whole(reply).to_lowercase();
    text.contains(hidden.word)
        || text.contains(&hidden.id)
        || text.contains(&hidden.file)
        || text.contains(&format!("\"{}\"", hidden.number.to_lowercase()))
}

#[test]
fn no_operation_tells_anybody_of_a_tip_that_is_hidden_from_them() {
    let described = operations();
    let decided: BTreeSet<&str> = ROWS.iter().map(|(operation, _)| *operation).collect();
    let missing: Vec<_> = described.iter().filter(|operation| !decided.contains(operation.as_str())).collect();
    assert!(missing.is_empty(), "say in a row how these are asked about a tip: {missing:?}");
    let stale: Vec<_> = decided.iter().filter(|operation| !described.contains(**operation)).collect();
    assert!(stale.is_empty(), "there are no such operations: {stale:?}");

    on_both(|database| {
        let app = &TestApp::limited(database, LimitOptions::none());
        let world = world(app);
        let (mut cells, mut leaks) = (0, Vec::new());
        // What was searched for shows in the gaps: lists first, words last.
        for phase in 0..3 {
            for (&name, who) in &world.callers {
                let hidden: Vec<&Hidden> = world.hidden.iter().filter(|tip| !tip.seen_by.contains(name)).collect();
                assert!(hidden.len() >= 2, "{name}");
                for (operation, row) in ROWS {
                    let replies = match (phase, row) {
                        (0, All(query)) => lists(app, (name, who.as_ref()), operation, query, &hidden),
                        (1, Tip(body)) => by_name(app, &world, who.as_ref(), operation, body, &hidden, |tip| {
                            // One function reads both names of a tip; for half of the operations one will do.
                            let number = body.is_empty().then(|| tip.number.clone());
                            std::iter::once(tip.id.clone()).chain(number).collect()
                        }),
                        (1, Named(body)) => by_argument(app, who.as_ref(), operation, body, &hidden),
                        (1, Review(body)) => by_name(app, &world, who.as_ref(), operation, body, &hidden, |tip| {
                            tip.review.clone().into_iter().collect()
                        }),
                        (1, Own(kind, body)) => by_its_own(app, (name, who.as_ref()), operation, body, {
                            world.things.iter().filter(|thing| thing.kind == *kind && !thing.seen_by.contains(name))
                        }),
                        (2, Words(query, body)) => by_words(app, who.as_ref(), operation, query, body, &hidden),
                        _ => continue,
                    };
                    cells += replies.len();
                    leaks.extend(replies.into_iter().flatten().map(|what| format!("{name}: {operation}: {what}")));
                }
            }
        }
        assert!(leaks.is_empty(), "{} of {cells} cells leak:\n{}", leaks.len(), leaks.join("\n"));
        assert!(cells > 4000, "{cells}");
        println!(
            "{} operations, {} callers, {} hidden tips: {cells} cells, no leak",
            ROWS.len(),
            world.callers.len(),
            world.hidden.len()
        );
    });
}

fn operations() -> BTreeSet<String> {
    let document = serde_json::to_value(eureka_api::document()).unwrap();
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_some() {
                found.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    found
}

/// One cell for each hidden tip: what leaked, if anything did.
type Cells = Vec<Option<String>>;

fn lists(
    app: &TestApp,
    (name, who): (&str, Option<&Person>),
    operation: &str,
    query: &str,
    hidden: &[&Hidden],
) -> Cells {
    let template = operation.split(' ').nth(1).unwrap();
    // One of a community is asked of each that has hidden tips.
    let slugs = if template.contains("{slug}") { &["open", "closed"][..] } else { &[""] };
    let paths = slugs.iter().map(|slug| format!("{}{query}", template.replace("{slug}", slug)));
    let replies: Vec<Reply> = paths.map(|path| ask(app, who, operation, &path, "")).collect();
    // An admin's log names what happened to any tip, and the feed tells those who read a community once that its tips are
    // gone for them; neither has any of their words.
    let read_it_once = ["removed", "key of a demoted owner"].contains(&name);
    let names_it = operation.ends_with("/admin/audit") || (operation.ends_with("/changes") && read_it_once);
    let tells = |reply: &Reply, tip: &Hidden| {
        if names_it { whole(reply).to_lowercase().contains(tip.word) } else { mentions(reply, tip) }
    };
    let cells = replies.iter().flat_map(|reply| hidden.iter().map(move |tip| (reply, tip)));
    cells.map(|(reply, tip)| tells(reply, tip).then(|| format!("{} is in it", tip.word))).collect()
}

fn by_name(
    app: &TestApp,
    world: &World,
    who: Option<&Person>,
    operation: &str,
    body: &str,
    hidden: &[&Hidden],
    names: impl Fn(&Hidden) -> Vec<String>,
) -> Cells {
    let template = operation.split(' ').nth(1).unwrap().replace("{n}", "1").replace("{outcome_id}", ABSENT);
    let template = template.replace("{attachment_id}", "FILE");
    let body = body.replace("BEACON", &world.beacon);
    // A path with two tips is asked with the hidden one in either place, and one of a file as if it were another tip's.
    let mut paths = vec![template.replace("{id}", "HIDDEN").replace("{other}", &world.beacon)];
    if template.contains("{other}") {
        paths.push(template.replace("{id}", &world.beacon).replace("{other}", "HIDDEN"));
    }
    if template.contains("FILE") {
        paths.push(template.replace("{id}", &world.beacon));
    }
    let mut cells = Vec::new();
    for path in paths {
        let fill = |tip: &str, file: &str| path.replace("HIDDEN", tip).replace("FILE", file);
        let nothing = ask(app, who, operation, &fill(ABSENT, ABSENT), &body);
        assert_ne!(nothing.status, 400, "the row's body is none that {operation} takes: {}", nothing.text());
        for tip in hidden {
            for name in names(tip) {
                let reply = ask(app, who, operation, &fill(&name, &tip.file), &body);
                let same = whole(&reply).replace(&name, ABSENT).replace(&tip.file, ABSENT) == whole(&nothing);
                cells.push((!same || reply.status < 400).then(|| format!("{} by {name}: {}", tip.word, whole(&reply))));
            }
        }
    }
    cells
}

fn by_argument(app: &TestApp, who: Option<&Person>, operation: &str, body: &str, hidden: &[&Hidden]) -> Cells {
    let path = operation.split(' ').nth(1).unwrap();
    let with = |name: &str| whole(&ask(app, who, operation, path, &body.replace("HIDDEN", name)));
    let nothing = with(ABSENT);
    assert!(who.is_none() || nothing.contains("not_found") || nothing.contains("unauthenticated"), "{nothing}");
    let names = hidden.iter().flat_map(|tip| [(tip, &tip.id), (tip, &tip.number)]);
    names
        .map(|(tip, name)| {
            let found = with(name);
            (found != nothing).then(|| format!("{} by {name}: {found}\nand not {nothing}", tip.word))
        })
        .collect()
}

fn by_its_own<'a>(
    app: &TestApp,
    (name, who): (&str, Option<&Person>),
    operation: &str,
    body: &str,
    things: impl Iterator<Item = &'a Thing>,
) -> Cells {
    let template = operation.split(' ').nth(1).unwrap().replace("{user_id}", ABSENT);
    let fill = |on: &str, id: &str| {
        if template.contains("{outcome_id}") || template.contains("{delivery}") {
            template.replace("{id}", on).replace("{outcome_id}", id).replace("{delivery}", id)
        } else {
            template.replace("{id}", id).replace("{slug}", id)
        }
    };
    things
        .map(|thing| {
            let nothing = ask(app, who, operation, &fill(ABSENT, thing.absent), body);
            assert_ne!(nothing.status, 400, "the row's body is none that {operation} takes: {}", nothing.text());
            let reply = ask(app, who, operation, &fill(&thing.on, &thing.id), body);
            let found = whole(&reply).replace(&fill(&thing.on, &thing.id), &fill(ABSENT, thing.absent));
            (found != whole(&nothing)).then(|| format!("the {} shows to {name}: {}", thing.kind, whole(&reply)))
        })
        .collect()
}

fn by_words(
    app: &TestApp,
    who: Option<&Person>,
    operation: &str,
    query: &str,
    body: &str,
    hidden: &[&Hidden],
) -> Cells {
    let path = operation.split(' ').nth(1).unwrap();
    let with = |word: &str| {
        let reply =
            ask(app, who, operation, &format!("{path}{}", query.replace("WORD", word)), &body.replace("WORD", word));
        // A feed's own id and its tag are made of the words that were asked for, which it tells anyway.
        let told = whole(&reply).replace(word, "…");
        let told = told.lines().filter(|line| !line.starts_with("etag: ")).collect::<Vec<_>>().join("\n");
        let without_id = told.split_once("<id>").and_then(|(before, rest)| Some((before, rest.split_once("</id>")?.1)));
        without_id.map_or(told.clone(), |(before, after)| format!("{before}{after}"))
    };
    let nothing = with(NOWHERE);
    hidden
        .iter()
        .map(|tip| {
            let found = with(tip.word);
            (found != nothing).then(|| format!("{}: {found}\nand not {nothing}", tip.word))
        })
        .collect()
}
