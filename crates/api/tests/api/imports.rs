//! Moving tips in: as approved, by stewards, line by line, and without doubles however often it is sent.

use chrono::Duration;
use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Person, Reply, TestApp, on_both_apps};
use serde_json::{Value, json};

fn send(app: &TestApp, who: &Person, query: &str, lines: &[Value]) -> Reply {
    let body = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let call = app.call("POST", &format!("/v1/imports{query}")).by(who);
    call.raw("application/x-ndjson", body.as_bytes()).send()
}

fn line(external: &str, title: &str) -> Value {
    json!({"external_id": external, "title": title, "problem": "It stops.", "author": "Ana Duarte"})
}

fn results(reply: &Reply) -> Vec<String> {
    let told = |line: &Value| format!("{} {}", line["line"], line["result"].as_str().unwrap());
    reply.at("/lines").as_array().unwrap().iter().map(told).collect()
}

#[test]
fn a_steward_takes_tips_in_as_approved_and_a_second_time_nothing_happens() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let stella = app.member(&printers, "stella", Role::Steward);
        let lines = [line("a", "Zirconium one"), line("b", "Zirconium two"), line("a", "Zirconium again")];
        let foreseen = send(app, &stella, "?community=printers&dry_run=true", &lines).expect(201);
        assert_eq!(results(&foreseen), ["1 importable", "2 importable", "3 known"]);
        assert_eq!(app.get(&stella, "/v1/tips").each("/id"), [json!(null); 0]);

        let taken = send(app, &stella, "?community=printers", &lines).expect(201);
        assert_eq!(results(&taken), ["1 imported", "2 imported", "3 known"]);
        assert_eq!((taken.at("/imported"), taken.at("/known"), taken.at("/refused")), (json!(2), json!(1), json!(0)));
        app.settle(taken.position());
        let found = app.get(&app.person("otto"), "/v1/search?q=zirconium").expect(200);
        assert_eq!(found.at("/total/value"), 2);
        let tip = app.get(&stella, &format!("/v1/tips/{}", taken.word("/lines/0/number"))).expect(200);
        assert_eq!((tip.word("/state"), tip.word("/author/name")), ("published".to_owned(), "Ana Duarte".to_owned()));
        let history = app.get(&stella, &format!("/v1/tips/{}/history", tip.word("/id"))).expect(200);
        assert_eq!(history.at("/items/0/actor/id"), json!(stella.id));

        let again = send(app, &stella, "?community=printers", &lines).expect(201);
        assert_eq!(results(&again), ["1 known", "2 known", "3 known"]);
        let kept = app.get(&stella, taken.header("location").unwrap()).expect(200);
        assert_eq!(kept.json(), taken.json());
        app.get(&app.admin(), taken.header("location").unwrap()).expect_problem(404, "not_found");
    });
}

#[test]
fn what_cannot_be_taken_is_told_by_line_and_field_and_holds_nothing_up() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        app.community("lifts", Openness::Open);
        app.community("medical", Openness::Private);
        let stella = app.member(&printers, "stella", Role::Steward);
        let to = |slug: &str| {
            let mut line = line("x", "Title");
            line["community"] = json!(slug);
            line
        };
        let mut unknown = line("y", "Title");
        unknown["solutoin"] = json!("?");
        let body = format!(
            "{}\n\n{{\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n",
            line("ok", "Fine"),
            json!({"title": "No name", "problem": "It stops."}),
            json!({"external_id": "z", "title": 3, "problem": "It stops."}),
            line("long", &"x".repeat(301)),
            unknown,
            to("lifts"),
            to("medical"),
            to("nowhere"),
        );
        let call = app.call("POST", "/v1/imports?community=printers").by(&stella);
        let told = call.raw("application/x-ndjson", body.as_bytes()).send().expect(201);
        let why: Vec<String> = told
            .at("/lines")
            .as_array()
            .unwrap()
            .iter()
            .skip(1)
            .map(|line| {
                let error = &line["errors"][0];
                format!("{} {} {}", line["line"], error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap())
            })
            .collect();
        assert_eq!(results(&told)[0], "1 imported");
        assert_eq!(
            why,
            [
                "3  malformed_json",
                "4 /external_id required",
                "5 /title invalid",
                "6 /title too_long",
                "7 /solutoin unknown",
                "8 /community not_permitted",
                "9 /community unknown",
                "10 /community unknown",
            ]
        );
        let (medical, nowhere) = (told.at("/lines/7/errors"), told.at("/lines/8/errors"));
        assert_eq!(medical, nowhere, "what they may not see does not exist");
        let owed = send(app, &stella, "", &[line("a", "Title")]).expect(201);
        assert_eq!(owed.word("/lines/0/errors/0/pointer"), "/community");
    });
}

