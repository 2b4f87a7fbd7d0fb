//! A look at an index from outside: it takes no lock and changes nothing, so that it can be had beside a running service.

use std::path::Path;

use tantivy::Index as Engine;
use tantivy::directory::MmapDirectory;

use super::{Cursor, Index, closed, cursor, half, health, home_of, size_of_dir};
use crate::error::SearchError;
use crate::schema;

/// How often files are looked at that their owner changes meanwhile.
const ATTEMPTS: usize = 10;

/// What an index directory holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// How many tips are indexed.
    pub tips: u64,
    /// The place in the change log; `None` when it has to be fed from the start.
    pub cursor: Option<Cursor>,
    /// Size of the files.
    pub bytes: u64,
}

impl Index {
    /// What the index of a directory holds; the inner error says why it cannot be used.
    pub fn look(dir: &Path) -> Result<Result<Look, String>, SearchError> {
        if !dir.is_dir() {
            return Ok(Err("there is none".to_owned()));
        }
        let home = match home_of(dir)? {
            Ok(home) => home,
            Err(why) => return Ok(Err(why)),
        };
        let mut look = Look { tips: 0, cursor: None, bytes: 0 };
        let mut cursors = Vec::new();
        for dir in [half::open_dir(&home), half::restricted_dir(&home)] {
            match patient_look(&dir)? {
                Ok((tips, cursor)) => {
                    look.tips += tips;
                    cursors.push(cursor);
                }
                Err(why) => return Ok(Err(why)),
            }
            look.bytes += size_of_dir(&dir);
        }
        look.cursor = cursors.into_iter().reduce(cursor::lower).flatten();
        Ok(Ok(look))
    }

    /// What is wrong with the files that the next start would find, read anew and held against their checksums; `None`
    /// when all is well. Commits wait only where something seems wrong: a merge may have taken files away meanwhile.
    pub fn damage(&self) -> Result<Option<String>, SearchError> {
        let home = self.writers.lock().as_ref().ok_or_else(closed)?.home.clone();
        if damage_under(&self.dir, &home)?.is_none() {
            return Ok(None);
        }
        let guard = self.writers.lock();
        let pair = guard.as_ref().ok_or_else(closed)?;
        damage_under(&self.dir, &pair.home)
    }
}

/// What is wrong with the index of a directory that is to be the one in `home`.
fn damage_under(dir: &Path, home: &Path) -> Result<Option<String>, SearchError> {
    match home_of(dir)? {
        Ok(current) if current == home => {}
        Ok(_) => return Ok(Some("CURRENT names another index".to_owned())),
        Err(why) => return Ok(Some(why)),
    }
    for half in [half::open_dir(home), half::restricted_dir(home)] {
        if let Err(why) = patient_look(&half)? {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

/// Looks again where a commit came between.
fn patient_look(dir: &Path) -> Result<Result<(u64, Option<Cursor>), String>, SearchError> {
    let meta = dir.join("meta.json");
    for _ in 1..ATTEMPTS {
        let before = std::fs::read(&meta).ok();
        if let Ok(Ok(seen)) = look_at_half(dir) {
            return Ok(Ok(seen));
        }
        if std::fs::read(&meta).ok() == before {
            break;
        }
    }
    look_at_half(dir)
}

fn look_at_half(dir: &Path) -> Result<Result<(u64, Option<Cursor>), String>, SearchError> {
    if !dir.join("meta.json").exists() {
        return Ok(Err("meta.json is missing".to_owned()));
    }
    let mmap = MmapDirectory::open(dir)?;
    let told = |error: SearchError| match error {
        error @ SearchError::Io(_) => Err(error),
        error => Ok(error.to_string()),
    };
    let engine = match Engine::open(mmap).map_err(SearchError::from) {
        Ok(engine) => engine,
        Err(error) => return told(error).map(Err),
    };
    if engine.schema() != schema::build().0 {
        return Ok(Err("the index has other fields".to_owned()));
    }
    if let Some(why) = health::damage(&engine)? {
        return Ok(Err(why));
    }
    let metas = match engine.load_metas().map_err(SearchError::from) {
        Ok(metas) => metas,
        Err(error) => return told(error).map(Err),
    };
    let tips = metas.segments.iter().map(|segment| u64::from(segment.num_docs())).sum();
    match cursor::decode(metas.payload.as_deref()) {
        Ok(Some(cursor)) if cursor.schema != schema::SCHEMA_VERSION => {
            Ok(Err(format!("the index has schema version {}", cursor.schema)))
        }
        Ok(cursor) => Ok(Ok((tips, cursor))),
        Err(error) => told(error).map(Err),
    }
}
