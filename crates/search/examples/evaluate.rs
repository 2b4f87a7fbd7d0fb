//! Measures retrieval on judged collections by the product's own path, with one configuration for all of them.
//!
//! `evaluate DIR... [--queries FILE] [--run OUT.trec] [--variants] [--time] [--copies N] [--show N]`
//!
//! A collection is a folder with `corpus.jsonl`, `queries.jsonl` and `qrels.tsv`, or one with `tips.jsonl.gz` and
//! known-item queries. `--variants` runs every `queries*.jsonl` of a folder; `--show N` prints the first N misses;
//! `--copies N` indexes known items N times, for times at a larger size (what is found then says nothing).
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    missing_docs
)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as Wall};

use eureka_domain::Instant;
use eureka_domain::community::Openness;
use eureka_domain::ids::{CommunityId, TipId, TipNumber, UserId};
use eureka_domain::tip::{Confidence, Safety};
use eureka_search::{Cursor, Index, OpenOptions, Rebuild, SearchRequest, SimilarRequest, SuggestRequest, TipDocument};
use serde_json::Value;
use uuid::Uuid;

fn main() {
    let mut dirs = Vec::new();
    let (mut queries, mut run, mut variants, mut time, mut copies, mut show) = (None, None, false, false, 1, 0);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--queries" => queries = args.next().map(PathBuf::from),
            "--run" => run = args.next().map(PathBuf::from),
            "--variants" => variants = true,
            "--time" => time = true,
            "--copies" => copies = args.next().and_then(|n| n.parse().ok()).unwrap_or(1),
            "--show" => show = args.next().and_then(|n| n.parse().ok()).unwrap_or(10),
            dir => dirs.push(PathBuf::from(dir)),
        }
    }
    println!(
        "{:<28} {:>7} {:>8} {:>8} {:>8} {:>9} {:>9}",
        "collection", "queries", "nDCG@10", "R@100", "MRR@10", "p50 µs", "p99 µs"
    );
    for dir in dirs {
        let scratch = tempfile::tempdir().unwrap();
        if dir.join("tips.jsonl.gz").exists() {
            known_items(&dir, scratch.path(), time, copies, show);
            continue;
        }
        let collection = Collection::load(&dir, scratch.path());
        let files = match (&queries, variants) {
            (Some(file), _) => vec![file.clone()],
            (None, false) => vec![dir.join("queries.jsonl")],
            (None, true) => ["queries.jsonl", "queries-short.jsonl", "queries-typo.jsonl"]
                .iter()
                .map(|name| dir.join(name))
                .filter(|file| file.exists())
                .collect(),
        };
        for file in files {
            collection.measure(&file, run.as_deref(), show);
        }
    }
}

struct Collection {
    name: String,
    index: Index,
    ids: Vec<String>,
    judged: HashMap<String, HashMap<String, i32>>,
}

impl Collection {
    fn load(dir: &Path, scratch: &Path) -> Self {
        let (mut rebuild, mut ids) = (start(scratch), Vec::new());
        for line in lines(&dir.join("corpus.jsonl")) {
            let value: Value = serde_json::from_str(&line).unwrap();
            let title = text(&value, "title");
            let problem = text(&value, "text");
            let mut tip = blank(ids.len());
            tip.title = if title.is_empty() { first_words(&problem) } else { title };
            tip.problem = problem;
            tip.lang = value.get("lang").and_then(Value::as_str).map(str::to_owned);
            rebuild.add(&tip).unwrap();
            ids.push(text(&value, "_id"));
        }
        let mut judged: HashMap<String, HashMap<String, i32>> = HashMap::new();
        for line in lines(&dir.join("qrels.tsv")).filter(|line| !line.starts_with("query-id")) {
            let parts = line.split('\t').collect::<Vec<_>>();
            judged
                .entry(parts[0].to_owned())
                .or_default()
                .insert(parts[1].to_owned(), parts[2].trim().parse::<f32>().unwrap() as i32);
        }
        judged.retain(|_, docs| docs.values().any(|grade| *grade > 0));
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        Self { name, index: rebuild.finish(&cursor()).unwrap(), ids, judged }
    }

