//! Random histories of tips, communities and people: a copy that follows the change feed, in pages and with pauses, ends as
//! exactly what its reader finds; and nothing was told of a tip that was never for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use eureka_domain::access::Caller;
use eureka_domain::community::{Charter, Community, Openness, ReviewPolicy, Role};
use eureka_domain::feed::Told;
use eureka_domain::ids::{ReviewId, TipId, TipRef, UserId};
use eureka_domain::review::Verdict;
use eureka_domain::tip::{Confidence, Replaced, Safety, TipText};
use eureka_domain::user::{SiteRole, User, UserStatus};
use eureka_domain::visibility;
use eureka_service::{
    CommunityChanges, DecisionDraft, FeedCursor, IfMatch, Indexer, Keys, NewTip, Once, Passwords, Photos, PoolOptions,
    Pools, Reply, SearchPool, Service, ServiceError, TipChanges, TipQuery, TipView, UserChanges, Written, generate_key,
};
use eureka_store::{communities, tips, users};
use eureka_testkit::{CountedIds, FixedClock, TestDatabase};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{TestCaseError, TestRunner};
use uuid::Uuid;

/// How many histories are played on each kind of database.
const ON_SQLITE: u32 = 32;
const ON_POSTGRES: u32 = 8;

/// Those who keep a copy.
const READERS: [&str; 3] = ["member", "outsider", "someday admin"];

#[derive(Debug, Clone, Copy)]
enum Act {
    /// Writes a tip in a community; it is approved, or waits.
    Write(usize, bool),
    /// Has the next revision of a tip approved.
    Rewrite(usize),
    Keep(Keeping, usize),
    Replace(Replaced, usize, usize),
    Turn(usize, Openness),
    Join(usize, usize),
    Leave(usize, usize),
    MakeAdmin(bool),
    Rename,
    /// A reader reads so many pages of the feed.
    Follow(usize, usize),
}

#[derive(Debug, Clone, Copy)]
enum Keeping {
    Hold,
    Release,
    Archive,
    Restore,
    Separate,
}

fn act() -> impl Strategy<Value = Act> {
    let (tip, place, reader) = (0..6usize, 0..2usize, 0..READERS.len());
    let keeping = select(&[Keeping::Hold, Keeping::Release, Keeping::Archive, Keeping::Restore, Keeping::Separate][..]);
    let how = select(&[Replaced::Merged, Replaced::Superseded][..]);
    prop_oneof![
        6 => (place.clone(), prop::bool::weighted(0.8)).prop_map(|(place, approved)| Act::Write(place, approved)),
        2 => tip.clone().prop_map(Act::Rewrite),
        5 => (keeping, tip.clone()).prop_map(|(keeping, tip)| Act::Keep(keeping, tip)),
        2 => (how, tip.clone(), tip).prop_map(|(how, tip, by)| Act::Replace(how, tip, by)),
        3 => (place.clone(), select(&[Openness::Open, Openness::Private][..])).prop_map(|(p, to)| Act::Turn(p, to)),
        3 => (reader.clone(), place.clone()).prop_map(|(reader, place)| Act::Join(reader, place)),
        2 => (reader.clone(), place).prop_map(|(reader, place)| Act::Leave(reader, place)),
        1 => any::<bool>().prop_map(Act::MakeAdmin),
        1 => Just(Act::Rename),
        4 => (reader, 1..4usize).prop_map(|(reader, pages)| Act::Follow(reader, pages)),
    ]
}

/// What one reader keeps.
#[derive(Default)]
struct Copy {
    next: Option<FeedCursor>,
    tips: BTreeMap<TipId, (i32, Confidence)>,
    /// The tips that they could read at some time.
    shown: BTreeSet<TipId>,
}

struct World {
    service: Service,
    communities: Vec<Community>,
    author: UserId,
    steward: UserId,
    admin: UserId,
    readers: Vec<UserId>,
    copies: Vec<Copy>,
    tips: Vec<TipId>,
}

