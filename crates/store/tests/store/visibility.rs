//! The list of tips in SQL against the domain's predicate, over random people, communities and tips.

use eureka_domain::access::Caller;
use eureka_domain::community::{Community, Membership, Openness, ReviewPolicy, Role};
use eureka_domain::ids::{CommunityId, TipId, UserId};
use eureka_domain::tip::{Confidence, Revision, State, Tip};
use eureka_domain::user::{SiteRole, User, UserStatus};
use eureka_domain::visibility::{sees_revision, sees_tip};
use eureka_store::tips::TipFilter;
use eureka_store::{Conn, StoreError, communities, revisions, tips, users};
use eureka_testkit::on_both;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{at, draft, id, undone};

const PEOPLE: usize = 4;
const COMMUNITIES: usize = 3;

/// What is drawn: places in lists instead of ids.
#[derive(Debug, Clone)]
struct World {
    admins: Vec<bool>,
    openness: Vec<Openness>,
    /// For each person, their role in each community.
    roles: Vec<Vec<Option<Role>>>,
    tips: Vec<DrawnTip>,
}

#[derive(Debug, Clone)]
struct DrawnTip {
    community: usize,
    author: usize,
    confidence: Confidence,
    on_hold: bool,
    /// Which of the revisions is live.
    live: Option<usize>,
    revisions: Vec<DrawnRevision>,
    created: i64,
}

#[derive(Debug, Clone)]
struct DrawnRevision {
    state: State,
    was_sent: bool,
    editor: usize,
    co_author: usize,
    labels: [Vec<String>; 3],
}

/// Labels in which an end could be taken for a beginning.
fn labels() -> impl Strategy<Value = Vec<String>> {
    vec("[a,\\[\"\\\\\\]\n]{1,3}", 0..3)
}

fn world() -> impl Strategy<Value = World> {
    let revision = (select(State::ALL), any::<bool>(), 0..PEOPLE, 0..PEOPLE, [labels(), labels(), labels()]).prop_map(
        |(state, was_sent, editor, co_author, labels)| DrawnRevision { state, was_sent, editor, co_author, labels },
    );
    let tip = (
        0..COMMUNITIES,
        0..PEOPLE,
        select(Confidence::ALL),
        any::<bool>(),
        option::of(0..3_usize),
        vec(revision, 1..=3),
        0..3_i64,
    )
        .prop_map(|(community, author, confidence, on_hold, live, revisions, created)| DrawnTip {
            community,
            author,
            confidence,
            on_hold,
            live: live.filter(|&place| place < revisions.len()),
            revisions,
            created,
        });
    (
        vec(any::<bool>(), PEOPLE),
        vec(select(Openness::ALL), COMMUNITIES),
        vec(vec(option::of(select(Role::ALL)), COMMUNITIES), PEOPLE),
        vec(tip, 1..8),
    )
        .prop_map(|(admins, openness, roles, tips)| World { admins, openness, roles, tips })
}

/// A tip and all its revisions.
type Whole = (Tip, Vec<Revision>);

struct Stored {
    callers: Vec<Caller>,
    communities: Vec<Community>,
    tips: Vec<Whole>,
}

impl World {
    fn store(&self, conn: &mut Conn<'_>) -> Result<Stored, StoreError> {
        let communities: Vec<Community> = self.openness.iter().map(|&openness| community(openness)).collect();
        for community in &communities {
            communities::insert(conn, community)?;
        }
        let mut callers = Vec::new();
        for (&admin, roles) in self.admins.iter().zip(&self.roles) {
            let user = user(if admin { SiteRole::Admin } else { SiteRole::Member });
            users::insert(conn, &user, None)?;
            for (community, &role) in communities.iter().zip(roles) {
                if let Some(role) = role {
                    let membership = Membership { community: community.id, user: user.id, role, since: at(0) };
                    communities::set_member(conn, &membership, None)?;
                }
            }
            let standings = communities::standings(conn, user.id)?;
            callers.push(Caller { user: user.id, site_role: user.site_role, standings, session: None, key: None });
        }
        let mut whole = Vec::new();
        for (number, drawn) in (1001..).zip(&self.tips) {
            let (tip, all) = drawn.whole(number, &communities, &callers);
            tips::insert(conn, &tip)?;
            for revision in &all {
                revisions::insert(conn, &tip, revision)?;
            }
            whole.push((tip, all));
        }
        Ok(Stored { callers, communities, tips: whole })
    }
}

impl DrawnTip {
    fn whole(&self, number: i64, communities: &[Community], people: &[Caller]) -> Whole {
        let (tip, first) = draft(communities[self.community].id, people[self.author].user, number);
        let tip = Tip {
            confidence: self.confidence,
            hold: self.on_hold.then(|| "Stop using it.".to_owned()),
            replaced: None,
            live: self.live.map(|place| i32::try_from(place).unwrap() + 1),
            latest: i32::try_from(self.revisions.len()).unwrap(),
            created_at: at(self.created),
            ..tip
        };
        let mut all: Vec<Revision> = Vec::new();
        for (number, drawn) in (1..).zip(&self.revisions) {
            let is_latest = number == tip.latest;
            let has_published = all.iter().any(|revision| revision.state == State::Published);
            let (editor, co_author) = (people[drawn.editor].user, people[drawn.co_author].user);
            let credited = [tip.author, editor, co_author].into();
            let mut revision = Revision { number, editor, credited, ..first.clone() };
            // What the database allows: one published revision, and an open one only at the end.
            revision.state = match drawn.state {
                State::Published if has_published => State::Superseded,
                State::Draft | State::Submitted | State::InReview if !is_latest => State::Withdrawn,
                state => state,
            };
            revision.submitted_at = drawn.was_sent.then(|| at(1));
            let [products, fault_codes, tags] = drawn.labels.clone();
            (revision.text.products, revision.text.fault_codes, revision.text.tags) = (products, fault_codes, tags);
            all.push(revision);
        }
        (tip, all)
    }
}

