//! Any bytes at the doors of the search: queries, texts to be analysed, and what stands in a commit. Random here and in
//! `make fuzz`, which only takes longer.

use uuid::Uuid;

use crate::analysis::fold::{folded, unaccent};
use crate::analysis::scan::scan;
use crate::index::cursor::{Cursor, decode, encode};
use crate::query::syntax::parse;

/// The bytes as a text; and each as a piece of one, so that what means something comes about often.
fn texts(bytes: &[u8]) -> [String; 2] {
    const PIECES: [&str; 24] = [
        "\"", "-", ":", " ", "product:", "code:", "part:", "tag:", "author:", "lang:", "E-541", "3396", "fuser", "ß",
        "İ", "\u{301}", "鍵", "\u{0}", "\u{1}", "\u{2}", "'", ".", "/", "\u{200b}",
    ];
    let piece = |&byte: &u8| match PIECES.get(usize::from(byte)) {
        Some(piece) => (*piece).to_owned(),
        None => char::from(byte).to_string(),
    };
    [String::from_utf8_lossy(bytes).into_owned(), bytes.iter().map(piece).collect()]
}

#[test]
fn any_text_is_a_query_and_what_it_demands_is_bounded() {
    bolero::check!().with_max_len(400_usize).for_each(|bytes: &[u8]| {
        for text in texts(bytes) {
            let parsed = parse(&text);
            assert!(parsed.phrases.len() <= 4 && parsed.excluded.len() <= 16 && parsed.fields.len() <= 16);
            let read: usize = parsed.phrases.iter().chain(&parsed.excluded).map(String::len).sum();
            let conditions: usize = parsed.fields.iter().map(|(_, value)| value.len()).sum();
            assert!(read + conditions <= text.len(), "{text:?}: {parsed:?}");
        }
    });
}

#[test]
fn any_text_falls_into_pieces_that_stand_in_it_in_their_order() {
    bolero::check!().with_max_len(400_usize).for_each(|bytes: &[u8]| {
        for text in texts(bytes) {
            let mut at = 0;
            scan(&text, |piece| {
                assert_eq!(text.get(piece.start..piece.end()), Some(piece.text));
                assert!(!piece.text.is_empty() && piece.start >= at, "{text:?}");
                at = piece.start;
            });
            let mut plain = String::new();
            unaccent(&text, &mut plain);
            let once = folded(&text);
            assert!(once.len() <= 4 * text.len() + 16, "{text:?}");
        }
    });
}

#[test]
fn a_commit_s_payload_is_read_whole_or_not_at_all() {
    let written = encode(&Cursor::new(Uuid::from_u128(7), 42, "ab12")).unwrap();
    let cursor = decode(Some(&written)).unwrap();
    bolero::check!().with_max_len(300_usize).for_each(|bytes: &[u8]| {
        // By itself, and as what became of a sound one: some bytes of it are others.
        let _ = decode(Some(&String::from_utf8_lossy(bytes)));
        let mut damaged = written.clone().into_bytes();
        for pair in bytes.chunks_exact(2).take(4) {
            let place = usize::from(pair[0]) % damaged.len();
            damaged[place] = pair[1];
        }
        if let Ok(Some(read)) = decode(Some(&String::from_utf8_lossy(&damaged))) {
            assert_eq!(Some(read), cursor, "{}", String::from_utf8_lossy(&damaged));
        }
    });
}
