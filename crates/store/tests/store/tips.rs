//! Tips and their sheets: what is written comes back, and every list has one order in which a walk shows each tip once.

use std::collections::BTreeMap;

use eureka_domain::access::Caller;
use eureka_domain::community::Openness;
use eureka_domain::ids::{TipId, TipNumber, TipRef, UserId};
use eureka_domain::tip::{Confidence, Revision, Safety, State, Tip, TipText};
use eureka_domain::user::SiteRole;
use eureka_store::tips::{TipFilter, TipSheet};
use eureka_store::{Store, StoreError, revisions, tips};
use eureka_testkit::on_both;

use crate::support::{at, community, draft, id, person, raw, read, store_tip, write};
use crate::visibility::everything;

fn caller(user: UserId) -> Caller {
    Caller { user, site_role: SiteRole::Member, standings: BTreeMap::new(), session: None, key: None }
}

/// A published tip, stored.
fn published(store: &Store, tip: Tip, revision: Revision) -> (Tip, Revision) {
    let tip = Tip { live: Some(1), confidence: Confidence::Validated, published_at: Some(at(9)), ..tip };
    let revision = Revision { state: State::Published, submitted_at: Some(at(8)), ..revision };
    store_tip(store, &tip, &revision).unwrap();
    (tip, revision)
}

/// Forty tips, many of one moment, in the order that a list has.
fn forty(store: &Store) -> (UserId, Vec<TipId>) {
    let author = person(store, "ana");
    let printers = community(store, "printers", Openness::Open);
    let mut made: Vec<Tip> = (0..40)
        .map(|n| {
            let (tip, revision) = draft(printers, author, 1001 + n);
            published(store, Tip { created_at: at(n % 3), ..tip }, revision).0
        })
        .collect();
    made.sort_by_key(|tip| std::cmp::Reverse((tip.created_at, tip.id)));
    (author, made.into_iter().map(|tip| tip.id).collect())
}

/// Walks a list page by page.
fn walk(store: &Store, filter: &TipFilter, page: i64) -> Vec<TipId> {
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let sheets = read(store, |conn| tips::list(conn, filter, after, page));
        assert!(sheets.len() <= usize::try_from(page).unwrap());
        let Some(last) = sheets.last() else { return seen };
        after = Some((last.tip.created_at, last.tip.id));
        seen.extend(sheets.into_iter().map(|sheet| sheet.tip.id));
    }
}

#[test]
fn a_walk_through_the_list_shows_each_tip_once_whatever_the_page() {
    on_both(|db| {
        let store = db.store();
        let (author, expected) = forty(store);
        let filter = everything(&caller(author));
        for page in [1, 2, 7, 40, 100] {
            assert_eq!(walk(store, &filter, page), expected, "{page} at a time");
        }
    });
}

#[test]
fn a_walk_is_not_upset_by_tips_that_are_added_meanwhile() {
    on_both(|db| {
        let store = db.store();
        let (author, expected) = forty(store);
        let filter = everything(&caller(author));
        let first = read(store, |conn| tips::list(conn, &filter, None, 10));
        let (tip, revision) = draft(first[0].tip.community, author, 2001);
        published(store, Tip { created_at: at(50), ..tip }, revision);
        let last = first.last().unwrap().tip.clone();
        let rest = read(store, |conn| tips::list(conn, &filter, Some((last.created_at, last.id)), 100));
        let seen: Vec<TipId> = first.into_iter().chain(rest).map(|sheet| sheet.tip.id).collect();
        assert_eq!(seen, expected);
    });
}

#[test]
fn the_other_lists_of_tips_are_whole_and_in_order() {
    on_both(|db| {
        let store = db.store();
        let (author, mut expected) = forty(store);
        let printers = read(store, |conn| tips::find(conn, &TipRef::Id(expected[0]))).unwrap().community;
        let oldest_first: Vec<TipId> = expected.iter().rev().copied().collect();
        assert_eq!(read(store, |conn| tips::of_community(conn, printers)), oldest_first);
        assert_eq!(read(store, |conn| tips::of_author(conn, author)), oldest_first);
        assert_eq!(read(store, |conn| tips::of_author(conn, UserId(id()))), []);

        expected.sort();
        let mut seen: Vec<TipId> = Vec::new();
        while let sheets = read(store, |conn| tips::sheets_after(conn, seen.last().copied(), 7))
            && !sheets.is_empty()
        {
            seen.extend(sheets.into_iter().map(|sheet| sheet.tip.id));
        }
        assert_eq!(seen, expected);
    });
}

#[test]
fn sheets_come_in_the_order_asked_for_however_many() {
    on_both(|db| {
        let store = db.store();
        let (_, mut ids) = forty(store);
        ids.rotate_left(11);
        let absent = (0..1500).map(|_| TipId(id()));
        let asked: Vec<TipId> =
            ids.iter().copied().take(20).chain(absent).chain(ids.iter().copied().skip(20)).collect();
        let found: Vec<TipId> =
            read(store, |conn| tips::sheets(conn, &asked)).into_iter().map(|sheet| sheet.tip.id).collect();
        assert_eq!(found, ids);
        assert_eq!(read(store, |conn| tips::sheets(conn, &[])), []);
    });
}