    fn measure(&self, file: &Path, run: Option<&Path>, show: usize) {
        let (mut ndcg, mut recall, mut mrr, mut asked) = (0.0, 0.0, 0.0, 0);
        let (mut times, mut out, mut shown) = (Vec::new(), String::new(), 0);
        for line in lines(file) {
            let value: Value = serde_json::from_str(&line).unwrap();
            let (id, q) = (text(&value, "_id"), text(&value, "text"));
            let Some(judged) = self.judged.get(&id) else { continue };
            let own = value.get("doc").and_then(Value::as_str);
            let mut request = SearchRequest::new(q.clone());
            request.limit = 100;
            request.highlight = false;
            request.deadline = Duration::from_secs(20);
            let start = Wall::now();
            let response = self.index.search(&request, now()).unwrap();
            times.push(start.elapsed());
            let ranked = response
                .hits
                .iter()
                .map(|hit| self.ids[(hit.tip.number.0 - 1001) as usize].as_str())
                .filter(|doc| Some(*doc) != own)
                .collect::<Vec<_>>();
            for (rank, doc) in ranked.iter().enumerate() {
                writeln!(out, "{id} Q0 {doc} {} {} eureka", rank + 1, 1000 - rank).unwrap();
            }
            let scores = score(&ranked, judged);
            if scores.0 < 0.5 && shown < show {
                shown += 1;
                println!("{id} {q:?} nDCG {:.3} R {:.3} relaxed {:?}", scores.0, scores.1, response.relaxed);
                for hit in response.hits.iter().take(4) {
                    let doc = &self.ids[(hit.tip.number.0 - 1001) as usize];
                    let grade = judged.get(doc).copied().unwrap_or(0);
                    println!("    {grade} {:.2} {doc} {:?} missing {:?}", hit.score, clip(&hit.tip.title), hit.missing);
                }
                for (doc, _) in judged.iter().filter(|(_, grade)| **grade > 0).take(3) {
                    println!("    wanted {doc} at {:?}", ranked.iter().position(|each| each == doc));
                }
            }
            ndcg += scores.0;
            recall += scores.1;
            mrr += scores.2;
            asked += 1;
        }
        let of = self.judged.len() as f64;
        times.sort();
        let variant = file.file_stem().unwrap().to_string_lossy().replace("queries", "");
        println!(
            "{:<28} {asked:>7} {:>8.4} {:>8.4} {:>8.4} {:>9} {:>9}",
            format!("{}{variant}", self.name),
            ndcg / of,
            recall / of,
            mrr / of,
            times[times.len() / 2].as_micros(),
            times[times.len() * 99 / 100].as_micros(),
        );
        if let Some(run) = run {
            std::fs::write(run, out).unwrap();
        }
    }
}

fn score(ranked: &[&str], judged: &HashMap<String, i32>) -> (f64, f64, f64) {
    let grade = |doc: &str| f64::from(judged.get(doc).copied().unwrap_or(0).max(0));
    let gain = |rank: usize, grade: f64| grade / ((rank + 2) as f64).log2();
    let dcg = ranked.iter().take(10).enumerate().map(|(rank, doc)| gain(rank, grade(doc))).sum::<f64>();
    let mut ideal = judged.values().filter(|grade| **grade > 0).map(|grade| f64::from(*grade)).collect::<Vec<_>>();
    ideal.sort_by(|a, b| b.total_cmp(a));
    let best = ideal.iter().take(10).enumerate().map(|(rank, grade)| gain(rank, *grade)).sum::<f64>();
    let found = ranked.iter().take(100).filter(|doc| grade(doc) > 0.0).count() as f64 / ideal.len() as f64;
    let first = ranked.iter().take(10).position(|doc| grade(doc) > 0.0).map_or(0.0, |rank| 1.0 / (rank + 1) as f64);
    (dcg / best, found, first)
}

