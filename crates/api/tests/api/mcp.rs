//! `/mcp`: an assistant's client, played message by message as the protocol says, in its revision without sessions and in one
//! from before.

use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Call, Person, Reply, TestApp, on_both_apps, sample};
use serde_json::{Value, json};

const NOW: &str = "2026-07-28";
const BEFORE: &str = "2025-06-18";

fn post(app: &TestApp, who: &Person) -> Call {
    app.call("POST", "/mcp").by(who).header("Accept", "application/json, text/event-stream")
}

/// A request of a revision: each says for itself who asks and in which version.
fn ask_in(app: &TestApp, who: &Person, version: &str, method: &str, params: Value) -> Reply {
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": {"name": "a test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut call = post(app, who).header("MCP-Protocol-Version", version).header("Mcp-Method", method);
    if let Some(name) = params["name"].as_str() {
        call = call.header("Mcp-Name", name);
    }
    call.json(json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})).send()
}

fn ask(app: &TestApp, who: &Person, method: &str, params: Value) -> Reply {
    ask_in(app, who, NOW, method, params)
}

fn use_tool(app: &TestApp, who: &Person, name: &str, arguments: Value) -> Value {
    let reply = ask(app, who, "tools/call", json!({"name": name, "arguments": arguments})).expect(200);
    assert_eq!(reply.at("/id"), 7, "{}", reply.text());
    let result = reply.at("/result");
    assert!(result.is_object(), "{}", reply.text());
    result
}

/// What a tool gives, if it was not refused: held against the schema that the tool has for it.
fn given(app: &TestApp, who: &Person, name: &str, arguments: Value) -> Value {
    let tools = ask(app, who, "tools/list", json!({})).expect(200).at("/result/tools");
    let tool = tools.as_array().unwrap().iter().find(|tool| tool["name"] == name).unwrap();
    let takes = jsonschema::options().should_validate_formats(true).build(&tool["inputSchema"]).unwrap();
    assert!(takes.is_valid(&arguments), "{:?}", takes.iter_errors(&arguments).collect::<Vec<_>>());
    let result = use_tool(app, who, name, arguments);
    assert_ne!(result["isError"], json!(true), "{result}");
    let given = result["structuredContent"].clone();
    let gives = jsonschema::options().should_validate_formats(true).build(&tool["outputSchema"]).unwrap();
    assert!(gives.is_valid(&given), "{name}: {:?}", gives.iter_errors(&given).collect::<Vec<_>>());
    given
}

/// The problem that a tool was refused with.
fn problem(app: &TestApp, who: &Person, name: &str, arguments: Value) -> Value {
    let result = use_tool(app, who, name, arguments);
    assert_eq!(result["isError"], json!(true), "{result}");
    // Clients hold structured content against the schema of what is given, and a problem does not fit it.
    assert!(result["structuredContent"].is_null(), "{result}");
    serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap()
}

fn refused(app: &TestApp, who: &Person, name: &str, arguments: Value) -> Value {
    problem(app, who, name, arguments)["code"].take()
}

