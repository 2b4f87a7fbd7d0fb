//! Who is told of which change, and who watches which tip.

use std::collections::BTreeSet;

use chrono::Duration;
use eureka_domain::community::Openness;
use eureka_store::{notifications, watches};
use eureka_testkit::on_both;

use crate::support::{append, at, community, person, read, under_review, write};

#[test]
fn people_are_told_once_newest_first_until_they_have_read_it() {
    on_both(|db| {
        let store = db.store();
        let [ana, bo] = ["ana", "bo"].map(|name| person(store, name));
        let seqs = [append(store), append(store), append(store)];
        write(store, move |conn| {
            for seq in seqs {
                notifications::tell(conn, seq, &BTreeSet::from([ana, bo]))?;
                notifications::tell(conn, seq, &BTreeSet::from([ana]))?;
            }
            notifications::tell(conn, seqs[0], &BTreeSet::new())
        })
        .unwrap();
        let told = |unread, before, limit| {
            let found = read(store, |conn| notifications::list(conn, ana, unread, before, limit));
            found.into_iter().map(|told| (told.change.seq, told.read_at)).collect::<Vec<_>>()
        };
        let [first, second, third] = seqs;
        assert_eq!(told(false, None, 10), [(third, None), (second, None), (first, None)]);
        assert_eq!(told(false, Some(third), 1), [(second, None)]);
        let read_at = move |moment| write(store, move |conn| notifications::mark_read(conn, ana, second, moment));
        read_at(at(5)).unwrap();
        read_at(at(9)).unwrap();
        assert_eq!(told(false, Some(third), 1), [(second, Some(at(5)))]);
        assert_eq!(told(true, None, 10), [(third, None), (first, None)]);
        let bos = read(store, |conn| notifications::find(conn, bo, second)).unwrap();
        assert_eq!(bos.read_at, None);
        assert_eq!(write(store, |conn| notifications::purge(conn, at(0))).unwrap().value, 0);
        assert_eq!(write(store, |conn| notifications::purge(conn, at(0) + Duration::seconds(1))).unwrap().value, 6);
    });
}

#[test]
fn a_watch_is_there_once_until_it_is_given_up() {
    on_both(|db| {
        let store = db.store();
        let [ana, bo] = ["ana", "bo"].map(|name| person(store, name));
        let printers = community(store, "printers", Openness::Open);
        let tip = under_review(store, printers, ana, 1001).0.id;
        let watchers = || read(store, |conn| watches::of_tip(conn, tip));
        for _ in 0..2 {
            write(store, move |conn| watches::set(conn, tip, bo, at(1))).unwrap();
        }
        assert_eq!(watchers(), [bo]);
        write(store, move |conn| watches::remove(conn, tip, bo)).unwrap();
        assert!(watchers().is_empty());
    });
}
