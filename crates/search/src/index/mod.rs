//! The index of one process: two halves of one schema, one for open communities and one for private ones.

mod aside;
pub(crate) mod cursor;
pub(crate) mod half;
mod health;
mod look;
pub(crate) mod proof;
mod rebuild;
pub(crate) mod record;
mod shipping;
pub(crate) mod shown;
pub(crate) mod snapshot;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use eureka_domain::community::Openness;
use parking_lot::Mutex;

pub use aside::Aside;
pub use cursor::Cursor;
use half::{Found, Half};
pub use look::Look;
pub use rebuild::{Former, Rebuild};
pub use shipping::Shipment;
use shown::Shown;
use snapshot::Snapshot;
pub use snapshot::{Listed, Listing};

use crate::document::Change;
use crate::error::SearchError;
use crate::schema;

/// How an index is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Bytes that the writer may gather before it writes a segment; at least 15 MB are used for each half.
    pub writer_memory: usize,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { writer_memory: 40_000_000 }
    }
}

/// The engine refuses a writer with less.
const LEAST_WRITER_MEMORY: usize = 15_000_000;

/// What was found in the directory. Nothing is ever wiped by opening.
pub enum Opened {
    /// Newly made, or never committed to: feed it from the start of the log.
    Fresh(Index),
    /// Ready; [`Index::cursor`] says where to go on.
    Usable(Index),
    /// There, but damaged, torn or of another schema: [`Index::rebuild_over`] makes a new one, and puts this one aside.
    Unusable {
        /// Why, for the operator.
        why: String,
    },
}

/// The index. Searches read a snapshot and never wait for writes; writes go one at a time.
pub struct Index {
    dir: PathBuf,
    options: OpenOptions,
    writers: Mutex<Option<Pair>>,
    snapshot: ArcSwap<Snapshot>,
    shown: Shown,
    cursor: ArcSwap<Option<Cursor>>,
}

/// Both halves, and where they live.
struct Pair {
    home: PathBuf,
    open: Half,
    restricted: Half,
}

impl Pair {
    fn cursor(&self) -> Option<Cursor> {
        cursor::lower(self.open.cursor(), self.restricted.cursor())
    }

    /// Whether the halves hold what cannot belong together. One without a cursor is only behind.
    fn is_torn(&self) -> bool {
        matches!((self.open.cursor(), self.restricted.cursor()), (Some(one), Some(other)) if one.log_id != other.log_id)
    }

    fn snapshot(&self, shown: &Shown) -> Result<Snapshot, SearchError> {
        let seq = self.cursor().map_or(0, |cursor| cursor.seq);
        Snapshot::new(self.open.searcher(), self.restricted.searcher(), seq, shown.clone())
    }

    fn stage(&mut self, changes: &[Change]) -> Result<(), SearchError> {
        for change in changes {
            match change {
                Change::Remove(tip) => {
                    self.open.remove(*tip);
                    self.restricted.remove(*tip);
                }
                Change::Put(tip) => {
                    self.open.remove(tip.tip);
                    self.restricted.remove(tip.tip);
                    let half = if tip.openness == Openness::Open { &mut self.open } else { &mut self.restricted };
                    half.put(tip)?;
                }
            }
        }
        Ok(())
    }

    fn commit(&mut self, cursor: &Cursor) -> Result<(), SearchError> {
        // The open half first: a tip on its way into a private community is then gone before it comes back, and a
        // crash in between is made good by applying the same changes again.
        self.open.commit(cursor)?;
        self.restricted.commit(cursor)
    }

    fn close(self) -> Result<(), SearchError> {
        self.open.close()?;
        self.restricted.close()
    }
}

/// The file that names the directory in use.
const CURRENT: &str = "CURRENT";

