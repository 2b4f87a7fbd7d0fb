//! Walks through the tips that have a slot, in one segment.

use std::ops::Range;
use std::rc::Rc;

use eureka_domain::ids::CommunityId;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings, SegmentPostings};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, TERMINATED};

use super::ranking::{self, DECLARED, HEADLINE, Norms};
use super::scope::{In, Scope, View};
use super::slot::{Place, Slot, Source};
use crate::error::SearchError;
use crate::index::snapshot::PublicStatistics;

/// Most tips that a list of words is gathered from, in one segment.
const MOST_GATHERED: usize = 400_000;
/// When lists hold more than one in so many tips, they are counted instead of sorted.
const DENSE: usize = 32;
/// Most places of words that are read for a phrase in one segment.
const MOST_PLACES: usize = 40_000;
/// The same in the whole open half, of which each segment has its share, for a phrase of words that each stand in more
/// than one of [`FEW_TIPS`] tips: small words have a great many places.
const MOST_COMMON_PLACES: usize = 10_000;
const FEW_TIPS: u32 = 3;
/// More often than this, any of several words says no more: however its tips are gathered, which hidden ones may decide.
const MOST_TIMES: u32 = u8::MAX as u32;
/// Most tips with a phrase that are looked for in one segment: a phrase that stands in more says little.
const MOST_WITH_PHRASE: usize = 10_000;

/// Length norms of both text fields, made once a search.
pub(crate) struct AllNorms {
    pub(crate) all: Norms,
    pub(crate) headline: Norms,
}

impl AllNorms {
    pub(crate) fn of(public: PublicStatistics) -> Self {
        Self {
            all: Norms::new(public.mean_all, ranking::B),
            headline: Norms::new(public.mean_headline, ranking::B_HEADLINE),
        }
    }
}

/// Tips with a frequency each, in order.
pub(crate) type Listed = Rc<Vec<(DocId, u32)>>;

/// A walk over tips with a frequency each.
pub(crate) enum Docs {
    Postings(Box<SegmentPostings>),
    List(Listed, usize),
    /// Those of the first that are among the second.
    Within(Box<(Docs, Docs)>),
}

impl Docs {
    pub(crate) fn doc(&self) -> DocId {
        match self {
            Self::Postings(postings) => postings.doc(),
            Self::List(list, at) => list.get(*at).map_or(TERMINATED, |entry| entry.0),
            // Either both stand on one tip, or one has come to its end.
            Self::Within(both) => both.0.doc().max(both.1.doc()),
        }
    }

    /// Those of a community, if one is named. `None` when it has none.
    fn of(
        self,
        scope: &Scope<'_>,
        view: &View<'_>,
        community: Option<CommunityId>,
    ) -> Result<Option<Self>, SearchError> {
        let Some(community) = community else { return Ok(Some(self)) };
        let own = view.own_tips(scope, community)?;
        Ok(own.map(|own| self.within(Self::Postings(Box::new(own)))))
    }

    /// Those that are among `others`.
    fn within(self, others: Self) -> Self {
        let mut both = Self::Within(Box::new((self, others)));
        both.seek(0);
        both
    }

    pub(crate) fn advance(&mut self) -> DocId {
        match self {
            Self::Postings(postings) => postings.advance(),
            Self::List(_, at) => {
                *at += 1;
                self.doc()
            }
            Self::Within(both) => {
                let next = both.0.advance();
                self.seek(next)
            }
        }
    }

    pub(crate) fn seek(&mut self, target: DocId) -> DocId {
        match self {
            Self::Postings(postings) => {
                if postings.doc() < target {
                    postings.seek(target)
                } else {
                    postings.doc()
                }
            }
            Self::List(list, at) => {
                let rest = list.get(*at..).unwrap_or_default();
                *at += rest.partition_point(|entry| entry.0 < target);
                self.doc()
            }
            Self::Within(both) => {
                let (docs, others) = &mut **both;
                let mut doc = docs.seek(target);
                while doc != TERMINATED {
                    let other = others.seek(doc);
                    if other == doc || other == TERMINATED {
                        break;
                    }
                    doc = docs.seek(other);
                }
                self.doc()
            }
        }
    }

    fn frequency(&self) -> u32 {
        match self {
            Self::Postings(postings) => postings.term_freq(),
            Self::List(list, at) => list.get(*at).map_or(0, |entry| entry.1),
            Self::Within(both) => both.0.frequency(),
        }
    }