impl World {
    fn new(database: &TestDatabase) -> Self {
        let store = database.store().clone();
        let service = Service::new(
            store.clone(),
            Indexer::idle(store),
            Arc::new(FixedClock::new()),
            Arc::new(CountedIds::default()),
            Keys::new("eureka", &[generate_key().unwrap()]).unwrap(),
            Pools {
                passwords: Passwords::cheap(1).unwrap(),
                photos: Photos::new(1).unwrap(),
                searches: SearchPool::new(PoolOptions::default()).unwrap(),
            },
        );
        let community = |slug: &str, openness| {
            let policy = ReviewPolicy::default();
            let charter =
                Charter { slug: slug.into(), name: slug.into(), description: String::new(), openness, policy };
            service.found_community(charter).unwrap().value
        };
        let communities = vec![community("printers", Openness::Open), community("medical", Openness::Private)];
        let (author, steward) = (person(&service, "author"), person(&service, "steward"));
        for community in &communities {
            service.enrol_member(community.id, author, Role::Contributor).unwrap();
            service.enrol_member(community.id, steward, Role::Steward).unwrap();
        }
        let readers: Vec<_> = READERS.iter().map(|name| person(&service, name)).collect();
        let admin = person(&service, "admin");
        let copies = READERS.iter().map(|_| Copy::default()).collect();
        Self { communities, author, steward, admin, readers, copies, tips: Vec::new(), service }
    }

    /// A person as they stand now.
    fn caller(&self, user: UserId) -> Caller {
        let store = self.service.store();
        let (found, standings) = store
            .read(|conn| {
                Ok::<_, ServiceError>((users::find(conn, user)?.unwrap(), communities::standings(conn, user)?))
            })
            .unwrap();
        let site_role = if user == self.admin { SiteRole::Admin } else { found.site_role };
        Caller { user, site_role, standings, session: None, key: None }
    }

    /// Does it, if it can be done; what was refused is as good.
    fn act(&mut self, act: Act) {
        let (steward, admin) = (self.caller(self.steward), self.caller(self.admin));
        let why = || "Seen on site.".to_owned();
        let slug = |place: usize| self.communities[place].slug.clone();
        let tip = |place: usize| TipRef::Id(self.tips.get(place).copied().unwrap_or(TipId(Uuid::nil())));
        let service = &self.service;
        match act {
            Act::Write(place, approved) => self.write(place, approved),
            Act::Rewrite(place) => self.rewrite(tip(place)),
            Act::Keep(keeping, place) => {
                let (tip, any) = (tip(place), IfMatch::Any);
                let _ = match keeping {
                    Keeping::Hold => service.hold_tip(&steward, tip, why(), any),
                    Keeping::Release => service.release_tip(&steward, tip, why(), any),
                    Keeping::Archive => service.archive_tip(&steward, tip, why(), any),
                    Keeping::Restore => service.restore_tip(&steward, tip, why(), any),
                    Keeping::Separate => service.separate_tip(&steward, tip, why(), any),
                };
            }
            Act::Replace(how, one, by) => {
                let _ = service.replace_tip(&steward, tip(one), tip(by), how, why(), IfMatch::Any);
            }
            Act::Turn(place, openness) => {
                let changes = CommunityChanges { openness: Some(openness), ..CommunityChanges::default() };
                service.update_community(&admin, slug(place), changes, IfMatch::Any).unwrap();
            }
            Act::Join(reader, place) => {
                service.set_member(&admin, slug(place), self.readers[reader], Role::Reader).unwrap();
            }
            Act::Leave(reader, place) => {
                let _ = service.remove_member(&admin, slug(place), self.readers[reader]);
            }
            Act::MakeAdmin(yes) => {
                let site_role = Some(if yes { SiteRole::Admin } else { SiteRole::Member });
                let changes = UserChanges { site_role, ..UserChanges::default() };
                service.update_user(&admin, self.readers[2], changes, IfMatch::Any).unwrap();
            }
            Act::Rename => {
                let changes = UserChanges { name: Some("Another Name".to_owned()), ..UserChanges::default() };
                service.update_user(&admin, self.author, changes, IfMatch::Any).unwrap();
            }
            Act::Follow(..) => {}
        }
    }

