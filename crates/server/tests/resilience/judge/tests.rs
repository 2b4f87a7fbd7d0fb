//! The judge's controls: each fault planted in a log or in what was kept is found, and none where there is none.

use super::{Change, Kept, faults};
use crate::log::{Event, Part, Seen, Step};

const TITLE: &str = "One";

fn event(step: Step, part: Part) -> Event {
    Event { client: 1, title: TITLE.to_owned(), step, part }
}

/// A step that was answered, and what it showed: revision and version.
fn shown(step: Step, position: i64, seen: Option<(i32, i32)>) -> [Event; 2] {
    let seen = seen.map(|(revision, version)| Seen { revision, version });
    [event(step, Part::Invoke), event(step, Part::Ok { position, replayed: false, seen })]
}

fn done(step: Step, position: i64) -> [Event; 2] {
    shown(step, position, None)
}

fn refused(step: Step, why: &str) -> [Event; 2] {
    [event(step, Part::Invoke), event(step, Part::Fail(why.to_owned()))]
}

fn unknown(step: Step) -> [Event; 2] {
    [event(step, Part::Invoke), event(step, Part::Unknown("no answer".to_owned()))]
}

const EDIT: Step = Step::Edit { version: 2, revision: 2 };
const APPROVE: Step = Step::Approve { revision: 2 };

/// Submitted, edited under review, approved, found and used, with a look and a step against the rules.
fn log() -> Vec<Event> {
    [
        done(Step::Submit, 2),
        done(EDIT, 3),
        shown(Step::Look, 0, Some((2, 2))),
        refused(Step::Trespass { revision: 1 }, "409"),
        done(APPROVE, 4),
        shown(Step::Find { at: 4 }, 4, Some((2, 2))),
        done(Step::Use, 5),
    ]
    .concat()
}

fn kept() -> Kept {
    let change =
        |(kind, revision, to): (&str, i32, &str)| Change { kind: kind.to_owned(), revision, to: to.to_owned() };
    let changes = [
        ("tip.created", 1, "draft"),
        ("tip.submitted", 1, "submitted"),
        ("tip.edited", 2, "submitted"),
        ("tip.published", 2, "published"),
    ];
    Kept { tips: 1, changes: changes.map(change).to_vec(), texts: [(1, 1), (2, 2)].into(), uses: 1 }
}

fn judged(log: &[Event], kept: Kept) -> Vec<String> {
    faults(log, &[], &[(TITLE.to_owned(), kept)].into(), 5)
}

/// The log with one step's answer in place of another.
fn with(step: Step, part: Part) -> Vec<Event> {
    let mut log = log();
    let place = log.iter().position(|event| event.step == step && event.part != Part::Invoke).unwrap();
    log[place].part = part;
    log
}

fn finds(found: &[String], what: &str) {
    assert!(found.iter().any(|fault| fault.contains(what)), "{what}: {found:?}");
}

#[test]
fn where_nothing_is_wrong_it_finds_nothing() {
    assert_eq!(judged(&log(), kept()), Vec::<String>::new());
    // A write of which nobody knows may be there, or not.
    let open: Vec<Event> =
        log().into_iter().filter(|event| event.step != Step::Use).chain(unknown(Step::Use)).collect();
    assert_eq!(judged(&open, kept()), Vec::<String>::new());
    assert_eq!(judged(&open, Kept { uses: 0, ..kept() }), Vec::<String>::new());
    // What came after a copy was made may be in it, or not.
    let (before, later) = open.split_at(4);
    let early = Kept { changes: kept().changes[..3].to_vec(), uses: 0, ..kept() };
    for copy in [kept(), early] {
        assert_eq!(faults(before, later, &[(TITLE.to_owned(), copy)].into(), 5), Vec::<String>::new());
    }
}

#[test]
fn it_finds_what_is_lost() {
    let all = faults(&log(), &[], &[].into(), 5);
    assert!(all.len() > 5, "all of it is lost: {all:?}");
    for place in 0..kept().changes.len() {
        let mut less = kept();
        let gone = less.changes.remove(place);
        finds(&judged(&log(), less), &format!("0 of {:?}", (gone.kind.as_str(), gone.revision)));
    }
    finds(&judged(&log(), Kept { uses: 0, ..kept() }), "0 of");
}

