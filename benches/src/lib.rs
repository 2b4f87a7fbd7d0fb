//! What the benchmarks work on: made-up tips and queries, the same ones at every run.
//!
//! Words follow Zipf's law over a vocabulary of pronounceable nonsense, lengths those of real field tips; codes are drawn
//! from a pool, so that some are shared.
#![allow(
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot be made has failed"
)]

mod bare;
mod client;
mod crowd;
mod desk;
mod plot;
mod server;
mod times;
mod transactions;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Duration;

use chrono::DateTime;
use eureka_domain::Instant;
use eureka_domain::community::Openness;
use eureka_domain::ids::{CommunityId, TipId, TipNumber, UserId};
use eureka_domain::tip::{Confidence, Safety};
use eureka_search::{Cursor, Index, OpenOptions, SearchRequest, TipDocument};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

pub use bare::{Bare, SameFields, bare_analyzer, count_terms};
pub use client::{Client, encoded};
pub use crowd::{Answered, Crowd, Pace};
pub use desk::{Desk, together};
pub use plot::{Line, svg};
pub use server::{PASSWORD, Server, import};
pub use times::{Memory, Times, micros, processor_time};
pub use transactions::{BareWriter, fsync};

/// As the product has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Words of the vocabulary.
const VOCABULARY: u32 = 30_000;
/// The commonest words are those of English, so that the product knows them for empty.
const EMPTY: [&str; 24] = [
    "the", "of", "and", "to", "in", "is", "for", "that", "it", "with", "as", "was", "on", "are", "by", "be", "this",
    "an", "not", "at", "or", "if", "but", "no",
];
/// The number of the first tip of a new database.
pub const FIRST: i64 = 1_001;
/// Fault codes in use.
const CODES: usize = 4_000;

/// A class of queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Two to five words.
    Words,
    /// A fault code.
    Code,
    /// Three words, one with a typo.
    Typo,
    /// Two words and the beginning of a third.
    Prefix,
    /// Two words side by side, in quotes.
    Phrase,
}

impl Class {
    /// Every class, with its name.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Words, "words"),
        (Self::Code, "code"),
        (Self::Typo, "typo"),
        (Self::Prefix, "prefix"),
        (Self::Phrase, "phrase"),
    ];
}

/// So many tips and what can be asked of them.
pub struct Corpus {
    tips: Vec<TipDocument>,
    rng: StdRng,
}

impl Corpus {
    /// Makes `size` tips.
    pub fn new(size: usize) -> Self {
        let mut rng = StdRng::seed_from_u64(1994);
        let empty = EMPTY.iter().map(|word| (*word).to_owned());
        let words: Vec<String> = empty.chain((0..VOCABULARY as usize - EMPTY.len()).map(word)).collect();
        let zipf = Zipf::new(f64::from(VOCABULARY), 1.05).expect("a distribution");
        let tips = (0..size).map(|place| tip(place, &words, &zipf, &mut rng)).collect();
        Self { tips, rng }
    }

    /// The tips.
    pub fn tips(&self) -> &[TipDocument] {
        &self.tips
    }

    /// Writes the tips as `eureka import` reads them; the first has the id 1.
    pub fn write(&self, path: &Path) {
        let mut file = BufWriter::new(File::create(path).expect("a file"));
        for tip in &self.tips {
            let line = json!({
                "id": tip.number.0 - FIRST + 1, "title": tip.title, "problem": tip.problem, "cause": tip.cause,
                "solution": tip.solution, "products": tip.products, "fault_codes": tip.fault_codes, "lang": tip.lang,
            });
            writeln!(file, "{line}").expect("room");
        }
        file.flush().expect("room");
    }

    /// So many queries of a class, each made from a tip that answers it.
    pub fn queries(&mut self, class: Class, count: usize) -> Vec<String> {
        (0..count).map(|_| self.query(class)).collect()
    }

    /// So many queries, mixed as people type them: 15 % typos, 15 % codes, 10 % prefixes, 10 % phrases, the rest two to
    /// five words.
    pub fn mixed(&mut self, count: usize) -> Vec<String> {
        use Class::{Code, Phrase, Prefix, Typo, Words};
        const TWENTY: [Class; 20] = [
            Words, Typo, Words, Code, Words, Prefix, Words, Phrase, Words, Typo, Words, Code, Words, Typo, Words, Code,
            Words, Prefix, Words, Phrase,
        ];
        TWENTY.iter().cycle().take(count).map(|class| self.query(*class)).collect()
    }

