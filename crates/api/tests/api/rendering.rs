//! `?render=html`: Markdown as HTML that is safe to show, beside its source.

use eureka_domain::community::{Openness, Role};
use eureka_testkit::{TestApp, on_both_apps, sample};
use serde_json::json;

const SAFE: &str = "<p>Pull <strong>both</strong> fuses. &lt;img src=x onerror=alert(1)&gt;</p>\n";
const SOURCE: &str = "Pull **both** fuses. <img src=x onerror=alert(1)>";

#[test]
fn a_text_is_rendered_on_request_and_its_source_stays_beside_it() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let (ana, ravi) =
            (app.member(&printers, "ana", Role::Contributor), app.member(&printers, "ravi", Role::Reviewer));
        let mut new = sample("printers", "It stops");
        new["solution"] = json!(SOURCE);
        new["submit"] = json!(true);
        let tip = app.post(&ana, "/v1/tips", new).expect(201);
        assert!(tip.at("/html").is_null());
        let (id, review) = (tip.word("/id"), tip.word("/review/id"));
        let comments = format!("/v1/reviews/{review}/comments");
        app.post(&ravi, &comments, json!({"text": "Which *two*?"})).expect(201);

        let shown = app.get(&ana, &format!("/v1/tips/{id}?render=html")).expect(200);
        assert_eq!((shown.word("/html/solution"), shown.word("/solution")), (SAFE.to_owned(), SOURCE.to_owned()));
        assert!(shown.at("/html/cause").is_null());
        let revision = app.get(&ana, &format!("/v1/tips/{id}/revisions/1?render=html")).expect(200);
        assert_eq!(revision.word("/html/solution"), SAFE);
        let desk = app.get(&ravi, &format!("/v1/reviews/{review}?render=html")).expect(200);
        assert_eq!(desk.word("/revision/html/solution"), SAFE);
        assert_eq!(desk.word("/comments/0/html"), "<p>Which <em>two</em>?</p>\n");
        let said = app.get(&ravi, &format!("{comments}?render=html")).expect(200);
        assert_eq!(
            (said.word("/items/0/html"), said.word("/items/0/text")),
            (desk.word("/comments/0/html"), "Which *two*?".into())
        );
        assert!(app.get(&ravi, &comments).expect(200).at("/items/0/html").is_null());
        app.get(&ana, &format!("/v1/tips/{id}?render=pdf")).expect_problem(400, "invalid_parameter");
    });
}

#[test]
fn what_is_rendered_has_an_entity_tag_of_its_own_and_one_can_change_the_tip_by_it() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let (ana, ravi) =
            (app.member(&printers, "ana", Role::Contributor), app.member(&printers, "ravi", Role::Reviewer));
        let id = app.published(&ana, &ravi, &printers, "It stops");
        let path = format!("/v1/tips/{id}");
        let (source, shown) = (app.get(&ana, &path), app.get(&ana, &format!("{path}?render=html")));
        assert_ne!(source.etag(), shown.etag());
        let again = |query: &str, etag: &str| {
            app.call("GET", &format!("{path}{query}")).by(&ana).header("If-None-Match", etag).send().status
        };
        assert_eq!([again("?render=html", shown.etag()), again("?render=html", source.etag())], [304, 200]);
        assert_eq!([again("", source.etag()), again("", shown.etag())], [304, 200]);
        let edit = |etag: &str| {
            app.call("PATCH", &path)
                .by(&ana)
                .header("If-Match", etag)
                .json(json!({"problem": "*Now* it stops."}))
                .send()
        };
        let pending = edit(shown.etag()).expect(200);
        edit(shown.etag()).expect_problem(412, "stale");
        let shown = app.get(&ana, &format!("{path}?render=html")).expect(200);
        assert_eq!(shown.word("/pending/html/problem"), "<p><em>Now</em> it stops.</p>\n");
        assert_eq!(pending.at("/html"), json!(null));
    });
}

#[test]
fn a_merged_tip_leads_to_the_other_as_it_was_asked_for() {
    on_both_apps(|app: &TestApp| {
        let printers = app.community("printers", Openness::Open);
        let (ana, stella) =
            (app.member(&printers, "ana", Role::Contributor), app.member(&printers, "stella", Role::Steward));
        let one = app.published(&ana, &stella, &printers, "It stops");
        let other = app.published(&ana, &stella, &printers, "It stops too");
        let merge = json!({"into": other, "reason": "The same."});
        app.act(&stella, &format!("/v1/tips/{one}/merge"), "*", merge).expect(200);
        let led = app.get(&ana, &format!("/v1/tips/{one}?render=html")).expect(307);
        let there = app.get(&ana, led.header("location").unwrap()).expect(200);
        assert_eq!((there.word("/id"), there.at("/html").is_object()), (other, true));
    });
}