#[test]
fn it_finds_what_was_done_twice() {
    finds(&judged(&log(), Kept { tips: 2, ..kept() }), "2 tips");
    finds(&judged(&log(), Kept { uses: 2, ..kept() }), "2 of");
    for change in kept().changes {
        let mut more = kept();
        more.changes.push(change);
        finds(&judged(&log(), more), "2 of");
    }
    // Also where nobody knew whether it was done once.
    let open: Vec<Event> =
        log().into_iter().filter(|event| event.step != Step::Use).chain(unknown(Step::Use)).collect();
    finds(&judged(&open, Kept { uses: 2, ..kept() }), "2 of");
}

#[test]
fn it_finds_what_was_done_though_it_was_refused_or_nobody_asked_for_it() {
    let log: Vec<Event> = log().into_iter().filter(|event| event.step != Step::Use).collect();
    finds(&judged(&log, kept()), "1 of");
    finds(&judged(&[log, refused(Step::Use, "409").to_vec()].concat(), kept()), "1 of");
    finds(&faults(&[], &[], &[(TITLE.to_owned(), kept())].into(), 5), "1 of");
}

#[test]
fn it_finds_a_step_that_was_taken_or_refused_against_the_rules() {
    let taken = Part::Ok { position: 4, replayed: false, seen: None };
    finds(&judged(&with(Step::Trespass { revision: 1 }, taken), kept()), "was acknowledged");
    finds(&judged(&with(APPROVE, Part::Fail("403 no".to_owned())), kept()), "was refused");
}

#[test]
fn it_finds_what_was_approved_without_having_been_under_review() {
    let mut swapped = kept();
    swapped.changes.swap(2, 3);
    finds(&judged(&log(), swapped), "published from nothing");
    let mut draft = kept();
    draft.changes[2].to = "draft".to_owned();
    finds(&judged(&log(), draft), "published from draft");
}

#[test]
fn it_finds_places_out_of_order_and_beyond_the_head() {
    let at = |position| Part::Ok { position, replayed: false, seen: None };
    finds(&judged(&with(APPROVE, at(3)), kept()), "position 3 after 3");
    finds(&judged(&with(Step::Use, at(6)), kept()), "position 6 after 4, head 5");
}

#[test]
fn it_finds_readings_that_are_old_missing_too_early_or_of_nothing_that_was_written() {
    let find = |position: i64, seen: Option<(i32, i32)>| {
        let [_, answer] = shown(Step::Find { at: 4 }, position, seen);
        judged(&with(Step::Find { at: 4 }, answer.part), kept())
    };
    finds(&find(4, None), "not found at 4");
    finds(&find(3, Some((2, 2))), "knew of 3");
    finds(&find(4, Some((1, 1))), "after 2");
    finds(&find(4, Some((2, 1))), "is none of");
    finds(&find(4, Some((3, 3))), "unapproved");
    let early = [shown(Step::Find { at: 0 }, 0, Some((1, 1))).to_vec(), log()].concat();
    finds(&judged(&early, kept()), "unapproved");

    let look = |seen: Option<(i32, i32)>| {
        let [_, answer] = shown(Step::Look, 0, seen);
        judged(&with(Step::Look, answer.part), kept())
    };
    finds(&look(None), "after version 2");
    finds(&look(Some((1, 1))), "after version 2");
    finds(&look(Some((2, 3))), "of {1: 1, 2: 2}");
    // Nor may it be older than what was shown before, by whom ever it was written.
    let back = [log(), shown(Step::Find { at: 5 }, 5, Some((1, 1))).to_vec()].concat();
    finds(&judged(&back, kept()), "after 2");
}

#[test]
fn it_finds_a_log_that_is_none() {
    let [invoke, answer] = done(Step::Submit, 2);
    finds(&judged(&[invoke.clone(), invoke.clone()], kept()), "the log of client 1");
    finds(&judged(std::slice::from_ref(&answer), kept()), "the log of client 1");
    finds(&judged(&[invoke, event(Step::Use, answer.part)], kept()), "the log of client 1");
}