fn community(openness: Openness) -> Community {
    let id = CommunityId(id());
    Community {
        id,
        slug: id.to_string(),
        name: String::new(),
        description: String::new(),
        openness,
        policy: ReviewPolicy::default(),
        created_at: at(0),
        updated_at: at(0),
    }
}

fn user(site_role: SiteRole) -> User {
    User {
        id: UserId(id()),
        email: None,
        name: String::new(),
        site_role,
        status: UserStatus::Active,
        auth_epoch: 0,
        created_at: at(0),
        updated_at: at(0),
    }
}

/// Asks for everything the caller may see.
pub fn everything(caller: &Caller) -> TipFilter {
    TipFilter {
        caller: caller.user,
        audience: caller.audience(),
        reviews_in: caller.standings.keys().copied().filter(|&community| caller.reviews(community)).collect(),
        is_admin: caller.is_admin(),
        community: None,
        author: None,
        state: None,
        confidence: None,
        product: None,
        fault_code: None,
        tag: None,
    }
}

impl Stored {
    /// The tips that a caller sees by the domain's predicate, each with the newest text of it that they see, newest
    /// tip first.
    fn seen_by(&self, caller: &Caller) -> Vec<(&Tip, &Revision)> {
        let mut seen: Vec<_> = self.tips.iter().filter_map(|whole| self.shown(caller, whole)).collect();
        seen.sort_by_key(|(tip, _)| std::cmp::Reverse((tip.created_at, tip.id)));
        seen
    }

    fn shown<'t>(&self, caller: &Caller, (tip, all): &'t Whole) -> Option<(&'t Tip, &'t Revision)> {
        let community = self.communities.iter().find(|community| community.id == tip.community).unwrap();
        let latest = all.last().unwrap();
        if !sees_tip(caller, tip, latest, community) {
            return None;
        }
        if sees_revision(caller, tip, latest, community) {
            return Some((tip, latest));
        }
        all.iter().find(|revision| Some(revision.number) == tip.live).map(|live| (tip, live))
    }

    /// What the store lists must be what `expected` picks of what the caller sees.
    fn check(
        &self,
        conn: &mut Conn<'_>,
        caller: &Caller,
        filter: &TipFilter,
        expected: impl Fn(&Tip, &Revision) -> bool,
    ) -> Result<(), StoreError> {
        let listed: Vec<TipId> = tips::list(conn, filter, None, 100)?.into_iter().map(|sheet| sheet.tip.id).collect();
        let expected: Vec<TipId> = self
            .seen_by(caller)
            .into_iter()
            .filter(|(tip, shown)| expected(tip, shown))
            .map(|(tip, _)| tip.id)
            .collect();
        assert_eq!(listed, expected, "{filter:?}");
        Ok(())
    }
}

/// Runs `check` on random worlds, each of which is stored and then undone.
fn over_worlds(check: fn(&mut Conn<'_>, &Stored) -> Result<(), StoreError>) {
    on_both(|db| {
        let mut runner = TestRunner::new(Config { cases: 30, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&world(), |world| {
            undone(db.store(), move |conn| {
                let stored = world.store(conn)?;
                check(conn, &stored)
            });
            Ok(())
        });
        outcome.unwrap();
    });
}

#[test]
fn the_list_shows_each_caller_exactly_the_tips_the_domain_lets_them_see() {
    over_worlds(|conn, stored| {
        for caller in &stored.callers {
            let all = everything(caller);
            stored.check(conn, caller, &all, |_, _| true)?;
            for community in &stored.communities {
                let filter = TipFilter { community: Some(community.id), ..all.clone() };
                stored.check(conn, caller, &filter, |tip, _| tip.community == community.id)?;
            }
            for author in &stored.callers {
                let filter = TipFilter { author: Some(author.user), ..all.clone() };
                stored.check(conn, caller, &filter, |tip, _| tip.author == author.user)?;
            }
        }
        Ok(())
    });
}

#[test]
fn a_filter_looks_only_at_the_text_that_the_caller_sees() {
    over_worlds(|conn, stored| {
        let mut labels: Vec<&String> = stored
            .tips
            .iter()
            .flat_map(|(_, all)| all)
            .flat_map(|revision| [&revision.text.products, &revision.text.fault_codes, &revision.text.tags])
            .flatten()
            .collect();
        let comma = ",".to_owned();
        labels.push(&comma);
        labels.sort();
        labels.dedup();
        for caller in &stored.callers {
            let all = everything(caller);
            for &state in State::ALL {
                let filter = TipFilter { state: Some(state), ..all.clone() };
                stored.check(conn, caller, &filter, |_, shown| shown.state == state)?;
            }
            for &confidence in Confidence::ALL {
                let filter = TipFilter { confidence: Some(confidence), ..all.clone() };
                stored.check(conn, caller, &filter, |tip, _| tip.confidence == confidence)?;
            }
        }
        let caller = &stored.callers[0];
        let all = everything(caller);
        for label in labels {
            let filter = TipFilter { product: Some(label.clone()), ..all.clone() };
            stored.check(conn, caller, &filter, |_, shown| shown.text.products.contains(label))?;
            let filter = TipFilter { fault_code: Some(label.clone()), ..all.clone() };
            stored.check(conn, caller, &filter, |_, shown| shown.text.fault_codes.contains(label))?;
            let filter = TipFilter { tag: Some(label.clone()), ..all.clone() };
            stored.check(conn, caller, &filter, |_, shown| shown.text.tags.contains(label))?;
        }
        Ok(())
    });
}
