//! The indexer: a thread that follows the change log and brings the index to what the database says.
//!
//! It applies each tip's present state, not the event, so that doing a thing twice does no harm. The index's own commit
//! carries its place in the log: a crash replays from there; a place that is not on the chain (a restored past, another
//! database) means a rebuild.

mod aside;
mod drift;
mod started;
mod state;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Stopwatch};

use eureka_domain::change::{GENESIS, Head, Kind, Recorded};
use eureka_domain::community::Openness;
use eureka_domain::ids::{CommunityId, TipId, UserId};
use eureka_search::{Change, Cursor, Former, Index, OpenOptions, Rebuild};
use eureka_store::{Conn, Store, communities, log, tips};
use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use crate::glossary::Words;
use crate::{ServiceError, documents};

use aside::NO_ROOM;
pub use drift::Drift;
pub use started::Chain;
pub use state::{Hold, IndexState};

/// How often the log is looked at without being told: other processes write to it too.
const POLL: Duration = Duration::from_millis(250);
/// Least time between two commits under load; a commit costs the same for one tip as for a hundred.
const PACE: Duration = Duration::from_millis(150);
/// How many rows of the log are read at once.
const ROWS: i64 = 2000;
/// How many tips are loaded and committed at once.
const BATCH: usize = 1000;
/// How long nothing must have been committed before the index is tidied.
const QUIET: Duration = Duration::from_secs(1);
/// How long to wait after a failure.
const REST: Duration = Duration::from_secs(1);

/// How many may wait for a position at once: each holds a thread.
const WAITERS: usize = 64;

/// Keeps the index at what the database says.
pub struct Indexer {
    store: Store,
    dir: PathBuf,
    home: Mutex<Home>,
    /// Taken by whoever changes the index: the follower, a rebuild, a repair.
    work: Mutex<()>,
    progress: Mutex<Progress>,
    moved: Condvar,
    /// The same, for those who wait without a thread.
    places: watch::Sender<i64>,
    words: Words,
    /// The last change of the log that this process has heard of.
    head: AtomicI64,
    /// Tips found to differ by [`Self::check`], and those repaired.
    drifted: [AtomicU64; 2],
    /// How often it found files that are not what was written.
    damaged: AtomicU64,
    /// Whether it is to be judged if what lies aside may be kept.
    aside_is_due: AtomicBool,
    stopping: AtomicBool,
}

/// What there is of the index.
enum Home {
    /// Not opened: somebody else has it, it cannot be read, or this process is to have none. Nothing of it is touched.
    Shut,
    /// Opened, and nothing that can be used: it is to be made.
    Unusable,
    /// In use.
    Open(Arc<Index>),
}

struct Progress {
    state: IndexState,
    /// Whether it has reached the present, and nothing but the database has kept it from following since.
    has_arrived: bool,
    /// How far the log has been read. The index's own cursor follows with the next commit: what changes nothing that is
    /// indexed owes none.
    reached: Option<Cursor>,
    waiting: usize,
}

impl Progress {
    fn position(&self) -> i64 {
        self.reached.as_ref().map_or(0, |cursor| cursor.seq)
    }
}

impl Indexer {
    /// An indexer whose directory could not be opened: held up for that reason, and opened by the follower when it is gone.
    pub fn shut(store: Store, dir: &Path, why: &ServiceError) -> Arc<Self> {
        let state = IndexState::Held(Hold::of(why));
        Arc::new(Self::of(store, dir.to_owned(), Home::Shut, state))
    }

    /// An indexer without an index: for commands that need none and must not take it from a running service.
    pub fn idle(store: Store) -> Arc<Self> {
        Arc::new(Self::of(store, PathBuf::new(), Home::Shut, IndexState::Held(Hold::Other)))
    }

    fn of(store: Store, dir: PathBuf, home: Home, state: IndexState) -> Self {
        let reached = home.cursor();
        Self {
            store,
            dir,
            home: Mutex::new(home),
            work: Mutex::new(()),
            progress: Mutex::new(Progress { state, has_arrived: false, reached, waiting: 0 }),
            moved: Condvar::new(),
            places: watch::Sender::new(0),
            words: Words::default(),
            head: AtomicI64::new(0),
            drifted: Default::default(),
            damaged: AtomicU64::new(0),
            aside_is_due: AtomicBool::new(true),
            stopping: AtomicBool::new(false),
        }
    }

    /// The index, unless it is being made for the first time or could not be opened.
    pub fn index(&self) -> Option<Arc<Index>> {
        match &*self.home.lock() {
            Home::Open(index) => Some(Arc::clone(index)),
            Home::Shut | Home::Unusable => None,
        }
    }

    fn is_shut(&self) -> bool {
        matches!(*self.home.lock(), Home::Shut)
    }

