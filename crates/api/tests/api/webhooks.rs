//! Webhooks: what a receiver is told, how it can know that it is true, what comes again, and what is never sent.

mod receiver;

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chrono::Duration;
use eureka_api::LimitOptions;
use eureka_domain::community::{Community, Openness, Role};
use eureka_domain::webhook::Attempt;
use eureka_service::{Courier, Names, Parcel, Post};
use eureka_testkit::{Person, Reply, TestApp, on_both, on_both_apps};
use serde_json::{Value, json};

use receiver::Receiver;

struct Scene {
    printers: Community,
    ana: Person,
    stella: Person,
    otto: Person,
    receiver: Receiver,
}

impl Scene {
    fn new(app: &TestApp) -> Self {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let stella = app.member(&printers, "stella", Role::Steward);
        Self { printers, ana, stella, otto: app.person("otto"), receiver: Receiver::start() }
    }

    /// A webhook of Otto's that leads to the receiver.
    fn webhook(&self, app: &TestApp, more: Value) -> Reply {
        let mut body = json!({"url": self.receiver.url()});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        app.post(&self.otto, "/v1/webhooks", body).expect(201)
    }

    fn publish(&self, app: &TestApp, title: &str) -> String {
        app.published(&self.ana, &self.stella, &self.printers, title)
    }

    fn turn(app: &TestApp, admin: &Person, openness: &str) {
        let change = app.call("PATCH", "/v1/communities/printers").by(admin).header("If-Match", "*");
        change.json(json!({"visibility": openness})).send().expect(200);
    }

    fn deliveries(&self, app: &TestApp, webhook: &Reply) -> Reply {
        app.get(&self.otto, &format!("/v1/webhooks/{}/deliveries", webhook.word("/id"))).expect(200)
    }

    fn patch(&self, app: &TestApp, webhook: &Reply, body: Value) -> Reply {
        let call = app.call("PATCH", &format!("/v1/webhooks/{}", webhook.word("/id"))).by(&self.otto);
        call.header("If-Match", "*").json(body).send().expect(200)
    }
}

#[test]
fn a_change_is_told_once_signed_and_as_the_feed_tells_it() {
    on_both_apps(|app| {
        let scene = Scene::new(app);
        scene.publish(app, "From before there was a webhook");
        let made = scene.webhook(app, json!({"description": "Dispatch"}));
        let secret = made.word("/secret");
        let read = app.get(&scene.otto, made.header("location").unwrap()).expect(200);
        assert_eq!((read.at("/secret"), read.at("/description")), (Value::Null, json!("Dispatch")));
        assert_eq!(read.etag(), made.etag());
        app.submitted(&scene.ana, &scene.printers, "Not approved");
        let id = scene.publish(app, "It stops");
        app.send_webhooks();
        let got = scene.receiver.take();
        assert_eq!(got.len(), 1);
        let feed = app.get(&scene.otto, "/v1/changes?limit=100").expect(200);
        let item = feed.at("/items").as_array().unwrap().iter().find(|item| item["id"] == json!(id)).cloned().unwrap();
        assert_eq!(got[0].at("/data"), item);
        assert_eq!(got[0].at("/type"), "tip.published");
        assert_eq!(got[0].at("/log_id"), feed.at("/log_id"));
        assert_eq!(got[0].timestamp, app.service.now().timestamp());
        assert!(got[0].is_signed_with(&secret) && got[0].signatures.len() == 1);
        assert!(!got[0].is_signed_with("whsec_AAAA"));
        let told = scene.deliveries(app, &made);
        assert_eq!(told.each("/id"), [json!(got[0].id)]);
        assert_eq!(told.at("/items/0/status"), "delivered");
        assert_eq!(told.at("/items/0/response"), 204);
        app.send_webhooks();
        assert!(scene.receiver.take().is_empty());
        app.act(&scene.stella, &format!("/v1/tips/{id}/hold"), "*", json!({"reason": "why"})).expect(200);
        app.send_webhooks();
        let held = scene.receiver.take();
        assert_eq!((held[0].at("/type"), held[0].at("/data/gone")), (json!("tip.held"), json!("held")));
        assert!(!String::from_utf8_lossy(&held[0].body).contains("why"));
    });
}

