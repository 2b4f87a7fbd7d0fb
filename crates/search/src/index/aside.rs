//! An index that was damaged, put aside when another took its place, for whoever wants to see what became of the disk. There
//! is one at most, under a name that no index is opened by. How long it may be kept is for whoever follows the log to say.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::{CURRENT, Cursor, Index, cursor, half, size_of_dir};
use crate::error::SearchError;

/// How the names of what is put aside begin; the moment follows.
const DAMAGED: &str = "damaged-";
/// Bytes that are to be left beside what was put aside: some commits take no more.
const ROOM: u64 = 4 << 20;

/// An index that was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Where it is.
    pub path: PathBuf,
    /// Size of its files.
    pub bytes: u64,
    /// Where its halves stood in the change log, those that still tell.
    pub places: Vec<Cursor>,
}

impl Index {
    /// What was put aside in an index's directory. Takes no lock, so that it can be asked beside a running service.
    pub fn aside(dir: &Path) -> Result<Option<Aside>, SearchError> {
        let Some(path) = all_aside(dir)?.pop() else { return Ok(None) };
        let bytes = halves(&path).iter().map(|half| size_of_dir(half)).sum();
        let places = places(&path);
        Ok(Some(Aside { path, bytes, places }))
    }

    /// Removes what was put aside; says whether there was anything.
    pub fn forget_aside(dir: &Path) -> Result<bool, SearchError> {
        let all = all_aside(dir)?;
        for path in &all {
            match fs::remove_dir_all(path) {
                // Another process may do the same.
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(!all.is_empty())
    }

    /// Whether the file system of an index's directory has some megabytes left.
    pub fn has_room(dir: &Path) -> Result<bool, SearchError> {
        Ok(fs4::available_space(dir)? >= ROOM)
    }
}

/// Puts an index aside that another has taken the place of, instead of what lies there from before. The other one is in use,
/// whatever comes of it.
pub(super) fn put_aside(dir: &Path, home: &Path) {
    if home.is_dir()
        && !half::is_in_use(home)
        && let Err(error) = try_to_put_aside(dir, home)
    {
        tracing::warn!(path = %home.display(), %error, "the former index could not be put aside");
    }
}

fn try_to_put_aside(dir: &Path, home: &Path) -> Result<(), SearchError> {
    if places(home).is_empty() {
        // Nobody could say how long it may be kept; or nothing was ever committed to it.
        return Ok(fs::remove_dir_all(home)?);
    }
    Index::forget_aside(dir)?;
    // The other one took its place a moment ago, as the file system has it.
    let moment: DateTime<Utc> = fs::metadata(dir.join(CURRENT))?.modified()?.into();
    fs::rename(home, dir.join(format!("{DAMAGED}{}", moment.format("%Y%m%dT%H%M%SZ"))))?;
    fs::File::open(dir)?.sync_all()?;
    Ok(())
}

/// What lies aside, the latest last.
fn all_aside(dir: &Path) -> Result<Vec<PathBuf>, SearchError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(DAMAGED.as_bytes()) {
            all.push(entry.path());
        }
    }
    all.sort();
    Ok(all)
}

fn halves(home: &Path) -> [PathBuf; 2] {
    [half::open_dir(home), half::restricted_dir(home)]
}

fn places(home: &Path) -> Vec<Cursor> {
    halves(home).iter().filter_map(|half| place_of(half)).collect()
}

/// Where the last commit of a half stands, if that can still be read and is what was written.
fn place_of(half: &Path) -> Option<Cursor> {
    let meta: serde_json::Value = serde_json::from_slice(&fs::read(half.join("meta.json")).ok()?).ok()?;
    cursor::decode(meta.get("payload")?.as_str()).ok().flatten()
}
