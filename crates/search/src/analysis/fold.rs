//! Case and accents: two spellings that a reader would call the same word become the same bytes.

use unicode_normalization::char::decompose_canonical;

use super::scan::is_apostrophe;

/// Lower case, without apostrophes, and with compatibility forms (full-width letters and the like) made plain. Accents
/// stay: stemmers need them.
pub(crate) fn lower(text: &str, out: &mut String) {
    out.clear();
    if text.bytes().all(|byte| byte.is_ascii() && byte != b'\'') {
        out.push_str(text);
        out.make_ascii_lowercase();
        return;
    }
    for c in text.chars().filter(|c| !is_apostrophe(*c)) {
        match plain_width(c) {
            // A dotted capital I lower-cases to two characters; the second is noise.
            'İ' => out.push('i'),
            c => out.extend(c.to_lowercase()),
        }
    }
}

/// Drops accents from text that is already lower case.
pub(crate) fn unaccent(text: &str, out: &mut String) {
    out.clear();
    if text.is_ascii() {
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            'ß' => out.push_str("ss"),
            'æ' | 'ǽ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ø' | 'ǿ' => out.push('o'),
            'đ' | 'ð' => out.push('d'),
            'ł' => out.push('l'),
            'ı' => out.push('i'),
            'þ' => out.push_str("th"),
            'ħ' => out.push('h'),
            'ς' => out.push('σ'),
            // й is a letter of its own, not an и with an accent.
            'й' => out.push('й'),
            c if has_accents(c) => decompose_canonical(c, |part| {
                if !is_mark(part) {
                    out.push(part);
                }
            }),
            c if is_mark(c) => {}
            c => out.push(c),
        }
    }
}

/// [`lower`] and [`unaccent`] in one.
pub(crate) fn folded(text: &str) -> String {
    let mut lowered = String::with_capacity(text.len());
    lower(text, &mut lowered);
    if lowered.is_ascii() {
        return lowered;
    }
    let mut out = String::with_capacity(lowered.len());
    unaccent(&lowered, &mut out);
    out
}

/// German and Nordic umlauts as people type them without the keys: `luefter` for `lüfter`. `None` when nothing changes.
pub(crate) fn without_digraphs(folded: &str) -> Option<String> {
    if !folded.is_ascii() {
        return None;
    }
    let plain = folded.replace("ae", "a").replace("oe", "o").replace("ue", "u");
    (plain.len() != folded.len()).then_some(plain)
}

fn has_accents(c: char) -> bool {
    // Latin, Greek and Cyrillic only: decomposing Hangul or Indic letters would break them apart.
    matches!(c, '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{52f}' | '\u{1e00}'..='\u{1fff}')
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn plain_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_word_fold_to_one() {
        for (written, wanted) in [
            ("Lüfter", "lufter"),
            ("ÉTEINDRE", "eteindre"),
            ("Straße", "strasse"),
            ("Ёлка", "елка"),
            ("Йод", "йод"),
            ("ΆΞΟΝΑΣ", "αξονασ"),
            ("άξονας", "αξονασ"),
            ("ＤＣ４０", "dc40"),
            ("İstanbul", "istanbul"),
            ("smörgås", "smorgas"),
            ("e\u{301}tat", "etat"),
            ("한국어", "한국어"),
        ] {
            assert_eq!(folded(written), wanted);
        }
    }

    #[test]
    fn umlauts_typed_as_two_letters_are_recognised() {
        assert_eq!(without_digraphs("luefter").as_deref(), Some("lufter"));
        assert_eq!(without_digraphs("motor"), None);
    }
}