#[test]
fn an_assistant_finds_reads_and_cites_a_tip_with_what_may_hurt_first() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let (ana, ed) = (app.member(&printers, "ana", Role::Contributor), app.member(&printers, "ed", Role::Steward));
        let stella = app.member(&printers, "stella", Role::Steward);
        let mut tip = sample("printers", "Fuse holders oxidise");
        tip["safety"] = json!("danger");
        tip["hazard"] = json!("Mains at the fuse holders.");
        tip["submit"] = json!(true);
        let tip = app.post(&ana, "/v1/tips", tip).expect(201);
        for peer in [&ed, &stella] {
            let path = format!("/v1/reviews/{}/decisions", tip.word("/review/id"));
            let decided = app.post(peer, &path, json!({"verdict": "approve", "revision": 1})).expect(201);
            app.settle(decided.position());
        }
        let otto = app.key(&app.person("otto"), &["read"]);
        let number = tip.word("/number");
        let link = format!("http://{}/v1/tips/{number}.md", app.address());

        let found = given(app, &otto, "search_tips", json!({"q": "3396 docucolor", "limit": 3}));
        let hit = &found["items"][0];
        assert_eq!((&hit["number"], &hit["revision"]), (&json!(number), &json!(1)), "{found}");
        assert_eq!((&hit["id"], &hit["confidence"]), (&tip.at("/id"), &json!("validated")));
        assert_eq!(hit["safety_text"], "Danger: Mains at the fuse holders.");
        assert_eq!(hit["link"], link);
        assert_eq!(hit["tip"]["title"], "Fuse holders oxidise");
        let told = use_tool(app, &otto, "search_tips", json!({"q": "3396", "community": "printers"}));
        let told = told["content"][0]["text"].as_str().unwrap();
        assert!(told.starts_with(r#"{"items":[{"safety_text":"#), "{told}");

        let result = use_tool(app, &otto, "read_tip", json!({"tip": number}));
        let (page, cited) = (result["content"][0]["text"].as_str().unwrap(), &result["structuredContent"]);
        assert!(page.find("Mains at the fuse holders").unwrap() < page.find("## Solution").unwrap(), "{page}");
        assert!(page.contains(&format!("Cite: {number}, revision 1, validated, {link}")), "{page}");
        assert_eq!(given(app, &otto, "read_tip", json!({"tip": number})), *cited);
        assert_eq!(cited["tip"]["solution"], "Clean the two fuse holders; they oxidise.");
        assert_eq!((&cited["id"], &cited["safety_text"]), (&tip.at("/id"), &hit["safety_text"]));

        let alike = given(app, &otto, "similar_tips", json!({"title": "Fuse holders", "fault_codes": ["3396"]}));
        let alike = &alike["items"][0];
        for field in ["safety_text", "id", "number", "revision", "confidence", "link"] {
            assert_eq!(alike[field], hit[field], "{field}");
        }
        assert_eq!(alike["why"]["fault_codes"], json!(["3396"]));
    });
}

#[test]
fn a_tip_on_hold_is_not_found_and_says_so_first_where_it_is_read_and_a_merged_one_leads_to_the_other() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let (ana, ed) = (app.member(&printers, "ana", Role::Contributor), app.member(&printers, "ed", Role::Steward));
        let (held, merged, other) = (
            app.published(&ana, &ed, &printers, "Zirconogapium"),
            app.published(&ana, &ed, &printers, "Feldsparyx"),
            app.published(&ana, &ed, &printers, "Obsidianite"),
        );
        let act = |tip: &str, what: &str, body: Value| {
            let call = app.call("POST", &format!("/v1/tips/{tip}/{what}")).by(&ed).header("If-Match", "*").json(body);
            app.settle(call.send().expect(200).position());
        };
        act(&held, "hold", json!({"reason": "It burns."}));
        act(&merged, "merge", json!({"into": other, "reason": "The same."}));
        let otto = app.person("otto");
        assert_eq!(given(app, &otto, "search_tips", json!({"q": "zirconogapium"}))["items"], json!([]));
        let read = given(app, &otto, "read_tip", json!({"tip": held}));
        assert_eq!(read["safety_text"], "Stop: do not use this tip now. It burns.");
        assert_eq!(given(app, &otto, "read_tip", json!({"tip": merged}))["id"], json!(other));
    });
}

