//! How an index is opened: as it lies there, and again where it could not be.
//!
//! And an index that begins with a copy of another process's, where there is none that can be used: what came since is read from
//! the log, and not the whole database. A copy that is not of this log is never used.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use eureka_domain::change::GENESIS;
use eureka_search::{Cursor, Index, OpenOptions, Opened, SearchError, Shipment};
use eureka_store::{Store, log};
use uuid::Uuid;

use super::{Home, IndexState, Indexer, is_on_chain};
use crate::ServiceError;

/// Looks at places of the log, for whoever fetches a copy.
pub struct Chain<'s>(&'s Store);

impl Chain<'_> {
    /// The life of the database, and its last change.
    pub fn head(&self) -> Result<(Uuid, i64), ServiceError> {
        let head = self.0.read(log::head)?;
        Ok((head.log_id, head.seq))
    }

    /// Whether the log passes through a place: what stands there has all that came before it.
    pub fn passes(&self, cursor: &Cursor) -> Result<bool, ServiceError> {
        self.0.read(|conn| {
            let head = log::head(conn)?;
            is_on_chain(conn, cursor, &head)
        })
    }
}

impl Home {
    /// What was opened, and how it stands.
    fn of(opened: Opened) -> (Self, IndexState) {
        match opened {
            Opened::Usable(index) | Opened::Fresh(index) => (Self::Open(Arc::new(index)), IndexState::CatchingUp),
            Opened::Unusable { why } => {
                tracing::warn!(%why, "the index cannot be used and will be made anew");
                (Self::Unusable, IndexState::Rebuilding)
            }
        }
    }

    /// Where the index stands in the log.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        match self {
            Self::Open(index) => index.cursor(),
            Self::Shut | Self::Unusable => None,
        }
    }
}

impl Indexer {
    /// Opens the index directory; makes a new index from the database where there is none that can be used. Fails when
    /// another process owns the directory, or the system does not give it.
    pub fn open(store: Store, dir: &Path) -> Result<Arc<Self>, ServiceError> {
        Ok(Self::of_opened(store, dir, open_index(dir)?))
    }

    fn of_opened(store: Store, dir: &Path, opened: Opened) -> Arc<Self> {
        let (home, state) = Home::of(opened);
        Arc::new(Self::of(store, dir.to_owned(), home, state))
    }

    /// Tries again to open what could not be opened.
    pub(super) fn open_again(&self) -> Result<(), ServiceError> {
        let (home, state) = Home::of(open_index(&self.dir)?);
        self.progress.lock().reached = home.cursor();
        *self.home.lock() = home;
        self.enter(state);
        tracing::info!("the index has been opened");
        Ok(())
    }

    /// Why the index of a directory cannot go on from where it stands; `None` where it can, or where none was made yet.
    /// Repairs nothing. Fails when another process owns the directory.
    pub fn fault(store: &Store, dir: &Path) -> Result<Option<String>, ServiceError> {
        let index = match open_index(dir)? {
            Opened::Unusable { why } => return Ok(Some(why)),
            Opened::Usable(index) | Opened::Fresh(index) => index,
        };
        index.close()?;
        let passes = index.cursor().map_or(Ok(true), |cursor| Chain(store).passes(&cursor))?;
        Ok((!passes).then(|| "it is not on the chain of this database".to_owned()))
    }

    /// Opens the index directory as [`Self::open`] does. Where it holds no index that can be used, `fetch` may put the files
    /// of a copy into a folder; it answers where that stands in the log, or `None` where it has none.
    pub fn open_or_fetch(
        store: Store,
        dir: &Path,
        fetch: impl FnOnce(&Path, &Chain<'_>) -> Option<Cursor>,
    ) -> Result<Arc<Self>, ServiceError> {
        let before = open_index(dir)?;
        match &before {
            Opened::Usable(_) => return Ok(Self::of_opened(store, dir, before)),
            Opened::Fresh(index) => index.close()?,
            Opened::Unusable { why } => tracing::warn!(%why, "the index cannot be used"),
        }
        drop(before); // and with it the directory's lock
        let copy = Index::folder_for_a_copy(dir)?;
        let fetched = fetch(&copy, &Chain(&store));
        if let Some(cursor) = fetched
            && cursor.hash != GENESIS
            && Chain(&store).passes(&cursor)?
        {
            Index::adopt(dir, &copy)?;
            tracing::info!(position = cursor.seq, "the index begins with a copy");
        } else {
            fs::remove_dir_all(&copy).map_err(ServiceError::internal)?;
        }
        Self::open(store, dir)
    }

    /// Puts a copy of the index aside, for other processes; `None` where it has not been made yet.
    pub fn ship(&self) -> Result<Option<Shipment>, ServiceError> {
        match self.index() {
            Some(index) => Ok(index.ship()?),
            None => Ok(None),
        }
    }
}

fn open_index(dir: &Path) -> Result<Opened, ServiceError> {
    match Index::open(dir, OpenOptions::default()) {
        Err(SearchError::Damaged(why)) => Ok(Opened::Unusable { why }),
        opened => Ok(opened?),
    }
}