    fn write(&mut self, place: usize, approved: bool) {
        let made = Arc::new(OnceLock::new());
        let keep = Arc::clone(&made);
        let render = move |written: &Written<TipView>| {
            let view = &written.value;
            let _ = keep.set((view.tip.id, view.review.as_ref().map(|review| review.id)));
            no_reply()
        };
        let text = TipText {
            title: "Zirconium".to_owned(),
            problem: "It stops.".to_owned(),
            cause: None,
            solution: None,
            products: Vec::new(),
            fault_codes: Vec::new(),
            parts: Vec::new(),
            tags: Vec::new(),
            safety: Safety::None,
            hazard: None,
            attachments: Vec::new(),
            lang: None,
        };
        let new = NewTip { community: self.communities[place].slug.clone(), text, submit: true, gap: None };
        let once = Once { key: None, render: Box::new(render) };
        self.service.create_tip(&self.caller(self.author), new, once).unwrap();
        let (tip, review) = made.get().copied().unwrap();
        self.tips.push(tip);
        if approved {
            self.approve(review.unwrap(), 1);
        }
    }

    fn rewrite(&self, tip: TipRef) {
        let author = self.caller(self.author);
        let changes = TipChanges { title: Some("Another title".to_owned()), ..TipChanges::default() };
        let edited = self.service.edit_tip(&author, tip, changes, IfMatch::Any);
        let Ok(_) = edited else { return };
        let Ok(sent) = self.service.submit_tip(&author, tip, IfMatch::Any) else { return };
        let view = sent.value;
        if let Some(review) = view.review {
            self.approve(review.id, view.tip.latest);
        }
    }

    fn approve(&self, review: ReviewId, revision: i32) {
        let (reason, comment, into, edits) = (None, None, None, None);
        let draft = DecisionDraft { verdict: Verdict::Approve, reason, comment, into, edits, revision };
        let once = Once { key: None, render: Box::new(|_| no_reply()) };
        self.service.decide_review(&self.caller(self.steward), review, draft, once).unwrap();
    }