    /// About how many tips there are.
    pub(crate) fn cost(&self) -> u32 {
        match self {
            Self::Postings(postings) => postings.size_hint(),
            Self::List(list, _) => u32::try_from(list.len()).unwrap_or(u32::MAX),
            Self::Within(both) => both.0.cost().min(both.1.cost()),
        }
    }
}

/// The walk of one alternative.
pub(crate) struct Way {
    docs: Docs,
    /// Where `docs` stands.
    doc: DocId,
    headline: Option<Box<SegmentPostings>>,
    /// Weight times inverse frequency.
    worth: f32,
    declared: bool,
    /// Whose tips alone have it this way.
    within: Option<CommunityId>,
    place: usize,
}

impl Way {
    /// The ways to have a slot, and apart from them those to have it in the headline.
    pub(crate) fn apart(
        scope: &Scope<'_>,
        view: &View<'_>,
        slot: &Slot,
    ) -> Result<(Vec<Self>, Vec<Self>), SearchError> {
        let mut text = Walk::new(scope, view, slot)?.ways;
        let mut headlines = Vec::new();
        for way in &mut text {
            let Some(headline) = way.headline.take() else { continue };
            let docs = Docs::Postings(headline);
            let Some(docs) = docs.of(scope, view, way.within)? else { continue };
            headlines.push(Self {
                doc: docs.doc(),
                docs,
                headline: None,
                worth: way.worth * HEADLINE,
                declared: false,
                within: way.within,
                place: way.place,
            });
        }
        Ok((text, headlines))
    }

    pub(crate) fn doc(&self) -> DocId {
        self.doc
    }

    /// Tells what it gives to each of a range of tips, and goes on behind them. Ranges rise.
    pub(crate) fn give(
        &mut self,
        tips: Range<DocId>,
        norms: &Norms,
        lengths: &FieldNormReader,
        mut to: impl FnMut(DocId, f32),
    ) {
        let (worth, declared) = (self.worth, self.declared);
        let mut give = |doc, frequency| {
            to(doc, worth * if declared { DECLARED } else { norms.saturate(frequency, lengths.fieldnorm_id(doc)) });
        };
        if self.doc < tips.start {
            self.doc = self.docs.seek(tips.start);
        }
        // Nearly all are posting lists: what they are is asked once, not for every tip.
        if let Docs::Postings(postings) = &mut self.docs {
            while self.doc < tips.end {
                give(self.doc, postings.term_freq());
                self.doc = postings.advance();
            }
        }
        while self.doc < tips.end {
            give(self.doc, self.docs.frequency());
            self.doc = self.docs.advance();
        }
    }
}

/// The walk of one slot: the union of its alternatives.
pub(crate) struct Walk {
    ways: Vec<Way>,
    doc: DocId,
    /// The most that this slot can add to a score, its headline aside.
    pub(crate) most: f32,
    /// About how many tips have it.
    pub(crate) cost: u32,
}

/// What a slot adds to one tip.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gain {
    pub(crate) score: f32,
    /// Which alternative gave it.
    pub(crate) alternative: usize,
}

impl Walk {
    pub(crate) fn new(scope: &Scope<'_>, view: &View<'_>, slot: &Slot) -> Result<Self, SearchError> {
        let mut ways = Vec::with_capacity(slot.alternatives.len());
        for (place, alternative) in slot.alternatives.iter().enumerate() {
            let Some(docs) = open(scope, view, &alternative.source, IndexRecordOption::WithFreqs)? else { continue };
            let Some(docs) = docs.of(scope, view, alternative.within)? else { continue };
            let headline = match &alternative.source {
                Source::Term(In::All, term) => view
                    .postings(scope.term(In::Headline, term), In::Headline, IndexRecordOption::WithFreqs)?
                    .map(Box::new),
                _ => None,
            };
            let declared = matches!(alternative.source, Source::Term(In::Label, _));
            ways.push(Way {
                doc: docs.doc(),
                docs,
                headline,
                worth: alternative.weight * alternative.idf * slot.times,
                declared,
                within: alternative.within,
                place,
            });
        }
        let most = ways.iter().map(|way| ranking::most(way.worth, way.declared)).fold(0.0, f32::max);
        let cost = ways.iter().map(|way| way.docs.cost()).fold(0, u32::saturating_add);
        let doc = ways.iter().map(|way| way.doc).min().unwrap_or(TERMINATED);
        Ok(Self { ways, doc, most, cost })
    }

