//! Writes by eight at once through the one writer, beside the same by one alone: what group commit gives. A row of the
//! change log, and a tip that is submitted, claimed and approved; and the bare database. SQLite, `synchronous=FULL`.
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]
#![allow(clippy::expect_used, reason = "a benchmark that cannot be made has failed")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use eureka_benches::{BareWriter, Corpus, Desk, together};
use eureka_domain::change::{Change, Kind};
use eureka_store::{Store, log};
use eureka_testkit::TestDatabase;
use uuid::Uuid;

/// Writers at once.
const WRITERS: usize = 8;

fn append(store: &Store) {
    let change = Change::new(Kind::UserCreated, None, eureka_benches::now()).about(Uuid::from_u128(1));
    store.write(move |conn| log::append(conn, &change)).expect("a commit");
}

/// How long `count` pieces of work take that are shared by these writers.
fn shared<W: Send>(writers: Vec<W>, count: u64, work: impl Fn(&mut W) + Sync) -> Duration {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let all = writers.len();
    let share = |place: usize| vec![(); count / all + usize::from(place < count % all)];
    let writers = writers.into_iter().enumerate().map(|(place, writer)| (writer, share(place)));
    let (_, _, took) = together(writers.collect(), |writer, ()| work(writer));
    took
}

fn writes(criterion: &mut Criterion) {
    let database = TestDatabase::sqlite();
    let store = database.store();
    let mut group = criterion.benchmark_group("a row of the change log");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one writer", |bencher| bencher.iter(|| append(store)));
    group.bench_function("eight writers", |bencher| {
        bencher.iter_custom(|count| shared(vec![(); WRITERS], count, |()| append(store)));
    });
    group.finish();
}

fn reviews(criterion: &mut Criterion) {
    let database = TestDatabase::sqlite();
    let desk = Desk::open(database.store(), WRITERS);
    let (corpus, turn) = (Corpus::new(1_000), AtomicUsize::new(0));
    let review = |writer: usize| {
        let place = turn.fetch_add(1, Ordering::Relaxed) % corpus.tips().len();
        let tip = corpus.tips().get(place).expect("a tip");
        let review = desk.submit(writer, tip);
        desk.claim(writer, review);
        desk.approve(writer, review);
    };
    let mut group = criterion.benchmark_group("a tip submitted, claimed and approved");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    group.bench_function("one writer", |bencher| bencher.iter(|| review(0)));
    group.bench_function("eight writers", |bencher| {
        bencher.iter_custom(|count| shared((0..WRITERS).collect(), count, |writer| review(*writer)));
    });
    group.finish();
}

fn bare(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("an INSERT, bare");
    group.throughput(Throughput::Elements(1));
    for (name, writers) in [("one writer", 1), ("eight writers", WRITERS)] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| {
                let database = TestDatabase::empty_sqlite();
                shared(BareWriter::connect(database.url(), writers), count, BareWriter::write)
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    targets = writes, reviews, bare
}
criterion_main!(benches);
