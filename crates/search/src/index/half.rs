//! One of the two engine indexes: its directory, its writer and its reader. Only this file commits.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use eureka_domain::ids::TipId;
use tantivy::directory::{Directory, INDEX_WRITER_LOCK, MmapDirectory};
use tantivy::index::SegmentId;
use tantivy::merge_policy::{LogMergePolicy, MergePolicy, NoMergePolicy};
use tantivy::store::{Compressor, ZstdCompressor};
use tantivy::tokenizer::TokenizerManager;
use tantivy::{
    FutureResult, Index as Engine, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, SegmentMeta,
    SegmentReader, TantivyError, Term,
};
use tracing::subscriber::{NoSubscriber, with_default};

use super::cursor::{self, Cursor};
use super::{health, record};
use crate::analysis::streams::Splitter;
use crate::analysis::vocabulary::Vocabulary;
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

/// How many times as many tips as all smaller segments together a segment holds when all is tidy. A search pays for each
/// segment; the greater this is, the more often tips are merged.
const OUTWEIGHS: u64 = 8;
/// Segments of more tips are left to the engine's own policy: an end waits for merges under way, for seconds at most.
const MOST_TIDIED: u32 = 250_000;

/// What came of tidying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tidied {
    /// Whether searches have something new to see, from a merge that was begun earlier.
    pub(crate) has_news: bool,
    /// Whether there is nothing to merge.
    pub(crate) is_tidy: bool,
}

/// One engine index.
pub(crate) struct Half {
    fields: Fields,
    vocabulary: Vocabulary,
    writer: IndexWriter,
    reader: IndexReader,
    cursor: Option<Cursor>,
    /// The merge that was last begun to have few segments, until it is known to be over.
    tidying: Option<Pin<Box<Merge>>>,
}

type Merge = FutureResult<Option<SegmentMeta>>;

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
        let mmap = MmapDirectory::open(dir)?;
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
        remove_drafts(dir);
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
            Ok(reader) => {
                let reader: IndexReader = reader;
                if cursor.is_none() && reader.searcher().num_docs() > 0 {
                    return Ok(Found::Unusable("it holds tips and no place in the log".to_owned()));
                }
                let vocabulary = Vocabulary::default();
                Ok(Found::Usable(Self { fields, vocabulary, writer, reader, cursor, tidying: None }))
            }
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
    pub(crate) fn put(&mut self, tip: &TipDocument) -> Result<(), SearchError> {
        let document = record::build(&self.fields, &mut self.vocabulary, tip)?;
        self.writer.add_document(document)?;
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
            match self.begin_merge(&segments).wait() {
                Ok(_) => {}
                Err(TantivyError::InvalidArgument(_)) => std::thread::sleep(MERGE_PAUSE),
                Err(error) => return Err(error.into()),
            }
        }
        Err(SearchError::Engine("the segments were still being merged".to_owned()))
    }

    /// Begins a merge. When its segments have gone meanwhile, merged by the engine, that warns, and whoever asks expects it.
    fn begin_merge(&mut self, segments: &[SegmentId]) -> Merge {
        with_default(NoSubscriber::default(), || self.writer.merge(segments))
    }

    /// Sees to it that few segments are searched: merges those that are small beside the rest, while everything else goes
    /// on.
    pub(crate) fn tidy(&mut self) -> Result<Tidied, SearchError> {
        let in_use = |searcher: &Searcher| searcher.segment_readers().iter().map(SegmentReader::segment_id).collect();
        let searched: HashSet<SegmentId> = in_use(&self.searcher());
        let segments = self.writer.index().searchable_segment_metas()?;
        let due = untidy(segments.iter().map(|segment| (segment.max_doc(), segment.id())).collect());
        let is_tidy = due.len() <= 1;
        if !is_tidy && !self.is_tidying() {
            // Nobody waits for it.
            self.tidying = Some(Box::pin(self.begin_merge(&due)));
        }
        let has_news = segments.iter().map(SegmentMeta::id).collect::<HashSet<_>>() != searched;
        if has_news {
            self.reader.reload()?;
            self.writer.garbage_collect_files().wait()?;
        }
        Ok(Tidied { has_news, is_tidy })
    }

    /// Whether a merge that was begun to have few segments goes on. The engine would merge the same ones once more beside it.
    fn is_tidying(&mut self) -> bool {
        let mut nobody = Context::from_waker(Waker::noop());
        let goes_on = self.tidying.as_mut().is_some_and(|merge| merge.as_mut().poll(&mut nobody).is_pending());
        if !goes_on {
            self.tidying = None;
        }
        goes_on
    }

    /// The names of the files of the last commit, and of some that there need not be.
    pub(crate) fn committed_files(&self) -> Result<HashSet<PathBuf>, SearchError> {
        Ok(self.writer.index().load_metas()?.list_segment_files())
    }

    /// Waits for merges under way, then lets go of the directory.
    pub(crate) fn close(self) -> Result<(), SearchError> {
        self.writer.wait_merging_threads()?;
        Ok(())
    }
}

/// Removes what the engine had begun to write when its process ended: `meta.json` and the like have a name of this kind
/// until they are whole. For whoever holds the writer's lock and has written nothing yet.
fn remove_drafts(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b".tmp")
            && let Err(error) = std::fs::remove_file(entry.path())
        {
            tracing::warn!(path = %entry.path().display(), %error, "an unfinished file could not be removed");
        }
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

