//! One of the two engine indexes: its directory, its writer and its reader. Only this file commits.

use std::path::{Path, PathBuf};
use std::time::Duration;

use eureka_domain::ids::TipId;
use tantivy::directory::{Directory, INDEX_WRITER_LOCK, MmapDirectory};
use tantivy::merge_policy::{LogMergePolicy, MergePolicy, NoMergePolicy};
use tantivy::store::{Compressor, ZstdCompressor};
use tantivy::tokenizer::TokenizerManager;
use tantivy::{Index as Engine, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyError, Term};

use super::cursor::{self, Cursor};
use super::{health, record};
use crate::analysis::streams::Splitter;
use crate::document::TipDocument;
use crate::error::SearchError;
use crate::schema::{self, ANALYSED, Fields};

/// Share of deleted tips at which a segment is merged: the engine's default never merges for deletes alone, and
/// deleted words would stay in its dictionaries.
const DELETED_SHARE: f32 = 0.2;

/// How often, and how long apart, a merge of everything is tried while the engine merges by itself: ten minutes.
const MERGE_ATTEMPTS: u32 = 12_000;
const MERGE_PAUSE: Duration = Duration::from_millis(50);
/// Bytes of stored text that are compressed together, and unpacked together for one hit: some three tips.
const STORE_BLOCK: usize = 6_000;

/// One engine index.
pub(crate) struct Half {
    fields: Fields,
    writer: IndexWriter,
    reader: IndexReader,
    cursor: Option<Cursor>,
}

/// What was found in the directory of a half.
pub(crate) enum Found {
    /// Ready, with the cursor of its last commit, if any.
    Usable(Half),
    /// There, but not to be trusted or of another schema.
    Unusable(String),
}

impl Half {
    /// Opens or creates the index of a directory.
    pub(crate) fn open(dir: &Path, writer_memory: usize) -> Result<Found, SearchError> {
        std::fs::create_dir_all(dir)?;
        let (schema, fields) = schema::build();
        let tokenizers = TokenizerManager::default(); // the engine wants its own names to exist too
        tokenizers.register(ANALYSED, Splitter::default());
        let mmap = MmapDirectory::open(dir).map_err(|error| SearchError::Io(error.to_string()))?;
        let fresh = !dir.join("meta.json").exists();
        if fresh && dir.join(".managed.json").exists() {
            return Ok(Found::Unusable("meta.json is missing".to_owned()));
        }
        let settings = IndexSettings {
            docstore_compression: Compressor::Zstd(ZstdCompressor::default()),
            docstore_blocksize: STORE_BLOCK,
            ..IndexSettings::default()
        };
        let opened = if fresh { Engine::create(mmap, schema.clone(), settings) } else { Engine::open(mmap) };
        let mut engine = match opened.map_err(SearchError::from) {
            Ok(engine) => engine,
            Err(error @ (SearchError::Locked | SearchError::Io(_))) => return Err(error),
            Err(error) => return Ok(Found::Unusable(error.to_string())),
        };
        if engine.schema() != schema {
            return Ok(Found::Unusable("the index has other fields".to_owned()));
        }
        engine.set_tokenizers(tokenizers);
        // The lock comes before any look at the files: their owner may be changing them.
        let writer: IndexWriter = match engine.writer_with_num_threads(1, writer_memory).map_err(SearchError::from) {
            Ok(writer) => writer,
            Err(error @ (SearchError::Locked | SearchError::Io(_))) => return Err(error),
            Err(error) => return Ok(Found::Unusable(error.to_string())),
        };
        if let Some(why) = health::damage(&engine)? {
            return Ok(Found::Unusable(why));
        }
        begin(&writer, &fields);
        let payload = match engine.load_metas().map_err(SearchError::from) {
            Ok(metas) => metas.payload,
            Err(error @ SearchError::Io(_)) => return Err(error),
            Err(error) => return Ok(Found::Unusable(error.to_string())),
        };
        let cursor = match cursor::decode(payload.as_deref()) {
            Ok(Some(cursor)) if cursor.schema != schema::SCHEMA_VERSION => {
                return Ok(Found::Unusable(format!("the index has schema version {}", cursor.schema)));
            }
            Ok(cursor) => cursor,
            Err(error) => return Ok(Found::Unusable(error.to_string())),
        };
        let reader = engine.reader_builder().reload_policy(ReloadPolicy::Manual).try_into();
        match reader.map_err(SearchError::from) {
            Ok(reader) => Ok(Found::Usable(Self { fields, writer, reader, cursor })),
            Err(error @ SearchError::Io(_)) => Err(error),
            Err(error) => Ok(Found::Unusable(error.to_string())),
        }
    }