#[test]
fn what_is_not_taken_comes_again_later_with_the_same_id_and_what_is_taken_does_not() {
    on_both_apps(|app| {
        let scene = Scene::new(app);
        let made = scene.webhook(app, json!({}));
        scene.publish(app, "It stops");
        scene.publish(app, "It stops too");
        scene.receiver.answer(&["503 Busy", "302 Found\r\nLocation: http://127.0.0.1:1/"]);
        app.send_webhooks();
        app.send_webhooks();
        let first = scene.receiver.take();
        assert_eq!(first.len(), 1, "after what is not taken it rests");
        assert_eq!(scene.deliveries(app, &made).each("/status"), [json!("pending"), json!("pending")]);
        app.clock.advance(Duration::seconds(6));
        app.send_webhooks();
        let second = scene.receiver.take();
        assert_eq!(second.len(), 1, "a redirect is nothing that takes it");
        assert_eq!((&second[0].id, second[0].at("/data")), (&first[0].id, first[0].at("/data")));
        assert_eq!(second[0].timestamp, first[0].timestamp + 6);
        let log = scene.deliveries(app, &made);
        assert_eq!((log.at("/items/1/attempts"), log.at("/items/1/response")), (json!(2), json!(302)));
        app.clock.advance(Duration::minutes(6));
        app.send_webhooks();
        let third = scene.receiver.take();
        assert_eq!((third.len(), &third[0].id), (2, &first[0].id), "in order, once it is taken again");
        assert_ne!(third[1].id, first[0].id);
        let log = scene.deliveries(app, &made);
        assert_eq!(log.each("/status"), [json!("delivered"), json!("delivered")]);
        app.clock.advance(Duration::days(1));
        app.send_webhooks();
        assert!(scene.receiver.take().is_empty());
        // What nobody listens for says why.
        let otto = app.log_in(scene.otto.id, &scene.otto.email);
        let scene = Scene { otto, ..scene };
        let nobody = app.post(&scene.otto, "/v1/webhooks", json!({"url": "http://127.0.0.1:1/"})).expect(201);
        app.post(&scene.otto, &format!("/v1/webhooks/{}/ping", nobody.word("/id")), json!({})).expect(202);
        app.send_webhooks();
        let log = scene.deliveries(app, &nobody);
        assert_eq!((log.at("/items/0/status"), log.at("/items/0/type")), (json!("failed"), json!("webhook.ping")));
        assert_eq!(log.at("/items/0/error"), "no connection: connection refused");
    });
}

#[test]
fn a_webhook_that_nothing_takes_for_a_day_is_turned_off_its_owner_is_told_and_turned_on_it_goes_on() {
    on_both_apps(|app| {
        let scene = Scene::new(app);
        let made = scene.webhook(app, json!({}));
        scene.publish(app, "It stops");
        scene.receiver.answer(&["500 No"; 20]);
        let mut tries = 0;
        for _ in 0..24 * 13 {
            app.send_webhooks();
            tries += scene.receiver.take().len();
            app.clock.advance(Duration::minutes(6));
        }
        assert!((8..=9).contains(&tries), "{tries}");
        let figures = |app: &TestApp| app.service.figures().webhooks.unwrap();
        let after = figures(app);
        assert_eq!((after.taken, after.not_taken, after.turned_off), (0, tries as u64, 1));
        let path = format!("/v1/webhooks/{}", made.word("/id"));
        assert_eq!(app.get(&app.log_in(scene.otto.id, &scene.otto.email), &path).expect(200).at("/status"), "failing");
        let otto = app.log_in(scene.otto.id, &scene.otto.email);
        let scene = Scene { otto, ..scene };
        let told = app.get(&scene.otto, "/v1/notifications").expect(200);
        assert_eq!(told.at("/items/0/kind"), "webhook.disabled", "{}", told.text());
        assert!(told.text().contains("nothing was taken for a day"), "{}", told.text());
        assert_eq!(scene.deliveries(app, &made).at("/items/0/status"), "failed");
        let ana = app.log_in(scene.ana.id, &scene.ana.email);
        let stella = app.log_in(scene.stella.id, &scene.stella.email);
        app.published(&ana, &stella, &scene.printers, "Meanwhile");
        app.send_webhooks();
        assert!(scene.receiver.take().is_empty());
        let fresh = Receiver::start();
        scene.patch(app, &made, json!({"status": "active", "url": fresh.url()}));
        app.send_webhooks();
        assert_eq!(fresh.kinds(), ["tip.published"]);
        // A farewell is one at once.
        app.published(&ana, &stella, &scene.printers, "And then");
        fresh.answer(&["410 Gone"]);
        assert_eq!((figures(app).due, figures(app).oldest_due), (0, std::time::Duration::ZERO));
        app.send_webhooks();
        let after = figures(app);
        assert_eq!((after.taken, after.not_taken, after.turned_off), (1, tries as u64 + 1, 2));
        assert_eq!(app.get(&scene.otto, &path).expect(200).at("/status"), "gone");
        let told = app.get(&scene.otto, "/v1/notifications").expect(200);
        assert!(told.at("/items/0").to_string().contains("410 Gone"), "{}", told.text());
    });
}

