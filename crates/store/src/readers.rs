//! The connections that only read: opened when first needed, replaced when lost, never more than the limit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant as Stopwatch};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::StoreError;
use crate::connect::{self, Link};
use crate::target::Target;

/// How long a read waits for a free connection.
const WAIT: Duration = Duration::from_secs(5);

/// One slot a connection; an empty one is filled when it is taken.
pub(crate) struct Readers {
    target: Target,
    free: Receiver<Option<Link>>,
    give_back: Sender<Option<Link>>,
    waits: AtomicU64,
    waited_micros: AtomicU64,
}

impl Readers {
    /// Room for `limit` connections, none of them open yet.
    pub(crate) fn new(target: Target, limit: usize) -> Self {
        let (give_back, free) = bounded(limit);
        for _ in 0..limit {
            // There is room for exactly these.
            let _ = give_back.try_send(None);
        }
        Self { target, free, give_back, waits: AtomicU64::default(), waited_micros: AtomicU64::default() }
    }

    /// Waits for a free slot.
    pub(crate) fn take(&self) -> Result<Reader<'_>, StoreError> {
        if let Ok(link) = self.free.try_recv() {
            return Ok(Reader { readers: self, link });
        }
        let begun = Stopwatch::now();
        let link = self.free.recv_timeout(WAIT);
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waits.fetch_add(1, Ordering::Relaxed);
        self.waited_micros.fetch_add(micros, Ordering::Relaxed);
        Ok(Reader { readers: self, link: link.map_err(|_| StoreError::Busy)? })
    }

    /// Closes the connections that are not at work.
    pub(crate) fn close(&self) {
        for _ in 0..self.free.len() {
            if let Ok(link) = self.free.try_recv() {
                drop(link);
                let _ = self.give_back.try_send(None);
            }
        }
    }

    /// How many reads had to wait for a connection since the start, and how long all of them together.
    pub(crate) fn waits(&self) -> (u64, Duration) {
        let waited = Duration::from_micros(self.waited_micros.load(Ordering::Relaxed));
        (self.waits.load(Ordering::Relaxed), waited)
    }

    /// How many connections are at work.
    pub(crate) fn in_use(&self) -> usize {
        self.free.capacity().unwrap_or_default().saturating_sub(self.free.len())
    }
}

/// A slot in use; it goes back when this is dropped, empty if the connection is broken or the reader panicked.
pub(crate) struct Reader<'r> {
    readers: &'r Readers,
    link: Option<Link>,
}

impl Reader<'_> {
    /// The connection, and whether it was opened just now.
    pub(crate) fn link(&mut self) -> Result<(&mut Link, bool), StoreError> {
        let is_new = self.link.is_none();
        let link = match self.link.take() {
            Some(link) => link,
            None => connect::reading(&self.readers.target)?,
        };
        Ok((self.link.insert(link), is_new))
    }

    /// Closes the connection; the next [`Self::link`] opens another.
    pub(crate) fn discard(&mut self) {
        self.link = None;
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let link = self.link.take().filter(|_| !std::thread::panicking());
        let sound = link.and_then(|mut link| (!link.is_broken()).then_some(link));
        let _ = self.readers.give_back.try_send(sound);
    }
}
