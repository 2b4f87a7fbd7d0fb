//! The threads that searches run on: as many as cores, behind a queue in which nobody waits long. Searches on the threads that serve requests
//! would hold up every other request; more searches at once than cores would only make all of them slower.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio::sync::oneshot;

use crate::error::SearchError;

/// How a pool is made.
#[derive(Debug, Clone, Copy)]
pub struct PoolOptions {
    /// How many jobs run at once; by default as many as the machine has cores.
    pub threads: usize,
    /// How many jobs may wait; one more is refused with [`SearchError::Busy`].
    pub queue: usize,
    /// How long the jobs at the head of the queue may have waited; while it is longer, every new one is refused.
    pub longest_wait: Duration,
    /// Time that a job has, waiting included; after it the answer is [`SearchError::TimedOut`].
    pub patience: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Self {
            threads,
            queue: 1024 * threads,
            longest_wait: Duration::from_millis(250),
            patience: Duration::from_secs(2),
        }
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Threads for searches, and a queue before them. Dropping it waits until the queue is empty.
pub struct SearchPool {
    queue: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    taken: Arc<Taken>,
    longest_wait: Duration,
    patience: Duration,
}

/// When a job was last taken from the queue and how long it had waited there, in microseconds.
struct Taken {
    begun: Instant,
    at: AtomicU64,
    wait: AtomicU64,
}

impl Taken {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// A job that was asked for then is taken now.
    fn note(&self, asked: u64) {
        let now = self.now();
        self.at.store(now, Ordering::Relaxed);
        self.wait.store(now.saturating_sub(asked), Ordering::Relaxed);
    }

    /// Nothing waited until now: what was before counts no more.
    fn begin(&self, now: u64) {
        self.at.store(now, Ordering::Relaxed);
        self.wait.store(0, Ordering::Relaxed);
    }

    /// How long the next one will at least have waited, if there is one.
    fn wait(&self) -> Duration {
        let since = self.now().saturating_sub(self.at.load(Ordering::Relaxed));
        Duration::from_micros(self.wait.load(Ordering::Relaxed).max(since))
    }
}

impl SearchPool {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// [`SearchError::Io`] when the operating system gives no thread.
    pub fn new(options: PoolOptions) -> Result<Self, SearchError> {
        let (queue, jobs) = crossbeam_channel::bounded::<Job>(options.queue);
        let threads = (0..options.threads.max(1))
            .map(|place| {
                let jobs = jobs.clone();
                std::thread::Builder::new().name(format!("search-{place}")).spawn(move || work(&jobs))
            })
            .collect::<Result<_, _>>()?;
        let (longest_wait, patience) = (options.longest_wait, options.patience);
        let taken = Arc::new(Taken { begun: Instant::now(), at: AtomicU64::new(0), wait: AtomicU64::new(0) });
        Ok(Self { queue: Some(queue), threads, taken, longest_wait, patience })
    }

    /// Has a job done. The job is told how much time it has left, to be set as the request's `deadline`; it may search
    /// more than once, and should also write its answer out (serialise it), so that the caller's thread does not have to.
    /// A job whose caller has gone away, or whose time has passed while it waited, is not begun.
    ///
    /// # Errors
    ///
    /// The answer is [`SearchError::Busy`] at once when the queue is full or too slow, [`SearchError::TimedOut`] when the time was
    /// over before the job began or when the job found so, [`SearchError::Panicked`] when the job panicked, and
    /// whatever the job itself gives.
    pub fn run<T, J>(&self, job: J) -> Answer<T>
    where
        T: Send + 'static,
        J: FnOnce(Duration) -> Result<T, SearchError> + Send + 'static,
    {
        if self.is_behind() {
            return Answer(State::Refused(Some(SearchError::Busy)));
        }
        let (teller, answer) = oneshot::channel();
        let until = Instant::now() + self.patience;
        let (taken, asked) = (Arc::clone(&self.taken), self.taken.now());
        if self.waiting() == 0 {
            taken.begin(asked);
        }
        let span = tracing::debug_span!(target: "eureka::trace", "search");
        let boxed: Job = Box::new(move || {
            taken.note(asked);
            if teller.is_closed() {
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            let outcome =
                if left.is_zero() { Err(SearchError::TimedOut) } else { guarded(|| span.in_scope(|| job(left))) };
            // Whoever asked may have gone; then nobody is owed an answer.
            let _ = teller.send(outcome);
        });
        match self.queue.as_ref().map(|queue| queue.try_send(boxed)) {
            Some(Ok(())) => Answer(State::Waiting(answer)),
            Some(Err(TrySendError::Full(_))) => Answer(State::Refused(Some(SearchError::Busy))),
            _ => Answer(State::Refused(Some(gone()))),
        }
    }

    /// Whether jobs wait too long, so that new ones are refused until those before them have been done. A number alone would
    /// not do: a hundred waiting searches are a moment on one index and seconds on another.
    pub fn is_behind(&self) -> bool {
        self.waiting() > 0 && self.taken.wait() > self.longest_wait
    }

    /// How many jobs wait for a thread.
    pub fn waiting(&self) -> usize {
        self.queue.as_ref().map_or(0, Sender::len)
    }
}

impl Drop for SearchPool {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // Jobs are guarded, so that a thread ends only by coming to the end of the queue.
            let _ = thread.join();
        }
    }
}

fn work(jobs: &Receiver<Job>) {
    for job in jobs {
        job();
    }
}

/// The answer to a job, to be awaited in any runtime or waited for on a thread of one's own.
#[must_use = "a job whose answer nobody waits for is not begun"]
pub struct Answer<T>(State<T>);

enum State<T> {
    Waiting(oneshot::Receiver<Result<T, SearchError>>),
    Refused(Option<SearchError>),
}

impl<T> Answer<T> {
    /// Blocks until the answer is there. For threads that may block; panics on a thread that runs async tasks.
    pub fn wait(self) -> Result<T, SearchError> {
        match self.0 {
            State::Waiting(answer) => answer.blocking_recv().unwrap_or_else(|_| Err(gone())),
            State::Refused(error) => Err(error.unwrap_or_else(gone)),
        }
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, SearchError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Waiting(answer) => Pin::new(answer).poll(context).map(|told| told.unwrap_or_else(|_| Err(gone()))),
            State::Refused(error) => Poll::Ready(Err(error.take().unwrap_or_else(gone))),
        }
    }
}

impl<T> Unpin for Answer<T> {}

fn gone() -> SearchError {
    SearchError::Engine("the search pool has been stopped".to_owned())
}

/// Runs a search so that a panic inside the engine (damaged files) is an error of this search alone.
pub(crate) fn guarded<T>(run: impl FnOnce() -> Result<T, SearchError>) -> Result<T, SearchError> {
    std::panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|cause| {
        let cause = cause
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default();
        Err(SearchError::Panicked(cause))
    })
}
