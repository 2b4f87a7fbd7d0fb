//! The forms of an identifier: how `ds7604` finds `DS-7604NI-E1/4P/A` while `136/14` never matches `13/14`.
//!
//! Terms of the identifier field carry a mark: [`WHOLE`] before an identifier without its separators, [`PART`] before
//! a run of digits inside one.

use super::scan::{self, Piece};

/// Marks a whole identifier, written without separators.
pub(crate) const WHOLE: char = '^';
/// Marks a run of digits inside an identifier.
pub(crate) const PART: char = '~';

/// Lower case without separators, except that a dot stays between two digits: `05-210` is not `0-5210`.
pub(crate) fn dotted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            if gap && c.is_numeric() && out.ends_with(char::is_numeric) {
                out.push('.');
            }
            gap = false;
            out.push(c);
        } else {
            gap = true;
        }
    }
    out
}

/// Whether an identifier is still itself without the borders between its digits: `05-210` is also written `05210`, but
/// `5.5.0` is not `550`.
pub(crate) fn may_lose_borders(dotted: &str) -> bool {
    !dotted.contains('.') || dotted.len() > 5
}

/// Lower case without any separator.
pub(crate) fn squashed(dotted: &str) -> String {
    dotted.chars().filter(|c| *c != '.').collect()
}

/// Runs of digits inside a token of letters and digits: `541` of `E541`. Tokens that change between letters and digits
/// more than three times (hashes, random names) give none; `0x…` gives the number without its mark.
pub(crate) fn digit_parts<'t>(token: &'t str, mut emit: impl FnMut(&'t str)) {
    if let Some(hex) = token.strip_prefix("0x").or_else(|| token.strip_prefix("0X"))
        && hex.len() >= 4
        && hex.bytes().all(|b| b.is_ascii_hexdigit())
    {
        emit(hex);
        return;
    }
    let mut changes = 0;
    let mut last = None;
    for b in token.bytes() {
        let digit = b.is_ascii_digit();
        if last.is_some_and(|was| was != digit) {
            changes += 1;
        }
        last = Some(digit);
    }
    if changes == 0 || changes > 3 {
        return;
    }
    for run in token.split(|c: char| !c.is_ascii_digit()) {
        if !run.is_empty() {
            emit(run);
        }
    }
}

/// Whether two neighbours in running text may be one identifier with a space in it: `604K 12345`, `E 541`, `550 5.7.136`.
pub(crate) fn may_join(first: &str, second: &str) -> bool {
    let digits = |text: &str| text.bytes().any(|b| b.is_ascii_digit());
    first.len() + second.len() <= 24
        && digits(second)
        && (digits(first) || (first.len() <= 4 && first.bytes().all(|b| b.is_ascii_uppercase())))
}

/// Whether two neighbours of a text are one identifier with a step between them, in tips and in what is marked of them alike.
pub(crate) fn are_one(text: &str, first: &Piece<'_>, second: &Piece<'_>) -> bool {
    may_join(first.text, second.text) && text.get(first.end()..second.start).is_some_and(scan::is_one_step)
}

/// The short name of a product that people type: `dc40` for `DocuColor 40`. None without a number.
pub(crate) fn short_name(product: &str) -> Option<String> {
    let mut initials = String::new();
    for word in product.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            if initials.chars().count() < 2 {
                return None;
            }
            initials.extend(word.chars().flat_map(char::to_lowercase));
            return Some(initials);
        }
        let capitals = word.chars().filter(|c| c.is_uppercase()).count();
        if capitals == word.chars().count() && capitals > 1 {
            initials.extend(word.chars().flat_map(char::to_lowercase)); // already an abbreviation
        } else if capitals > 0 {
            initials.extend(word.chars().filter(|c| c.is_uppercase()).flat_map(char::to_lowercase));
        } else {
            initials.extend(word.chars().take(1));
        }
    }
    None
}

/// Words that stand before a code and say nothing themselves: asked for, but not demanded.
pub(crate) fn announces_code(folded: &str) -> bool {
    matches!(
        folded,
        "error"
            | "errors"
            | "code"
            | "codes"
            | "fault"
            | "fehler"
            | "fehlercode"
            | "err"
            | "erreur"
            | "alarm"
            | "event"
            | "id"
            | "status"
            | "codigo"
            | "codice"
            | "fout"
            | "fel"
            | "part"
            | "number"
            | "no"
            | "nr"
            | "teil"
            | "teilenummer"
            | "model"
            | "modell"
            | "modele"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_vanish_but_digits_keep_their_borders() {
        for (written, with_dots, without) in [
            ("E-541", "e541", "e541"),
            ("05-210", "05.210", "05210"),
            ("05 210", "05.210", "05210"),
            ("604K 12345", "604k12345", "604k12345"),
            ("DS-7604NI-E1/4P/A", "ds7604nie1.4pa", "ds7604nie14pa"),
            ("136/14", "136.14", "13614"),
            ("13/14", "13.14", "1314"),
        ] {
            assert_eq!(dotted(written), with_dots);
            assert_eq!(squashed(&dotted(written)), without);
        }
    }

    #[test]
    fn parts_of_an_identifier_are_its_runs_of_digits() {
        let parts = |token| {
            let mut out = Vec::new();
            digit_parts(token, |part| out.push(part));
            out
        };
        assert_eq!(parts("E541"), ["541"]);
        assert_eq!(parts("7604NI"), ["7604"]);
        assert_eq!(parts("0x80004005"), ["80004005"]);
        assert_eq!(parts("12345"), [""; 0]);
        assert_eq!(parts("a1b2c3d4e5"), [""; 0]);
    }

    #[test]
    fn products_have_short_names() {
        for (product, wanted) in [
            ("DocuColor 40", Some("dc40")),
            ("Xerox DocuColor 40", Some("xdc40")),
            ("HP LaserJet 4000", Some("hplj4000")),
            ("Motor 7", None),
            ("DocuColor", None),
        ] {
            assert_eq!(short_name(product).as_deref(), wanted, "{product}");
        }
    }
}