#[test]
fn a_tip_comes_back_as_it_was_written_and_is_found_by_id_and_number() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let (plain, mut revision) = draft(printers, author, 1001);
        revision.text = TipText {
            title: "Störcode 3396 – DocuColor 40 “bleibt stehen” 🔧".to_owned(),
            problem: "Line one.\n\tLine two; 'quotes', \"double\", back\\slash, 100 %, _under_.".to_owned(),
            cause: Some("Oxid auf den Sicherungshaltern".to_owned()),
            solution: None,
            products: vec!["DocuColor 40".to_owned(), "a \"b\", c\\".to_owned(), "line\nbreak".to_owned()],
            fault_codes: vec!["03-396".to_owned(), "E[1,2]".to_owned()],
            parts: vec!["600K12345".to_owned()],
            tags: vec!["ñandú".to_owned()],
            safety: Safety::Danger,
            hazard: Some("230 V".to_owned()),
            attachments: Vec::new(),
            lang: None,
        };
        store_tip(store, &plain, &revision).unwrap();
        let find = |tip: TipRef| read(store, |conn| tips::find(conn, &tip));
        assert_eq!(find(TipRef::Id(plain.id)), Some(plain.clone()));
        assert_eq!(find(TipRef::Number(TipNumber(1001))), Some(plain.clone()));
        assert_eq!(find(TipRef::Number(TipNumber(1002))), None);
        assert_eq!(find(TipRef::Id(TipId(id()))), None);
        assert_eq!(read(store, |conn| revisions::find(conn, plain.id, 1)), Some(revision.clone()));
        assert_eq!(read(store, |conn| revisions::find(conn, plain.id, 2)), None);

        let full = Tip {
            confidence: Confidence::Archived,
            hold: Some("Fire risk.".to_owned()),
            replaced: None,
            live: Some(1),
            review: Some(eureka_domain::ids::ReviewId(id())),
            external_id: Some("KB-7".to_owned()),
            published_at: Some(at(3)),
            updated_at: at(4),
            ..plain.clone()
        };
        for tip in [full, plain] {
            let stored = tip.clone();
            let locked = write(store, move |conn| {
                tips::save(conn, &stored)?;
                tips::lock(conn, &TipRef::Id(stored.id))
            });
            assert_eq!(locked.unwrap().value.map(|sheet| sheet.tip), Some(tip));
        }
    });
}

#[test]
fn a_sheet_holds_the_live_text_and_the_newest() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let (tip, revision) = draft(printers, author, 1001);
        let (tip, first) = published(store, tip, revision);
        let sheet = |id| read(store, |conn| tips::sheets(conn, &[id])).pop().unwrap();
        let expected = TipSheet { tip: tip.clone(), live: Some(first.clone()), latest: first.clone() };
        assert_eq!(sheet(tip.id), expected);

        let second = Revision { number: 2, state: State::Draft, submitted_at: None, ..first.clone() };
        let third = Revision { number: 3, ..second.clone() };
        let second = Revision { state: State::Withdrawn, ..second };
        let tip = Tip { latest: 3, ..tip };
        let (stored, all) = (tip.clone(), [second.clone(), third.clone()]);
        write(store, move |conn| {
            tips::save(conn, &stored)?;
            all.iter().try_for_each(|revision| revisions::insert(conn, &stored, revision))
        })
        .unwrap();
        assert_eq!(sheet(tip.id), TipSheet { tip: tip.clone(), live: Some(first.clone()), latest: third.clone() });
        assert_eq!(read(store, |conn| revisions::list(conn, tip.id)), [first, second, third]);

        let (tip, revision) = draft(printers, author, 1002);
        store_tip(store, &tip, &revision).unwrap();
        assert_eq!(sheet(tip.id), TipSheet { tip: tip.clone(), live: None, latest: revision });
    });
}

#[test]
fn a_tip_whose_text_is_missing_is_damage_not_an_empty_page() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let (tip, revision) = draft(printers, author, 1001);
        store_tip(store, &tip, &revision).unwrap();
        raw(store, "UPDATE tips SET latest = 2").unwrap();
        let told = store.read(|conn| tips::sheets(conn, &[tip.id]));
        assert!(matches!(told, Err(StoreError::Corrupt(_))), "{told:?}");
    });
}

#[test]
fn numbers_count_up_from_the_first() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        assert_eq!(read(store, tips::next_number), TipNumber::FIRST);
        let (tip, revision) = draft(printers, author, 1041);
        store_tip(store, &tip, &revision).unwrap();
        assert_eq!(read(store, tips::next_number), TipNumber(1042));
    });
}

#[test]
fn hundreds_who_write_at_once_each_get_a_number_of_their_own() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let other = db.open_again(); // as another process
        let mut numbers: Vec<i64> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..100)
                .map(|n| {
                    let store = if n % 2 == 0 { store } else { &other };
                    scope.spawn(move || {
                        let (tip, revision) = draft(printers, author, 1);
                        let number = write(store, move |conn| {
                            let tip = Tip { number: tips::next_number(conn)?, ..tip };
                            tips::insert(conn, &tip)?;
                            revisions::insert(conn, &tip, &revision)?;
                            Ok(tip.number.0)
                        });
                        number.unwrap().value
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        numbers.sort_unstable();
        assert_eq!(numbers, (1001..1101).collect::<Vec<_>>());
    });
}
