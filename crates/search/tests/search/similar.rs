//! Look-alikes, and what makes them so.

use eureka_search::{SimilarRequest, SimilarTip};

use crate::shelf::{Shelf, With, everyone, member_of, tip};

fn shelf() -> Shelf {
    Shelf::of([
        tip(1, "DocuColor 40 fault 3396 comes and goes", "Two fuse holders oxidise. Replace both fuse holders.")
            .codes(&["3396"])
            .products(&["DocuColor 40"]),
        tip(2, "Intermittent 3396 on the DocuColor 40", "Fuse holder oxidised, contact resistance.")
            .codes(&["3396"])
            .products(&["DocuColor 40"]),
        tip(3, "DocuColor 40 prints pale", "Developer is old.").products(&["DocuColor 40"]),
        tip(4, "Lift stops between floors", "The door chain is open."),
        tip(5, "Fault 3396 on the ward printer", "Fuse holders oxidise.").codes(&["3396"]).private(1),
    ])
}

fn numbers(found: &[SimilarTip]) -> Vec<i64> {
    found.iter().map(|each| each.tip.number.0).collect()
}

#[test]
fn look_alikes_come_with_the_reason() {
    let shelf = shelf();
    let mut request = SimilarRequest::new("Fuse holders oxidised, 3396", "3396 is shown now and then.");
    request.fault_codes = vec!["33 96".to_owned(), "3396".to_owned()];
    request.products = vec!["docucolor 40".to_owned()];
    let found = shelf.index.similar(&request).unwrap();
    assert_eq!(numbers(&found)[..2], [1, 2]);
    assert_eq!(found[0].why.fault_codes, ["3396"]);
    assert_eq!(found[0].why.products, ["docucolor 40"]);
    assert!(found[0].why.words.iter().any(|word| word == "oxidised"), "{:?}", found[0].why);
    assert!(!numbers(&found).contains(&4));
    assert!(found.windows(2).all(|pair| pair[0].likeness >= pair[1].likeness));
}

#[test]
fn a_tip_is_not_its_own_look_alike() {
    let shelf = shelf();
    let one = shelf.search("fuse holders both").hits.swap_remove(0).tip;
    assert_eq!(one.number.0, 1);
    let found = shelf.index.similar(&SimilarRequest::of(&one)).unwrap();
    assert_eq!(numbers(&found), [2, 3]);
}

#[test]
fn the_same_text_is_as_alike_as_can_be_and_another_is_not() {
    let shelf = shelf();
    let one = shelf.search("fuse holders both").hits.swap_remove(0).tip;
    let found = shelf.index.similar(&SimilarRequest { not: None, ..SimilarRequest::of(&one) }).unwrap();
    assert_eq!(numbers(&found)[0], 1);
    assert!(found[0].likeness > 0.8, "{}", found[0].likeness);
    assert!(found[2].likeness < 0.4, "{}", found[2].likeness);
}

#[test]
fn look_alikes_are_looked_for_among_what_the_caller_reads() {
    let shelf = shelf();
    let ask = |audience| {
        let request = SimilarRequest { audience, ..SimilarRequest::new("Ward printer 3396", "Fuse holders oxidise.") };
        numbers(&shelf.index.similar(&request).unwrap())
    };
    assert!(!ask(member_of(&[])).contains(&5));
    assert!(!ask(member_of(&[2])).contains(&5));
    assert_eq!(ask(member_of(&[1]))[0], 5);
    assert_eq!(ask(everyone())[0], 5);
}

#[test]
fn words_that_say_nothing_make_no_look_alikes() {
    let shelf = shelf();
    let found = |title: &str, text: &str| numbers(&shelf.index.similar(&SimilarRequest::new(title, text)).unwrap());
    assert!(!found("it comes and goes", "").is_empty(), "one of them says something");
    assert_eq!(found("the of and", "on the"), [0; 0]);
    assert_eq!(found("on the", "holder")[..], found("", "holder")[..]);
}

#[test]
fn as_many_codes_are_looked_at_as_a_tip_may_have() {
    let shelf = shelf();
    let mut request = SimilarRequest::new("printer", "");
    request.fault_codes = (0..200_000).map(|code| format!("X{code}")).chain(["3396".to_owned()]).collect();
    assert!(shelf.index.similar(&request).unwrap().iter().all(|each| each.why.fault_codes.is_empty()));
    request.fault_codes.truncate(5);
    request.fault_codes.push("3396".to_owned());
    assert!(shelf.index.similar(&request).unwrap().iter().any(|each| each.why.fault_codes == ["3396"]));
}

#[test]
fn any_text_is_answered() {
    let shelf = shelf();
    for text in ["", "the of and", "\u{0}\u{1}\u{2}", &"word ".repeat(20_000), "\"open title:* (("] {
        shelf.index.similar(&SimilarRequest::new(text, text)).unwrap();
    }
    assert_eq!(numbers(&shelf.index.similar(&SimilarRequest::new("", "")).unwrap()), [0; 0]);
}
