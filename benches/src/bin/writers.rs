//! `writers [--each N] [--postgres URL]`: how many submits, claims and decisions a second eight writers get out of the
//! service, its index following, on SQLite and on PostgreSQL, beside what the same database makes of one small INSERT a
//! transaction by eight connections in the same run.
//!
//! PostgreSQL is the tests' own cluster, which does not wait for the disk; with a URL, an empty database of yours.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a table for people; a benchmark that cannot be made has failed"
)]

use std::time::Duration;

use eureka_benches::{BareWriter, Corpus, Desk, Times, fsync, micros, together};
use eureka_store::Store;
use eureka_testkit::{LOG_ID, TestDatabase};

/// Writers at once.
const WRITERS: usize = 8;

fn main() {
    let (mut each, mut postgres) = (500, None);
    let mut words = std::env::args().skip(1);
    while let Some(flag) = words.next() {
        let value = words.next().unwrap_or_default();
        match flag.as_str() {
            "--each" => each = value.parse().expect("a number"),
            "--postgres" => postgres = Some(value),
            other => eprintln!("{other} is not known"),
        }
    }
    let corpus = Corpus::new(each * WRITERS);
    println!("{:<44} {:>10} {:>9} {:>9} {:>8}", "", "a second", "p50 ms", "p99 ms", "ratio");

    let (database, bare) = (TestDatabase::sqlite(), TestDatabase::empty_sqlite());
    measure("SQLite, synchronous FULL", database.store(), bare.url(), &corpus, each);
    drop((database, bare));
    if let Some(url) = postgres {
        let store = Store::open(&url, 4).expect("a database");
        store.migrate(LOG_ID).expect("a schema");
        measure(&format!("PostgreSQL, fsync {}", fsync(&url)), &store, &url, &corpus, each);
        store.close();
    } else if let (Some(database), Some(bare)) = (TestDatabase::postgres(), TestDatabase::empty_postgres()) {
        let name = format!("PostgreSQL, fsync {}", fsync(bare.url()));
        measure(&name, database.store(), bare.url(), &corpus, each);
    }
}

/// Measures on one database; the bare one is another of the same kind and on the same disk.
fn measure(name: &str, store: &Store, bare: &str, corpus: &Corpus, each: usize) {
    let share = |of: usize| vec![(); of];
    let writers = BareWriter::connect(bare, WRITERS).into_iter().map(|writer| (writer, share(each)));
    let (_, times, took) = together(writers.collect(), |writer, ()| writer.write());
    let reference = show(&format!("{name}: INSERT, COMMIT"), &times, took, None);
    let show = |what: &str, times: &Times, took| show(&format!("{name}: {what}"), times, took, Some(reference));

    let desk = Desk::open(store, WRITERS);
    let tips = (0..).zip(corpus.tips().chunks(each).map(|share| share.iter().collect::<Vec<_>>()));
    let (reviews, times, took) = together(tips.collect(), |writer, tip| desk.submit(*writer, tip));
    show("submits", &times, took);
    let (_, times, took) = together((0..).zip(reviews.clone()).collect(), |writer, review| desk.claim(*writer, review));
    show("claims", &times, took);
    let (_, times, took) = together((0..).zip(reviews).collect(), |writer, review| desk.approve(*writer, review));
    show("decisions", &times, took);
}

/// A line of the table; answers the rate.
fn show(what: &str, times: &Times, took: Duration, reference: Option<f64>) -> f64 {
    let rate = times.len() as f64 / took.as_secs_f64();
    let (p50, p99) = (micros(times.p50()) / 1e3, micros(times.p99()) / 1e3);
    let ratio = reference.map_or(String::new(), |reference| format!("{:.2}", rate / reference));
    println!("{what:<44} {rate:>10.0} {p50:>9.2} {p99:>9.2} {ratio:>8}");
    rate
}
