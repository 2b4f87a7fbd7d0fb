//! Reviews: claims, decisions, and the queue that brings each reviewer the right one.

use std::sync::Barrier;

use eureka_domain::Instant;
use eureka_domain::community::Openness;
use eureka_domain::ids::{CommunityId, DecisionId, ReviewId, UserId};
use eureka_domain::review::{Claim, Decision, Due, Outcome, Reason, Review, Verdict};
use eureka_domain::tip::{Revision, Safety};
use eureka_store::reviews::{Promise, QueueFilter, QueueSort, QueueState};
use eureka_store::{Store, log, reviews, revisions, tips};
use eureka_testkit::on_both;

use crate::support::{approval, at, change, community, draft, due, id, number, person, read, under_review, write};

/// What is open in these communities, oldest first, as of a moment.
fn all_of(communities: &[CommunityId], now: Instant) -> QueueFilter {
    QueueFilter {
        communities: communities.to_vec(),
        state: QueueState::Open,
        product: None,
        lang: None,
        safety: None,
        claimed_by: None,
        overdue: false,
        opened_before: None,
        sort: QueueSort::Oldest,
        now,
    }
}

fn listed(store: &Store, filter: &QueueFilter) -> Vec<ReviewId> {
    let found = read(store, |conn| reviews::queue(conn, filter, None, 1000));
    let count = read(store, |conn| reviews::count(conn, filter));
    assert_eq!(usize::try_from(count).unwrap(), found.len());
    found.into_iter().map(|review| review.id).collect()
}

fn save(store: &Store, review: &Review) {
    let review = review.clone();
    write(store, move |conn| reviews::save(conn, &review)).unwrap();
}

/// A submitted tip with this text changed, and its review, stored.
fn submitted(
    store: &Store,
    community: CommunityId,
    author: UserId,
    number: i64,
    change: impl FnOnce(&mut Revision),
) -> Review {
    let (tip, mut revision) = draft(community, author, number);
    revision.submitted_at = Some(at(number));
    revision.state = eureka_domain::tip::State::Submitted;
    change(&mut revision);
    let review = Review::opened(ReviewId(id()), community, &revision, due(), at(number));
    let stored = review.clone();
    write(store, move |conn| {
        tips::insert(conn, &tip)?;
        revisions::insert(conn, &tip, &revision)?;
        reviews::insert(conn, &stored)
    })
    .unwrap();
    review
}

#[test]
fn a_review_comes_back_as_it_was_written() {
    on_both(|db| {
        let store = db.store();
        let [author, peer, other] = ["ana", "pat", "olga"].map(|name| person(store, name));
        let printers = community(store, "printers", Openness::Open);
        let (tip, _, mut review) = under_review(store, printers, author, 1001);
        assert_eq!(read(store, |conn| reviews::find(conn, review.id)), Some(review.clone()));
        assert_eq!(read(store, |conn| reviews::find(conn, ReviewId(id()))), None);

        review.claim = Some(Claim { by: peer, since: at(5), until: at(1_800_000_000) });
        save(store, &review);
        assert_eq!(read(store, |conn| reviews::find(conn, review.id)), Some(review.clone()));

        let sent_back = Decision {
            id: DecisionId(id()),
            verdict: Verdict::RequestChanges,
            reason: Some(Reason::Unclear),
            comment: Some("Which „fuse“?\n– the upper one".to_owned()),
            ..approval(other, 6)
        };
        // Given in the other order: decisions come back oldest first.
        for decision in [sent_back.clone(), approval(peer, 5)] {
            let review = review.clone();
            write(store, move |conn| reviews::add_decision(conn, &review, &decision)).unwrap();
        }
        review.close(Outcome::ChangesRequested, at(6));
        save(store, &review);
        let found = read(store, |conn| reviews::find(conn, review.id)).unwrap();
        assert_eq!((found.claim, found.closed), (None, Some((Outcome::ChangesRequested, at(6)))));
        assert_eq!(found.decisions[1], sent_back);
        assert_eq!(found.decisions.iter().map(|d| d.reviewer).collect::<Vec<_>>(), [peer, other]);
        assert_eq!(found.tip, tip.id);
    });
}

