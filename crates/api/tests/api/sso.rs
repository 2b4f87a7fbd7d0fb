//! Tokens of an outside identity provider in `Authorization`: whose they must be, what they must say, and what its groups
//! give and take.

use chrono::Duration;
use eureka_domain::Clock;
use eureka_domain::community::{Openness, Role};
use eureka_domain::identity::{Gives, Mapping};
use eureka_service::{KeySource, Linking, Newcomers, ProviderOptions, SignedWith};
use eureka_testkit::{MockProvider, Person, Reply, TestApp, on_both, on_both_apps, sample};
use serde_json::{Value, json};

const ISSUER: &str = "https://id.example.org/realms/field";

fn options(provider: &MockProvider) -> ProviderOptions {
    let role = |role| Gives::Role { community: "printers".to_owned(), role };
    ProviderOptions {
        issuer: provider.issuer.clone(),
        keys: KeySource::Url { url: provider.jwks_url(), roots: None },
        audience: vec!["eureka".to_owned()],
        clients: Vec::new(),
        algorithms: vec![SignedWith::Rs256, SignedWith::Es256],
        groups_claim: "groups".to_owned(),
        mapping: Mapping(vec![
            ("technicians".to_owned(), role(Role::Contributor)),
            ("peers".to_owned(), role(Role::Reviewer)),
            ("it".to_owned(), Gives::Admin),
        ]),
        newcomers: Newcomers::Welcome,
        linking: Linking::Never,
    }
}

/// Runs a test on the product over each kind of database, with a provider that has an RSA key `one`.
fn on_both_believing(
    change: impl Fn(ProviderOptions) -> ProviderOptions + Sync,
    test: impl Fn(&TestApp, &mut MockProvider) + Sync,
) {
    on_both(|database| {
        let mut provider = MockProvider::start(ISSUER);
        provider.add_rsa("one");
        let app = TestApp::believing(database, vec![change(options(&provider))]);
        test(&app, &mut provider);
    });
}

fn as_they_are(options: ProviderOptions) -> ProviderOptions {
    options
}

