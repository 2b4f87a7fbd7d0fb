//! Where a page ended. A walk remembers what it has shown, so that it shows each tip once whatever happens to the index
//! meanwhile; in orders other than relevance the key of the last tip says where to go on.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::query::request::{SearchRequest, Sort};

/// Most tips that a walk remembers; one by relevance ends there.
pub(crate) const DEEPEST: usize = 2_000;

const VERSION: u8 = 2;

/// The end of a page. Opaque to callers: [`PageCursor::parse`] and `to_string` are its only forms. It holds nothing
/// secret, and gives no access: the audience is checked anew on every page.
#[derive(Debug, Clone, PartialEq)]
pub struct PageCursor {
    pub(crate) sort: Sort,
    /// What was asked for: see [`mark`].
    pub(crate) asked: u32,
    /// The key of the last tip shown.
    pub(crate) rank: f64,
    pub(crate) number: i64,
    /// The numbers of the tips shown.
    pub(crate) shown: Vec<i64>,
}

impl PageCursor {
    /// Reads a cursor; `None` when the text is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, crc) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
        if crc32fast::hash(body).to_le_bytes() != crc {
            return None;
        }
        let (head, mut rest) = body.split_first_chunk::<22>()?;
        let [version, sort, key @ ..] = head;
        let (asked, key) = key.split_first_chunk::<4>()?;
        let (rank, number) = key.split_first_chunk::<8>()?;
        let sort = match sort {
            0 => Sort::Relevance,
            1 => Sort::Newest,
            2 => Sort::Proof,
            _ => return None,
        };
        if *version != VERSION {
            return None;
        }
        let mut shown = Vec::new();
        let mut last = 0i64;
        while !rest.is_empty() {
            let step = take_varint(&mut rest)?;
            last = last.checked_add(i64::try_from(step).ok()?)?;
            shown.push(last);
            if shown.len() > DEEPEST + 100 {
                return None;
            }
        }
        let (asked, rank) = (u32::from_le_bytes(*asked), f64::from_le_bytes(*rank));
        Some(Self { sort, asked, rank, number: i64::from_le_bytes(number.try_into().ok()?), shown })
    }

    /// Whether it came of the same question: going on with it in another would pass tips over.
    pub fn is_of(&self, request: &SearchRequest) -> bool {
        self.sort == request.sort && self.asked == mark(request)
    }
}

/// A mark of text and filters, by which questions are told apart.
pub(crate) fn mark(request: &SearchRequest) -> u32 {
    crc32fast::hash(format!("{:?}{:?}", request.q, request.filters).as_bytes())
}

impl fmt::Display for PageCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![VERSION, self.sort as u8];
        bytes.extend_from_slice(&self.asked.to_le_bytes());
        bytes.extend_from_slice(&self.rank.to_le_bytes());
        bytes.extend_from_slice(&self.number.to_le_bytes());
        let mut shown = self.shown.iter().map(|number| number.unsigned_abs()).collect::<Vec<_>>();
        shown.sort_unstable();
        let mut last = 0;
        for number in shown {
            put_varint(&mut bytes, number - last);
            last = number;
        }
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        #[allow(clippy::cast_possible_truncation, reason = "the low seven bits")]
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    #[allow(clippy::cast_possible_truncation, reason = "less than 0x80")]
    out.push(value as u8);
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..63).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_a_changed_one_is_refused() {
        let cursor = PageCursor {
            sort: Sort::Newest,
            asked: 7,
            rank: 12.5,
            number: 1042,
            shown: vec![1001, 1042, 900_000, 1_000_000_000_000],
        };
        let text = cursor.to_string();
        assert_eq!(PageCursor::parse(&text), Some(cursor));
        for wrong in ["", "x", "AAAA", &text[1..], &format!("{text}A")] {
            assert_eq!(PageCursor::parse(wrong), None, "{wrong}");
        }
    }
}
