//! Random histories of a tip, by people of every role, on the product and on a plain model of it side by side: the same
//! answers, the same refusals, the same tip to everybody who looks, and a row of the log for each change.

mod model;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use chrono::Duration;
use eureka_domain::access::{Caller, Standing};
use eureka_domain::community::{Community, Openness, Role};
use eureka_domain::ids::{ReviewId, TipId, TipRef, UserId};
use eureka_domain::review::{Claim, Reason, Verdict};
use eureka_domain::tip::{Replaced, Revision, Safety, TipText};
use eureka_domain::user::SiteRole;
use eureka_service::{
    DecisionDraft, IfMatch, NewTip, Once, Person, Reply, Service, ServiceError, TipChanges, TipView, Written,
};
use eureka_store::log;
use eureka_testkit::{TestApp, TestDatabase};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{TestCaseError, TestRunner};
use uuid::Uuid;

use model::{Act, Model, SeenReview, SeenText, SeenTip, Who};

/// How many histories are played on each kind of database.
const ON_SQLITE: u32 = 2_000;
const ON_POSTGRES: u32 = 200;
/// How often they are played on SQLite at most, until each act has come to something: one that does so rarely, as bringing
/// back what was archived, comes to nothing in all of them once in a while.
const ROUNDS: u32 = 4;

/// Who writes the first draft, of what safety level, and what happens then.
#[derive(Debug, Clone)]
struct History {
    author: Who,
    safety: Safety,
    /// Whether it goes to reviewers at once.
    submit: bool,
    steps: Vec<Step>,
}

/// Somebody tries something, and perhaps somebody looks at what came of it.
#[derive(Debug, Clone)]
struct Step {
    who: Who,
    act: Act,
    reader: Option<Who>,
}

fn anyone() -> impl Strategy<Value = Who> {
    select(&Who::ALL[..])
}

/// Most acts are by somebody who might well do that, some by anybody.
fn act() -> impl Strategy<Value = (Who, Act)> {
    let writer = || prop_oneof![6 => Just(Who::Technician), 2 => Just(Who::Steward), 2 => anyone()];
    let reviewer = || prop_oneof![6 => select(&Who::REVIEWERS[..]), 1 => anyone()];
    let steward = || prop_oneof![4 => Just(Who::Steward), 1 => anyone()];
    let safety = || prop_oneof![4 => Just(Safety::None), 2 => Just(Safety::Caution), 1 => Just(Safety::Danger)];
    let verdict = || {
        prop_oneof![
            6 => Just(Act::Decide(Verdict::Approve, 0)),
            2 => Just(Act::Decide(Verdict::RequestChanges, 0)),
            1 => Just(Act::Decide(Verdict::Reject, 0)),
            1 => Just(Act::Decide(Verdict::Approve, 1)),
            1 => Just(Act::RejectInto),
        ]
    };
    let keeping = select(&[Act::Unhold, Act::Archive, Act::Restore, Act::Merge, Act::Supersede, Act::Separate][..]);
    prop_oneof![
        5 => (writer(), prop::option::of(safety()).prop_map(Act::Edit)),
        1 => (writer(), (1..5usize).prop_map(Act::Revert)),
        6 => (writer(), Just(Act::Submit)),
        1 => (writer(), Just(Act::Withdraw)),
        4 => (reviewer(), Just(Act::Claim)),
        1 => (reviewer(), Just(Act::Release)),
        9 => (reviewer(), verdict()),
        2 => (reviewer(), Just(Act::Hold)),
        5 => (steward(), keeping),
        2 => (anyone(), select(&[Act::Wait(10), Act::Wait(30), Act::Wait(2_000)][..])),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    (act(), prop::option::of(anyone())).prop_map(|((who, act), reader)| Step { who, act, reader })
}

fn history() -> impl Strategy<Value = History> {
    let author = prop_oneof![8 => Just(Who::Technician), 1 => Just(Who::ReviewerA), 1 => Just(Who::Steward)];
    let safety = prop_oneof![2 => Just(Safety::None), 1 => Just(Safety::Caution), 1 => Just(Safety::Danger)];
    let history = |(author, safety, submit, steps)| History { author, safety, submit, steps };
    (author, safety, prop::bool::weighted(0.7), prop::collection::vec(step(), 1..20)).prop_map(history)
}

/// A community with everybody in it, and another tip that readers find.
struct World<'a> {
    app: &'a TestApp,
    community: Community,
    callers: BTreeMap<Who, Caller>,
    names: BTreeMap<UserId, Who>,
    other: TipRef,
}

