//! Appending to the change log by eight threads through the one writer, beside the same appends one transaction each on
//! one thread: what group commit gives. SQLite, `synchronous=FULL`.
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]
#![allow(clippy::expect_used, reason = "a benchmark that cannot be made has failed")]

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use eureka_domain::change::{Change, Kind};
use eureka_store::{Store, log};
use uuid::Uuid;

/// Writers at once.
const WRITERS: u64 = 8;

fn append(store: &Store) {
    let change = Change::new(Kind::UserCreated, None, eureka_benches::now()).about(Uuid::from_u128(1));
    store.write(move |conn| log::append(conn, &change)).expect("a commit");
}

fn writes(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(&folder.path().join("eureka.db").display().to_string(), 1).expect("a database");
    store.migrate(Uuid::from_u128(2)).expect("a schema");
    let mut group = criterion.benchmark_group("writes");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one writer", |bencher| bencher.iter(|| append(&store)));
    group.bench_function("eight writers", |bencher| {
        bencher.iter_custom(|count| {
            let begun = Instant::now();
            std::thread::scope(|scope| {
                for writer in 0..WRITERS {
                    let share = count / WRITERS + u64::from(writer < count % WRITERS);
                    let store = &store;
                    scope.spawn(move || (0..share).for_each(|_| append(store)));
                }
            });
            begun.elapsed()
        });
    });
    group.finish();
    store.close();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    targets = writes
}
criterion_main!(benches);
