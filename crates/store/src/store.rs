//! The store: a pool of reading connections and one writer thread, shared by all clones.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;
use diesel::Connection;
use diesel::result::Error as DieselError;

use crate::connect::Link;
use crate::readers::Readers;
use crate::target::Target;
use crate::writer::Writer;
use crate::{Conn, StoreError};

/// Which database a store is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A SQLite file.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// What a write gave, and the place in the change log that it reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    /// What the closure returned.
    pub value: T,
    /// The last row of the change log as the closure left it; a search that waits for this position sees the change.
    pub position: i64,
}

/// How much a store has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Writes that have not been taken up.
    pub writes_waiting: usize,
    /// How long the oldest write that is not answered has been waiting.
    pub oldest_write: Duration,
    /// Reading connections at work.
    pub readers_in_use: usize,
    /// Reads that had to wait for a connection, since the start.
    pub read_waits: u64,
    /// How long all of them waited together.
    pub reads_waited: Duration,
}

/// The database. Clones share it; the writer thread ends with the last one.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    target: Target,
    readers: Readers,
    writer: Writer,
}

impl Store {
    /// Opens `sqlite:PATH`, a bare path, or `postgres://…`, with at most `readers` connections for reads and one for
    /// writes. Says at once when the server cannot be reached; later it reconnects by itself. The schema is left alone:
    /// see [`Store::migrate`].
    pub fn open(url: &str, readers: u32) -> Result<Self, StoreError> {
        let target = Target::parse(url)?;
        let writer = Writer::start(target.clone())?;
        let readers = Readers::new(target.clone(), usize::try_from(readers.max(1)).unwrap_or(1));
        Ok(Self { inner: Arc::new(Inner { target, readers, writer }) })
    }

    /// Opens a database that is there, for reads only: makes no file, and refuses every write.
    pub fn open_to_read(url: &str, readers: u32) -> Result<Self, StoreError> {
        let target = Target::parse(url)?;
        if let Target::Sqlite(path) = &target
            && !path.is_file()
        {
            return Err(StoreError::Refused(format!("there is no database at {}", path.display())));
        }
        let readers = Readers::new(target.clone(), usize::try_from(readers.max(1)).unwrap_or(1));
        readers.take()?.link()?;
        Ok(Self { inner: Arc::new(Inner { target, readers, writer: Writer::closed() }) })
    }

    /// Which database a URL names.
    pub fn kind_of(url: &str) -> Result<Kind, StoreError> {
        Ok(match Target::parse(url)? {
            Target::Sqlite(_) => Kind::Sqlite,
            Target::Postgres(_) => Kind::Postgres,
        })
    }

    /// Which database this is.
    pub fn kind(&self) -> Kind {
        match self.inner.target {
            Target::Sqlite(_) => Kind::Sqlite,
            Target::Postgres(_) => Kind::Postgres,
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.inner.target
    }

    /// Runs `f` on one snapshot of the database, which it cannot change.
    pub fn read<T, E: From<StoreError>>(&self, f: impl FnOnce(&mut Conn<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut reader = self.inner.readers.take()?;
        let mut f = Some(f);
        loop {
            let (link, is_new) = reader.link()?;
            match on_snapshot(link, |conn| match f.take() {
                Some(f) => f(conn).map_err(Failed::Own),
                None => Err(Failed::Database(DieselError::AlreadyInTransaction)),
            }) {
                Ok(value) => return Ok(value),
                Err(Failed::Own(error)) => return Err(error),
                // The transaction never began: the connection was lost while it lay idle.
                Err(Failed::Database(_)) if f.is_some() && !is_new => reader.discard(),
                Err(Failed::Database(error)) => return Err(StoreError::from(error).into()),
            }
        }
    }

    /// Runs `f` on the writer thread, in a transaction that it may share with other writes, and waits for the commit.
    ///
    /// Writes of all processes have one order. An `f` that errs or panics leaves no trace. After
    /// [`StoreError::Unavailable`] the change may or may not have been kept. An `f` must not write through the store
    /// itself: it would wait for its own thread.
    pub fn write<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        f: impl FnOnce(&mut Conn<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<Written<T>, E> {
        self.inner.writer.write(f)
    }

    /// Pinged after each commit of this process that appended to the change log; pings that nobody has taken yet
    /// melt into one.
    pub fn subscribe(&self) -> Receiver<()> {
        self.inner.writer.subscribe()
    }

    /// How much it has to do at this moment.
    pub fn load(&self) -> Load {
        let (writes_waiting, oldest_write) = self.inner.writer.backlog();
        let (read_waits, reads_waited) = self.inner.readers.waits();
        let readers_in_use = self.inner.readers.in_use();
        Load { writes_waiting, oldest_write, readers_in_use, read_waits, reads_waited }
    }

    /// Refuses further writes, and waits until those that are queued have been answered. Connections that only read are
    /// closed first: the last to go tidies a SQLite file up.
    pub fn close(&self) {
        self.inner.readers.close();
        self.inner.writer.close();
    }
}

/// One transaction that sees one state of the database: deferred on SQLite, repeatable read on PostgreSQL.
fn on_snapshot<T, E>(link: &mut Link, f: impl FnOnce(&mut Conn<'_>) -> Result<T, Failed<E>>) -> Result<T, Failed<E>> {
    match link {
        Link::Sqlite(conn) => conn.transaction(|conn| f(&mut Conn::Sqlite(conn))),
        Link::Postgres(conn) => {
            conn.build_transaction().read_only().repeatable_read().run(|conn| f(&mut Conn::Postgres(conn)))
        }
    }
}

/// Why a transaction was rolled back: by its closure, or by the database.
pub(crate) enum Failed<E> {
    /// The closure's own error.
    Own(E),
    /// The database's.
    Database(DieselError),
}

impl<E> From<DieselError> for Failed<E> {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}

impl Failed<StoreError> {
    pub(crate) fn into_store_error(self) -> StoreError {
        match self {
            Self::Own(error) => error,
            Self::Database(error) => error.into(),
        }
    }
}

impl From<StoreError> for Failed<StoreError> {
    fn from(own: StoreError) -> Self {
        Self::Own(own)
    }
}
