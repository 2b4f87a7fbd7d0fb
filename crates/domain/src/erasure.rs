//! Taking a person out of what others wrote: where their name or mail address stands, and what stands there instead.

use crate::user::User;

/// The name of everybody whose account was erased.
pub const FORMER_MEMBER: &str = "Former member";

/// What a person leaves in texts: their name and mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces(Vec<String>);

impl Traces {
    /// Those of a person; none, if they have been erased already.
    pub fn of(user: &User) -> Self {
        let name = (user.name != FORMER_MEMBER).then(|| user.name.clone());
        Self(user.email.clone().into_iter().chain(name).collect())
    }

    /// The words themselves.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The text without them, or `None` where it has none of them. Letters of either case are the same; a name inside a
    /// longer word is another word.
    pub fn taken_out_of(&self, text: &str) -> Option<String> {
        let mut cleaned = text.to_owned();
        for word in self.words() {
            cleaned = without(&cleaned, word);
        }
        (cleaned != text).then_some(cleaned)
    }
}

fn without(text: &str, word: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before: Option<char> = None;
    while let Some(next) = rest.chars().next() {
        let starts_word = before.is_none_or(|c| !c.is_alphanumeric());
        if let Some(after) = beginning(rest, word).filter(|_| starts_word)
            && !after.starts_with(char::is_alphanumeric)
        {
            out.push_str(FORMER_MEMBER);
            before = word.chars().next_back();
            rest = after;
        } else {
            out.push(next);
            before = Some(next);
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

/// What follows a word that a text begins with.
fn beginning<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let mut chars = text.chars();
    for expected in word.chars() {
        let same = chars.next().is_some_and(|c| c == expected || c.to_lowercase().eq(expected.to_lowercase()));
        if !same {
            return None;
        }
    }
    (!word.is_empty()).then_some(chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_where_it_stands_as_a_word_in_letters_of_either_case() {
        let traces = Traces(vec!["ana@example.org".to_owned(), "Ana Élan".to_owned()]);
        for (text, cleaned) in [
            ("Ana Élan says so", Some("Former member says so")),
            ("ask ANA éLAN, or ana@Example.org.", Some("ask Former member, or Former member.")),
            ("Joana Élan and Ana Élans", None),
            ("nothing", None),
        ] {
            assert_eq!(traces.taken_out_of(text).as_deref(), cleaned, "{text}");
        }
    }
}
