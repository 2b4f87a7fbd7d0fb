//! Flags, whose task they are, and which tips have to be looked at again.

use chrono::Duration;
use diesel::prelude::*;
use diesel::sql_types::Text;
use eureka_domain::Instant;
use eureka_domain::change::{Change, Kind};
use eureka_domain::community::{Membership, Openness, Role};
use eureka_domain::flag::{Flag, FlagKind, Resolution, Resolved};
use eureka_domain::ids::{CommunityId, FlagId, UserId};
use eureka_domain::tip::{Confidence, Safety, State, Tip};
use eureka_store::{Conn, Store, StoreError, communities, flags, log, rechecks, revisions, tips};
use eureka_testkit::{TestDatabase, on_both};

use crate::support::{at, community, draft, id, person, raw, read, refused, store_tip, undone, write};

fn flag(tip: &Tip, by: UserId, kind: FlagKind) -> Flag {
    Flag {
        id: FlagId(id()),
        tip: tip.id,
        revision: 1,
        community: tip.community,
        kind,
        flagged_by: (kind != FlagKind::Recheck).then_some(by),
        text: Some("The holders changed.".to_owned()),
        duplicate_of: None,
        assignee: None,
        due_at: at(10),
        opened_at: at(1),
        resolved: None,
    }
}

fn raise(store: &Store, flag: &Flag) -> Result<(), StoreError> {
    let flag = flag.clone();
    write(store, move |conn| flags::insert(conn, &flag)).map(|_| ())
}

fn save(store: &Store, flag: &Flag) {
    let flag = flag.clone();
    write(store, move |conn| flags::save(conn, &flag)).unwrap();
}

fn ended(flag: &Flag) -> Flag {
    let end = Resolved { resolution: Resolution::NoAction, reason: "As it was.".to_owned(), by: None, at: at(5) };
    Flag { resolved: Some(end), ..flag.clone() }
}

/// A stored tip, its author and a peer.
fn a_tip(store: &Store) -> (Tip, UserId, UserId) {
    let [author, peer] = ["ana", "pat"].map(|name| person(store, name));
    let (tip, revision) = draft(community(store, "printers", Openness::Open), author, 1001);
    store_tip(store, &tip, &revision).unwrap();
    (tip, author, peer)
}

fn join(store: &Store, community: CommunityId, user: UserId, role: Role) {
    let member = Membership { community, user, role, since: at(0) };
    write(store, move |conn| communities::set_member(conn, &member, None)).unwrap();
}

#[test]
fn every_word_of_a_flag_goes_in_and_comes_out_and_no_other() {
    on_both(|db| {
        let store = db.store();
        let (tip, author, peer) = a_tip(store);
        for (&kind, &resolution) in FlagKind::ALL.iter().zip(Resolution::ALL.iter().cycle()) {
            let end = Resolved { resolution, reason: "So.".to_owned(), by: Some(author), at: at(5) };
            let flag = Flag {
                duplicate_of: Some(tip.id),
                assignee: Some(author),
                resolved: Some(end),
                ..flag(&tip, peer, kind)
            };
            undone(store, move |conn| {
                flags::insert(conn, &flag)?;
                assert_eq!(flags::find(conn, flag.id)?, Some(flag));
                Ok(())
            });
        }
        raise(store, &ended(&flag(&tip, peer, FlagKind::Wrong))).unwrap();
        assert_eq!(refused(raw(store, "UPDATE flags SET resolution = 'nonsense'")), "check");
        for rewriting in ["kind = 'unsafe'", "revision = 2", "flagged_by = NULL", "opened_at = due_at"] {
            assert_eq!(refused(raw(store, &format!("UPDATE flags SET {rewriting}"))), "flags", "{rewriting}");
        }
        raw(store, "UPDATE flags SET text = NULL, reason = NULL").unwrap(); // what it says of a person can be erased
    });
}

#[test]
fn a_person_has_one_open_flag_of_a_kind_on_a_tip_and_a_tip_one_open_re_check() {
    on_both(|db| {
        let store = db.store();
        let (tip, author, peer) = a_tip(store);
        for kind in [FlagKind::Wrong, FlagKind::Recheck] {
            let first = flag(&tip, peer, kind);
            raise(store, &first).unwrap();
            let name = if kind == FlagKind::Recheck { "one_open_recheck" } else { "one_open_flag" };
            assert_eq!(refused(raise(store, &flag(&tip, peer, kind))), name);
            save(store, &ended(&first));
            raise(store, &flag(&tip, peer, kind)).unwrap();
        }
        raise(store, &flag(&tip, author, FlagKind::Wrong)).unwrap();
        let open = read(store, |conn| flags::open_of(conn, tip.id, FlagKind::Wrong, peer));
        assert!(open.is_some_and(|open| open.resolved.is_none()));
        assert_eq!(read(store, |conn| flags::open_of(conn, tip.id, FlagKind::Unclear, peer)), None);
        assert!(read(store, |conn| flags::open_recheck(conn, tip.id)).is_some());
    });
}