impl<'a> World<'a> {
    fn new(app: &'a TestApp) -> Self {
        let community = app.community("printers", Openness::Open);
        let role = |who| match who {
            Who::Technician | Who::OtherTechnician => Some(Role::Contributor),
            Who::ReviewerA | Who::ReviewerB | Who::ReviewerC => Some(Role::Reviewer),
            Who::Steward => Some(Role::Steward),
            Who::Admin | Who::Outsider => None,
        };
        let person = |who: Who| match role(who) {
            Some(role) => app.member(&community, &format!("{who:?}"), role),
            None if who == Who::Admin => app.admin(),
            None => app.person(&format!("{who:?}")),
        };
        let caller = |who: Who, user| {
            let standing = |role| (community.id, Standing { role, openness: community.openness });
            let site_role = if who == Who::Admin { SiteRole::Admin } else { SiteRole::Member };
            Caller {
                user,
                site_role,
                standings: role(who).map(standing).into_iter().collect(),
                session: None,
                key: None,
            }
        };
        let people: BTreeMap<_, _> = Who::ALL.into_iter().map(|who| (who, person(who))).collect();
        let (author, reviewer) = (&people[&Who::OtherTechnician], &people[&Who::ReviewerA]);
        let other = app.published(author, reviewer, &community, "The other tip").parse().unwrap();
        let callers = people.iter().map(|(&who, person)| (who, caller(who, person.id))).collect();
        let names = people.iter().map(|(&who, person)| (person.id, who)).collect();
        Self { app, community, callers, names, other: TipRef::Id(TipId(other)) }
    }

    /// The length of the change log.
    fn rows(&self) -> i64 {
        self.app.service.store().read(log::head).unwrap().seq
    }

    /// Plays a history on the product and on the model, and holds them against each other after every step.
    fn play(&self, history: &History, answers: &mut Answers) -> Result<(), TestCaseError> {
        let mut model = Model::new(history.author, history.safety, self.app.service.now());
        if history.submit {
            prop_assert_eq!(model.attempt(history.author, Act::Submit), Ok(()));
        }
        let before = self.rows();
        let mut tip = self.written(history)?;
        let mut rows = self.rows();
        prop_assert_eq!(rows - before, 1 + i64::from(history.submit), "rows of the log");
        for (place, &Step { who, act, reader }) in history.steps.iter().enumerate() {
            let before = model.clone();
            let expected = model.attempt(who, act);
            let answer = tip.attempt(who, act, &before);
            prop_assert_eq!(answer, expected, "step {}", place);
            let is_change = expected.is_ok() && !matches!(act, Act::Wait(_));
            rows += i64::from(is_change);
            prop_assert_eq!(self.rows(), rows, "step {}: rows of the log", place);
            if let Some(who) = reader {
                tip.is_seen_as(&model, who, place)?;
            }
            answers.insert((name(act), expected.err().unwrap_or("done")));
        }
        for who in [history.author, Who::ReviewerA, Who::Steward, Who::Outsider] {
            tip.is_seen_as(&model, who, history.steps.len())?;
        }
        Ok(())
    }

    /// The first draft of a history.
    fn written(&self, history: &History) -> Result<Subject<'_>, TestCaseError> {
        let new = NewTip {
            community: self.community.slug.clone(),
            text: TipText {
                title: "Text 1".to_owned(),
                problem: "It stops.".to_owned(),
                cause: None,
                solution: None,
                products: Vec::new(),
                fault_codes: Vec::new(),
                parts: Vec::new(),
                tags: Vec::new(),
                safety: history.safety,
                hazard: Some("It is hot.".to_owned()),
                attachments: Vec::new(),
                lang: None,
            },
            submit: history.submit,
            gap: None,
        };
        let made = Arc::new(OnceLock::new());
        let keep = Arc::clone(&made);
        let render = move |written: &Written<TipView>| {
            let TipView { tip, review, .. } = &written.value;
            let _ = keep.set((tip.id, review.as_ref().map(|review| review.id)));
            no_reply()
        };
        let once = Once { key: None, render: Box::new(render) };
        self.app.service.create_tip(&self.callers[&history.author], new, once).map_err(failed)?;
        let (tip, review) = made.get().copied().ok_or_else(|| TestCaseError::fail("no tip was made"))?;
        Ok(Subject { world: self, tip: TipRef::Id(tip), review })
    }
}