#[test]
fn a_walk_through_the_queue_shows_each_review_once_in_either_order() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let mut made: Vec<Review> = (0..30)
            .map(|n| {
                let (_, _, review) = under_review(store, printers, author, 1001 + n);
                let review = Review { opened_at: at(n % 3), ..review };
                save(store, &review); // many of one moment
                review
            })
            .collect();
        made.sort_by_key(|review| (review.opened_at, review.id));
        let oldest: Vec<ReviewId> = made.iter().map(|review| review.id).collect();
        let newest: Vec<ReviewId> = oldest.iter().rev().copied().collect();
        for (sort, expected) in [(QueueSort::Oldest, oldest), (QueueSort::Newest, newest)] {
            let filter = QueueFilter { sort, ..all_of(&[printers], at(0)) };
            for page in [1, 7, 100] {
                let (mut after, mut seen) = (None, Vec::new());
                while let reviews = read(store, |conn| reviews::queue(conn, &filter, after, page))
                    && let Some(last) = reviews.last()
                {
                    after = Some((last.opened_at, last.id));
                    seen.extend(reviews.iter().map(|review| review.id));
                }
                assert_eq!(seen, expected, "{sort:?}, {page} at a time");
            }
        }
    });
}

#[test]
fn the_queue_tells_open_claimed_unclaimed_and_closed_apart_as_of_now() {
    on_both(|db| {
        let store = db.store();
        let [author, peer, other] = ["ana", "pat", "olga"].map(|name| person(store, name));
        let printers = community(store, "printers", Openness::Open);
        let [free, held, lapsed, done] = [1, 2, 3, 4].map(|n| under_review(store, printers, author, 1000 + n).2);
        let now = at(100_000);
        let until = |until| Some(Claim { by: peer, since: at(0), until });
        save(store, &Review { claim: until(at(100_001)), ..held.clone() });
        save(store, &Review { claim: until(now), ..lapsed.clone() }); // to the microsecond
        save(store, &Review { closed: Some((Outcome::Rejected, at(9))), ..done.clone() });

        let by = |state| listed(store, &QueueFilter { state, ..all_of(&[printers], now) });
        assert_eq!(by(QueueState::Open), [free.id, held.id, lapsed.id]);
        assert_eq!(by(QueueState::Claimed), [held.id]);
        assert_eq!(by(QueueState::Unclaimed), [free.id, lapsed.id]);
        assert_eq!(by(QueueState::Closed), [done.id]);

        let held_by = |holder| listed(store, &QueueFilter { claimed_by: Some(holder), ..all_of(&[printers], now) });
        assert_eq!(held_by(peer), [held.id]);
        assert_eq!(held_by(other), []);
    });
}

#[test]
fn the_queue_is_filtered_by_community_product_language_and_safety() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let [printers, copiers] = ["printers", "copiers"].map(|slug| community(store, slug, Openness::Open));
        let plain = submitted(store, printers, author, 1001, |_| ());
        let german = submitted(store, printers, author, 1002, |r| r.text.lang = Some("de".to_owned()));
        let unknown = submitted(store, printers, author, 1003, |r| r.text.lang = None);
        let danger = submitted(store, printers, author, 1004, |r| {
            r.text.safety = Safety::Danger;
            r.text.products = vec!["DocuColor 40 CP".to_owned(), "Docucolor 40".to_owned()];
        });
        let elsewhere = submitted(store, copiers, author, 1005, |_| ());

        let here = all_of(&[printers], at(9));
        assert_eq!(listed(store, &here), [plain.id, german.id, unknown.id, danger.id]);
        assert_eq!(listed(store, &all_of(&[copiers, printers], at(9))).len(), 5);
        assert_eq!(listed(store, &all_of(&[copiers], at(9))), [elsewhere.id]);
        assert_eq!(listed(store, &all_of(&[], at(9))), []);
        let product = |name: &str| listed(store, &QueueFilter { product: Some(name.to_owned()), ..here.clone() });
        assert_eq!(product("DocuColor 40"), [plain.id, german.id, unknown.id], "byte for byte");
        assert_eq!(product("DocuColor 40 CP"), [danger.id]);
        assert_eq!(product("DocuColor"), []);
        assert_eq!(listed(store, &QueueFilter { lang: Some("de".to_owned()), ..here.clone() }), [german.id]);
        assert_eq!(listed(store, &QueueFilter { safety: Some(Safety::Danger), ..here.clone() }), [danger.id]);
        assert_eq!(listed(store, &QueueFilter { safety: Some(Safety::Caution), ..here.clone() }), []);
        let opened_before = Some(danger.opened_at);
        assert!(listed(store, &QueueFilter { opened_before, ..here.clone() }).contains(&danger.id));
        let opened_before = Some(danger.opened_at - chrono::Duration::microseconds(1));
        assert!(!listed(store, &QueueFilter { opened_before, ..here }).contains(&danger.id));
    });
}

