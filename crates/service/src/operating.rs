//! Looking after this process's index while it serves: how it stands, comparing it with the database, making it anew. One
//! such work at a time, on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use eureka_domain::Instant;
use eureka_domain::access::{self, Caller};
use parking_lot::Mutex;

use crate::{Drift, Figures, Indexer, Service, ServiceError};

/// What can be done about an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexTask {
    /// Compare it with the database.
    Verify,
    /// Compare it, and bring what differs to what the database says.
    Repair,
    /// Make it anew beside the present one, which answers searches meanwhile.
    Rebuild,
}

/// A work on the index, under way or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexWork {
    /// What is done.
    pub task: IndexTask,
    /// Since when.
    pub started_at: Instant,
    /// When it ended, and how.
    pub ended: Option<(Instant, IndexOutcome)>,
}

/// What came of a work on the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexOutcome {
    /// Where it differed.
    Compared(Drift),
    /// How many tips the new one has.
    Rebuilt(u64),
    /// It could not be done; the log says why.
    Failed,
}

/// How the index stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexStatus {
    /// Its figures.
    pub figures: Figures,
    /// The last work on it that was asked for since the start.
    pub work: Option<IndexWork>,
}

/// The last work on the index.
#[derive(Default, Clone)]
pub(crate) struct LastWork(Arc<Mutex<Option<IndexWork>>>);

impl Service {
    /// How the index of this process stands: admins.
    pub fn index_status(&self, caller: &Caller) -> Result<IndexStatus, ServiceError> {
        access::may_administer(caller)?;
        Ok(IndexStatus { figures: self.figures(), work: self.index_work.0.lock().clone() })
    }

    /// Has something done about the index of this process, unless something is: admins. Answers at once.
    pub fn work_on_index(&self, caller: &Caller, task: IndexTask) -> Result<IndexStatus, ServiceError> {
        access::may_administer(caller)?;
        let work = IndexWork { task, started_at: self.clock.now(), ended: None };
        {
            let mut last = self.index_work.0.lock();
            if last.as_ref().is_some_and(|work| work.ended.is_none()) {
                return Err(ServiceError::AlreadyRunning);
            }
            *last = Some(work.clone());
        }
        tracing::info!(?task, by = %caller.user, "work on the index begins");
        let (indexer, clock, last) = (Arc::clone(&self.indexer), Arc::clone(&self.clock), self.index_work.clone());
        let done = move || {
            let outcome = outcome(&indexer, task);
            tracing::info!(?task, ?outcome, "work on the index ended");
            *last.0.lock() = Some(IndexWork { ended: Some((clock.now(), outcome)), ..work });
        };
        if let Err(error) = std::thread::Builder::new().name("index-work".to_owned()).spawn(done) {
            *self.index_work.0.lock() = None;
            return Err(ServiceError::internal(error));
        }
        self.index_status(caller)
    }
}

fn outcome(indexer: &Indexer, task: IndexTask) -> IndexOutcome {
    let work = || match task {
        IndexTask::Verify => indexer.verify(|_| ()).map(IndexOutcome::Compared),
        IndexTask::Repair => indexer.check().map(IndexOutcome::Compared),
        IndexTask::Rebuild => indexer.rebuild(|_| ()).map(IndexOutcome::Rebuilt),
    };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            tracing::error!(%error, "the work on the index failed");
            IndexOutcome::Failed
        }
        Err(_) => IndexOutcome::Failed,
    }
}
