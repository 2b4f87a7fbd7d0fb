//! An index that followed every change and one that was made anew of what there is in the end answer alike.
//!
//! They are compared once both are merged: until then, tips that are gone still count in how rare a word is, and so in scores.

use std::collections::BTreeMap;

use eureka_domain::tip::Confidence;
use eureka_domain::visibility::Audience;
use eureka_search::{Change, Former, SearchRequest, SearchResponse, SimilarRequest, Sort, SuggestRequest, TipDocument};
use proptest::prelude::*;

use crate::shelf::{FACETS, Shelf, With, cursor, everyone, member_of, tip, tip_id};

/// Words of which some differ by a letter, so that spelling is tried, and some join.
const WORDS: [&str; 14] = [
    "paper",
    "papers",
    "roller",
    "rollen",
    "separator",
    "thermistor",
    "power",
    "supply",
    "powersupply",
    "drift",
    "draft",
    "heater",
    "header",
    "oxidised",
];
const CODES: [&str; 4] = ["E-541", "E-514", "05-210", "SC542"];
const PRODUCTS: [&str; 3] = ["DocuColor 40", "DocuColor 240", "Ostrand LC-9"];
const QUERIES: [&str; 16] = [
    "",
    "paper",
    "roller paper",
    "seperator",
    "termistor",
    "power supply",
    "powersupply",
    "powe",
    "\"power supply\"",
    "E-541",
    "e541 docucolor",
    "SC54",
    "header -paper",
    "draft oxidised thermistor roller",
    "oxid",
    "the heaters of the drift",
];
/// A change of one tip of thirty.
#[derive(Debug, Clone)]
enum Step {
    /// Writes it, or writes it anew.
    Write { words: Vec<usize>, code: usize, product: usize, doubtful: bool },
    /// Gives it another title.
    Rename { words: [usize; 2] },
    /// Has another community own it: the first is open, the others are private.
    Move { community: u128 },
    /// A hold, or an archived tip.
    Remove,
}

fn step() -> impl Strategy<Value = (i64, Step)> {
    let step = prop_oneof![
        6 => (proptest::collection::vec(0..WORDS.len(), 2..12), 0..CODES.len(), 0..PRODUCTS.len(), any::<bool>())
            .prop_map(|(words, code, product, doubtful)| Step::Write { words, code, product, doubtful }),
        2 => [0..WORDS.len(), 0..WORDS.len()].prop_map(|words| Step::Rename { words }),
        3 => (0u128..4).prop_map(|community| Step::Move { community }),
        2 => Just(Step::Remove),
    ];
    (1i64..30, step)
}

fn spoken(words: &[usize]) -> String {
    words.iter().map(|word| WORDS[*word]).collect::<Vec<_>>().join(" ")
}

/// What a tip is after a step; what is not there is neither renamed nor moved.
fn after(step: &Step, number: i64, before: Option<TipDocument>) -> Option<TipDocument> {
    match step {
        Step::Write { words, code, product, doubtful } => {
            let mut new = tip(number, &spoken(&words[..2]), &spoken(words))
                .codes(&[CODES[*code]])
                .products(&[PRODUCTS[*product]])
                .tags(&[WORDS[words[0]]])
                .days_old(number * 9);
            if let Some(before) = before {
                (new.community, new.openness) = (before.community, before.openness);
                new.community_slug = before.community_slug;
            }
            new.confidence = if *doubtful { Confidence::NotValidated } else { Confidence::Validated };
            Some(new)
        }
        Step::Rename { words } => before.map(|before| TipDocument { title: spoken(words), ..before }),
        Step::Move { community: 0 } => before.map(|before| {
            let open = tip(number, "", "");
            TipDocument {
                community: open.community,
                openness: open.openness,
                community_slug: open.community_slug,
                ..before
            }
        }),
        Step::Move { community } => before.map(|before| before.private(*community)),
        Step::Remove => None,
    }
}

