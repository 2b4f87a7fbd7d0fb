//! All words first; then fewer, corrected or completed ones, and the answer says which.

use eureka_search::{Relaxed, SearchRequest, SearchResponse, SynonymGroup};

use crate::shelf::{Shelf, With, community, member_of, numbers, tip};

fn shelf() -> Shelf {
    Shelf::of([
        tip(1, "Paper jam in the exit tray", "The separator finger is bent."),
        tip(2, "Paper curls", "Damp paper from the store room."),
        tip(3, "Power supply hums", "The transformer is loose."),
        tip(4, "Replace the thermistor", "The thermistor plug is loose."),
        tip(5, "Firmware update fails", "The display won't turn on after the update."),
        tip(6, "Photoconductor ghosting", "Old images come back on the next page."),
        tip(7, "Paper tray", "Nothing else. Paper paper tray tray tray."),
    ])
}

fn relaxed(shelf: &Shelf, q: &str) -> Vec<Relaxed> {
    shelf.search(q).relaxed
}

#[test]
fn what_has_every_word_comes_first_and_nothing_is_said() {
    let shelf = shelf();
    let response = shelf.search("exit jam");
    assert_eq!(response.hits[0].tip.number.0, 1);
    assert_eq!(response.complete.value, 1);
    assert!(response.hits[0].missing.is_empty());
    assert_eq!(relaxed(&shelf, "separator finger"), []);
}

#[test]
fn when_no_tip_has_every_word_the_best_of_the_rest_are_shown_with_what_they_lack() {
    let shelf = shelf();
    let response = shelf.search("thermistor separator");
    assert_eq!(response.complete.value, 0);
    assert!(response.relaxed.contains(&Relaxed::SomeWords));
    let mut found = response.hits.iter().map(|hit| (hit.tip.number.0, hit.missing.clone())).collect::<Vec<_>>();
    found.sort();
    assert_eq!(found, [(1, vec!["thermistor".to_owned()]), (4, vec!["separator".to_owned()])]);
}

#[test]
fn a_misspelt_word_is_read_as_the_one_it_is_near_to() {
    let shelf = shelf();
    for (typed, meant, wanted) in [
        ("thermsitor", "thermistor", 4),
        ("termistor", "thermistor", 4),
        ("papr jam", "paper jam", 1),
        ("seperator", "separator", 1),
        ("hotoconductor", "photoconductor", 6),
        ("transfromer hums", "transformer hums", 3),
    ] {
        let response = shelf.search(typed);
        assert_eq!(response.hits.first().map(|hit| hit.tip.number.0), Some(wanted), "{typed}");
        assert_eq!(response.did_you_mean.as_deref(), Some(meant), "{typed}");
        assert!(
            response.relaxed.iter().any(|each| matches!(each, Relaxed::Corrected { .. })),
            "{typed}: {:?}",
            response.relaxed
        );
    }
}

#[test]
fn a_word_that_is_known_and_good_is_never_corrected() {
    let tips = (0..40)
        .map(|n| tip(n, "Heater", "The heater is cold."))
        .chain([tip(100, "Header page", "The header is missing."), tip(101, "Header page", "The header is torn.")]);
    let shelf = Shelf::of(tips);
    let response = shelf.search("header page");
    assert_eq!(numbers(&response).len(), 2);
    assert_eq!(response.did_you_mean, None);
}

#[test]
fn a_rare_misspelling_in_the_tips_does_not_hide_the_word_that_was_meant() {
    let tips = (0..40).map(|n| tip(n, "Connector loose", "The connector of the sensor is loose.")).chain([tip(
        100,
        "Cover",
        "A conector was found under it.",
    )]);
    let shelf = Shelf::of(tips);
    let response = shelf.search("sensor conector");
    assert_eq!(response.did_you_mean.as_deref(), Some("sensor connector"));
    assert!(response.complete.value >= 40);
}

#[test]
fn words_written_together_or_apart_find_each_other() {
    let shelf = shelf();
    assert_eq!(shelf.find("powersupply").first(), Some(&3));
    assert!(matches!(relaxed(&shelf, "powersupply").as_slice(), [Relaxed::Split { .. }]));
    let together = Shelf::of([tip(1, "Powersupply dead", "No light.")]);
    assert_eq!(together.find("power supply"), [1]);
}