#[test]
fn the_next_review_is_the_oldest_free_one_that_the_reviewer_may_decide() {
    on_both(|db| {
        let store = db.store();
        let [author, peer, other] = ["ana", "pat", "olga"].map(|name| person(store, name));
        let [printers, copiers] = ["printers", "copiers"].map(|slug| community(store, slug, Openness::Open));
        let own = submitted(store, printers, author, 1001, |revision| revision.editor = peer);
        let mut decided = submitted(store, printers, author, 1002, |_| ());
        let held = submitted(store, printers, author, 1003, |_| ());
        let done = submitted(store, printers, author, 1004, |_| ());
        let elsewhere = submitted(store, copiers, author, 1005, |_| ());
        let first = submitted(store, printers, author, 1006, |_| ());
        let second = submitted(store, printers, author, 1007, |_| ());
        let now = at(100_000);
        save(store, &Review { claim: Some(Claim { by: other, since: at(0), until: at(100_001) }), ..held.clone() });
        save(store, &Review { closed: Some((Outcome::Withdrawn, at(9))), ..done });
        let (review, decision) = (decided.clone(), approval(peer, 9));
        decided.decisions.push(decision.clone());
        write(store, move |conn| reviews::add_decision(conn, &review, &decision)).unwrap();

        let next = |user, now| {
            let waiting = read(store, |conn| reviews::waiting_for(conn, &[printers], user, now, 1));
            waiting.into_iter().next().map(|waiting| waiting.review)
        };
        assert_eq!(next(peer, now), Some(first.clone()));
        assert_eq!(next(other, now), Some(own));
        assert_eq!(next(author, now), None, "all of them are theirs");
        assert_eq!(next(peer, at(100_001)).map(|review| review.id), Some(held.id), "the claim has run out");
        save(store, &Review { closed: Some((Outcome::Rejected, at(9))), ..first });
        assert_eq!(next(peer, now), Some(second));
        let there = read(store, |conn| reviews::waiting_for(conn, &[copiers], peer, now, 9));
        assert_eq!(there.iter().map(|waiting| &waiting.review).collect::<Vec<_>>(), [&elsewhere]);
        assert_eq!(read(store, |conn| reviews::waiting_for(conn, &[], peer, now, 9)), []);
    });
}

/// A hundred reviewers in two processes decide one review at the same moment, half of them against the other half. The
/// rule is the service's; that it looks at what the one before has done is the store's.
#[test]
fn of_a_hundred_opposite_decisions_at_once_one_ends_the_review() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let review = under_review(store, printers, author, 1001).2.id;
        let peers: Vec<UserId> = (0..100).map(|n| person(store, &format!("peer{n}"))).collect();
        let other = db.open_again();
        let start = Barrier::new(peers.len());
        let ended: Vec<bool> = std::thread::scope(|scope| {
            let deciding: Vec<_> = peers
                .iter()
                .enumerate()
                .map(|(n, &peer)| {
                    let (store, start) = (if n % 2 == 0 { store } else { &other }, &start);
                    let (verdict, outcome) = if n % 4 < 2 {
                        (Verdict::Approve, Outcome::Approved)
                    } else {
                        (Verdict::Reject, Outcome::Rejected)
                    };
                    scope.spawn(move || {
                        let decision = Decision { verdict, ..approval(peer, 1) };
                        start.wait();
                        let decided = write(store, move |conn| {
                            let mut found = reviews::find(conn, review)?.unwrap();
                            if found.closed.is_some() {
                                return Ok(false);
                            }
                            reviews::add_decision(conn, &found, &decision)?;
                            found.close(outcome, at(1));
                            reviews::save(conn, &found)?;
                            log::append(conn, &change(None))?;
                            Ok(true)
                        });
                        decided.unwrap().value
                    })
                })
                .collect();
            deciding.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(ended.iter().filter(|&&ended| ended).count(), 1);
        let found = read(store, |conn| reviews::find(conn, review)).unwrap();
        let [decision] = &found.decisions[..] else { panic!("{found:?}") };
        let expected = if decision.verdict == Verdict::Approve { Outcome::Approved } else { Outcome::Rejected };
        assert_eq!(found.closed, Some((expected, at(1))));
        assert_eq!(number(store, "SELECT count(*) AS n FROM change_log"), 1);
    });
}

