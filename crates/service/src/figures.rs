//! What an operator watches: how much there is to do, how far the index has come, what went wrong.

use eureka_store::{Load, StoreError, log, webhooks};

use crate::{IndexState, Service, WebhookFigures};

/// The state of the service at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// What the database has to do.
    pub database: Load,
    /// The last change of the log; absent while the database cannot be asked.
    pub log_head: Option<i64>,
    /// How the index stands.
    pub index: IndexState,
    /// How far it has come in the log.
    pub index_position: i64,
    /// How many tips it has.
    pub index_tips: u64,
    /// Size of its files in bytes.
    pub index_bytes: u64,
    /// Tips that scheduled checks found to differ from the database, since the start.
    pub drift_found: u64,
    /// How many of these were brought to what the database says.
    pub drift_repaired: u64,
    /// How often scheduled checks found files of the index that were not what was written, since the start.
    pub damage_found: u64,
    /// Searches that wait for a thread.
    pub searches_waiting: usize,
    /// Searches that could not be remembered, since the start.
    pub searches_dropped: u64,
    /// How the sending of webhooks stands; absent while the database cannot be asked.
    pub webhooks: Option<WebhookFigures>,
}

impl Service {
    /// How it stands. Asks the database for the log's head and what is to be sent, and the file system for the size of the
    /// index.
    pub fn figures(&self) -> Figures {
        let (index, index_position) = self.indexer.state();
        let present = self.indexer.index();
        let (drift_found, drift_repaired) = self.indexer.drift_so_far();
        let now = self.clock.now();
        let asked =
            self.store.read(|conn| Ok::<_, StoreError>((log::head(conn)?.seq, webhooks::backlog(conn, now)?))).ok();
        Figures {
            database: self.store.load(),
            log_head: asked.map(|(head, _)| head),
            index,
            index_position,
            index_tips: present.as_ref().map_or(0, |index| index.len()),
            index_bytes: present.as_ref().map_or(0, |index| index.bytes_on_disk()),
            drift_found,
            drift_repaired,
            damage_found: self.indexer.damage_so_far(),
            searches_waiting: self.pools.searches.waiting(),
            searches_dropped: self.remembered.dropped(),
            webhooks: asked.map(|(_, backlog)| self.sending.figures(backlog, now)),
        }
    }
}
