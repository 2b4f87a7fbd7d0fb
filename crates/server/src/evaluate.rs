//! `eureka evaluate`: how well searches find on judged collections, asked as a client asks: over HTTP, with the default
//! settings, one configuration for all.

mod client;
mod collection;
mod measures;
mod scratch;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::Settings;
use crate::logging;

use client::Client;
use collection::{Collection, Queries};
use measures::{Scores, percentile, score};
use scratch::Scratch;

/// Hits that are asked for, over as many pages as it takes.
const DEPTH: usize = 100;

/// What to evaluate.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Folders with `corpus.jsonl` (`_id, title, text, lang?`), `queries*.jsonl` (`_id, text, doc?`) and `qrels.tsv`; or
    /// with `tips.jsonl.gz` and `queries.jsonl` (`q, source, type?`): tips to be found again
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// One file of queries instead of every `queries*.jsonl` of a folder
    #[arg(long, value_name = "FILE")]
    queries: Option<PathBuf>,
    /// Write TREC runs there: into a folder, or one run into a file named `….trec`
    #[arg(long, value_name = "PATH")]
    run: Option<PathBuf>,
}

/// Evaluates each collection in a directory of its own that is thrown away.
pub(crate) fn evaluate(settings: &Settings, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let log = if settings.log == "info" { "warn".to_owned() } else { settings.log.clone() };
    let settings = Settings { log, ..settings.clone() };
    logging::start(&settings)?;
    let into_file = arguments.run.as_ref().filter(|path| path.extension().is_some_and(|end| end == "trec"));
    if let (Some(folder), None) = (&arguments.run, into_file) {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    println!(
        "{:<28} {:>7} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9}",
        "collection", "queries", "nDCG@10", "R@100", "MRR@10", "p50 ms", "p99 ms", "max ms"
    );
    for folder in &arguments.folders {
        let collection = Collection::read(folder)?;
        let files = match &arguments.queries {
            Some(file) => vec![collection.queries(file)?],
            None => collection.all_queries()?,
        };
        ensure!(
            into_file.is_none() || (files.len() == 1 && arguments.folders.len() == 1),
            "several runs do not go into one file: name a folder"
        );
        let scratch = Scratch::start(&settings, &collection)?;
        let mut client = Client::log_in(&scratch)?;
        for queries in &files {
            let found = ask_all(&mut client, &scratch, queries)?;
            let name = format!("{}{}", collection.name, queries.variant);
            print_row(&name, queries, &found);
            match (&arguments.run, into_file) {
                (Some(_), Some(file)) => write_run(file, &found)?,
                (Some(folder), None) => write_run(&folder.join(format!("{name}.trec")), &found)?,
                (None, _) => {}
            }
        }
        scratch.stop();
    }
    Ok(ExitCode::SUCCESS)
}

/// What one query found.
struct Found {
    query: String,
    kind: Option<String>,
    /// Outside names of the hits, the best first.
    ranked: Vec<String>,
    scores: Scores,
    /// How long the first page took, as the client sees it.
    took: Duration,
}

fn ask_all(client: &mut Client, scratch: &Scratch, queries: &Queries) -> anyhow::Result<Vec<Found>> {
    let bar = ProgressBar::new(queries.asked.len() as u64)
        .with_style(ProgressStyle::with_template("{bar:30} {pos}/{len} queries  {elapsed} elapsed, {eta} left")?);
    let mut all = Vec::with_capacity(queries.asked.len());
    for query in bar.wrap_iter(queries.asked.iter()) {
        // A query that is a document itself is left out of what it finds.
        let answer = client.search(&query.text, DEPTH + usize::from(query.own.is_some()))?;
        let mut ranked = Vec::with_capacity(answer.numbers.len());
        for number in &answer.numbers {
            let name = scratch.name_of(number).with_context(|| format!("{number} was not imported"))?;
            if query.own.as_deref() != Some(name) {
                ranked.push(name.to_owned());
            }
        }
        ranked.truncate(DEPTH);
        let scores = score(&ranked, &query.relevant);
        all.push(Found { query: query.id.clone(), kind: query.kind.clone(), ranked, scores, took: answer.took });
    }
    bar.finish_and_clear();
    Ok(all)
}

/// Prints the means over all judged queries, asked or not, and for known items how many of each kind were among ten.
fn print_row(name: &str, queries: &Queries, all: &[Found]) {
    let sum = all.iter().fold(Scores::default(), |sum, found| sum + found.scores);
    let mean = sum.over(queries.judged);
    let mut times: Vec<Duration> = all.iter().map(|found| found.took).collect();
    times.sort_unstable();
    let millis = |share| percentile(&times, share).as_secs_f64() * 1e3;
    println!(
        "{name:<28} {:>7} {:>8.4} {:>8.4} {:>8.4} {:>9.2} {:>9.2} {:>9.2}",
        queries.judged,
        mean.ndcg,
        mean.recall,
        mean.rank,
        millis(0.5),
        millis(0.99),
        millis(1.0),
    );
    let mut kinds: Vec<&str> = all.iter().filter_map(|found| found.kind.as_deref()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if !queries.are_known_items {
        return;
    }
    let of_kind = |kind: Option<&str>| {
        let asked: Vec<&Found> = all.iter().filter(|found| kind.is_none() || found.kind.as_deref() == kind).collect();
        let hits = asked.iter().filter(|found| found.scores.rank > 0.0).count();
        format!("{hits} of {}", asked.len())
    };
    let each: Vec<String> = kinds.into_iter().map(|kind| format!("{kind} {}", of_kind(Some(kind)))).collect();
    println!("    among the first ten: {} ({})", of_kind(None), each.join(", "));
}

/// Writes a run as `trec_eval` reads it. Scores fall by one a rank, so that no tie is left to be broken.
fn write_run(path: &Path, all: &[Found]) -> anyhow::Result<()> {
    let mut out = String::new();
    for found in all {
        for (place, name) in found.ranked.iter().enumerate() {
            writeln!(out, "{} Q0 {name} {} {} eureka", found.query, place + 1, 1000 - place)?;
        }
    }
    std::fs::write(path, out).with_context(|| format!("cannot write {}", path.display()))
}