    /// Every tip with whether it is listed, and whether a caller may read it: as the rules say, not the queries.
    fn judged(&self, caller: &Caller) -> Vec<(tips::TipSheet, bool, bool)> {
        let judge = |conn: &mut eureka_store::Conn<'_>| {
            let mut judged = Vec::new();
            let mut owners = BTreeMap::new();
            for community in &self.communities {
                owners.insert(community.id, communities::find(conn, community.id)?.unwrap());
            }
            for sheet in tips::sheets_after(conn, None, 1000)? {
                let community = &owners[&sheet.tip.community];
                let reads = caller.audience().reads(community.id, community.openness);
                let listed = visibility::is_listed(&sheet.tip);
                judged.push((sheet, listed, reads));
            }
            Ok::<_, ServiceError>(judged)
        };
        self.service.store().read(judge).unwrap()
    }

    /// Notes what each reader may read now.
    fn show(&mut self) {
        for reader in 0..self.readers.len() {
            let judged = self.judged(&self.caller(self.readers[reader]));
            let read = judged.iter().filter(|(sheet, _, reads)| sheet.live.is_some() && *reads);
            self.copies[reader].shown.extend(read.map(|(sheet, ..)| sheet.tip.id));
        }
    }

    /// Reads so many pages of the feed, or all that there are.
    fn follow(&mut self, reader: usize, pages: usize) -> Result<(), TestCaseError> {
        // What is remembered of a caller may be old: the feed looks for itself.
        let caller = Caller { standings: BTreeMap::new(), ..self.caller(self.readers[reader]) };
        let slugs: BTreeSet<String> = {
            let now = self.caller(self.readers[reader]);
            let all = self.communities.iter().map(|community| {
                self.service.store().read(|conn| communities::find(conn, community.id)).unwrap().unwrap()
            });
            all.filter(|community| now.knows(community)).map(|community| community.slug).collect()
        };
        let copy = &mut self.copies[reader];
        let mut position = 0;
        for _ in 0..pages {
            let page =
                self.service.list_changes(&caller, copy.next, 2).map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert!(page.entries.len() <= 2);
            for entry in page.entries {
                prop_assert!(copy.shown.contains(&entry.tip), "{:?} was never for {}", entry, READERS[reader]);
                prop_assert!(entry.community.iter().all(|slug| slugs.contains(slug)), "{:?}", entry);
                prop_assert!(entry.position >= position, "in the order of the log");
                position = entry.position;
                match entry.told {
                    Told::Listed { revision, confidence } => {
                        prop_assert!(entry.community.is_some());
                        copy.tips.insert(entry.tip, (revision, confidence));
                    }
                    Told::Gone(_) => {
                        copy.tips.remove(&entry.tip);
                    }
                }
            }
            copy.next = Some(page.next);
            if !page.more {
                break;
            }
        }
        Ok(())
    }

    /// Whether each copy that has followed to the end is what its reader finds.
    fn agree(&mut self) -> Result<(), TestCaseError> {
        for (reader, name) in READERS.into_iter().enumerate() {
            self.follow(reader, usize::MAX)?;
            let caller = self.caller(self.readers[reader]);
            let mut found = BTreeMap::new();
            for (sheet, listed, reads) in self.judged(&caller) {
                if listed && reads {
                    found.insert(sheet.tip.id, (sheet.live.unwrap().number, sheet.tip.confidence));
                }
            }
            prop_assert_eq!(&self.copies[reader].tips, &found, "the copy of {}", name);
            let exported = self.service.export_tips(&caller, &TipQuery::default(), None).unwrap().tips;
            let exported: BTreeMap<_, _> =
                exported.iter().map(|view| (view.tip.id, (view.shown.number, view.tip.confidence))).collect();
            prop_assert_eq!(&exported, &found, "the export of {}", name);
        }
        Ok(())
    }

    fn play(&mut self, acts: &[Act]) -> Result<(), TestCaseError> {
        for &act in acts {
            self.act(act);
            self.show();
            if let Act::Follow(reader, pages) = act {
                self.follow(reader, pages)?;
            }
        }
        self.agree()
    }
}

/// An account that nobody signs in to.
fn person(service: &Service, name: &str) -> UserId {
    let now = service.now();
    let user = User {
        id: UserId(service.new_request_id()),
        email: Some(format!("{}@example.org", name.replace(' ', "."))),
        name: name.to_owned(),
        site_role: SiteRole::Member,
        status: UserStatus::Active,
        auth_epoch: 0,
        created_at: now,
        updated_at: now,
    };
    let id = user.id;
    service.store().write(move |conn| users::insert(conn, &user, None)).unwrap();
    id
}

fn no_reply() -> Reply {
    Reply { status: 201, headers: Vec::new(), body: Vec::new() }
}

/// Plays so many random histories, each on a database of its own.
fn play(database: impl Fn() -> TestDatabase, cases: u32) {
    let config =
        ProptestConfig { source_file: Some(file!()), max_shrink_iters: 200, ..ProptestConfig::with_cases(cases) };
    let acts = prop::collection::vec(act(), 10..50);
    let played = TestRunner::new(config).run(&acts, |acts| World::new(&database()).play(&acts));
    if let Err(why) = played {
        panic!("{why}");
    }
}

#[test]
fn a_copy_that_follows_on_sqlite_ends_as_what_its_reader_finds() {
    play(TestDatabase::sqlite, ON_SQLITE);
}

#[test]
fn a_copy_that_follows_on_postgresql_ends_as_what_its_reader_finds() {
    if TestDatabase::postgres().is_some() {
        play(|| TestDatabase::postgres().unwrap(), ON_POSTGRES);
    }
}
