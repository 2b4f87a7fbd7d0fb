//! `report [--million]`: searches at 10,000 and 100,000 tips (and a million), each figure beside bare tantivy's of the same
//! run; suggestions, queries made to hurt, indexing, memory and size. With a million tips it draws `benches/growth.svg`.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a table for people; a benchmark that cannot be made has failed"
)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant as Wall};

use eureka_benches::{
    Bare, Class, Corpus, Line, Memory, SameFields, Times, micros, now, processor_time, request, settle, svg,
};
use eureka_search::{Index, OpenOptions, Opened, SuggestRequest};

/// Queries of the mixed set.
const MIXED: usize = 1_000;
/// Queries of one class.
const EACH: usize = 200;
/// Rounds over a set; the best time of a query counts, so that what else the machine does counts less.
const ROUNDS: usize = 3;

struct Row {
    tips: usize,
    ours: Times,
    bare: Times,
}

fn main() {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    if let [flag, dir, queries] = arguments.as_slice()
        && flag == "--memory"
    {
        return memory(Path::new(dir), Path::new(queries));
    }
    let mut sizes = vec![10_000, 100_000];
    if arguments.iter().any(|each| each == "--million") {
        sizes.push(1_000_000);
    }
    println!("{:<44} {:>12} {:>12} {:>8}", "", "eureka", "bare tantivy", "ratio");
    let rows = sizes.iter().map(|size| measure(*size)).collect::<Vec<_>>();
    if let [first, .., last] = rows.as_slice() {
        let growth = |of: fn(&Row) -> Duration| micros(of(last)) / micros(of(first)).max(0.001);
        let (ours, bare) = (growth(|row| row.ours.p50()), growth(|row| row.bare.p50()));
        line(&format!("growth of p50, {} to {}", first.tips, last.tips), ours, bare, "x");
    }
    if rows.len() > 2 {
        draw(&rows);
    }
}

/// What something took.
struct Spent {
    wall: Duration,
    processor: Duration,
}

fn timed<T>(run: impl FnOnce() -> T) -> (T, Spent) {
    let process = std::process::id();
    let (begun, before) = (Wall::now(), processor_time(process));
    let made = run();
    (made, Spent { wall: begun.elapsed(), processor: processor_time(process).saturating_sub(before) })
}

fn line(what: &str, ours: f64, bare: f64, unit: &str) {
    println!("{what:<44} {ours:>9.1} {unit:<2} {bare:>9.1} {unit:<2} {:>7.2}", ours / bare);
}

fn alone(what: &str, value: f64, unit: &str) {
    println!("{what:<44} {value:>9.1} {unit:<2}");
}

fn measure(size: usize) -> Row {
    let begun = Wall::now();
    let mut corpus = Corpus::new(size);
    eprintln!("{size} tips made in {:.1?}", begun.elapsed());
    let (built, ours) = timed(|| corpus.index());
    let (index, folder) = built;
    let reference = tempfile::tempdir().expect("a temporary folder");
    let ((), bare) = timed(|| SameFields::index(corpus.tips(), reference.path()));
    let rates = |spent: Spent| (size as f64 / spent.wall.as_secs_f64(), size as f64 / spent.processor.as_secs_f64());
    let (ours, bare) = (rates(ours), rates(bare));
    line(&format!("{size} tips indexed a second"), ours.0, bare.0, "/s");
    line(&format!("{size} tips indexed a processor second"), ours.1, bare.1, "/s");
    settle(&index);
    let bare = Bare::new(corpus.tips());

    let queries = corpus.mixed(MIXED);
    let row = Row {
        tips: size,
        ours: times(&queries, |q| search(&index, q)),
        bare: times(&queries, |q| drop(bare.search(q))),
    };
    for (name, of) in [("p50", 500), ("p99", 990)] {
        let (ours, bare) = (row.ours.below(of), row.bare.below(of));
        line(&format!("{size}: mixed queries, {name}"), micros(ours), micros(bare), "µs");
    }
    for (class, name) in Class::ALL {
        let queries = corpus.queries(class, EACH);
        let (ours, bare) = (times(&queries, |q| search(&index, q)), times(&queries, |q| drop(bare.search(q))));
        line(&format!("{size}: {name}, p50"), micros(ours.p50()), micros(bare.p50()), "µs");
    }
    let beginnings =
        queries.iter().step_by(5).flat_map(|q| (1..=q.len()).filter_map(|end| q.get(..end))).collect::<Vec<_>>();
    let suggest = times(&beginnings, |q| drop(index.suggest(&SuggestRequest::new(*q)).expect("completions")));
    alone(&format!("{size}: suggest, p50"), micros(suggest.p50()), "µs");
    alone(&format!("{size}: suggest, p99"), micros(suggest.p99()), "µs");
    for (name, q) in hostile() {
        let took = times(&[q], |q| search(&index, q));
        let median = micros(row.ours.p50());
        alone(&format!("{size}: {name}, times the median"), micros(took.p50()) / median, "x");
    }
    let raw = corpus.tips().iter().map(|tip| {
        let told = tip.cause.as_ref().map_or(0, String::len) + tip.solution.as_ref().map_or(0, String::len);
        tip.title.len() + tip.problem.len() + told
    });
    alone(&format!("{size}: index, times the raw text"), index.bytes_on_disk() as f64 / raw.sum::<usize>() as f64, "x");
    index.close().expect("an end");
    drop((index, corpus));
    let asked = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(asked.path(), queries.join("\n")).expect("a file of queries");
    let this = std::env::current_exe().expect("this program");
    let told = Command::new(this).arg("--memory").arg(folder.path()).arg(asked.path()).output().expect("a child");
    let told = String::from_utf8_lossy(&told.stdout);
    let mut told = told.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
    for what in ["resident after the mixed queries", "of that not from index files"] {
        alone(&format!("{size}: {what}"), told.next().unwrap_or_default() / 1e6, "MB");
    }
    row
}

