//! What the database refuses by itself, whatever the program above it forgets, and that it allows what the domain says.

use eureka_domain::change::Payload;
use eureka_domain::community::{Community, Openness};
use eureka_domain::ids::{CommunityId, ReviewId, TipId, TipNumber, UserId};
use eureka_domain::review::{Decision, Outcome, Review};
use eureka_domain::tip::{Revision, State, Tip};
use eureka_domain::user::User;
use eureka_store::{Kind, Store, StoreError, communities, log, reviews, revisions, users};
use eureka_testkit::on_both;

use crate::support::{
    append, approval, at, change, community, draft, due, id, person, raw, read, refused, store_tip, text, under_review,
    write,
};

fn decide(store: &Store, review: &Review, decision: Decision) -> Result<(), StoreError> {
    let review = review.clone();
    write(store, move |conn| reviews::add_decision(conn, &review, &decision)).map(|_| ())
}

fn save_revision(store: &Store, tip: &Tip, revision: &Revision) -> Result<(), StoreError> {
    let (tip, revision) = (tip.clone(), revision.clone());
    write(store, move |conn| revisions::rewrite(conn, &tip, &revision)).map(|_| ())
}

fn add_revision(store: &Store, tip: &Tip, revision: &Revision) -> Result<(), StoreError> {
    let (tip, revision) = (tip.clone(), revision.clone());
    write(store, move |conn| revisions::insert(conn, &tip, &revision)).map(|_| ())
}

fn open_review(store: &Store, review: &Review) -> Result<(), StoreError> {
    let review = review.clone();
    write(store, move |conn| reviews::insert(conn, &review)).map(|_| ())
}

#[test]
fn nobody_decides_a_text_they_are_credited_on() {
    on_both(|db| {
        let store = db.store();
        let [author, earlier_editor, editor, peer] = ["ana", "eve", "ed", "pat"].map(|name| person(store, name));
        let printers = community(store, "printers", Openness::Open);
        let (mut tip, mut revision) = draft(printers, author, 1001);
        revision.editor = earlier_editor;
        store_tip(store, &tip, &revision).unwrap();
        revision.editor = editor;
        revision.state = State::Submitted;
        revision.submitted_at = Some(at(1));
        save_revision(store, &tip, &revision).unwrap();
        let review = Review::opened(ReviewId(id()), printers, &revision, due(), at(1));
        tip.review = Some(review.id);
        open_review(store, &review).unwrap();

        for credited in [author, earlier_editor, editor] {
            assert_eq!(refused(decide(store, &review, approval(credited, 2))), "self_review");
        }
        decide(store, &review, approval(peer, 2)).unwrap();
        let stored = read(store, |conn| reviews::find(conn, review.id)).unwrap();
        assert_eq!(stored.decisions.iter().map(|d| d.reviewer).collect::<Vec<_>>(), [peer]);
    });
}

#[test]
fn a_reviewer_decides_once_and_the_decision_stands() {
    on_both(|db| {
        let store = db.store();
        let [author, peer, other] = ["ana", "pat", "olga"].map(|name| person(store, name));
        let printers = community(store, "printers", Openness::Open);
        let (_, _, review) = under_review(store, printers, author, 1001);
        decide(store, &review, approval(peer, 1)).unwrap();
        assert_eq!(refused(decide(store, &review, approval(peer, 2))), "decisions.reviewer");
        for rewriting in [
            &format!("reviewer_id = '{other}'"),
            "verdict = 'reject'",
            "reason = 'unsafe'",
            "revision = 2",
            "at = '2020-01-01T00:00:00.000000Z'",
        ] {
            assert_eq!(refused(raw(store, &format!("UPDATE decisions SET {rewriting}"))), "decisions", "{rewriting}");
        }
        raw(store, "UPDATE decisions SET comment = NULL").unwrap(); // what it says of a person can be erased
    });
}

