//! What one search sees: both halves at one commit, and the public statistics that scores are made from.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use eureka_domain::ids::TipId;
use parking_lot::Mutex;
use tantivy::columnar::Column;
use tantivy::index::SegmentId;
use tantivy::schema::Field;
use tantivy::{Searcher, SegmentReader};
use uuid::Uuid;

use super::shown::Shown;
use crate::analysis::Language;
use crate::error::SearchError;
use crate::query::lexicon::Entry;
use crate::schema::{self, Fields, column};

/// The most frequent words of beginnings, by field.
type Beginnings = HashMap<(Field, String), Arc<[Entry]>>;

/// Both halves at one moment.
pub(crate) struct Snapshot {
    pub(crate) fields: Fields,
    pub(crate) open: Searcher,
    pub(crate) restricted: Searcher,
    /// The log row that everything up to is in.
    pub(crate) seq: i64,
    /// Tips and mean lengths of the open half: all scores are made from these, so that hidden tips do not show in them.
    pub(crate) public: PublicStatistics,
    /// In how many tips of the open half each language is written, the commonest first; made at the first search.
    pub(crate) languages: OnceLock<Vec<(u32, Language)>>,
    /// The most frequent words of some beginnings in the open half, as they were asked for.
    pub(crate) begun: Mutex<Beginnings>,
    /// Tips that were shown lately, by whichever snapshot.
    pub(crate) shown: Shown,
    columns: HashMap<SegmentId, Columns>,
}

/// The columns of a segment that every search reads: opening them costs more than reading them.
pub(crate) struct Columns {
    pub(crate) number: Column<i64>,
    pub(crate) updated: Column<i64>,
    pub(crate) proof: Column<u64>,
    pub(crate) confidence: Column<u64>,
}

impl Columns {
    fn of(segment: &SegmentReader) -> Result<Self, SearchError> {
        let columns = segment.fast_fields();
        Ok(Self {
            number: columns.i64(column::NUMBER)?,
            updated: columns.i64(column::UPDATED)?,
            proof: columns.u64(column::PROOF)?,
            confidence: columns.u64(column::CONFIDENCE)?,
        })
    }
}

/// Counts of the open half.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublicStatistics {
    pub(crate) tips: f32,
    pub(crate) mean_all: f32,
    pub(crate) mean_headline: f32,
}

impl Snapshot {
    pub(crate) fn new(open: Searcher, restricted: Searcher, seq: i64, shown: Shown) -> Result<Self, SearchError> {
        let (_, fields) = schema::build();
        let (mut tips, mut all, mut headline) = (0u64, 0u64, 0u64);
        for segment in open.segment_readers() {
            tips += u64::from(segment.max_doc());
            all += segment.inverted_index(fields.all)?.total_num_tokens();
            headline += segment.inverted_index(fields.headline)?.total_num_tokens();
        }
        let public = PublicStatistics {
            tips: float(tips),
            mean_all: if tips == 0 { 100.0 } else { float(all) / float(tips) }.max(1.0),
            mean_headline: if tips == 0 { 10.0 } else { float(headline) / float(tips) }.max(1.0),
        };
        let segments = open.segment_readers().iter().chain(restricted.segment_readers());
        let columns = segments.map(|segment| Ok((segment.segment_id(), Columns::of(segment)?)));
        let columns = columns.collect::<Result<_, SearchError>>()?;
        let (languages, begun) = (OnceLock::new(), Mutex::default());
        Ok(Self { fields, open, restricted, seq, public, languages, begun, shown, columns })
    }

    /// The columns of one of its segments.
    pub(crate) fn columns(&self, segment: &SegmentReader) -> Result<&Columns, SearchError> {
        let columns = self.columns.get(&segment.segment_id());
        columns.ok_or_else(|| SearchError::Engine("a segment of another snapshot".to_owned()))
    }

    /// Its segments that another snapshot has not.
    pub(crate) fn segments_beside(&self, other: &Self) -> HashSet<SegmentId> {
        self.columns.keys().filter(|segment| !other.columns.contains_key(segment)).copied().collect()
    }

    pub(crate) fn len(&self) -> u64 {
        self.open.num_docs() + self.restricted.num_docs()
    }

    fn segments(&self) -> impl Iterator<Item = &SegmentReader> {
        self.open.segment_readers().iter().chain(self.restricted.segment_readers())
    }
}

/// A count as a float; counts here are far below where precision matters to a score.
pub(crate) fn float(count: u64) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "scores need no more")]
    let float = count as f32;
    float
}

/// One indexed tip, as `index verify` compares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The tip.
    pub tip: TipId,
    /// The revision that is indexed.
    pub revision: i32,
    /// [`crate::TipDocument::fingerprint`] of what was indexed.
    pub fingerprint: u64,
}

/// Iterates over everything indexed, in no particular order.
pub struct Listing {
    snapshot: Arc<Snapshot>,
    segment: usize,
    batch: std::vec::IntoIter<Listed>,
}

impl Listing {
    pub(super) fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot, segment: 0, batch: Vec::new().into_iter() }
    }
}

impl Iterator for Listing {
    type Item = Result<Listed, SearchError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(listed) = self.batch.next() {
                return Some(Ok(listed));
            }
            let segment = self.snapshot.segments().nth(self.segment)?.clone();
            self.segment += 1;
            match list_segment(&segment) {
                Ok(batch) => self.batch = batch.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn list_segment(segment: &SegmentReader) -> Result<Vec<Listed>, SearchError> {
    let columns = segment.fast_fields();
    let (high, low) = (columns.u64(column::TIP_HIGH)?, columns.u64(column::TIP_LOW)?);
    let (revision, fingerprint) = (columns.i64(column::REVISION)?, columns.u64(column::FINGERPRINT)?);
    let mut out = Vec::with_capacity(segment.num_docs() as usize);
    for doc in segment.doc_ids_alive() {
        let missing = || SearchError::Damaged("a column ends early".to_owned());
        out.push(Listed {
            tip: TipId(Uuid::from_u64_pair(high.first(doc).ok_or_else(missing)?, low.first(doc).ok_or_else(missing)?)),
            revision: i32::try_from(revision.first(doc).ok_or_else(missing)?).unwrap_or_default(),
            fingerprint: fingerprint.first(doc).ok_or_else(missing)?,
        });
    }
    Ok(out)
}
