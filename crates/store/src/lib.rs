//! The only SQL of Eureka (diesel), over SQLite and PostgreSQL: rows, queries, migrations, the writer.
//!
//! A connection is reached only through [`Store::read`] (one snapshot) and [`Store::write`] (one transaction, in one
//! order for all writers). Each noun has a module of functions that take the connection first.

use diesel::{PgConnection, SqliteConnection};

/// Runs the same query on whichever database the connection is to.
macro_rules! on_each {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::Conn::Sqlite($c) => $body,
            $crate::Conn::Postgres($c) => $body,
        }
    };
}

pub mod api_keys;
pub mod attachments;
pub mod backup;
pub mod comments;
pub mod communities;
mod connect;
pub mod erasure;
mod error;
pub mod feed;
pub mod flags;
pub mod gaps;
pub mod glossaries;
pub mod idempotency;
pub mod identities;
pub mod imports;
pub mod log;
mod migrations;
pub mod notifications;
pub mod outcomes;
pub mod password_resets;
pub mod proofs;
mod readers;
pub mod rechecks;
pub mod relations;
pub mod reviews;
pub mod revisions;
mod schema;
pub mod searches;
pub mod sessions;
mod sql_types;
mod store;
mod target;
pub mod throttles;
pub mod tips;
mod update;
pub mod users;
pub mod watches;
pub mod webhooks;
mod writer;

pub use error::StoreError;
pub use imports::insert_imported;
pub use store::{Kind, Load, Store, Written};

/// Most values in one `IN (…)`, far below SQLite's limit of 32,766 bound values.
const MANY: usize = 1000;

/// One open connection, inside a transaction, of whichever database the store is on.
pub enum Conn<'c> {
    /// To a SQLite file.
    Sqlite(&'c mut SqliteConnection),
    /// To a PostgreSQL server.
    Postgres(&'c mut PgConnection),
}
