//! Bringing the schema up to date, taking it down, and that both databases have the one that `schema.rs` describes.

use std::collections::BTreeMap;
use std::sync::Barrier;

use diesel::migration::MigrationVersion;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use eureka_store::{Conn, Kind, Store, StoreError, log};
use eureka_testkit::{LOG_ID, TestDatabase};

use crate::support::{append, beside, id, number, raw, read};

/// Runs a test on a database of each kind that has no schema yet.
fn on_both_empty(test: impl Fn(&TestDatabase)) {
    for db in [Some(TestDatabase::empty_sqlite()), TestDatabase::empty_postgres()].into_iter().flatten() {
        test(&db);
    }
}

#[test]
fn a_new_database_is_brought_up_once_and_keeps_its_log_id() {
    on_both_empty(|db| {
        let store = db.store();
        let pending = store.pending_migrations().unwrap();
        assert!(!pending.is_empty());
        let log_id = id();
        assert_eq!(store.migrate(log_id).unwrap(), pending);
        assert_eq!(read(store, log::head).log_id, log_id);
        append(store);

        assert!(store.pending_migrations().unwrap().is_empty());
        assert!(db.open_again().migrate(id()).unwrap().is_empty());
        let head = read(store, log::head);
        assert_eq!((head.log_id, head.seq), (log_id, 1));
    });
}

#[test]
fn a_database_without_a_schema_says_so() {
    on_both_empty(|db| {
        let told = db.store().read(log::head);
        assert!(told.is_err(), "{told:?}");
        let told: Result<_, StoreError> = db.store().write(log::head);
        assert!(told.is_err(), "{told:?}");
    });
}

#[test]
fn processes_that_start_at_once_run_each_migration_once() {
    on_both_empty(|db| {
        let expected = db.store().pending_migrations().unwrap();
        let start = Barrier::new(8);
        let runs: Vec<Vec<String>> = std::thread::scope(|scope| {
            let process = || {
                let store = Store::open(db.url(), 1).unwrap();
                start.wait();
                store.migrate(id()).unwrap()
            };
            let processes: Vec<_> = (0..8).map(|_| scope.spawn(process)).collect();
            processes.into_iter().map(|process| process.join().unwrap()).collect()
        });
        assert_eq!(runs.concat(), expected);
        assert_eq!(number(db.store(), "SELECT count(*) AS n FROM change_head"), 1);
        append(db.store());
    });
}

#[test]
fn a_store_that_only_reads_makes_nothing_and_writes_nothing() {
    let missing = beside(&TestDatabase::empty_sqlite(), "missing.db");
    assert!(matches!(Store::open_to_read(missing.to_str().unwrap(), 1), Err(StoreError::Refused(_))));
    assert!(!missing.exists());

    on_both_empty(|db| {
        let store = Store::open_to_read(db.url(), 1).unwrap();
        let pending = store.pending_migrations().unwrap();
        assert_eq!(store.pending_migrations().unwrap(), pending, "looking changed something");
        let tables = match db.kind() {
            Kind::Sqlite => "SELECT count(*) AS n FROM sqlite_master",
            Kind::Postgres => "SELECT count(*) AS n FROM pg_tables WHERE schemaname = 'public'",
        };
        assert_eq!(number(db.store(), tables), 0);
        assert_eq!(db.store().migrate(LOG_ID).unwrap(), pending);
        assert!(store.pending_migrations().unwrap().is_empty());
        assert_eq!(read(&store, log::head).seq, 0);
        let refused: Result<_, StoreError> = store.write(log::head);
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    });
}

#[test]
fn a_file_that_several_processes_make_at_once_is_one_database() {
    let db = TestDatabase::empty_sqlite();
    let path = beside(&db, "new.db");
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                let store = Store::open(path.to_str().unwrap(), 1).unwrap();
                store.migrate(LOG_ID).unwrap();
                append(&store);
            });
        }
    });
    assert_eq!(read(&Store::open(path.to_str().unwrap(), 1).unwrap(), log::head).seq, 8);
}

#[test]
fn a_schema_newer_than_this_program_is_refused() {
    on_both_empty(|db| {
        let store = db.store();
        store.migrate(LOG_ID).unwrap();
        raw(
            store,
            "INSERT INTO __diesel_schema_migrations (version, run_on) VALUES ('99990101000000', '2026-01-01 00:00:00')",
        )
        .unwrap();
        assert!(matches!(store.migrate(LOG_ID), Err(StoreError::NewerSchema)));
        assert!(matches!(store.pending_migrations(), Err(StoreError::NewerSchema)));
    });
}

