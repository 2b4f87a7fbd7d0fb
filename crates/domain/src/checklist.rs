//! What a reviewer looks at before anything else, as far as a program can tell: hints, never a verdict.

use crate::tip::{Safety, TipText};
use crate::word::word_enum;

word_enum! {
    /// What is looked at.
    Item {
        /// The title says more than one or two words.
        TitleSaysWhat = "title_says_what",
        /// There is a solution.
        SolutionGiven = "solution_given",
        /// A machine is named.
        ProductNamed = "product_named",
        /// Fault codes that stand in the text are listed, so that they are found as codes.
        CodesListed = "codes_listed",
        /// Work on mains, pressure, heat or moving parts has a safety level.
        HazardConsidered = "hazard_considered",
        /// No mail address and no telephone number.
        NoPersonalData = "no_personal_data",
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub item: Item,
    /// Whether it is as it should be.
    pub holds: bool,
    /// What was found that should not be, or is missing from a list.
    pub found: Vec<String>,
}

/// Words that make a reader think of danger, in the languages that tips are mostly written in.
const DANGERS: [&str; 28] = [
    "mains",
    "voltage",
    "capacitor",
    "high-voltage",
    "laser",
    "pressure",
    "hot",
    "burn",
    "shock",
    "moving",
    "crush",
    "refrigerant",
    "gas",
    "acid",
    "netzspannung",
    "hochspannung",
    "kondensator",
    "druck",
    "heiß",
    "verbrennung",
    "quetsch",
    "tension",
    "pression",
    "brûlant",
    "tensión",
    "presión",
    "tensione",
    "pressione",
];

/// Looks at a text.
pub fn checklist(text: &TipText) -> Vec<Check> {
    let body = [Some(&text.title), Some(&text.problem), text.cause.as_ref(), text.solution.as_ref()];
    let body = body.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("\n");
    let check = |item, holds| Check { item, holds, found: Vec::new() };
    let without = |item, found: Vec<String>| Check { item, holds: found.is_empty(), found };
    vec![
        check(Item::TitleSaysWhat, text.title.split_whitespace().count() >= 3),
        check(Item::SolutionGiven, text.solution.is_some()),
        check(Item::ProductNamed, !text.products.is_empty()),
        without(Item::CodesListed, unlisted_codes(text, &body)),
        without(Item::HazardConsidered, if text.safety == Safety::None { dangers(&body) } else { Vec::new() }),
        without(Item::NoPersonalData, personal(&body)),
    ]
}

/// Tokens that look like fault codes and are listed nowhere: letters and digits joined by a dash, or 0x….
fn unlisted_codes(text: &TipText, body: &str) -> Vec<String> {
    let listed = |token: &str| {
        let labels = text.fault_codes.iter().chain(&text.parts).chain(&text.products);
        labels.into_iter().any(|label| label.to_lowercase().contains(&token.to_lowercase()))
    };
    let mut found: Vec<String> = Vec::new();
    for token in tokens(body).filter(|token| looks_like_code(token) && !listed(token)) {
        if !found.iter().any(|known| known == token) && found.len() < 10 {
            found.push(token.to_owned());
        }
    }
    found
}

fn looks_like_code(token: &str) -> bool {
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    let hex = token.strip_prefix("0x").or(token.strip_prefix("0X")).is_some_and(|rest| rest.len() >= 4);
    let joined = token.split_once('-').is_some_and(|(head, tail)| {
        (1..=3).contains(&head.len())
            && head.bytes().all(|b| b.is_ascii_uppercase())
            && (2..=5).contains(&tail.len())
            && tail.bytes().all(|b| b.is_ascii_digit())
    });
    (hex && token.bytes().skip(2).all(|b| b.is_ascii_hexdigit())) || (joined && digits >= 2)
}

fn dangers(body: &str) -> Vec<String> {
    let body = body.to_lowercase();
    let words: Vec<&str> = tokens(&body).collect();
    DANGERS.iter().filter(|danger| words.contains(danger)).map(|danger| (*danger).to_owned()).collect()
}

/// Mail addresses, and numbers that look like a telephone's: a plus sign and at least eight digits.
fn personal(body: &str) -> Vec<String> {
    let mail = |token: &str| {
        token.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.trim_end_matches('.').contains('.'))
    };
    let mut found: Vec<String> = body.split_whitespace().filter(|token| mail(token)).map(str::to_owned).collect();
    for (place, _) in body.match_indices('+') {
        let number: String = body
            .get(place + 1..)
            .unwrap_or_default()
            .chars()
            .take_while(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '/' | '(' | ')'))
            .collect();
        if number.bytes().filter(u8::is_ascii_digit).count() >= 8 {
            found.push(format!("+{}", number.trim_end()));
        }
    }
    found.truncate(10);
    found
}

fn tokens(body: &str) -> impl Iterator<Item = &str> {
    body.split(|c: char| !(c.is_alphanumeric() || c == '-')).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(title: &str, problem: &str) -> TipText {
        TipText {
            title: title.to_owned(),
            problem: problem.to_owned(),
            cause: None,
            solution: Some("Clean it.".to_owned()),
            products: vec!["DocuColor 40".to_owned()],
            fault_codes: vec!["E-541".to_owned()],
            parts: vec![],
            tags: vec![],
            safety: Safety::None,
            hazard: None,
            attachments: Vec::new(),
            lang: None,
        }
    }

    fn failed(text: &TipText) -> Vec<(Item, Vec<String>)> {
        checklist(text).into_iter().filter(|check| !check.holds).map(|check| (check.item, check.found)).collect()
    }

    #[test]
    fn a_sound_text_fails_nothing() {
        assert_eq!(failed(&text("The fuser squeals at noon", "E-541 after 3 pages, 05-210 steps, C++ and 2+2.")), []);
    }

    #[test]
    fn each_item_is_told_with_what_was_found() {
        let bare = TipText { solution: None, products: vec![], ..text("It stops", "x") };
        let plain = [Item::TitleSaysWhat, Item::SolutionGiven, Item::ProductNamed].map(|item| (item, vec![]));
        assert_eq!(failed(&bare), plain);
        let title = "The fuser squeals at noon";
        for (problem, item, found) in [
            ("Shows E-541, then F-7731 and 0x80004005, then F-7731.", Item::CodesListed, vec!["F-7731", "0x80004005"]),
            ("The capacitor holds mains voltage.", Item::HazardConsidered, vec!["mains", "voltage", "capacitor"]),
            ("Ask bob@example.org or +49 30 1234567.", Item::NoPersonalData, vec!["bob@example.org", "+49 30 1234567"]),
        ] {
            let found = found.into_iter().map(str::to_owned).collect();
            assert_eq!(failed(&text(title, problem)), [(item, found)], "{problem}");
        }
        let hazard = TipText { safety: Safety::Danger, ..text(title, "The capacitor holds mains voltage.") };
        assert_eq!(failed(&hazard), []);
    }
}