#[test]
fn a_message_is_replayed_with_its_id_and_tells_of_what_is_now() {
    on_both_apps(|app| {
        let scene = Scene::new(app);
        let made = scene.webhook(app, json!({"kinds": ["tip.published"]}));
        let id = scene.publish(app, "It stops");
        app.send_webhooks();
        let first = scene.receiver.take();
        app.act(&scene.stella, &format!("/v1/tips/{id}/archive"), "*", json!({"reason": "Old."})).expect(200);
        app.send_webhooks();
        assert!(scene.receiver.take().is_empty(), "it wanted to be told of approvals alone");
        let replay = |who: &Person, delivery: &str| {
            let path = format!("/v1/webhooks/{}/deliveries/{delivery}/replay", made.word("/id"));
            app.post(who, &path, json!({}))
        };
        assert_eq!(replay(&scene.otto, &first[0].id).expect(202).at("/status"), "pending");
        app.send_webhooks();
        let again = scene.receiver.take();
        assert_eq!((again.len(), &again[0].id), (1, &first[0].id));
        assert_eq!((again[0].at("/data/gone"), again[0].at("/data/revision")), (json!("archived"), Value::Null));
        replay(&scene.ana, &first[0].id).expect_problem(404, "not_found");
        replay(&scene.otto, "01930000-0000-7000-8000-000000000000").expect_problem(404, "not_found");
    });
}

#[test]
fn a_new_secret_signs_at_once_and_the_old_one_for_a_day() {
    on_both_apps(|app| {
        let scene = Scene::new(app);
        let made = scene.webhook(app, json!({}));
        let path = format!("/v1/webhooks/{}", made.word("/id"));
        let rotate = |etag: &str| app.act(&scene.otto, &format!("{path}/rotate"), etag, json!({}));
        app.clock.advance(Duration::minutes(1));
        let rotated = rotate(made.etag()).expect(200);
        rotate(made.etag()).expect_problem(412, "stale");
        let (old, new) = (made.word("/secret"), rotated.word("/secret"));
        assert_ne!(old, new);
        let ping = |who: &Person| {
            app.post(who, &format!("{path}/ping"), json!({})).expect(202);
            app.send_webhooks();
            scene.receiver.take().pop().unwrap()
        };
        let both = ping(&scene.otto);
        assert!(both.is_signed_with(&old) && both.is_signed_with(&new));
        assert_eq!((both.at("/type"), both.at("/data/webhook")), (json!("webhook.ping"), made.at("/id")));
        app.clock.advance(Duration::days(1));
        let otto = app.log_in(scene.otto.id, &scene.otto.email);
        let one = ping(&otto);
        assert!(!one.is_signed_with(&old) && one.is_signed_with(&new));
        assert_eq!(one.signatures.len(), 1);
    });
}

