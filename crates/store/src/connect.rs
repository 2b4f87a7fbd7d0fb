//! Opening connections: what each kind of connection is set to before anybody uses it.

use std::path::Path;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::StoreError;
use crate::target::Target;

/// How long anything waits for a lock that another process holds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Oldest SQLite that does not lose pages when a write-ahead log is reset while another connection reads.
const SQLITE_AT_LEAST: (u32, u32, u32) = (3, 51, 3);

/// An owned connection.
pub(crate) enum Link {
    /// To a SQLite file.
    Sqlite(Box<SqliteConnection>),
    /// To a PostgreSQL server.
    Postgres(Box<PgConnection>),
}

impl Link {
    /// Whether a transaction failed in such a way that nothing more can be done on the connection.
    pub(crate) fn is_broken(&mut self) -> bool {
        match self {
            Self::Sqlite(conn) => AnsiTransactionManager::is_broken_transaction_manager(&mut **conn),
            Self::Postgres(conn) => AnsiTransactionManager::is_broken_transaction_manager(&mut **conn),
        }
    }
}

/// A connection that may write. On a server, one that freezes in the middle of a transaction is sent away, because
/// every other writer waits for it.
pub(crate) fn writing(target: &Target) -> Result<Link, StoreError> {
    match target {
        Target::Sqlite(path) => sqlite_to_write(path, "PRAGMA foreign_keys = ON"),
        Target::Postgres(url) => {
            let patience = PATIENCE.as_millis();
            let settings = format!("SET lock_timeout = {patience}; SET idle_in_transaction_session_timeout = '1min'");
            postgres(url, &settings).map(on_server)
        }
    }
}

/// A connection for migrations. SQLite's foreign keys are off on it, so that a migration may rebuild a table.
pub(crate) fn migrating(target: &Target) -> Result<Link, StoreError> {
    match target {
        Target::Sqlite(path) => sqlite_to_write(path, "PRAGMA foreign_keys = OFF"),
        Target::Postgres(url) => postgres(url, "").map(on_server),
    }
}

/// A connection that only reads.
pub(crate) fn reading(target: &Target) -> Result<Link, StoreError> {
    match target {
        Target::Sqlite(path) => {
            let mut conn = sqlite(path)?;
            conn.batch_execute("PRAGMA query_only = ON")?;
            Ok(Link::Sqlite(Box::new(conn)))
        }
        Target::Postgres(url) => postgres(url, "").map(on_server),
    }
}

/// `synchronous = FULL`: with NORMAL, a power cut takes acknowledged commits with it.
fn sqlite_to_write(path: &Path, settings: &str) -> Result<Link, StoreError> {
    let mut conn = sqlite(path)?;
    write_ahead(&mut conn)?;
    conn.batch_execute(&format!("PRAGMA synchronous = FULL; {settings}"))?;
    Ok(Link::Sqlite(Box::new(conn)))
}

/// A connection to a file, for whoever sets it to a use.
pub(crate) fn sqlite(path: &Path) -> Result<SqliteConnection, StoreError> {
    let mut conn: SqliteConnection = establish(file_name(path)?)?;
    // Before anything that may have to wait.
    conn.batch_execute(&format!("PRAGMA busy_timeout = {}", PATIENCE.as_millis()))?;
    let version: String = diesel::select(diesel::dsl::sql::<Text>("sqlite_version()")).get_result(&mut conn)?;
    if !is_recent(&version) {
        return Err(StoreError::Refused(format!("SQLite {version} is too old: 3.51.3 or later is needed")));
    }
    Ok(conn)
}

/// A file's path as SQLite takes it.
pub(crate) fn file_name(path: &Path) -> Result<&str, StoreError> {
    path.to_str().ok_or_else(|| StoreError::Refused("the database's path is not UTF-8".to_owned()))
}

/// SQLite itself does not wait for another process that is making the same change to a new file.
fn write_ahead(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let since = Instant::now();
    loop {
        match conn.batch_execute("PRAGMA journal_mode = WAL").map_err(StoreError::from) {
            Err(StoreError::Busy) if since.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(10)),
            done => return done,
        }
    }
}

/// A connection to a server, with settings of its own.
pub(crate) fn postgres(url: &str, settings: &str) -> Result<PgConnection, StoreError> {
    let mut conn: PgConnection = establish(url)?;
    conn.batch_execute(&format!("SET TIME ZONE 'UTC'; SET client_min_messages = warning; {settings}"))?;
    Ok(conn)
}

fn on_server(conn: PgConnection) -> Link {
    Link::Postgres(Box::new(conn))
}

fn establish<C: Connection>(url: &str) -> Result<C, StoreError> {
    #[allow(clippy::disallowed_methods, reason = "the one place that opens connections")]
    C::establish(url).map_err(|error| StoreError::Unavailable(error.to_string()))
}

fn is_recent(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) >= SQLITE_AT_LEAST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(is_recent("3.51.3") && is_recent("3.53.2") && is_recent("4.0"));
        assert!(!is_recent("3.51.2") && !is_recent("3.40.1") && !is_recent("3.9.99"));
    }
}