#[test]
fn a_broken_promise_is_overdue_and_told_of_once() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let promised = |number, respond, decide, responded_at| {
            let review = submitted(store, printers, author, number, |_| ());
            let due = Due { respond_by: at(respond), decide_by: at(decide) };
            let review = Review { due, responded_at, ..review };
            save(store, &review);
            review.id
        };
        let in_time = promised(1001, 200_000, 300_000, None);
        let unanswered = promised(1002, 50_000, 300_000, None);
        let answered = promised(1003, 50_000, 300_000, Some(at(40_000)));
        let undecided = promised(1004, 50_000, 60_000, Some(at(40_000)));
        let now = at(100_000);
        let filter = QueueFilter { overdue: true, ..all_of(&[printers], now) };
        assert_eq!(listed(store, &filter), [unanswered, undecided]);
        for id in [in_time, answered] {
            assert!(!read(store, |conn| reviews::find(conn, id)).unwrap().is_overdue(now));
        }
        for (promise, broken) in [(Promise::Response, unanswered), (Promise::Decision, undecided)] {
            let late = || {
                let late = read(store, |conn| reviews::late(conn, promise, now, 9));
                late.into_iter().map(|review| review.id).collect::<Vec<_>>()
            };
            assert_eq!(late(), [broken]);
            write(store, move |conn| reviews::told_late(conn, broken, promise, now)).unwrap();
            assert_eq!(late(), []);
        }
        let kept = read(store, |conn| reviews::find(conn, unanswered)).unwrap();
        save(store, &kept);
        assert_eq!(read(store, |conn| reviews::late(conn, Promise::Response, now, 9)), [], "saving forgets nothing");
    });
}

#[test]
fn what_somebody_has_worked_on_holds_and_was_told_is_found() {
    on_both(|db| {
        let store = db.store();
        let [author, peer] = ["ana", "pat"].map(|name| person(store, name));
        let printers = community(store, "printers", Openness::Open);
        let review = submitted(store, printers, author, 1001, |revision| {
            revision.text.products = vec!["DocuColor 40".to_owned()];
            revision.text.lang = Some("de".to_owned());
        });
        let decision = Decision {
            verdict: Verdict::RequestChanges,
            reason: Some(Reason::Unclear),
            comment: Some("Which fuse?".to_owned()),
            ..approval(peer, 9)
        };
        let (of, given) = (review.clone(), decision.clone());
        write(store, move |conn| reviews::add_decision(conn, &of, &given)).unwrap();
        let worked_on = |user| read(store, |conn| reviews::worked_on(conn, user, 9));
        let expected = [(vec!["DocuColor 40".to_owned()], Some("de".to_owned()))];
        assert_eq!((worked_on(author), worked_on(peer)), (expected.to_vec(), expected.to_vec()));
        let active = read(store, |conn| reviews::active_reviewers(conn, &[printers], at(8)));
        assert_eq!(active, [(peer, vec!["DocuColor 40".to_owned()])]);
        assert_eq!(read(store, |conn| reviews::active_reviewers(conn, &[printers], at(9))), []);
        let told = read(store, |conn| reviews::reasons_given(conn, printers, author, 9));
        assert_eq!(told, [(review.tip, decision)]);
        let held = |now| read(store, |conn| reviews::held_by(conn, peer, now));
        save(store, &Review { claim: Some(Claim { by: peer, since: at(1), until: at(50) }), ..review.clone() });
        assert_eq!((held(at(49)), held(at(50))), (1, 0));
        let recent = |since| read(store, |conn| reviews::recent(conn, &[printers], since, 9)).len();
        assert_eq!(recent(at(1000)), 1, "it is open");
        save(store, &Review { closed: Some((Outcome::ChangesRequested, at(60))), ..review });
        assert_eq!((recent(at(59)), recent(at(60))), (1, 0));
    });
}
