//! The file's way: SQLite copies itself in one read transaction, and a copy takes its place by one rename.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::{Occupied, new_life};
use crate::{Store, StoreError, connect};

/// Copies a database into a new file.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let mut conn = connect::sqlite(from)?;
    diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(connect::file_name(to)?).execute(&mut conn)?;
    Ok(())
}

/// Opens a copy for reads.
pub(super) fn open(file: &Path) -> Result<Store, StoreError> {
    Store::open_to_read(connect::file_name(file)?, 1)
}

/// Reads a copy through: pages, indexes, references.
pub(super) fn check(file: &Path) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        integrity_check: String,
    }
    let mut conn = connect::sqlite(file)?;
    conn.batch_execute("PRAGMA query_only = ON")?;
    let found: Found = diesel::sql_query("PRAGMA integrity_check").get_result(&mut conn)?;
    if found.integrity_check != "ok" {
        return Err(StoreError::Corrupt(found.integrity_check));
    }
    crate::migrations::refuse_dangling(&mut conn)
}

/// Puts a copy where the database is to be, once its new life has begun; the copy itself is left as it is.
pub(super) fn restore(to: &Path, copy: &Path, log_id: Uuid, occupied: Occupied) -> Result<Option<PathBuf>, StoreError> {
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let is_there = to.try_exists().map_err(|error| io_trouble(to, &error))?;
    if is_there && occupied == Occupied::Refuse {
        return Err(StoreError::Refused(format!("there is a database at {}", to.display())));
    }
    let mut draft = NamedTempFile::new_in(folder).map_err(|error| io_trouble(folder, &error))?; // its owner's alone
    let copied = File::open(copy).and_then(|mut copy| io::copy(&mut copy, &mut draft));
    copied.map_err(|error| io_trouble(copy, &error))?;
    let mut conn = connect::sqlite(draft.path())?;
    conn.immediate_transaction(|conn| conn.batch_execute(&new_life("main", log_id)))?;
    drop(conn);
    draft.as_file().sync_all().map_err(|error| io_trouble(draft.path(), &error))?;
    if is_there {
        close_up(to)?;
    }
    refuse_leftovers(to)?;
    let aside = if is_there {
        let mut aside = OsString::from(to);
        aside.push(format!(".before-{}", log_id.simple()));
        let aside = PathBuf::from(aside);
        fs::hard_link(to, &aside).map_err(|error| io_trouble(&aside, &error))?;
        draft.persist(to).map_err(|error| io_trouble(to, &error.error))?;
        Some(aside)
    } else {
        draft.persist_noclobber(to).map_err(|error| io_trouble(to, &error.error))?;
        None
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| io_trouble(folder, &error))?;
    Ok(aside)
}

/// SQLite would take a log that lies beside a file for that file's own.
fn refuse_leftovers(path: &Path) -> Result<(), StoreError> {
    for end in ["-wal", "-journal"] {
        let mut log = OsString::from(path);
        log.push(end);
        let log = PathBuf::from(log);
        if log.exists() {
            let why = format!("{} is left of another database: move it away first", log.display());
            return Err(StoreError::Refused(why));
        }
    }
    Ok(())
}

/// Brings the write-ahead log into the file, or it would be taken for one of whatever comes into the file's place.
/// SQLite does so only for a database that nobody else has open.
fn close_up(path: &Path) -> Result<(), StoreError> {
    let mut conn = connect::sqlite(path)?;
    match conn.batch_execute("PRAGMA journal_mode = DELETE").map_err(StoreError::from) {
        Err(StoreError::Busy) => {
            Err(StoreError::Refused(format!("{} is in use: stop the service first", path.display())))
        }
        done => done,
    }
}

fn io_trouble(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", path.display()))
}
