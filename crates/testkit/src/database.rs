//! A database of its own for each test, migrated, of both kinds; gone when the test is over.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use eureka_store::{Kind, Store};
use tempfile::TempDir;
use uuid::Uuid;

use crate::postgres::Cluster;
use crate::skip;

/// The id of the change log of every test database.
pub const LOG_ID: Uuid = Uuid::from_u128(0x0193_5d6c_0000_7000_8000_0000_0000_0001);

/// Reading connections of a test's store.
const READERS: u32 = 4;

/// One test's database.
pub struct TestDatabase {
    store: Store,
    url: String,
    place: Place,
}

/// What has to go away in the end.
enum Place {
    /// The folder with the file; it goes by itself.
    Folder { _folder: TempDir },
    /// The database of this name in the test cluster.
    Cluster { cluster: &'static Cluster, name: String },
}

impl TestDatabase {
    /// A migrated SQLite database.
    pub fn sqlite() -> Self {
        let database = Self::empty_sqlite();
        migrate(&database.store);
        database
    }

    /// A SQLite database without a schema.
    #[allow(clippy::expect_used, reason = "a test without a database has failed")]
    pub fn empty_sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite:{}", folder.path().join("eureka.db").display());
        let store = open(&url);
        Self { store, url, place: Place::Folder { _folder: folder } }
    }

    /// A migrated PostgreSQL database; `None`, and a word on the terminal, where PostgreSQL is not installed. In CI
    /// (`CI=true`) that is a failure.
    pub fn postgres() -> Option<Self> {
        on_postgres(|cluster, name| cluster.create_migrated(name, migrate_at))
    }

    /// A PostgreSQL database without a schema; see [`Self::postgres`].
    pub fn empty_postgres() -> Option<Self> {
        on_postgres(Cluster::create)
    }

    /// The store on this database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Another store on the same database, as another process would open it.
    pub fn open_again(&self) -> Store {
        open(&self.url)
    }

    /// Where the database is, as `DATABASE_URL` would tell.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Which database it is.
    pub fn kind(&self) -> Kind {
        self.store.kind()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        self.store.close();
        if let Place::Cluster { cluster, name } = &self.place {
            cluster.drop_database(name);
        }
    }
}

/// Runs a test on a fresh database of each kind, on both at once. Both are tried, whatever one says, and a failure names
/// its database.
#[allow(clippy::expect_used, reason = "a test without a thread has failed")]
pub fn on_both(test: impl Fn(&TestDatabase) + Sync) {
    let run = |database: TestDatabase| {
        let kind = database.kind();
        let result = catch_unwind(AssertUnwindSafe(|| test(&database)));
        if result.is_err() {
            eprintln!("the test failed on {kind:?}");
        }
        result
    };
    let results = thread::scope(|scope| {
        // On a thread with the test's name, which a skip tells.
        let name = thread::current().name().unwrap_or_default().to_owned();
        let other = thread::Builder::new().name(name).spawn_scoped(scope, || TestDatabase::postgres().map(run));
        [Some(run(TestDatabase::sqlite())), other.expect("a thread").join().unwrap_or_else(|why| Some(Err(why)))]
    });
    for result in results.into_iter().flatten() {
        if let Err(panic) = result {
            resume_unwind(panic);
        }
    }
}

fn on_postgres(create: impl FnOnce(&'static Cluster, &str) -> String) -> Option<TestDatabase> {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let cluster = match Cluster::shared() {
        Ok(cluster) => cluster,
        Err(why) => {
            let skipped = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
            let thread = std::thread::current();
            let test = thread.name().unwrap_or_default();
            skip::say_aloud(&format!("SKIPPED ON POSTGRESQL ({skipped} so far in this process): {test}: {why}"));
            return None;
        }
    };
    let name = format!("test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let url = create(cluster, &name);
    Some(TestDatabase { store: open(&url), url, place: Place::Cluster { cluster, name } })
}

fn migrate_at(url: &str) {
    let store = open(url);
    migrate(&store);
    store.close();
}

#[allow(clippy::expect_used, reason = "a test without a database has failed")]
fn migrate(store: &Store) {
    store.migrate(LOG_ID).expect("the schema");
}

#[allow(clippy::expect_used, reason = "a test without a database has failed")]
fn open(url: &str) -> Store {
    Store::open(url, READERS).expect("a database")
}