#[test]
fn what_its_owner_may_no_longer_see_when_it_is_sent_is_gone_if_they_were_told_of_it_and_else_not_mentioned() {
    on_both_apps(|app| {
        let scene = Scene::new(app);
        let before = scene.publish(app, "From before there was a webhook");
        let made = scene.webhook(app, json!({}));
        let admin = app.admin();
        let told = scene.publish(app, "They were told of this");
        app.send_webhooks();
        scene.receiver.take();
        let hidden = scene.publish(app, "They were never told of this");
        Scene::turn(app, &admin, "private");
        let later = scene.publish(app, "Only for us");
        app.send_webhooks();
        let got = scene.receiver.take();
        let named: Vec<Value> = got.iter().map(|got| got.at("/data/id")).collect();
        assert_eq!(named, [json!(before), json!(told)]);
        for got in &got {
            assert_eq!((got.at("/type"), got.at("/data/gone")), (json!("community.openness_changed"), json!("closed")));
            let text = String::from_utf8_lossy(&got.body).into_owned();
            assert!(![&hidden, &later].iter().any(|id| text.contains(*id)) && !text.contains("printers"), "{text}");
        }
        assert_eq!(scene.deliveries(app, &made).each("/id").len(), 3, "nor in what was sent and is to be");
        // When they may read again, they are told of all of it.
        app.join(&scene.printers, &scene.otto, Role::Reader);
        app.send_webhooks();
        let mut named: Vec<String> = scene.receiver.take().iter().map(|got| got.at("/data/id").to_string()).collect();
        named.sort();
        assert_eq!(named.len(), 4, "{named:?}");
        // An admin's webhook reads as a reader's does.
        let theirs = Receiver::start();
        app.post(&admin, "/v1/webhooks", json!({"url": theirs.url()})).expect(201);
        scene.publish(app, "Not for an admin's program");
        app.send_webhooks();
        assert_eq!((scene.receiver.take().len(), theirs.take().len()), (1, 0));
    });
}

#[test]
fn a_webhook_of_somebody_who_is_suspended_is_silent_and_stays_off_until_they_turn_it_on() {
    on_both_apps(|app| {
        let scene = Scene::new(app);
        let made = scene.webhook(app, json!({}));
        let admin = app.admin();
        scene.publish(app, "It stops");
        let set = |status: &str| {
            let call = app.call("PATCH", &format!("/v1/users/{}", scene.otto.id)).by(&admin).header("If-Match", "*");
            call.json(json!({"status": status})).send().expect(200);
        };
        set("suspended");
        app.send_webhooks();
        set("active");
        app.send_webhooks();
        assert!(scene.receiver.take().is_empty());
        let otto = app.log_in(scene.otto.id, &scene.otto.email);
        let scene = Scene { otto, ..scene };
        scene.patch(app, &made, json!({"status": "active"}));
        app.send_webhooks();
        assert_eq!(scene.receiver.kinds(), ["tip.published"]);
    });
}

#[test]
fn a_webhook_tells_of_the_community_and_the_kinds_that_it_was_made_for() {
    on_both_apps(|app| {
        let scene = Scene::new(app);
        let lifts = app.community("lifts", Openness::Open);
        app.join(&lifts, &scene.ana, Role::Contributor);
        app.join(&lifts, &scene.stella, Role::Steward);
        let made = scene.webhook(app, json!({"community": "lifts", "kinds": ["tip.held", "tip.published"]}));
        assert_eq!((made.at("/community"), made.at("/kinds")), (json!("lifts"), json!(["tip.published", "tip.held"])));
        scene.publish(app, "Elsewhere");
        let id = app.published(&scene.ana, &scene.stella, &lifts, "It stops");
        let act = |what: &str| {
            app.act(&scene.stella, &format!("/v1/tips/{id}/{what}"), "*", json!({"reason": "x"})).expect(200);
        };
        act("hold");
        act("release");
        app.send_webhooks();
        // It tells what the tip is now, whatever happened since.
        assert_eq!(scene.receiver.kinds(), ["tip.published", "tip.held"]);
        scene.patch(app, &made, json!({"community": null, "kinds": []}));
        scene.publish(app, "Elsewhere too");
        act("hold");
        app.send_webhooks();
        assert_eq!(scene.receiver.kinds(), ["tip.published", "tip.held held"]);
        let post = |body: Value| app.post(&scene.otto, "/v1/webhooks", body);
        let url = scene.receiver.url();
        for (field, value) in [("kinds", json!(["tip.edited"])), ("kinds", json!(["x"])), ("community", json!("x"))] {
            post(json!({"url": url, field: value})).expect_problem(422, "validation_failed");
        }
    });
}

