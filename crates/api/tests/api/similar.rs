//! `/v1/suggest` and the look-alikes.

use eureka_domain::community::{Openness, Role};
use eureka_testkit::on_both_apps;
use serde_json::json;

#[test]
fn what_is_typed_is_completed_from_tips_that_the_caller_may_see() {
    on_both_apps(|app| {
        let (printers, medical) =
            (app.community("printers", Openness::Open), app.community("medical", Openness::Private));
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        for person in [&ana, &ravi] {
            app.service.enrol_member(medical.id, person.id, Role::Reviewer).unwrap();
        }
        app.published(&ana, &ravi, &printers, "Oxidised fuse holders");
        app.published(&ana, &ravi, &medical, "Zirconium in the autoclave");
        let otto = app.person("otto");
        let texts = |who, q: &str| app.get(who, &format!("/v1/suggest?q={q}")).expect(200).each("/text");
        assert!(texts(&otto, "339").contains(&json!("3396")));
        assert!(texts(&otto, "docuc").contains(&json!("DocuColor 40")));
        assert!(texts(&otto, "oxid").contains(&json!("Oxidised fuse holders")));
        assert!(texts(&ana, "zirc").contains(&json!("Zirconium in the autoclave")));
        assert!(texts(&otto, "zirc").is_empty());
        app.get(&otto, "/v1/suggest").expect_problem(400, "invalid_parameter");
        for q in ["", "%00", "%22", "*", "-"] {
            app.get(&otto, &format!("/v1/suggest?q={q}")).expect(200);
        }
    });
}

#[test]
fn whoever_writes_is_shown_what_is_known_already_and_why() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let medical = app.community("medical", Openness::Private);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        for person in [&ana, &ravi] {
            app.service.enrol_member(medical.id, person.id, Role::Reviewer).unwrap();
        }
        let open = app.published(&ana, &ravi, &printers, "Oxidised fuse holders");
        let hidden = app.published(&ana, &ravi, &medical, "Oxidised fuse holders in the autoclave");
        let otto = app.person("otto");
        let text = json!({"title": "Fuse holders oxidise", "fault_codes": ["3396"], "problem": "3396 in the morning"});
        let found = app.post(&otto, "/v1/tips/similar", text.clone()).expect(200);
        assert_eq!(found.each("/tip/id"), [json!(open)]);
        assert_eq!(found.at("/items/0/why/fault_codes"), json!(["3396"]));
        let nothing = json!({"title": "On the", "problem": "the of and"});
        assert!(app.post(&otto, "/v1/tips/similar", nothing).expect(200).each("/tip/id").is_empty());
        assert_eq!(app.post(&ana, "/v1/tips/similar", text).expect(200).each("/tip/id").len(), 2);

        assert_eq!(app.get(&ana, &format!("/v1/tips/{open}/similar")).expect(200).each("/tip/id"), [json!(hidden)]);
        assert!(app.get(&otto, &format!("/v1/tips/{open}/similar")).expect(200).each("/tip/id").is_empty());
        app.get(&otto, &format!("/v1/tips/{hidden}/similar")).expect_problem(404, "not_found");
        app.post(&otto, "/v1/tips/similar", json!({})).expect_problem(400, "invalid_body");
        let no_tip = json!({"title": "Fuse", "parts": ["a", "b".repeat(201)]});
        let problem = app.post(&otto, "/v1/tips/similar", no_tip).expect_problem(422, "validation_failed");
        assert_eq!(problem.at("/errors/0/pointer"), "/parts/1");
    });
}
