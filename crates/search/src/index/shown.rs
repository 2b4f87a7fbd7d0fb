//! Tips as hits show them, kept as they were read: what is found often is unpacked once. A segment never changes, so that
//! what was read of one stays true as long as it is searched.

use std::collections::HashSet;
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

    /// Forgets those of segments that are searched no more: asked for often once, they would keep others out for long.
    pub(crate) fn forget_segments(&self, gone: &HashSet<SegmentId>) {
        if !gone.is_empty() {
            for (key, _) in self.kept.iter().filter(|(key, _)| gone.contains(&key.0)) {
                self.kept.invalidate(&*key);
            }
        }
    }

    /// Forgets all of them, as when words must be nowhere any more.
    pub(crate) fn forget(&self) {
        self.kept.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Tips of a tenth of a megabyte each.
    const TIPS: DocId = 150;

    #[test]
    fn what_was_asked_for_often_in_a_segment_that_is_gone_keeps_nothing_out() {
        let field = Field::from_field_id(0);
        let tip = TipDocument { problem: "word ".repeat(20_000), ..TipDocument::sample(1) };
        let mut document = TantivyDocument::new();
        document.add_text(field, serde_json::to_string(&tip).unwrap());
        let (shown, reads) = (Shown::new(), Cell::new(0));
        let look_at_all = |segment| {
            for doc in 0..TIPS {
                let read = || {
                    reads.set(reads.get() + 1);
                    Ok(document.clone())
                };
                shown.tip((segment, doc), field, read).unwrap();
            }
            shown.kept.run_pending_tasks();
            reads.take()
        };
        let [old, new] = [SegmentId::generate_random(), SegmentId::generate_random()];
        assert_eq!([look_at_all(old), look_at_all(old), look_at_all(old)], [TIPS, 0, 0]);
        shown.forget_segments(&HashSet::from([old]));
        assert_eq!([look_at_all(new), look_at_all(new)], [TIPS, 0]);
    }
}