fn known_items(dir: &Path, scratch: &Path, time: bool, copies: usize, show: usize) {
    let mut rebuild = start(scratch);
    let file = flate2::read::GzDecoder::new(std::fs::File::open(dir.join("tips.jsonl.gz")).unwrap());
    let mut bytes = 0;
    let begun = Wall::now();
    let mut count = 0usize;
    for line in BufReader::new(file).lines() {
        let line = line.unwrap();
        let value: Value = serde_json::from_str(&line).unwrap();
        let mut tip = known_item(&value);
        bytes += copies
            * (tip.title.len() + tip.problem.len() + text(&value, "cause").len() + text(&value, "solution").len());
        for copy in 0..copies {
            tip.tip = TipId(Uuid::from_u64_pair(copy as u64 + 1, tip.tip.0.as_u64_pair().1));
            tip.number.0 += if copy > 0 { 1_000_000 } else { 0 };
            rebuild.add(&tip).unwrap();
            count += 1;
        }
    }
    let index = rebuild.finish(&cursor()).unwrap();
    let built = begun.elapsed();
    let (mut found, mut asked, mut times): (BTreeMap<String, usize>, BTreeMap<String, usize>, Vec<Duration>) =
        Default::default();
    let mut by_kind: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    let mut shown: HashSet<String> = HashSet::new();
    let mut misses = HashMap::<String, usize>::new();
    for line in lines(&dir.join("queries.jsonl")) {
        let value: Value = serde_json::from_str(&line).unwrap();
        let kind = text(&value, "type");
        let mut request = SearchRequest::new(text(&value, "q"));
        request.limit = 10;
        let start = Wall::now();
        let response = index.search(&request, now()).unwrap();
        times.push(start.elapsed());
        by_kind.entry(kind.clone()).or_default().push(start.elapsed());
        let wanted = value["source"].as_i64().unwrap() + 1001;
        let hit = response.hits.iter().any(|hit| hit.tip.number.0 == wanted);
        *asked.entry(kind.clone()).or_default() += 1;
        *found.entry(kind.clone()).or_default() += usize::from(hit);
        let missed = misses.entry(kind.clone()).or_default();
        if !hit && *missed < show {
            *missed += 1;
            shown.insert(kind.clone());
            request.limit = 100;
            request.highlight = false;
            let deeper = index.search(&request, now()).unwrap();
            println!(
                "{kind} {:?} wanted {} at {:?} total {:?} complete {:?} relaxed {:?}",
                request.q,
                wanted,
                deeper.hits.iter().position(|hit| hit.tip.number.0 == wanted).map(|place| place + 1),
                response.total.value,
                response.complete.value,
                response.relaxed
            );
            for hit in response.hits.iter().take(3) {
                println!(
                    "    {:.2} {} {:?} {:?} {:?}",
                    hit.score,
                    hit.tip.number,
                    clip(&hit.tip.title),
                    hit.missing,
                    hit.highlights.iter().map(|h| &h.fragment[h.ranges[0].0..h.ranges[0].1]).collect::<Vec<_>>()
                );
            }
        }
    }
    times.sort();
    println!(
        "{:<28} {:>7} found {} of 1000: {found:?}  p50 {} µs p99 {} µs",
        dir.file_name().unwrap().to_string_lossy(),
        times.len(),
        found.values().sum::<usize>(),
        times[times.len() / 2].as_micros(),
        times[times.len() * 99 / 100].as_micros()
    );
    if time {
        for (kind, times) in &mut by_kind {
            times.sort();
            println!(
                "    {kind:<8} p50 {:>6} µs  p99 {:>6} µs",
                times[times.len() / 2].as_micros(),
                times[times.len() * 99 / 100].as_micros()
            );
        }
        println!(
            "    {count} tips in {built:.2?} ({:.0}/s), {} bytes on disk, {:.2} of the raw text",
            count as f64 / built.as_secs_f64(),
            index.bytes_on_disk(),
            index.bytes_on_disk() as f64 / bytes as f64
        );
        time_others(&index, dir);
    }
}

