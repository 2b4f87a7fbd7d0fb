//! Where the query's words stand: ranges into the author's own text, which is handed out as it is.

use eureka_search::{Highlight, SearchRequest, TipDocument};
use proptest::prelude::*;

use crate::shelf::{Shelf, With, tip};

/// The marked pieces of a highlight.
fn marked(highlight: &Highlight) -> Vec<&str> {
    highlight.ranges.iter().map(|(start, end)| &highlight.fragment[*start..*end]).collect()
}

fn of(shelf: &Shelf, q: &str) -> Vec<Highlight> {
    shelf.search(q).hits.swap_remove(0).highlights
}

fn field<'h>(highlights: &'h [Highlight], field: &str) -> &'h Highlight {
    highlights.iter().find(|each| each.field == field).unwrap_or_else(|| panic!("{field}: {highlights:#?}"))
}

#[test]
fn words_are_marked_in_all_their_forms_in_every_field() {
    let mut tip = tip(1, "Batteries drained", "The battery of the drone was empty, E-541 showed.")
        .codes(&["E-541", "E-9"])
        .tags(&["battery", "other"])
        .products(&["Drone 5"]);
    tip.solution = Some("Draining is stopped by a new battery.".to_owned());
    let shelf = Shelf::of([tip]);
    let found = of(&shelf, "battery drain drone e541");
    assert_eq!(marked(field(&found, "title")), ["Batteries", "drained"]);
    assert_eq!(marked(field(&found, "problem")), ["battery", "drone", "E-541"]);
    assert_eq!(marked(field(&found, "solution")), ["Draining", "battery"]);
    assert_eq!(marked(field(&found, "fault_codes")), ["E-541"]);
    assert_eq!(marked(field(&found, "tags")), ["battery"]);
    assert_eq!(marked(field(&found, "products")), ["Drone"]);
    assert!(found.iter().all(|each| each.fragment != "other"));
}

#[test]
fn words_whose_form_changes_their_very_letters_are_marked() {
    for (lang, text, q, wanted) in [
        ("en", "Drying tried paint while icing", "dry", vec!["Drying"]),
        ("en", "Drying tried paint while icing", "try ice", vec!["tried", "icing"]),
        ("en", "USING O'BRIEN'S", "use brien", vec!["USING", "BRIEN"]),
        ("tr", "Kabın kitabı", "kap", vec!["Kabın"]),
    ] {
        let shelf = Shelf::of([TipDocument { lang: Some(lang.to_owned()), ..tip(1, text, "Nothing.") }]);
        assert_eq!(marked(field(&of(&shelf, q), "title")), wanted, "{q}");
    }
}

#[test]
fn identifiers_are_marked_as_one_however_the_text_separates_them() {
    for (text, q, wanted) in [
        ("It shows E 541 then", "e541", "E 541"),
        ("Order 604K 12345 at once", "604K12345", "604K 12345"),
        ("Order 604K 12345 at once", "604K-12345", "604K 12345"),
        ("Says 550 5.7.136 and stops", "550 5.7.136", "550 5.7.136"),
        ("Says 550 5.7.136 and stops", "5.7.136", "5.7.136"),
        ("A DS-7604NI-E1/4P/A", "ds7604ni", "DS-7604NI-E1/4P/A"),
    ] {
        let shelf = Shelf::of([tip(1, text, "Nothing.")]);
        assert_eq!(marked(field(&of(&shelf, q), "title")), [wanted], "{q}");
    }
}

#[test]
fn corrected_and_completed_words_are_marked() {
    let shelf = Shelf::of([tip(1, "Thermistor loose", "The plug of the thermistor.")]);
    assert_eq!(marked(field(&of(&shelf, "thermsitor"), "title")), ["Thermistor"]);
    assert_eq!(marked(field(&of(&shelf, "loose therm"), "title")), ["Thermistor", "loose"]);
}

#[test]
fn the_piece_with_the_most_of_the_query_is_chosen() {
    let filler = "Nothing of interest happens in this sentence about the weather. ".repeat(20);
    let text = format!("A gear turns. {filler}Here the gear grinds on the shaft, and it squeals. {filler}");
    let shelf = Shelf::of([tip(1, "Noise", &text)]);
    let found = of(&shelf, "gear shaft squeal");
    let problem = field(&found, "problem");
    assert_eq!(marked(problem), ["gear", "shaft", "squeals"]);
    assert!(problem.cut_before && problem.cut_after && problem.fragment.len() < 400, "{problem:?}");
    assert!(problem.fragment.starts_with("Here") || problem.fragment.contains(". Here"), "{problem:?}");
}

#[test]
fn text_is_handed_out_as_written_and_ranges_do_not_reach_into_it() {
    let nasty = r#"<script>alert("jam")</script> & <b>jam</b>"#;
    let shelf = Shelf::of([tip(1, "jam <img src=x>", nasty)]);
    let found = of(&shelf, "jam");
    assert_eq!(field(&found, "problem").fragment, nasty);
    assert_eq!(marked(field(&found, "problem")), ["jam", "jam"]);
    assert_eq!(field(&found, "title").fragment, "jam <img src=x>");
}

#[test]
fn texts_without_spaces_are_marked_as_one_piece() {
    let shelf = Shelf::of([tip(1, "打印机卡纸", "分离垫磨损。").lang("zh")]);
    assert_eq!(marked(field(&of(&shelf, "打印机"), "title")), ["打印机"]);
}

#[test]
fn highlights_can_be_left_out() {
    let shelf = Shelf::of([tip(1, "Paper jam", "Tray.")]);
    let response = shelf.ask(&SearchRequest { highlight: false, ..SearchRequest::new("jam") });
    assert!(response.hits[0].highlights.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn ranges_lie_on_characters_rise_and_do_not_overlap(
        text in "(?:[a-zäöüßéž]{1,8}|[0-9E-]{1,6}|[\u{4e00}-\u{4e40}]{1,5}|[<>&'\"\\s]|e\u{301}|🙂){1,80}",
        q in "(?:[a-zäöüßéž]{1,8}|[0-9E-]{1,6}|[\u{4e00}-\u{4e40}]{1,3}|\\s){1,8}",
    ) {
        let shelf = Shelf::of([tip(1, &text, &format!("{text} {q} {}", text.repeat(9)))]);
        for hit in shelf.search(&q).hits {
            for highlight in hit.highlights {
                let mut last = 0;
                for (start, end) in &highlight.ranges {
                    prop_assert!(last <= *start && start < end, "{highlight:?}");
                    prop_assert!(highlight.fragment.get(*start..*end).is_some(), "{highlight:?}");
                    last = *end;
                }
            }
        }
    }
}
