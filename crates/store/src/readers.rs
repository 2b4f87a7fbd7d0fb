//! The connections that only read: opened when first needed, replaced when lost, never more than the limit.

use std::time::Duration;

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
}

impl Readers {
    /// Room for `limit` connections, none of them open yet.
    pub(crate) fn new(target: Target, limit: usize) -> Self {
        let (give_back, free) = bounded(limit);
        for _ in 0..limit {
            // There is room for exactly these.
            let _ = give_back.try_send(None);
        }
        Self { target, free, give_back }
    }

    /// Waits for a free slot.
    pub(crate) fn take(&self) -> Result<Reader<'_>, StoreError> {
        let link = self.free.recv_timeout(WAIT).map_err(|_| StoreError::Busy)?;
        Ok(Reader { readers: self, link })
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