/// What a sound token of ana's says now.
fn claims(app: &TestApp, groups: &[&str]) -> Value {
    let now = app.clock.now().timestamp();
    json!({
        "iss": ISSUER, "sub": "ana-1", "aud": "eureka", "iat": now, "exp": now + 300, "name": "Ana", "groups": groups,
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn me(app: &TestApp, token: &str) -> Reply {
    app.call("GET", "/v1/me").header("Authorization", &format!("Bearer {token}")).send()
}

/// The same with a token of these groups that is issued a minute later.
fn later(app: &TestApp, provider: &MockProvider, groups: &[&str]) -> (String, Reply) {
    app.clock.advance(Duration::minutes(1));
    let token = provider.token("one", &claims(app, groups));
    let reply = me(app, &token);
    (token, reply)
}

#[test]
fn a_provider_s_token_makes_an_account_at_its_first_use_and_is_it_from_then_on() {
    on_both_believing(as_they_are, |app, provider| {
        app.community("printers", Openness::Private);
        let first = me(app, &provider.token("one", &claims(app, &["technicians"]))).expect(200);
        assert_eq!((first.word("/name").as_str(), first.at("/email")), ("Ana", Value::Null));
        assert_eq!(first.at("/roles"), json!({"printers": "contributor"}));
        provider.add_p256("two");
        app.clock.advance(Duration::minutes(2));
        let again = me(app, &provider.token("two", &claims(app, &["technicians"]))).expect(200);
        assert_eq!(again.word("/id"), first.word("/id"));
        let other = with(claims(app, &[]), "sub", json!("bo-1"));
        assert_ne!(me(app, &provider.token("one", &other)).expect(200).word("/id"), first.word("/id"));
        assert_eq!(provider.fetches(), 2, "once for the first token, once for the key that was new");
    });
}

#[test]
fn a_token_that_is_not_the_provider_s_or_not_for_this_service_is_refused() {
    on_both_believing(as_they_are, |app, provider| {
        let mut stranger = MockProvider::start("https://elsewhere.example.org");
        stranger.add_rsa("one");
        stranger.add_rsa("strange");
        let sound = claims(app, &["it"]);
        let now = app.clock.now().timestamp();
        let header = json!({"alg": "RS256", "kid": "one", "typ": "JWT"});
        let hs256 = json!({"alg": "HS256", "kid": "one", "typ": "JWT"});
        let sign = |claims: Value| provider.token("one", &claims);
        let headed = |name: &str, value: Value| provider.signed("one", &with(header.clone(), name, value), &sound);
        let without = |name: &str| {
            let mut claims = sound.clone();
            claims.as_object_mut().unwrap().remove(name);
            sign(claims)
        };
        let mut tokens = vec![
            ("another's audience", sign(with(sound.clone(), "aud", json!("payroll")))),
            ("no audience", without("aud")),
            ("an empty audience", sign(with(sound.clone(), "aud", json!([])))),
            (
                "another's too, and nobody who asked for it",
                sign(with(sound.clone(), "aud", json!(["eureka", "payroll"]))),
            ),
            (
                "another's too, which asked for it",
                sign(with(with(sound.clone(), "aud", json!(["eureka", "payroll"])), "azp", json!("payroll"))),
            ),
            ("expired", sign(with(sound.clone(), "exp", json!(now - 31)))),
            ("no end", without("exp")),
            ("not yet", sign(with(sound.clone(), "nbf", json!(now + 31)))),
            ("issued in the future", sign(with(sound.clone(), "iat", json!(now + 31)))),
            ("issued at no time", without("iat")),
            ("no subject", without("sub")),
            ("an empty subject", sign(with(sound.clone(), "sub", json!("")))),
            ("a logout token", sign(with(sound.clone(), "events", json!({})))),
            ("a refresh token", sign(with(sound.clone(), "typ", json!("Refresh")))),
            ("a logout token's type", headed("typ", json!("logout+jwt"))),
            ("something critical", headed("crit", json!(["b64"]))),
            ("a key without a name", headed("kid", Value::Null)),
            ("another algorithm than its key's", headed("alg", json!("RS384"))),
            ("nobody's signature", MockProvider::unsigned(&with(header.clone(), "alg", json!("none")), &sound)),
            ("an empty signature", MockProvider::unsigned(&header, &sound)),
            ("the public key for a secret", MockProvider::with_secret(&provider.public_der("one"), &hs256, &sound)),
            ("another's key of the same name", stranger.token("one", &sound)),
            ("another's key", stranger.token("strange", &sound)),
            ("another issuer", stranger.token("one", &with(sound.clone(), "iss", json!(stranger.issuer)))),
        ];
        let jwk_inside = with(header.clone(), "jwk", json!({"kty": "oct", "k": "AAAA"}));
        tokens.push((
            "a key that it brings along",
            MockProvider::with_secret(&[0; 3], &with(jwk_inside, "alg", json!("HS256")), &sound),
        ));
        let (start, end) =
            sign(sound.clone()).rsplit_once('.').map(|(start, end)| (start.to_owned(), end.to_owned())).unwrap();
        tokens.push(("another text under the signature", {
            let other = sign(with(sound.clone(), "sub", json!("bo-1")));
            format!("{}.{end}", other.rsplit_once('.').unwrap().0)
        }));
        for (what, token) in &tokens {
            let refused = me(app, token);
            assert_eq!(
                (refused.status, refused.code().as_str()),
                (401, "unauthenticated"),
                "{what}: {}",
                refused.text()
            );
        }
        me(app, &format!("{start}.{end}")).expect(200);
        let both = with(with(sound, "aud", json!(["eureka", "payroll"])), "azp", json!("eureka"));
        me(app, &sign(both)).expect(200);
    });
}

#[test]
fn only_the_algorithms_that_are_pinned_and_the_clients_that_are_named_are_believed() {
    let change = |options| ProviderOptions {
        algorithms: vec![SignedWith::Es256],
        clients: vec!["field-app".to_owned()],
        ..options
    };
    on_both_believing(change, |app, provider| {
        provider.add_p256("two");
        let asked_by = |client: &str| with(claims(app, &[]), "azp", json!(client));
        me(app, &provider.token("two", &asked_by("field-app"))).expect(200);
        me(app, &provider.token("one", &asked_by("field-app"))).expect_problem(401, "unauthenticated");
        me(app, &provider.token("two", &asked_by("payroll"))).expect_problem(401, "unauthenticated");
        me(app, &provider.token("two", &claims(app, &[]))).expect_problem(401, "unauthenticated");
    });
}

#[test]
fn a_token_lasts_as_long_as_it_says_and_the_leeway() {
    on_both_believing(as_they_are, |app, provider| {
        let token = provider.token("one", &claims(app, &[]));
        me(app, &token).expect(200);
        app.clock.advance(Duration::seconds(329));
        me(app, &token).expect(200);
        app.clock.advance(Duration::seconds(1));
        me(app, &token).expect_problem(401, "unauthenticated");
    });
}

#[test]
fn a_new_key_is_fetched_once_a_minute_at_most_and_one_that_was_taken_back_verifies_nothing() {
    on_both_believing(as_they_are, |app, provider| {
        let old = provider.token("one", &claims(app, &[]));
        me(app, &old).expect(200);
        provider.add_rsa("two");
        provider.publish(&["two"]);
        let new = provider.token("two", &claims(app, &[]));
        for _ in 0..5 {
            me(app, &new).expect_problem(401, "unauthenticated");
        }
        assert_eq!(provider.fetches(), 1);
        app.clock.advance(Duration::minutes(1));
        me(app, &new).expect(200);
        for _ in 0..5 {
            me(app, &old).expect_problem(401, "unauthenticated");
        }
        assert_eq!(provider.fetches(), 2);
    });
}

#[test]
fn while_the_provider_is_away_its_last_keys_go_on_verifying() {
    on_both_believing(as_they_are, |app, provider| {
        provider.set_away(true);
        me(app, &provider.token("one", &claims(app, &[]))).expect_problem(503, "unavailable");
        provider.set_away(false);
        app.clock.advance(Duration::seconds(5));
        me(app, &provider.token("one", &claims(app, &[]))).expect(200);
        provider.set_away(true);
        app.clock.advance(Duration::hours(30));
        me(app, &provider.token("one", &claims(app, &[]))).expect(200);
    });
}

#[test]
fn what_a_group_gave_goes_with_the_group_at_the_next_token_and_an_older_one_does_not_bring_it_back() {
    on_both_believing(as_they_are, |app, provider| {
        let printers = app.community("printers", Openness::Private);
        let (olga, ed) =
            (app.member(&printers, "olga", Role::Contributor), app.member(&printers, "ed", Role::Reviewer));
        let tip = app.published(&olga, &ed, &printers, "Only for members");
        let read = |token: &str| {
            app.call("GET", &format!("/v1/tips/{tip}")).header("Authorization", &format!("Bearer {token}")).send()
        };
        let (peer, reply) = later(app, provider, &["peers", "technicians"]);
        assert_eq!(reply.expect(200).at("/roles"), json!({"printers": "reviewer"}));
        read(&peer).expect(200);
        let (technician, reply) = later(app, provider, &["technicians"]);
        assert_eq!(reply.expect(200).at("/roles"), json!({"printers": "contributor"}));
        let (nobody, reply) = later(app, provider, &[]);
        assert_eq!(reply.expect(200).at("/roles"), json!({}));
        for token in [&nobody, &peer, &technician, &peer] {
            read(token).expect_problem(404, "not_found");
            app.clock.advance(Duration::seconds(2));
        }
        let admin = app.admin();
        let log = app.get(&admin, "/v1/admin/audit?limit=100").expect(200);
        let kinds: Vec<String> = log.each("/kind").iter().filter_map(|kind| kind.as_str().map(str::to_owned)).collect();
        for kind in ["identity.linked", "member.set", "member.removed"] {
            assert!(kinds.iter().any(|told| told == kind), "{kinds:?}");
        }
    });
}

#[test]
fn what_was_given_by_hand_is_left_alone() {
    on_both_believing(as_they_are, |app, provider| {
        let printers = app.community("printers", Openness::Private);
        let admin = app.admin();
        let (_, reply) = later(app, provider, &["peers"]);
        let id = reply.expect(200).word("/id");
        let path = format!("/v1/communities/{}/members/{id}", printers.slug);
        app.call("PUT", &path).by(&admin).json(json!({"role": "reader"})).send().expect(200);
        for groups in [&["peers"][..], &[]] {
            let (_, reply) = later(app, provider, groups);
            assert_eq!(reply.expect(200).at("/roles"), json!({"printers": "reader"}), "{groups:?}");
        }
        app.call("DELETE", &path).by(&admin).send().expect(204);
        let (_, reply) = later(app, provider, &["peers"]);
        assert_eq!(reply.expect(200).at("/roles"), json!({"printers": "reviewer"}));
    });
}

#[test]
fn a_group_makes_admins_and_members_of_them_again_and_never_of_those_whom_somebody_made_one() {
    on_both_believing(as_they_are, |app, provider| {
        let admin = app.admin();
        let (it, reply) = later(app, provider, &["it"]);
        let reply = reply.expect(200);
        assert_eq!(reply.word("/site_role"), "admin");
        let id = reply.word("/id");
        let list =
            |token: &str| app.call("GET", "/v1/users").header("Authorization", &format!("Bearer {token}")).send();
        list(&it).expect(200);
        let (_, reply) = later(app, provider, &[]);
        assert_eq!(reply.expect(200).word("/site_role"), "member");
        list(&it).expect_problem(403, "not_permitted");
        let promote = app.call("PATCH", &format!("/v1/users/{id}")).by(&admin).header("If-Match", "*");
        promote.json(json!({"site_role": "admin"})).send().expect(200);
        let (_, reply) = later(app, provider, &[]);
        assert_eq!(reply.expect(200).word("/site_role"), "admin");
    });
}

#[test]
fn suspension_and_logging_out_bite_on_the_next_request() {
    on_both_believing(as_they_are, |app, provider| {
        let admin = app.admin();
        let (token, reply) = later(app, provider, &[]);
        let id = reply.expect(200).word("/id");
        let set = |status: &str| {
            let call = app.call("PATCH", &format!("/v1/users/{id}")).by(&admin).header("If-Match", "*");
            call.json(json!({"status": status})).send().expect(200);
        };
        set("suspended");
        me(app, &token).expect_problem(401, "unauthenticated");
        let (_, reply) = later(app, provider, &["it"]);
        reply.expect_problem(401, "unauthenticated");
        set("active");
        me(app, &token).expect_problem(401, "unauthenticated");
        let (token, reply) = later(app, provider, &[]);
        reply.expect(200);
        app.call("POST", "/v1/auth/logout").header("Authorization", &format!("Bearer {token}")).send().expect(204);
        me(app, &token).expect_problem(401, "unauthenticated");
        let (_, reply) = later(app, provider, &[]);
        assert_eq!(reply.expect(200).word("/site_role"), "member");
    });
}

#[test]
fn two_first_requests_at_once_make_one_account() {
    on_both_believing(as_they_are, |app, provider| {
        app.community("printers", Openness::Open);
        let ids: Vec<String> = std::thread::scope(|scope| {
            let token = provider.token("one", &claims(app, &["technicians"]));
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    let token = token.clone();
                    scope.spawn(move || me(app, &token).expect(200).word("/id"))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let users = app.get(&app.admin(), "/v1/users?limit=100").expect(200);
        assert_eq!(users.each("/name").iter().filter(|name| *name == "Ana").count(), 1);
        assert_eq!(provider.fetches(), 1);
    });
}

/// Claims with a mail address that the provider has verified, or not.
fn mailed(app: &TestApp, email: &str, verified: Value) -> Value {
    with(with(claims(app, &["it"]), "email", json!(email)), "email_verified", verified)
}

#[test]
fn nobody_is_given_another_s_account_because_of_an_address() {
    on_both_believing(as_they_are, |app, provider| {
        let ana = app.person("ana");
        for (sub, verified) in [("a", json!(true)), ("b", json!(false)), ("c", json!("true"))] {
            let token = provider.token("one", &with(mailed(app, &ana.email, verified), "sub", json!(sub)));
            let made = me(app, &token).expect(200);
            assert_ne!(made.word("/id"), ana.id.to_string());
            assert_eq!(made.at("/email"), Value::Null);
        }
        let token = provider.token("one", &with(mailed(app, "New@Example.org", json!(true)), "sub", json!("d")));
        assert_eq!(me(app, &token).expect(200).word("/email"), "new@example.org");
    });
}

#[test]
fn where_a_setting_says_so_a_verified_address_leads_to_its_account_unless_that_is_an_admin_s() {
    let change = |options| ProviderOptions {
        linking: Linking::ByVerifiedEmail,
        newcomers: Newcomers::Refused,
        mapping: Mapping::default(),
        ..options
    };
    on_both_believing(change, |app, provider| {
        let (ana, admin) = (app.person("ana"), app.admin());
        let come = |sub: &str, email: &str, verified: bool| {
            let claims = with(mailed(app, email, json!(verified)), "sub", json!(sub));
            me(app, &provider.token("one", &claims))
        };
        come("x", &ana.email, false).expect_problem(403, "not_permitted");
        come("x", &admin.email, true).expect_problem(403, "not_permitted");
        come("x", "nobody@example.org", true).expect_problem(403, "not_permitted");
        assert_eq!(come("y", &ana.email, true).expect(200).word("/id"), ana.id.to_string());
        // From then on it is the subject that counts, and her own password still does.
        assert_eq!(come("y", "else@example.org", true).expect(200).word("/id"), ana.id.to_string());
        app.log_in(ana.id, &ana.email);
    });
}

#[test]
fn the_operator_links_and_unlinks_and_what_groups_gave_goes_with_it() {
    let change = |options| ProviderOptions { newcomers: Newcomers::Refused, ..options };
    on_both_believing(change, |app, provider| {
        app.community("printers", Openness::Private);
        let ana = app.person("ana");
        let (_, refused) = later(app, provider, &["peers", "it"]);
        refused.expect_problem(403, "not_permitted");
        app.service.link_identity(ana.id, ISSUER, "ana-1").unwrap();
        assert!(app.service.link_identity(ana.id, ISSUER, "ana-1").is_err());
        let (_, reply) = later(app, provider, &["peers", "it"]);
        let reply = reply.expect(200);
        assert_eq!(reply.word("/id"), ana.id.to_string());
        assert_eq!((reply.word("/site_role").as_str(), reply.at("/roles/printers")), ("admin", json!("reviewer")));
        app.service.unlink_identity(ISSUER, "ana-1").unwrap();
        let (_, refused) = later(app, provider, &["peers", "it"]);
        refused.expect_problem(403, "not_permitted");
        let again = app.get(&app.log_in(ana.id, &ana.email), "/v1/me").expect(200);
        assert_eq!((again.word("/site_role").as_str(), again.at("/roles")), ("member", json!({})));
    });
}

#[test]
fn whoever_came_with_a_provider_s_token_works_like_anybody_else() {
    on_both_believing(as_they_are, |app, provider| {
        let printers = app.community("printers", Openness::Open);
        let (token, reply) = later(app, provider, &["technicians"]);
        let ana = Person {
            id: reply.expect(200).word("/id").parse().unwrap(),
            email: String::new(),
            token,
            refresh_token: String::new(),
        };
        app.post(&ana, "/v1/tips", sample(&printers.slug, "Fuses")).expect(201);
        let key = app.key(&ana, &["read"]);
        app.get(&key, "/v1/me").expect(200);
        let body = json!({"current_password": "", "password": "three blind photoconductors"});
        app.call("PUT", "/v1/me/password").by(&ana).json(body).send().expect_problem(422, "validation_failed");
    });
}

#[test]
fn without_a_provider_in_the_settings_its_tokens_are_nobody_s() {
    on_both_apps(|app| {
        let mut provider = MockProvider::start(ISSUER);
        provider.add_rsa("one");
        me(app, &provider.token("one", &claims(app, &[]))).expect_problem(401, "unauthenticated");
        assert_eq!(provider.fetches(), 0);
    });
}
