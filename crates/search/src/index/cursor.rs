//! Where in the change log the index stands, kept in the engine's commit payload so that text and cursor swap together.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::SearchError;
use crate::schema::SCHEMA_VERSION;

/// A place in the change log of one database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The life of the database that the log belongs to.
    pub log_id: Uuid,
    /// The last row that is in the index.
    pub seq: i64,
    /// The hash of that row: a cursor off the chain is found by it.
    pub hash: String,
    /// The version of the index's fields and analysis.
    pub schema: u32,
}

impl Cursor {
    /// A cursor of this version of the index.
    pub fn new(log_id: Uuid, seq: i64, hash: impl Into<String>) -> Self {
        Self { log_id, seq, hash: hash.into(), schema: SCHEMA_VERSION }
    }
}

#[derive(Serialize, Deserialize)]
struct Payload {
    crc: u32,
    cursor: Cursor,
}

/// The payload of a commit: the cursor and its checksum, which the engine's own `meta.json` lacks.
pub(crate) fn encode(cursor: &Cursor) -> Result<String, SearchError> {
    let crc = checksum(cursor)?;
    serde_json::to_string(&Payload { crc, cursor: cursor.clone() })
        .map_err(|error| SearchError::Engine(error.to_string()))
}

/// Reads a payload back. `Ok(None)` when nothing was ever committed.
pub(crate) fn decode(payload: Option<&str>) -> Result<Option<Cursor>, SearchError> {
    let Some(payload) = payload else { return Ok(None) };
    let payload: Payload = serde_json::from_str(payload)
        .map_err(|error| SearchError::Damaged(format!("the cursor cannot be read: {error}")))?;
    if checksum(&payload.cursor)? == payload.crc {
        Ok(Some(payload.cursor))
    } else {
        Err(SearchError::Damaged("the cursor's checksum does not match".to_owned()))
    }
}

fn checksum(cursor: &Cursor) -> Result<u32, SearchError> {
    let bytes = serde_json::to_vec(cursor).map_err(|error| SearchError::Engine(error.to_string()))?;
    Ok(crc32fast::hash(&bytes))
}

/// The cursor of the pair: what both halves have. Halves of different logs have nothing in common.
pub(crate) fn lower(open: Option<Cursor>, restricted: Option<Cursor>) -> Option<Cursor> {
    match (open, restricted) {
        (Some(one), Some(other)) if one.log_id == other.log_id => Some(if one.seq <= other.seq { one } else { other }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_reads_back_and_a_changed_one_does_not() {
        let cursor = Cursor::new(Uuid::nil(), 42, "ab12");
        let payload = encode(&cursor).unwrap();
        assert_eq!(decode(Some(&payload)).unwrap(), Some(cursor));
        assert!(decode(Some(&payload.replace("42", "43"))).is_err());
        assert!(decode(Some("{}")).is_err());
        assert_eq!(decode(None).unwrap(), None);
    }

    #[test]
    fn the_pair_has_only_what_both_halves_have() {
        let at = |seq| Some(Cursor::new(Uuid::nil(), seq, "x"));
        assert_eq!(lower(at(5), at(3)), at(3));
        assert_eq!(lower(at(5), None), None);
        let other_log = Some(Cursor::new(Uuid::max(), 3, "x"));
        assert_eq!(lower(at(5), other_log), None);
    }
}