#[test]
fn a_tip_has_one_open_revision_and_one_published_one() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let (tip, first) = draft(printers, author, 1001);
        store_tip(store, &tip, &first).unwrap();
        let numbered = |number, state| Revision { number, state, ..first.clone() };
        for open in [State::Draft, State::Submitted, State::InReview] {
            save_revision(store, &tip, &numbered(1, open)).unwrap();
            for second in [State::Draft, State::Submitted, State::InReview] {
                assert_eq!(refused(add_revision(store, &tip, &numbered(2, second))), "one_open_revision");
            }
        }
        save_revision(store, &tip, &numbered(1, State::Published)).unwrap();
        add_revision(store, &tip, &numbered(2, State::InReview)).unwrap();
        assert_eq!(refused(save_revision(store, &tip, &numbered(2, State::Published))), "one_published_revision");
        assert_eq!(refused(add_revision(store, &tip, &numbered(2, State::Rejected))), "revisions.number");

        // Another tip's revisions are its own matter.
        let (other, draft) = draft(printers, author, 1002);
        store_tip(store, &other, &draft).unwrap();
    });
}

#[test]
fn a_tip_has_one_open_review_and_a_revision_one_review() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let (tip, first, mut review) = under_review(store, printers, author, 1001);
        save_revision(store, &tip, &Revision { state: State::Superseded, ..first.clone() }).unwrap();
        add_revision(store, &tip, &Revision { number: 2, ..first }).unwrap();

        let again = Review { id: ReviewId(id()), closed: Some((Outcome::Withdrawn, at(2))), ..review.clone() };
        assert_eq!(refused(open_review(store, &again)), "reviews.revision");
        let next = Review { id: ReviewId(id()), revision: 2, ..review.clone() };
        assert_eq!(refused(open_review(store, &next)), "one_open_review");
        review.close(Outcome::Superseded, at(3));
        write(store, move |conn| reviews::save(conn, &review)).unwrap();
        open_review(store, &next).unwrap();
    });
}

#[test]
fn a_submitted_text_is_immutable_in_every_word() {
    on_both(|db| {
        let store = db.store();
        let [author, other] = ["ana", "eve"].map(|name| person(store, name));
        let printers = community(store, "printers", Openness::Open);
        let (tip, mut revision) = draft(printers, author, 1001);
        store_tip(store, &tip, &revision).unwrap();
        revision.text.title = "It stops at 3396".to_owned();
        save_revision(store, &tip, &revision).unwrap(); // a draft is rewritten freely
        revision.state = State::Submitted;
        revision.submitted_at = Some(at(1));
        save_revision(store, &tip, &revision).unwrap();

        for column in ["title", "problem", "products", "fault_codes", "parts", "tags"] {
            let rewriting = format!("UPDATE revisions SET {column} = '[\"x\"]'");
            assert_eq!(refused(raw(store, &rewriting)), "submitted_text", "{column}");
        }
        for rewriting in [
            "cause = 'x'",
            "solution = NULL",
            "safety = 'danger'",
            "hazard = 'x'",
            "lang = NULL",
            "submitted_at = NULL",
            "submitted_at = '2020-01-01T00:00:00.000000Z'",
            &format!("editor_id = '{other}'"),
        ] {
            assert_eq!(
                refused(raw(store, &format!("UPDATE revisions SET {rewriting}"))),
                "submitted_text",
                "{rewriting}"
            );
        }
        let reworded = Revision { text: text("Something else"), ..revision.clone() };
        assert_eq!(refused(save_revision(store, &tip, &reworded)), "submitted_text");

        // Where it stands is no part of the text.
        revision.state = State::Rejected;
        revision.decided_at = Some(at(2));
        revision.updated_at = at(2);
        save_revision(store, &tip, &revision).unwrap();
        assert_eq!(read(store, |conn| revisions::find(conn, tip.id, 1)), Some(revision));
    });
}

