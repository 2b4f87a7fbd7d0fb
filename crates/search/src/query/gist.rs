//! What a query is about, however it is worded: so that searches for the same can be counted together.

use std::collections::BTreeSet;

use super::syntax::{self, FieldName};
use super::token::{Token, tokens};
use crate::analysis::language::Stem;
use crate::analysis::scan::Kind;
use crate::analysis::{Language, fold, identifier, scan, stop};

/// Most words of a gist.
const MOST: usize = 12;

/// The words of a query in the language that its search told ([`crate::SearchResponse::lang`]) that say something, in base
/// form and without repetition, sorted; identifiers as they are compared, without case and separators. Empty only when
/// nothing was typed that could be looked for.
pub fn gist(q: &str, lang: Option<&str>) -> Vec<String> {
    let parsed = syntax::parse(q);
    let whole = parsed.phrases.iter().fold(parsed.text.clone(), |whole, phrase| format!("{whole} {phrase}"));
    let language = lang.and_then(Language::from_code).unwrap_or(Language::English);
    let stem = Stem::of(Some(language));
    let tokens = tokens(&whole);
    let is_empty = |token: &Token| token.kind == Kind::Word && stop::is_stop(language, &token.lowered);
    let all_empty = tokens.iter().all(is_empty);
    let mut terms = BTreeSet::new();
    let mut rest = tokens.iter().filter(|token| all_empty || !is_empty(token)).peekable();
    while let Some(token) = rest.next() {
        match rest.next_if(|next| are_one_identifier(&whole, token, next)) {
            Some(next) => terms.insert(identifier::dotted(&format!("{} {}", token.text, next.text))),
            None => terms.insert(base_form(token, &stem)),
        };
    }
    for (name, value) in &parsed.fields {
        match name {
            FieldName::Code | FieldName::Part => terms.insert(identifier::dotted(value)),
            FieldName::Product => terms.insert(fold::folded(value)),
            FieldName::Tag | FieldName::Author | FieldName::Lang => false, // where to look, not what for
        };
    }
    terms.retain(|term| !term.is_empty());
    terms.into_iter().take(MOST).collect()
}

/// Whether two neighbours are one identifier with a space in it, in capitals or not: `E 541`, `604k 12345`.
fn are_one_identifier(text: &str, first: &Token, second: &Token) -> bool {
    text.get(first.end..second.start).is_some_and(scan::is_one_step)
        && !identifier::announces_code(&first.folded)
        && identifier::may_join(&first.text.to_uppercase(), &second.text)
}

fn base_form(token: &Token, stem: &Stem) -> String {
    match token.kind {
        Kind::Word => {
            let mut form = String::new();
            stem.stem(&token.lowered, &mut form);
            form
        }
        Kind::Number | Kind::Chain => identifier::dotted(&token.text),
        Kind::Ideographs => token.folded.clone(),
    }
}

/// A name as it is compared: without case, accents and runs of spaces.
pub fn plain_name(name: &str) -> String {
    fold::folded(name).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::language::detect_query;

    fn gist(q: &str) -> Vec<String> {
        super::gist(q, detect_query(q))
    }

    #[test]
    fn wordings_of_one_question_have_one_gist() {
        let wanted = gist("fuser squeals");
        for q in ["Squealing fuser", "why does the fuser squeal?", "FUSER  squeal", "\"fuser squeals\""] {
            assert_eq!(gist(q), wanted, "{q}");
        }
        for q in ["E 541", "e 541", "e541", "E541", "E_541", "code:e541"] {
            assert_eq!(gist(q), gist("E-541"), "{q}");
        }
        assert_eq!(gist("604K 12345 leaks"), gist("leaking 604k-12345"));
        assert_eq!(gist("DS-7604NI"), gist("ds7604ni"));
    }

    #[test]
    fn different_questions_have_different_gists() {
        assert_ne!(gist("13/14"), gist("136/14"));
        assert_ne!(gist("fuser squeals"), gist("fuser smokes"));
        assert_ne!(gist("0042"), gist("42"));
        assert_ne!(gist("error 541"), gist("E-541"));
        assert_eq!(gist("what is 541"), ["541"]);
        for nothing in ["", " ", "-", "\u{0}", "\"\""] {
            assert!(gist(nothing).is_empty(), "{nothing:?}");
        }
        assert_eq!(gist("how is it"), ["how", "is", "it"]);
        assert!(gist(&"word1 word2 ".repeat(10_000)).len() <= MOST);
    }
}
