//! What could not have come about, told from elsewhere: each refusal once. That what did come about is not refused is held
//! against random histories, in `workflow.rs`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stops has failed")]

use chrono::DateTime;
use eureka_domain::community::Role;
use eureka_domain::ids::{CommunityId, DecisionId, ReviewId, TipId, UserId};
use eureka_domain::review::{Amendment, Claim, Decision, Due, Outcome, Reason, Review, Verdict};
use eureka_domain::tip::{Revision, Safety, State, TipText};
use eureka_domain::{Instant, RuleError, past};
use uuid::Uuid;

const AUTHOR: UserId = UserId(Uuid::from_u128(100));
const REVIEWER: UserId = UserId(Uuid::from_u128(1));
const OTHER: UserId = UserId(Uuid::from_u128(2));
const TIP: TipId = TipId(Uuid::from_u128(7));

fn at(seconds: i64) -> Instant {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn text(number: i32, state: State) -> Revision {
    let is_decided = !matches!(state, State::Draft | State::Submitted | State::InReview);
    Revision {
        tip: TIP,
        number,
        round: 1,
        state,
        text: TipText {
            title: format!("Text {number}"),
            problem: "It stops.".to_owned(),
            cause: None,
            solution: None,
            products: vec![],
            fault_codes: vec![],
            parts: vec![],
            tags: vec![],
            safety: Safety::None,
            hazard: None,
            attachments: Vec::new(),
            lang: None,
        },
        editor: AUTHOR,
        credited: [AUTHOR].into(),
        created_at: at(0),
        updated_at: at(0),
        submitted_at: (state != State::Draft).then(|| at(1)),
        decided_at: is_decided.then(|| at(2)),
    }
}

fn decision(reviewer: UserId, verdict: Verdict, revision: i32) -> Decision {
    Decision {
        id: DecisionId(Uuid::from_u128(1)),
        revision,
        reviewer,
        role: Role::Reviewer,
        verdict,
        reason: (verdict != Verdict::Approve).then_some(Reason::Unclear),
        comment: Some("Which fuse?".to_owned()),
        into: None,
        edited_into: None,
        at: at(2),
    }
}

fn review(revision: i32, decisions: Vec<Decision>, outcome: Option<Outcome>) -> Review {
    Review {
        id: ReviewId(Uuid::from_u128(1000)),
        tip: TIP,
        revision,
        community: CommunityId(Uuid::from_u128(3)),
        round: 1,
        offered_to: None,
        claim: None,
        decisions,
        amendment: None,
        closed: outcome.map(|outcome| (outcome, at(2))),
        opened_at: at(1),
        due: Due { respond_by: at(1000), decide_by: at(2000) },
        responded_at: None,
    }
}

/// A text under review that was approved with edits, and the review of what that made.
fn edited() -> (Vec<Revision>, Vec<Review>) {
    let mut next = text(2, State::InReview);
    (next.editor, next.credited) = (REVIEWER, [AUTHOR, REVIEWER].into());
    let approval = Decision { edited_into: Some(2), ..decision(REVIEWER, Verdict::Approve, 1) };
    let amendment = Some(Amendment { by: REVIEWER, role: Role::Reviewer, agreed_at: None });
    let reviews =
        vec![review(1, vec![approval], Some(Outcome::Superseded)), Review { amendment, ..review(2, vec![], None) }];
    (vec![text(1, State::Superseded), next], reviews)
}

/// Published after a text that was replaced under review, with a draft behind it.
fn published() -> (Vec<Revision>, Vec<Review>) {
    let texts = vec![text(1, State::Superseded), text(2, State::Published), text(3, State::Draft)];
    let reviews = vec![
        review(1, vec![], Some(Outcome::Superseded)),
        review(2, vec![decision(REVIEWER, Verdict::Approve, 2)], Some(Outcome::Approved)),
    ];
    (texts, reviews)
}

fn one(state: State, decisions: Vec<Decision>, outcome: Option<Outcome>) -> (Vec<Revision>, Vec<Review>) {
    (vec![text(1, state)], vec![review(1, decisions, outcome)])
}

fn held(by: UserId) -> (Vec<Revision>, Vec<Review>) {
    let (texts, mut reviews) = one(State::InReview, vec![], None);
    reviews[0].claim = Some(Claim { by, since: at(1), until: at(2000) });
    (texts, reviews)
}

fn rejected() -> (Vec<Revision>, Vec<Review>) {
    one(State::Rejected, vec![decision(REVIEWER, Verdict::Reject, 1)], Some(Outcome::Rejected))
}

#[test]
fn what_the_workflow_leaves_is_a_past() {
    let approve = |revision| decision(REVIEWER, Verdict::Approve, revision);
    let send_back = vec![decision(REVIEWER, Verdict::RequestChanges, 1)];
    for (name, (texts, reviews)) in [
        ("a draft", (vec![text(1, State::Draft)], vec![])),
        ("a draft thrown away", (vec![Revision { submitted_at: None, ..text(1, State::Withdrawn) }], vec![])),
        ("taken back", one(State::Withdrawn, vec![approve(1)], Some(Outcome::Withdrawn))),
        ("waiting", one(State::Submitted, vec![], None)),
        ("held", held(REVIEWER)),
        ("half approved", one(State::InReview, vec![approve(1)], None)),
        ("sent back", one(State::ChangesRequested, send_back, Some(Outcome::ChangesRequested))),
        ("turned down", rejected()),
        ("published", published()),
        ("edited", edited()),
        ("from elsewhere, with holes", (vec![text(2, State::Superseded), text(5, State::Published)], vec![])),
    ] {
        assert_eq!(past::checked(AUTHOR, &texts, &reviews), Ok(()), "{name}");
    }
}

type Damage = (&'static str, (Vec<Revision>, Vec<Review>), fn(&mut Vec<Revision>, &mut Vec<Review>));

#[test]
#[allow(clippy::too_many_lines, reason = "one line for each refusal")]
fn what_no_action_leads_to_is_refused() {
    let damages: Vec<Damage> = vec![
        ("it has no text", published(), |texts, _| texts.clear()),
        ("texts are not in order", published(), |texts, _| texts.swap(0, 1)),
        ("texts are not in order", published(), |texts, _| texts[0].number = 0),
        ("texts are not in order", published(), |texts, _| texts[1].round = 0),
        ("reviews are not in order", published(), |_, reviews| reviews.swap(0, 1)),
        ("reviews are not in order", published(), |_, reviews| reviews.push(reviews[1].clone())),
        ("not what its state says", published(), |texts, _| texts[1].state = State::Rejected),
        ("not what its state says", published(), |_, reviews| reviews.push(review(3, vec![], None))),
        ("not what its state says", held(REVIEWER), |_, reviews| reviews.clear()),
        ("not what its state says", rejected(), |_, reviews| reviews[0].closed = None),
        ("when it was submitted", rejected(), |texts, _| texts[0].submitted_at = None),
        ("when it was submitted", rejected(), |texts, _| texts[0].decided_at = None),
        ("when it was submitted", published(), |texts, _| texts[2].submitted_at = Some(at(3))),
        ("no text can come after it", published(), |texts, _| texts.push(text(4, State::Draft))),
        ("no text can come after it", published(), |texts, _| texts.truncate(1)),
        ("the last is published", published(), |texts, reviews| {
            texts[2] = text(3, State::Published);
            reviews.push(review(3, vec![decision(REVIEWER, Verdict::Approve, 3)], Some(Outcome::Approved)));
        }),
        ("the last is published", published(), |texts, reviews| {
            texts[1].state = State::Superseded;
            reviews[1].decisions.clear();
            reviews[1].closed = Some((Outcome::Approved, at(2)));
        }),
        ("there is no such text", published(), |_, reviews| reviews.push(review(9, vec![], None))),
        ("of another round", published(), |_, reviews| reviews[1].round = 2),
        ("nothing to decide in it", held(AUTHOR), |_, _| ()),
        ("nothing to decide in it", held(REVIEWER), |_, reviews| {
            reviews[0].decisions.push(decision(REVIEWER, Verdict::Approve, 1));
        }),
        ("nothing to decide in it", held(REVIEWER), |texts, _| texts[0].state = State::Submitted),
        ("is in review", one(State::Submitted, vec![decision(REVIEWER, Verdict::Approve, 1)], None), |_, _| ()),
        ("whose words it is about", held(REVIEWER), |_, reviews| reviews[0].offered_to = Some(AUTHOR)),
        ("decides twice", published(), |_, reviews| {
            reviews[1].decisions.push(decision(REVIEWER, Verdict::Approve, 2));
        }),
        ("about another text", published(), |_, reviews| reviews[1].decisions[0].revision = 1),
        ("a text of their own", published(), |_, reviews| reviews[1].decisions[0].reviewer = AUTHOR),
        ("a text of their own", published(), |texts, _| texts[1].editor = REVIEWER),
        ("a text of their own", published(), |texts, _| texts[1].credited.extend([REVIEWER])),
        ("is no reviewer", published(), |_, reviews| reviews[1].decisions[0].role = Role::Contributor),
        ("owes the author a reason", rejected(), |_, reviews| reviews[0].decisions[0].reason = None),
        ("owes the author a reason", rejected(), |_, reviews| reviews[0].decisions[0].comment = Some(" ".to_owned())),
        ("belongs into another tip", published(), |_, reviews| reviews[1].decisions[0].into = Some(TIP)),
        ("belongs into another tip", published(), |texts, reviews| {
            texts[2] = text(3, State::Rejected);
            let against = Decision { into: Some(TIP), ..decision(REVIEWER, Verdict::Reject, 3) };
            reviews.push(review(3, vec![against], Some(Outcome::Rejected)));
        }),
        ("makes the next text", edited(), |_, reviews| reviews[0].decisions[0].edited_into = Some(3)),
        ("makes the next text", edited(), |_, reviews| reviews[1].amendment = None),
        ("makes the next text", edited(), |_, reviews| reviews[0].decisions[0].role = Role::Steward),
        ("makes the next text", published(), |_, reviews| reviews[1].decisions[0].edited_into = Some(3)),
        ("nobody approved it so edited", edited(), |_, reviews| reviews[0].decisions.clear()),
        ("nobody approved it so edited", edited(), |texts, _| texts[1].editor = AUTHOR),
        ("nothing to decide in it", rejected(), |_, reviews| {
            reviews[0].claim = Some(Claim { by: OTHER, since: at(1), until: at(2) });
        }),
        ("as its decisions say", published(), |_, reviews| reviews[1].decisions.clear()),
        ("as its decisions say", published(), |_, reviews| {
            reviews[1].decisions.push(decision(OTHER, Verdict::Reject, 2));
        }),
        ("as its decisions say", rejected(), |_, reviews| reviews[0].decisions.clear()),
        ("as its decisions say", rejected(), |_, reviews| {
            reviews[0].decisions[0].verdict = Verdict::RequestChanges;
        }),
        ("as its decisions say", rejected(), |_, reviews| {
            reviews[0].decisions.push(decision(OTHER, Verdict::Reject, 1));
        }),
        ("no other review took over", published(), |texts, reviews| {
            (texts[1].number, texts[2].number) = (9, 10);
            (reviews[1].revision, reviews[1].decisions[0].revision) = (9, 9);
        }),
    ];
    let mut wrong = Vec::new();
    for (why, (mut texts, mut reviews), damage) in damages {
        damage(&mut texts, &mut reviews);
        match past::checked(AUTHOR, &texts, &reviews) {
            Err(RuleError::Invalid(told)) if told[0].detail.contains(why) => {}
            other => wrong.push((why, other)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
