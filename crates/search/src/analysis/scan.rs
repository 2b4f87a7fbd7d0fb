//! Cuts text into words, identifiers and runs of ideographs. The same cuts for tips, queries and highlights.

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters only.
    Word,
    /// A run of letters and digits, or digits alone: never stemmed, never fuzzy.
    Number,
    /// Runs joined by separators with a digit among them: `DS-7604NI-E1/4P/A`, `5.7.136`.
    Chain,
    /// Chinese, Japanese, Korean, Thai: no spaces between words.
    Ideographs,
}

/// One piece and where it stands, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<'t> {
    /// The text as written.
    pub(crate) text: &'t str,
    /// Its first byte in the scanned text.
    pub(crate) start: usize,
    /// What it is.
    pub(crate) kind: Kind,
    /// Whether it belongs to the chain reported just before it.
    pub(crate) within: bool,
}

impl Piece<'_> {
    /// One past its last byte.
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Longest chain kept whole, in bytes; longer ones (URLs, hashes) are only their parts.
const CHAIN_MAX: usize = 48;
/// Most parts of a chain kept whole.
const CHAIN_PARTS_MAX: usize = 8;
/// Longest run kept, in bytes: what is longer is no word (base64, random bytes).
const RUN_MAX: usize = 64;

/// Calls `emit` for every piece in order; a chain comes before its own parts.
pub(crate) fn scan<'t>(text: &'t str, mut emit: impl FnMut(Piece<'t>)) {
    let mut runs: Vec<(usize, usize, Class)> = Vec::with_capacity(CHAIN_PARTS_MAX);
    let mut at = 0;
    loop {
        at += plain_outside(text, at);
        let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
        if !is_inside(c) {
            at += c.len_utf8();
            continue;
        }
        if let Some(word) = plain_word(text, at) {
            emit(Piece { text: word, start: at, kind: Kind::Word, within: false });
            at += word.len();
            continue;
        }
        runs.clear();
        loop {
            let (end, class) = run_end(text, at);
            runs.push((at, end, class));
            at = end;
            let mut next = text.get(at..).unwrap_or_default().chars();
            match (next.next(), next.next()) {
                (Some(joint), Some(after))
                    if is_joint(joint)
                        && is_inside(after)
                        && class != Class::Ideographs
                        && class_of(after) != Class::Ideographs =>
                {
                    at += joint.len_utf8();
                }
                _ => break,
            }
        }
        emit_runs(text, &runs, &mut emit);
    }
}

fn emit_runs<'t>(text: &'t str, runs: &[(usize, usize, Class)], emit: &mut impl FnMut(Piece<'t>)) {
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return };
    let whole = text.get(first.0..last.1).unwrap_or_default();
    let chained = runs.len() > 1
        && runs.len() <= CHAIN_PARTS_MAX
        && whole.len() <= CHAIN_MAX
        && runs.iter().any(|(.., class)| *class == Class::Mixed);
    if chained {
        emit(Piece { text: whole, start: first.0, kind: Kind::Chain, within: false });
    }
    for &(start, end, class) in runs {
        let kind = match class {
            Class::Letters => Kind::Word,
            Class::Mixed => Kind::Number,
            Class::Ideographs => Kind::Ideographs,
        };
        if let Some(text) = text.get(start..end)
            && (text.len() <= RUN_MAX || kind == Kind::Ideographs)
        {
            emit(Piece { text, start, kind, within: chained });
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Letters,
    Mixed,
    Ideographs,
}

/// The end of the run that starts at `start`, and what it is made of.
fn run_end(text: &str, start: usize) -> (usize, Class) {
    let rest = text.get(start..).unwrap_or_default();
    let mut class = rest.chars().next().map_or(Class::Letters, class_of);
    let plain = plain_letters(rest);
    for (offset, c) in rest.get(plain..).unwrap_or_default().char_indices() {
        let offset = plain + offset;
        if is_apostrophe(c) && is_contraction(rest, offset, c) {
            continue;
        }
        if !is_inside(c) {
            return (start + offset, class);
        }
        match (class, class_of(c)) {
            (Class::Ideographs, Class::Ideographs) | (_, Class::Letters)
                if class != Class::Ideographs || is_mark(c) => {}
            (Class::Ideographs, Class::Ideographs) => {}
            (Class::Ideographs, _) | (_, Class::Ideographs) => return (start + offset, class),
            (_, Class::Mixed) => class = Class::Mixed,
            (_, Class::Letters) => {}
        }
    }
    (text.len(), class)
}

/// A word of ASCII letters that nothing behind it can be part of: most pieces are no more than that.
fn plain_word(text: &str, at: usize) -> Option<&str> {
    let rest = text.get(at..)?;
    let letters = plain_letters(rest);
    let ends =
        |byte: &u8| byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'\'' && !is_joint(char::from(*byte));
    let ends = rest.as_bytes().get(letters).is_none_or(ends);
    if ends && (1..=RUN_MAX).contains(&letters) { rest.get(..letters) } else { None }
}

/// How many ASCII letters a text begins with: most runs are no more than that.
fn plain_letters(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_alphabetic).count()
}

