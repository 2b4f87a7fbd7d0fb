//! Codes, part numbers and model names: found as they are typed, never mistaken for one another.

use eureka_domain::outcome::OutcomeResult;
use eureka_domain::proof::Tally;
use eureka_domain::tip::Confidence;
use eureka_search::{Relaxed, SearchRequest};

use crate::shelf::{Shelf, With, now, numbers, tip};

fn shelf() -> Shelf {
    Shelf::of([
        tip(1001, "E-541 after warm-up", "The panel shows E-541.").codes(&["E-541"]).products(&["Morrow M450"]),
        tip(1002, "Feeder stops with 05-210", "Registration sensor.").codes(&["05-210"]).products(&["Calder DC-220"]),
        tip(1003, "Fuser kit", "Order it as 604K 12345.").parts(&["604K 12345"]),
        tip(1004, "Mail is returned", "The server answers 550 5.7.136 to every mail.").codes(&["550 5.7.136"]),
        tip(1005, "Update fails", "The log ends with 0x80004005 and nothing else.").codes(&["0x80004005"]),
        tip(1006, "Camera recorder reboots", "At night.").products(&["Videra DS-7604NI-E1/4P/A"]),
        tip(1007, "Intermittent fault", "3396 comes and goes: two fuse holders oxidise.")
            .codes(&["3396"])
            .products(&["Xerox DocuColor 40"]),
        tip(1008, "Lift stops", "Door chain, code 13/14.").codes(&["13/14"]),
        tip(1009, "Printer stops", "Transfer belt, code 136/14.").codes(&["136/14"]),
        tip(1010, "Drive trips", "Earth fault 0042.").codes(&["0042"]),
        tip(1011, "Fan noise", "Bearing, error 42.").codes(&["42"]),
        tip(1012, "Relay bounces mail", "Answered with 550 5.7.1 at once.").codes(&["550 5.7.1"]),
        tip(1013, "E-514 when cold", "The panel shows E-514.").codes(&["E-514"]),
    ])
}

#[test]
fn an_identifier_is_found_however_its_separators_are_typed() {
    let shelf = shelf();
    for (typed, wanted) in [
        ("E-541", 1001),
        ("e541", 1001),
        ("E 541", 1001),
        ("error 541", 1001),
        ("E_541", 1001),
        ("e/541", 1001),
        ("05-210", 1002),
        ("05210", 1002),
        ("05 210", 1002),
        ("604K 12345", 1003),
        ("604K12345", 1003),
        ("604k-12345", 1003),
        ("550 5.7.136", 1004),
        ("5.7.136", 1004),
        ("0x80004005", 1005),
        ("80004005", 1005),
        ("0X80004005", 1005),
        ("DS-7604NI-E1/4P/A", 1006),
        ("ds7604", 1006),
        ("DS-7604NI", 1006),
        ("7604", 1006),
        ("3396 DC40", 1007),
        ("dc40 3396", 1007),
        ("docucolor40", 1007),
        ("docucolor 40 fault 3396", 1007),
        ("13/14", 1008),
        ("136/14", 1009),
        ("136-14", 1009),
        ("T-1004", 1004),
        ("t1004", 1004),
    ] {
        assert_eq!(shelf.find(typed).first(), Some(&wanted), "{typed}");
    }
}

#[test]
fn identifiers_that_only_look_alike_are_kept_apart() {
    let shelf = shelf();
    for (typed, never) in [
        ("136/14", 1008),
        ("13/14", 1009),
        ("0042", 1011),
        ("E-541", 1013),
        ("e541", 1013),
        ("E-514", 1001),
        ("5-210", 1002),
        ("5210", 1002),
        ("36/14", 1009),
        ("3/14", 1008),
        ("E-54", 1013),
        ("13614", 1008),
        ("396", 1007),
    ] {
        assert!(!shelf.find(typed).contains(&never), "{typed} found {never}: {:?}", shelf.find(typed));
    }
    assert_eq!(shelf.find("0042"), [1010]);
    assert_eq!(shelf.find("550 5.7.1").first(), Some(&1012));
    assert_eq!(shelf.find("550 5.7.136").first(), Some(&1004));
}

#[test]
fn a_token_with_a_digit_is_never_corrected() {
    let shelf = shelf();
    for typed in ["E-542", "e542", "0x80004006", "604K 12346", "3397", "DocuColor41"] {
        let response = shelf.search(typed);
        assert_eq!(response.did_you_mean, None, "{typed}");
        assert!(
            !response.relaxed.iter().any(|relaxed| matches!(relaxed, Relaxed::Corrected { .. })),
            "{typed}: {:?}",
            response.relaxed
        );
    }
    assert_eq!(shelf.find("0x80004006"), [0; 0]);
}

#[test]
fn a_code_that_stands_nowhere_shows_its_family_and_says_so() {
    let shelf = shelf();
    for (typed, wanted) in [("DS-7604", 1006), ("05-21", 1002), ("0x800040", 1005)] {
        let response = shelf.search(typed);
        assert_eq!(response.hits[0].tip.number.0, wanted);
        assert!(
            matches!(response.relaxed.as_slice(), [Relaxed::CodeFamily { code, .. }] if code == typed),
            "{:?}",
            response.relaxed
        );
    }
}

