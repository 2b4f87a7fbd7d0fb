//! The review workflow under load: the service over a database, with its index following, and people who submit, claim
//! and approve.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Wall};

use eureka_domain::access::{Caller, Standing};
use eureka_domain::community::{Charter, Openness, ReviewPolicy, Role};
use eureka_domain::ids::ReviewId;
use eureka_domain::review::Verdict;
use eureka_domain::tip::TipText;
use eureka_domain::user::SiteRole;
use eureka_search::TipDocument;
use eureka_service::{
    DecisionDraft, Indexer, Keys, NewTip, NewUser, Once, Passwords, Photos, PoolOptions, Pools, Reply, SearchPool,
    Service, TipView, Written, generate_key,
};
use eureka_store::Store;
use eureka_testkit::{CountedIds, FixedClock};
use tempfile::TempDir;

use crate::Times;

const COMMUNITY: &str = "benches";

/// A service with an author and a reviewer for each writer.
pub struct Desk {
    service: Service,
    authors: Vec<Caller>,
    reviewers: Vec<Caller>,
    follower: Option<JoinHandle<()>>,
    _index: TempDir,
}

impl Desk {
    /// Opens it over a migrated database that has nobody in it yet.
    pub fn open(store: &Store, writers: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let indexer = Indexer::open(store.clone(), &folder.path().join("index")).expect("an index");
        let keys = Keys::new("eureka", &[generate_key().expect("a key")]).expect("keys");
        let pools = Pools {
            passwords: Passwords::new(2).expect("a hasher"),
            photos: Photos::new(1).expect("threads"),
            searches: SearchPool::new(PoolOptions::default()).expect("threads"),
        };
        let service = Service::new(
            store.clone(),
            indexer,
            Arc::new(FixedClock::new()),
            Arc::new(CountedIds::default()),
            keys,
            pools,
        );
        let charter = Charter {
            slug: COMMUNITY.to_owned(),
            name: COMMUNITY.to_owned(),
            description: String::new(),
            openness: Openness::Open,
            policy: ReviewPolicy::default(),
        };
        let community = service.found_community(charter).expect("a community").value;
        let person = |role: Role, number: usize| {
            let new = NewUser {
                email: format!("{role}{number}@bench.example"),
                name: format!("{role} {number}"),
                password: "a-password-for-benchmarks-only".to_owned(),
                site_role: SiteRole::Member,
            };
            let user = service.add_user(new).expect("an account").value.id;
            service.enrol_member(community.id, user, role).expect("a member");
            let standing = Standing { role, openness: community.openness };
            let standings = BTreeMap::from([(community.id, standing)]);
            Caller { user, site_role: SiteRole::Member, standings, session: None, key: None }
        };
        let authors = (0..writers).map(|number| person(Role::Contributor, number)).collect();
        let reviewers = (0..writers).map(|number| person(Role::Reviewer, number)).collect();
        let follower = Some(service.indexer().follow().expect("a thread"));
        Self { service, authors, reviewers, follower, _index: folder }
    }

    /// A writer submits a tip; its review.
    pub fn submit(&self, writer: usize, tip: &TipDocument) -> ReviewId {
        let new = NewTip { community: COMMUNITY.to_owned(), text: text(tip), submit: true, gap: None };
        let made = Arc::new(OnceLock::new());
        let keep = Arc::clone(&made);
        let render = move |written: &Written<TipView>| {
            let _ = keep.set(written.value.review.as_ref().map(|review| review.id));
            no_reply()
        };
        let once = Once { key: None, render: Box::new(render) };
        self.service.create_tip(&self.authors[writer], new, once).expect("a tip");
        made.get().copied().flatten().expect("a review")
    }

    /// A writer takes up a review.
    pub fn claim(&self, writer: usize, review: ReviewId) {
        self.service.claim_review(&self.reviewers[writer], review).expect("a claim");
    }

    /// A writer approves what they have claimed, which publishes it.
    pub fn approve(&self, writer: usize, review: ReviewId) {
        let verdict = Verdict::Approve;
        let draft = DecisionDraft { verdict, reason: None, comment: None, into: None, edits: None, revision: 1 };
        let once = Once { key: None, render: Box::new(|_| no_reply()) };
        self.service.decide_review(&self.reviewers[writer], review, draft, once).expect("a decision");
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.service.indexer().stop();
        if let Some(follower) = self.follower.take() {
            let _ = follower.join();
        }
    }
}

/// Each of the writers works through its share on a thread of its own: what they made, how long each piece took, and how
/// long it all took.
pub fn together<W: Send, P: Send, T: Send>(
    writers: Vec<(W, Vec<P>)>,
    work: impl Fn(&mut W, P) -> T + Sync,
) -> (Vec<Vec<T>>, Times, Duration) {
    let begun = Wall::now();
    let work = &work;
    let one = |(mut writer, share): (W, Vec<P>)| {
        let timed = |piece: P| {
            let begun = Wall::now();
            let made = work(&mut writer, piece);
            (made, begun.elapsed())
        };
        share.into_iter().map(timed).unzip::<T, Duration, Vec<_>, Vec<_>>()
    };
    let done: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = writers.into_iter().map(|writer| scope.spawn(move || one(writer))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a writer")).collect()
    });
    let took = begun.elapsed();
    let (made, times): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    (made, Times::new(times.concat()), took)
}

fn text(tip: &TipDocument) -> TipText {
    TipText {
        title: tip.title.clone(),
        problem: tip.problem.clone(),
        cause: tip.cause.clone(),
        solution: tip.solution.clone(),
        products: tip.products.clone(),
        fault_codes: tip.fault_codes.clone(),
        parts: tip.parts.clone(),
        tags: tip.tags.clone(),
        safety: tip.safety,
        hazard: tip.hazard.clone(),
        attachments: Vec::new(),
        lang: tip.lang.clone(),
    }
}

fn no_reply() -> Reply {
    Reply { status: 201, headers: Vec::new(), body: Vec::new() }
}
