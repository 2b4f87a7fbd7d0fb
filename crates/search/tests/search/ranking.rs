//! What stands first: the better text, then the better proved; the parts are told in words.

use eureka_domain::ids::TipNumber;
use eureka_domain::outcome::OutcomeResult;
use eureka_domain::proof::Tally;
use eureka_domain::tip::Confidence;
use eureka_search::{FacetField, MergedTip, SearchRequest, Sort, TipDocument};

use crate::shelf::{Shelf, With, now, numbers, tip};

/// A tip that fixed it each time it was used.
fn proved(mut tip: TipDocument, times: usize) -> TipDocument {
    tip.proof = Tally::of(vec![(OutcomeResult::Fixed, now()); times]);
    tip
}

#[test]
fn equals_are_ordered_by_proof_confidence_and_freshness() {
    let text = |number| tip(number, "Paper jam in tray 2", "The pick roller is worn.");
    let mut doubtful = text(3);
    doubtful.confidence = Confidence::NotValidated;
    let shelf = Shelf::of([doubtful, text(1).days_old(2000), proved(text(2), 25), text(4)]);
    assert_eq!(shelf.find("paper jam"), [2, 4, 3, 1]);
}

#[test]
fn no_popularity_lifts_a_tip_over_a_clearly_better_match() {
    let shelf = Shelf::of([
        tip(1, "Exit tray sensor dirty", "Clean the exit tray sensor.").days_old(3000),
        proved(tip(2, "Sensor list", "The tray, then other things, much later on there is an exit and a door."), 5000),
    ]);
    assert_eq!(shelf.find("exit tray sensor"), [1, 2]);
}

#[test]
fn words_in_the_title_and_close_together_weigh_more() {
    let shelf = Shelf::of([
        tip(1, "Noise at start", "A belt is loose. Much later, when all is warm and nobody looks, the fan stops."),
        tip(2, "Noise at start", "The fan belt is loose, and when all is warm and nobody looks it stops. Much later."),
        tip(3, "Fan belt loose", "Noise at start, and when all is warm and nobody looks it stops. Much later."),
    ]);
    assert_eq!(shelf.find("fan belt"), [3, 2, 1]);
}

#[test]
fn what_a_tip_begins_with_says_more_than_what_its_fix_mentions() {
    let mut fix = tip(1, "Slow start", "The machine warms up for ten minutes.");
    fix.solution = Some("Clean the lamp, then turn the mirror back.".to_owned());
    let mut cause = tip(2, "Slow start", "Clean the lamp and the mirror: the machine warms up.");
    cause.solution = Some("Turn it back for ten minutes.".to_owned());
    let shelf = Shelf::of([fix, cause]);
    assert_eq!(shelf.find("lamp mirror"), [2, 1]);
    let explained = shelf.ask(&SearchRequest { explain: true, ..SearchRequest::new("lamp mirror") });
    assert!(explained.hits[0].explain.iter().any(|part| part.what == "words that stand early in the tip"));
}

#[test]
fn a_word_exactly_as_typed_goes_before_its_other_forms() {
    let shelf = Shelf::of([
        tip(1, "Heated roller", "It was heated."),
        tip(2, "Heating roller", "It was heating."),
        tip(3, "Heat roller", "It was heat."),
    ]);
    assert_eq!(shelf.find("heating roller").first(), Some(&2));
    assert_eq!(shelf.find("heated roller").first(), Some(&1));
    assert_eq!(shelf.find("heat roller").first(), Some(&3));
}

#[test]
fn other_orders_are_strict() {
    let shelf = Shelf::of([
        proved(tip(1, "Paper jam", "Once.").days_old(3), 1),
        proved(tip(2, "Paper jam", "Twice, paper jam.").days_old(1), 3),
        tip(3, "Paper jam", "Paper jam paper jam.").days_old(2),
    ]);
    let by = |sort| numbers(&shelf.ask(&SearchRequest { sort, ..SearchRequest::new("paper jam") }));
    assert_eq!(by(Sort::Newest), [2, 3, 1]);
    assert_eq!(by(Sort::Proof), [2, 1, 3]);
}