#[test]
fn a_draft_is_its_author_s_alone_and_the_same_call_again_makes_no_second_one() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let (writes, reads) = (app.key(&ana, &["write"]), app.key(&ana, &["read"]));
        let text = sample("printers", "Fuse holders oxidise");
        let first = given(app, &writes, "draft_tip", text.clone());
        let again = given(app, &writes, "draft_tip", text.clone());
        assert_eq!((&first["id"], &first["replayed"], &again["replayed"]), (&again["id"], &json!(false), &json!(true)));
        let kept = app.get(&ana, &format!("/v1/tips/{}", first["id"].as_str().unwrap())).expect(200);
        assert_eq!((kept.word("/state").as_str(), kept.at("/number")), ("draft", first["number"].clone()));
        let otto = app.person("otto");
        app.get(&otto, &format!("/v1/tips/{}", kept.word("/number"))).expect_problem(404, "not_found");
        assert_eq!(refused(app, &otto, "read_tip", json!({"tip": first["number"]})), "not_found");
        assert_eq!(given(app, &ana, "read_tip", json!({"tip": first["number"]}))["tip"]["state"], "draft");

        let keyed = |title: &str| {
            let mut text = sample("printers", title);
            text["idempotency_key"] = json!("conversation-1");
            text
        };
        let third = given(app, &writes, "draft_tip", keyed("Another"));
        assert_ne!(third["id"], first["id"]);
        assert_eq!(given(app, &writes, "draft_tip", keyed("Another"))["id"], third["id"]);
        let reused = problem(app, &writes, "draft_tip", keyed("And another"));
        assert_eq!((&reused["code"], &reused["status"]), (&json!("idempotency_key_reused"), &json!(422)));
        assert_eq!(reused["errors"][0]["pointer"], "/idempotency_key");
        for wrong in [json!(""), json!("ä"), json!(7), json!("x".repeat(256))] {
            let mut text = text.clone();
            text["idempotency_key"] = wrong;
            assert_eq!(refused(app, &writes, "draft_tip", text), "invalid_body");
        }
        assert_eq!(refused(app, &reads, "draft_tip", text.clone()), "insufficient_scope");
        assert_eq!(refused(app, &otto, "draft_tip", text.clone()), "not_permitted");
        for (field, value, code) in [
            ("submit", json!(true), "unknown_field"),
            ("titel", json!("x"), "unknown_field"),
            ("parts", json!("x"), "invalid_body"),
            ("title", json!("a\u{0}b"), "invalid_body"),
            ("title", json!(""), "validation_failed"),
        ] {
            let mut wrong = text.clone();
            wrong[field] = value;
            assert_eq!(refused(app, &writes, "draft_tip", wrong), code, "{field}");
        }
        assert_eq!(app.get(&ana, "/v1/tips?limit=100").each("/id").len(), 2);
    });
}

#[test]
fn a_draft_is_not_told_again_to_whoever_may_no_longer_write_it() {
    on_both_apps(|app| {
        let closed = app.community("closed", Openness::Private);
        let ana = app.member(&closed, "ana", Role::Contributor);
        let text = sample("closed", "Fuse holders oxidise");
        given(app, &ana, "draft_tip", text.clone());
        app.join(&closed, &ana, Role::Reader);
        assert_eq!(refused(app, &ana, "draft_tip", text.clone()), "not_permitted");
        let path = format!("/v1/communities/closed/members/{}", ana.id);
        app.call("DELETE", &path).by(&app.admin()).send().expect(204);
        let gone = problem(app, &ana, "draft_tip", text);
        assert_eq!((&gone["code"], &gone["errors"][0]["pointer"]), (&json!("validation_failed"), &json!("/community")));
    });
}

#[test]
fn what_its_user_may_not_see_does_not_exist_for_an_assistant() {
    on_both_apps(|app| {
        let closed = app.community("closed", Openness::Private);
        let open = app.community("open", Openness::Open);
        let (ana, ed) = (app.member(&closed, "ana", Role::Contributor), app.member(&closed, "ed", Role::Reviewer));
        app.join(&open, &ana, Role::Contributor);
        let tip = app.published(&ana, &ed, &closed, "Zirconogapium");
        let waiting = app.submitted(&ana, &open, "Feldsparyx").word("/id");
        let otto = app.person("otto");
        let number = app.get(&ana, &format!("/v1/tips/{tip}")).expect(200).word("/number");
        let without_id = |mut problem: Value| {
            problem["request_id"].take();
            problem
        };
        let nothing = without_id(problem(app, &otto, "read_tip", json!({"tip": "T-999999"})));
        assert_eq!(nothing["code"], "not_found");
        for hidden in [&number, &tip, &waiting] {
            let refusal = problem(app, &otto, "read_tip", json!({"tip": hidden}));
            assert_eq!(without_id(refusal), nothing);
        }
        assert_eq!(given(app, &otto, "search_tips", json!({"q": "zirconogapium"}))["total"], 0);
        assert_eq!(given(app, &ana, "search_tips", json!({"q": "zirconogapium"}))["total"], 1);
        assert_eq!(given(app, &otto, "similar_tips", json!({"title": "Zirconogapium"}))["items"], json!([]));
        assert_eq!(given(app, &ana, "similar_tips", json!({"title": "Zirconogapium"}))["items"][0]["id"], json!(tip));
        // A community that one does not see is one that is not there.
        let within = |slug: &str| use_tool(app, &otto, "search_tips", json!({"q": "zirconogapium", "community": slug}));
        assert_eq!(without_request(within("closed")), without_request(within("nowhere")));
        let draft = |slug: &str| without_id(problem(app, &otto, "draft_tip", sample(slug, "Mine")));
        assert_eq!(draft("closed"), draft("nowhere"));
        assert_eq!(draft("closed")["errors"][0]["pointer"], "/community");
    });
}

