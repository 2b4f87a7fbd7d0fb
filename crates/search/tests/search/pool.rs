//! The threads that searches run on.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use eureka_search::{PoolOptions, SearchError, SearchPool, SearchRequest};

use crate::shelf::{Shelf, now, tip};

fn pool(threads: usize, queue: usize, patience: Duration) -> SearchPool {
    SearchPool::new(PoolOptions { threads, queue, longest_wait: Duration::from_secs(10), patience }).unwrap()
}

/// A job that holds its thread until it is let go.
fn held(pool: &SearchPool) -> (impl FnOnce(), eureka_search::Answer<()>) {
    let (let_go, wait) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = std::sync::mpsc::channel::<()>();
    let answer = pool.run(move |_| {
        begun.send(()).unwrap();
        let _ = wait.recv();
        Ok(())
    });
    has_begun.recv().unwrap();
    (move || drop(let_go), answer)
}

#[test]
fn a_search_runs_on_the_pool_and_its_answer_is_waited_for() {
    let shelf = Arc::new(Shelf::of([tip(1, "Paper jam", "Tray.")]));
    let pool = pool(2, 8, Duration::from_secs(2));
    let answers = (0..6)
        .map(|_| {
            let shelf = Arc::clone(&shelf);
            pool.run(move |left| {
                let request = SearchRequest { deadline: left, ..SearchRequest::new("jam") };
                Ok(shelf.index.search(&request, now())?.hits.len())
            })
        })
        .collect::<Vec<_>>();
    for answer in answers {
        assert_eq!(answer.wait().unwrap(), 1);
    }
}

#[test]
fn one_more_than_the_queue_holds_is_refused_at_once() {
    let pool = pool(1, 2, Duration::from_secs(5));
    let (let_go, first) = held(&pool);
    let waiting = [pool.run(|_| Ok(1)), pool.run(|_| Ok(2))];
    assert_eq!(pool.waiting(), 2);
    assert!(matches!(pool.run(|_| Ok(3)).wait(), Err(SearchError::Busy)));
    let_go();
    first.wait().unwrap();
    assert_eq!(waiting.map(|answer| answer.wait().unwrap()), [1, 2]);
}

#[test]
fn while_those_at_the_head_have_waited_too_long_new_ones_are_refused_and_then_taken_again() {
    let longest_wait = Duration::from_millis(50);
    let pool = PoolOptions { threads: 1, queue: 100, longest_wait, patience: Duration::from_secs(10) };
    let pool = SearchPool::new(pool).unwrap();
    assert!(!pool.is_behind());
    let (let_go, first) = held(&pool);
    let waiting = pool.run(|_| Ok(1));
    std::thread::sleep(2 * longest_wait);
    assert!(pool.is_behind());
    assert!(matches!(pool.run(|_| Ok(2)).wait(), Err(SearchError::Busy)));
    let_go();
    first.wait().unwrap();
    assert_eq!(waiting.wait().unwrap(), 1);
    assert!(!pool.is_behind(), "nobody waits any more");
    assert_eq!(pool.run(|_| Ok(3)).wait().unwrap(), 3);
    std::thread::sleep(2 * longest_wait);
    let (let_go, first) = held(&pool);
    let waiting = [pool.run(|_| Ok(4)), pool.run(|_| Ok(5))];
    assert!(!pool.is_behind(), "neither what was slow before counts, nor that there was nothing to do since");
    let_go();
    first.wait().unwrap();
    assert_eq!(waiting.map(|answer| answer.wait().unwrap()), [4, 5]);
}

#[test]
fn a_job_whose_time_went_by_in_the_queue_is_not_begun() {
    let pool = pool(1, 4, Duration::from_millis(30));
    let (let_go, first) = held(&pool);
    let late = pool.run(|_| Ok(()));
    std::thread::sleep(Duration::from_millis(60));
    let_go();
    first.wait().unwrap();
    assert!(matches!(late.wait(), Err(SearchError::TimedOut)));
}

#[test]
fn a_search_without_time_gives_up() {
    let shelf = Shelf::of((0..3000).map(|n| tip(n, "Paper jam", "Tray.")));
    let request = SearchRequest { deadline: Duration::ZERO, ..SearchRequest::new("paper jam") };
    assert!(matches!(shelf.index.search(&request, now()), Err(SearchError::TimedOut)));
}

#[test]
fn a_panic_is_the_answer_of_its_job_alone() {
    let pool = pool(1, 4, Duration::from_secs(2));
    let answer = pool.run::<(), _>(|_| panic!("a broken segment"));
    assert!(matches!(answer.wait(), Err(SearchError::Panicked(what)) if what == "a broken segment"));
    assert_eq!(pool.run(|_| Ok(7)).wait().unwrap(), 7);
}

#[test]
fn nobody_waits_so_nothing_is_done() {
    let pool = pool(1, 4, Duration::from_secs(2));
    let done = Arc::new(AtomicUsize::new(0));
    let (let_go, first) = held(&pool);
    for _ in 0..3 {
        let done = Arc::clone(&done);
        drop(pool.run(move |_| Ok(done.fetch_add(1, Ordering::SeqCst))));
    }
    let_go();
    first.wait().unwrap();
    drop(pool);
    assert_eq!(done.load(Ordering::SeqCst), 0);
}

#[test]
fn dropping_the_pool_finishes_what_was_queued() {
    let pool = pool(2, 16, Duration::from_secs(2));
    let answers = (0..10).map(|n| pool.run(move |_| Ok(n))).collect::<Vec<_>>();
    drop(pool);
    assert_eq!(answers.into_iter().map(|answer| answer.wait().unwrap()).sum::<i32>(), 45);
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn an_answer_can_be_awaited_without_any_runtime() {
    let pool = pool(1, 4, Duration::from_secs(2));
    let mut answer = std::pin::pin!(pool.run(|_| {
        std::thread::sleep(Duration::from_millis(20));
        Ok("done")
    }));
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let begun = Instant::now();
    loop {
        match answer.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(told) => {
                assert_eq!(told.unwrap(), "done");
                break;
            }
            Poll::Pending => std::thread::park_timeout(Duration::from_secs(1)),
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
