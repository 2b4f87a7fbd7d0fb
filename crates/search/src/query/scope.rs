//! What a caller may see of a snapshot, segment by segment. Every read of postings goes through here.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use eureka_domain::ids::CommunityId;
use eureka_domain::visibility::Audience;
use tantivy::columnar::{Column, StrColumn};
use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::SegmentId;
use tantivy::postings::{SegmentPostings, TermInfo};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::store::StoreReader;
use tantivy::{DocId, DocSet, InvertedIndexReader, SegmentReader, TERMINATED, Term};
use uuid::Uuid;

use super::docs::Listed;
use super::slot::Source;
use crate::document::TipDocument;
use crate::error::SearchError;
use crate::index::record::{label, term};
use crate::index::snapshot::{Columns, Snapshot};
use crate::schema::column;

/// Blocks of stored text that one search keeps unpacked.
const STORE_BLOCKS: usize = 8;

/// The segments of a snapshot that hold anything for a caller.
pub(crate) struct Scope<'s> {
    pub(crate) snapshot: &'s Snapshot,
    pub(crate) views: Vec<View<'s>>,
    /// What was gathered from several posting lists, by view: it is asked for in every pass.
    gathered: RefCell<Vec<(SegmentId, Source, Listed)>>,
    /// Whether more could have been gathered.
    cut: Cell<bool>,
}

/// One segment, as far as the caller sees it.
pub(crate) struct View<'s> {
    pub(crate) reader: &'s SegmentReader,
    pub(crate) all: Arc<InvertedIndexReader>,
    pub(crate) headline: Arc<InvertedIndexReader>,
    pub(crate) words: Arc<InvertedIndexReader>,
    pub(crate) ident: Arc<InvertedIndexReader>,
    pub(crate) label: Arc<InvertedIndexReader>,
    pub(crate) norms_all: FieldNormReader,
    pub(crate) norms_headline: FieldNormReader,
    pub(crate) columns: &'s Columns,
    /// Whether it belongs to the half for open communities.
    pub(crate) open: bool,
    allowed: Option<Allowed>,
    snapshot: &'s Snapshot,
    store: RefCell<Option<StoreReader>>,
    /// Terms that were looked up: every pass asks for the same ones.
    looked_up: RefCell<HashMap<Term, Option<TermInfo>>>,
}

/// Which communities of a restricted segment the caller reads.
struct Allowed {
    ords: Column<u64>,
    by_ord: Vec<bool>,
}

/// Fields that terms are looked up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum In {
    All,
    Headline,
    Words,
    Ident,
    Label,
}

impl<'s> Scope<'s> {
    pub(crate) fn new(snapshot: &'s Snapshot, audience: &Audience) -> Result<Self, SearchError> {
        let mut views = Vec::new();
        for reader in snapshot.open.segment_readers() {
            views.push(View::new(snapshot, reader, true, None)?);
        }
        if !audience.is_public() {
            for reader in snapshot.restricted.segment_readers() {
                let allowed = if audience.everything { None } else { Some(Allowed::new(reader, audience)?) };
                if allowed.as_ref().is_none_or(|allowed| allowed.by_ord.contains(&true)) {
                    views.push(View::new(snapshot, reader, false, allowed)?);
                }
            }
        }
        Ok(Self { snapshot, views, gathered: RefCell::default(), cut: Cell::new(false) })
    }

    /// Notes that not all tips were gathered, so that counts are lower bounds.
    pub(crate) fn cut_short(&self) {
        self.cut.set(true);
    }

    pub(crate) fn is_cut_short(&self) -> bool {
        self.cut.get()
    }

    /// The share of an open segment in what is done at most for the open half, by its size. Restricted ones have none:
    /// their sizes must show in nothing.
    pub(crate) fn share_of(&self, view: &View<'_>, most: usize) -> usize {
        let open = self.views.iter().filter(|view| view.open).map(|view| view.reader.max_doc() as usize);
        most.saturating_mul(view.reader.max_doc() as usize).div_ceil(open.sum::<usize>().max(1)).max(1)
    }

    pub(crate) fn gathered(&self, view: &View<'_>, source: &Source) -> Option<Listed> {
        let gathered = self.gathered.borrow();
        let segment = view.reader.segment_id();
        gathered.iter().find(|(at, of, _)| *at == segment && of == source).map(|(.., list)| Rc::clone(list))
    }

    pub(crate) fn keep_gathered(&self, view: &View<'_>, source: &Source, list: &Listed) {
        self.gathered.borrow_mut().push((view.reader.segment_id(), source.clone(), Rc::clone(list)));
    }

    /// In how many tips of the open half a term stands: what all weights are made from. Removed tips count until their
    /// segment is merged, but a term that stands in nothing else does not.
    pub(crate) fn public_frequency(&self, field: In, term: &str) -> Result<u32, SearchError> {
        let mut sum = 0;
        for view in self.views.iter().filter(|view| view.open) {
            let term = self.term(field, term);
            let frequency = view.look_up(term.clone(), field)?.map_or(0, |info| info.doc_freq);
            if frequency > 0
                && view.reader.has_deletes()
                && let Some(mut postings) = view.postings(term, field, IndexRecordOption::Basic)?
                && view.first_visible(&mut postings).is_none()
            {
                continue;
            }
            sum += frequency;
        }
        Ok(sum)
    }

