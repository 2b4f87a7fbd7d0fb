//! A copy of the whole database, made while it is in use, and the way back. SQLite copies itself; PostgreSQL's own
//! programs do it for PostgreSQL.

mod postgres;
mod sqlite;

use std::path::Path;

use eureka_domain::change::Head;
use uuid::Uuid;

use crate::target::Target;
use crate::{Kind, Store, StoreError, migrations};

pub use postgres::Programs;

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The place in the change log that it ends at.
    pub head: Head,
    /// The last migration of its schema.
    pub schema: String,
}

/// A copy that was put to use, for a look at what it holds; what was made for it goes away with it.
pub struct Trial {
    store: Store,
    _scratch: Option<postgres::Scratch>,
}

impl Trial {
    /// The copy as a database, for reads only.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// What becomes of a database that stands where one is to be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupied {
    /// Nothing: the restore is refused.
    Refuse,
    /// It is kept, under another name.
    SetAside,
}

/// Copies the database as it is at one moment into a new file. Writers go on meanwhile.
pub fn copy(store: &Store, file: &Path, programs: &Programs) -> Result<Copied, StoreError> {
    match store.target() {
        Target::Sqlite(path) => sqlite::copy(path, file)?,
        Target::Postgres(url) => return postgres::copy(url, file, programs),
    }
    let trial = Trial { store: sqlite::open(file)?, _scratch: None };
    trial.store.read(migrations::copied)
}

/// Puts a copy to use: a SQLite file is opened where it is and read through, a PostgreSQL archive is restored into a
/// database that is made for it on the server of `url`, named after `id`.
pub fn try_out(file: &Path, url: &str, programs: &Programs, id: Uuid) -> Result<Trial, StoreError> {
    match Target::parse(url)? {
        Target::Sqlite(_) => {
            sqlite::check(file)?;
            Ok(Trial { store: sqlite::open(file)?, _scratch: None })
        }
        Target::Postgres(url) => {
            let scratch = postgres::Scratch::create(&url, id)?;
            postgres::restore(scratch.url(), file, programs, "", "")?;
            Ok(Trial { store: Store::open_to_read(scratch.url(), 1)?, _scratch: Some(scratch) })
        }
    }
}

/// Makes the database of `url` from a copy, as the life `log_id`: indexes and tokens of any other are of no use to it.
/// All of it or nothing. Answers where what stood there was put.
pub fn restore(
    url: &str,
    file: &Path,
    programs: &Programs,
    log_id: Uuid,
    occupied: Occupied,
) -> Result<Option<String>, StoreError> {
    match Target::parse(url)? {
        Target::Sqlite(path) => {
            let aside = sqlite::restore(&path, file, log_id, occupied)?;
            Ok(aside.map(|path| path.display().to_string()))
        }
        Target::Postgres(url) => {
            let (aside, prepare) = postgres::make_room(&url, log_id, occupied)?;
            postgres::restore(&url, file, programs, &prepare, &new_life("public", log_id))?;
            Ok(aside)
        }
    }
}

/// Whether this binary knows a schema, by its last migration.
pub fn knows_schema(kind: Kind, last: &str) -> Result<bool, StoreError> {
    Ok(migrations::known(kind)?.iter().any(|version| version == last))
}

/// The database is another one from here on, and whoever was signed in to the old one is not to this one: a session or
/// a key that was ended after the copy was made must not come back. Nor is anybody told at a URL what this life does until
/// they say so: the other one may go on.
fn new_life(schema: &str, log_id: Uuid) -> String {
    format!(
        "DELETE FROM {schema}.refresh_tokens; DELETE FROM {schema}.sessions; DELETE FROM {schema}.api_keys; \
         DELETE FROM {schema}.password_resets; \
         DELETE FROM {schema}.webhook_deliveries WHERE status = 'pending'; \
         UPDATE {schema}.webhooks SET status = 'paused' WHERE status = 'active'; \
         UPDATE {schema}.change_head SET log_id = '{log_id}';"
    )
}
