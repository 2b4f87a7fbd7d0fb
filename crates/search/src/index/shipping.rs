//! Copies of an index for processes that start without one: the files of one commit, put aside; and such a copy taken for
//! the index of a directory, which is then opened and looked at like any other.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::aside;
use super::half::{self, Half};
use super::{Cursor, Index, closed, health, home_name, home_of, lives, make_current};
use crate::error::SearchError;

/// How often files are looked at that a merge in the background changes meanwhile.
const ATTEMPTS: usize = 20;
/// Where a copy is put together, or taken apart, in the directory of the index.
const PUT_ASIDE: &str = "shipment";

/// A copy of an index, in a folder of its own until it is dropped.
pub struct Shipment {
    folder: PathBuf,
    /// Where in the log it stands.
    pub cursor: Cursor,
    /// Its files, by their paths in the folder.
    pub files: BTreeSet<String>,
}

impl Shipment {
    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Shipment {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Index {
    /// Puts the files of the last commit aside, as further names of the same bytes where the file system can. Commits wait
    /// for it, searches do not. `None` where nothing was ever committed. One at a time.
    pub fn ship(&self) -> Result<Option<Shipment>, SearchError> {
        let guard = self.writers.lock();
        let pair = guard.as_ref().ok_or_else(closed)?;
        let Some(cursor) = pair.cursor() else { return Ok(None) };
        let folder = Self::folder_for_a_copy(&self.dir)?;
        let mut shipment = Shipment { folder, cursor, files: BTreeSet::new() };
        for (half, from) in
            [(&pair.open, half::open_dir(&pair.home)), (&pair.restricted, half::restricted_dir(&pair.home))]
        {
            let name = from.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let files = put_aside(half, &from, &shipment.folder.join(&name))?;
            shipment.files.extend(files.into_iter().map(|file| format!("{name}/{file}")));
        }
        Ok(Some(shipment))
    }

    /// An empty folder in an index's directory for a copy that is to be shipped from or to it.
    pub fn folder_for_a_copy(dir: &Path) -> Result<PathBuf, SearchError> {
        let folder = dir.join(PUT_ASIDE);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => fs::create_dir_all(&folder)?,
        }
        Ok(folder)
    }

    /// Takes a copy, in the folder of [`Self::folder_for_a_copy`], for the index of a directory. What was there is put aside:
    /// see [`Self::aside`]. Fails where somebody works in the directory.
    pub fn adopt(dir: &Path, copy: &Path) -> Result<(), SearchError> {
        let before = home_of(dir)?.ok().filter(|home| home.is_dir());
        if before.as_deref().is_some_and(half::is_in_use) {
            return Err(SearchError::Locked);
        }
        for half in [half::open_dir(copy), half::restricted_dir(copy)] {
            for entry in fs::read_dir(&half)? {
                fs::File::open(entry?.path())?.sync_all()?;
            }
            fs::File::open(&half)?.sync_all()?;
        }
        let home = dir.join(home_name(lives(dir)?.into_iter().max().unwrap_or(0) + 1));
        fs::rename(copy, &home)?;
        make_current(dir, &home)?;
        if let Some(before) = before {
            aside::put_aside(dir, &before);
        }
        Ok(())
    }
}

/// Puts the files of a half's last commit aside; their names.
fn put_aside(half: &Half, from: &Path, to: &Path) -> Result<BTreeSet<String>, SearchError> {
    for _ in 0..ATTEMPTS {
        if to.exists() {
            fs::remove_dir_all(to)?;
        }
        fs::create_dir_all(to)?;
        // A merge that ends meanwhile writes another list and removes files of this one.
        let list = fs::read(from.join("meta.json"))?;
        let Some(mut files) = link_all(half, from, to)? else { continue };
        if fs::read(from.join("meta.json"))? != list {
            continue;
        }
        files.insert("meta.json".to_owned());
        fs::write(to.join("meta.json"), &list)?;
        let managed = serde_json::to_vec(&files).map_err(|error| SearchError::Engine(error.to_string()))?;
        fs::write(to.join(".managed.json"), managed)?;
        files.insert(".managed.json".to_owned());
        return Ok(files);
    }
    Err(SearchError::Engine("the files were still being merged".to_owned()))
}

/// Gives the files of the last commit a further name; `None` where one of them has gone meanwhile.
fn link_all(half: &Half, from: &Path, to: &Path) -> Result<Option<BTreeSet<String>>, SearchError> {
    let mut files = BTreeSet::new();
    for file in half.committed_files()? {
        let (source, target) = (from.join(&file), to.join(&file));
        let linked = fs::hard_link(&source, &target).or_else(|error| match error.kind() {
            ErrorKind::NotFound => Err(error),
            _ => fs::copy(&source, &target).map(drop),
        });
        match linked {
            Ok(()) => {
                files.insert(file.to_string_lossy().into_owned());
            }
            Err(error) if error.kind() == ErrorKind::NotFound && health::is_optional(&file) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(files))
}
