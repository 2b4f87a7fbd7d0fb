//! Whatever is typed has an answer: no error, no panic, in time.

use std::time::{Duration, Instant};

use eureka_search::{Age, FacetField, PageCursor, SearchRequest, SimilarRequest, Sort, SuggestRequest};
use proptest::prelude::*;

use crate::shelf::{Shelf, With, everyone, now, tip};

fn shelf() -> Shelf {
    Shelf::of((0..300).map(|n| {
        let tip = tip(n, &format!("Paper jam {n} in tray"), &"The roller of the tray slips on paper. ".repeat(5))
            .codes(&[&format!("E-{n}")])
            .products(&["DocuColor 40"])
            .tags(&["paper"]);
        if n % 3 == 0 { tip.private(1) } else { tip }
    }))
}

/// Ten thousand different words.
fn numbered(word: &str) -> String {
    (0..10_000).map(|number| format!("{word}{number}")).collect::<Vec<_>>().join(" ")
}

fn ask_everything(shelf: &Shelf, text: &str) {
    for (typing, sort, audience) in
        [(true, Sort::Relevance, everyone()), (false, Sort::Newest, eureka_domain::visibility::Audience::default())]
    {
        let request = SearchRequest {
            typing,
            sort,
            audience: audience.clone(),
            explain: true,
            facets: vec![FacetField::Tag, FacetField::Community],
            ui_lang: Some(text.chars().take(5).collect()),
            ..SearchRequest::new(text)
        };
        let response = shelf.ask(&request);
        assert!(response.hits.len() <= 20);
        assert!(response.total.value >= response.hits.len() as u64);
        let _ = PageCursor::parse(text);
        shelf.index.suggest(&SuggestRequest { audience: audience.clone(), ..SuggestRequest::new(text) }).unwrap();
        shelf.index.similar(&SimilarRequest { audience, ..SimilarRequest::new(text, text) }).unwrap();
    }
}

#[test]
fn texts_made_to_hurt_are_text() {
    let shelf = shelf();
    for text in [
        "title:*",
        "shown:* OR *:*",
        "all:paper^1000",
        "\"",
        "\"\"",
        "\"unbalanced paper",
        "paper\" jam \"tray",
        "-",
        "--",
        "-\"",
        "-paper -jam -tray",
        "+paper",
        "((((((((((",
        "[* TO *]",
        "paper~99",
        "p*",
        "*",
        "code:",
        "code:\"",
        "code:-",
        "product:\"\"",
        "tag:\u{0}",
        "\u{1}\u{2}\u{3}",
        "paper\u{1}jam\u{3}tray",
        "\u{0}",
        "\u{feff}paper",
        "\u{202e}repap",
        "e\u{301}\u{301}\u{301}",
        "\u{301}",
        "ﷺ",
        "👩‍👩‍👧‍👦",
        "İİİİ",
        "ßßßß",
        "ＰＡＰＥＲ",
        "'",
        "’t",
        "n't",
        "'n't'",
        "....",
        "1.2.3.4.5.6.7.8.9.10.11.12.13.14",
        "a-1-b-2-c-3-d-4-e-5-f-6-g-7-h-8-i-9",
        "E-",
        "-E-1-",
        "0x",
        "T-99999999999999999999999999",
        "\\",
        "%00",
        "'; DROP TABLE tips; --",
    ] {
        ask_everything(&shelf, text);
    }
}

#[test]
fn long_texts_cost_no_more_than_a_bounded_part_of_them() {
    let shelf = shelf();
    let texts = [
        "paper ".repeat(10_000),
        numbered("word"),
        numbered("paper jam "),
        "papre seperater thermsitor ".repeat(3_000),
        "a".repeat(1_000_000),
        "1".repeat(100_000),
        "E-1/".repeat(50_000),
        "\"paper jam\" ".repeat(5_000),
        "-x ".repeat(20_000),
        "tag:paper ".repeat(5_000),
        "打印机卡纸".repeat(20_000),
        "the of and ".repeat(10_000),
        "\"the the\" ".repeat(1_000),
    ];
    for text in texts {
        let begun = Instant::now();
        ask_everything(&shelf, &text);
        let took = begun.elapsed();
        let start = text.chars().take(12).collect::<String>();
        assert!(took < Duration::from_secs(3), "{start}: {took:?}");
    }
}

#[test]
fn odd_requests_are_answered() {
    let shelf = shelf();
    for (limit, offset) in [(0, 0), (usize::MAX, 0), (10, usize::MAX), (usize::MAX, usize::MAX)] {
        let response =
            shelf.index.search(&SearchRequest { limit, offset, ..SearchRequest::new("paper") }, now()).unwrap();
        assert!(response.hits.len() <= SearchRequest::MOST);
    }
    let mut request = SearchRequest::new("paper");
    request.filters.ages = vec![Age::Older];
    assert_eq!(shelf.ask(&request).total.value, 0);
    let empty = Shelf::of([]);
    ask_everything(&empty, "paper jam");
    assert_eq!(empty.search("").total.value, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_text_is_answered(texts in proptest::collection::vec(prop_oneof![
        "\\PC{0,60}",
        "[\\x00-\\x7f]{0,60}",
        "(?:paper|jam|E-1|\"|-|:|code:|tag:| |\\*|'|’|\\(|/|\\.|[0-9]|打|é){0,30}",
        any::<String>(),
    ], 12)) {
        static SHELF: std::sync::OnceLock<Shelf> = std::sync::OnceLock::new();
        let shelf = SHELF.get_or_init(shelf);
        for text in texts {
            ask_everything(shelf, &text);
        }
    }

    #[test]
    fn any_tip_is_indexed_found_and_given_back_as_it_was(
        title in "\\PC{1,40}",
        problem in any::<String>(),
        codes in proptest::collection::vec("\\PC{1,20}", 0..3),
    ) {
        let codes = codes.iter().map(String::as_str).collect::<Vec<_>>();
        let tip = tip(7, &title, &problem).codes(&codes).products(&codes).tags(&codes);
        let shelf = Shelf::of([tip.clone()]);
        let hits = shelf.search("").hits;
        prop_assert_eq!(&*hits[0].tip, &tip);
        ask_everything(&shelf, &title);
    }
}