    pub(crate) fn doc(&self) -> DocId {
        self.doc
    }

    pub(crate) fn seek(&mut self, target: DocId) -> DocId {
        if self.doc >= target {
            return self.doc;
        }
        self.doc = TERMINATED;
        for way in &mut self.ways {
            if way.doc < target {
                way.doc = way.docs.seek(target);
            }
            self.doc = self.doc.min(way.doc);
        }
        self.doc
    }

    /// What the slot adds to the tip it stands on.
    pub(crate) fn gain(&mut self, view: &View<'_>, norms: &AllNorms) -> Gain {
        let doc = self.doc;
        let mut best = Gain::default();
        let length = view.norms_all.fieldnorm_id(doc);
        for way in &mut self.ways {
            if way.doc != doc {
                continue;
            }
            let mut score = if way.declared { DECLARED } else { norms.all.saturate(way.docs.frequency(), length) };
            if let Some(headline) = &mut way.headline
                && headline.doc() <= doc
                && (headline.doc() == doc || headline.seek(doc) == doc)
            {
                score +=
                    HEADLINE * norms.headline.saturate(headline.term_freq(), view.norms_headline.fieldnorm_id(doc));
            }
            score *= way.worth;
            if score > best.score {
                best = Gain { score, alternative: way.place };
            }
        }
        best
    }
}

/// The tips of a source. `None` when there are none.
pub(crate) fn open(
    scope: &Scope<'_>,
    view: &View<'_>,
    source: &Source,
    with: IndexRecordOption,
) -> Result<Option<Docs>, SearchError> {
    match source {
        Source::Term(field, term) => Ok(view
            .postings(scope.term(*field, term), *field, with)?
            .map(|postings| Docs::Postings(Box::new(postings)))),
        Source::AnyOf(..) | Source::Phrase(_) => {
            let list = if let Some(list) = scope.gathered(view, source) {
                list
            } else {
                let list = Rc::new(gather(scope, view, source)?);
                scope.keep_gathered(view, source, &list);
                list
            };
            Ok((!list.is_empty()).then_some(Docs::List(list, 0)))
        }
    }
}

/// The tips of a source that takes reading several posting lists at once.
fn gather(scope: &Scope<'_>, view: &View<'_>, source: &Source) -> Result<Vec<(DocId, u32)>, SearchError> {
    let (field, terms) = match source {
        Source::AnyOf(field, terms) => (*field, terms.as_slice()),
        Source::Term(field, term) => (*field, std::slice::from_ref(term)),
        Source::Phrase(places) => return phrase(scope, view, places),
    };
    let mut all = Vec::with_capacity(terms.len());
    for term in terms {
        all.extend(view.postings(scope.term(field, term), field, IndexRecordOption::WithFreqs)?);
    }
    let tips = view.reader.max_doc() as usize;
    if all.iter().map(|postings| postings.size_hint() as usize).sum::<usize>() > tips / DENSE {
        return Ok(counted(all, tips));
    }
    let mut list: Vec<(DocId, u32)> = Vec::new();
    for mut postings in all {
        let mut doc = postings.doc();
        while doc != TERMINATED && list.len() < MOST_GATHERED {
            list.push((doc, postings.term_freq().min(MOST_TIMES)));
            doc = postings.advance();
        }
    }
    list.sort_unstable();
    list.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 = (earlier.1 + later.1).min(MOST_TIMES);
        }
        same
    });
    Ok(list)
}

/// The tips of many long lists, counted tip by tip: quicker than sorting when they are a good part of all.
fn counted(all: Vec<SegmentPostings>, tips: usize) -> Vec<(DocId, u32)> {
    let mut counts = vec![0_u8; tips];
    let mut found = 0;
    for mut postings in all {
        let mut doc = postings.doc();
        while doc != TERMINATED {
            if let Some(count) = counts.get_mut(doc as usize) {
                found += usize::from(*count == 0);
                *count = count.saturating_add(u8::try_from(postings.term_freq()).unwrap_or(u8::MAX));
            }
            doc = postings.advance();
        }
    }
    let mut list = Vec::with_capacity(found);
    list.extend((0..).zip(counts).filter(|(_, count)| *count > 0).map(|(doc, count)| (doc, u32::from(count))));
    list
}

/// One place of a phrase: the union of its terms, with positions.
struct PlaceWalk {
    terms: Vec<SegmentPostings>,
    reach: u32,
}

