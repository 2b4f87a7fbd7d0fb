//! The writer thread: all writes of this process, in one order. Those that wait are run in one transaction, a savepoint
//! each, and answered after its commit: one fsync for many, and nobody is told of what a crash could take back.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Stopwatch};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use diesel::connection::Connection;
use parking_lot::Mutex;

use crate::connect::{self, Link};
use crate::store::Failed;
use crate::target::Target;
use crate::{Conn, StoreError, Written, log};

/// Most closures in one transaction.
const BATCH: usize = 64;
/// Most closures that wait; more are refused as [`StoreError::Busy`].
const QUEUE: usize = 1024;

/// The way to the writer thread.
pub(crate) struct Writer {
    jobs: Mutex<Option<Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    subscribers: Subscribers,
    oldest: Oldest,
}

/// When the oldest write that is not answered yet was asked for. Writes are served in order: it is the first of those
/// being served.
type Oldest = Arc<Mutex<Option<Stopwatch>>>;

type Subscribers = Arc<Mutex<Vec<Sender<()>>>>;

impl Writer {
    /// Connects, and starts the thread. It ends when this is dropped or closed.
    pub(crate) fn start(target: Target) -> Result<Self, StoreError> {
        let link = connect::writing(&target)?;
        let (jobs, queue) = bounded(QUEUE);
        let subscribers = Subscribers::default();
        let oldest = Oldest::default();
        let (told, since) = (Arc::clone(&subscribers), Arc::clone(&oldest));
        let mut worker = Worker { target, queue, subscribers: told, oldest: since, link: Some(link) };
        let thread = std::thread::Builder::new()
            .name("eureka-writer".to_owned())
            .spawn(move || worker.run())
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)), subscribers, oldest })
    }

    /// A writer that refuses every write.
    pub(crate) fn closed() -> Self {
        Self {
            jobs: Mutex::default(),
            thread: Mutex::default(),
            subscribers: Subscribers::default(),
            oldest: Oldest::default(),
        }
    }

    /// Queues a closure and waits for its commit.
    pub(crate) fn write<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        f: impl FnOnce(&mut Conn<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<Written<T>, E> {
        let _span = tracing::debug_span!(target: "eureka::trace", "write").entered();
        let (reply, answer) = bounded(1);
        let job = Box::new(Task { f: Some(f), outcome: None, reply, asked: Stopwatch::now() });
        let jobs = self.jobs.lock().clone();
        let Some(jobs) = jobs else {
            return Err(StoreError::Unavailable("the store is closed".to_owned()).into());
        };
        match jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(StoreError::Busy.into()),
            Err(TrySendError::Disconnected(_)) => return Err(StoreError::Panicked.into()),
        }
        drop(jobs);
        answer.recv().unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }

    /// How many writes wait to be taken up, and how long the oldest that is not answered has been waiting.
    pub(crate) fn backlog(&self) -> (usize, Duration) {
        let waiting = self.jobs.lock().as_ref().map_or(0, Sender::len);
        (waiting, self.oldest.lock().map_or(Duration::ZERO, |since| since.elapsed()))
    }

    /// A channel that is pinged after commits that appended to the change log.
    pub(crate) fn subscribe(&self) -> Receiver<()> {
        let (ping, pings) = bounded(1);
        self.subscribers.lock().push(ping);
        pings
    }

    /// Takes no more jobs, and waits until those queued are answered.
    pub(crate) fn close(&self) {
        drop(self.jobs.lock().take());
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let _ = thread.join(); // it catches every panic
        }
    }
}

/// One closure on its way through the writer.
trait Job: Send {
    /// When it was asked for.
    fn asked(&self) -> Stopwatch;
    /// Runs it, inside its savepoint; says whether to keep what it did.
    fn run(&mut self, conn: &mut Conn<'_>) -> Result<(), RolledBack>;
    /// Answers after the commit.
    fn answer(self: Box<Self>);
    /// Answers that nothing came of it.
    fn fail(self: Box<Self>, why: &StoreError);
}

/// A closure that did not succeed; it keeps its own error.
struct RolledBack;

struct Task<F, T, E> {
    f: Option<F>,
    outcome: Option<Result<Written<T>, E>>,
    reply: Sender<Result<Written<T>, E>>,
    asked: Stopwatch,
}

impl<F, T, E> Job for Task<F, T, E>
where
    F: FnOnce(&mut Conn<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn asked(&self) -> Stopwatch {
        self.asked
    }

    fn run(&mut self, conn: &mut Conn<'_>) -> Result<(), RolledBack> {
        let Some(f) = self.f.take() else {
            return Err(RolledBack);
        };
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let value = f(conn)?;
            let position = log::head(conn)?.seq;
            Ok(Written { value, position })
        }));
        let outcome = ran.unwrap_or_else(|panic| {
            tracing::error!(panic = told(&*panic), "a write panicked and was rolled back");
            Err(StoreError::Panicked.into())
        });
        let kept = outcome.as_ref().map(|_| ()).map_err(|_| RolledBack);
        self.outcome = Some(outcome);
        kept
    }

    fn answer(self: Box<Self>) {
        let outcome = self.outcome.unwrap_or_else(|| Err(StoreError::Panicked.into()));
        let _ = self.reply.send(outcome); // whoever asked may have gone
    }

    fn fail(self: Box<Self>, why: &StoreError) {
        let _ = self.reply.send(Err(why.repeat().into()));
    }
}

