//! Filters, and counts that show what choosing another value would give.

use std::collections::BTreeMap;

use eureka_domain::ids::UserId;
use eureka_domain::tip::{Confidence, Safety};
use eureka_search::{Age, FacetField, Relaxed, SearchRequest, SearchResponse, Sort, TipDocument};
use uuid::Uuid;

use crate::shelf::{FACETS, Shelf, With, community, everyone, member_of, numbers, tip};

fn shelf() -> Shelf {
    let dangerous = |mut tip: TipDocument| {
        tip.safety = Safety::Danger;
        tip
    };
    let by_bo = |mut tip: TipDocument| {
        tip.author = UserId(Uuid::from_u128(6));
        tip.author_name = "Bo Lindqvist".to_owned();
        tip.confidence = Confidence::NotValidated;
        tip
    };
    Shelf::of([
        tip(1, "Fuser cold", "Lamp.").products(&["M450"]).codes(&["E-541"]).tags(&["fuser"]).days_old(3),
        tip(2, "Fuser hot", "Relay.")
            .products(&["M450", "M460"])
            .codes(&["E-542"])
            .tags(&["fuser", "heat"])
            .days_old(20),
        by_bo(tip(3, "Fuser noise", "Gear.").products(&["C200"]).codes(&["e 541"]).tags(&["noise"]).days_old(100)),
        dangerous(tip(4, "Sicherung der Fuser", "Lampe.").products(&["M460"]).lang("de").days_old(1000)),
        tip(5, "Fuser of the ward", "Lamp.").products(&["V6"]).private(1),
        tip(6, "Tray", "Nothing about it.").products(&["M450"]),
    ])
}

fn count(response: &SearchResponse, facet: FacetField) -> BTreeMap<String, u64> {
    response.facets[&facet].iter().map(|value| (value.value.clone(), value.count)).collect()
}

fn counts<const N: usize>(values: [(&str, u64); N]) -> BTreeMap<String, u64> {
    values.into_iter().map(|(value, count)| (value.to_owned(), count)).collect()
}

#[test]
fn every_facet_counts_what_was_found() {
    let shelf = shelf();
    let response = shelf.ask(&SearchRequest { facets: FACETS.to_vec(), ..SearchRequest::new("fuser") });
    assert_eq!(response.total.value, 4);
    assert_eq!(count(&response, FacetField::Product), counts([("M450", 2), ("M460", 2), ("C200", 1)]));
    assert_eq!(count(&response, FacetField::FaultCode), counts([("E-541", 1), ("E-542", 1), ("e 541", 1)]));
    assert_eq!(count(&response, FacetField::Tag), counts([("fuser", 2), ("heat", 1), ("noise", 1)]));
    assert_eq!(count(&response, FacetField::Lang), counts([("en", 3), ("de", 1)]));
    assert_eq!(count(&response, FacetField::Confidence), counts([("validated", 3), ("not_validated", 1)]));
    assert_eq!(count(&response, FacetField::Safety), counts([("none", 3), ("danger", 1)]));
    assert_eq!(count(&response, FacetField::Age), counts([("week", 1), ("month", 1), ("year", 1), ("older", 1)]));
    assert_eq!(count(&response, FacetField::Community), counts([("office-printers", 4)]));
    let author = &response.facets[&FacetField::Author][0];
    assert_eq!((author.label.as_deref(), author.count), (Some("Ada Okafor"), 3));
    assert_eq!(author.value, Uuid::from_u128(5).to_string());
}

#[test]
fn a_facet_is_counted_as_if_its_own_filter_were_not_set() {
    let shelf = shelf();
    let mut request =
        SearchRequest { facets: vec![FacetField::Product, FacetField::Tag], ..SearchRequest::new("fuser") };
    request.filters.products = vec!["M450".to_owned()];
    let response = shelf.ask(&request);
    assert_eq!(response.total.value, 2);
    assert_eq!(count(&response, FacetField::Product), counts([("M450", 2), ("M460", 2), ("C200", 1)]));
    assert_eq!(count(&response, FacetField::Tag), counts([("fuser", 2), ("heat", 1)]));
    request.filters.tags = vec!["heat".to_owned()];
    let response = shelf.ask(&request);
    assert_eq!(numbers(&response), [2]);
    assert_eq!(count(&response, FacetField::Product), counts([("M450", 1), ("M460", 1)]));
    assert_eq!(count(&response, FacetField::Tag), counts([("fuser", 2), ("heat", 1)]));
}