#[test]
fn a_model_that_stands_somewhere_is_still_the_beginning_of_longer_ones_and_comes_first() {
    let shelf = Shelf::of([
        tip(1, "Recorder loses its clock", "A DS-7604NI-E1/4P/A after a night.").parts(&["DS-7604NI-E1/4P/A"]),
        tip(2, "Recorder beeps", "Mine is a DS7604, an old one."),
        tip(3, "Recorder hums", "A DS76040 hums."),
        tip(4, "Code of the tray", "E-5412 is told.").codes(&["E-5412"]),
        tip(5, "Code of the drawer", "E-541 is told.").codes(&["E-541"]),
    ]);
    for typed in ["ds7604", "DS-7604", "recorder ds7604"] {
        let response = shelf.search(typed);
        let found = numbers(&response);
        assert!(found.starts_with(&[2, 1]), "{typed}: {found:?}");
        let code = |each: &Relaxed| matches!(each, Relaxed::CodeFamily { code, .. } if code.eq_ignore_ascii_case("ds7604") || code == "DS-7604");
        assert!(response.relaxed.iter().any(code), "{typed}: {:?}", response.relaxed);
    }
    assert_eq!(shelf.find("E-541"), [5], "a longer number is another code");
}

#[test]
fn the_letters_of_a_model_find_it() {
    let shelf = Shelf::of([
        tip(1, "Router resets", "A Linksys WRT54G restarts."),
        tip(2, "Router hangs", "Another one hangs."),
    ]);
    let response = shelf.search("wrt router");
    assert_eq!(numbers(&response).first(), Some(&1));
    assert_eq!(response.complete.value, 1);
    assert_eq!(shelf.find("wrx"), [0; 0]);
}

#[test]
fn the_code_with_its_model_outranks_everything() {
    let mut popular = tip(1003, "E-541 E-541 E-541", "E-541 is told by many machines. E-541! What E-541 means.")
        .products(&["Calder C200"]);
    popular.proof = Tally::of([(OutcomeResult::Fixed, now()); 500]);
    let mut doubtful =
        tip(1001, "Drawer stays shut", "Code E-541.").codes(&["E-541"]).products(&["Morrow M450"]).days_old(4000);
    doubtful.confidence = Confidence::NotValidated;
    let shelf = Shelf::of([
        popular,
        doubtful,
        tip(1002, "Morrow M450 Morrow M450", "Everything about the Morrow M450.").products(&["Morrow M450"]),
        tip(1004, "E-541", "On another machine.").codes(&["E-541"]).products(&["Calder C200"]),
    ]);
    for typed in ["E-541 M450", "Morrow M450 E-541", "e541 morrow m450", "M450 error 541"] {
        assert_eq!(shelf.find(typed).first(), Some(&1001), "{typed}");
    }
}

#[test]
fn the_code_with_its_model_outranks_texts_that_have_both_side_by_side() {
    let mut mentions = tip(1002, "Calder E-541 Calder", "Calder E-541. Unlike the Calder E-541, Calder E-541 is rare.");
    mentions.proof = Tally::of([(OutcomeResult::Fixed, now()); 500]);
    let others = (0..200).map(|n| tip(2000 + n, "Something else", "Nothing of the kind.").products(&["Other"]));
    let own =
        tip(1001, "Drawer stays shut", "Nobody knows.").codes(&["E-541"]).products(&["Calder C200"]).days_old(4000);
    let shelf = Shelf::of(others.chain([mentions, own]));
    for typed in ["Calder E-541", "e541 calder", "error E-541 Calder C200"] {
        assert_eq!(shelf.find(typed).first(), Some(&1001), "{typed}");
    }
    let mut request = SearchRequest { explain: true, ..SearchRequest::new("Calder E-541") };
    let parts = shelf.ask(&request).hits.swap_remove(0).explain;
    assert!(parts.iter().any(|part| part.what.starts_with("its own code and its own product")), "{parts:?}");
    request.q = "Calder E-541 rare".to_owned();
    assert_eq!(numbers(&shelf.ask(&request)).first(), Some(&1002), "more was asked for than a code and a machine");
}

#[test]
fn the_number_in_the_name_of_a_product_is_no_code_that_comes_before_it() {
    let shelf = Shelf::of([
        tip(1, "Windows 10 update hangs", "Windows 10 hangs at the update of Windows 10.").products(&["Windows 10"]),
        tip(2, "Service stops", "It stops by itself.").codes(&["10"]).products(&["Windows Server"]),
    ]);
    assert_eq!(shelf.find("windows 10").first(), Some(&1));
}

#[test]
fn a_declared_code_outranks_one_that_is_only_mentioned() {
    let shelf = Shelf::of([
        tip(1002, "Not E-541, but nearly", "This is what is not E-541. E-541 comes from the heater, E-541 is worse."),
        tip(1001, "Heater stays cold", "Cold for an hour.").codes(&["E-541"]),
    ]);
    assert_eq!(shelf.find("E-541"), [1001, 1002]);
    assert_eq!(shelf.find("e541"), [1001, 1002]);
}
