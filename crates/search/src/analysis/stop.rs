//! Words that carry no meaning of their own in a query. They are indexed all the same: phrases need them.

use std::sync::OnceLock;

use tantivy::tokenizer::{RawTokenizer, StopWordFilter, TextAnalyzer, TokenStream};

use super::Language;

/// Words of questions and requests, beyond the usual short list.
const ENGLISH: &[&str] = &[
    "i", "me", "my", "we", "our", "you", "your", "he", "she", "his", "her", "its", "them", "what", "which", "who",
    "whom", "whose", "when", "where", "why", "how", "am", "were", "been", "being", "have", "has", "had", "having",
    "do", "does", "did", "doing", "because", "until", "while", "about", "from", "so", "than", "too", "very", "can",
    "could", "should", "would", "may", "might", "must", "shall", "any", "some", "there", "here", "also", "just", "s",
    "t", "d", "m", "ll", "re", "ve", "please", "want", "im", "id", "dont", "doesnt", "didnt", "isnt", "arent", "wasnt",
    "werent", "havent", "hasnt", "hadnt", "couldnt", "wouldnt", "shouldnt", "wont", "cant", "cannot",
];
const ROMANIAN: &[&str] = &[
    "a", "al", "ale", "am", "ar", "are", "as", "au", "ca", "care", "ce", "cu", "cum", "da", "de", "din", "este", "eu",
    "fi", "in", "la", "le", "mai", "nu", "o", "pe", "pentru", "prin", "sa", "sau", "se", "si", "sunt", "un", "unei",
    "unui",
];
const TURKISH: &[&str] = &[
    "ama", "bir", "bu", "da", "de", "daha", "gibi", "icin", "ile", "ise", "ki", "mi", "mu", "ne", "nasil", "o", "olan",
    "olarak", "su", "ve", "veya", "ya", "neden",
];

/// Whether a word says nothing in a language. `lowered` keeps its accents.
pub(crate) fn is_stop(language: Language, lowered: &str) -> bool {
    match language {
        Language::English if ENGLISH.contains(&lowered) => return true,
        Language::Romanian => return ROMANIAN.contains(&lowered),
        Language::Turkish => return TURKISH.contains(&lowered),
        _ => {}
    }
    let Some(Some(analyzer)) = lists().get(language as usize) else { return false };
    let mut analyzer = analyzer.clone();
    !analyzer.token_stream(lowered).advance()
}

fn lists() -> &'static [Option<TextAnalyzer>] {
    static LISTS: OnceLock<Vec<Option<TextAnalyzer>>> = OnceLock::new();
    LISTS.get_or_init(|| {
        Language::ALL
            .iter()
            .map(|language| {
                let filter = StopWordFilter::new(engine_name(*language)?)?;
                Some(TextAnalyzer::builder(RawTokenizer::default()).filter(filter).build())
            })
            .collect()
    })
}

fn engine_name(language: Language) -> Option<tantivy::tokenizer::Language> {
    use tantivy::tokenizer::Language as Engine;
    Some(match language {
        Language::Danish => Engine::Danish,
        Language::Dutch => Engine::Dutch,
        Language::English => Engine::English,
        Language::Finnish => Engine::Finnish,
        Language::French => Engine::French,
        Language::German => Engine::German,
        Language::Hungarian => Engine::Hungarian,
        Language::Italian => Engine::Italian,
        Language::Norwegian => Engine::Norwegian,
        Language::Portuguese => Engine::Portuguese,
        Language::Russian => Engine::Russian,
        Language::Spanish => Engine::Spanish,
        Language::Swedish => Engine::Swedish,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_without_meaning_are_known_in_their_language() {
        assert!(is_stop(Language::English, "the"));
        assert!(is_stop(Language::English, "how"));
        assert!(is_stop(Language::German, "die"));
        assert!(!is_stop(Language::English, "die"));
        assert!(!is_stop(Language::English, "printer"));
    }
}
