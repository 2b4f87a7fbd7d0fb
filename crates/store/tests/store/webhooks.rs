//! Webhooks: which process sends, what signs, how much is kept, and what goes with a webhook.

use chrono::Duration;
use eureka_domain::ids::{DeliveryId, UserId, WebhookId};
use eureka_domain::webhook::{Attempt, Delivery, Health, Webhook, WebhookStatus};
use eureka_store::webhooks::{self, Place};
use eureka_store::{Store, log};
use eureka_testkit::on_both;

use crate::support::{at, id, number, person, read, write};

fn webhook(store: &Store, owner: UserId) -> Webhook {
    let webhook = Webhook {
        id: WebhookId(id()),
        owner,
        url: "https://example.org/".to_owned(),
        description: String::new(),
        community: None,
        kinds: Vec::new(),
        status: WebhookStatus::Active,
        created_at: at(0),
        updated_at: at(0),
        secret_at: at(0),
        health: Health::default(),
    };
    let made = webhook.clone();
    write(store, move |conn| {
        let head = log::head(conn)?;
        let place = Place { log_id: head.log_id, since: head.seq, seq: head.seq, within: None };
        webhooks::insert(conn, &made, &place)
    })
    .unwrap();
    webhook
}

#[test]
fn one_process_has_the_lease_until_it_leaves_it_or_it_runs_out() {
    on_both(|db| {
        let (one, other) = (id(), id());
        let take = |who, now, until| {
            write(db.store(), move |conn| webhooks::take_lease(conn, who, at(now), at(until))).unwrap().value
        };
        assert!(take(one, 0, 10));
        assert!(!take(other, 9, 19));
        assert!(take(one, 9, 20));
        assert!(!take(other, 19, 29));
        assert!(take(other, 20, 30));
        assert!(!take(one, 21, 31));
        write(db.store(), move |conn| webhooks::leave_lease(conn, one)).unwrap();
        assert!(!take(one, 22, 32), "it was not its own to leave");
        write(db.store(), move |conn| webhooks::leave_lease(conn, other)).unwrap();
        assert!(take(one, 23, 33));
    });
}

#[test]
fn a_secret_that_was_replaced_signs_behind_the_new_one_until_its_end() {
    on_both(|db| {
        let of = webhook(db.store(), person(db.store(), "ana")).id;
        for (secret, now) in [("a", 0), ("b", 5), ("c", 8)] {
            write(db.store(), move |conn| webhooks::add_secret(conn, of, secret, at(now), at(now + 10))).unwrap();
        }
        let signing = |now| read(db.store(), |conn| webhooks::secrets(conn, of, at(now)));
        assert_eq!(signing(9), ["c", "b", "a"]);
        assert_eq!(signing(15), ["c", "b"]);
        assert_eq!(signing(18), ["c"]);
        write(db.store(), move |conn| webhooks::add_secret(conn, of, "d", at(20), at(30))).unwrap();
        assert_eq!(number(db.store(), "SELECT count(*) AS n FROM webhook_secrets"), 2, "what has ended is gone");
    });
}

#[test]
fn what_waits_is_sent_in_order_to_who_is_on_and_rested_and_old_messages_go() {
    on_both(|db| {
        let store = db.store();
        let owner = person(store, "ana");
        let hook = webhook(store, owner);
        let pings: Vec<Delivery> = (0..5).map(|n| Delivery::new(DeliveryId(id()), hook.id, None, at(n))).collect();
        let queued = pings.clone();
        write(store, move |conn| webhooks::enqueue(conn, &queued)).unwrap();
        let next = |now| read(store, |conn| webhooks::next(conn, hook.id, at(now))).map(|delivery| delivery.id);
        assert_eq!(next(0), Some(pings[0].id));
        assert_eq!(read(store, |conn| webhooks::due(conn, at(9))), [hook.id]);
        let backlog = |now| read(store, |conn| webhooks::backlog(conn, at(now)));
        assert_eq!(backlog(2), (3, Some(at(0))));
        assert_eq!(backlog(9), (5, Some(at(0))));
        for ping in &pings[..4] {
            let taken = ping.clone().begun(at(9)).tried(&Attempt::Answered(204));
            write(store, move |conn| webhooks::save_delivery(conn, &taken)).unwrap();
        }
        assert_eq!(next(9), Some(pings[4].id));
        assert_eq!((backlog(9), backlog(3)), ((1, Some(at(4))), (0, None)));
        assert_eq!(read(store, |conn| webhooks::count_waiting(conn, hook.id)), 1);
        // Of those that have been seen to the newest two are kept, and what waits.
        let purged =
            |before, most| write(store, move |conn| webhooks::purge_deliveries(conn, before, most)).unwrap().value;
        assert_eq!(purged(at(0), 4), 0);
        assert_eq!(purged(at(0), 2), 2);
        let kept = read(store, |conn| webhooks::list_deliveries(conn, hook.id, None, None, 10));
        let kept: Vec<_> = kept.into_iter().map(|delivery| delivery.id).collect();
        assert_eq!(kept, [pings[4].id, pings[3].id, pings[2].id]);
        assert_eq!(purged(at(0) + Duration::days(1), 2), 3);
        // Nothing is left of a webhook that has ended.
        write(store, move |conn| {
            webhooks::add_secret(conn, hook.id, "a", at(0), at(0))?;
            webhooks::enqueue(conn, &[Delivery::new(DeliveryId(id()), hook.id, None, at(0))])?;
            webhooks::remove(conn, hook.id)
        })
        .unwrap();
        for table in ["webhooks", "webhook_secrets", "webhook_deliveries", "webhook_told"] {
            assert_eq!(number(store, &format!("SELECT count(*) AS n FROM {table}")), 0, "{table}");
        }
    });
}
