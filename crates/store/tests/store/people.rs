//! People, communities, and who is what in which.

use std::collections::HashMap;

use eureka_domain::access::Standing;
use eureka_domain::community::{Community, Membership, Openness, ReviewPolicy, Role};
use eureka_domain::ids::{CommunityId, UserId};
use eureka_domain::user::{SiteRole, User, UserStatus};
use eureka_domain::visibility::Audience;
use eureka_store::{Store, communities, users};
use eureka_testkit::on_both;

use crate::support::{at, community, id, person, read, refused, write};

fn join(store: &Store, community: CommunityId, user: UserId, role: Role) {
    let membership = Membership { community, user, role, since: at(1) };
    write(store, move |conn| communities::set_member(conn, &membership, None)).unwrap();
}

#[test]
fn a_person_comes_back_as_they_were_written() {
    on_both(|db| {
        let store = db.store();
        let ana = person(store, "ana");
        let user = User {
            id: ana,
            email: Some("ana.ñandú@example.org".to_owned()),
            name: "Ana Ñandú 安娜".to_owned(),
            site_role: SiteRole::Admin,
            status: UserStatus::Suspended,
            auth_epoch: 7,
            created_at: at(0),
            updated_at: at(5),
        };
        let saved = user.clone();
        write(store, move |conn| users::save(conn, &saved)).unwrap();
        assert_eq!(read(store, |conn| users::find(conn, ana)), Some(user.clone()));
        assert_eq!(read(store, |conn| users::find_email(conn, "ana.ñandú@example.org")), Some(user.clone()));
        assert_eq!(read(store, |conn| users::find_email(conn, "ana@example.org")), None);

        let nameless = User { email: None, ..user };
        let saved = nameless.clone();
        write(store, move |conn| users::save(conn, &saved)).unwrap();
        assert_eq!(read(store, |conn| users::find(conn, ana)), Some(nameless));
        assert_eq!(read(store, |conn| users::find(conn, UserId(id()))), None);
    });
}

#[test]
fn an_imported_author_is_found_by_name_and_nobody_with_a_login_is() {
    on_both(|db| {
        let store = db.store();
        let imported = |name: &str| read(store, |conn| users::find_imported(conn, name));
        let ana = person(store, "Ana");
        assert_eq!(imported("Ana"), None, "she can log in");
        let known = read(store, |conn| users::find(conn, ana)).unwrap();
        let twins = [1, 2].map(|_| User { id: UserId(id()), email: None, ..known.clone() });
        for user in twins.clone() {
            write(store, move |conn| users::insert(conn, &user, None)).unwrap();
        }
        assert_eq!(imported("Ana"), Some(twins[0].id), "the first of that name");
        assert_eq!(imported("ana"), None);
    });
}

#[test]
fn a_password_hash_is_kept_apart_and_survives_a_change_of_the_person() {
    on_both(|db| {
        let store = db.store();
        let ana = person(store, "ana");
        let hash = || read(store, |conn| users::password_hash(conn, ana));
        assert_eq!(hash(), None);
        write(store, move |conn| users::set_password_hash(conn, ana, "$argon2id$1", at(3))).unwrap();
        assert_eq!(hash().as_deref(), Some("$argon2id$1"));
        let user = read(store, |conn| users::find(conn, ana)).unwrap();
        assert_eq!(user.updated_at, at(3));
        write(store, move |conn| users::save(conn, &User { auth_epoch: 1, ..user })).unwrap();
        assert_eq!(hash().as_deref(), Some("$argon2id$1"));
        assert_eq!(read(store, |conn| users::password_hash(conn, UserId(id()))), None);
    });
}

#[test]
fn people_are_walked_in_one_order_and_named_by_their_ids() {
    on_both(|db| {
        let store = db.store();
        let mut names: HashMap<UserId, String> = HashMap::new();
        for n in 0..25 {
            let name = format!("person{n}");
            names.insert(person(store, &name), name);
        }
        let mut expected: Vec<UserId> = names.keys().copied().collect();
        expected.sort();
        let mut seen: Vec<UserId> = Vec::new();
        while let people = read(store, |conn| users::list(conn, seen.last().copied(), 7))
            && !people.is_empty()
        {
            seen.extend(people.into_iter().map(|user| user.id));
        }
        assert_eq!(seen, expected);
        let asked: Vec<UserId> = (0..2500).map(|_| UserId(id())).chain(seen).collect();
        assert_eq!(read(store, |conn| users::names(conn, &asked)), names);
        assert!(read(store, |conn| users::names(conn, &[])).is_empty());
    });
}

#[test]
fn admins_are_counted_while_they_are_active() {
    on_both(|db| {
        let store = db.store();
        assert_eq!(read(store, users::admins), 0);
        for (name, site_role, status) in [
            ("ana", SiteRole::Admin, UserStatus::Active),
            ("eve", SiteRole::Admin, UserStatus::Suspended),
            ("pat", SiteRole::Member, UserStatus::Active),
        ] {
            let user = person(store, name);
            let user = User { site_role, status, ..read(store, |conn| users::find(conn, user)).unwrap() };
            write(store, move |conn| users::save(conn, &user)).unwrap();
        }
        assert_eq!(read(store, users::admins), 1);
    });
}