#[test]
fn an_explanation_adds_up_to_the_score() {
    let shelf = Shelf::of([
        proved(tip(1, "Paper jam E-541", "The jam is in the tray."), 12).codes(&["E-541"]),
        tip(2, "Paper", "Nothing."),
    ]);
    for q in ["paper jam", "paper jam E-541", "the paper jams"] {
        let response = shelf.ask(&SearchRequest { explain: true, ..SearchRequest::new(q) });
        let hit = &response.hits[0];
        let sum = hit.explain.iter().filter(|part| !part.factor).map(|part| part.value).sum::<f32>();
        let product = hit.explain.iter().filter(|part| part.factor).map(|part| part.value).product::<f32>();
        assert!((sum * product - hit.score).abs() < 0.01 * hit.score, "{q}: {} is not {:#?}", hit.score, hit.explain);
        assert!(hit.explain.iter().any(|part| part.what.starts_with("\"paper\": ")), "{:#?}", hit.explain);
    }
    assert!(shelf.search("paper jam").hits.iter().all(|hit| hit.explain.is_empty()));
}

#[test]
fn context_alone_is_a_query() {
    let shelf = Shelf::of([
        tip(1, "Heater", "Cold.").codes(&["E-541"]).products(&["Morrow M450"]),
        proved(tip(2, "Heater", "Cold.").codes(&["e 541"]).products(&["Morrow M450"]), 25),
        tip(3, "Heater", "Cold.").codes(&["E-541"]).products(&["Calder C200"]),
    ]);
    let mut request = SearchRequest::new("");
    request.filters.products = vec!["morrow  m450".to_owned()];
    request.filters.fault_codes = vec!["E-541".to_owned()];
    let response = shelf.ask(&request);
    assert_eq!(numbers(&response), [2, 1]);
    assert_eq!((response.total.value, response.total.exact), (2, true));
}

#[test]
fn a_tip_is_found_by_the_words_codes_and_numbers_of_those_merged_into_it() {
    let merged = MergedTip {
        number: TipNumber(7),
        title: "Grinding noise when the rear axle turns".to_owned(),
        products: vec!["Trolley 9".to_owned()],
        fault_codes: vec!["E-541".to_owned()],
        parts: vec!["604K 12345".to_owned()],
    };
    let kept = TipDocument { stands_for: vec![merged], ..tip(1, "Wheel bearing dry", "It squeals.").codes(&["E-12"]) };
    let shelf = Shelf::of([
        kept,
        tip(2, "Grinding noise when the rear axle turns", "The brake drags."),
        tip(3, "Handle loose", "See E-541 in the manual."),
    ]);
    assert_eq!(shelf.find("grinding axle"), [2, 1], "its own words weigh more");
    assert_eq!(shelf.find("e541"), [1, 3], "its codes are declared ones");
    for q in ["604K12345", "T-7", "trolley axle"] {
        assert_eq!(shelf.find(q)[0], 1, "{q}");
    }
    let found = shelf.search("trolley axle");
    let marked = found.hits[0].highlights.iter().map(|each| (each.field, each.fragment.as_str())).collect::<Vec<_>>();
    assert_eq!(marked, [("stands_for", "Grinding noise when the rear axle turns"), ("stands_for", "Trolley 9")]);
    let mut request = SearchRequest::new("");
    request.filters.fault_codes = vec!["e541".to_owned()];
    request.facets = vec![FacetField::FaultCode];
    let by_code = shelf.ask(&request);
    assert_eq!(numbers(&by_code), [1]);
    let facet = by_code.facets[&FacetField::FaultCode].iter().map(|value| value.value.as_str()).collect::<Vec<_>>();
    assert_eq!(facet, ["E-12", "E-541"]);
    assert!(shelf.suggest("e54").contains(&"E-541".to_owned()));
    assert_eq!(shelf.find("E-12"), [1]);
}
