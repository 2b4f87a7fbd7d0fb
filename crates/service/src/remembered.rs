//! Searches, remembered: what was asked and how much was found goes through a bounded queue to a thread that writes many
//! at once, after the searches have been answered. When the queue is full they are dropped, and counted. Of a query that
//! is asked for while it is typed, only what its writer ended on is remembered. What searches ask for in vain becomes gaps.

mod typing;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, Thread};
use std::time::Duration;

use eureka_domain::community::Openness;
use eureka_domain::gap::{self, Gap};
use eureka_domain::ids::{CommunityId, GapId, UserId};
use eureka_domain::visibility::Audience;
use eureka_domain::{Ids, Instant};
use eureka_search::{gist, plain_name};
use eureka_store::searches::{self, Search};
use eureka_store::{Conn, Store, communities, gaps, users};
use uuid::Uuid;

use self::typing::Typing;
use crate::ServiceError;

/// Searches that wait to be written; more are dropped.
const QUEUE: usize = 4096;
/// Most searches in one transaction, so that others wait milliseconds for the writer.
const BATCH: usize = 500;
/// How long a batch gathers. The thread sleeps meanwhile, so that no search has to wake it.
const GATHER: Duration = Duration::from_millis(200);

/// A search that was answered.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) id: Uuid,
    pub(crate) at: Instant,
    pub(crate) user: UserId,
    /// Whose tips they could read.
    pub(crate) audience: Audience,
    /// Where a gap of it belongs; absent when none is to come of it.
    pub(crate) home: Option<Home>,
    pub(crate) product: Option<String>,
    pub(crate) fault_code: Option<String>,
    pub(crate) q: String,
    pub(crate) hits: i64,
    /// Whether a gap comes of it at once.
    pub(crate) in_vain: bool,
    /// The language it is in, where that can be told.
    pub(crate) lang: Option<&'static str>,
}

/// Where a gap belongs: to one community, or to every open one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Home(pub(crate) Option<CommunityId>);

enum Note {
    Asked(Box<Asked>),
    Opened {
        search: Uuid,
        by: UserId,
        at: Instant,
    },
    /// Whoever waits for what is queued before it.
    Settle(SyncSender<()>),
}

/// The way to the thread that writes; it starts with the first search, and ends with the last clone of this.
pub(crate) struct Remembered {
    store: Store,
    ids: Arc<dyn Ids>,
    scribe: OnceLock<Option<(SyncSender<Note>, Thread)>>,
    dropped: Arc<AtomicU64>,
}

impl Remembered {
    pub(crate) fn new(store: Store, ids: Arc<dyn Ids>) -> Self {
        Self { store, ids, scribe: OnceLock::new(), dropped: Arc::default() }
    }

    /// Remembers a search. Never waits.
    pub(crate) fn asked(&self, asked: Asked) {
        self.offer(Note::Asked(Box::new(asked)));
    }

    /// Remembers that somebody opened a hit of their search. Never waits.
    pub(crate) fn opened(&self, search: Uuid, by: UserId, at: Instant) {
        self.offer(Note::Opened { search, by, at });
    }

    /// How many searches could not be remembered since the start.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until all that was remembered before is written.
    pub(crate) fn settle(&self) {
        let (done, wait) = sync_channel(1);
        if let Some((queue, thread)) = self.scribe()
            && queue.send(Note::Settle(done)).is_ok()
        {
            thread.unpark();
            let _ = wait.recv(); // the thread has gone when this fails
        }
    }

    fn offer(&self, note: Note) {
        if self.scribe().is_none_or(|(queue, _)| queue.try_send(note).is_err()) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn scribe(&self) -> Option<&(SyncSender<Note>, Thread)> {
        let start = || {
            let (queue, notes) = sync_channel(QUEUE);
            let scribe =
                Scribe { store: self.store.clone(), ids: Arc::clone(&self.ids), dropped: Arc::clone(&self.dropped) };
            let thread = thread::Builder::new().name("searches".to_owned()).spawn(move || scribe.write_down(&notes));
            thread.ok().map(|thread| (queue, thread.thread().clone()))
        };
        self.scribe.get_or_init(start).as_ref()
    }
}

impl Drop for Remembered {
    fn drop(&mut self) {
        if let Some(Some((queue, thread))) = self.scribe.take() {
            drop(queue);
            thread.unpark();
        }
    }
}

/// Writes searches down.
struct Scribe {
    store: Store,
    ids: Arc<dyn Ids>,
    dropped: Arc<AtomicU64>,
}

#[derive(Default)]
struct Batch {
    asked: Vec<Asked>,
    opened: Vec<(Uuid, UserId, Instant)>,
    waiting: Vec<SyncSender<()>>,
}

impl Batch {
    fn add(&mut self, note: Note) {
        match note {
            Note::Asked(asked) => self.asked.push(*asked),
            Note::Opened { search, by, at } => self.opened.push((search, by, at)),
            Note::Settle(waiting) => self.waiting.push(waiting),
        }
    }