fn told(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown")
}

struct Worker {
    target: Target,
    queue: Receiver<Box<dyn Job>>,
    subscribers: Subscribers,
    oldest: Oldest,
    link: Option<Link>,
}

impl Worker {
    fn run(&mut self) {
        while let Ok(first) = self.queue.recv() {
            *self.oldest.lock() = Some(first.asked());
            let mut waiting = VecDeque::from([first]);
            waiting.extend(self.queue.try_iter().take(BATCH - 1));
            // Jobs catch their own panics; this is for the machinery around them. Whoever it drops hears `Panicked`.
            let served = catch_unwind(AssertUnwindSafe(|| self.serve(waiting)));
            if let Err(panic) = served {
                tracing::error!(panic = told(&*panic), "the writer panicked and goes on");
                self.link = None;
            }
            *self.oldest.lock() = None;
        }
    }

    /// Sees to it that each of those waiting is answered.
    fn serve(&mut self, mut waiting: VecDeque<Box<dyn Job>>) {
        while !waiting.is_empty() {
            let is_new = self.link.is_none();
            let link = match self.link.take() {
                Some(link) => Ok(link),
                None => connect::writing(&self.target),
            };
            let mut link = match link {
                Ok(link) => link,
                Err(error) => return fail_all(waiting, &error),
            };
            let mut ran = Vec::with_capacity(waiting.len());
            match commit_together(&mut link, &mut waiting, &mut ran) {
                Ok(moved) => {
                    self.link = Some(link);
                    ran.into_iter().for_each(Job::answer);
                    if moved {
                        self.ping();
                    }
                }
                Err(StoreError::Busy) if ran.is_empty() => {
                    self.link = Some(link);
                    fail_all(waiting, &StoreError::Busy);
                    return;
                }
                // Nothing began: the connection was lost while it lay idle. Another one may do.
                Err(error) if ran.is_empty() && !is_new => {
                    tracing::warn!(%error, "the writer lost its connection");
                }
                Err(error) if ran.is_empty() => return fail_all(waiting, &error),
                Err(error) => {
                    tracing::error!(%error, jobs = ran.len(), "a commit failed");
                    fail_all(ran, &error);
                }
            }
        }
    }

    fn ping(&self) {
        let is_there = |ping: &Sender<()>| !matches!(ping.try_send(()), Err(TrySendError::Disconnected(())));
        self.subscribers.lock().retain(is_there);
    }
}

fn fail_all(jobs: impl IntoIterator<Item = Box<dyn Job>>, why: &StoreError) {
    jobs.into_iter().for_each(|job| job.fail(why));
}

/// Moves jobs from `waiting` to `ran` and commits them, telling whether the change log grew. On an error none of those
/// in `ran` took effect (or, where the answer to COMMIT was lost, nobody knows), and the connection is of no more use
/// unless nothing ran.
fn commit_together(
    link: &mut Link,
    waiting: &mut VecDeque<Box<dyn Job>>,
    ran: &mut Vec<Box<dyn Job>>,
) -> Result<bool, StoreError> {
    let result = match link {
        Link::Sqlite(conn) => conn.immediate_transaction(|conn| {
            let before = log::lock_head(&mut Conn::Sqlite(conn))?;
            while !waiting.is_empty() {
                keep_going(conn.transaction(|conn| run_next(&mut Conn::Sqlite(conn), waiting, ran)))?;
            }
            Ok(log::head(&mut Conn::Sqlite(conn))?.seq > before)
        }),
        Link::Postgres(conn) => conn.build_transaction().run(|conn| {
            let before = log::lock_head(&mut Conn::Postgres(conn))?;
            while !waiting.is_empty() {
                keep_going(conn.transaction(|conn| run_next(&mut Conn::Postgres(conn), waiting, ran)))?;
            }
            Ok(log::head(&mut Conn::Postgres(conn))?.seq > before)
        }),
    };
    result.map_err(Failed::into_store_error)
}

/// Moves the next job only now that its savepoint has begun: where none can, the job has not run.
fn run_next(
    conn: &mut Conn<'_>,
    waiting: &mut VecDeque<Box<dyn Job>>,
    ran: &mut Vec<Box<dyn Job>>,
) -> Result<(), Failed<RolledBack>> {
    match waiting.pop_front() {
        Some(job) => ran.push_mut(job).run(conn).map_err(Failed::Own),
        None => Ok(()),
    }
}

/// A savepoint that was rolled back is as good as one that was kept; one that could be neither ends the transaction.
fn keep_going(savepoint: Result<(), Failed<RolledBack>>) -> Result<(), Failed<StoreError>> {
    match savepoint {
        Ok(()) | Err(Failed::Own(RolledBack)) => Ok(()),
        Err(Failed::Database(error)) => Err(Failed::Database(error)),
    }
}