/// Which answers each act had.
type Answers = BTreeSet<(String, &'static str)>;

/// The tip that a history is about, on the product.
struct Subject<'a> {
    world: &'a World<'a>,
    tip: TipRef,
    /// The newest review, once there is one.
    review: Option<ReviewId>,
}

impl Subject<'_> {
    fn service(&self) -> &Service {
        &self.world.app.service
    }

    fn caller(&self, who: Who) -> &Caller {
        &self.world.callers[&who]
    }

    /// Does it, or says why not: the code of the refusal.
    fn attempt(&mut self, who: Who, act: Act, before: &Model) -> Result<(), &'static str> {
        self.act(who, act, before).map_err(|error| match error {
            ServiceError::NotFound(_) => "not_found",
            ServiceError::Rule(rule) => rule.code(),
            other => panic!("{who:?} {act:?}: {other}"),
        })
    }

    fn act(&mut self, who: Who, act: Act, before: &Model) -> Result<(), ServiceError> {
        let (service, caller, tip, any) = (self.service(), self.caller(who), self.tip, IfMatch::Any);
        let (other, why) = (self.world.other, "Seen on site.".to_owned());
        let review = self.review.unwrap_or(ReviewId(Uuid::nil()));
        let changed = match act {
            Act::Edit(safety) => {
                let title = Some(before.next_title());
                service.edit_tip(caller, tip, TipChanges { title, safety, ..TipChanges::default() }, any)
            }
            Act::Revert(to) => service.revert_tip(caller, tip, revision(to), Some(why), any),
            Act::Submit => service.submit_tip(caller, tip, any),
            Act::Withdraw => service.withdraw_tip(caller, tip, Some(why), any),
            Act::Hold => service.hold_tip(caller, tip, why, any),
            Act::Unhold => service.release_tip(caller, tip, why, any),
            Act::Archive => service.archive_tip(caller, tip, why, any),
            Act::Restore => service.restore_tip(caller, tip, why, any),
            Act::Merge => service.replace_tip(caller, tip, other, Replaced::Merged, why, any),
            Act::Supersede => service.replace_tip(caller, tip, other, Replaced::Superseded, why, any),
            Act::Separate => service.separate_tip(caller, tip, why, any),
            Act::Claim => return service.claim_review(caller, review).map(drop),
            Act::Release => return service.release_review(caller, review).map(drop),
            Act::Decide(verdict, earlier) => return self.decide(who, verdict, before.under_review() - earlier, None),
            Act::RejectInto => return self.decide(who, Verdict::Reject, before.under_review(), Some(other)),
            Act::Wait(minutes) => {
                self.world.app.clock.advance(Duration::minutes(minutes));
                return Ok(());
            }
        };
        let review = changed?.value.review.map(|review| review.id);
        self.review = review.or(self.review);
        Ok(())
    }

    fn decide(&self, who: Who, verdict: Verdict, on: usize, into: Option<TipRef>) -> Result<(), ServiceError> {
        let reason = (verdict != Verdict::Approve).then_some(Reason::Unclear);
        let comment = Some("Which fuse?".to_owned());
        let draft = DecisionDraft { verdict, reason, comment, into, edits: None, revision: revision(on) };
        let once = Once { key: None, render: Box::new(|_| no_reply()) };
        let review = self.review.unwrap_or(ReviewId(Uuid::nil()));
        self.service().decide_review(self.caller(who), review, draft, once).map(drop)
    }

    /// Whether somebody sees the tip and its open review as the model says.
    fn is_seen_as(&self, model: &Model, who: Who, place: usize) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.tip_seen_by(who)?, model.tip_seen_by(who), "step {}: the tip, to {:?}", place, who);
        if model.has_open_review() {
            let review = self.review_seen_by(who)?;
            prop_assert_eq!(review, model.review_seen_by(who), "step {}: the review, to {:?}", place, who);
        }
        Ok(())
    }

    fn tip_seen_by(&self, who: Who) -> Result<Option<SeenTip>, TestCaseError> {
        let Some(view) = found(self.service().read_tip(self.caller(who), self.tip))? else { return Ok(None) };
        let holder = |(person, claim): (Person, Claim)| (self.world.names[&person.id], claim.until);
        Ok(Some(SeenTip {
            shown: seen(&view.shown),
            pending: view.pending.as_ref().map(seen),
            confidence: view.tip.confidence,
            held: view.tip.hold.is_some(),
            replaced: view.replaced_by.is_some(),
            review: view.review.map(|review| (count(review.approvals), review.claim.map(holder))),
            possible: view.possible.into_iter().filter(|action| model::is_to_tip(*action)).collect(),
        }))
    }

    fn review_seen_by(&self, who: Who) -> Result<Option<SeenReview>, TestCaseError> {
        let Some(id) = self.review else { return Ok(None) };
        let Some(desk) = found(self.service().read_review(self.caller(who), id))? else { return Ok(None) };
        let review = desk.detail.review;
        let named = |user| self.world.names[&user];
        let approved = review.decisions.iter().filter(|decision| decision.verdict == Verdict::Approve);
        Ok(Some(SeenReview {
            revision: count(review.revision),
            claim: review.claim.map(|claim| (named(claim.by), claim.until)),
            approved_by: approved.map(|decision| named(decision.reviewer)).collect(),
            stale_approvals: desk.stale_approvals,
            offered_to: review.offered_to.map(named),
            possible: desk.detail.possible.into_iter().filter(|action| model::is_to_review(*action)).collect(),
        }))
    }
}