impl Index {
    /// Opens the index of a directory, or makes one. One process at a time: a second gets [`SearchError::Locked`].
    pub fn open(dir: &Path, options: OpenOptions) -> Result<Opened, SearchError> {
        std::fs::create_dir_all(dir)?;
        let home = match home_of(dir)? {
            Ok(home) => home,
            Err(why) => return Ok(Opened::Unusable { why }),
        };
        match open_pair(&home, &options)? {
            Ok(pair) if pair.is_torn() => Ok(Opened::Unusable { why: "its halves follow different logs".to_owned() }),
            Ok(pair) => {
                if !dir.join(CURRENT).exists() {
                    make_current(dir, &pair.home)?;
                }
                let index = Self::of(dir, options, pair)?;
                Ok(if index.cursor().is_some() { Opened::Usable(index) } else { Opened::Fresh(index) })
            }
            Err(why) => Ok(Opened::Unusable { why }),
        }
    }

    fn of(dir: &Path, options: OpenOptions, pair: Pair) -> Result<Self, SearchError> {
        let shown = Shown::new();
        let snapshot = pair.snapshot(&shown)?;
        let cursor = pair.cursor();
        remove_strays(dir, &pair.home);
        Ok(Self {
            dir: dir.to_owned(),
            options,
            snapshot: ArcSwap::from_pointee(snapshot),
            shown,
            cursor: ArcSwap::from_pointee(cursor),
            writers: Mutex::new(Some(pair)),
        })
    }

    /// Where the index stands in the change log: the lower of its halves. `None` when it has to be fed from the start.
    pub fn cursor(&self) -> Option<Cursor> {
        self.cursor.load().as_ref().clone()
    }

    /// How many tips are indexed.
    pub fn len(&self) -> u64 {
        self.snapshot.load().len()
    }

    /// Whether nothing is indexed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Applies changes and commits them with the cursor they lead to, then shows the result to new searches. Nothing
    /// of it is visible when it fails. Applying the same changes again does no harm.
    pub fn apply(&self, changes: Vec<Change>, cursor: &Cursor) -> Result<(), SearchError> {
        let mut guard = self.writers.lock();
        let pair = guard.as_mut().ok_or_else(closed)?;
        let cursor = Cursor { schema: schema::SCHEMA_VERSION, ..cursor.clone() };
        if let Err(error) = pair.stage(&changes).and_then(|()| pair.commit(&cursor)) {
            for half in [&mut pair.open, &mut pair.restricted] {
                if let Err(trouble) = half.roll_back() {
                    tracing::error!(error = %trouble, "the index writer could not be rolled back");
                }
            }
            return Err(error);
        }
        self.show(pair)
    }

    /// Merges everything into one segment each, so that removed words are gone from the files too. For erasure.
    pub fn compact(&self) -> Result<(), SearchError> {
        let mut guard = self.writers.lock();
        let pair = guard.as_mut().ok_or_else(closed)?;
        pair.open.merge_all()?;
        pair.restricted.merge_all()?;
        self.show(pair)?;
        self.shown.forget();
        Ok(())
    }

    /// Sees to it that few segments are searched, by merges in the background; to be called now and then while nothing
    /// is written. Says whether there is nothing left to merge.
    pub fn tidy(&self) -> Result<bool, SearchError> {
        let mut guard = self.writers.lock();
        let pair = guard.as_mut().ok_or_else(closed)?;
        let halves = [pair.open.tidy()?, pair.restricted.tidy()?];
        if halves.iter().any(|half| half.has_news) {
            self.show(pair)?;
        }
        Ok(halves.iter().all(|half| half.is_tidy))
    }

    fn show(&self, pair: &Pair) -> Result<(), SearchError> {
        let snapshot = Arc::new(pair.snapshot(&self.shown)?);
        let before = self.snapshot.swap(Arc::clone(&snapshot));
        self.cursor.store(Arc::new(pair.cursor()));
        self.shown.forget_segments(&before.segments_beside(&snapshot));
        Ok(())
    }

    /// Everything that is indexed, for comparing with the database both ways.
    pub fn list(&self) -> Listing {
        Listing::new(self.snapshot.load_full())
    }