    /// Whether any tip that the caller sees holds the term. Deleted and hidden tips do not count.
    pub(crate) fn is_known(&self, field: In, term: &str) -> Result<bool, SearchError> {
        for view in &self.views {
            if let Some(mut postings) = view.postings(self.term(field, term), field, IndexRecordOption::Basic)?
                && view.first_visible(&mut postings).is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) fn term(&self, field: In, text: &str) -> Term {
        Term::from_field_text(self.field(field), text)
    }

    pub(crate) fn field(&self, field: In) -> Field {
        let fields = &self.snapshot.fields;
        match field {
            In::All => fields.all,
            In::Headline => fields.headline,
            In::Words => fields.words,
            In::Ident => fields.ident,
            In::Label => fields.label,
        }
    }
}

impl<'s> View<'s> {
    fn new(
        snapshot: &'s Snapshot,
        reader: &'s SegmentReader,
        open: bool,
        allowed: Option<Allowed>,
    ) -> Result<Self, SearchError> {
        let fields = &snapshot.fields;
        Ok(Self {
            reader,
            all: reader.inverted_index(fields.all)?,
            headline: reader.inverted_index(fields.headline)?,
            words: reader.inverted_index(fields.words)?,
            ident: reader.inverted_index(fields.ident)?,
            label: reader.inverted_index(fields.label)?,
            norms_all: reader.get_fieldnorms_reader(fields.all)?,
            norms_headline: reader.get_fieldnorms_reader(fields.headline)?,
            columns: snapshot.columns(reader)?,
            open,
            allowed,
            snapshot,
            store: RefCell::default(),
            looked_up: RefCell::default(),
        })
    }

    pub(crate) fn index(&self, field: In) -> &Arc<InvertedIndexReader> {
        match field {
            In::All => &self.all,
            In::Headline => &self.headline,
            In::Words => &self.words,
            In::Ident => &self.ident,
            In::Label => &self.label,
        }
    }

    pub(crate) fn postings(
        &self,
        term: Term,
        field: In,
        with: IndexRecordOption,
    ) -> Result<Option<SegmentPostings>, SearchError> {
        let info = self.look_up(term, field)?;
        Ok(info.map(|info| self.index(field).read_postings_from_terminfo(&info, with)).transpose()?)
    }

    /// Where the dictionary says that a term's tips are.
    fn look_up(&self, term: Term, field: In) -> Result<Option<TermInfo>, SearchError> {
        if let Some(known) = self.looked_up.borrow().get(&term) {
            return Ok(known.clone());
        }
        let info = self.index(field).get_term_info(&term)?;
        self.looked_up.borrow_mut().insert(term, info.clone());
        Ok(info)
    }

    /// The tips of a community, if the segment has any.
    pub(crate) fn own_tips(
        &self,
        scope: &Scope<'_>,
        community: CommunityId,
    ) -> Result<Option<SegmentPostings>, SearchError> {
        let own = scope.term(In::Label, &term(label::COMMUNITY, &community.0.simple().to_string()));
        self.postings(own, In::Label, IndexRecordOption::Basic)
    }

    /// Whether the caller may know of a tip. Hits, counts and dictionaries all ask here.
    pub(crate) fn sees(&self, doc: DocId) -> bool {
        !self.reader.is_deleted(doc)
            && self.allowed.as_ref().is_none_or(|allowed| {
                allowed.ords.first(doc).is_some_and(|ord| {
                    usize::try_from(ord).ok().and_then(|ord| allowed.by_ord.get(ord)).copied().unwrap_or(false)
                })
            })
    }

    /// Whether the caller may know of every tip.
    pub(crate) fn sees_all(&self) -> bool {
        !self.reader.has_deletes() && self.allowed.is_none()
    }

    /// The first tip of a posting list that the caller sees.
    pub(crate) fn first_visible(&self, postings: &mut SegmentPostings) -> Option<DocId> {
        let mut doc = postings.doc();
        while doc != TERMINATED {
            if self.sees(doc) {
                return Some(doc);
            }
            doc = postings.advance();
        }
        None
    }

    /// A tip as hits show it.
    pub(crate) fn tip(&self, doc: DocId) -> Result<Arc<TipDocument>, SearchError> {
        self.snapshot.shown.tip((self.reader.segment_id(), doc), self.snapshot.fields.shown, || {
            let mut store = self.store.borrow_mut();
            let store = match &mut *store {
                Some(open) => open,
                none => none.insert(self.reader.get_store_reader(STORE_BLOCKS)?),
            };
            Ok(store.get(doc)?)
        })
    }

    /// A column of labels, if any tip of the segment has one.
    pub(crate) fn labels(&self, name: &str) -> Result<Option<StrColumn>, SearchError> {
        Ok(self.reader.fast_fields().str(name)?)
    }
}

impl Allowed {
    fn new(reader: &SegmentReader, audience: &Audience) -> Result<Self, SearchError> {
        let column = reader
            .fast_fields()
            .str(column::COMMUNITY)?
            .ok_or_else(|| SearchError::Damaged("a segment has no community column".to_owned()))?;
        let mut by_ord = Vec::with_capacity(column.dictionary().num_terms());
        let mut value = String::new();
        for ord in 0..column.dictionary().num_terms() as u64 {
            value.clear();
            let found = column.ord_to_str(ord, &mut value)?;
            let community = value.split('/').next().and_then(|id| Uuid::try_parse(id).ok());
            by_ord.push(found && community.is_some_and(|id| audience.private.contains(&CommunityId(id))));
        }
        Ok(Self { ords: column.ords().clone(), by_ord })
    }
}
