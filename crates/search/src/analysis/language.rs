//! Languages: detection, and one stemmer each.

use frostem::{Algorithm, Stemmer};

use super::fold;

macro_rules! languages {
    ($($name:ident $code:literal $whatlang:ident $algorithm:ident;)+) => {
        /// A language with a stemmer of its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the names are the languages' own")]
        pub enum Language { $($name),+ }

        impl Language {
            /// Every language.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its BCP 47 primary subtag.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            fn algorithm(self) -> Algorithm {
                match self { $(Self::$name => Algorithm::$algorithm),+ }
            }
        }

        fn code_of(lang: whatlang::Lang) -> Option<&'static str> {
            match lang {
                $(whatlang::Lang::$whatlang => Some($code),)+
                whatlang::Lang::Cmn => Some("zh"),
                whatlang::Lang::Jpn => Some("ja"),
                whatlang::Lang::Kor => Some("ko"),
                _ => None,
            }
        }

        fn detectable() -> Vec<whatlang::Lang> {
            use whatlang::Lang;
            vec![$(Lang::$whatlang,)+ Lang::Cmn, Lang::Jpn, Lang::Kor]
        }
    };
}

languages! {
    Arabic "ar" Ara Arabic;
    Danish "da" Dan Danish;
    Dutch "nl" Nld Dutch;
    English "en" Eng English;
    Finnish "fi" Fin Finnish;
    French "fr" Fra French;
    German "de" Deu German;
    Greek "el" Ell Greek;
    Hungarian "hu" Hun Hungarian;
    Italian "it" Ita Italian;
    Norwegian "no" Nob Norwegian;
    Portuguese "pt" Por Portuguese;
    Romanian "ro" Ron Romanian;
    Russian "ru" Rus Russian;
    Spanish "es" Spa Spanish;
    Swedish "sv" Swe Swedish;
    Turkish "tr" Tur Turkish;
}

impl Language {
    /// The language that a tag names; `nb` and `nn` are Norwegian, regions do not matter.
    pub fn from_code(code: &str) -> Option<Self> {
        let primary = code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let primary = match primary.as_str() {
            "nb" | "nn" => "no",
            other => other,
        };
        Self::ALL.iter().copied().find(|language| language.code() == primary)
    }

    /// Whether its stemmer changes only the ends of words.
    pub(crate) fn keeps_beginnings(self) -> bool {
        !matches!(self, Self::Arabic | Self::Dutch | Self::Turkish)
    }

    /// Whether words of the language can be written in the letters of `word`.
    pub(crate) fn writes(self, word: &str) -> bool {
        let Some(letter) = word.chars().find(|c| c.is_alphabetic()) else { return false };
        match letter {
            '\u{400}'..='\u{52f}' => self == Self::Russian,
            '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => self == Self::Greek,
            '\u{600}'..='\u{6ff}' => self == Self::Arabic,
            _ => !matches!(self, Self::Russian | Self::Greek | Self::Arabic),
        }
    }
}

/// A stemmer that folds its results. Cheap to make, not to be shared while in use.
#[derive(Clone)]
pub(crate) struct Stem {
    stemmer: Option<Stemmer>,
}

impl Stem {
    /// The stemmer of a language, or one that only folds.
    pub(crate) fn of(language: Option<Language>) -> Self {
        Self { stemmer: language.map(|language| Stemmer::new(language.algorithm())) }
    }

    /// Stems a lower-case word and drops its accents.
    pub(crate) fn stem(&self, lowered: &str, out: &mut String) {
        match &self.stemmer {
            Some(stemmer) => fold::unaccent(&stemmer.stem(lowered), out),
            None => fold::unaccent(lowered, out),
        }
        if out.is_empty() {
            fold::unaccent(lowered, out);
        }
    }
}

/// The language of a tip's text when its author did not say.
pub(crate) fn detect_text(text: &str) -> Option<&'static str> {
    let end = text.char_indices().nth(2000).map_or(text.len(), |(at, _)| at);
    detector().detect(text.get(..end)?).and_then(|info| code_of(info.lang()))
}

/// The language of a query, only when it is long enough to tell.
pub(crate) fn detect_query(text: &str) -> Option<&'static str> {
    if text.split_whitespace().take(4).count() < 4 && text.is_ascii() {
        return None;
    }
    let end = text.char_indices().nth(400).map_or(text.len(), |(at, _)| at);
    let info = detector().detect(text.get(..end)?)?;
    (info.confidence() > 0.6).then(|| code_of(info.lang())).flatten()
}

fn detector() -> &'static whatlang::Detector {
    static DETECTOR: std::sync::OnceLock<whatlang::Detector> = std::sync::OnceLock::new();
    DETECTOR.get_or_init(|| whatlang::Detector::with_allowlist(detectable()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_brings_its_word_forms_together() {
        let stem = |code: &str, word: &str| {
            let mut out = String::new();
            let mut lowered = String::new();
            fold::lower(word, &mut lowered);
            Stem::of(Language::from_code(code)).stem(&lowered, &mut out);
            out
        };
        for (code, one, other) in [
            ("en", "batteries", "battery"),
            ("de", "Häuser", "Haus"),
            ("fr", "imprimantes", "imprimante"),
            ("es", "motores", "motor"),
            ("it", "stampanti", "stampante"),
            ("pt", "motores", "motor"),
            ("nl", "printers", "printer"),
            ("sv", "skrivarna", "skrivare"),
            ("da", "motorer", "motor"),
            ("no", "motorene", "motor"),
            ("fi", "tulostimet", "tulostimessa"),
            ("ru", "принтеры", "принтера"),
            ("hu", "nyomtatók", "nyomtató"),
            ("ro", "imprimantele", "imprimantelor"),
            ("tr", "yazıcılar", "yazıcıları"),
        ] {
            assert_eq!(stem(code, one), stem(code, other), "{code}");
        }
    }

    #[test]
    fn the_language_of_a_text_is_found() {
        for (text, code) in [
            ("The printer stops with an error after the second page was printed.", "en"),
            ("Der Drucker bleibt nach der zweiten Seite stehen und zeigt einen Fehler an.", "de"),
            ("L'imprimante s'arrête après la deuxième page et affiche une erreur.", "fr"),
            ("Принтер останавливается после второй страницы и показывает ошибку.", "ru"),
            ("打印机在打印第二页后停止并显示错误。", "zh"),
        ] {
            assert_eq!(detect_text(text), Some(code));
        }
    }
}
