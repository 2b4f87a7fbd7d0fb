//! Guessing at passwords: counted by address and altogether, and the same work for whoever it is aimed at.

use chrono::Duration;
use eureka_service::ServiceError;
use eureka_store::{StoreError, throttles};
use eureka_testkit::{PASSWORD, TestApp, TestDatabase, on_both_apps};
use serde_json::json;

/// Has all but one of the attempts of somebody be used up: one more comes back every `one`.
fn use_up(app: &TestApp, subject: &'static str, most: i32, one: Duration) {
    let full_at = app.service.now() + one * (most - 1);
    app.service.store().write::<_, StoreError>(move |conn| throttles::set(conn, subject, full_at)).unwrap();
}

#[test]
fn one_address_may_guess_a_hundred_times_and_then_once_in_three_seconds_whoever_it_guesses_at() {
    on_both_apps(|app| {
        let guess = |email: &str, from: &str| app.service.login(email, "not the password", from).unwrap_err();
        let is_throttled = |error: ServiceError| matches!(error, ServiceError::Throttled { .. });
        use_up(app, "address:198.51.100.0", 100, Duration::seconds(3));
        assert!(!is_throttled(guess("a@example.org", "198.51.100.0")));
        assert!(is_throttled(guess("b@example.org", "198.51.100.0")));
        assert!(!is_throttled(guess("b@example.org", "203.0.113.0")), "another address is another matter");
        app.clock.advance(Duration::seconds(3));
        assert!(!is_throttled(guess("c@example.org", "198.51.100.0")));
        assert!(is_throttled(guess("d@example.org", "198.51.100.0")));
    });
}

#[test]
fn all_addresses_together_may_guess_three_thousand_times_and_then_twenty_times_a_second() {
    on_both_apps(|app| {
        let guess = |n: u8| app.service.login(&format!("{n}@example.org"), "not the password", &format!("203.0.{n}.0"));
        let is_throttled = |n| matches!(guess(n), Err(ServiceError::Throttled { .. }));
        use_up(app, "all", 3000, Duration::milliseconds(50));
        assert!(!is_throttled(1));
        assert!(is_throttled(2));
        app.clock.advance(Duration::milliseconds(50));
        assert!(!is_throttled(3));
        assert!(is_throttled(4));
    });
}

#[test]
fn a_guess_takes_the_same_hashing_whether_the_account_is_there_suspended_without_a_password_or_not_at_all() {
    on_both_apps(|app| {
        let (admin, ana, bo) = (app.admin(), app.person("ana"), app.person("bo"));
        let suspend = app.call("PATCH", &format!("/v1/users/{}", bo.id)).by(&admin).header("If-Match", "*");
        suspend.json(json!({"status": "suspended"})).send().expect(200);
        let mut said = Vec::new();
        for email in
            [ana.email.as_str(), bo.email.as_str(), "nobody@example.org", "", "not an address", &"x".repeat(5000)]
        {
            let before = app.service.passwords_looked_at();
            said.push(app.service.login(email, "not the password", "192.0.2.0").unwrap_err().to_string());
            assert_eq!(app.service.passwords_looked_at() - before, 1, "{email:.20}");
        }
        // One that is too long to be anybody's, and the right one of somebody who may not sign in.
        for (email, password) in [(ana.email.as_str(), "x".repeat(100_000)), (bo.email.as_str(), PASSWORD.to_owned())] {
            let before = app.service.passwords_looked_at();
            said.push(app.service.login(email, &password, "192.0.2.0").unwrap_err().to_string());
            assert_eq!(app.service.passwords_looked_at() - before, 1);
        }
        assert!(said.iter().all(|words| *words == said[0]), "{said:?}");
    });
}

#[test]
fn what_is_kept_of_a_request_does_not_tell_which_password_was_in_it() {
    on_both_apps(|app| {
        let request =
            |service: &eureka_service::Service| service.fingerprint("POST", "/v1/users", b"{\"password\": \"secret\"}");
        let ours = request(&app.service);
        assert_eq!(ours, request(&app.service));
        let other = TestApp::start(&TestDatabase::sqlite());
        assert_ne!(ours, request(&other.service), "without the key nobody can try passwords out");
        assert_ne!(ours, app.service.fingerprint("POST", "/v1/users", b"{\"password\": \"secre7\"}"));
    });
}