#[test]
fn a_url_that_leads_anywhere_but_to_the_open_network_is_refused_alike_whatever_stands_there() {
    on_both_apps(|app| {
        let scene = Scene::new(app);
        let mut details = Vec::new();
        for url in [
            "https://10.0.0.1/",
            "https://192.168.1.1:8443/x",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            "https://[fd00:ec2::254]/",
            "https://[fe80::1]/",
            "https://100.100.100.200/",
            "https://0/",
            "https://0x0a.1/",
            "https://167772161/",
            "https://no-such-host.invalid/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
        ] {
            let refused = app.post(&scene.otto, "/v1/webhooks", json!({"url": url}));
            let refused = refused.expect_problem(422, "validation_failed");
            assert_eq!(refused.at("/errors/0/pointer"), "/url", "{url}");
            details.push(refused.word("/errors/0/detail"));
        }
        details.dedup();
        assert_eq!(details.len(), 1, "{details:?}");
        for url in [
            "http://1.1.1.1/",
            "ftp://1.1.1.1/",
            "https://",
            "/x",
            "",
            "https://a:b@1.1.1.1/",
            "https://1.1.1.1/#x",
            "https://1.1.1.1 /",
            &format!("https://1.1.1.1/{}", "x".repeat(3000)),
        ] {
            app.post(&scene.otto, "/v1/webhooks", json!({"url": url})).expect_problem(422, "validation_failed");
        }
        let made = scene.webhook(app, json!({}));
        let call = app.call("PATCH", &format!("/v1/webhooks/{}", made.word("/id"))).by(&scene.otto);
        let moved = call.header("If-Match", "*").json(json!({"url": "https://10.0.0.1/"})).send();
        moved.expect_problem(422, "validation_failed");
    });
}

/// Names that lead to the open network when they are first looked up, and to this machine after that.
struct Rebinding(AtomicUsize);

impl Names for Rebinding {
    fn look_up(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        Ok(vec![if first { "1.1.1.1" } else { "127.0.0.1" }.parse().unwrap()])
    }
}

#[test]
fn a_name_that_leads_elsewhere_by_the_time_it_is_sent_to_is_not_followed_there() {
    on_both(|database| {
        let names = Arc::new(Rebinding(AtomicUsize::new(0)));
        let post = Arc::new(Courier::knowing(Vec::new(), names.clone()));
        let app = &TestApp::posting(database, LimitOptions::default(), post);
        let scene = Scene::new(app);
        let url = format!("https://rebind.example.org:{}/", scene.receiver.port());
        let made = app.post(&scene.otto, "/v1/webhooks", json!({"url": url})).expect(201);
        scene.publish(app, "It stops");
        app.send_webhooks();
        assert!(names.0.load(Ordering::SeqCst) >= 2, "it was looked up again");
        assert!(scene.receiver.take().is_empty());
        let log = scene.deliveries(app, &made);
        assert_eq!(log.at("/items/0/attempts"), 1);
        assert!(log.word("/items/0/error").contains("may be sent to"), "{}", log.text());
    });
}

/// Sends, and is not there any more to note what came of it.
struct Dying {
    courier: Courier,
    dies: AtomicBool,
}

impl Post for Dying {
    fn may_send(&self, url: &str) -> Result<(), String> {
        self.courier.may_send(url)
    }

    fn send(&self, parcel: &Parcel) -> Attempt {
        let attempt = self.courier.send(parcel);
        assert!(!self.dies.swap(false, Ordering::SeqCst), "as if the process had ended here");
        attempt
    }
}

#[test]
fn what_was_sent_when_the_process_ended_before_it_noted_so_comes_again_with_the_same_id() {
    on_both(|database| {
        let courier = Courier::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let post = Arc::new(Dying { courier, dies: AtomicBool::new(true) });
        let app = &TestApp::posting(database, LimitOptions::default(), post);
        let scene = Scene::new(app);
        let made = scene.webhook(app, json!({}));
        scene.publish(app, "It stops");
        assert!(catch_unwind(AssertUnwindSafe(|| app.send_webhooks())).is_err());
        let first = scene.receiver.take();
        assert_eq!(scene.deliveries(app, &made).at("/items/0/status"), "pending");
        app.clock.advance(Duration::seconds(6));
        app.send_webhooks();
        let second = scene.receiver.take();
        assert_eq!((first.len(), second.len()), (1, 1));
        assert_eq!((&second[0].id, &second[0].body), (&first[0].id, &first[0].body));
        assert_eq!(scene.deliveries(app, &made).at("/items/0/status"), "delivered");
    });
}

