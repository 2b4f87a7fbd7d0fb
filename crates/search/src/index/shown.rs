//! Tips as hits show them, kept as they were read: what is found often is unpacked once. A segment never changes, so that
//! what was read of one stays true as long as it is searched.

use std::sync::Arc;

use moka::sync::Cache;
use tantivy::index::SegmentId;
use tantivy::schema::{Field, Value};
use tantivy::{DocId, TantivyDocument};

use crate::document::TipDocument;
use crate::error::SearchError;

/// Bytes of tips that are kept.
const MOST_BYTES: u64 = 16_000_000;
/// What a tip takes beside its text.
const BESIDE: usize = 600;

/// Tips that were shown lately.
#[derive(Clone)]
pub(crate) struct Shown {
    kept: Cache<(SegmentId, DocId), Kept>,
}

#[derive(Clone)]
struct Kept {
    tip: Arc<TipDocument>,
    bytes: u32,
}

impl Shown {
    pub(crate) fn new() -> Self {
        let kept = Cache::builder().max_capacity(MOST_BYTES).weigher(|_, kept: &Kept| kept.bytes);
        Self { kept: kept.build() }
    }

    /// A tip of a segment; `read` gets its stored fields, unless it is kept.
    pub(crate) fn tip(
        &self,
        (segment, doc): (SegmentId, DocId),
        field: Field,
        read: impl FnOnce() -> Result<TantivyDocument, SearchError>,
    ) -> Result<Arc<TipDocument>, SearchError> {
        let key = (segment, doc);
        if let Some(kept) = self.kept.get(&key) {
            return Ok(kept.tip);
        }
        let document = read()?;
        let text = document.get_first(field).and_then(|value| value.as_str());
        let text = text.ok_or_else(|| SearchError::Damaged("a tip without text".to_owned()))?;
        let tip = serde_json::from_str(text);
        let tip = tip.map_err(|error| SearchError::Damaged(format!("a tip cannot be read: {error}")))?;
        let tip: Arc<TipDocument> = Arc::new(tip);
        let bytes = u32::try_from(text.len() + BESIDE).unwrap_or(u32::MAX);
        self.kept.insert(key, Kept { tip: Arc::clone(&tip), bytes });
        Ok(tip)
    }

    /// Forgets all of them, as when words must be nowhere any more.
    pub(crate) fn forget(&self) {
        self.kept.invalidate_all();
    }
}