fn search(index: &Index, q: &str) {
    index.search(&request(q), now()).expect("an answer");
}

/// The best of some rounds for each query.
fn times<Q: AsRef<str>>(queries: &[Q], ask: impl Fn(&Q)) -> Times {
    let once = |q: &Q| {
        let begun = Wall::now();
        ask(q);
        begun.elapsed()
    };
    let mut best = queries.iter().map(once).collect::<Vec<_>>();
    for _ in 1..ROUNDS {
        for (q, best) in queries.iter().zip(&mut best) {
            *best = once(q).min(*best);
        }
    }
    Times::new(best)
}

/// A word that can be said and that no tip has, of so many letters.
fn strange(number: usize, letters: usize) -> String {
    let mut rest = number.wrapping_mul(2_654_435_761);
    let mut next = |of: &str| {
        let letter = of.as_bytes().get(rest % of.len()).copied().map_or('x', char::from);
        rest = rest / of.len() + number.wrapping_mul(97);
        letter
    };
    (0..letters).map(|at| if at % 2 == 0 { next("bdfgklmnprst") } else { next("aeiou") }).collect()
}

/// Queries made to hurt.
fn hostile() -> Vec<(&'static str, String)> {
    let common = ["bar", "cal", "dat", "fan", "gar", "kal", "lat", "man", "nar", "pal"];
    let every = |count: usize| common.into_iter().cycle().take(count).collect::<Vec<_>>();
    vec![
        ("stop words only", "the of and to in".to_owned()),
        ("one letter", "a".to_owned()),
        ("one letter that begins words", "s".to_owned()),
        ("two letters", "st".to_owned()),
        ("10,000 words, ten of them different", every(10_000).join(" ")),
        ("10,000 different words", (0..10_000).map(|n| strange(n, 8)).collect::<Vec<_>>().join(" ")),
        ("48 long words that nobody writes", (0..48).map(|n| strange(n, 12)).collect::<Vec<_>>().join(" ")),
        ("ten common words", common.join(" ")),
        ("four phrases of common words", "\"the of\" \"of the\" \"and to the\" \"in the\"".to_owned()),
        ("thirty unknown words", (0..30).map(|n| format!("strai{n}x beadouqal")).collect::<Vec<_>>().join(" ")),
        ("the beginning of all codes", "E".to_owned()),
        ("everything left out", "-the -of -and bar".to_owned()),
    ]
}

/// Opens an index as a service does, asks the queries of a file, and tells what is resident: all, and without files, in
/// bytes.
fn memory(dir: &Path, queries: &Path) {
    let Opened::Usable(index) = Index::open(dir, OpenOptions::default()).expect("an index") else {
        return;
    };
    for q in std::fs::read_to_string(queries).expect("the queries").lines() {
        search(&index, q);
    }
    let Memory { all, own } = Memory::of(std::process::id());
    println!("{all} {own}");
}

fn draw(rows: &[Row]) {
    let points =
        |of: fn(&Row) -> Duration| rows.iter().map(|row| (row.tips as f64, micros(of(row)))).collect::<Vec<_>>();
    let lines = [
        Line { name: "eureka, p99", colour: "#c0392b", points: points(|row| row.ours.p99()) },
        Line { name: "eureka, p50", colour: "#e67e22", points: points(|row| row.ours.p50()) },
        Line { name: "bare tantivy, p99", colour: "#2980b9", points: points(|row| row.bare.p99()) },
        Line { name: "bare tantivy, p50", colour: "#16a085", points: points(|row| row.bare.p50()) },
    ];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("growth.svg");
    std::fs::write(&path, svg("A search of the mixed set, on one thread", &lines)).expect("a drawing");
}