/// A tool's answer without the request's id, which stands in the text of a problem.
fn without_request(result: Value) -> Value {
    let text = result["content"][0]["text"].as_str().unwrap();
    let mut told: Value = serde_json::from_str(text).unwrap();
    if let Some(id) = told.get_mut("request_id") {
        id.take();
    }
    json!([told, result["structuredContent"], result["isError"]])
}

#[test]
fn the_protocol_is_spoken_in_its_present_revision_and_in_those_before() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        let told = ask(app, &ana, "server/discover", json!({})).expect(200);
        assert!(told.at("/result/supportedVersions").as_array().unwrap().contains(&json!(NOW)), "{}", told.text());
        assert!(told.at("/result/capabilities/tools").is_object());
        let tools = ask(app, &ana, "tools/list", json!({})).expect(200);
        let names: Vec<Value> =
            tools.at("/result/tools").as_array().unwrap().iter().map(|tool| tool["name"].clone()).collect();
        assert_eq!(names, ["search_tips", "read_tip", "similar_tips", "draft_tip"]);
        for (method, params) in [
            ("tools/destroy", json!({})),
            ("prompts/get", json!({"name": "x"})),
            ("subscriptions/listen", json!({"notifications": {}})),
        ] {
            let nothing = ask(app, &ana, method, params);
            assert_eq!(nothing.clone().expect(404).at("/error/code"), -32601, "{method}: {}", nothing.text());
        }
        let unknown = ask(app, &ana, "tools/call", json!({"name": "x", "arguments": {}})).expect(200);
        assert_eq!(unknown.at("/error/code"), -32602);
        let later = ask_in(app, &ana, "2999-01-01", "tools/list", json!({})).expect(400);
        assert_eq!((later.at("/error/code"), later.at("/id")), (json!(-32022), json!(7)), "{}", later.text());
        assert!(later.at("/error/data/supported").as_array().unwrap().contains(&json!(NOW)));

        // Before 2026-07-28 a client introduced itself first; what it says is forgotten, and what it may do is the same.
        let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": BEFORE, "capabilities": {}, "clientInfo": {"name": "a test", "version": "1"},
        }});
        let hello = post(app, &ana).json(hello).send().expect(200);
        assert_eq!(hello.at("/result/protocolVersion"), BEFORE, "{}", hello.text());
        assert!(hello.word("/result/instructions").contains("safety_text"));
        assert!(hello.header("mcp-session-id").is_none());
        let before = |message: Value| post(app, &ana).header("MCP-Protocol-Version", BEFORE).json(message).send();
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert!(before(ready).expect(202).body.is_empty());
        let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": "search_tips", "arguments": {"q": "3396"},
        }});
        assert_eq!(before(call.clone()).expect(200).at("/result/structuredContent/total"), 0);
        let pong = before(json!({"jsonrpc": "2.0", "id": "p", "method": "ping"})).expect(200);
        assert_eq!((pong.at("/id"), pong.at("/result")), (json!("p"), json!({})));
        // Who says nothing of revisions, and takes nothing but JSON, is answered all the same.
        let plain = app.call("POST", "/mcp").by(&ana).json(call).send().expect(200);
        assert_eq!(plain.at("/result/isError"), false);
    });
}