#[test]
fn a_word_that_one_tip_writes_together_is_found_where_others_write_it_apart() {
    let shelf = Shelf::of([
        tip(1, "Powersupply hums", "The powersupply."),
        tip(2, "Unit is dead", "Its power supply is dead."),
        tip(3, "Power everywhere", "Power, and a supply of paper."),
    ]);
    assert_eq!(shelf.find("powersupply"), [1, 2]);
    assert!(matches!(relaxed(&shelf, "powersupply").as_slice(), [Relaxed::Split { .. }]));
    let secret = Shelf::of([tip(1, "Unit is dead", "Its power supply is dead.").private(1), tip(2, "Other", "Thing.")]);
    let member = SearchRequest { audience: member_of(&[1]), ..SearchRequest::new("powersupply") };
    assert_eq!(numbers(&secret.ask(&member)), [1]);
    assert_eq!(secret.find("powersupply"), [0; 0]);
}

#[test]
fn of_very_many_misspelt_words_only_the_first_are_looked_into() {
    let shelf = Shelf::of([tip(1, "Thermistor", "The thermistor of the registration drawer.")]);
    let strange = (0..60).map(|n| format!("{}qqq{}", char::from(b'a' + n % 26), char::from(b'a' + n / 26)));
    let many = strange.collect::<Vec<_>>().join(" ");
    assert_eq!(shelf.find(&format!("thermsitor {many}")), [1]);
    assert_eq!(shelf.find(&format!("{many} thermsitor")), [0; 0]);
    assert_eq!(shelf.find(&format!("{many} thermistor")), [1], "known words count wherever they stand");
}

#[test]
fn a_search_is_in_vain_when_half_of_its_words_stand_nowhere() {
    let shelf = shelf();
    for (q, wanted) in [
        ("paper", false),
        ("zirconium", true),
        ("zirconium paper", true),
        ("zirconium paper tray", false),
        ("yttrium zirconium paper tray", true),
        ("", false),
    ] {
        assert_eq!(shelf.search(q).in_vain, wanted, "{q}");
    }
}

#[test]
fn contractions_are_found_with_and_without_their_apostrophe() {
    let shelf = shelf();
    for typed in ["wont turn on", "won't turn on", "won’t turn on", "display wont"] {
        assert_eq!(shelf.find(typed).first(), Some(&5), "{typed}");
    }
}

#[test]
fn the_last_word_may_be_unfinished_while_typing_only() {
    let shelf = shelf();
    let response = shelf.search("paper ja");
    assert_eq!(response.hits[0].tip.number.0, 1);
    assert!(matches!(&response.relaxed[0], Relaxed::Completed { word, .. } if word == "ja"));
    let request = SearchRequest { typing: false, ..SearchRequest::new("photocond") };
    assert_eq!(numbers(&shelf.ask(&request)), [0; 0]);
    assert_eq!(shelf.find("photocond"), [6]);
}

#[test]
fn an_unfinished_word_is_met_by_what_begins_so_and_not_by_a_shorter_stem() {
    let shelf = Shelf::of([
        tip(1, "Backing plate", "The backing of the belt is torn."),
        tip(2, "Back cover", "The back cover hangs."),
        tip(3, "Damaging noise", "Parts are damaged."),
        tip(4, "Damage", "There is damage."),
    ]);
    assert_eq!(shelf.find("backin"), [1]);
    assert_eq!(shelf.find("belt backin"), [1]);
    let marked = shelf.search("backin");
    let title = marked.hits[0].highlights.iter().find(|each| each.field == "title").unwrap();
    assert_eq!(title.ranges, [(0, 7)]);
    assert_eq!(shelf.find("backing"), [1, 2]);
    assert_eq!(shelf.find("damagin").first(), Some(&3));
}

#[test]
fn the_last_word_of_a_phrase_may_be_unfinished_when_the_phrase_stands_nowhere() {
    let shelf = Shelf::of([
        tip(1, "Status code E94", "It shows status code E94."),
        tip(2, "Codes", "A status without any code."),
        tip(3, "Exit tray", "Paper in the exit tray."),
    ]);
    let response = shelf.search("\"status code e\"");
    assert_eq!(numbers(&response), [1]);
    let completed = |each: &Relaxed| matches!(each, Relaxed::Completed { word, .. } if word == "status code e");
    assert!(response.relaxed.iter().any(completed));
    assert_eq!(relaxed(&shelf, "\"exit tray\""), []);
}

#[test]
fn a_letter_in_the_wrong_place_is_one_mistake() {
    let shelf = Shelf::of([tip(1, "Gandhi", "Peaceful."), tip(2, "Other", "Nothing.")]);
    assert_eq!(shelf.search("ghandi work").did_you_mean.as_deref(), Some("gandhi work"));
    assert_eq!(shelf.find("ghendi"), [0; 0]);
}

#[test]
fn a_word_that_stands_nowhere_is_left_out_and_named() {
    let shelf = shelf();
    let response = shelf.search("thermistor zzqx");
    assert_eq!(response.hits[0].tip.number.0, 4);
    assert!(response.relaxed.contains(&Relaxed::Ignored { word: "zzqx".to_owned() }));
}

