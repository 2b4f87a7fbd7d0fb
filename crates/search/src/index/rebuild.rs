//! A new index made beside the one in use and swapped in when it is complete. Searches go on meanwhile.

use std::path::{Path, PathBuf};

use eureka_domain::community::Openness;

use super::aside::put_aside;
use super::{Cursor, Index, OpenOptions, Pair, home_name, home_of, lives, make_current, open_pair};
use crate::document::TipDocument;
use crate::error::SearchError;

/// An index under construction. Dropping it leaves the index in use as it was.
pub struct Rebuild {
    dir: PathBuf,
    pair: Pair,
    options: OpenOptions,
    /// The one that cannot be used, where it can be told which that is.
    unusable: Option<PathBuf>,
}

/// What becomes of an index in use when another takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Former {
    /// It is removed.
    Removed,
    /// It is damaged, and is put aside.
    PutAside,
}

impl Rebuild {
    fn start(dir: &Path, options: OpenOptions, unusable: Option<PathBuf>) -> Result<Self, SearchError> {
        // After every life that is there: unfinished rebuilds leave theirs behind, until the next start removes them.
        let life = lives(dir)?.into_iter().max().unwrap_or(0) + 1;
        let pair = open_pair(&dir.join(home_name(life)), &options)?.map_err(SearchError::Damaged)?;
        Ok(Self { dir: dir.to_owned(), pair, options, unusable })
    }

    /// Adds one tip. Each tip once.
    pub fn add(&mut self, tip: &TipDocument) -> Result<(), SearchError> {
        let half = if tip.openness == Openness::Open { &mut self.pair.open } else { &mut self.pair.restricted };
        half.put(tip)
    }

    /// Commits at the cursor the tips were read at, and makes the directory the current one.
    fn seal(&mut self, cursor: &Cursor) -> Result<(), SearchError> {
        let cursor = Cursor::new(cursor.log_id, cursor.seq, cursor.hash.clone());
        self.pair.commit(&cursor)?;
        make_current(&self.dir, &self.pair.home)
    }

    /// Finishes a rebuild that had no usable index beside it. One that cannot be used is put aside: see [`Index::aside`].
    pub fn finish(mut self, cursor: &Cursor) -> Result<Index, SearchError> {
        self.seal(cursor)?;
        if let Some(home) = self.unusable.filter(|home| *home != self.pair.home) {
            put_aside(&self.dir, &home);
        }
        Index::of(&self.dir, self.options, self.pair)
    }
}

impl Index {
    /// Starts a new index beside this one; [`Index::swap_in`] puts it in this one's place.
    pub fn rebuild_beside(&self) -> Result<Rebuild, SearchError> {
        Rebuild::start(&self.dir, self.options.clone(), None)
    }

    /// Starts a new index where an unusable one lies, which is put aside once the new one is in place.
    pub fn rebuild_over(dir: &Path, options: OpenOptions) -> Result<Rebuild, SearchError> {
        std::fs::create_dir_all(dir)?;
        let unusable = home_of(dir)?.ok();
        Rebuild::start(dir, options, unusable)
    }

    /// Commits the new index at `cursor`, swaps it in, and removes the former or puts it aside. Searches that began before go
    /// on with what they see.
    pub fn swap_in(&self, mut rebuild: Rebuild, cursor: &Cursor, former: Former) -> Result<(), SearchError> {
        rebuild.seal(cursor)?;
        let mut guard = self.writers.lock();
        self.show(&rebuild.pair)?;
        let old = guard.replace(rebuild.pair);
        drop(guard);
        if let Some(old) = old {
            let home = old.home.clone();
            let closed = old.close();
            let gone = match former {
                Former::Removed => closed.and_then(|()| Ok(std::fs::remove_dir_all(&home)?)),
                Former::PutAside => {
                    put_aside(&self.dir, &home);
                    closed
                }
            };
            // The new one is in use, whatever the old one makes of its end: it may be damaged.
            if let Err(error) = gone {
                tracing::warn!(path = %home.display(), %error, "the old index could not be closed and removed");
            }
        }
        Ok(())
    }
}