/// How many ASCII characters from `at` on belong to no run.
fn plain_outside(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric()).count()
}

/// English `won't` is one word, as those write it who leave the apostrophe out.
fn is_contraction(rest: &str, offset: usize, apostrophe: char) -> bool {
    let after = rest.get(offset + apostrophe.len_utf8()..).unwrap_or_default();
    rest.get(..offset).is_some_and(|before| before.ends_with(['n', 'N']))
        && after.starts_with(['t', 'T'])
        && !after.chars().nth(1).is_some_and(is_inside)
}

/// Typed, or as word processors write it.
pub(crate) fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}')
}

fn is_inside(c: char) -> bool {
    c.is_alphanumeric() || is_mark(c)
}

/// Combining marks belong to the letter before them.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{93c}'..='\u{94d}' | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}' | '\u{64b}'..='\u{65f}')
}

/// Whether two pieces with this between them may be one identifier: a space, or a joint of a chain too long to be kept.
pub(crate) fn is_one_step(between: &str) -> bool {
    let mut chars = between.chars();
    matches!((chars.next(), chars.next()), (Some(c), None) if c == ' ' || is_joint(c))
}

/// What may stand between the parts of an identifier.
fn is_joint(c: char) -> bool {
    matches!(c, '-' | '.' | '/' | '_' | '+' | '#' | '*' | '\u{2010}' | '\u{2011}')
}

fn class_of(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_digit() { Class::Mixed } else { Class::Letters };
    }
    match c {
        '\u{e00}'..='\u{eff}' // Thai, Lao
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{1100}'..='\u{11ff}' // Hangul letters
        | '\u{3040}'..='\u{30ff}' // Hiragana, Katakana
        | '\u{3130}'..='\u{318f}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{9fff}' // Han
        | '\u{ac00}'..='\u{d7a3}' // Hangul syllables
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9d}'
        | '\u{20000}'..='\u{3ffff}' => Class::Ideographs,
        c if c.is_numeric() => Class::Mixed,
        _ => Class::Letters,
    }
}

/// Calls `emit` with every pair of neighbouring ideographs and its byte range, or the only one.
pub(crate) fn bigrams<'t>(run: &'t str, mut emit: impl FnMut(&'t str, usize)) {
    let mut starts = run.char_indices().map(|(at, _)| at).collect::<Vec<_>>();
    starts.push(run.len());
    if starts.len() <= 2 {
        emit(run, 0);
        return;
    }
    for window in starts.windows(3) {
        if let [start, _, end] = window
            && let Some(pair) = run.get(*start..*end)
        {
            emit(pair, *start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(Kind, &str)> {
        let mut out = Vec::new();
        scan(text, |piece| out.push((piece.kind, piece.text)));
        out
    }

    #[test]
    fn identifiers_stay_whole_beside_their_parts() {
        use Kind::{Chain, Number, Word};
        assert_eq!(cut("Code E-541."), [(Word, "Code"), (Chain, "E-541"), (Word, "E"), (Number, "541")]);
        assert_eq!(
            cut("550 5.7.136;"),
            [(Number, "550"), (Chain, "5.7.136"), (Number, "5"), (Number, "7"), (Number, "136")]
        );
        assert_eq!(cut("(0x80004005)"), [(Number, "0x80004005")]);
        assert_eq!(
            cut("DS-7604NI-E1/4P/A,"),
            [
                (Chain, "DS-7604NI-E1/4P/A"),
                (Word, "DS"),
                (Number, "7604NI"),
                (Number, "E1"),
                (Number, "4P"),
                (Word, "A")
            ]
        );
        assert_eq!(cut("604K 12345"), [(Number, "604K"), (Number, "12345")]);
    }

    #[test]
    fn words_are_cut_at_everything_else() {
        use Kind::{Ideographs, Word};
        assert_eq!(cut("l'eau, power-on"), [(Word, "l"), (Word, "eau"), (Word, "power"), (Word, "on")]);
        assert_eq!(cut("故障Code"), [(Ideographs, "故障"), (Word, "Code")]);
        assert_eq!(cut(" -- ./ "), []);
    }

    #[test]
    fn ideographs_are_read_in_pairs() {
        let mut pairs = Vec::new();
        bigrams("打印机", |pair, at| pairs.push((pair, at)));
        assert_eq!(pairs, [("打印", 0), ("印机", 3)]);
        bigrams("机", |pair, at| pairs.push((pair, at)));
        assert_eq!(pairs.last(), Some(&("机", 0)));
    }
}
