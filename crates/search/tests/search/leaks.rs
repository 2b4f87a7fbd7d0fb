//! What a caller may not see changes nothing in what the caller gets: every answer equals that of an index in which only
//! the caller's tips ever were.

use std::collections::{BTreeMap, BTreeSet};

use eureka_domain::tip::Confidence;
use eureka_domain::visibility::Audience;
use eureka_search::{
    Change, FacetField, SearchRequest, SearchResponse, SimilarRequest, Sort, SuggestRequest, TipDocument,
};
use proptest::prelude::*;

use crate::shelf::{FACETS, Shelf, With, cursor, everyone, member_of, tip, tip_id};

/// Words in pairs that differ by a letter, so that spelling is tried, and pairs that join.
const WORDS: [&str; 18] = [
    "paper",
    "papers",
    "roller",
    "rollen",
    "separator",
    "seperator",
    "thermistor",
    "power",
    "supply",
    "powersupply",
    "drift",
    "drifts",
    "shaft",
    "draft",
    "voltage",
    "heater",
    "header",
    "oxidised",
];
const CODES: [&str; 6] = ["E-541", "E-514", "05-210", "SC542", "0x80004005", "13/14"];
const PRODUCTS: [&str; 4] = ["DocuColor 40", "DocuColor 240", "Ostrand LC-9", "Morrow M450"];

#[derive(Debug, Clone)]
enum Step {
    /// Puts a tip in, or changes it: the text may be another, and the community too.
    Put { number: i64, community: u128, words: Vec<usize>, code: usize, product: usize, doubtful: bool },
    /// A hold, or an archived tip.
    Remove { number: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1i64..30, 0u128..4, proptest::collection::vec(0..WORDS.len(), 2..9), 0..CODES.len(), 0..PRODUCTS.len(), any::<bool>())
            .prop_map(|(number, community, words, code, product, doubtful)| Step::Put {
                number, community, words, code, product, doubtful,
            }),
        1 => (1i64..30).prop_map(|number| Step::Remove { number }),
    ]
}

fn document(step: &Step) -> Option<TipDocument> {
    let Step::Put { number, community, words, code, product, doubtful } = step else { return None };
    let words = words.iter().map(|word| WORDS[*word]).collect::<Vec<_>>();
    let mut new = tip(*number, &words[..2].join(" "), &words.join(" "))
        .codes(&[CODES[*code]])
        .parts(&[CODES[(code + 1) % CODES.len()]])
        .products(&[PRODUCTS[*product]])
        .tags(&[words[0]])
        .days_old(*number * 9);
    if *community > 0 {
        new = new.private(*community);
    }
    if *doubtful {
        new.confidence = Confidence::NotValidated;
    }
    Some(new)
}

const QUERIES: [&str; 22] = [
    "",
    "paper",
    "roller paper",
    "separator",
    "seperater",
    "termistor",
    "power supply",
    "powersupply",
    "powe",
    "\"power supply\"",
    "\"supply power\"",
    "E-541",
    "e541 docucolor",
    "05210",
    "13/14",
    "136/14",
    "SC54",
    "heater shaft drift",
    "header -paper",
    "draft voltage oxidised thermistor roller",
    "oxid",
    "the heaters of the shafts",
];

fn ask(shelf: &Shelf, q: &str, audience: &Audience, sort: Sort, filtered: bool) -> SearchResponse {
    let mut request = SearchRequest {
        audience: audience.clone(),
        sort,
        facets: FACETS.to_vec(),
        limit: 100,
        ..SearchRequest::new(q)
    };
    if filtered {
        request.filters.products = vec![PRODUCTS[0].to_owned()];
    }
    shelf.ask(&request)
}

/// Everything of an answer that does not depend on how the index is cut into segments.
fn gist(response: &SearchResponse) -> impl PartialEq + std::fmt::Debug {
    let hits = response
        .hits
        .iter()
        .map(|hit| (hit.tip.number.0, (hit.tip.clone(), hit.missing.clone(), hit.highlights.clone())))
        .collect::<BTreeMap<_, _>>();
    let facets = response.facets.clone();
    (hits, response.total, response.complete, facets, response.relaxed.clone(), response.did_you_mean.clone())
}

/// Scores may differ by the order of their sums, so that only clear differences must come in the same order.
fn same_order(one: &SearchResponse, other: &SearchResponse) -> bool {
    let scores = other.hits.iter().map(|hit| (hit.tip.number, hit.score)).collect::<BTreeMap<_, _>>();
    let near = |a: f32, b: f32| (a - b).abs() <= 1e-4 * a.abs().max(b.abs()).max(1e-3);
    one.hits.iter().all(|hit| scores.get(&hit.tip.number).is_some_and(|score| near(*score, hit.score)))
        && one.hits.windows(2).all(|pair| {
            let place = |number| other.hits.iter().position(|hit| hit.tip.number == number);
            near(pair[0].score, pair[1].score) || place(pair[0].tip.number) < place(pair[1].tip.number)
        })
}