/// An index that followed it all, commit by commit, and what there is in the end.
fn followed(steps: &[(i64, Step)]) -> (Shelf, BTreeMap<i64, TipDocument>) {
    let (shelf, mut listed) = (Shelf::of([]), BTreeMap::new());
    for (seq, batch) in (2..).zip(steps.chunks(7)) {
        let changes = batch.iter().map(|(number, step)| match after(step, *number, listed.remove(number)) {
            Some(new) => {
                listed.insert(*number, new.clone());
                Change::Put(Box::new(new))
            }
            None => Change::Remove(tip_id(*number)),
        });
        shelf.index.apply(changes.collect(), &cursor(seq)).unwrap();
    }
    (shelf, listed)
}

fn make_anew(shelf: &Shelf, listed: &BTreeMap<i64, TipDocument>) {
    let seq = shelf.index.cursor().unwrap().seq;
    let mut rebuild = shelf.index.rebuild_beside().unwrap();
    for tip in listed.values() {
        rebuild.add(tip).unwrap();
    }
    shelf.index.swap_in(rebuild, &cursor(seq), Former::Removed).unwrap();
}

fn asked(shelf: &Shelf, q: &str, audience: &Audience, sort: Sort) -> SearchResponse {
    let (audience, facets) = (audience.clone(), FACETS.to_vec());
    shelf.ask(&SearchRequest { audience, sort, facets, limit: 100, ..SearchRequest::new(q) })
}

/// All that is told of a query: hits in order with scores and highlights, counts, facets, what was forgiven and meant,
/// what could follow, and what is like it.
fn told(shelf: &Shelf, q: &str, audience: &Audience) -> Vec<String> {
    let mut told = Vec::new();
    for sort in [Sort::Relevance, Sort::Newest, Sort::Proof] {
        let found = asked(shelf, q, audience, sort);
        told.extend(found.hits.iter().map(|hit| format!("{hit:?}")));
        told.push(format!("{:?} {:?} {:?}", found.total, found.complete, found.facets));
        told.push(format!("{:?} {:?}", found.relaxed, found.did_you_mean));
    }
    let suggest = SuggestRequest { audience: audience.clone(), limit: 50, ..SuggestRequest::new(q) };
    told.push(format!("{:?}", shelf.index.suggest(&suggest).unwrap()));
    let similar = SimilarRequest { audience: audience.clone(), limit: 50, ..SimilarRequest::new(q, q) };
    told.push(format!("{:?}", shelf.index.similar(&similar).unwrap()));
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn an_index_that_followed_and_one_that_was_made_anew_answer_alike(
        steps in proptest::collection::vec(step(), 20..120),
    ) {
        let (shelf, listed) = followed(&steps);
        prop_assert_eq!(shelf.index.len(), listed.len() as u64);
        let everybody = [Audience::default(), member_of(&[1]), member_of(&[2, 3]), everyone()];
        let answers = || -> Vec<_> {
            shelf.index.compact().unwrap();
            everybody.iter().flat_map(|audience| QUERIES.map(|q| (q, told(&shelf, q, audience)))).collect()
        };
        let by_following = answers();
        make_anew(&shelf, &listed);
        for ((q, followed), (_, anew)) in by_following.into_iter().zip(answers()) {
            prop_assert_eq!(followed, anew, "{:?}", q);
        }
    }
}

/// The control: a rename that was not followed is told.
#[test]
fn an_index_that_missed_a_change_answers_otherwise() {
    let write = Step::Write { words: vec![0, 2, 4], code: 0, product: 0, doubtful: false };
    let steps: Vec<(i64, Step)> = (1..5).map(|number| (number, write.clone())).collect();
    let (shelf, mut listed) = followed(&steps);
    shelf.index.compact().unwrap();
    let before = told(&shelf, "roller paper", &everyone());
    make_anew(&shelf, &listed);
    shelf.index.compact().unwrap();
    assert_eq!(told(&shelf, "roller paper", &everyone()), before);
    listed.entry(3).and_modify(|tip| tip.title = "Paper roller".to_owned());
    make_anew(&shelf, &listed);
    shelf.index.compact().unwrap();
    assert_ne!(told(&shelf, "roller paper", &everyone()), before);
}