impl PlaceWalk {
    fn seek(&mut self, target: DocId) -> DocId {
        let mut least = TERMINATED;
        for postings in &mut self.terms {
            if postings.doc() < target {
                postings.seek(target);
            }
            least = least.min(postings.doc());
        }
        least
    }

    fn positions(&mut self, doc: DocId, out: &mut Vec<u32>) {
        out.clear();
        for postings in &mut self.terms {
            if postings.doc() == doc {
                postings.append_positions_with_offset(0, out);
            }
        }
        if self.terms.len() > 1 {
            out.sort_unstable();
        }
    }

    fn cost(&self) -> u32 {
        self.terms.iter().map(DocSet::size_hint).fold(0, u32::saturating_add)
    }
}

fn phrase(scope: &Scope<'_>, view: &View<'_>, places: &[Place]) -> Result<Vec<(DocId, u32)>, SearchError> {
    let mut walks = Vec::with_capacity(places.len());
    for place in places {
        let mut terms = Vec::new();
        for term in &place.terms {
            terms.extend(view.postings(
                scope.term(In::All, term),
                In::All,
                IndexRecordOption::WithFreqsAndPositions,
            )?);
        }
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        walks.push(PlaceWalk { terms, reach: place.reach });
    }
    let Some(lead) = (0..walks.len()).min_by_key(|place| walks.get(*place).map_or(0, PlaceWalk::cost)) else {
        return Ok(Vec::new());
    };
    let rarest = walks.get(lead).map_or(0, PlaceWalk::cost);
    let common = view.open && rarest > view.reader.max_doc() / FEW_TIPS;
    let most_places = if common { scope.share_of(view, MOST_COMMON_PLACES) } else { MOST_PLACES };
    let mut list = Vec::new();
    let (mut target, mut places) = (0, 0);
    let (mut ends, mut next, mut reached) = (Vec::new(), Vec::new(), Vec::new());
    'docs: while let Some(doc) = walks.get_mut(lead).map(|walk| walk.seek(target)) {
        if doc == TERMINATED {
            break;
        }
        if list.len() == MOST_WITH_PHRASE || places > most_places {
            scope.cut_short();
            break;
        }
        for walk in &mut walks {
            let found = walk.seek(doc);
            if found != doc {
                target = found;
                continue 'docs;
            }
        }
        target = doc + 1;
        if !view.sees(doc) {
            continue;
        }
        let mut walks = walks.iter_mut();
        if let Some(first) = walks.next() {
            first.positions(doc, &mut ends);
            places += ends.len();
        }
        for walk in walks {
            walk.positions(doc, &mut next);
            places += next.len();
            follow(&ends, &next, walk.reach, &mut reached);
            std::mem::swap(&mut ends, &mut reached);
            if ends.is_empty() {
                break;
            }
        }
        if !ends.is_empty() {
            list.push((doc, u32::try_from(ends.len()).unwrap_or(u32::MAX)));
        }
    }
    Ok(list)
}

/// Those of `next` that stand at most `reach` positions behind one of `ends`. All lists rise.
fn follow(ends: &[u32], next: &[u32], reach: u32, out: &mut Vec<u32>) {
    out.clear();
    let mut ends = ends.iter().copied().peekable();
    let mut before = None;
    for position in next.iter().copied() {
        while let Some(end) = ends.next_if(|end| *end < position) {
            before = Some(end);
        }
        if before.is_some_and(|end| position - end <= reach) {
            out.push(position);
        }
    }
}

/// Walks that must not match, or that filter: only membership counts.
pub(crate) struct Membership(Vec<Docs>);

impl Membership {
    pub(crate) fn new(scope: &Scope<'_>, view: &View<'_>, sources: &[Source]) -> Result<Self, SearchError> {
        let mut docs = Vec::new();
        for source in sources {
            docs.extend(open(scope, view, source, IndexRecordOption::Basic)?);
        }
        Ok(Self(docs))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a tip is among them. Tips are asked for in rising order.
    pub(crate) fn has(&mut self, doc: DocId) -> bool {
        self.0.iter_mut().any(|docs| docs.seek(doc) == doc)
    }

    pub(crate) fn cost(&self) -> u32 {
        self.0.iter().map(Docs::cost).fold(0, u32::saturating_add)
    }

    /// The first tip at or after `target` that is among them.
    pub(crate) fn next(&mut self, target: DocId) -> DocId {
        self.0.iter_mut().map(|docs| docs.seek(target)).min().unwrap_or(TERMINATED)
    }
}
