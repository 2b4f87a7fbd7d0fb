//! Every (state, action, role), written out; and random histories, which only ever reach legal states.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::single_match_else,
    reason = "a test that stops has failed"
)]

use std::collections::BTreeMap;

use chrono::{DateTime, Duration};
use eureka_domain::access::{self, Caller, Standing};
use eureka_domain::community::{Openness, Role};
use eureka_domain::ids::{CommunityId, DecisionId, ReviewId, TipId, TipNumber, UserId};
use eureka_domain::review::{Amendment, Decision, Due, Outcome, Quorum, Reason, Review, Verdict};
use eureka_domain::tip::{Confidence, Replaced, Replacement, Revision, Safety, State, Tip, TipText};
use eureka_domain::user::SiteRole;
use eureka_domain::workflow::{self, Action, Decided, Edited};
use eureka_domain::{Instant, RuleError, past};
use proptest::prelude::*;
use uuid::Uuid;

const COMMUNITY: CommunityId = CommunityId(Uuid::from_u128(1));
const AUTHOR: UserId = UserId(Uuid::from_u128(100));

fn at(seconds: i64) -> Instant {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn text(title: &str) -> TipText {
    TipText {
        title: title.to_owned(),
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
    }
}

/// A tip whose newest revision is in `state`; published ones are live.
fn tip_in(state: State) -> (Tip, Revision) {
    let live = (state == State::Published).then_some(1);
    let tip = Tip {
        id: TipId(Uuid::from_u128(2)),
        number: TipNumber::FIRST,
        community: COMMUNITY,
        author: AUTHOR,
        confidence: if live.is_some() { Confidence::Validated } else { Confidence::WorkInProgress },
        hold: None,
        replaced: None,
        live,
        latest: 1,
        review: None,
        external_id: None,
        created_at: at(0),
        updated_at: at(0),
        published_at: live.map(|_| at(0)),
    };
    let revision = Revision {
        tip: tip.id,
        number: 1,
        round: 1,
        state,
        text: text("It stops"),
        editor: AUTHOR,
        credited: [AUTHOR].into(),
        created_at: at(0),
        updated_at: at(0),
        submitted_at: (state != State::Draft).then(|| at(0)),
        decided_at: None,
    };
    (tip, revision)
}

fn caller(user: u128, role: Option<Role>, site_role: SiteRole) -> Caller {
    let standing = |role| (COMMUNITY, Standing { role, openness: Openness::Open });
    Caller {
        user: UserId(Uuid::from_u128(user)),
        site_role,
        standings: role.map(standing).into_iter().collect::<BTreeMap<_, _>>(),
        session: None,
        key: None,
    }
}

/// Where each action leads from each state; a dash where it is impossible.
const TABLE: &str = "
                  | edit      submit    withdraw  claim     release   approve   request_changes   reject   hold              unhold archive           restore        merge     supersede separate accept_edits decline_edits
draft             | draft     submitted withdrawn -         -         -         -                 -        -                 -      -                 -    -         -         - -            -
submitted         | submitted -         withdrawn in_review -         published changes_requested rejected -                 -      -                 -    -         -         - -            -
in_review         | in_review -         withdrawn in_review submitted published changes_requested rejected -                 -      -                 -    -         -         - -            -
changes_requested | draft     -         -         -         -         -         -                 -        -                 -      -                 -    -         -         - -            -
published         | draft     -         -         -         -         -         -                 -        published         -      published         -    published published - -            -
rejected          | draft     -         -         -         -         -         -                 -        -                 -      -                 -    -         -         - -            -
withdrawn         | draft     -         -         -         -         -         -                 -        -                 -      -                 -    -         -         - -            -
superseded        | -         -         -         -         -         -         -                 -        -                 -      -                 -    -         -         - -            -
";

#[test]
fn every_action_leads_from_every_state_to_where_the_table_says() {
    let mut rows = TABLE.trim().lines();
    let actions: Vec<Action> =
        rows.next().unwrap().split_whitespace().skip(1).map(|word| Action::from_word(word).unwrap()).collect();
    assert_eq!(actions, Action::ALL);
    let mut cells = 0;
    for row in rows {
        let (state, targets) = row.split_once('|').unwrap();
        let state = State::from_word(state.trim()).unwrap();
        let (tip, revision) = tip_in(state);
        for (action, target) in actions.iter().zip(targets.split_whitespace()) {
            let allowed = workflow::require(&tip, &revision, *action);
            match State::from_word(target) {
                Some(target) => {
                    assert_eq!(allowed, Ok(()), "{state} {action}");
                    assert_eq!(workflow::after(state, *action), Some(target), "{state} {action}");
                }
                None => {
                    let Err(RuleError::WrongState { state: told, possible, .. }) = allowed else {
                        panic!("{state} {action} should be impossible");
                    };
                    assert_eq!(told, state);
                    assert!(!possible.contains(action));
                    assert_eq!(possible, workflow::possible(&tip, &revision));
                }
            }
            cells += 1;
        }
    }
    assert_eq!(cells, State::ALL.len() * Action::ALL.len());
}

#[test]
fn a_hold_and_an_archive_are_undone_by_their_opposites_only() {
    let (mut tip, revision) = tip_in(State::Published);
    workflow::hold(&mut tip, &revision, "blows fuses".into(), at(1)).unwrap();
    assert!(workflow::hold(&mut tip, &revision, "again".into(), at(2)).is_err());
    workflow::unhold(&mut tip, &revision, at(3)).unwrap();
    assert!(workflow::unhold(&mut tip, &revision, at(3)).is_err());
    workflow::archive(&mut tip, &revision, at(4)).unwrap();
    assert!(workflow::archive(&mut tip, &revision, at(4)).is_err());
    workflow::restore(&mut tip, &revision, at(5)).unwrap();
    assert_eq!(tip.confidence, Confidence::NotValidated, "what was archived has to be proven again");
}

/// What each role may do to a submitted tip of another's, and to one's own: `y`, `n` (not permitted), `own` (own tip).
const ROLES: &str = "
                     | edit submit withdraw claim release approve request_changes reject hold unhold archive restore   merge supersede separate accept_edits decline_edits
outsider             | n    n      n        n     n       n       n               n      n    n      n       n       n     n         n n            n
reader               | n    n      n        n     n       n       n               n      n    n      n       n       n     n         n n            n
contributor          | n    n      n        n     n       n       n               n      n    n      n       n       n     n         n n            n
reviewer             | n    n      n        y     y       y       y               y      y    n      n       n       n     n         n n            n
steward              | y    n      n        y     y       y       y               y      y    y      y       y       y     y         y n            n
admin                | n    n      n        n     n       n       n               n      n    n      n       n       n     n         n n            n
admin+reviewer       | n    n      n        y     y       y       y               y      y    n      n       n       n     n         n n            n
author,outsider      | n    n      y        n     n       n       n               n      n    n      n       n       n     n         n n            n
author,contributor   | y    y      y        n     n       n       n               n      n    n      n       n       n     n         n y            y
author,reviewer      | y    y      y        own   y       own     own             own    y    n      n       n       n     n         n y            y
author,steward       | y    y      y        own   y       own     own             own    y    y      y       y       y     y         y y            y
author,admin+steward | y    y      y        own   y       own     own             own    y    y      y       y       y     y         y y            y
";

#[test]
fn every_role_may_do_what_the_table_says_and_nobody_decides_their_own_tip() {
    let mut rows = ROLES.trim().lines();
    let actions: Vec<Action> =
        rows.next().unwrap().split_whitespace().skip(1).map(|word| Action::from_word(word).unwrap()).collect();
    assert_eq!(actions, Action::ALL);
    for row in rows {
        let (who, answers) = row.split_once('|').unwrap();
        let who = who.trim();
        let user = if who.starts_with("author") { 100 } else { 7 };
        let site_role = if who.contains("admin") { SiteRole::Admin } else { SiteRole::Member };
        let word = who.rsplit([',', '+']).next().unwrap();
        let caller = caller(user, Role::from_word(word), site_role);
        for (action, answer) in actions.iter().zip(answers.split_whitespace()) {
            // Permission does not depend on the state, but for others' drafts.
            for &state in State::ALL {
                let (tip, revision) = tip_in(state);
                let told = match access::may(&caller, *action, &tip, &revision) {
                    Ok(()) => "y",
                    Err(RuleError::OwnTip) => "own",
                    Err(RuleError::NotPermitted(_)) => "n",
                    Err(other) => panic!("{other}"),
                };
                let others_draft = state == State::Draft && *action == Action::Edit && who == "steward";
                let expected = if others_draft { "n" } else { answer };
                assert_eq!(told, expected, "{who} {action} {state}");
            }
        }
    }
}

/// The tip that takes the place of the one that the history is of.
const OTHER: TipId = TipId(Uuid::from_u128(77));

/// One step of a random history.
#[derive(Debug, Clone)]
enum Step {
    Edit,
    Submit,
    Withdraw,
    Claim(u128),
    Release,
    Decide(u128, Verdict, i32),
    Merge(u128),
    ApproveWithEdits(u128),
    Answer(bool),
    Hold,
    Unhold,
    Archive,
    Restore,
    Replace(Replaced),
    Separate,
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let reviewer = 1..4u128;
    let verdict = prop_oneof![
        3 => Just(Verdict::Approve),
        1 => Just(Verdict::RequestChanges),
        1 => Just(Verdict::Reject),
    ];
    prop_oneof![
        3 => Just(Step::Edit),
        3 => Just(Step::Submit),
        1 => Just(Step::Withdraw),
        3 => reviewer.clone().prop_map(Step::Claim),
        1 => Just(Step::Release),
        6 => (reviewer.clone(), verdict, 0..3i32).prop_map(|(who, verdict, off)| Step::Decide(who, verdict, off)),
        1 => reviewer.clone().prop_map(Step::Merge),
        3 => reviewer.prop_map(Step::ApproveWithEdits),
        3 => any::<bool>().prop_map(Step::Answer),
        1 => Just(Step::Hold),
        1 => Just(Step::Unhold),
        1 => Just(Step::Archive),
        1 => Just(Step::Restore),
        1 => prop::sample::select(Replaced::ALL).prop_map(Step::Replace),
        2 => Just(Step::Separate),
        1 => (1..4000i64).prop_map(Step::Wait),
    ]
}

/// Every other reviewer is a steward.
fn role_of(who: u128) -> Role {
    if who.is_multiple_of(2) { Role::Steward } else { Role::Reviewer }
}

fn decision(who: u128, verdict: Verdict, revision: i32, at: Instant) -> Decision {
    Decision {
        id: DecisionId(Uuid::from_u128(1)),
        revision,
        reviewer: UserId(Uuid::from_u128(who)),
        role: role_of(who),
        verdict,
        reason: Some(Reason::Unclear),
        comment: Some("Which fuse?".into()),
        into: None,
        edited_into: None,
        at,
    }
}

fn due() -> Due {
    Due { respond_by: at(1000), decide_by: at(2000) }
}

/// A tip with all its revisions and reviews, as a database would hold them.
struct World {
    tip: Tip,
    revisions: Vec<Revision>,
    reviews: Vec<Review>,
    now: Instant,
    quorum: Quorum,
}

impl World {
    fn new(quorum: Quorum) -> Self {
        let (tip, draft) = tip_in(State::Draft);
        Self { tip, revisions: vec![draft], reviews: vec![], now: at(0), quorum }
    }

    fn latest(&self) -> Revision {
        self.revisions.last().unwrap().clone()
    }

    fn save(&mut self, revision: Revision) {
        let place = usize::try_from(revision.number - 1).unwrap();
        if place == self.revisions.len() {
            self.revisions.push(revision);
        } else {
            self.revisions[place] = revision;
        }
    }

    fn open_review(&mut self) -> Review {
        let id = self.tip.review;
        self.reviews.iter().find(|review| Some(review.id) == id).cloned().unwrap_or_else(|| self.new_review())
    }

    fn new_review(&self) -> Review {
        let latest = self.latest();
        Review::opened(
            ReviewId(Uuid::from_u128(self.reviews.len() as u128 + 1000)),
            COMMUNITY,
            &latest,
            due(),
            self.now,
        )
    }

    fn save_review(&mut self, review: Review) {
        match self.reviews.iter_mut().find(|known| known.id == review.id) {
            Some(known) => *known = review,
            None => self.reviews.push(review),
        }
    }

    fn decide(
        &mut self,
        tip: &mut Tip,
        who: u128,
        verdict: Verdict,
        revision: i32,
        into: Option<TipId>,
    ) -> Result<(), RuleError> {
        let mut review = self.open_review();
        let decision = Decision { into, ..decision(who, verdict, revision, self.now) };
        let live = self.live(tip);
        let decided = workflow::decide(tip, self.latest(), live, &mut review, decision, self.quorum)?;
        self.save_decided(decided, review);
        Ok(())
    }

    fn live(&self, tip: &Tip) -> Option<Revision> {
        tip.live.map(|number| self.revisions[usize::try_from(number - 1).unwrap()].clone())
    }

    fn save_decided(&mut self, decided: Decided, review: Review) {
        if let Some(old) = decided.superseded {
            self.save(old);
        }
        self.save(decided.revision);
        self.save_review(review);
    }

    /// Puts the next revision where the one before it was.
    fn succeed(&mut self, tip: &mut Tip, before: Revision, next: Revision, amendment: Option<Amendment>) {
        if before.state == State::Superseded {
            let mut old = self.open_review();
            old.close(Outcome::Superseded, self.now);
            self.save_review(old);
        }
        self.save(before);
        let is_open = next.state.is_open();
        self.save(next);
        if is_open {
            let review = Review { amendment, ..self.new_review() };
            tip.review = Some(review.id);
            self.save_review(review);
        }
    }

    fn apply(&mut self, step: &Step) -> Result<(), RuleError> {
        self.now += Duration::seconds(1);
        let (now, latest) = (self.now, self.latest());
        let mut tip = self.tip.clone();
        if let Step::Claim(who) | Step::Decide(who, ..) | Step::Merge(who) | Step::ApproveWithEdits(who) = step
            && access::is_credited(UserId(Uuid::from_u128(*who)), &tip, &latest)
        {
            return Err(RuleError::OwnTip);
        }
        match step {
            Step::Edit => {
                let new = text(&format!("It stops, {now}"));
                match workflow::edit(&mut tip, latest, new, AUTHOR, now)? {
                    Edited::Rewritten(draft) => self.save(draft),
                    Edited::Started { before, next } => self.succeed(&mut tip, before, next, None),
                }
            }
            Step::Submit => {
                let submitted = workflow::submit(&mut tip, latest, now)?;
                self.save(submitted);
                let review = self.new_review();
                tip.review = Some(review.id);
                self.save_review(review);
            }
            Step::Withdraw => {
                let was_open = latest.state.is_open();
                let withdrawn = workflow::withdraw(&mut tip, latest, now)?;
                if was_open {
                    let mut review = self.open_review();
                    review.close(Outcome::Withdrawn, now);
                    self.save_review(review);
                }
                self.save(withdrawn);
            }
            Step::Claim(who) => {
                let mut review = self.open_review();
                let claimed = workflow::claim(&tip, latest, &mut review, UserId(Uuid::from_u128(*who)), 30, now)?;
                self.save(claimed);
                self.save_review(review);
            }
            Step::Release => {
                let mut review = self.open_review();
                let released = workflow::release(&tip, latest, &mut review, now)?;
                self.save(released);
                self.save_review(review);
            }
            Step::Decide(who, verdict, off) => self.decide(&mut tip, *who, *verdict, latest.number - off, None)?,
            Step::ApproveWithEdits(who) => {
                let mut review = self.open_review();
                let decision = decision(*who, Verdict::Approve, latest.number, now);
                let decision = Decision { edited_into: Some(latest.number + 1), ..decision };
                let new = text(&format!("It stops, {now}, says {who}"));
                let amended = workflow::approve_with_edits(&mut tip, latest, &mut review, decision, new)?;
                self.save_review(review);
                self.succeed(&mut tip, amended.before, amended.next, Some(amended.amendment));
            }
            Step::Answer(true) => {
                let mut review = self.open_review();
                let live = self.live(&tip);
                let decided = workflow::accept_edits(&mut tip, latest, live, &mut review, self.quorum, now)?;
                self.save_decided(decided, review);
            }
            Step::Answer(false) => {
                let review = self.open_review();
                let original = self.revisions.iter().rfind(|r| r.number < latest.number).unwrap_or(&latest).clone();
                let (before, next) = workflow::decline_edits(&mut tip, latest, original, &review, AUTHOR, now)?;
                self.succeed(&mut tip, before, next, None);
            }
            Step::Merge(who) => self.decide(&mut tip, *who, Verdict::Reject, latest.number, Some(OTHER))?,
            Step::Hold => workflow::hold(&mut tip, &latest, "unsafe".into(), now)?,
            Step::Unhold => workflow::unhold(&mut tip, &latest, now)?,
            Step::Archive => workflow::archive(&mut tip, &latest, now)?,
            Step::Restore => workflow::restore(&mut tip, &latest, now)?,
            Step::Replace(how) => workflow::replace(&mut tip, &latest, Replacement { by: OTHER, how: *how }, now)?,
            Step::Separate => workflow::separate(&mut tip, &latest, now)?,
            Step::Wait(seconds) => self.now += Duration::seconds(*seconds),
        }
        self.tip = tip;
        Ok(())
    }

    fn check(&self) {
        let count = |state: State| self.revisions.iter().filter(|r| r.state == state).count();
        let open = count(State::Draft) + count(State::Submitted) + count(State::InReview);
        assert!(open <= 1, "at most one revision is open");
        assert!(count(State::Published) <= 1, "at most one revision is published");
        for (place, revision) in self.revisions.iter().enumerate() {
            assert_eq!(usize::try_from(revision.number).unwrap(), place + 1, "revisions have no gaps");
            if place + 1 < self.revisions.len() {
                assert!(!revision.state.is_open() && revision.state != State::Draft, "only the newest is open");
            }
        }
        assert_eq!(usize::try_from(self.tip.latest).unwrap(), self.revisions.len());
        let published = self.revisions.iter().find(|r| r.state == State::Published).map(|r| r.number);
        assert_eq!(self.tip.live, published, "what is live is what is published");
        assert_eq!(self.tip.live.is_some(), self.tip.published_at.is_some(), "what was live has a successor");
        if let Some(live) = published {
            let review = self.reviews.iter().rfind(|review| review.revision == live).unwrap();
            assert_eq!(review.closed.map(|(outcome, _)| outcome), Some(Outcome::Approved));
            let approved =
                review.decisions.iter().filter(|d| d.verdict == Verdict::Approve).map(|d| (d.reviewer, d.role));
            let agreed = review.amendment.filter(|a| a.agreed_at.is_some()).map(|a| (a.by, a.role));
            let approvals: BTreeMap<_, _> = approved.chain(agreed).collect();
            assert!(approvals.len() >= usize::try_from(self.quorum.approvals).unwrap(), "published by its quorum");
            let steward = approvals.values().any(|&role| role == Role::Steward);
            assert!(steward || !self.quorum.steward, "a steward among them where one is owed");
        }
        assert_eq!(self.tip.review.is_some(), self.latest().state.is_open(), "an open text has a review");
        assert!(self.tip.replaced.is_none() || !self.latest().state.is_open(), "what is replaced waits for nobody");
        for review in &self.reviews {
            let mut who: Vec<_> = review.decisions.iter().map(|d| d.reviewer).collect();
            who.sort();
            who.dedup();
            assert_eq!(who.len(), review.decisions.len(), "each reviewer decides once");
            assert!(review.decisions.iter().all(|d| d.revision == review.revision), "decisions are on its text");
        }
        assert_eq!(past::checked(AUTHOR, &self.revisions, &self.reviews), Ok(()), "it could have come about");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_histories_only_reach_legal_states(
        approvals in 1..3i32,
        steward in any::<bool>(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(Quorum { approvals, steward });
        for step in &steps {
            let before = (world.tip.clone(), world.revisions.clone());
            if world.apply(step).is_err() {
                prop_assert_eq!(&before, &(world.tip.clone(), world.revisions.clone()), "a refusal changes nothing");
            }
            world.check();
        }
    }
}

#[test]
fn an_approval_with_edits_counts_when_somebody_whose_words_it_was_agrees() {
    let quorum = Quorum { approvals: 1, steward: false };
    let reviewer = caller(3, Some(Role::Reviewer), SiteRole::Member);
    let author = caller(100, Some(Role::Contributor), SiteRole::Member);
    let (mut tip, submitted) = tip_in(State::Submitted);
    let mut review = Review::opened(ReviewId(Uuid::from_u128(9)), COMMUNITY, &submitted, due(), at(0));
    let approve = || decision(3, Verdict::Approve, 1, at(1));
    let same = workflow::approve_with_edits(&mut tip, submitted.clone(), &mut review, approve(), text("It stops"));
    assert!(matches!(same, Err(RuleError::Invalid(_))), "what edits nothing is an approval");
    let amended =
        workflow::approve_with_edits(&mut tip, submitted, &mut review, approve(), text("It stops at noon")).unwrap();
    assert_eq!(amended.before.state, State::Superseded);
    let next = amended.next;
    assert_eq!((next.number, next.state, next.editor), (2, State::Submitted, reviewer.user));
    assert_eq!(tip.author, AUTHOR, "the author keeps the credit");

    for action in [Action::AcceptEdits, Action::DeclineEdits] {
        assert_eq!(access::may(&author, action, &tip, &next), Ok(()));
        assert!(access::may(&reviewer, action, &tip, &next).is_err(), "nobody agrees to their own edits");
    }
    assert_eq!(access::may(&reviewer, Action::Approve, &tip, &next), Err(RuleError::OwnTip));

    let amendment = Some(amended.amendment);
    let mut asking = Review { amendment, ..Review::opened(review.id, COMMUNITY, &next, due(), at(0)) };
    assert_eq!(asking.approvals(), 0, "not yet");
    assert!(!asking.meets(quorum) && asking.asks());
    let mut accepted = tip.clone();
    let decided = workflow::accept_edits(&mut accepted, next.clone(), None, &mut asking, quorum, at(2)).unwrap();
    assert_eq!(decided.revision.state, State::Published);
    assert_eq!(accepted.live, Some(2));
    let again = workflow::accept_edits(&mut accepted, decided.revision, None, &mut asking, quorum, at(3));
    assert!(matches!(again, Err(RuleError::WrongState { .. })), "{again:?}");

    // Where more than one has to approve, the approval counts and the review goes on.
    let mut asking = Review { amendment, ..Review::opened(review.id, COMMUNITY, &next, due(), at(0)) };
    let two = Quorum { approvals: 2, steward: false };
    let decided = workflow::accept_edits(&mut tip.clone(), next.clone(), None, &mut asking, two, at(2)).unwrap();
    assert_eq!((decided.revision.state, asking.approvals(), asking.asks()), (State::InReview, 1, false));

    // And where the author does not agree, the reviewer can decide their text as any other.
    let asking = Review { amendment, ..Review::opened(review.id, COMMUNITY, &next, due(), at(0)) };
    let (_, original) = tip_in(State::Superseded);
    let (declined, own) = workflow::decline_edits(&mut tip, next, original.clone(), &asking, AUTHOR, at(2)).unwrap();
    assert_eq!(declined.state, State::Superseded);
    assert_eq!((own.number, own.state, &own.text), (3, State::Submitted, &original.text));
    assert_eq!(access::may(&reviewer, Action::Approve, &tip, &own), Ok(()));
}

#[test]
fn words_that_no_peer_has_approved_stay_their_writers_whoever_edits_after() {
    let (steward, reviewer) =
        (caller(2, Some(Role::Steward), SiteRole::Member), caller(3, Some(Role::Reviewer), SiteRole::Member));
    for state in [State::Draft, State::Submitted, State::InReview, State::ChangesRequested, State::Rejected] {
        let (mut tip, mut latest) = tip_in(state);
        for editor in [steward.user, AUTHOR] {
            latest = match workflow::edit(&mut tip, latest, text("It stops at noon"), editor, at(1)).unwrap() {
                Edited::Rewritten(draft) => draft,
                Edited::Started { next, .. } => next,
            };
        }
        assert_eq!(latest.editor, AUTHOR);
        for action in [Action::Claim, Action::Approve, Action::RequestChanges, Action::Reject] {
            assert_eq!(access::may(&steward, action, &tip, &latest), Err(RuleError::OwnTip), "{state} {action}");
            assert_eq!(access::may(&reviewer, action, &tip, &latest), Ok(()), "{state} {action}");
        }
    }
    // Once peers have approved them, only what comes after is under review.
    let (mut tip, published) = tip_in(State::Published);
    let published = Revision { credited: [AUTHOR, steward.user].into(), ..published };
    let edited = workflow::edit(&mut tip, published, text("It stops at noon"), AUTHOR, at(1)).unwrap();
    let Edited::Started { next, .. } = edited else { panic!("a published text is not rewritten") };
    assert_eq!(access::may(&steward, Action::Approve, &tip, &next), Ok(()));
}