#[test]
fn a_community_comes_back_as_it_was_written() {
    on_both(|db| {
        let store = db.store();
        let printers = community(store, "printers", Openness::Open);
        let changed = Community {
            id: printers,
            slug: "office-printers".to_owned(),
            name: "Büro-Drucker".to_owned(),
            description: "Everything\nwith toner.".to_owned(),
            openness: Openness::Private,
            policy: ReviewPolicy {
                quorum: 3,
                safety_quorum: 4,
                claim_minutes: 1440,
                first_response_days: 5,
                decision_days: 20,
            },
            created_at: at(0),
            updated_at: at(9),
        };
        let saved = changed.clone();
        write(store, move |conn| communities::save(conn, &saved)).unwrap();
        assert_eq!(read(store, |conn| communities::find(conn, printers)), Some(changed.clone()));
        assert_eq!(read(store, |conn| communities::find_slug(conn, "office-printers")), Some(changed.clone()));
        assert_eq!(read(store, |conn| communities::find_slug(conn, "printers")), None);
        for policy in
            [ReviewPolicy { safety_quorum: 0, ..changed.policy }, ReviewPolicy { claim_minutes: 0, ..changed.policy }]
        {
            let wrong = Community { policy, ..changed.clone() };
            assert_eq!(refused(write(store, move |conn| communities::save(conn, &wrong))), "check");
        }
    });
}

#[test]
fn an_audience_walks_the_communities_it_reads() {
    on_both(|db| {
        let store = db.store();
        let made: Vec<(CommunityId, Openness)> = (0..20)
            .map(|n| {
                let openness = if n % 2 == 0 { Openness::Open } else { Openness::Private };
                (community(store, &format!("community-{n}"), openness), openness)
            })
            .collect();
        let some_private = [made[1].0, made[7].0].into();
        for audience in [
            Audience::default(),
            Audience { everything: false, private: some_private },
            Audience { everything: true, private: [].into() },
        ] {
            let reads = |&&(community, openness): &&(CommunityId, Openness)| audience.reads(community, openness);
            let expected: Vec<CommunityId> = made.iter().filter(reads).map(|&(community, _)| community).collect();
            let mut seen: Vec<CommunityId> = Vec::new();
            while let page = read(store, |conn| communities::list(conn, &audience, seen.last().copied(), 3))
                && !page.is_empty()
            {
                seen.extend(page.into_iter().map(|community| community.id));
            }
            assert_eq!(seen, expected, "{audience:?}");
        }
    });
}

#[test]
fn a_member_joins_changes_role_and_leaves() {
    on_both(|db| {
        let store = db.store();
        let [ana, pat] = ["ana", "pat"].map(|name| person(store, name));
        let [printers, lab] =
            [("printers", Openness::Open), ("lab", Openness::Private)].map(|(slug, open)| community(store, slug, open));
        join(store, printers, ana, Role::Reader);
        join(store, printers, ana, Role::Steward);
        join(store, lab, ana, Role::Contributor);
        join(store, lab, pat, Role::Reviewer);

        let member = |community, user| read(store, |conn| communities::member(conn, community, user));
        assert_eq!(member(printers, ana).map(|m| (m.role, m.since)), Some((Role::Steward, at(1))));
        assert_eq!(member(printers, pat), None);
        let standings = read(store, |conn| communities::standings(conn, ana));
        let expected = [
            (printers, Standing { role: Role::Steward, openness: Openness::Open }),
            (lab, Standing { role: Role::Contributor, openness: Openness::Private }),
        ];
        assert_eq!(standings, expected.into());

        let removed = |user| write(store, move |conn| communities::remove_member(conn, lab, user)).unwrap().value;
        assert!(removed(ana));
        assert!(!removed(ana));
        assert_eq!(member(lab, ana), None);
        assert!(member(lab, pat).is_some());
    });
}

#[test]
fn members_are_walked_in_one_order() {
    on_both(|db| {
        let store = db.store();
        let [printers, lab] = ["printers", "lab"].map(|slug| community(store, slug, Openness::Open));
        let mut expected: Vec<UserId> = (0..20)
            .map(|n| {
                let user = person(store, &format!("person{n}"));
                join(store, if n % 5 == 0 { lab } else { printers }, user, Role::Reader);
                (n, user)
            })
            .filter(|(n, _)| n % 5 != 0)
            .map(|(_, user)| user)
            .collect();
        expected.sort();
        let mut seen: Vec<UserId> = Vec::new();
        while let page = read(store, |conn| communities::members(conn, printers, seen.last().copied(), 3))
            && !page.is_empty()
        {
            assert!(page.iter().all(|(membership, user)| membership.user == user.id));
            seen.extend(page.into_iter().map(|(_, user)| user.id));
        }
        assert_eq!(seen, expected);
    });
}