fn known_item(value: &Value) -> TipDocument {
    let optional = |field| Some(text(value, field)).filter(|text| !text.is_empty());
    TipDocument {
        title: text(value, "title"),
        problem: text(value, "problem"),
        cause: optional("cause"),
        solution: optional("solution"),
        products: optional("product").into_iter().collect(),
        fault_codes: list(value, "fault_codes"),
        parts: list(value, "part_numbers"),
        tags: list(value, "tags"),
        lang: optional("lang"),
        ..blank(value["id"].as_u64().unwrap() as usize)
    }
}

/// Times completions of every beginning of some queries, and look-alikes of what those queries find.
fn time_others(index: &Index, dir: &Path) {
    let (mut suggest, mut similar) = (Vec::new(), Vec::new());
    for line in lines(&dir.join("queries.jsonl")).step_by(10) {
        let q = text(&serde_json::from_str(&line).unwrap(), "q");
        for (end, _) in q.char_indices().skip(1) {
            let begun = Wall::now();
            index.suggest(&SuggestRequest::new(&q[..end])).unwrap();
            suggest.push(begun.elapsed());
        }
        for hit in index.search(&SearchRequest::new(q), now()).unwrap().hits.iter().take(2) {
            let begun = Wall::now();
            index.similar(&SimilarRequest::of(&hit.tip)).unwrap();
            similar.push(begun.elapsed());
        }
    }
    for (what, mut times) in [("suggest", suggest), ("similar", similar)] {
        times.sort();
        println!(
            "    {what:<8} p50 {:>6} µs  p99 {:>6} µs",
            times[times.len() / 2].as_micros(),
            times[times.len() * 99 / 100].as_micros()
        );
    }
}

fn start(scratch: &Path) -> Rebuild {
    Index::rebuild_over(scratch, OpenOptions::default()).unwrap()
}

fn cursor() -> Cursor {
    Cursor::new(Uuid::nil(), 1, "")
}

fn now() -> Instant {
    Instant::from_timestamp(1_767_225_600, 0).unwrap()
}

fn blank(place: usize) -> TipDocument {
    TipDocument {
        tip: TipId(Uuid::from_u64_pair(1, place as u64)),
        number: TipNumber(1001 + place as i64),
        revision: 1,
        community: CommunityId(Uuid::nil()),
        community_slug: "all".to_owned(),
        openness: Openness::Open,
        title: String::new(),
        problem: String::new(),
        cause: None,
        solution: None,
        products: Vec::new(),
        fault_codes: Vec::new(),
        parts: Vec::new(),
        tags: Vec::new(),
        safety: Safety::None,
        hazard: None,
        lang: None,
        author: UserId(Uuid::nil()),
        author_name: "somebody".to_owned(),
        confidence: Confidence::Validated,
        published_at: now(),
        updated_at: now(),
        proof: None,
        stands_for: Vec::new(),
    }
}

/// A title is demanded by the product: texts without one get their beginning, as an import does.
fn first_words(text: &str) -> String {
    text.split_whitespace().take(8).collect::<Vec<_>>().join(" ")
}

fn clip(text: &str) -> String {
    text.chars().take(70).collect()
}

fn text(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list(value: &Value, field: &str) -> Vec<String> {
    value
        .get(field)
        .and_then(Value::as_array)
        .map(|all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default()
}

fn lines(path: &Path) -> impl Iterator<Item = String> {
    BufReader::new(std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .lines()
        .map(|line| line.unwrap())
}
