//! Searches by class at 10,000 and 100,000 tips, each beside bare tantivy (see `Bare`) in the same run; and indexing.
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use eureka_benches::{Bare, Class, Corpus, now, request};

fn search(criterion: &mut Criterion) {
    for size in [10_000, 100_000] {
        let mut corpus = Corpus::new(size);
        let (index, _folder) = corpus.index();
        let bare = Bare::new(corpus.tips());
        let mut group = criterion.benchmark_group(format!("search/{size}"));
        for (class, name) in Class::ALL {
            let queries = corpus.queries(class, 200);
            let mut next = queries.iter().cycle();
            group.bench_function(BenchmarkId::new(name, "eureka"), |bencher| {
                bencher.iter(|| next.next().map(|q| black_box(index.search(&request(q), now()))));
            });
            let mut next = queries.iter().cycle();
            group.bench_function(BenchmarkId::new(name, "bare tantivy"), |bencher| {
                bencher.iter(|| next.next().map(|q| black_box(bare.search(q))));
            });
        }
        group.finish();
    }
}

fn indexing(criterion: &mut Criterion) {
    const TIPS: usize = 5_000;
    let corpus = Corpus::new(TIPS);
    let mut group = criterion.benchmark_group("index/5000");
    group.throughput(Throughput::Elements(TIPS as u64)).sample_size(10);
    group.bench_function("eureka", |bencher| bencher.iter(|| black_box(corpus.index())));
    group.bench_function("bare tantivy", |bencher| bencher.iter(|| black_box(Bare::new(corpus.tips()))));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = search, indexing
}
criterion_main!(benches);
