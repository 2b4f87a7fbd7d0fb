//! Outcomes and what they add up to.

use std::collections::BTreeMap;

use eureka_domain::community::Openness;
use eureka_domain::ids::{OutcomeId, TipId, UserId};
use eureka_domain::outcome::{Counting, Outcome, OutcomeResult};
use eureka_domain::proof::Tally;
use eureka_store::outcomes::OutcomeFilter;
use eureka_store::proofs::TipProof;
use eureka_store::{Store, StoreError, outcomes, proofs};
use eureka_testkit::on_both;

use crate::support::{append, at, community, draft, id, person, raw, read, refused, store_tip, undone, write};

fn outcome(tip: TipId, user: UserId, micros: i64) -> Outcome {
    Outcome {
        id: OutcomeId(id()),
        tip,
        revision: 1,
        user,
        result: OutcomeResult::Fixed,
        counting: Counting::Counted,
        minutes_spent: Some(20),
        minutes_saved: None,
        product: Some("DocuColor 40".to_owned()),
        work_order: Some("W-1".to_owned()),
        note: Some("A longer screw.".to_owned()),
        client_id: None,
        happened_at: at(micros),
        reported_at: at(micros),
        seq: 0,
    }
}

/// Stores an outcome at the next place of the log.
fn told(store: &Store, outcome: &Outcome) -> Result<Outcome, StoreError> {
    let outcome = Outcome { seq: append(store), ..outcome.clone() };
    let stored = outcome.clone();
    write(store, move |conn| outcomes::insert(conn, &stored))?;
    Ok(outcome)
}

/// A stored tip, its author and a peer.
fn a_tip(store: &Store) -> (TipId, UserId, UserId) {
    let [author, peer] = ["ana", "pat"].map(|name| person(store, name));
    let (tip, revision) = draft(community(store, "printers", Openness::Open), author, 1001);
    store_tip(store, &tip, &revision).unwrap();
    (tip.id, author, peer)
}

#[test]
fn a_persons_last_word_on_an_occasion_is_the_one_that_counts() {
    on_both(|db| {
        let store = db.store();
        let (tip, _, peer) = a_tip(store);
        let first = told(store, &outcome(tip, peer, 1)).unwrap();
        assert_eq!(refused(told(store, &outcome(tip, peer, 2)).map(|_| ())), "one_counted_outcome");
        let occasion = first.occasion();
        write(store, move |conn| outcomes::replace(conn, tip, peer, &occasion)).unwrap();
        let second = told(store, &outcome(tip, peer, 3)).unwrap();
        let third = told(store, &Outcome { work_order: None, ..outcome(tip, peer, 4) }).unwrap();
        let replaced = Outcome { counting: Counting::Replaced, ..first };
        let list =
            |filter: OutcomeFilter, before| read(store, |conn| outcomes::list(conn, &[tip], &filter, before, 10));
        assert_eq!(list(OutcomeFilter::default(), None), [third.clone(), second.clone(), replaced.clone()]);
        assert_eq!(list(OutcomeFilter::default(), Some(second.seq)), [replaced]);
        let counted = OutcomeFilter { counting: Some(Counting::Counted), ..OutcomeFilter::default() };
        assert_eq!(list(counted, None), [third.clone(), second.clone()]);
        assert_eq!(list(OutcomeFilter { since_revision: Some(2), ..counted }, None), []);
        let uses = read(store, |conn| outcomes::counted(conn, &[tip]));
        assert_eq!(uses.iter().map(|used| used.seq).collect::<Vec<_>>(), [second.seq, third.seq]);
    });
}

#[test]
fn a_clients_name_for_an_outcome_is_unique_per_person() {
    on_both(|db| {
        let store = db.store();
        let (tip, author, peer) = a_tip(store);
        let named = |user, order: &str| Outcome {
            client_id: Some("tap".to_owned()),
            work_order: Some(order.to_owned()),
            ..outcome(tip, user, 1)
        };
        let first = told(store, &named(peer, "W-1")).unwrap();
        assert_eq!(refused(told(store, &named(peer, "W-2")).map(|_| ())), "outcomes.client_id");
        told(store, &named(author, "W-2")).unwrap();
        assert_eq!(read(store, |conn| outcomes::by_client_id(conn, peer, "tap")), Some(first));
        assert_eq!(read(store, |conn| outcomes::by_client_id(conn, peer, "top")), None);
    });
}

#[test]
fn what_was_told_stands_and_what_names_somebody_can_be_erased() {
    on_both(|db| {
        let store = db.store();
        let (tip, _, peer) = a_tip(store);
        let first = told(store, &outcome(tip, peer, 1)).unwrap();
        for rewriting in ["result = 'not_fixed'", "revision = 2", "minutes_spent = 1", "occasion = 'x'", "seq = 9"] {
            assert_eq!(refused(raw(store, &format!("UPDATE outcomes SET {rewriting}"))), "outcomes", "{rewriting}");
        }
        raw(store, "UPDATE outcomes SET note = NULL, work_order = NULL, product = NULL").unwrap();
        let erased = read(store, |conn| outcomes::find(conn, tip, first.id)).unwrap();
        assert_eq!(erased, Outcome { note: None, work_order: None, product: None, ..first });
    });
}

#[test]
fn every_word_of_an_outcome_goes_in_and_comes_out_and_no_other() {
    on_both(|db| {
        let store = db.store();
        let (tip, _, peer) = a_tip(store);
        for (&result, &counting) in OutcomeResult::ALL.iter().zip(Counting::ALL.iter().cycle()) {
            let outcome = Outcome { result, counting, seq: append(store), ..outcome(tip, peer, 1) };
            undone(store, move |conn| {
                outcomes::insert(conn, &outcome)?;
                assert_eq!(outcomes::find(conn, tip, outcome.id)?, Some(outcome));
                Ok(())
            });
        }
        told(store, &outcome(tip, peer, 1)).unwrap();
        assert_eq!(refused(raw(store, "UPDATE outcomes SET counting = 'nonsense'")), "check");
    });
}

#[test]
fn what_outcomes_add_up_to_comes_back_to_the_last_bit() {
    on_both(|db| {
        let store = db.store();
        let (tip, ..) = a_tip(store);
        let results = OutcomeResult::ALL.iter().cycle();
        let tally =
            |times: i64| Tally::of(results.clone().zip(0..times).map(|(&result, n)| (result, at(n * 1_000_003))));
        let all = tally(1000).unwrap();
        let products: BTreeMap<String, Tally> = (1..40).map(|n| (format!("Model {n}"), tally(n).unwrap())).collect();
        let proof = TipProof { all, products };
        let stored = proof.clone();
        write(store, move |conn| proofs::save(conn, tip, Some(&stored))).unwrap();
        assert_eq!(read(store, |conn| proofs::of_tips(conn, &[tip])).remove(&tip), Some(proof));
        write(store, move |conn| proofs::save(conn, tip, None)).unwrap();
        assert_eq!(read(store, |conn| proofs::of_tips(conn, &[tip])).remove(&tip), None);
    });
}
