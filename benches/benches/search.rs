//! Searches by class at 10,000 and 100,000 tips (with `EUREKA_BENCH=million` at a million too), each beside bare tantivy (see
//! `Bare`) in the same run; what analysis and the building of queries take of it; and indexing.
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use eureka_benches::{Bare, Class, Corpus, SameFields, bare_analyzer, count_terms, now, request, settle};
use eureka_search::steps::{self, Analyst};

fn search(criterion: &mut Criterion) {
    let mut sizes = vec![10_000, 100_000];
    #[allow(clippy::disallowed_methods, reason = "no setting of the product")]
    if std::env::var("EUREKA_BENCH").is_ok_and(|wish| wish == "million") {
        sizes.push(1_000_000);
    }
    for size in sizes {
        let mut corpus = Corpus::new(size);
        let (index, _folder) = corpus.index();
        settle(&index);
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
        let queries = corpus.mixed(200);
        let mut next = queries.iter().cycle();
        group.bench_function("building the query, mixed", |bencher| {
            bencher.iter(|| next.next().map(|q| black_box(steps::plan(&index, q))));
        });
        group.finish();
    }
}

fn analysis(criterion: &mut Criterion) {
    let corpus = Corpus::new(2_000);
    let mut group = criterion.benchmark_group("analysis");
    let mut analyst = Analyst::default();
    let mut next = corpus.tips().iter().cycle();
    group.bench_function("one tip, eureka", |bencher| {
        bencher.iter(|| next.next().map(|tip| black_box(analyst.analyse(tip))));
    });
    let mut tokenizer = bare_analyzer();
    let mut next = corpus.tips().iter().cycle();
    group.bench_function("one tip, bare tantivy", |bencher| {
        bencher.iter(|| next.next().map(|tip| black_box(count_terms(&mut tokenizer, tip))));
    });
    group.finish();
}

fn indexing(criterion: &mut Criterion) {
    const TIPS: usize = 5_000;
    let corpus = Corpus::new(TIPS);
    let mut group = criterion.benchmark_group("index/5000");
    group.throughput(Throughput::Elements(TIPS as u64)).sample_size(10);
    group.bench_function("eureka", |bencher| bencher.iter(|| black_box(corpus.index())));
    group.bench_function("bare tantivy, the same fields", |bencher| {
        bencher.iter(|| {
            let folder = tempfile::tempdir().inspect(|folder| SameFields::index(corpus.tips(), folder.path()));
            black_box(folder)
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = analysis, search, indexing
}
criterion_main!(benches);
