//! Bringing the schema up to date, once, whoever starts first; and refusing one that is newer than this binary.

use diesel::backend::Backend;
use diesel::dsl::sql;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use eureka_domain::change::GENESIS;
use uuid::Uuid;

use crate::backup::Copied;
use crate::connect::{self, Link};
use crate::schema::change_head;
use crate::sql_types::DbUuid;
use crate::store::Failed;
use crate::{Conn, Kind, Store, StoreError, log};

const ON_SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const ON_POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Diesel's own table of the migrations that have been run.
const TABLE: &str = "__diesel_schema_migrations";

/// The key of the advisory lock that migrating processes queue for on PostgreSQL.
const LOCK: i64 = 0x4575_7265_6b61;

impl Store {
    /// Runs the migrations that this binary has and the database lacks, and starts the change log, as `log_id`, if there
    /// is none. Answers the versions that were run. Several processes may call it at once.
    pub fn migrate(&self, log_id: Uuid) -> Result<Vec<String>, StoreError> {
        match &mut connect::migrating(self.target())? {
            Link::Sqlite(conn) => {
                let run = conn.immediate_transaction(|conn| {
                    let run = bring_up(conn, ON_SQLITE)?;
                    refuse_dangling(conn)?;
                    start_log(&mut Conn::Sqlite(conn), log_id)?;
                    Ok(run)
                });
                run.map_err(Failed::into_store_error)
            }
            Link::Postgres(conn) => {
                queue_up(conn)?;
                let run = bring_up(&mut **conn, ON_POSTGRES)?;
                start_log(&mut Conn::Postgres(conn), log_id)?;
                Ok(run)
            }
        }
    }

    /// The versions that [`Store::migrate`] would run. Changes nothing.
    pub fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        let known = known(self.kind())?;
        let applied = self.read(applied)?;
        if applied.iter().any(|version| !known.contains(version)) {
            return Err(StoreError::NewerSchema);
        }
        Ok(known.into_iter().filter(|version| !applied.contains(version)).collect())
    }
}

/// The versions of the migrations that this binary has for a kind of database, in order.
pub(crate) fn known(kind: Kind) -> Result<Vec<String>, StoreError> {
    match kind {
        Kind::Sqlite => versions::<Sqlite>(&ON_SQLITE),
        Kind::Postgres => versions::<Pg>(&ON_POSTGRES),
    }
}

/// What a copy of this database holds.
pub(crate) fn copied(conn: &mut Conn<'_>) -> Result<Copied, StoreError> {
    let schema = applied(conn)?.into_iter().max().unwrap_or_default();
    Ok(Copied { head: log::head(conn)?, schema })
}

fn versions<DB: Backend>(source: &EmbeddedMigrations) -> Result<Vec<String>, StoreError>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let migrations = source.migrations().map_err(failed)?;
    let mut versions: Vec<String> = migrations.iter().map(|migration| migration.name().version().to_string()).collect();
    versions.sort();
    Ok(versions)
}

/// The versions that have been run. Diesel's own look makes its table where there is none.
fn applied(conn: &mut Conn<'_>) -> Result<Vec<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Applied {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let condition = match conn {
        Conn::Sqlite(_) => format!("EXISTS (SELECT 1 FROM sqlite_master WHERE name = '{TABLE}')"),
        Conn::Postgres(_) => format!("to_regclass('{TABLE}') IS NOT NULL"),
    };
    let is_there: bool = on_each!(conn, c => diesel::select(sql::<Bool>(&condition)).get_result(*c))?;
    let rows: Vec<Applied> = if is_there {
        on_each!(conn, c => diesel::sql_query(format!("SELECT version FROM {TABLE}")).load(*c))?
    } else {
        Vec::new()
    };
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// Waits for other migrating processes. The lock ends with the connection.
fn queue_up(conn: &mut PgConnection) -> Result<(), StoreError> {
    diesel::sql_query("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(LOCK).execute(conn)?;
    Ok(())
}

fn bring_up<DB: Backend, C: MigrationHarness<DB>>(
    conn: &mut C,
    source: EmbeddedMigrations,
) -> Result<Vec<String>, StoreError>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    refuse_newer(conn, &source)?;
    let run = conn.run_pending_migrations(source).map_err(failed)?;
    Ok(run.iter().map(ToString::to_string).collect())
}

fn refuse_newer<DB: Backend, C: MigrationHarness<DB>>(
    conn: &mut C,
    source: &EmbeddedMigrations,
) -> Result<(), StoreError>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known = source.migrations().map_err(failed)?;
    let applied = conn.applied_migrations().map_err(failed)?;
    let is_known = |version| known.iter().any(|migration| migration.name().version() == version);
    if applied.into_iter().all(is_known) { Ok(()) } else { Err(StoreError::NewerSchema) }
}

/// Foreign keys are off while SQLite migrates; this makes up for it.
pub(crate) fn refuse_dangling(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Dangling {
        #[diesel(sql_type = Text)]
        table: String,
    }
    let dangling: Vec<Dangling> = diesel::sql_query("PRAGMA foreign_key_check").load(conn)?;
    match dangling.first() {
        None => Ok(()),
        Some(row) => Err(StoreError::corrupt("rows that refer to nothing", &row.table)),
    }
}

fn start_log(conn: &mut Conn<'_>, log_id: Uuid) -> Result<(), StoreError> {
    let head = (
        change_head::id.eq(1),
        change_head::log_id.eq(DbUuid(log_id)),
        change_head::seq.eq(0),
        change_head::hash.eq(GENESIS),
    );
    on_each!(conn, c => diesel::insert_into(change_head::table)
        .values(head)
        .on_conflict_do_nothing()
        .execute(*c))?;
    Ok(())
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    match error.downcast::<diesel::result::Error>() {
        Ok(error) => (*error).into(),
        Err(error) => StoreError::Corrupt(format!("the schema cannot be brought up to date: {error}")),
    }
}