#[test]
fn reviewers_are_those_who_may_sign_in_with_their_open_tasks() {
    on_both(|db| {
        let store = db.store();
        let (tip, author, peer) = a_tip(store);
        let [runa, stella, gone] = ["runa", "stella", "gone"].map(|name| person(store, name));
        for (user, role) in [
            (author, Role::Contributor),
            (peer, Role::Reviewer),
            (runa, Role::Reviewer),
            (stella, Role::Steward),
            (gone, Role::Reviewer),
        ] {
            join(store, tip.community, user, role);
        }
        raw(store, &format!("UPDATE users SET status = 'suspended' WHERE id = '{gone}'")).unwrap();
        for (kind, assignee, is_open) in [
            (FlagKind::Wrong, peer, true),
            (FlagKind::Unclear, peer, true),
            (FlagKind::Outdated, runa, true),
            (FlagKind::Unsafe, runa, false),
        ] {
            let flag = Flag { assignee: Some(assignee), ..flag(&tip, author, kind) };
            raise(store, &if is_open { flag } else { ended(&flag) }).unwrap();
        }
        let tasks = read(store, |conn| flags::reviewers(conn, tip.community));
        assert_eq!(tasks, [(peer, 2), (runa, 1), (stella, 0)].into());
    });
}

/// A published tip of a safety level, and the log row that says when it was published or confirmed.
fn published(store: &Store, community: CommunityId, author: UserId, number: i64, safety: Safety, kind: Kind) -> Tip {
    let (mut tip, mut revision) = draft(community, author, number);
    revision.text.safety = safety;
    revision.state = State::Published;
    tip.live = Some(1);
    tip.confidence = Confidence::Validated;
    store_tip(store, &tip, &revision).unwrap();
    record(store, &tip, kind, at(number));
    tip
}

fn record(store: &Store, tip: &Tip, kind: Kind, when: Instant) -> i64 {
    let change = Change { revision: Some(1), ..Change::new(kind, None, when).of_tip(tip.id) };
    write(store, move |conn| log::append(conn, &change)).unwrap().value
}

#[test]
fn what_nobody_has_confirmed_since_is_due_for_another_look() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let old = published(store, printers, author, 1001, Safety::None, Kind::TipPublished);
        let dangerous = published(store, printers, author, 1002, Safety::Danger, Kind::TipImported);
        let renewed = published(store, printers, author, 1003, Safety::None, Kind::TipPublished);
        let later = at(1003) + Duration::days(1);
        let seq = record(store, &renewed, Kind::TipRenewed, later);
        let disputed = published(store, printers, author, 1004, Safety::None, Kind::TipPublished);
        record(store, &disputed, Kind::TipDisputed, later); // no confirmation
        record(store, &disputed, Kind::TipHeld, later);
        let due = |safety, since| read(store, |conn| rechecks::due(conn, printers, safety, since, 10));
        assert_eq!(due(Safety::None, at(2000)), [old.id, disputed.id]);
        assert_eq!(due(Safety::Danger, at(2000)), [dangerous.id]);
        assert_eq!(due(Safety::None, at(1000)), []);
        assert_eq!(due(Safety::None, later), [old.id, renewed.id, disputed.id]);

        let all = [&old, &renewed, &disputed].map(|tip| tip.id);
        let confirmed = read(store, |conn| rechecks::confirmed(conn, &all));
        assert_eq!(confirmed, [(old.id, at(1001)), (renewed.id, later), (disputed.id, at(1004))].into());
        assert_eq!(read(store, |conn| rechecks::turning_point(conn, renewed.id)), seq);

        let held = Tip { hold: Some("x".to_owned()), ..old };
        let doubtful = Tip { confidence: Confidence::NotValidated, ..disputed };
        write(store, move |conn| tips::save(conn, &held).and_then(|()| tips::save(conn, &doubtful))).unwrap();
        raise(store, &flag(&dangerous, author, FlagKind::Recheck)).unwrap();
        assert_eq!(due(Safety::None, at(2000)), []);
        assert_eq!(due(Safety::Danger, at(2000)), []);
    });
}

#[test]
fn sqlite_looks_for_confirmations_in_their_own_index() {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    const SQL: &str = "EXPLAIN QUERY PLAN SELECT seq FROM change_log WHERE tip_id = ? AND change_log.kind IN \
        ('tip.published', 'tip.imported', 'tip.restored', 'tip.renewed', 'tip.disputed') ORDER BY seq DESC";
    let db = TestDatabase::sqlite();
    let steps: Vec<Step> = read(db.store(), |conn| match conn {
        Conn::Sqlite(c) => Ok(diesel::sql_query(SQL).bind::<Text, _>("x").load(*c)?),
        Conn::Postgres(_) => Ok(Vec::new()),
    });
    let plan = steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("\n");
    assert!(plan.contains("confirmations") && !plan.contains("B-TREE"), "{plan}");
}

#[test]
fn those_credited_on_what_readers_have_seen_are_its_authors() {
    on_both(|db| {
        let store = db.store();
        let (tip, author, peer) = a_tip(store);
        let credited = |live| read(store, |conn| revisions::credited_up_to(conn, tip.id, live));
        assert_eq!(credited(1), [].into(), "a draft has been seen by nobody");
        raw(store, "UPDATE revisions SET state = 'published'").unwrap();
        assert_eq!(credited(1), [author].into());
        let sql =
            format!("INSERT INTO revision_credits (tip_id, revision, user_id) VALUES ('{}', 1, '{peer}')", tip.id);
        raw(store, &sql).unwrap();
        assert_eq!(credited(1), [author, peer].into());
        assert_eq!(credited(0), [].into());
    });
}