fn seen(text: &Revision) -> SeenText {
    let title = text.text.title.clone();
    SeenText { number: count(text.number), title, safety: text.text.safety, state: text.state, round: text.round }
}

fn found<T>(read: Result<T, ServiceError>) -> Result<Option<T>, TestCaseError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(ServiceError::NotFound(_)) => Ok(None),
        Err(other) => Err(failed(other)),
    }
}

fn failed(error: ServiceError) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

fn no_reply() -> Reply {
    Reply { status: 201, headers: Vec::new(), body: Vec::new() }
}

fn count(number: i32) -> usize {
    usize::try_from(number).unwrap()
}

fn revision(number: usize) -> i32 {
    i32::try_from(number).unwrap()
}

fn name(act: Act) -> String {
    format!("{act:?}").chars().take_while(|&c| c != '(').collect()
}

/// Plays so many random histories on a database; which answers each act had.
fn play(database: &TestDatabase, cases: u32) -> Answers {
    let app = TestApp::start(database);
    let world = World::new(&app);
    let answers = RefCell::new(Answers::new());
    let config = ProptestConfig { source_file: Some(file!()), ..ProptestConfig::with_cases(cases) };
    let played = TestRunner::new(config).run(&history(), |history| world.play(&history, &mut answers.borrow_mut()));
    if let Err(why) = played {
        panic!("{:?}: {why}", database.kind());
    }
    app.settle(world.rows());
    assert!(app.service.indexer().verify(|_| ()).unwrap().is_none(), "index and database agree");
    answers.into_inner()
}

#[test]
fn histories_on_sqlite_are_those_of_a_plain_model() {
    let half = || play(&TestDatabase::sqlite(), ON_SQLITE / 2);
    let mut answers = Answers::new();
    let idle = |answers: &Answers| {
        let mut acts = answers.iter().map(|(act, _)| act.clone());
        acts.find(|act| !answers.contains(&(act.clone(), "done")))
    };
    for _ in 0..ROUNDS {
        let (one, other) = std::thread::scope(|scope| {
            let other = scope.spawn(half);
            (half(), other.join().unwrap())
        });
        answers.extend(one.into_iter().chain(other));
        if idle(&answers).is_none() {
            break;
        }
    }
    assert_eq!(idle(&answers), None, "it never came to anything: {answers:?}");
    let given: BTreeSet<_> = answers.iter().map(|(_, answer)| *answer).collect();
    for answer in ["not_found", "not_permitted", "own_tip", "invalid_state", "stale_revision", "claimed_by_other"] {
        assert!(given.contains(answer), "nobody was told {answer}: {answers:?}");
    }
}

#[test]
fn histories_on_postgresql_are_those_of_a_plain_model() {
    if let Some(database) = TestDatabase::postgres() {
        play(&database, ON_POSTGRES);
    }
}
