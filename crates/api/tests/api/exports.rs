//! Moving tips out: exactly what their reader finds, as lines and as pages.

use eureka_domain::community::{Openness, Role};
use eureka_testkit::{Person, Reply, TestApp, on_both_apps, sample};
use serde_json::{Value, json};

fn lines(reply: &Reply) -> Vec<Value> {
    reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn export(app: &TestApp, who: &Person, query: &str) -> Vec<Value> {
    lines(&app.get(who, &format!("/v1/exports/tips{query}")).expect(200))
}

#[test]
fn an_export_holds_what_its_reader_finds_and_leads_to_what_changes_after_it() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let medical = app.community("medical", Openness::Private);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let stella = app.member(&printers, "stella", Role::Steward);
        let (mara, rosa) =
            (app.member(&medical, "mara", Role::Contributor), app.member(&medical, "rosa", Role::Reviewer));
        let otto = app.person("otto");
        let kept = app.published(&ana, &stella, &printers, "It stops");
        let held = app.published(&ana, &stella, &printers, "It stops for zirconium");
        app.act(&stella, &format!("/v1/tips/{held}/hold"), "*", json!({"reason": "zirconium"})).expect(200);
        app.submitted(&ana, &printers, "Not yet zirconium");
        app.post(&ana, "/v1/tips", sample("printers", "A zirconium draft")).expect(201);
        let edit = app.call("PATCH", &format!("/v1/tips/{kept}")).by(&ana).header("If-Match", "*");
        edit.json(json!({"title": "Zirconium"})).send().expect(200);
        let hidden = app.published(&mara, &rosa, &medical, "Zirconium in the autoclave");

        let reply = app.get(&otto, "/v1/exports/tips").expect(200);
        assert!(!reply.text().to_lowercase().contains("zirconium"), "{}", reply.text());
        let found = lines(&reply);
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0]["id"], &found[0]["title"]), (&json!(kept), &json!("It stops")));
        assert_eq!((&found[0]["author"]["name"], &found[0]["revision"]), (&json!("ana"), &json!(1)));
        assert!(found[0].get("possible").is_none() && found[0].get("pending").is_none());
        // Their author is not shown more in an export than others are.
        assert_eq!(export(app, &ana, ""), found);
        assert_eq!(export(app, &mara, "?community=medical")[0]["id"], json!(hidden));
        assert!(export(app, &otto, "?community=medical").is_empty());

        let link = reply.header("link").unwrap();
        let path = link.strip_prefix('<').unwrap().split('>').next().unwrap();
        assert!(link.ends_with("rel=\"monitor\""), "{link}");
        assert_eq!(app.get(&otto, path).expect(200).at("/items"), json!([]));
        app.act(&stella, &format!("/v1/tips/{held}/release"), "*", json!({"reason": "tested"})).expect(200);
        assert_eq!(app.get(&otto, path).expect(200).each("/id"), [json!(held)]);
    });
}

#[test]
fn an_export_takes_the_filters_of_the_list_and_more_than_one_page() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let lines: Vec<_> = (0..450).map(|n| line(n, &printers.slug)).collect();
        app.service.import_tips(lines).unwrap();
        assert_eq!(export(app, &ana, "").len(), 450);
        assert_eq!(export(app, &ana, "?tag=tag-3").len(), 1);
        assert_eq!(export(app, &ana, "?fault_code=E-7&product=Lift").len(), 1);
        assert_eq!(export(app, &ana, "?confidence=not_validated").len(), 0);
        assert_eq!(export(app, &ana, &format!("?author={}", ana.id)).len(), 0);
        app.get(&ana, "/v1/exports/tips?state=draft").expect_problem(400, "unknown_parameter");
        app.call("GET", "/v1/exports/tips").send().expect_problem(401, "unauthenticated");
    });
}