#[test]
fn a_phrase_must_stand_as_it_is_or_is_read_as_words() {
    let shelf = shelf();
    assert_eq!(shelf.find(r#""exit tray""#), [1]);
    assert_eq!(shelf.find(r#""tray exit""#).first(), Some(&1));
    assert!(matches!(relaxed(&shelf, r#""tray exit""#).first(), Some(Relaxed::PhraseAsWords { .. })));
    assert_eq!(shelf.find(r#""plug is loose""#), [4]);
}

#[test]
fn exclusions_and_conditions_are_kept_whatever_is_relaxed() {
    let shelf = shelf();
    assert!(!shelf.find("paper -jam").contains(&1));
    assert_eq!(shelf.find("paper -jam -curls"), [7]);
    assert_eq!(shelf.find(r#"paper tray -"exit tray""#).first(), Some(&7));
    assert_eq!(shelf.find("paper tag:nothing"), [0; 0]);
}

#[test]
fn words_without_meaning_are_answered_too() {
    let shelf = shelf();
    assert!(!shelf.find("the").is_empty());
    assert!(!shelf.find("on the next").is_empty());
    assert_eq!(shelf.find(""), shelf.find("   "));
}

#[test]
fn synonyms_of_several_words_stand_for_each_other() {
    let shelf = shelf();
    let group = SynonymGroup {
        community: community(0),
        phrases: vec!["OPC".to_owned(), "photoconductor".to_owned(), "imaging unit".to_owned(), "PSU".to_owned()],
    };
    let supply = SynonymGroup { community: community(0), phrases: vec!["PSU".to_owned(), "power supply".to_owned()] };
    for (typed, wanted) in
        [("opc ghosting", 6), ("imaging unit ghosting", 6), ("PSU hums", 3), ("psu", 3), ("imaging unit", 6)]
    {
        let request = SearchRequest { synonyms: vec![group.clone(), supply.clone()], ..SearchRequest::new(typed) };
        let found = numbers(&shelf.ask(&request));
        assert!(found.contains(&wanted), "{typed}: {found:?}");
        assert!(shelf.ask(&request).complete.value > 0, "{typed}");
    }
    assert!(!shelf.find("psu").contains(&3));
}

#[test]
fn a_community_speaks_for_its_own_tips() {
    let mut lifts = tip(2, "Elevator stops", "The elevator stops between floors.");
    lifts.community = community(7);
    let shelf = Shelf::of([
        tip(1, "Lift the cover", "Lift the cover and clean the glass."),
        lifts,
        tip(3, "Paper elevator stops", "The elevator of the paper tray stops."),
    ]);
    let ask = |typed: &str, of: u128| {
        let phrases = vec!["lift".to_owned(), "elevator".to_owned()];
        let synonyms = vec![SynonymGroup { community: community(of), phrases }];
        shelf.ask(&SearchRequest { synonyms, ..SearchRequest::new(typed) })
    };
    assert_eq!(numbers(&ask("lift stops", 7))[0], 2, "its own tip has every word");
    assert_eq!(ask("lift stops", 7).complete.value, 1, "and no other's has");
    assert_eq!(numbers(&ask("lift stops", 0))[0], 3);
    let words =
        |of| ask("lift", of).hits.iter().map(|hit| (hit.tip.number.0, hit.highlights.len())).collect::<Vec<_>>();
    assert_eq!(words(7), [(1, 2), (2, 2)]);
    assert_eq!(words(9), [(1, 2)], "a community without tips opens none");
}

#[test]
fn what_one_community_says_leaves_the_order_and_weight_of_others_tips_alone() {
    let mut stranger = tip(9, "Gas bottle", "Gas gas gas.");
    stranger.community = community(7);
    let tips =
        (1..7).zip(1..).map(|(number, times)| tip(number, &format!("Refrigerant {number}"), &"gas ".repeat(times)));
    let shelf = Shelf::of(tips.chain([stranger]));
    let phrases = vec!["refrigerant".to_owned(), "gas".to_owned()];
    let synonyms = vec![SynonymGroup { community: community(7), phrases }];
    let plain = shelf.ask(&SearchRequest::new("refrigerant"));
    let with = shelf.ask(&SearchRequest { synonyms, ..SearchRequest::new("refrigerant") });
    let scores = |found: &SearchResponse| {
        let others = found.hits.iter().filter(|hit| hit.tip.number.0 != 9);
        others.map(|hit| (hit.tip.number.0, hit.score)).collect::<Vec<_>>()
    };
    assert_eq!(scores(&plain), scores(&with));
    assert!(numbers(&with).contains(&9) && !numbers(&plain).contains(&9));
}