#[test]
fn what_went_up_comes_down_and_goes_up_again() {
    on_both_empty(|db| {
        let store = db.store();
        let up = store.migrate(LOG_ID).unwrap();
        append(store);
        let down = take_down(db);
        assert_eq!(down.iter().rev().collect::<Vec<_>>(), up.iter().collect::<Vec<_>>());
        assert_eq!(columns(db).keys().collect::<Vec<_>>(), Vec::<&String>::new(), "nothing is left");
        assert_eq!(store.migrate(LOG_ID).unwrap(), up);
        assert_eq!(append(store), 1);
    });
}

/// Reverts every migration and answers their versions.
#[allow(clippy::disallowed_methods, reason = "the store itself never takes a schema down")]
fn take_down(db: &TestDatabase) -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let words = |versions: Vec<MigrationVersion<'_>>| versions.iter().map(ToString::to_string).collect();
    match db.kind() {
        Kind::Sqlite => {
            let source = FileBasedMigrations::from_path(format!("{folder}/sqlite")).unwrap();
            let mut conn = SqliteConnection::establish(db.url().trim_start_matches("sqlite:")).unwrap();
            words(conn.revert_all_migrations(source).unwrap())
        }
        Kind::Postgres => {
            let source = FileBasedMigrations::from_path(format!("{folder}/postgres")).unwrap();
            let mut conn = PgConnection::establish(db.url()).unwrap();
            words(conn.revert_all_migrations(source).unwrap())
        }
    }
}

#[test]
fn both_databases_have_the_tables_that_the_program_reads() {
    let described = described();
    assert!(described.len() > 10, "the description was read");
    for db in [Some(TestDatabase::sqlite()), TestDatabase::postgres()].into_iter().flatten() {
        assert_eq!(columns(&db), described, "{:?}", db.kind());
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |dialect: &str| {
        let folder = format!("{}/../../migrations/{dialect}", env!("CARGO_MANIFEST_DIR"));
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

/// Each table's columns, by name, with the type that the program takes them for.
type Columns = BTreeMap<String, BTreeMap<String, String>>;

/// The columns as `schema.rs` describes them: `name -> Type,` between `table (key) {` and `}`.
fn described() -> Columns {
    let mut tables = Columns::new();
    let mut table = String::new();
    for line in include_str!("../../src/schema.rs").lines() {
        let line = line.trim();
        if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with(") {")) {
            name.clone_into(&mut table);
        } else if let Some((column, kind)) = line.strip_suffix(',').and_then(|line| line.split_once(" -> ")) {
            tables.entry(table.clone()).or_default().insert(column.to_owned(), kind.to_owned());
        }
    }
    tables
}

/// The columns as the database has them, in the words of `schema.rs`.
fn columns(db: &TestDatabase) -> Columns {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        table_name: String,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        data_type: String,
        #[diesel(sql_type = Bool)]
        nullable: bool,
    }
    const ON_SQLITE: &str = "SELECT t.name AS table_name, c.name AS name, c.type AS data_type, \
        c.\"notnull\" = 0 AS nullable FROM pragma_table_list AS t, pragma_table_info(t.name) AS c \
        WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite%'";
    const ON_POSTGRES: &str = "SELECT table_name::text, column_name::text AS name, data_type::text, \
        is_nullable = 'YES' AS nullable FROM information_schema.columns WHERE table_schema = 'public'";
    let found: Vec<Found> = read(db.store(), |conn| match conn {
        Conn::Sqlite(c) => Ok(diesel::sql_query(ON_SQLITE).load(*c)?),
        Conn::Postgres(c) => Ok(diesel::sql_query(ON_POSTGRES).load(*c)?),
    });
    let described = described();
    let mut tables = Columns::new();
    for column in found.into_iter().filter(|column| !column.table_name.starts_with("__diesel")) {
        let expected = described.get(&column.table_name).and_then(|table| table.get(&column.name));
        let base = expected.map_or("", |kind| kind.trim_start_matches("Nullable<").trim_end_matches('>'));
        let spelled = match (db.kind(), base) {
            (Kind::Sqlite, "Uuid" | "Instant" | "Text") => "TEXT",
            (Kind::Sqlite, "Integer" | "BigInt") => "INTEGER",
            (Kind::Sqlite, "Double") => "REAL",
            (Kind::Sqlite, "Binary") => "BLOB",
            (Kind::Postgres, "Uuid") => "uuid",
            (Kind::Postgres, "Instant") => "timestamp with time zone",
            (Kind::Postgres, "Text") => "text",
            (Kind::Postgres, "Integer") => "integer",
            (Kind::Postgres, "BigInt") => "bigint",
            (Kind::Postgres, "Double") => "double precision",
            (Kind::Postgres, "Binary") => "bytea",
            _ => "",
        };
        let base = if column.data_type == spelled { base } else { &column.data_type };
        let kind = if column.nullable { format!("Nullable<{base}>") } else { base.to_owned() };
        tables.entry(column.table_name).or_default().insert(column.name, kind);
    }
    tables
}