fn line(n: usize, community: &str) -> eureka_service::ImportLine {
    eureka_service::ImportLine {
        line: n + 1,
        external_id: format!("x-{n}"),
        community: community.to_owned(),
        author: "Elsewhere".to_owned(),
        confidence: eureka_domain::tip::Confidence::Validated,
        text: eureka_domain::tip::TipText {
            title: format!("Title {n}"),
            problem: "It stops.".to_owned(),
            cause: None,
            solution: None,
            products: vec!["Lift".to_owned()],
            fault_codes: vec![format!("E-{n}")],
            parts: Vec::new(),
            tags: vec![format!("tag-{n}")],
            safety: eureka_domain::tip::Safety::None,
            hazard: None,
            attachments: Vec::new(),
            lang: None,
        },
    }
}

#[test]
fn a_page_of_a_tip_says_first_what_may_hurt_and_last_where_it_is_from() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let (stella, sam) =
            (app.member(&printers, "stella", Role::Steward), app.member(&printers, "sam", Role::Steward));
        let mut tip = sample("printers", "Intermittent 3396 # *now*");
        tip["safety"] = json!("danger");
        tip["hazard"] = json!("Mains at the holders.\nUnplug first.");
        tip["submit"] = json!(true);
        let tip = app.post(&ana, "/v1/tips", tip).expect(201);
        let (path, number) = (format!("/v1/tips/{}", tip.word("/id")), tip.word("/number"));
        let page = |who: &Person| app.get(who, &format!("{path}.md"));
        assert!(page(&ana).expect(200).text().contains("> **Not approved.** This text is submitted."));
        page(&app.person("otto")).expect_problem(404, "not_found");
        for who in [&stella, &sam] {
            let decisions = format!("/v1/reviews/{}/decisions", tip.word("/review/id"));
            app.post(who, &decisions, json!({"verdict": "approve", "revision": 1})).expect(201);
        }
        let reply = page(&app.person("olga")).expect(200);
        assert_eq!(reply.header("content-type"), Some("text/markdown; charset=utf-8"));
        let expected = format!(
            "# Intermittent 3396 \\# \\*now\\*\n\n> **Danger.** Mains at the holders.\n> Unplug first.\n\n## Problem\n\n\
             The machine stops with fault code 3396, mostly in the morning.\n\n## Solution\n\nClean the two fuse holders; \
             they oxidise.\n\n---\n\n- Products: DocuColor 40\n- Fault codes: `3396`\n- Author: ana\n- Community: printers\n\
             - Revision: 1\n- Confidence: validated\n- Confirmed: 2026-09-21\n- Tip: [{number}](/v1/tips/{number})\n"
        );
        assert_eq!(reply.text(), expected);
        let again = app.call("GET", &format!("/v1/tips/{number}.md")).by(&ana);
        let etag = app.get(&ana, &format!("/v1/tips/{number}.md")).etag().to_owned();
        again.header("If-None-Match", &etag).send().expect(304);
        app.act(&stella, &format!("{path}/hold"), "*", json!({"reason": "Burns."})).expect(200);
        let held = page(&ana).expect(200).text();
        assert!(held.contains("> **Stop. Do not use this tip now.** Burns.\n"), "{held}");
    });
}

#[test]
fn the_page_of_a_merged_tip_leads_to_that_of_the_other() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let stella = app.member(&printers, "stella", Role::Steward);
        let kept = app.published(&ana, &stella, &printers, "It stops");
        let id = app.published(&ana, &stella, &printers, "It stops too");
        app.act(&stella, &format!("/v1/tips/{id}/merge"), "*", json!({"reason": "same", "into": kept})).expect(200);
        let led = app.get(&ana, &format!("/v1/tips/{id}.md")).expect(307);
        let number = app.get(&ana, &format!("/v1/tips/{kept}")).word("/number");
        assert_eq!(led.header("location"), Some(format!("/v1/tips/{number}.md").as_str()));
        let itself = app.get(&ana, &format!("/v1/tips/{id}.md?redirect=false")).expect(200).text();
        assert!(itself.contains("> **Replaced.**"), "{itself}");
    });
}
