//! A few threads for work that takes the processor for long, behind a short queue: a flood of it cannot take the processors
//! from everyone else, nor the memory, and whoever comes too many is told at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;

use crate::ServiceError;

type Job = Box<dyn FnOnce() + Send>;

/// The threads. They end when this is dropped.
pub(crate) struct Workers {
    queue: SyncSender<Job>,
    patience: Duration,
    busy: &'static str,
}

impl Workers {
    /// `threads` threads of a name with a queue of `queue` before them, which are waited for as long as `patience`; `busy` is
    /// what is told when that is not enough.
    pub(crate) fn new(
        name: &'static str,
        threads: usize,
        queue: usize,
        patience: Duration,
        busy: &'static str,
    ) -> Result<Self, ServiceError> {
        let (queue, jobs) = sync_channel::<Job>(queue);
        let jobs = Arc::new(Mutex::new(jobs));
        for place in 0..threads.max(1) {
            let jobs = Arc::clone(&jobs);
            let thread = std::thread::Builder::new().name(format!("{name}-{place}"));
            thread.spawn(move || work(name, &jobs)).map_err(ServiceError::internal)?;
        }
        Ok(Self { queue, patience, busy })
    }

    /// Has a job done on one of the threads. One whose caller has given up is not begun.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let waiting = Arc::new(());
        let still_waited_for = Arc::downgrade(&waiting);
        let (tell, told) = sync_channel(1);
        let job = move || {
            if still_waited_for.strong_count() > 0 {
                // Whoever asked may have gone meanwhile; then nobody is owed an answer.
                let _ = tell.send(job());
            }
        };
        let busy = || ServiceError::Busy(self.busy);
        self.queue.try_send(Box::new(job)).map_err(|_| busy())?;
        let answer = told.recv_timeout(self.patience);
        drop(waiting);
        answer.unwrap_or_else(|_| Err(busy()))
    }
}

/// Does jobs until there is nobody left to send any.
fn work(name: &str, jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().recv(); // the lock is held while waiting, and given up before the job is done
        let Ok(job) = job else { return };
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!(name, "a job panicked");
        }
    }
}