fn callers() -> Vec<Audience> {
    vec![Audience::default(), member_of(&[1]), member_of(&[2, 3]), member_of(&[9]), everyone()]
}

/// The index with everything in it, commit by commit, and what is listed in the end.
fn built(steps: &[Step]) -> (Shelf, Vec<TipDocument>) {
    let shelf = Shelf::of([]);
    let mut listed = BTreeMap::new();
    for (seq, batch) in (2..).zip(steps.chunks(8)) {
        let changes = batch
            .iter()
            .map(|step| match (step, document(step)) {
                (_, Some(new)) => {
                    listed.insert(new.number.0, new.clone());
                    Change::Put(Box::new(new))
                }
                (Step::Put { number, .. } | Step::Remove { number }, None) => {
                    listed.remove(number);
                    Change::Remove(tip_id(*number))
                }
            })
            .collect();
        shelf.index.apply(changes, &cursor(seq)).unwrap();
    }
    (shelf, listed.into_values().collect())
}

fn seen_by(audience: &Audience, listed: &[TipDocument]) -> Vec<TipDocument> {
    listed.iter().filter(|tip| audience.reads(tip.community, tip.openness)).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn every_answer_equals_that_of_an_index_of_visible_tips_only(steps in proptest::collection::vec(step(), 10..90)) {
        let (shelf, listed) = built(&steps);
        shelf.index.compact().unwrap();
        for audience in callers() {
            let visible = seen_by(&audience, &listed);
            let oracle = Shelf::of(visible.clone());
            for q in QUERIES {
                for (sort, filtered) in
                    [(Sort::Relevance, false), (Sort::Relevance, true), (Sort::Newest, false), (Sort::Proof, true)]
                {
                    let (found, wanted) =
                        (ask(&shelf, q, &audience, sort, filtered), ask(&oracle, q, &audience, sort, filtered));
                    prop_assert_eq!(gist(&found), gist(&wanted), "{:?} {:?} {}", q, sort, filtered);
                    prop_assert!(sort != Sort::Relevance || same_order(&found, &wanted), "{q:?}: {found:#?} {wanted:#?}");
                }
                let suggest = SuggestRequest { audience: audience.clone(), limit: 50, ..SuggestRequest::new(q) };
                prop_assert_eq!(
                    shelf.index.suggest(&suggest).unwrap().into_iter().collect::<BTreeSet<_>>(),
                    oracle.index.suggest(&suggest).unwrap().into_iter().collect::<BTreeSet<_>>(),
                    "{:?}", q
                );
                let similar = SimilarRequest { audience: audience.clone(), limit: 50, ..SimilarRequest::new(q, q) };
                let alike = |shelf: &Shelf| {
                    let found = shelf.index.similar(&similar).unwrap();
                    found.into_iter().map(|each| (each.tip.number.0, each.why)).collect::<BTreeMap<_, _>>()
                };
                prop_assert_eq!(alike(&shelf), alike(&oracle), "{:?}", q);
            }
        }
    }

    #[test]
    fn not_even_before_segments_are_merged_does_a_removed_or_hidden_tip_show(
        steps in proptest::collection::vec(step(), 10..90),
    ) {
        let (shelf, listed) = built(&steps);
        for audience in callers() {
            let visible = seen_by(&audience, &listed);
            let words = visible
                .iter()
                .flat_map(|tip| format!("{} {}", tip.title, tip.problem).split(' ').map(str::to_owned).collect::<Vec<_>>())
                .collect::<BTreeSet<_>>();
            let labels = visible
                .iter()
                .flat_map(|tip| tip.fault_codes.iter().chain(&tip.parts).chain(&tip.products).chain([&tip.title]).cloned())
                .collect::<BTreeSet<_>>();
            let all = ask(&shelf, "", &audience, Sort::Relevance, false);
            prop_assert_eq!(all.total.value, visible.len() as u64);
            for tip in &visible {
                let product = all.facets[&FacetField::Product].iter().find(|value| value.value == tip.products[0]);
                let wanted = visible.iter().filter(|other| other.products == tip.products).count() as u64;
                prop_assert_eq!(product.map(|value| value.count), Some(wanted));
            }
            for q in QUERIES {
                let found = ask(&shelf, q, &audience, Sort::Relevance, false);
                for hit in &found.hits {
                    prop_assert!(visible.contains(&hit.tip), "{q:?} {}", hit.tip.number);
                }
                prop_assert!(found.total.value <= visible.len() as u64);
                if let Some(better) = &found.did_you_mean {
                    for word in better.split(' ').filter(|word| !q.contains(word)) {
                        prop_assert!(words.contains(word), "{q:?}: {better:?}");
                    }
                }
                let suggest = SuggestRequest { audience: audience.clone(), limit: 50, ..SuggestRequest::new(q) };
                for each in shelf.index.suggest(&suggest).unwrap() {
                    let last = each.text.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap();
                    prop_assert!(labels.contains(&each.text) || words.contains(last), "{q:?}: {each:?}");
                }
            }
        }
    }
}