#[test]
fn of_two_processes_one_sends_and_the_other_when_that_has_not_been_heard_of_for_a_minute() {
    on_both(|database| {
        let (app, other) = (&TestApp::start(database), &TestApp::start(database));
        other.clock.advance(Duration::milliseconds(1)); // so that their ids differ
        let scene = Scene::new(app);
        let made = scene.webhook(app, json!({}));
        for n in 0..12 {
            scene.publish(app, &format!("It stops {n}"));
        }
        std::thread::scope(|scope| {
            for process in [app, other] {
                scope.spawn(|| (0..20).for_each(|_| process.send_webhooks()));
            }
        });
        let mut ids: Vec<String> = scene.receiver.take().into_iter().map(|got| got.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 12);
        let log = scene.deliveries(app, &made);
        assert_eq!(log.each("/attempts"), vec![json!(1); 12], "each by one of them");
        app.send_webhooks();
        scene.publish(app, "Whose turn is it?");
        let sent = |process: &TestApp| {
            process.send_webhooks();
            scene.receiver.take().len()
        };
        // One of them has the lease; a minute later the other takes it.
        let (holder, waiting) = if sent(app) == 1 { (app, other) } else { (other, app) };
        assert!(sent(holder) <= 1);
        scene.publish(app, "Nobody hears of the one that sent");
        assert_eq!(sent(waiting), 0);
        waiting.clock.advance(Duration::seconds(61));
        assert_eq!(sent(waiting), 1);
    });
}

#[test]
fn webhooks_are_made_in_person_by_few_and_end_with_all_they_remember() {
    on_both_apps(|app| {
        let scene = Scene::new(app);
        let made = scene.webhook(app, json!({}));
        let path = format!("/v1/webhooks/{}", made.word("/id"));
        let key = app.key(&scene.otto, &["write", "admin"]);
        for (method, path) in [("GET", "/v1/webhooks"), ("GET", &path), ("DELETE", &path)] {
            app.call(method, path).by(&key).send().expect_problem(403, "insufficient_scope");
        }
        let body = json!({"url": scene.receiver.url()});
        app.post(&key, "/v1/webhooks", body.clone()).expect_problem(403, "insufficient_scope");
        app.post(&key, &format!("{path}/ping"), json!({})).expect(202);
        app.get(&key, &format!("{path}/deliveries")).expect(200);
        for other in [&scene.ana, &app.admin()] {
            app.get(other, &path).expect_problem(404, "not_found");
            app.get(other, &format!("{path}/deliveries")).expect_problem(404, "not_found");
            assert!(app.get(other, "/v1/webhooks").expect(200).each("/id").is_empty());
        }
        let once = |key: &str| {
            app.call("POST", "/v1/webhooks").by(&scene.otto).header("Idempotency-Key", key).json(body.clone()).send()
        };
        let (first, again) = (once("a").expect(201), once("a").expect(201));
        assert_eq!((first.at("/id"), again.at("/secret")), (again.at("/id"), Value::Null));
        assert!(first.word("/secret").starts_with("whsec_"));
        for _ in 2..10 {
            scene.webhook(app, json!({}));
        }
        once("b").expect_problem(422, "validation_failed");
        app.call("DELETE", &path).by(&scene.otto).send().expect(204);
        app.get(&scene.otto, &path).expect_problem(404, "not_found");
        scene.receiver.take();
        app.send_webhooks();
        assert!(scene.receiver.take().is_empty(), "nor what waited");
        // Who is erased is told nothing any more.
        app.service.erase_user(scene.otto.id).unwrap();
        scene.publish(app, "It stops");
        app.send_webhooks();
        assert!(scene.receiver.take().is_empty());
    });
}

#[test]
fn messages_are_kept_for_thirty_days() {
    on_both_apps(|app| {
        let scene = Scene::new(app);
        let made = scene.webhook(app, json!({}));
        scene.publish(app, "It stops");
        app.send_webhooks();
        app.clock.advance(Duration::days(29));
        app.service.forget_expired().unwrap();
        let otto = app.log_in(scene.otto.id, &scene.otto.email);
        let scene = Scene { otto, ..scene };
        assert_eq!(scene.deliveries(app, &made).each("/id").len(), 1);
        app.clock.advance(Duration::days(2));
        app.service.forget_expired().unwrap();
        let otto = app.log_in(scene.otto.id, &scene.otto.email);
        let scene = Scene { otto, ..scene };
        assert!(scene.deliveries(app, &made).each("/id").is_empty());
    });
}
