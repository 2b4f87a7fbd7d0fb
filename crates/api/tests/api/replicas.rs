//! Two processes over one database: what one of them is told bites on the other within a second.

use chrono::Duration;
use eureka_domain::community::{Openness, Role};
use eureka_testkit::{PASSWORD, Person, TestApp, on_both};
use serde_json::json;

/// What takes something away from somebody.
type Taking<'a> = &'a dyn Fn(&Person);

/// Somebody who is signed in on both, has been seen there this very moment, and reads a private tip.
fn reads(app: &TestApp, who: &Person, tip: &str) -> u16 {
    app.get(who, &format!("/v1/tips/{tip}")).status
}

#[test]
fn what_is_taken_away_on_one_replica_is_gone_at_once_there_and_within_a_second_on_the_other() {
    on_both(|database| {
        let here = TestApp::start(database);
        let there = here.replica(database);
        let printers = here.community("printers", Openness::Private);
        let author = here.member(&printers, "author", Role::Contributor);
        let reviewer = here.member(&printers, "reviewer", Role::Reviewer);
        let tip = here.published(&author, &reviewer, &printers, "For members alone");
        let admin = here.admin();
        let patch = |who: &Person, body| {
            let call = here.call("PATCH", &format!("/v1/users/{}", who.id)).by(&admin).header("If-Match", "*");
            call.json(body).send().expect(200);
        };
        let leave = |who: &Person| {
            let path = format!("/v1/communities/printers/members/{}", who.id);
            here.call("DELETE", &path).by(&admin).send().expect(204);
        };
        let log_out = |who: &Person| {
            here.call("POST", "/v1/auth/logout").by(who).send().expect(204);
        };
        let change_password = |who: &Person| {
            let body = json!({"current_password": PASSWORD, "password": "three blind photoconductors"});
            here.call("PUT", "/v1/me/password").by(who).json(body).send().expect(200);
        };
        let cases: [(&str, Taking<'_>, u16); 4] = [
            ("suspended", &|who| patch(who, json!({"status": "suspended"})), 401),
            ("left", &leave, 404),
            ("loggedout", &log_out, 401),
            ("changed", &change_password, 401),
        ];
        for (name, take, refused) in cases {
            let who = here.member(&printers, name, Role::Reader);
            assert_eq!((reads(&here, &who, &tip), reads(&there, &who, &tip)), (200, 200), "{name}");
            take(&who);
            assert_eq!(reads(&here, &who, &tip), refused, "{name}, where it was done");
            here.clock.advance(Duration::seconds(1));
            assert_eq!(reads(&there, &who, &tip), refused, "{name}, on the other replica");
        }
    });
}

#[test]
fn guesses_at_a_password_are_counted_together_by_account_by_address_and_altogether() {
    on_both(|database| {
        let here = TestApp::start(database);
        let there = here.replica(database);
        let ana = here.person("ana");
        let guess = |app: &TestApp, email: &str| {
            let body = json!({"email": email, "password": "not the password"});
            app.call("POST", "/v1/auth/login").json(body).send().status
        };
        for _ in 0..5 {
            assert_eq!((guess(&here, &ana.email), guess(&there, &ana.email)), (401, 401));
        }
        assert_eq!((guess(&here, &ana.email), guess(&there, &ana.email)), (429, 429), "eleven on one account");
    });
}