    /// The glossaries in force.
    pub(crate) fn words(&self) -> &Words {
        &self.words
    }

    /// Reads the glossaries again: one has been changed.
    pub(crate) fn reload_words(&self) -> Result<(), ServiceError> {
        self.words.reload(&self.store)
    }

    /// How the index stands, and how far it has come in the log.
    pub fn state(&self) -> (IndexState, i64) {
        let progress = self.progress.lock();
        (progress.state, progress.position())
    }

    /// How many changes of the log the index has not seen, as far as this process has heard of them: the database is not
    /// asked.
    pub fn lag(&self) -> i64 {
        (self.head.load(Ordering::Relaxed) - self.state().1).max(0)
    }

    /// Takes note that the log has come to a position.
    pub fn heard_of(&self, position: i64) {
        self.head.fetch_max(position, Ordering::Relaxed);
    }

    /// Waits until the index has reached a position of the log.
    pub fn wait_for(&self, position: i64, patience: Duration) -> Result<(), ServiceError> {
        let mut progress = self.progress.lock();
        if progress.position() >= position {
            return Ok(());
        }
        if progress.waiting >= WAITERS {
            return Err(ServiceError::Busy("too many wait for the index"));
        }
        progress.waiting += 1;
        self.moved.wait_while_for(&mut progress, |progress| progress.position() < position, patience);
        progress.waiting -= 1;
        if progress.position() >= position {
            Ok(())
        } else {
            Err(ServiceError::Behind { at: progress.position(), wanted: position })
        }
    }

    /// Tells each place of the log that is reached from now on.
    pub fn places(&self) -> watch::Receiver<i64> {
        self.places.subscribe()
    }

    /// Starts the thread that follows the log until [`Self::stop`].
    pub fn follow(self: &Arc<Self>) -> std::io::Result<JoinHandle<()>> {
        let indexer = Arc::clone(self);
        let told = self.store.subscribe();
        std::thread::Builder::new().name("indexer".to_owned()).spawn(move || {
            let (mut busy, mut looked) = (Stopwatch::now(), Stopwatch::now());
            while !indexer.is_stopping() {
                let begun = Stopwatch::now();
                indexer.leave_room(&mut looked);
                match indexer.catch_up() {
                    Ok(committed) => {
                        let _ = told.recv_timeout(POLL);
                        if committed {
                            std::thread::sleep(PACE.saturating_sub(begun.elapsed()));
                            busy = Stopwatch::now();
                        } else if busy.elapsed() > QUIET {
                            indexer.tidy();
                        }
                    }
                    Err(_) if indexer.is_stopping() => return,
                    Err(error) => {
                        tracing::error!(%error, "the index is held up");
                        indexer.hold(&error);
                        std::thread::sleep(REST);
                    }
                }
            }
        })
    }

    /// Has the index merge what it searches in pieces. Trouble with it costs only time.
    fn tidy(&self) {
        let _work = self.work.lock();
        if let Some(index) = self.index()
            && !self.is_stopping()
            && let Err(error) = index.tidy()
        {
            tracing::warn!(%error, "the index could not be tidied");
        }
    }

