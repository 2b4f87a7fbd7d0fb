//! What the user typed, taken apart. Every string has a reading; none is an error.

/// Most characters of a query that are looked at.
const MOST_CHARS: usize = 4_000;

/// Most phrases that are demanded; the words of further ones are text.
const MOST_PHRASES: usize = 4;
/// Most exclusions, phrases among them or not; further ones are not looked at.
const MOST_EXCLUDED: usize = 16;
/// Most conditions; further ones are not looked at.
const MOST_FIELDS: usize = 16;

/// A query taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// The words outside phrases, as typed.
    pub(crate) text: String,
    /// Phrases that must occur.
    pub(crate) phrases: Vec<String>,
    /// Words and phrases that must not.
    pub(crate) excluded: Vec<String>,
    /// Conditions typed as `field:value`.
    pub(crate) fields: Vec<(FieldName, String)>,
}

/// What can be typed before a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldName {
    Product,
    Code,
    Part,
    Tag,
    Author,
    Lang,
}

impl FieldName {
    fn named(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "product" => Self::Product,
            "code" => Self::Code,
            "part" => Self::Part,
            "tag" => Self::Tag,
            "author" => Self::Author,
            "lang" => Self::Lang,
            _ => return None,
        })
    }
}

/// Takes a query apart.
pub(crate) fn parse(q: &str) -> Parsed {
    let q = q.char_indices().nth(MOST_CHARS).map_or(q, |(at, _)| q.get(..at).unwrap_or(q));
    let mut parsed = Parsed::default();
    let mut rest = q;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        rest = take_one(rest, &mut parsed);
    }
    if parsed.text.is_empty() && parsed.phrases.is_empty() && parsed.fields.is_empty() && !parsed.excluded.is_empty() {
        // Only exclusions: whoever types `-541` alone looks for it.
        parsed.text = parsed.excluded.join(" ");
        parsed.excluded.clear();
    }
    parsed
}

/// Reads one word, phrase, exclusion or condition, and returns what follows it.
fn take_one<'q>(rest: &'q str, parsed: &mut Parsed) -> &'q str {
    if let Some((phrase, after)) = quoted(rest) {
        let known = parsed.phrases.iter().any(|each| each == phrase);
        if phrase.split_whitespace().nth(1).is_some() && (known || parsed.phrases.len() < MOST_PHRASES) {
            if !known {
                parsed.phrases.push(phrase.to_owned());
            }
        } else {
            add_text(parsed, phrase);
        }
        return after;
    }
    if let Some(negative) = rest.strip_prefix('-')
        && negative.starts_with(|c: char| c.is_alphanumeric() || c == '"')
    {
        let (word, after) = quoted(negative).unwrap_or_else(|| until_space(negative));
        if parsed.excluded.len() < MOST_EXCLUDED {
            parsed.excluded.push(word.to_owned());
        }
        return after;
    }
    let (word, after) = until_space(rest);
    if let Some((name, value)) = word.split_once(':')
        && let Some(name) = FieldName::named(name)
    {
        let from_value = rest.get(rest.len() - after.len() - value.len()..).unwrap_or_default();
        let (value, after) = quoted(from_value).unwrap_or((value, after));
        if value.chars().any(char::is_alphanumeric) {
            if parsed.fields.len() < MOST_FIELDS {
                parsed.fields.push((name, value.to_owned()));
            }
            return after;
        }
    }
    add_text(parsed, word);
    after
}

fn add_text(parsed: &mut Parsed, word: &str) {
    if !parsed.text.is_empty() {
        parsed.text.push(' ');
    }
    parsed.text.push_str(word);
}

/// A quoted part at the start, and what follows. `None` when there is no closing quote.
fn quoted(rest: &str) -> Option<(&str, &str)> {
    let inner = rest.strip_prefix('"')?;
    inner.split_once('"')
}

fn until_space(rest: &str) -> (&str, &str) {
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    rest.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_phrases_exclusions_and_fields_are_told_apart() {
        let parsed = parse(r#"paper jam "exit tray" -duplex product:"DocuColor 40" code:E-541 lang:de"#);
        assert_eq!(parsed.text, "paper jam");
        assert_eq!(parsed.phrases, ["exit tray"]);
        assert_eq!(parsed.excluded, ["duplex"]);
        assert_eq!(
            parsed.fields,
            [
                (FieldName::Product, "DocuColor 40".to_owned()),
                (FieldName::Code, "E-541".to_owned()),
                (FieldName::Lang, "de".to_owned())
            ]
        );
    }

    #[test]
    fn what_costs_much_is_limited() {
        let parsed = parse(&(0..99).map(|n| format!("\"a {n}\" \"a 1\" -b{n} tag:c ")).collect::<Vec<_>>().concat());
        assert_eq!((parsed.phrases.len(), parsed.excluded.len(), parsed.fields.len()), (4, 16, 16));
        assert!(parsed.text.contains("a 98") && !parsed.text.contains("a 1 "), "{}", parsed.text);
    }

    #[test]
    fn everything_else_is_text() {
        for text in ["E-541", "http://x:80", "code: 12", "title:*", "a\"b", "\"open", "- x", "product:", "(((", "^8"] {
            let parsed = parse(text);
            assert_eq!(parsed.text, text);
            assert!(parsed.phrases.is_empty() && parsed.excluded.is_empty() && parsed.fields.is_empty(), "{text}");
        }
        assert_eq!(parse("-541").text, "541");
    }
}