    fn is_full(&self) -> bool {
        self.asked.len() + self.opened.len() >= BATCH
    }
}

impl Scribe {
    fn write_down(&self, notes: &Receiver<Note>) {
        let mut typing = Typing::default();
        let mut full = false;
        loop {
            let first = match typing.patience() {
                None => notes.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(patience) => notes.recv_timeout(patience),
            };
            let over = matches!(first, Err(RecvTimeoutError::Disconnected));
            let batch = first.map_or_else(|_| Batch::default(), |first| gather(first, notes, full));
            full = batch.is_full();
            let all = over || !batch.waiting.is_empty();
            let mut asked = batch.asked.into_iter().filter_map(|asked| typing.take(asked)).collect::<Vec<_>>();
            asked.extend(batch.opened.iter().filter_map(|(search, by, _)| typing.end(*by, *search)));
            asked.extend(if all { typing.end_all() } else { typing.end_due() });
            self.store(asked, batch.opened);
            for waiting in batch.waiting {
                let _ = waiting.send(()); // whoever waited may have gone
            }
            if over {
                return;
            }
        }
    }

    fn store(&self, mut asked: Vec<Asked>, opened: Vec<(Uuid, UserId, Instant)>) {
        if asked.is_empty() && opened.is_empty() {
            return;
        }
        asked.sort_by_key(|asked| (asked.at, asked.id));
        let lost = (asked.len() + opened.len()) as u64;
        let ids = Arc::clone(&self.ids);
        let written = self.store.write(move |conn| write(conn, asked, opened, &*ids));
        if let Err(error) = written {
            let dropped = self.dropped.fetch_add(lost, Ordering::Relaxed) + lost;
            tracing::warn!(%error, dropped, "searches could not be remembered");
        }
    }
}

/// What comes within a moment, or until somebody waits for it; after a full batch, what is there already.
fn gather(first: Note, notes: &Receiver<Note>, at_once: bool) -> Batch {
    let mut batch = Batch::default();
    batch.add(first);
    if batch.waiting.is_empty() && !at_once {
        thread::park_timeout(GATHER);
    }
    while batch.waiting.is_empty()
        && !batch.is_full()
        && let Ok(note) = notes.try_recv()
    {
        batch.add(note);
    }
    batch
}

fn write(
    conn: &mut Conn<'_>,
    asked: Vec<Asked>,
    opened: Vec<(Uuid, UserId, Instant)>,
    ids: &dyn Ids,
) -> Result<(), ServiceError> {
    let mut rows = Vec::with_capacity(asked.len());
    let mut homes: HashMap<CommunityId, Option<Openness>> = HashMap::new();
    let mut met: HashMap<(Option<CommunityId>, String), GapId> = HashMap::new();
    let mut asked_again: BTreeMap<GapId, (i32, Instant)> = BTreeMap::new();
    // Whoever was erased since they asked leaves nothing here.
    let people: BTreeSet<UserId> = asked.iter().map(|asked| asked.user).collect();
    let active = users::active(conn, &people.into_iter().collect::<Vec<_>>())?;
    for mut asked in asked.into_iter().filter(|asked| active.contains(&asked.user)) {
        if let Some(Home(Some(id))) = asked.home {
            let openness = match homes.get(&id) {
                Some(openness) => *openness,
                None => communities::find(conn, id)?.map(|community| community.openness),
            };
            homes.insert(id, openness);
            asked.home = asked.home.filter(|_| openness.is_some_and(|openness| asked.audience.reads(id, openness)));
        }
        let in_vain = asked.in_vain;
        let mut row = as_row(asked);
        if let (true, Some((key, _))) = (in_vain, row.1.as_ref()) {
            let of = (row.0.home, key.clone());
            let id = match met.get(&of) {
                Some(id) => *id,
                None => gap_of(conn, &row, ids)?,
            };
            met.insert(of, id);
            row.0.gap = Some(id);
            let again = asked_again.entry(id).or_insert((0, row.0.at));
            *again = (again.0 + 1, again.1.max(row.0.at));
        }
        rows.push(row.0);
    }
    searches::insert(conn, &rows)?;
    for (search, by, at) in opened {
        searches::opened(conn, search, by, at)?;
    }
    for (id, (times, at)) in asked_again {
        count_in(conn, id, times, at)?;
    }
    Ok(())
}

/// A search with its key and the words in it, if a gap may come of it.
type Keyed = (Search, Option<(String, Vec<String>)>);

fn as_row(asked: Asked) -> Keyed {
    let keyed = asked.home.and_then(|_| {
        let whole = asked.fault_code.iter().fold(asked.q.clone(), |q, code| format!("{q} {code}"));
        let terms = gist(&whole, asked.lang);
        (!terms.is_empty()).then(|| (key_of(asked.product.as_deref(), &terms), terms))
    });
    let search = Search {
        id: asked.id,
        at: asked.at,
        user: asked.user,
        home: asked.home.and_then(|home| home.0),
        key: keyed.as_ref().map(|(key, _)| key.clone()),
        product: asked.product,
        typed: asked.fault_code.iter().fold(asked.q, |q, code| format!("{q} {code}").trim().to_owned()),
        hits: asked.hits,
        gap: None,
    };
    (search, keyed)
}

/// What searches for the same have in common: the product that they are for, as names are compared, and their words.
pub(crate) fn key_of(product: Option<&str>, terms: &[String]) -> String {
    format!("\t{}\t\n{}", product.map(plain_name).unwrap_or_default(), terms.join("\n"))
}

/// The gap that a search asks for, made where there is none.
fn gap_of(conn: &mut Conn<'_>, (search, keyed): &Keyed, ids: &dyn Ids) -> Result<GapId, ServiceError> {
    let Some((key, terms)) = keyed else { return Err(ServiceError::internal("a gap needs words")) };
    if let Some(known) = gaps::find_key(conn, search.home, key)? {
        return Ok(known.id);
    }
    let gap = Gap {
        id: GapId(ids.next(search.at)),
        community: search.home,
        product: search.product.clone(),
        terms: terms.clone(),
        wording: None,
        asked: 0,
        people: 0,
        first_asked_at: search.at,
        last_asked_at: search.at,
        claim: None,
        answer: None,
    };
    gaps::insert(conn, &gap, key)?;
    Ok(gap.id)
}

/// Counts searches into their gap, once they are stored.
fn count_in(conn: &mut Conn<'_>, id: GapId, times: i32, last: Instant) -> Result<(), ServiceError> {
    let mut gap = gaps::find(conn, id)?.ok_or_else(|| ServiceError::internal("a gap is missing"))?;
    let (people, wording) = searches::wording(conn, id)?;
    gap.asked = gap.asked.saturating_add(times);
    gap.people = gap.people.max(i32::try_from(people).unwrap_or(i32::MAX));
    gap.last_asked_at = gap.last_asked_at.max(last);
    if gap.people >= gap::PEOPLE_LEAST {
        gap.wording = wording.or(gap.wording);
    }
    Ok(gaps::save(conn, &gap)?)
}

/// Makes gaps of searches whose hits are opened too rarely; says of how many. Called now and then.
pub(crate) fn gather_unopened(conn: &mut Conn<'_>, now: Instant, ids: &dyn Ids) -> Result<usize, ServiceError> {
    let (from, to) = (now - gap::REMEMBERED, now - gap::OPENED_WITHIN);
    let kinds = searches::unopened(conn, from, to, i64::from(gap::ASKED_LEAST), gap::OPENED_LEAST)?;
    let mut gathered = 0;
    for kind in kinds {
        let found = searches::of_unopened(conn, &kind, from, to)?;
        let (Some(first), Some(last)) = (found.first(), found.last()) else { continue };
        let terms = kind.key.lines().skip(1).map(str::to_owned).collect();
        let id = gap_of(conn, &(first.clone(), Some((kind.key.clone(), terms))), ids)?;
        let these: BTreeSet<Uuid> = found.iter().map(|search| search.id).collect();
        searches::assign(conn, &these.into_iter().collect::<Vec<_>>(), id)?;
        count_in(conn, id, i32::try_from(found.len()).unwrap_or(i32::MAX), last.at)?;
        gathered += found.len();
    }
    Ok(gathered)
}