#[test]
fn facets_of_private_communities_show_to_their_members_only() {
    let shelf = shelf();
    let seen_by = |audience| {
        let request = SearchRequest { facets: vec![FacetField::Community], audience, ..SearchRequest::new("fuser") };
        count(&shelf.ask(&request), FacetField::Community)
    };
    assert_eq!(seen_by(member_of(&[])), counts([("office-printers", 4)]));
    assert_eq!(seen_by(member_of(&[2])), counts([("office-printers", 4)]));
    assert_eq!(seen_by(member_of(&[1])), counts([("office-printers", 4), ("private-1", 1)]));
    assert_eq!(seen_by(everyone()), counts([("office-printers", 4), ("private-1", 1)]));
}

type Set = fn(&mut SearchRequest);

#[test]
fn every_filter_narrows_by_its_values() {
    let shelf = shelf();
    let cases: [(&str, Set, &[i64]); 12] = [
        ("community", |r| r.filters.communities = vec![community(1)], &[5]),
        ("product, any case", |r| r.filters.products = vec!["m460".to_owned()], &[2, 4]),
        ("two products", |r| r.filters.products = vec!["C200".to_owned(), "V6".to_owned()], &[3, 5]),
        ("code, any separators", |r| r.filters.fault_codes = vec!["e541".to_owned()], &[1, 3]),
        ("tag", |r| r.filters.tags = vec!["Fuser".to_owned()], &[1, 2]),
        ("lang", |r| r.filters.langs = vec!["de".to_owned()], &[4]),
        ("author", |r| r.filters.authors = vec![UserId(Uuid::from_u128(6))], &[3]),
        ("confidence", |r| r.filters.confidence = vec![Confidence::NotValidated], &[3]),
        ("safety", |r| r.filters.safety = vec![Safety::Danger, Safety::Caution], &[4]),
        ("age", |r| r.filters.ages = vec![Age::Week], &[1, 5]),
        ("two ages", |r| r.filters.ages = vec![Age::Month, Age::Older], &[2, 4]),
        ("an age that none has, and one", |r| r.filters.ages = vec![Age::Year], &[3]),
    ];
    for (what, set, wanted) in cases {
        let mut request = SearchRequest { audience: everyone(), ..SearchRequest::new("fuser") };
        set(&mut request);
        let mut found = numbers(&shelf.ask(&request));
        found.sort_unstable();
        assert_eq!(found, wanted, "{what}");
    }
}

#[test]
fn what_a_machine_tells_of_itself_is_looked_for_as_words_where_no_tip_declares_just_that() {
    let shelf = shelf();
    let event = |product: &str, code: &str| {
        let mut request = SearchRequest { limit: 1, ..SearchRequest::new("") };
        request.filters.products = vec![product.to_owned()];
        request.filters.fault_codes = vec![code.to_owned()];
        request
    };
    let declared = shelf.ask(&event("m450", "e541"));
    assert_eq!((numbers(&declared), declared.relaxed.as_slice(), declared.in_vain), (vec![1], [].as_slice(), false));

    let mut request = event("Morrow M450 dn", "E-541");
    let mut found = Vec::new();
    loop {
        let page = shelf.ask(&request);
        assert!(
            matches!(page.relaxed.first(), Some(Relaxed::FiltersAsWords { text }) if text == "E-541 Morrow M450 dn")
        );
        assert!(page.in_vain, "nobody has declared it: that is a gap all the same");
        found.extend(numbers(&page));
        let Some(next) = page.next else { break };
        assert!(next.is_of(&request));
        request.cursor = Some(next);
    }
    assert_eq!(found.first(), Some(&1), "{found:?}");
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, [1, 2, 3, 6]);

    assert_eq!(numbers(&shelf.ask(&SearchRequest { sort: Sort::Newest, ..event("M9", "E-541") })), [0; 0]);
    assert_eq!(numbers(&shelf.ask(&event("M9", "E-9"))), [0; 0]);
    let mut narrowed = event("Morrow M450 dn", "E-541");
    narrowed.filters.langs = vec!["de".to_owned()];
    assert_eq!(numbers(&shelf.ask(&narrowed)), [0; 0], "other filters stay");
}

#[test]
fn conditions_can_be_typed() {
    let shelf = shelf();
    for (typed, wanted) in [
        ("fuser product:M460", vec![2, 4]),
        ("code:E-541", vec![1, 3]),
        ("tag:heat", vec![2]),
        ("author:lindqvist", vec![3]),
        (r#"author:"bo lindqvist" fuser"#, vec![3]),
        ("lang:de", vec![4]),
        ("fuser lang:de product:M450", vec![]),
    ] {
        let mut found = shelf.find(typed);
        found.sort_unstable();
        assert_eq!(found, wanted, "{typed}");
    }
}