    /// Where the last commit stands.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        self.cursor.clone()
    }

    /// A view of the last commit.
    pub(crate) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// Takes a tip out. Visible after the next commit.
    pub(crate) fn remove(&self, tip: TipId) {
        self.writer.delete_term(Term::from_field_bytes(self.fields.id, tip.0.as_bytes()));
    }

    /// Puts a tip in. Visible after the next commit; the caller removes the older text first.
    pub(crate) fn put(&self, tip: &TipDocument) -> Result<(), SearchError> {
        self.writer.add_document(record::build(&self.fields, tip)?)?;
        Ok(())
    }

    /// Commits with the cursor as payload and shows the result to new searches. The only commit there is: a bare one
    /// would erase the payload.
    pub(crate) fn commit(&mut self, cursor: &Cursor) -> Result<(), SearchError> {
        let mut prepared = self.writer.prepare_commit()?;
        prepared.set_payload(&cursor::encode(cursor)?);
        prepared.commit()?;
        self.cursor = Some(cursor.clone());
        self.reader.reload()?;
        Ok(())
    }

    /// Throws away what was not committed. After a failed write (full disk) the writer works only after this.
    pub(crate) fn roll_back(&mut self) -> Result<(), SearchError> {
        self.writer.rollback()?;
        begin(&self.writer, &self.fields);
        Ok(())
    }

    /// Merges all segments into one: deleted words leave the dictionaries.
    pub(crate) fn merge_all(&mut self) -> Result<(), SearchError> {
        self.writer.set_merge_policy(Box::new(NoMergePolicy));
        let merged = self.merge_patiently();
        self.writer.set_merge_policy(merge_policy());
        merged?;
        self.writer.garbage_collect_files().wait()?;
        Ok(())
    }

    /// Segments that the engine is merging by itself cannot be merged again until that is over.
    fn merge_patiently(&mut self) -> Result<(), SearchError> {
        for _ in 0..MERGE_ATTEMPTS {
            self.reader.reload()?;
            let segments = self.writer.index().searchable_segment_ids()?;
            let deleted = self.searcher().segment_readers().iter().any(tantivy::SegmentReader::has_deletes);
            if segments.len() <= 1 && !deleted {
                return Ok(());
            }
            match self.writer.merge(&segments).wait() {
                Ok(_) => {}
                Err(TantivyError::InvalidArgument(_)) => std::thread::sleep(MERGE_PAUSE),
                Err(error) => return Err(error.into()),
            }
        }
        Err(SearchError::Engine("the segments were still being merged".to_owned()))
    }

    /// Waits for merges under way, then lets go of the directory.
    pub(crate) fn close(self) -> Result<(), SearchError> {
        self.writer.wait_merging_threads()?;
        Ok(())
    }
}

/// Makes a new writer ready.
fn begin(writer: &IndexWriter, fields: &Fields) {
    writer.set_merge_policy(merge_policy());
    // The engine counts operations on from its last commit, and gives the first one that commit's own number. A merge of
    // what was committed that begins before the next commit takes a removal under that number for done in segments with
    // removals of that very commit, and the merged tip comes back. So the first operation removes what there is not.
    writer.delete_term(Term::from_field_bytes(fields.id, &[]));
}

fn merge_policy() -> Box<dyn MergePolicy> {
    let mut policy = LogMergePolicy::default();
    policy.set_del_docs_ratio_before_merge(DELETED_SHARE);
    Box::new(policy)
}

/// Where the half for open communities lives.
pub(crate) fn open_dir(dir: &Path) -> PathBuf {
    dir.join("open")
}

/// Where the half for private communities lives.
pub(crate) fn restricted_dir(dir: &Path) -> PathBuf {
    dir.join("restricted")
}

/// Whether somebody holds the writer's lock of an index directory.
pub(crate) fn is_in_use(dir: &Path) -> bool {
    [open_dir(dir), restricted_dir(dir)]
        .iter()
        .any(|half| MmapDirectory::open(half).is_ok_and(|half| half.acquire_lock(&INDEX_WRITER_LOCK).is_err()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test that stops has failed")]
mod tests {
    use chrono::DateTime;
    use eureka_domain::community::Openness;
    use eureka_domain::ids::{CommunityId, TipNumber, UserId};
    use eureka_domain::tip::{Confidence, Safety};
    use uuid::Uuid;

    use super::*;

    fn open(dir: &Path) -> Half {
        match Half::open(dir, 15_000_000).unwrap() {
            Found::Usable(half) => half,
            Found::Unusable(why) => panic!("{why}"),
        }
    }

    fn tip(number: u128) -> TipDocument {
        TipDocument {
            tip: TipId(Uuid::from_u128(number)),
            number: TipNumber(1),
            revision: 1,
            community: CommunityId(Uuid::from_u128(1)),
            community_slug: "office-printers".to_owned(),
            openness: Openness::Open,
            title: "Paper jam".to_owned(),
            problem: "Tray.".to_owned(),
            cause: None,
            solution: None,
            products: Vec::new(),
            fault_codes: Vec::new(),
            parts: Vec::new(),
            tags: Vec::new(),
            safety: Safety::None,
            hazard: None,
            lang: None,
            author: UserId(Uuid::from_u128(2)),
            author_name: "Ada".to_owned(),
            confidence: Confidence::Validated,
            published_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            proof: None,
            stands_for: Vec::new(),
        }
    }

    #[test]
    fn what_is_removed_first_after_a_crash_stays_removed_when_segments_are_merged() {
        let dir = tempfile::tempdir().unwrap();
        let mut half = open(dir.path());
        half.writer.set_merge_policy(Box::new(NoMergePolicy));
        let cursor = Cursor::new(Uuid::nil(), 1, "0".repeat(64));
        for segment in 0..8 {
            for number in 0..if segment == 0 { 4 } else { 5 } {
                half.put(&tip(10 * segment + number)).unwrap();
            }
            half.commit(&cursor).unwrap();
        }
        half.remove(tip(0).tip);
        half.commit(&cursor).unwrap();
        drop(half); // as a crash would: without the merges that are due

        let mut half = open(dir.path());
        half.remove(tip(2).tip);
        half.put(&tip(2)).unwrap();
        half.commit(&cursor).unwrap();
        half.close().unwrap();
        let half = open(dir.path());
        assert_eq!(half.searcher().num_docs(), 3 + 7 * 5, "each tip once");
    }
}
