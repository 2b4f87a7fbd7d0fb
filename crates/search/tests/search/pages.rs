//! Walking through results page by page.

use std::collections::HashSet;

use eureka_search::{PageCursor, SearchRequest, Sort};

use crate::shelf::{Shelf, With, numbers, tip};

/// Walks to the end, and calls `meanwhile` after every page.
fn walk(shelf: &Shelf, mut request: SearchRequest, mut meanwhile: impl FnMut(usize)) -> Vec<i64> {
    let mut seen = Vec::new();
    for page in 0..1000 {
        let response = shelf.ask(&request);
        assert!(response.hits.len() <= request.limit);
        seen.extend(numbers(&response));
        meanwhile(page);
        match response.next {
            Some(next) => request.cursor = Some(PageCursor::parse(&next.to_string()).unwrap()),
            None => return seen,
        }
    }
    panic!("the walk does not end");
}

fn equals(count: i64) -> Shelf {
    Shelf::of((0..count).map(|n| tip(n, "Paper jam", "Always the same.")))
}

fn request(q: &str, sort: Sort, limit: usize) -> SearchRequest {
    SearchRequest { sort, limit, ..SearchRequest::new(q) }
}

#[test]
fn a_walk_shows_each_tip_once_even_when_all_are_equal() {
    let shelf = equals(57);
    for sort in [Sort::Relevance, Sort::Newest, Sort::Proof] {
        for q in ["paper jam", ""] {
            let seen = walk(&shelf, request(q, sort, 7), |_| {});
            assert_eq!(seen.len(), 57, "{sort:?} {q:?}");
            assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 57, "{sort:?} {q:?}");
        }
    }
}

#[test]
fn one_page_and_many_pages_show_the_same_order() {
    let shelf = Shelf::of((0..40).map(|n| {
        let words = "paper jam tray roller ".repeat(usize::try_from(n % 5 + 1).unwrap());
        tip(n, "Paper", &words).days_old(n % 7)
    }));
    for sort in [Sort::Relevance, Sort::Newest, Sort::Proof] {
        let whole = numbers(&shelf.ask(&request("paper roller", sort, 100)));
        assert_eq!(whole.len(), 40);
        assert_eq!(walk(&shelf, request("paper roller", sort, 6), |_| {}), whole, "{sort:?}");
    }
}

#[test]
fn a_walk_shows_no_tip_twice_while_the_index_changes() {
    for sort in [Sort::Relevance, Sort::Newest, Sort::Proof] {
        let shelf = equals(45);
        let mut seq = 1;
        let seen = walk(&shelf, request("paper jam", sort, 7), |page| {
            seq += 2;
            let page = i64::try_from(page).unwrap();
            // A tip that was shown gets better, one that was not yet shown goes, one comes.
            shelf.put([tip(44 - page, "Paper jam paper jam", "Paper jam.").days_old(5)], seq);
            shelf.remove(&[page], seq + 1);
            if page < 8 {
                shelf.put([tip(1000 + page, "Paper jam", "Always the same.").days_old(9)], seq + 1);
            }
        });
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), seen.len(), "{sort:?}: {seen:?}");
        assert!(seen.iter().filter(|number| (10..40).contains(*number)).count() >= 20, "{sort:?}: {seen:?}");
    }
}

#[test]
fn partial_matches_follow_complete_ones_over_the_pages() {
    let shelf = Shelf::of(
        (0..15).map(|n| tip(n, "Paper jam", "Both.")).chain((15..40).map(|n| tip(n, "Paper", "One of them."))),
    );
    let seen = walk(&shelf, request("paper jam", Sort::Relevance, 10), |_| {});
    assert_eq!(seen.len(), 40);
    assert!(seen[..15].iter().all(|number| *number < 15), "{seen:?}");
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 40);
}

#[test]
fn a_walk_goes_on_with_tips_that_lack_a_word_wherever_its_pages_end() {
    let shelf =
        Shelf::of([tip(1, "Paper jam", "Tray."), tip(2, "Paper curls", "Damp."), tip(3, "Jam of lamps", "Oven.")]);
    for limit in 1..5 {
        let mut found = walk(&shelf, request("paper jam", Sort::Relevance, limit), |_| ());
        assert_eq!(found.first(), Some(&1), "{limit}");
        found.sort_unstable();
        assert_eq!(found, [1, 2, 3], "{limit}");
    }
}

#[test]
fn a_cursor_belongs_to_the_question_it_came_of() {
    let shelf = equals(12);
    let asked = request("paper jam", Sort::Relevance, 5);
    let next = shelf.ask(&asked).next.unwrap();
    assert!(next.is_of(&asked) && next.is_of(&SearchRequest { limit: 7, ..asked.clone() }));
    let mut narrowed = asked.clone();
    narrowed.filters.tags = vec!["paper".to_owned()];
    for other in [request("paper", Sort::Relevance, 5), request("paper jam", Sort::Newest, 5), narrowed] {
        assert!(!next.is_of(&other), "{other:?}");
    }
}

#[test]
fn a_cursor_of_another_order_starts_anew() {
    let shelf = equals(20);
    let first = shelf.ask(&request("paper jam", Sort::Newest, 5));
    let again = shelf.ask(&SearchRequest { cursor: first.next, ..request("paper jam", Sort::Proof, 5) });
    assert_eq!(again.hits.len(), 5);
}

#[test]
fn totals_are_exact_or_say_that_they_are_not() {
    let shelf = equals(57);
    let response = shelf.ask(&request("paper jam", Sort::Relevance, 10));
    assert_eq!((response.total.value, response.complete.value, response.complete.exact), (57, 57, true));
    let all = shelf.ask(&request("", Sort::Relevance, 10));
    assert_eq!((all.total.value, all.total.exact), (57, true));
    let nothing = shelf.ask(&request("zzzz", Sort::Relevance, 10));
    assert_eq!((nothing.total.value, nothing.next), (0, None));
    let none = shelf.ask(&request("paper jam", Sort::Relevance, 0));
    assert_eq!((none.hits.len(), none.total.value), (0, 57));
}

#[test]
fn an_offset_leaves_out_the_first_hits() {
    let shelf = equals(30);
    let whole = numbers(&shelf.ask(&request("paper jam", Sort::Relevance, 30)));
    let rest = shelf.ask(&SearchRequest { offset: 12, ..request("paper jam", Sort::Relevance, 10) });
    assert_eq!(numbers(&rest), whole[12..22]);
    let beyond = shelf.ask(&SearchRequest { offset: 5000, ..request("paper jam", Sort::Relevance, 10) });
    assert_eq!(numbers(&beyond), [0; 0]);
}
