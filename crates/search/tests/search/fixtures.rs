//! The project's own judged queries: what must be found among the first ten, and a floor for the whole.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use eureka_search::{Filters, Glossary, SearchRequest, SynonymGroup, TipDocument};
use serde_json::Value;

use crate::shelf::{Shelf, community, everyone, tip};

struct Judged {
    shelf: Shelf,
    ids: Vec<String>,
    glossary: Glossary,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

fn lines(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(path(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn words(value: &Value, field: &str) -> Vec<String> {
    value[field].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn document(number: i64, value: &Value) -> TipDocument {
    let optional = |field: &str| value[field].as_str().map(str::to_owned);
    TipDocument {
        cause: optional("cause"),
        solution: optional("solution"),
        hazard: optional("hazard"),
        lang: optional("lang"),
        products: words(value, "products"),
        fault_codes: words(value, "fault_codes"),
        parts: words(value, "parts"),
        tags: words(value, "tags"),
        community_slug: optional("community").unwrap(),
        ..tip(number, value["title"].as_str().unwrap(), value["problem"].as_str().unwrap())
    }
}

fn load() -> Judged {
    let communities: Value = serde_json::from_str(&std::fs::read_to_string(path("communities.json")).unwrap()).unwrap();
    let (mut tips, mut ids, mut glossary) = (Vec::new(), Vec::new(), Vec::new());
    for (place, each) in (0..).zip(communities.as_array().unwrap()) {
        for entry in each["glossary"].as_array().unwrap() {
            let mut phrases = words(entry, "means");
            phrases.push(entry["term"].as_str().unwrap().to_owned());
            glossary.push(SynonymGroup { community: community(place), phrases });
        }
        for value in lines(&format!("tips/{}.jsonl", each["slug"].as_str().unwrap())) {
            let tip = document(i64::try_from(ids.len()).unwrap() + 1001, &value);
            tips.push(TipDocument { community: community(place), ..tip });
            ids.push(value["external_id"].as_str().unwrap().to_owned());
        }
    }
    Judged { shelf: Shelf::of(tips), ids, glossary: Glossary::new(glossary) }
}

#[test]
fn judged_queries_find_their_tips() {
    let judged = load();
    let mut by_kind: BTreeMap<String, (f64, f64, f64)> = BTreeMap::new();
    let mut misses = Vec::new();
    for query in lines("queries.jsonl") {
        let relevant: HashMap<String, f64> = serde_json::from_value(query["relevant"].clone()).unwrap();
        let q = query["q"].as_str().unwrap();
        let mut request = SearchRequest::new(q);
        request.audience = everyone();
        request.synonyms = judged.glossary.spoken_in(q);
        request.filters = Filters {
            products: query["filters"]["product"].as_str().map(str::to_owned).into_iter().collect(),
            ..Filters::default()
        };
        let response = judged.shelf.ask(&request);
        let ranked =
            response.hits.iter().map(|hit| judged.ids[usize::try_from(hit.tip.number.0).unwrap() - 1001].clone());
        let grades = ranked.map(|id| relevant.get(&id).copied().unwrap_or(0.0)).take(10).collect::<Vec<_>>();
        let mut ideal = relevant.values().copied().collect::<Vec<_>>();
        ideal.sort_by(|a, b| b.total_cmp(a));
        ideal.truncate(10);
        let ndcg = gain(&grades) / gain(&ideal);
        let found = f64::from(u8::from(grades.iter().any(|grade| *grade > 1.0)));
        let sum = by_kind.entry(query["kind"].as_str().unwrap().to_owned()).or_default();
        *sum = (sum.0 + ndcg, sum.1 + found, sum.2 + 1.0);
        if ndcg < 0.7 {
            let titles = response.hits.iter().take(3).map(|hit| hit.tip.title.clone()).collect::<Vec<_>>();
            misses.push(format!("{ndcg:.2} {q:?} {relevant:?} {:?} {titles:#?}", response.relaxed));
        }
    }
    let all = by_kind.values().fold((0.0, 0.0, 0.0), |sum, kind| (sum.0 + kind.0, sum.1 + kind.1, sum.2 + kind.2));
    let table = by_kind
        .iter()
        .map(|(kind, (ndcg, found, count))| format!("{kind}: nDCG@10 {:.3}, found {found} of {count}", ndcg / count))
        .collect::<Vec<_>>()
        .join("\n");
    let report = format!("{table}\nall: {:.3}, {} of {}\n{}", all.0 / all.2, all.1, all.2, misses.join("\n"));
    assert!(all.0 / all.2 > 0.985 && all.1 / all.2 > 0.99, "{report}");
}

fn gain(grades: &[f64]) -> f64 {
    (2..).zip(grades).map(|(place, grade)| grade / f64::from(place).log2()).sum()
}
