//! That both databases know every word of the domain, and no other.

use eureka_domain::change::{Change, Kind as ChangeKind};
use eureka_domain::community::{Community, Membership, Openness, Role};
use eureka_domain::ids::{DecisionId, TipRef};
use eureka_domain::review::{Decision, Outcome, Reason, Review, Verdict};
use eureka_domain::tip::{Confidence, Revision, Safety, State, Tip};
use eureka_domain::user::{SiteRole, User, UserStatus};
use eureka_store::{communities, log, reviews, revisions, tips, users};
use eureka_testkit::on_both;

use crate::support::{
    approval, at, change, community, draft, id, person, raw, read, refused, under_review, undone, write,
};

#[test]
fn every_word_of_the_domain_goes_in_and_comes_out() {
    on_both(|db| {
        let store = db.store();
        let [author, peer] = ["ana", "pat"].map(|name| person(store, name));
        let printers = community(store, "printers", Openness::Open);
        let (tip, revision, review) = under_review(store, printers, author, 1001);
        let since = at(0);
        let member = move |role| Membership { community: printers, user: peer, role, since };
        write(store, move |conn| communities::set_member(conn, &member(Role::Reader), None)).unwrap();

        for &role in Role::ALL {
            undone(store, move |conn| {
                communities::set_member(conn, &member(role), None)?;
                assert_eq!(communities::member(conn, printers, peer)?, Some(member(role)));
                Ok(())
            });
        }
        let founded = read(store, |conn| communities::find(conn, printers)).unwrap();
        for &openness in Openness::ALL {
            let community = Community { openness, ..founded.clone() };
            undone(store, move |conn| {
                communities::save(conn, &community)?;
                assert_eq!(communities::find(conn, printers)?, Some(community));
                Ok(())
            });
        }
        let user = read(store, |conn| users::find(conn, peer)).unwrap();
        for (&site_role, &status) in SiteRole::ALL.iter().zip(UserStatus::ALL) {
            let user = User { site_role, status, ..user.clone() };
            undone(store, move |conn| {
                users::save(conn, &user)?;
                assert_eq!(users::find(conn, peer)?, Some(user));
                Ok(())
            });
        }
        for &confidence in Confidence::ALL {
            let tip = Tip { confidence, ..tip.clone() };
            undone(store, move |conn| {
                tips::save(conn, &tip)?;
                assert_eq!(tips::find(conn, &TipRef::Id(tip.id))?, Some(tip));
                Ok(())
            });
        }
        for &state in State::ALL {
            let (id, revision) = (tip.id, Revision { state, ..revision.clone() });
            undone(store, move |conn| {
                revisions::save_state(conn, &revision)?;
                assert_eq!(revisions::find(conn, id, 1)?, Some(revision));
                Ok(())
            });
        }
        for &safety in Safety::ALL {
            let (tip, mut revision) = draft(printers, author, 1002);
            revision.text.safety = safety;
            undone(store, move |conn| {
                tips::insert(conn, &tip)?;
                revisions::insert(conn, &tip, &revision)?;
                assert_eq!(revisions::find(conn, tip.id, 1)?, Some(revision));
                Ok(())
            });
        }
        for &outcome in Outcome::ALL {
            let review = Review { closed: Some((outcome, at(2))), ..review.clone() };
            undone(store, move |conn| {
                reviews::save(conn, &review)?;
                assert_eq!(reviews::find(conn, review.id)?.unwrap().closed, review.closed);
                Ok(())
            });
        }
        let third = person(store, "tom");
        for (&verdict, &reason) in Verdict::ALL.iter().cycle().zip(Reason::ALL) {
            let id = DecisionId(id());
            let decision = Decision { id, verdict, reason: Some(reason), ..approval(third, 3) };
            let review = review.clone();
            undone(store, move |conn| {
                reviews::add_decision(conn, &review, &decision)?;
                assert_eq!(reviews::find(conn, review.id)?.unwrap().decisions.pop(), Some(decision));
                Ok(())
            });
        }
        for &kind in ChangeKind::ALL {
            for &state in State::ALL {
                let change = Change { kind, from: Some(state), to: Some(state), ..change(None) };
                undone(store, move |conn| {
                    let seq = log::append(conn, &change)?;
                    let row = log::after(conn, seq - 1, 1)?.pop().unwrap();
                    assert_eq!((row.kind, row.from, row.to), (kind, Some(state), Some(state)));
                    Ok(())
                });
            }
        }
    });
}

#[test]
fn the_database_knows_no_other_words() {
    on_both(|db| {
        let store = db.store();
        let [author, peer] = ["ana", "pat"].map(|name| person(store, name));
        let printers = community(store, "printers", Openness::Open);
        let (tip, _, review) = under_review(store, printers, author, 1001);
        let member = Membership { community: printers, user: peer, role: Role::Reader, since: at(0) };
        write(store, move |conn| communities::set_member(conn, &member, None)).unwrap();
        for (table, column) in [
            ("users", "site_role"),
            ("users", "status"),
            ("communities", "openness"),
            ("members", "role"),
            ("tips", "confidence"),
            ("revisions", "state"),
        ] {
            let unknown = raw(store, &format!("UPDATE {table} SET {column} = 'nonsense'"));
            assert_eq!(refused(unknown), "check", "{table}.{column}");
        }
        let then = "'2026-01-01T00:00:00.000000Z'";
        let unknown = raw(store, &format!("UPDATE reviews SET outcome = 'nonsense', closed_at = {then}"));
        assert_eq!(refused(unknown), "check");
        for (verdict, reason) in [("nonsense", "other"), ("reject", "nonsense")] {
            let unknown = format!(
                "INSERT INTO decisions (id, review_id, tip_id, revision, reviewer_id, verdict, reason, at) \
                 VALUES ('{}', '{}', '{}', 1, '{peer}', '{verdict}', '{reason}', {then})",
                id(),
                review.id,
                tip.id
            );
            assert_eq!(refused(raw(store, &unknown)), "check", "{verdict} {reason}");
        }
        for (kind, from, to) in
            [("nonsense", "draft", "draft"), ("tip.held", "nonsense", "draft"), ("tip.held", "draft", "nonsense")]
        {
            let unknown = format!(
                "INSERT INTO change_log (seq, at, kind, from_state, to_state, prev_hash, hash) \
                 VALUES (9, {then}, '{kind}', '{from}', '{to}', '', '')"
            );
            assert_eq!(refused(raw(store, &unknown)), "change_log.words", "{kind} {from} {to}");
        }
    });
}
