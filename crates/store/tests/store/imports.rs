//! Imports: many approved tips at once, whole or not at all, and repeatable by the names they have elsewhere.

use eureka_domain::community::Openness;
use eureka_domain::ids::{CommunityId, TipNumber, UserId};
use eureka_domain::tip::{Confidence, Revision, State, Tip};
use eureka_store::{Store, StoreError, insert_imported, revisions, tips};
use eureka_testkit::on_both;

use crate::support::{at, community, draft, number, person, read, refused, write};

fn approved(community: CommunityId, author: UserId, external: &str) -> (Tip, Revision) {
    let (tip, revision) = draft(community, author, 0);
    let tip = Tip {
        confidence: Confidence::Validated,
        live: Some(1),
        external_id: Some(external.to_owned()),
        published_at: Some(at(1)),
        ..tip
    };
    let revision = Revision { state: State::Published, submitted_at: Some(at(1)), decided_at: Some(at(1)), ..revision };
    (tip, revision)
}

/// What an import does: leaves out what is there, numbers the rest and adds it. How many were added.
fn import(store: &Store, community: CommunityId, mut lines: Vec<(Tip, Revision)>) -> Result<usize, StoreError> {
    write(store, move |conn| {
        let names: Vec<String> = lines.iter().filter_map(|(tip, _)| tip.external_id.clone()).collect();
        let known = tips::by_external_ids(conn, community, &names)?;
        lines.retain(|(tip, _)| !known.contains_key(tip.external_id.as_ref().unwrap()));
        let first = tips::next_number(conn)?.0;
        for (number, (tip, _)) in (first..).zip(&mut lines) {
            tip.number = TipNumber(number);
        }
        insert_imported(conn, &lines)?;
        Ok(lines.len())
    })
    .map(|written| written.value)
}

#[test]
fn an_import_is_repeated_without_doubles() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let [printers, copiers] = ["printers", "copiers"].map(|slug| community(store, slug, Openness::Open));
        let lines = |community, upto: usize| -> Vec<(Tip, Revision)> {
            (0..upto).map(|n| approved(community, author, &format!("KB-{n}"))).collect()
        };
        // More than one statement holds.
        assert_eq!(import(store, printers, lines(printers, 1200)).unwrap(), 1200);
        assert_eq!(import(store, printers, lines(printers, 1200)).unwrap(), 0);
        assert_eq!(import(store, printers, lines(printers, 1203)).unwrap(), 3);
        assert_eq!(import(store, copiers, lines(copiers, 5)).unwrap(), 5);
        assert_eq!(number(store, "SELECT count(*) AS n FROM tips"), 1208);
        assert_eq!(number(store, "SELECT count(*) AS n FROM revisions"), 1208);
        assert_eq!(number(store, "SELECT count(*) AS n FROM revision_credits"), 1208);
        assert_eq!(read(store, tips::next_number).0, 1001 + 1208);
    });
}

#[test]
fn what_is_imported_comes_back_as_it_was_given_and_its_author_is_credited() {
    on_both(|db| {
        let store = db.store();
        let [author, editor] = ["ana", "ed"].map(|name| person(store, name));
        let printers = community(store, "printers", Openness::Open);
        let (tip, revision) = approved(printers, author, "KB-1");
        let revision = Revision { editor, credited: [author, editor].into(), ..revision };
        import(store, printers, vec![(tip.clone(), revision.clone())]).unwrap();

        let known = read(store, |conn| tips::by_external_ids(conn, printers, &["KB-1".to_owned(), "KB-2".to_owned()]));
        assert_eq!(known, [("KB-1".to_owned(), tip.id)].into());
        let sheet = read(store, |conn| tips::sheets(conn, &[tip.id])).pop().unwrap();
        assert_eq!(sheet.tip, Tip { number: TipNumber::FIRST, ..tip.clone() });
        assert_eq!(sheet.live.as_ref(), Some(&revision));
        assert_eq!(read(store, |conn| revisions::list(conn, tip.id)), [revision]);
        for user in [author, editor] {
            let credited = format!("SELECT count(*) AS n FROM revision_credits WHERE user_id = '{user}'");
            assert_eq!(number(store, &credited), 1);
        }
    });
}

#[test]
fn one_conflict_refuses_the_whole_slice() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        import(store, printers, vec![approved(printers, author, "KB-1")]).unwrap();
        let mut lines: Vec<(Tip, Revision)> =
            (2..700).map(|n| approved(printers, author, &format!("KB-{n}"))).collect();
        for (number, (tip, _)) in (2001..).zip(&mut lines) {
            tip.number = TipNumber(number);
        }
        let with = |change: fn(&mut Tip)| {
            let mut lines = lines.clone();
            change(&mut lines.last_mut().unwrap().0);
            refused(write(store, move |conn| insert_imported(conn, &lines)))
        };
        assert_eq!(with(|tip| tip.external_id = Some("KB-1".to_owned())), "tips.external_id");
        assert_eq!(with(|tip| tip.number = TipNumber(2001)), "tips.number");
        assert_eq!(number(store, "SELECT count(*) AS n FROM tips"), 1);
        write(store, |conn| insert_imported(conn, &[])).unwrap();
    });
}
