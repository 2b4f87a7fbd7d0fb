//! Who people are to identity providers: found by issuer and subject, one of each, gone with the person.

use eureka_domain::community::{Membership, Openness, Role};
use eureka_domain::identity::Identity;
use eureka_domain::ids::{IdentityId, UserId};
use eureka_store::{Store, communities, erasure, identities, users};
use eureka_testkit::on_both;

use crate::support::{at, community, id, person, read, refused, write};

fn identity(user: UserId, subject: &str) -> Identity {
    Identity {
        id: IdentityId(id()),
        issuer: "https://id.example.org".to_owned(),
        subject: subject.to_owned(),
        user,
        linked_at: at(0),
        token_at: None,
        rules: "none".to_owned(),
        revoked_at: None,
        gave_admin: false,
    }
}

fn add(store: &Store, identity: &Identity) -> Result<(), eureka_store::StoreError> {
    let identity = identity.clone();
    write(store, move |conn| identities::insert(conn, &identity)).map(|_| ())
}

#[test]
fn an_identity_comes_back_as_it_was_written_and_a_subject_is_one_person() {
    on_both(|db| {
        let store = db.store();
        let (ana, bo) = (person(store, "ana"), person(store, "bo"));
        let mut hers = identity(ana, "s-1");
        add(store, &hers).unwrap();
        let find = |issuer: &str, subject: &str| read(store, |conn| identities::find(conn, issuer, subject));
        assert_eq!(find("https://id.example.org", "s-1"), Some(hers.clone()));
        assert_eq!(find("https://id.example.org", "S-1"), None);
        assert_eq!(find("https://id.example.com", "s-1"), None);
        assert_eq!(refused(add(store, &identity(bo, "s-1"))), "identities.subject");

        hers.token_at = Some(at(5));
        hers.rules = "some".to_owned();
        hers.gave_admin = true;
        let saved = hers.clone();
        write(store, move |conn| identities::save(conn, &saved)).unwrap();
        let other = identity(ana, "s-2");
        add(store, &other).unwrap();
        write(store, move |conn| identities::revoke(conn, ana, at(9))).unwrap();
        for theirs in [&mut hers, &mut other.clone()] {
            theirs.revoked_at = Some(at(9));
            assert_eq!(find(&theirs.issuer, &theirs.subject).as_ref(), Some(&*theirs));
        }
        assert_eq!(read(store, |conn| identities::of_user(conn, ana)).len(), 2);
        assert!(read(store, |conn| identities::of_user(conn, bo)).is_empty());
    });
}

#[test]
fn a_membership_keeps_who_gave_it_until_somebody_else_gives_it() {
    on_both(|db| {
        let store = db.store();
        let ana = person(store, "ana");
        let printers = community(store, "printers", Openness::Private);
        let hers = identity(ana, "s-1");
        add(store, &hers).unwrap();
        for given_by in [Some(hers.id), None, Some(hers.id)] {
            let membership = Membership { community: printers, user: ana, role: Role::Reviewer, since: at(1) };
            let written = membership.clone();
            write(store, move |conn| communities::set_member(conn, &written, given_by)).unwrap();
            assert_eq!(read(store, |conn| communities::memberships(conn, ana)), [(membership, given_by)]);
        }
        write(store, move |conn| erasure::empty_account(conn, ana, at(2))).unwrap();
        assert!(read(store, |conn| identities::of_user(conn, ana)).is_empty());
        assert!(read(store, |conn| communities::memberships(conn, ana)).is_empty());
    });
}

#[test]
fn whoever_came_through_a_provider_is_not_taken_for_an_imported_author_of_that_name() {
    on_both(|db| {
        let store = db.store();
        let nameless = |name: &str| {
            let mut user = read(store, |conn| users::find(conn, person(store, name))).unwrap();
            user.email = None;
            "Ada".clone_into(&mut user.name);
            let id = user.id;
            write(store, move |conn| users::save(conn, &user)).unwrap();
            id
        };
        let impostor = nameless("first");
        add(store, &identity(impostor, "s-1")).unwrap();
        assert_eq!(read(store, |conn| users::find_imported(conn, "Ada")), None);
        let imported = nameless("second");
        assert_eq!(read(store, |conn| users::find_imported(conn, "Ada")), Some(imported));
    });
}
