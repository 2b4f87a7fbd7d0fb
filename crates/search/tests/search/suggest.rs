//! Completions while the caller types.

use eureka_search::{SuggestRequest, Suggestion, SuggestionKind};

use crate::shelf::{Shelf, With, everyone, member_of, tip};

fn shelf() -> Shelf {
    Shelf::of([
        tip(1, "Paper jam in the exit tray", "Separator.").codes(&["E-541"]).products(&["Xerox DocuColor 40"]),
        tip(2, "Paper curls", "Damp.").codes(&["E-542", "05-210"]).products(&["Xerox DocuColor 240"]),
        tip(3, "Pallet lift drifts", "Valve.").parts(&["604K 12345"]).products(&["Ostrand LC-9"]),
        tip(4, "Ward bed stops", "Motor of the ward bed.").codes(&["E-999"]).products(&["Xylo Bed 3"]).private(1),
    ])
}

fn kinds(found: &[Suggestion]) -> Vec<(SuggestionKind, &str)> {
    found.iter().map(|each| (each.kind, each.text.as_str())).collect()
}

#[test]
fn codes_and_parts_are_completed_as_their_tips_write_them() {
    let shelf = shelf();
    for (typed, wanted) in [
        ("e54", vec!["E-541", "E-542"]),
        ("E-541", vec!["E-541"]),
        ("e 541", vec!["E-541"]),
        ("05", vec!["05-210"]),
        ("604", vec!["604K 12345"]),
        ("604K 12", vec!["604K 12345"]),
    ] {
        assert_eq!(shelf.suggest(typed), wanted, "{typed}");
    }
    assert_eq!(shelf.suggest("jam E-54")[..2], ["E-541", "E-542"]);
}

#[test]
fn products_titles_and_words_are_completed() {
    let shelf = shelf();
    let found = shelf.index.suggest(&SuggestRequest::new("docu")).unwrap();
    assert_eq!(
        kinds(&found)[..2],
        [(SuggestionKind::Product, "Xerox DocuColor 240"), (SuggestionKind::Product, "Xerox DocuColor 40")]
    );
    assert_eq!(shelf.suggest("xerox docucolor 4")[0], "Xerox DocuColor 40");
    let found = shelf.index.suggest(&SuggestRequest::new("paper j")).unwrap();
    assert_eq!(kinds(&found)[0], (SuggestionKind::Title, "Paper jam in the exit tray"));
    assert_eq!(found[0].tip.map(|number| number.0), Some(1));
    let found = shelf.index.suggest(&SuggestRequest::new("paper ja")).unwrap();
    assert_eq!(kinds(&found)[1], (SuggestionKind::Word, "paper jam"));
    let found = shelf.index.suggest(&SuggestRequest::new("pa")).unwrap();
    let titles = found.iter().filter(|each| each.kind == SuggestionKind::Title).count();
    assert_eq!(titles, 3, "{found:#?}");
    assert!(found.iter().any(|each| each.text == "paper"));
}

#[test]
fn only_what_the_caller_may_read_is_suggested() {
    let shelf = shelf();
    for typed in ["e99", "xy", "war", "ward b", "E-999", "bed"] {
        let ask = |audience| shelf.index.suggest(&SuggestRequest { audience, ..SuggestRequest::new(typed) }).unwrap();
        assert_eq!(ask(member_of(&[])), [], "{typed}");
        assert_eq!(ask(member_of(&[2])), [], "{typed}");
        assert!(!ask(member_of(&[1])).is_empty(), "{typed}");
        assert_eq!(ask(everyone()), ask(member_of(&[1])), "{typed}");
    }
}

#[test]
fn words_of_removed_tips_are_not_suggested() {
    let shelf = shelf();
    assert!(!shelf.suggest("curl").is_empty());
    shelf.remove(&[2], 2);
    for typed in ["curl", "05", "e-542", "docucolor 2"] {
        assert_eq!(shelf.suggest(typed), [""; 0], "{typed}");
    }
}

#[test]
fn nothing_typed_is_nothing_suggested() {
    let shelf = shelf();
    for typed in ["", "  ", "\"", "***", "\u{0}", "p"] {
        assert_eq!(shelf.suggest(typed), [""; 0], "{typed:?}");
    }
    let few = SuggestRequest { limit: 1, ..SuggestRequest::new("pap") };
    assert_eq!(shelf.index.suggest(&few).unwrap().len(), 1);
}
