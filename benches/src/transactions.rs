//! The reference for writes: what the database itself makes of one small INSERT a transaction, over plain diesel, each
//! writer on a connection of its own and as durable as the product is.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;

/// One writer.
pub enum BareWriter {
    /// To a SQLite file.
    Sqlite(SqliteConnection),
    /// To a PostgreSQL server.
    Postgres(PgConnection),
}

impl BareWriter {
    /// So many writers to a database, with a table to write into.
    pub fn connect(url: &str, writers: usize) -> Vec<Self> {
        let mut connected: Vec<Self> = (0..writers).map(|_| Self::to(url)).collect();
        if let Some(first) = connected.first_mut() {
            first.execute("CREATE TABLE bare (body TEXT NOT NULL)");
        }
        connected
    }

    #[allow(clippy::disallowed_methods, reason = "beside the product, not in it")]
    fn to(url: &str) -> Self {
        let mut writer = match url.strip_prefix("sqlite:") {
            Some(path) => Self::Sqlite(SqliteConnection::establish(path).expect("a database")),
            None => Self::Postgres(PgConnection::establish(url).expect("a database")),
        };
        if matches!(writer, Self::Sqlite(_)) {
            writer.execute("PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
        }
        writer
    }

    /// One transaction.
    pub fn write(&mut self) {
        let insert = diesel::sql_query("INSERT INTO bare (body) VALUES ('Clean the two fuse holders; they oxidise.')");
        let written = match self {
            Self::Sqlite(conn) => conn.immediate_transaction(|conn| insert.execute(conn)),
            Self::Postgres(conn) => conn.transaction(|conn| insert.execute(conn)),
        };
        written.expect("a commit");
    }

    fn execute(&mut self, sql: &str) {
        let executed = match self {
            Self::Sqlite(conn) => conn.batch_execute(sql),
            Self::Postgres(conn) => conn.batch_execute(sql),
        };
        executed.expect("a statement");
    }
}

/// Whether a PostgreSQL server waits for the disk at a commit: `on` or `off`.
pub fn fsync(url: &str) -> String {
    #[allow(clippy::disallowed_methods, reason = "beside the product, not in it")]
    let mut conn = PgConnection::establish(url).expect("a database");
    diesel::select(sql::<Text>("current_setting('fsync')")).get_result(&mut conn).expect("a setting")
}