#[test]
fn a_spreadsheet_is_taken_in_by_the_names_in_its_first_line() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let stella = app.member(&printers, "stella", Role::Steward);
        let csv = "external_id,title,problem,products,fault_codes,author\r\n\
                   a,\"It stops, \"\"again\"\"\",\"One.\nTwo.\",DocuColor 40; Lift,3396;E-541,Ana\r\n\
                   b,,It stops.,,,\r\n\
                   c,Title,It stops.,,,Ana,too many\r\n";
        let call = app.call("POST", "/v1/imports?community=printers").by(&stella);
        let told = call.raw("text/csv; charset=utf-8", csv.as_bytes()).send().expect(201);
        assert_eq!(results(&told), ["2 imported", "4 refused", "5 refused"]);
        assert_eq!(told.word("/lines/1/errors/0/pointer"), "/title");
        let tip = app.get(&stella, &format!("/v1/tips/{}", told.word("/lines/0/id"))).expect(200);
        assert_eq!((tip.word("/title"), tip.word("/problem")), ("It stops, \"again\"".into(), "One.\nTwo.".into()));
        assert_eq!(
            (tip.at("/products"), tip.at("/fault_codes")),
            (json!(["DocuColor 40", "Lift"]), json!(["3396", "E-541"]))
        );
    });
}

#[test]
fn what_one_service_moves_out_another_takes_in() {
    on_both_apps(|app| {
        let (printers, lifts) = (app.community("printers", Openness::Open), app.community("lifts", Openness::Open));
        let ana = app.member(&printers, "ana", Role::Contributor);
        let stella = app.member(&printers, "stella", Role::Steward);
        let lena = app.member(&lifts, "lena", Role::Steward);
        app.published(&ana, &stella, &printers, "It stops");
        app.published(&ana, &stella, &printers, "It stops too");
        let moved = app.get(&lena, "/v1/exports/tips?community=printers").expect(200).text();
        let moved = moved.replace("\"community\":\"printers\"", "\"community\":\"lifts\"");
        let call = app.call("POST", "/v1/imports").by(&lena);
        let told = call.raw("application/x-ndjson", moved.as_bytes()).send().expect(201);
        assert_eq!(results(&told), ["1 imported", "2 imported"]);
        let text = |slug: &str| -> Vec<Value> {
            let lines = app.get(&lena, &format!("/v1/exports/tips?community={slug}")).expect(200).text();
            lines
                .lines()
                .map(|line| {
                    let mut line: Value = serde_json::from_str(line).unwrap();
                    let fields = line.as_object_mut().unwrap();
                    fields["author"].as_object_mut().unwrap().remove("id");
                    fields.retain(|name, _| {
                        !matches!(name.as_str(), "id" | "number" | "community" | "external_id")
                            && !name.ends_with("_at")
                    });
                    line
                })
                .collect()
        };
        assert_eq!(text("lifts"), text("printers"));
    });
}

#[test]
fn an_import_is_for_stewards_bounded_and_safe_to_repeat() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        let stella = app.member(&printers, "stella", Role::Steward);
        let one = [line("a", "Title")];
        send(app, &ravi, "?community=printers", &one).expect_problem(403, "not_permitted");
        let json = app.call("POST", "/v1/imports").by(&stella).json(json!({}));
        json.send().expect_problem(415, "unsupported_media_type");
        let bytes = app.call("POST", "/v1/imports").by(&stella).raw("application/x-ndjson", b"\xff\n");
        bytes.send().expect_problem(400, "malformed_body");
        let many: Vec<Value> = (0..5001).map(|n| line(&n.to_string(), "Title")).collect();
        send(app, &stella, "?community=printers", &many).expect_problem(413, "payload_too_large");
        let keyed = |lines: &str| {
            let call = app.call("POST", "/v1/imports?community=printers").by(&stella).header("Idempotency-Key", "k");
            call.raw("application/x-ndjson", lines.as_bytes()).send()
        };
        let first = keyed(&one[0].to_string()).expect(201);
        let again = keyed(&one[0].to_string()).expect(201);
        assert_eq!((again.header("idempotency-replayed"), again.json()), (Some("true"), first.json()));
        keyed(&line("b", "Title").to_string()).expect_problem(422, "idempotency_key_reused");
        assert_eq!(app.get(&stella, "/v1/tips").each("/external_id"), [json!("a")]);
    });
}

#[test]
fn what_came_of_an_import_can_be_looked_up_for_ninety_days_and_the_tips_stay() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let stella = app.member(&printers, "stella", Role::Steward);
        let taken = send(app, &stella, "?community=printers", &[line("a", "Zirconium one")]).expect(201);
        let place = taken.header("location").unwrap();
        let look = |days| {
            app.clock.advance(Duration::days(days));
            app.service.forget_expired().unwrap();
            app.log_in(stella.id, &stella.email)
        };
        app.get(&look(89), place).expect(200);
        let later = look(2);
        app.get(&later, place).expect_problem(404, "not_found");
        app.get(&later, &format!("/v1/tips/{}", taken.word("/lines/0/number"))).expect(200);
    });
}