/// The segments to merge, so that each holds at least [`OUTWEIGHS`] times what all smaller ones hold together.
fn untidy(mut segments: Vec<(u32, SegmentId)>) -> Vec<SegmentId> {
    segments.retain(|(tips, _)| *tips <= MOST_TIDIED);
    segments.sort_unstable_by_key(|(tips, _)| Reverse(*tips));
    let mut rest: u64 = segments.iter().map(|(tips, _)| u64::from(*tips)).sum();
    let kept = segments.iter().take_while(|(tips, _)| {
        rest -= u64::from(*tips);
        u64::from(*tips) >= OUTWEIGHS * rest
    });
    let kept = kept.count();
    segments.split_off(kept).into_iter().map(|(_, id)| id).collect()
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
    use uuid::Uuid;

    use super::*;

    fn open(dir: &Path) -> Half {
        match Half::open(dir, 15_000_000).unwrap() {
            Found::Usable(half) => half,
            Found::Unusable(why) => panic!("{why}"),
        }
    }

    #[test]
    fn small_segments_are_merged_and_great_ones_left_alone() {
        let segments =
            |sizes: &[u32]| sizes.iter().map(|size| (*size, SegmentId::generate_random())).collect::<Vec<_>>();
        for (sizes, merged) in [
            (&[] as &[u32], 0),
            (&[5], 0),
            (&[5, 5], 2),
            (&[800, 100], 0),
            (&[800, 101], 2),
            (&[1, 90, 1, 10_000], 2),
            (&[10_000, 20, 10, 1], 3),
            (&[1_000, 1_000, 1_000, 1], 4),
            (&[10_000, 1_000, 300, 3], 4),
            (&[300_000, 200_000, 200_000], 2),
        ] {
            let due = untidy(segments(sizes));
            assert_eq!(if due.len() > 1 { due.len() } else { 0 }, merged, "{sizes:?}");
        }
    }

    /// Five tips in a segment each, and their cursor.
    fn in_five_pieces(dir: &Path) -> (Half, Cursor) {
        let mut half = open(dir);
        let cursor = Cursor::new(Uuid::nil(), 7, "0".repeat(64));
        for number in 0..5 {
            half.put(&TipDocument::sample(number)).unwrap();
            half.commit(&cursor).unwrap();
        }
        (half, cursor)
    }

    #[test]
    fn a_tidy_index_holds_the_same_tips_in_one_segment() {
        let dir = tempfile::tempdir().unwrap();
        let (mut half, cursor) = in_five_pieces(dir.path());
        half.remove(TipDocument::sample(3).tip);
        half.commit(&cursor).unwrap();
        assert!(!half.tidy().unwrap().is_tidy);
        let tidied = (0..600).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            half.tidy().unwrap() == Tidied { has_news: true, is_tidy: true }
        });
        assert!(tidied, "no merge came to an end");
        assert_eq!((half.searcher().segment_readers().len(), half.searcher().num_docs()), (1, 4));
        assert_eq!(half.tidy().unwrap(), Tidied { has_news: false, is_tidy: true });
        half.close().unwrap();
        let half = open(dir.path());
        assert_eq!(half.searcher().num_docs(), 4);
        assert_eq!(half.cursor().map(|cursor| cursor.seq), Some(7), "a merge keeps the place");
    }

    #[test]
    fn a_merge_that_is_under_way_is_not_begun_again() {
        let dir = tempfile::tempdir().unwrap();
        let (mut half, _) = in_five_pieces(dir.path());
        let mut segments = HashSet::new();
        let mut look = || {
            let stores = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
            segments.extend(stores.filter(|path| path.extension().is_some_and(|end| end == "store")));
        };
        let tidied = (0..6_000).any(|turn| {
            std::thread::sleep(Duration::from_millis(turn.min(5)));
            look();
            half.tidy().unwrap().is_tidy
        });
        look(); // the whole merge may have gone on since the last one
        assert!(tidied, "no merge came to an end");
        assert_eq!(segments.len(), 6, "five, and what became of them: {segments:?}");
    }

    #[test]
    fn what_a_crash_left_unfinished_is_removed_by_the_next_owner_and_by_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let mut half = open(dir.path());
        half.put(&TipDocument::sample(1)).unwrap();
        half.commit(&Cursor::new(Uuid::nil(), 1, "0".repeat(64))).unwrap();
        let draft = dir.path().join(".tmpA1b2C3");
        std::fs::write(&draft, "{").unwrap();
        assert!(matches!(Half::open(dir.path(), 15_000_000), Err(SearchError::Locked)));
        assert!(draft.exists(), "it may be the owner's");
        half.close().unwrap();
        let half = open(dir.path());
        assert!(!draft.exists());
        assert_eq!(half.searcher().num_docs(), 1);
    }

    #[test]
    fn what_is_removed_first_after_a_crash_stays_removed_when_segments_are_merged() {
        let dir = tempfile::tempdir().unwrap();
        let mut half = open(dir.path());
        half.writer.set_merge_policy(Box::new(NoMergePolicy));
        let cursor = Cursor::new(Uuid::nil(), 1, "0".repeat(64));
        for segment in 0..8 {
            for number in 0..if segment == 0 { 4 } else { 5 } {
                half.put(&TipDocument::sample(10 * segment + number)).unwrap();
            }
            half.commit(&cursor).unwrap();
        }
        half.remove(TipDocument::sample(0).tip);
        half.commit(&cursor).unwrap();
        drop(half); // as a crash would: without the merges that are due

        let mut half = open(dir.path());
        half.remove(TipDocument::sample(2).tip);
        half.put(&TipDocument::sample(2)).unwrap();
        half.commit(&cursor).unwrap();
        half.close().unwrap();
        let half = open(dir.path());
        assert_eq!(half.searcher().num_docs(), 3 + 7 * 5, "each tip once");
    }
}