#[test]
fn what_must_be_unique_is_and_is_named() {
    on_both(|db| {
        let store = db.store();
        let ana = person(store, "ana");
        let [printers, copiers] = ["printers", "copiers"].map(|slug| community(store, slug, Openness::Open));
        let (mut tip, revision) = draft(printers, ana, 1001);
        tip.external_id = Some("KB-7".to_owned());
        store_tip(store, &tip, &revision).unwrap();
        let with = |tip: Tip| {
            let revision = Revision { tip: tip.id, ..revision.clone() };
            store_tip(store, &tip, &revision)
        };
        let fresh = || Tip { id: TipId(id()), number: TipNumber(1002), ..tip.clone() };

        assert_eq!(refused(with(Tip { number: tip.number, external_id: None, ..fresh() })), "tips.number");
        assert_eq!(refused(with(fresh())), "tips.external_id");
        assert_eq!(refused(with(Tip { id: tip.id, external_id: None, ..fresh() })), "tips.id");
        with(Tip { community: copiers, ..fresh() }).unwrap(); // each community has its own names for what it imports

        let user = read(store, |conn| users::find(conn, ana)).unwrap();
        let add = |user: User| write(store, move |conn| users::insert(conn, &user, None)).map(|_| ());
        assert_eq!(refused(add(User { id: UserId(id()), ..user.clone() })), "users.email");
        assert_eq!(refused(add(User { email: None, ..user.clone() })), "users.id");
        for _ in 0..2 {
            add(User { id: UserId(id()), email: None, ..user.clone() }).unwrap(); // people who were imported
        }

        let founded = read(store, |conn| communities::find(conn, printers)).unwrap();
        let twin = Community { id: CommunityId(id()), ..founded };
        let twice = write(store, move |conn| communities::insert(conn, &twin));
        assert_eq!(refused(twice), "communities.slug");
    });
}

#[test]
fn nothing_refers_to_what_is_not_there() {
    on_both(|db| {
        let store = db.store();
        let ana = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let (tip, revision) = draft(printers, UserId(id()), 1001);
        assert_eq!(refused(store_tip(store, &tip, &revision)), "foreign_key");
        let (tip, revision) = draft(printers, ana, 1001);
        assert_eq!(refused(add_revision(store, &tip, &revision)), "foreign_key");
        store_tip(store, &tip, &revision).unwrap();
        for table in ["tips", "users", "communities", "revisions"] {
            assert_eq!(refused(raw(store, &format!("DELETE FROM {table}"))), "foreign_key", "{table}");
        }
    });
}

#[test]
fn a_claim_and_the_end_of_a_review_are_whole_or_absent() {
    on_both(|db| {
        let store = db.store();
        let [author, peer] = ["ana", "pat"].map(|name| person(store, name));
        let printers = community(store, "printers", Openness::Open);
        under_review(store, printers, author, 1001);
        let instant = "'2026-01-01T00:00:00.000000Z'";
        for half in [
            format!("claimed_by = '{peer}'"),
            format!("claimed_until = {instant}"),
            format!("claimed_by = '{peer}', claimed_until = {instant}"),
            format!("closed_at = {instant}"),
            "outcome = 'approved'".to_owned(),
        ] {
            assert_eq!(refused(raw(store, &format!("UPDATE reviews SET {half}"))), "check", "{half}");
        }
    });
}

#[test]
fn the_live_revision_is_one_there_is() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let (tip, revision) = draft(printers, author, 1001);
        store_tip(store, &tip, &revision).unwrap();
        assert_eq!(refused(raw(store, "UPDATE tips SET live = 2")), "check");
    });
}

#[test]
fn the_log_only_grows() {
    on_both(|db| {
        let store = db.store();
        append(store);
        assert_eq!(refused(raw(store, "UPDATE change_log SET kind = 'tip.held'")), "change_log");
        assert_eq!(refused(raw(store, "DELETE FROM change_log")), "change_log");
        if db.kind() == Kind::Postgres {
            assert_eq!(refused(raw(store, "TRUNCATE change_log CASCADE")), "change_log");
        }
        let short = change(Some(Payload { salt: "ab".to_owned(), body: "{}".to_owned() }));
        assert_eq!(refused(write(store, move |conn| log::append(conn, &short))), "check");
        assert_eq!(
            refused(raw(store, "INSERT INTO change_head SELECT 2, log_id, seq, hash FROM change_head")),
            "check"
        );
    });
}