#[test]
fn whoever_is_nobody_or_a_page_is_refused_as_everywhere_and_counted() {
    on_both_apps(|app| {
        let (ana, admin) = (app.person("ana"), app.admin());
        let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        app.call("POST", "/mcp").json(list.clone()).send().expect_problem(401, "unauthenticated");
        let wrong = Person { token: "eur_made_up".to_owned(), ..ana.clone() };
        post(app, &wrong).json(list.clone()).send().expect_problem(401, "unauthenticated");
        for origin in ["https://evil.example", "null", "http://localhost:6274", &format!("http://{}", app.address())] {
            let page = post(app, &ana).header("Origin", origin).json(list.clone());
            page.send().expect_problem(403, "not_permitted");
        }
        app.call("GET", "/mcp").by(&ana).send().expect_problem(405, "method_not_allowed");
        app.call("DELETE", "/mcp").by(&ana).send().expect_problem(405, "method_not_allowed");
        let counted = post(app, &ana).json(list.clone()).send().expect(200);
        assert!(counted.header("ratelimit").unwrap().contains("\"user\""), "{:?}", counted.headers);
        let key = app.key(&ana, &["read"]);
        let counted = post(app, &key).json(list.clone()).send().expect(200);
        assert!(counted.header("ratelimit").unwrap().contains("\"key\""), "{:?}", counted.headers);
        let suspend = app.call("PATCH", &format!("/v1/users/{}", ana.id)).by(&admin).header("If-Match", "*");
        suspend.json(json!({"status": "suspended"})).send().expect(200);
        for who in [&ana, &key] {
            post(app, who).json(list.clone()).send().expect_problem(401, "unauthenticated");
        }
    });
}

#[test]
fn what_is_no_message_is_told_so_and_nothing_breaks() {
    on_both_apps(|app| {
        let ana = app.person("ana");
        post(app, &ana).raw("text/plain", b"{}").send().expect_problem(415, "unsupported_media_type");
        post(app, &ana)
            .raw("application/json", &vec![b' '; (1 << 20) + 1])
            .send()
            .expect_problem(413, "payload_too_large");
        let deep = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"params\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
        for (body, code) in [
            ("{", -32700),
            (deep.as_str(), -32600),
            ("[]", -32600),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#, -32600),
            (r#"["2.0",1,"tools/list",{}]"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, -32600),
            (r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#, -32600),
        ] {
            let refused = post(app, &ana).raw("application/json", body.as_bytes()).send().expect(400);
            assert_eq!(refused.at("/error/code"), code, "{body:.80}: {}", refused.text());
            assert_eq!(refused.header("content-type"), Some("application/json"));
        }
        let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        let wrong = post(app, &ana).header("MCP-Protocol-Version", "1999-01-01").json(list.clone()).send().expect(400);
        assert_eq!(wrong.at("/error/code"), -32600, "{}", wrong.text());
        assert_eq!(wrong.at("/id"), 1);
        assert!(wrong.word("/error/message").contains("1999-01-01"), "{}", wrong.text());
        // The present revision's headers have to say what the body says.
        let other = post(app, &ana).header("MCP-Protocol-Version", NOW).header("Mcp-Method", "tools/call").json(list);
        assert!(other.send().expect(400).at("/error/code").is_i64());
        for params in [json!({}), json!({"name": 7}), json!({"name": "read_tip", "arguments": []})] {
            let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
            let reply = post(app, &ana).json(call).send();
            assert!(reply.status < 500 && reply.at("/error/code").is_i64(), "{params}: {}", reply.text());
        }
        assert_eq!(refused(app, &ana, "search_tips", json!({"query": "3396"})), "unknown_field");
        assert_eq!(refused(app, &ana, "search_tips", json!({})), "invalid_body");
        assert_eq!(refused(app, &ana, "search_tips", json!({"q": "\u{0}"})), "invalid_body");
        assert_eq!(refused(app, &ana, "search_tips", json!({"q": "3396", "limit": 0})), "invalid_parameter");
        assert_eq!(refused(app, &ana, "read_tip", json!({"tip": "../../etc/passwd"})), "not_found");
        assert_eq!(refused(app, &ana, "similar_tips", json!({"problem": "x"})), "invalid_body");
        given(app, &ana, "search_tips", json!({"q": "\"(((* AND -:^~ \u{202e}"}));
    });
}