    /// Size of the index files in bytes. Waits for nobody who works on them.
    pub fn bytes_on_disk(&self) -> u64 {
        let home = home_of(&self.dir).ok().and_then(Result::ok);
        home.map_or(0, |home| {
            [half::open_dir(&home), half::restricted_dir(&home)].iter().map(|dir| size_of_dir(dir)).sum()
        })
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Waits for merges and lets go of the directory. Searches go on with what they have; writes fail from here on.
    pub fn close(&self) -> Result<(), SearchError> {
        let pair = self.writers.lock().take();
        pair.map_or(Ok(()), Pair::close)
    }
}

fn closed() -> SearchError {
    SearchError::Engine("the index has been closed".to_owned())
}

/// Opens both halves under `home`; the inner error says why they cannot be used.
fn open_pair(home: &Path, options: &OpenOptions) -> Result<Result<Pair, String>, SearchError> {
    let most = options.writer_memory.max(2 * LEAST_WRITER_MEMORY) - LEAST_WRITER_MEMORY;
    let open = match Half::open(&half::open_dir(home), most)? {
        Found::Usable(half) => half,
        Found::Unusable(why) => return Ok(Err(why)),
    };
    let restricted = match Half::open(&half::restricted_dir(home), LEAST_WRITER_MEMORY)? {
        Found::Usable(half) => half,
        Found::Unusable(why) => return Ok(Err(why)),
    };
    Ok(Ok(Pair { home: home.to_owned(), open, restricted }))
}

/// The directory in use: the one that `CURRENT` names, or the first one while there is no other. The inner error says
/// why it cannot be told: taking another one for it would let the right one be removed.
fn home_of(dir: &Path) -> Result<Result<PathBuf, String>, SearchError> {
    match std::fs::read_to_string(dir.join(CURRENT)) {
        Ok(name) if is_home_name(name.trim()) => Ok(Ok(dir.join(name.trim()))),
        Ok(_) => Ok(Err("CURRENT names no index".to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let first = dir.join(home_name(1));
            let only = lives(dir)?.iter().all(|life| *life == 1);
            Ok(if only { Ok(first) } else { Err("CURRENT is missing".to_owned()) })
        }
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Ok(Err("CURRENT cannot be read".to_owned())),
        Err(error) => Err(error.into()),
    }
}

/// Makes a directory the one in use, durably and at once.
fn make_current(dir: &Path, home: &Path) -> Result<(), SearchError> {
    let name = home.file_name().map(std::ffi::OsStr::to_os_string).unwrap_or_default();
    let draft = dir.join("CURRENT.new");
    let mut file = std::fs::File::create(&draft)?;
    file.write_all(name.as_encoded_bytes())?;
    file.sync_all()?;
    std::fs::rename(&draft, dir.join(CURRENT))?;
    std::fs::File::open(dir)?.sync_all()?;
    Ok(())
}

/// The lives whose directories are there, finished or not.
fn lives(dir: &Path) -> Result<Vec<u64>, SearchError> {
    let mut lives = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        lives.extend(entry?.file_name().to_str().and_then(life_of));
    }
    Ok(lives)
}

fn home_name(life: u64) -> String {
    format!("index-{life}")
}

fn is_home_name(name: &str) -> bool {
    life_of(name).is_some()
}

fn life_of(name: &str) -> Option<u64> {
    name.strip_prefix("index-")?.parse().ok()
}

/// Removes directories of earlier or unfinished lives. Only names that this crate gives are touched, and none that
/// somebody works in.
fn remove_strays(dir: &Path, home: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path != home
            && entry.file_name().to_str().is_some_and(is_home_name)
            && !half::is_in_use(&path)
            && let Err(error) = std::fs::remove_dir_all(&path)
        {
            tracing::warn!(path = %path.display(), %error, "an old index directory could not be removed");
        }
    }
}

fn size_of_dir(dir: &Path) -> u64 {
    std::fs::read_dir(dir)
        .map_or(0, |entries| entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum())
}
