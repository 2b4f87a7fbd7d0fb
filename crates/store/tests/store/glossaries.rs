//! Glossaries: every version is kept as it was written, the last one is in force.

use eureka_domain::community::Openness;
use eureka_domain::glossary::{Glossary, GlossaryEntry};
use eureka_domain::ids::CommunityId;
use eureka_store::{Store, glossaries};
use eureka_testkit::on_both;

use crate::support::{at, community, person, raw, read, refused, write};

fn add(store: &Store, glossary: &Glossary) -> Result<(), eureka_store::StoreError> {
    let glossary = glossary.clone();
    write(store, move |conn| glossaries::insert(conn, &glossary)).map(|_| ())
}

fn version(community: CommunityId, version: i32, term: &str) -> Glossary {
    let means = vec!["固定器 «fixing unit»".to_owned()];
    let entries = vec![GlossaryEntry { term: term.to_owned(), means }];
    Glossary { community, version, entries, editor: None, at: at(version.into()) }
}

#[test]
fn each_version_is_kept_and_the_last_one_is_in_force() {
    on_both(|db| {
        let store = db.store();
        let stella = person(store, "stella");
        let printers = community(store, "printers", Openness::Open);
        let lifts = community(store, "lifts", Openness::Private);
        community(store, "silent", Openness::Open);
        assert_eq!(read(store, |conn| glossaries::latest(conn, printers)), None);

        let first = Glossary { editor: Some(stella), ..version(printers, 1, "fuser") };
        let second = Glossary { entries: Vec::new(), ..version(printers, 2, "") };
        let other = version(lifts, 1, "lift");
        for each in [&first, &second, &other] {
            add(store, each).unwrap();
        }
        assert_eq!(refused(add(store, &second)), "glossaries.version");
        assert_eq!(read(store, |conn| glossaries::latest(conn, printers)), Some(second.clone()));
        let all = read(store, |conn| glossaries::versions(conn, printers, None, 9));
        assert_eq!(all, [second.clone(), first.clone()]);
        assert_eq!(read(store, |conn| glossaries::versions(conn, printers, Some(2), 9)), [first]);
        let in_force = [(Openness::Open, second), (Openness::Private, other)];
        assert_eq!(read(store, glossaries::in_force), in_force);
        assert_eq!(refused(raw(store, "UPDATE glossaries SET entries = '[]'")), "glossaries");
    });
}
