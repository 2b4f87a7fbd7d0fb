//! What words become in the index, kept from tip to tip: nearly every word of a text stood in some text before it, and
//! stemming is most of what analysis costs.

use hashbrown::HashMap;

use super::language::{Language, Stem};
use super::{compound, fold};

/// Most words that are kept, of all languages together: some megabytes. With more, the keeping begins anew.
const MOST: usize = 40_000;

/// Words that were analysed before, by language.
#[derive(Default)]
pub(crate) struct Vocabulary {
    languages: HashMap<Option<Language>, Words>,
}

/// The words of one language.
pub(crate) struct Words {
    language: Option<Language>,
    stem: Stem,
    known: HashMap<String, Word>,
    /// The number of the text that is analysed.
    text: u64,
}

/// What a lower-case word becomes.
pub(crate) struct Word {
    /// Its stem, without accents.
    pub(crate) stem: Box<str>,
    /// The word itself without accents.
    pub(crate) folded: Box<str>,
    /// The stems of what it is put together from.
    pub(crate) parts: Box<[Box<str>]>,
    /// The number of the text that had it last.
    text: u64,
}

impl Vocabulary {
    /// The words of a language, for the next text.
    pub(crate) fn next_text(&mut self, language: Option<Language>) -> &mut Words {
        if self.languages.values().map(|words| words.known.len()).sum::<usize>() > MOST {
            self.languages.clear();
        }
        let words = self.languages.entry(language).or_insert_with(|| Words {
            language,
            stem: Stem::of(language),
            known: HashMap::new(),
            text: 0,
        });
        words.text += 1;
        words
    }
}

impl Words {
    /// What a lower-case word becomes, and whether it is its first time in the text.
    pub(crate) fn look_up(&mut self, lowered: &str) -> (&Word, bool) {
        let Self { language, stem, known, text } = self;
        let word = known.entry_ref(lowered).or_insert_with(|| Word::new(*language, stem, lowered));
        let first = word.text != *text;
        word.text = *text;
        (word, first)
    }
}

impl Word {
    fn new(language: Option<Language>, stem: &Stem, lowered: &str) -> Self {
        let stemmed = |word: &str| {
            let mut out = String::new();
            stem.stem(word, &mut out);
            out.into_boxed_str()
        };
        let folded = fold::folded(lowered).into_boxed_str();
        let parts = if language == Some(Language::German) { compound::parts(&folded) } else { Vec::new() };
        Self { stem: stemmed(lowered), parts: parts.into_iter().map(stemmed).collect(), folded, text: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_new_once_in_each_text_of_its_language() {
        let mut vocabulary = Vocabulary::default();
        for _ in 0..2 {
            let words = vocabulary.next_text(Some(Language::German));
            let (word, first) = words.look_up("lüfterfehler");
            assert!(first);
            assert_eq!((&*word.stem, &*word.folded), ("lufterfehl", "lufterfehler"));
            assert_eq!(*word.parts, ["luft".into(), "fehl".into()]);
            assert!(!words.look_up("lüfterfehler").1);
        }
        let (word, first) = vocabulary.next_text(None).look_up("lüfterfehler");
        assert!(first);
        assert_eq!((&*word.stem, word.parts.len()), ("lufterfehler", 0));
    }

    #[test]
    fn no_more_words_are_kept_than_there_is_room_for() {
        let mut vocabulary = Vocabulary::default();
        for number in 0..3 * MOST {
            vocabulary.next_text(None).look_up(&format!("word{number}"));
        }
        assert!(vocabulary.languages.values().all(|words| words.known.len() <= MOST + 1));
    }
}