    /// Ends the thread after the batch it is at, and lets go of the directory. A rebuild is given up; the next start
    /// begins it again.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _work = self.work.lock();
        if let Some(index) = self.index()
            && let Err(error) = index.close()
        {
            tracing::warn!(%error, "the index did not close cleanly");
        }
    }

    /// Brings the index to the end of the log. Says whether anything had to be committed.
    pub fn catch_up(&self) -> Result<bool, ServiceError> {
        let _work = self.work.lock();
        self.words.load(&self.store)?;
        self.settle_aside();
        let mut committed = false;
        while !self.is_stopping() {
            let Some(index) = self.index() else {
                if self.is_shut() {
                    self.open_again()?;
                    continue;
                }
                self.enter(IndexState::Rebuilding);
                self.rebuild_locked(None, Former::PutAside, |_| ())?;
                committed = true;
                continue;
            };
            match self.step(&index)? {
                Step::Arrived => {
                    self.enter(IndexState::Ready);
                    return Ok(committed);
                }
                Step::Moved => committed = true,
                Step::OffChain => {
                    tracing::warn!("the index is not on the chain of this database and will be made anew");
                    self.enter(IndexState::Rebuilding);
                    self.rebuild_locked(Some(&index), Former::Removed, |_| ())?;
                    committed = true;
                }
            }
        }
        Ok(committed)
    }

    /// Makes the index anew beside the present one, which answers searches meanwhile, and swaps it in. The log is not
    /// followed until then: what is written meanwhile is found after it.
    pub fn rebuild(&self, progress: impl FnMut(u64)) -> Result<u64, ServiceError> {
        let _work = self.work.lock();
        let before = self.index();
        self.rebuild_locked(before.as_deref(), Former::Removed, progress)
    }

    /// Makes the index anew, if need be in the room that one takes which was put aside before.
    fn rebuild_locked(
        &self,
        before: Option<&Index>,
        former: Former,
        mut progress: impl FnMut(u64),
    ) -> Result<u64, ServiceError> {
        let made = match self.make_anew(before, former, &mut progress) {
            Err(error) if Hold::of(&error) == Hold::DiskFull && self.forget_aside(NO_ROOM)? => {
                self.make_anew(before, former, &mut progress)
            }
            made => made,
        }?;
        self.aside_is_due.store(true, Ordering::SeqCst);
        self.settle_aside();
        Ok(made)
    }

    fn make_anew(
        &self,
        before: Option<&Index>,
        former: Former,
        progress: &mut impl FnMut(u64),
    ) -> Result<u64, ServiceError> {
        let mut rebuild = match before {
            Some(index) => index.rebuild_beside()?,
            None if self.is_shut() => return Err(ServiceError::Unavailable("the index has not been opened".into())),
            None => Index::rebuild_over(&self.dir, OpenOptions::default())?,
        };
        // What changes while the tips are read is read again from this place on.
        let head = self.store.read(log::head)?;
        self.reload_words()?;
        let added = self.add_all(&mut rebuild, progress)?;
        let cursor = cursor_at(&head);
        match before {
            Some(index) => index.swap_in(rebuild, &cursor, former)?,
            None => *self.home.lock() = Home::Open(Arc::new(rebuild.finish(&cursor)?)),
        }
        self.head.store(head.seq, Ordering::Relaxed); // lower than before in another past
        self.reach(cursor);
        tracing::info!(tips = added, position = head.seq, "the index was made anew");
        Ok(added)
    }

    fn add_all(&self, rebuild: &mut Rebuild, progress: &mut impl FnMut(u64)) -> Result<u64, ServiceError> {
        let mut added = 0;
        let mut after: Option<TipId> = None;
        loop {
            let (last, changes) = self.store.read(|conn| {
                let sheets = tips::sheets_after(conn, after, i64::try_from(BATCH).unwrap_or(1000))?;
                let last = sheets.last().map(|sheet| sheet.tip.id);
                Ok::<_, ServiceError>((last, documents::of_sheets(conn, sheets)?))
            })?;
            for change in changes {
                if let Change::Put(document) = change {
                    rebuild.add(&document)?;
                    added += 1;
                }
            }
            progress(added);
            match last {
                _ if self.is_stopping() => return Err(ServiceError::Unavailable("the service is stopping".into())),
                Some(last) => after = Some(last),
                None => return Ok(added),
            }
        }
    }

    /// Applies the next rows of the log.
    fn step(&self, index: &Index) -> Result<Step, ServiceError> {
        let reached = self.progress.lock().reached.clone();
        let read = self.store.read(|conn| read_ahead(conn, reached.as_ref()))?;
        let Some(Ahead { head, last, affected, closed, other_words, erased }) = read else {
            return Ok(Step::OffChain);
        };
        self.heard_of(head.seq);
        if other_words {
            self.reload_words()?;
        }
        let Some(last) = last else {
            return Ok(Step::Arrived);
        };
        let arrives = last.seq == head.seq;
        let committed = index.cursor();
        let target = Cursor::new(head.log_id, last.seq, last.hash);
        if affected.is_empty() && !erased && committed.as_ref().is_some_and(|cursor| target.seq - cursor.seq < ROWS) {
            // Nothing that is indexed has changed: no commit is owed, the next one takes the cursor along.
            self.reach(target);
            return Ok(if arrives { Step::Arrived } else { Step::Moved });
        }
        if !arrives {
            self.enter(IndexState::CatchingUp);
        }
        let tips = affected.len();
        let _span = tracing::debug_span!(target: "eureka::trace", "index batch", tips, position = target.seq).entered();
        let hold_back = committed.unwrap_or_else(|| Cursor::new(head.log_id, 0, GENESIS));
        if !closed.is_empty() {
            // Out of everybody's sight at once, then back for the members, batch by batch.
            index.apply(closed.into_iter().map(Change::Remove).collect(), &hold_back)?;
        }
        let batches: Vec<&[TipId]> = affected.chunks(BATCH).collect();
        let final_batch = batches.len().saturating_sub(1);
        for (place, batch) in batches.into_iter().enumerate() {
            let changes = self.store.read(|conn| documents::changes(conn, batch))?;
            // Only the last batch moves the cursor: a crash before it repeats them all.
            index.apply(changes, if place == final_batch && !erased { &target } else { &hold_back })?;
        }
        if erased {
            // The name is to be gone from the files as well; a crash before it is repeats this.
            index.compact()?;
            self.forget_aside("somebody has been erased")?;
        }
        if affected.is_empty() || erased {
            index.apply(Vec::new(), &target)?;
        }
        self.reach(target);
        Ok(Step::Moved)
    }

    fn enter(&self, state: IndexState) {
        let mut progress = self.progress.lock();
        progress.has_arrived = match state {
            IndexState::Ready | IndexState::OnItsOwn => true,
            IndexState::CatchingUp => progress.has_arrived,
            IndexState::Rebuilding | IndexState::Held(_) => false,
        };
        progress.state = state;
    }

    /// The database may be away for long without any harm to what is searched; anything else may have left it behind.
    fn hold(&self, error: &ServiceError) {
        let by = Hold::of(error);
        if by == Hold::DiskFull
            && let Err(error) = self.forget_aside(NO_ROOM)
        {
            tracing::warn!(%error, "the damaged index that is kept aside could not be removed");
        }
        let goes_on = by == Hold::DatabaseAway && self.progress.lock().has_arrived;
        self.enter(if goes_on { IndexState::OnItsOwn } else { IndexState::Held(by) });
    }

    fn reach(&self, cursor: Cursor) {
        self.places.send_replace(cursor.seq);
        self.progress.lock().reached = Some(cursor);
        self.moved.notify_all();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

enum Step {
    /// The index is at the end of the log.
    Arrived,
    /// There may be more.
    Moved,
    /// The place that was reached is not on the chain of this database.
    OffChain,
}

/// The next rows of the log and the tips they affect.
struct Ahead {
    head: Head,
    last: Option<Recorded>,
    affected: Vec<TipId>,
    /// Those of them whose community has become private.
    closed: Vec<TipId>,
    /// Whether a glossary has changed, or who is to hear of one.
    other_words: bool,
    /// Whether a person was erased.
    erased: bool,
}

/// Reads on from the place that was reached, after making sure that it is on the chain, and so all before it; `None` if
/// it is not.
fn read_ahead(conn: &mut Conn<'_>, reached: Option<&Cursor>) -> Result<Option<Ahead>, ServiceError> {
    let head = log::head(conn)?;
    if let Some(cursor) = reached
        && !is_on_chain(conn, cursor, &head)?
    {
        return Ok(None);
    }
    let rows = log::after(conn, reached.map_or(0, |cursor| cursor.seq), ROWS)?;
    let (affected, closed) = affected(conn, &rows)?;
    let erased = rows.iter().any(|row| row.kind == Kind::UserErased);
    let is_of_words = |row: &Recorded| matches!(row.kind, Kind::GlossaryUpdated | Kind::CommunityOpennessChanged);
    let other_words = erased || rows.iter().any(is_of_words); // a glossary may have had the name
    Ok(Some(Ahead { head, last: rows.into_iter().next_back(), affected, closed, other_words, erased }))
}

fn is_on_chain(conn: &mut Conn<'_>, cursor: &Cursor, head: &Head) -> Result<bool, ServiceError> {
    if cursor.log_id != head.log_id || cursor.seq > head.seq {
        return Ok(false);
    }
    if cursor.seq == 0 {
        return Ok(true);
    }
    let row = log::after(conn, cursor.seq - 1, 1)?.into_iter().next();
    Ok(row.is_some_and(|row| row.seq == cursor.seq && row.hash == cursor.hash))
}

/// The tips whose documents may differ after these changes, and those of them whose community is private from now on.
fn affected(conn: &mut Conn<'_>, rows: &[Recorded]) -> Result<(Vec<TipId>, Vec<TipId>), ServiceError> {
    let (mut affected, mut closed) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        match (row.kind, row.tip, row.subject) {
            (Kind::TipSeparated, Some(tip), from) => {
                affected.insert(tip);
                affected.extend(from.map(TipId));
            }
            (kind, Some(tip), _) if kind.is_indexed() => {
                affected.insert(tip);
            }
            (Kind::CommunityOpennessChanged, _, Some(id)) => {
                let tips = tips::of_community(conn, CommunityId(id))?;
                affected.extend(&tips);
                if communities::find(conn, CommunityId(id))?.is_some_and(|now| now.openness == Openness::Private) {
                    closed.extend(tips);
                }
            }
            (Kind::UserRenamed | Kind::UserUpdated | Kind::UserErased, _, Some(user)) => {
                affected.extend(tips::of_author(conn, UserId(user))?);
            }
            _ => {}
        }
    }
    let tips: Vec<TipId> = affected.iter().copied().collect();
    affected.extend(tips::merged_from(conn, &tips)?); // they are found by what these say
    Ok((affected.into_iter().collect(), closed.into_iter().collect()))
}

fn cursor_at(head: &Head) -> Cursor {
    Cursor::new(head.log_id, head.seq, head.hash.clone())
}