    fn query(&mut self, class: Class) -> String {
        let place = self.rng.random_range(0..self.tips.len());
        let tip = &self.tips[place];
        let words: Vec<&str> = tip.problem.split(' ').filter(|word| word.len() > 4).collect();
        let start = self.rng.random_range(0..words.len().saturating_sub(6).max(1));
        let length = self.rng.random_range(2..=5);
        let some = |count: usize| words.iter().skip(start).take(count).copied().collect::<Vec<_>>();
        match class {
            Class::Words => some(length).join(" "),
            Class::Code => tip.fault_codes.first().cloned().unwrap_or_default(),
            Class::Typo => {
                let mut some: Vec<String> = some(3).into_iter().map(str::to_owned).collect();
                if let Some(last) = some.last_mut() {
                    last.remove(2);
                }
                some.join(" ")
            }
            Class::Prefix => {
                let mut text = some(3).join(" ");
                text.truncate(text.len().saturating_sub(2));
                text
            }
            Class::Phrase => {
                let all: Vec<&str> = tip.problem.split(' ').collect();
                let at = self.rng.random_range(0..all.len().saturating_sub(1).max(1));
                format!("\"{}\"", all.iter().skip(at).take(2).copied().collect::<Vec<_>>().join(" "))
            }
        }
    }

    /// The product's index of the tips.
    pub fn index(&self) -> (Index, TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut rebuild = Index::rebuild_over(folder.path(), OpenOptions::default()).expect("an index");
        for tip in &self.tips {
            rebuild.add(tip).expect("room on the disk");
        }
        (rebuild.finish(&Cursor::new(Uuid::nil(), 1, "")).expect("an index"), folder)
    }
}

/// Waits until an index is as a running service has it some seconds after the last write.
pub fn settle(index: &Index) {
    while !index.tidy().expect("merges") {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A search as the API makes it: ten hits with their highlights.
pub fn request(q: &str) -> SearchRequest {
    let mut request = SearchRequest::new(q);
    request.limit = 10;
    request.deadline = Duration::from_secs(10);
    request
}

/// The moment at which the benchmarks search.
pub fn now() -> Instant {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a moment")
}

/// A word that no other number has.
fn word(number: usize) -> String {
    const STARTS: [&str; 16] = ["b", "c", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr"];
    const MIDDLES: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "ea", "ou"];
    let mut rest = number;
    let mut text = String::new();
    loop {
        text.push_str(STARTS[rest % 16]);
        text.push_str(MIDDLES[(rest / 16) % 8]);
        rest /= 128;
        if rest == 0 {
            break;
        }
    }
    text.push_str(["n", "r", "l", "t"][number % 4]);
    text
}

fn tip(place: usize, words: &[String], zipf: &Zipf<f64>, rng: &mut StdRng) -> TipDocument {
    let code = |number: usize| format!("E{}-{:03}", number % 97, number % 1000);
    let number = u128::try_from(place).unwrap_or_default() + 1;
    let text = |least: usize, most: usize, rng: &mut StdRng| {
        let length = rng.random_range(least..=most);
        let drawn = (0..length).map(|_| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ranks are small and positive")]
            let rank = zipf.sample(rng) as usize;
            words[rank.saturating_sub(1).min(words.len() - 1)].as_str()
        });
        drawn.collect::<Vec<_>>().join(" ")
    };
    let title = text(4, 10, rng);
    let problem = text(20, 70, rng);
    let (cause, solution) = (text(8, 30, rng), text(20, 80, rng));
    TipDocument {
        tip: TipId(Uuid::from_u128(number)),
        number: TipNumber(i64::try_from(place).unwrap_or_default() + FIRST),
        revision: 1,
        community: CommunityId(Uuid::from_u128(7)),
        community_slug: "benches".to_owned(),
        openness: Openness::Open,
        title,
        problem,
        cause: Some(cause),
        solution: Some(solution),
        products: vec![format!("Model {}", rng.random_range(100..400))],
        fault_codes: vec![code(rng.random_range(0..CODES))],
        parts: Vec::new(),
        tags: Vec::new(),
        safety: Safety::None,
        hazard: None,
        lang: Some("en".to_owned()),
        author: UserId(Uuid::from_u128(9)),
        author_name: "Nobody".to_owned(),
        confidence: Confidence::Validated,
        published_at: now(),
        updated_at: now(),
        proof: None,
        stands_for: Vec::new(),
    }
}
