//! The languages a query could be in, and the forms of its words in each.

use crate::analysis::language::{self, Stem};
use crate::analysis::{Language, stop};
use crate::error::SearchError;
use crate::index::record::{label, term};

use super::ranking;
use super::scope::{In, Scope};

/// Share of the index from which on a language's empty words are empty in a query of unknown language.
const LEADING_SHARE: f32 = 0.2;

/// The languages of one query.
pub(crate) struct Tongues {
    /// The one that the query is in, when it is long enough to tell: any code, with a stemmer or not.
    pub(crate) detected: Option<&'static str>,
    /// Those it could be in, the likeliest first.
    languages: Vec<(Language, Stem)>,
    /// Those whose empty words count as empty.
    leading: Vec<Language>,
    /// The language of the caller's screen, whether it has a stemmer or not.
    on_screen: Option<String>,
}

/// The primary subtag of a BCP 47 tag.
fn primary(code: &str) -> String {
    code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

/// The languages that the caller's tips are written in, and in how many open ones each; the commonest first.
fn indexed(scope: &Scope<'_>) -> Result<Vec<(u32, Language)>, SearchError> {
    let name = |language: Language| term(label::LANG, language.code());
    let public = if let Some(public) = scope.snapshot.languages.get() {
        public
    } else {
        let mut public = Vec::new();
        for language in Language::ALL {
            let tips = scope.public_frequency(In::Label, &name(*language))?;
            if tips > 0 {
                public.push((tips, *language));
            }
        }
        scope.snapshot.languages.get_or_init(|| public)
    };
    let mut all = public.clone();
    if scope.views.iter().any(|view| !view.open) {
        for language in Language::ALL.iter().filter(|language| public.iter().all(|(_, open)| open != *language)) {
            if scope.is_known(In::Label, &name(*language))? {
                all.push((1, *language));
            }
        }
    }
    all.sort_by_key(|(tips, language)| (std::cmp::Reverse(*tips), *language));
    Ok(all)
}

impl Tongues {
    pub(crate) fn of(scope: &Scope<'_>, text: &str, ui_lang: Option<&str>) -> Result<Self, SearchError> {
        let detected = language::detect_query(text);
        let screen = ui_lang.and_then(Language::from_code);
        let indexed = indexed(scope)?;
        let mut languages = Vec::new();
        let known = detected.and_then(Language::from_code);
        for language in known.into_iter().chain(screen).chain(indexed.iter().map(|(_, language)| *language)) {
            if !languages.contains(&language) {
                languages.push(language);
            }
        }
        if languages.is_empty() {
            languages.push(Language::English);
        }
        let mut leading = known.into_iter().collect::<Vec<_>>();
        if leading.is_empty() {
            #[allow(clippy::cast_precision_loss, reason = "a share")]
            leading.extend(
                indexed
                    .iter()
                    .filter(|(tips, _)| *tips as f32 >= LEADING_SHARE * scope.snapshot.public.tips)
                    .map(|(_, language)| *language)
                    .chain(screen),
            );
        }
        if leading.is_empty() {
            leading.push(languages.first().copied().unwrap_or(Language::English));
        }
        let languages = languages.into_iter().map(|language| (language, Stem::of(Some(language)))).collect();
        Ok(Self { detected, languages, leading, on_screen: ui_lang.map(primary) })
    }

    /// The language whose tips are preferred, and what that is worth to them: the query's own, else that of the screen.
    pub(crate) fn favoured(&self) -> Option<(&str, f32)> {
        let on_screen = self.on_screen.as_deref().map(|code| (code, ranking::SCREEN_LANGUAGE));
        self.detected.map(|code| (code, ranking::SAME_LANGUAGE)).or(on_screen)
    }

    /// Whether a word says nothing in the languages that the query is likely in.
    pub(crate) fn is_empty_word(&self, lowered: &str) -> bool {
        self.leading.iter().any(|language| stop::is_stop(*language, lowered))
    }

    /// The terms of a lower-case word, the likeliest language's first, without repetition.
    pub(crate) fn terms(&self, lowered: &str) -> Vec<String> {
        let mut terms = Vec::new();
        let mut stemmed = String::new();
        for (language, stem) in &self.languages {
            if language.writes(lowered) {
                stem.stem(lowered, &mut stemmed);
                if !terms.contains(&stemmed) {
                    terms.push(stemmed.clone());
                }
            }
        }
        if terms.is_empty() {
            Stem::of(None).stem(lowered, &mut stemmed);
            terms.push(stemmed);
        }
        terms
    }

    /// Whether the query may be in a language.
    pub(crate) fn may_be(&self, language: Language) -> bool {
        self.languages.iter().any(|(each, _)| *each == language)
    }
}
