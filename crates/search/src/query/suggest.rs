//! Completions while the caller types: codes, products, titles, words. Every one stands in a tip that the caller may
//! read, or in the glossary of a community that the caller knows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eureka_domain::ids::TipNumber;
use eureka_domain::visibility::Audience;
use tantivy::columnar::StrColumn;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, TERMINATED};

use super::docs::{AllNorms, Membership};
use super::lexicon::{self, Entry};
use super::plan::{self, Plan};
use super::ranking::{self, Norms};
use super::relax;
use super::request::Sort;
use super::retrieve::{Passage, by_rank};
use super::scope::{In, Scope, View};
use super::slot::{How, Source};
use super::token::{Token, tokens};
use crate::analysis::scan::Kind;
use crate::analysis::{fold, identifier, scan};
use crate::document::TipDocument;
use crate::error::SearchError;
use crate::index::Index;
use crate::index::record::{label, plain, term};
use crate::index::snapshot::Snapshot;
use crate::pool::guarded;
use crate::schema::column;

/// Longest text that is completed, in bytes.
const LONGEST: usize = 200;
/// A single letter alone begins too many words to say anything.
const LEAST_LETTERS: usize = 2;
/// Most completions of one kind.
const MOST_EACH: usize = 5;
/// Most tips that product names are gathered from, for each word and segment.
const MOST_LOOKED_AT: usize = 256;
/// Product names read of each segment.
const MOST_NAMES: usize = 32;
/// Titles looked at, to find those that hold every word.
const TITLES: usize = 24;

/// What was typed so far, and by whom.
#[derive(Debug, Clone)]
pub struct SuggestRequest {
    /// What was typed. The last word is unfinished unless a space follows it.
    pub q: String,
    /// Whose tips the caller may read.
    pub audience: Audience,
    /// The language of the caller's screen.
    pub ui_lang: Option<String>,
    /// Completions from the glossaries of the communities that the caller reads: see [`crate::Glossary::complete`].
    pub terms: Vec<String>,
    /// Most completions to return.
    pub limit: usize,
    /// Wall time after which no more are looked for and [`SearchError::TimedOut`] is given.
    pub deadline: Duration,
}

impl SuggestRequest {
    /// Up to ten completions for everyone's eyes.
    pub fn new(q: impl Into<String>) -> Self {
        Self {
            q: q.into(),
            audience: Audience::default(),
            ui_lang: None,
            terms: Vec::new(),
            limit: 10,
            deadline: Duration::from_millis(500),
        }
    }
}

/// One completion.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Suggestion {
    /// What it is.
    pub kind: SuggestionKind,
    /// The whole text to search for, as it is written in the tips.
    pub text: String,
    /// The tip, when the completion is a tip's title.
    pub tip: Option<TipNumber>,
}

/// What a completion is; in this order they are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SuggestionKind {
    /// A fault code.
    FaultCode,
    /// A part number.
    Part,
    /// A product.
    Product,
    /// What was typed, with its last words completed to a term of a glossary.
    Term,
    /// The title of a tip.
    Title,
    /// What was typed, with its last word completed.
    Word,
}

impl Index {
    /// Completes what was typed. Nothing is an error; nothing found is an empty list.
    pub fn suggest(&self, request: &SuggestRequest) -> Result<Vec<Suggestion>, SearchError> {
        let snapshot = self.snapshot();
        guarded(|| suggest(&snapshot, request))
    }
}

fn suggest(snapshot: &Snapshot, request: &SuggestRequest) -> Result<Vec<Suggestion>, SearchError> {
    let typed = request.q.get(..request.q.floor_char_boundary(LONGEST)).unwrap_or_default().trim_start();
    let scope = Scope::new(snapshot, &request.audience)?;
    let tokens = tokens(typed);
    let Some(last) = tokens.last() else { return Ok(Vec::new()) };
    let typing = Typing { scope: &scope, typed, tokens: &tokens, last, until: Instant::now() + request.deadline };
    let mut out = typing.identifiers(SuggestionKind::FaultCode, label::FAULT_CODE)?;
    out.extend(typing.identifiers(SuggestionKind::Part, label::PART)?);
    out.extend(typing.products()?);
    let term = |text: &String| Suggestion { kind: SuggestionKind::Term, text: text.clone(), tip: None };
    out.extend(request.terms.iter().take(MOST_EACH).map(term));
    let telling = last.folded.chars().count() >= LEAST_LETTERS || last.kind == Kind::Ideographs;
    if telling || tokens.len() > 1 {
        out.extend(typing.titles(request.ui_lang.as_deref())?);
    }
    if telling {
        out.extend(typing.words()?);
    }
    let mut seen = HashSet::new();
    out.retain(|each| seen.insert(fold::folded(&each.text)));
    out.truncate(request.limit);
    Ok(out)
}

/// What is being typed.
struct Typing<'a> {
    scope: &'a Scope<'a>,
    typed: &'a str,
    tokens: &'a [Token],
    last: &'a Token,
    until: Instant,
}

impl Typing<'_> {
    /// Declared codes that begin so, as their tips write them.
    fn identifiers(&self, kind: SuggestionKind, mark: char) -> Result<Vec<Suggestion>, SearchError> {
        let mut beginnings = vec![identifier::dotted(self.typed), identifier::dotted(&self.last.text)];
        beginnings.retain(|beginning| beginning.chars().count() >= 2 || beginning.bytes().any(|b| b.is_ascii_digit()));
        beginnings.dedup();
        let mut out = Vec::new();
        for beginning in beginnings {
            for entry in lexicon::beginning_with(self.scope, In::Label, &term(mark, &beginning), MOST_EACH)? {
                let Some(tip) = self.first_tip(&entry)? else { continue };
                let wanted = entry.word.get(mark.len_utf8()..).unwrap_or_default();
                let is_wanted = |code: &&String| identifier::dotted(code) == wanted;
                let code = match kind {
                    SuggestionKind::FaultCode => tip.all_fault_codes().find(is_wanted),
                    _ => tip.all_parts().find(is_wanted),
                };
                out.extend(code.map(|code| Suggestion { kind, text: code.clone(), tip: None }));
            }
            if !out.is_empty() {
                break;
            }
        }
        Ok(out)
    }

    fn first_tip(&self, entry: &Entry) -> Result<Option<Arc<TipDocument>>, SearchError> {
        for view in &self.scope.views {
            let term = self.scope.term(In::Label, &entry.word);
            if let Some(mut postings) = view.postings(term, In::Label, IndexRecordOption::Basic)?
                && let Some(doc) = view.first_visible(&mut postings)
            {
                return self.tip(view, doc).map(Some);
            }
        }
        Ok(None)
    }

    fn tip(&self, view: &View<'_>, doc: DocId) -> Result<Arc<TipDocument>, SearchError> {
        self.in_time()?;
        view.tip(doc)
    }

    fn in_time(&self) -> Result<(), SearchError> {
        if Instant::now() < self.until { Ok(()) } else { Err(SearchError::TimedOut) }
    }

    /// Products whose names hold every word, the last one as a beginning; those of the most tips first.
    fn products(&self) -> Result<Vec<Suggestion>, SearchError> {
        let typed = plain(self.typed);
        let mut words = typed.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>();
        let Some(beginning) = words.pop() else { return Ok(Vec::new()) };
        let whole =
            words.iter().map(|word| Source::Term(In::Label, term(label::PRODUCT_WORD, word))).collect::<Vec<_>>();
        let mut counts: HashMap<String, u32> = HashMap::new();
        let begun = lexicon::beginning_with(self.scope, In::Label, &term(label::PRODUCT_WORD, beginning), 8)?;
        for view in &self.scope.views {
            self.in_time()?;
            let mut ords = HashMap::new();
            let Some(names) = view.labels(column::PRODUCT)? else { continue };
            for entry in &begun {
                self.count_products(view, &entry.word, &whole, &names, &mut ords)?;
            }
            let mut ords = ords.into_iter().collect::<Vec<_>>();
            ords.sort_by_key(|(ord, count)| (std::cmp::Reverse(*count), *ord));
            // Reading a name costs more than counting it.
            for (ord, count) in ords.into_iter().take(MOST_NAMES) {
                let mut name = String::new();
                if names.ord_to_str(ord, &mut name)? {
                    *counts.entry(name).or_insert(0) += count;
                }
            }
        }
        let mut products = counts.into_iter().filter(|(name, _)| holds_all(name, self.tokens)).collect::<Vec<_>>();
        products.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        products.truncate(MOST_EACH);
        Ok(products
            .into_iter()
            .map(|(text, _)| Suggestion { kind: SuggestionKind::Product, text, tip: None })
            .collect())
    }

    /// Counts the product names of tips that have a product word, and all of the `whole` ones.
    fn count_products(
        &self,
        view: &View<'_>,
        word: &str,
        whole: &[Source],
        names: &StrColumn,
        ords: &mut HashMap<u64, u32>,
    ) -> Result<(), SearchError> {
        let term = self.scope.term(In::Label, word);
        let Some(mut postings) = view.postings(term, In::Label, IndexRecordOption::Basic)? else { return Ok(()) };
        let mut others = whole
            .iter()
            .map(|source| Membership::new(self.scope, view, std::slice::from_ref(source)))
            .collect::<Result<Vec<_>, _>>()?;
        let mut looked_at = 0;
        while let Some(doc) = view.first_visible(&mut postings)
            && looked_at < MOST_LOOKED_AT
        {
            if others.iter_mut().all(|other| other.has(doc)) {
                looked_at += 1;
                for ord in names.term_ords(doc) {
                    *ords.entry(ord).or_insert(0) += 1;
                }
            }
            if postings.advance() == TERMINATED {
                break;
            }
        }
        Ok(())
    }

    /// Titles that hold every word, the last one as a beginning; found through headlines, which are short.
    fn titles(&self, ui_lang: Option<&str>) -> Result<Vec<Suggestion>, SearchError> {
        let mut plan = plan::plan(self.scope, self.typed, &[], &[], &[], ui_lang)?;
        relax::complete_last_word(self.scope, &mut plan)?;
        in_headlines(&mut plan);
        let public = self.scope.snapshot.public;
        let norms = AllNorms {
            all: Norms::new(public.mean_headline, ranking::B_HEADLINE),
            headline: Norms::new(public.mean_headline, ranking::B_HEADLINE),
        };
        let passage = Passage {
            scope: self.scope,
            slots: &plan.slots,
            demands: &[],
            excluded: &[],
            norms: &norms,
            sort: Sort::Relevance,
            deadline: self.until,
            shown: &HashSet::new(),
            after: None,
            now_micros: 0,
            only_empty: plan.only_empty,
        };
        let mut found = passage.complete(TITLES, None)?.best;
        found.sort_by(by_rank);
        let mut out = Vec::new();
        for candidate in found {
            let Some(view) = self.scope.views.get(candidate.view) else { continue };
            let tip = self.tip(view, candidate.doc)?;
            if holds_all(&tip.title, self.tokens) {
                out.push(Suggestion { kind: SuggestionKind::Title, text: tip.title.clone(), tip: Some(tip.number) });
            }
            if out.len() == MOST_EACH {
                break;
            }
        }
        Ok(out)
    }

    /// What was typed with its last word completed.
    fn words(&self) -> Result<Vec<Suggestion>, SearchError> {
        if self.last.has_digit() || self.last.end < self.typed.len() {
            return Ok(Vec::new());
        }
        let before = self.typed.get(..self.last.start).unwrap_or_default();
        let entries = lexicon::beginning_with(self.scope, In::Words, &self.last.folded, MOST_EACH + 1)?;
        Ok(entries
            .into_iter()
            .filter(|entry| entry.word != self.last.folded)
            .take(MOST_EACH)
            .map(|entry| Suggestion { kind: SuggestionKind::Word, text: format!("{before}{}", entry.word), tip: None })
            .collect())
    }
}

/// Asks for every word in headlines instead of in the whole text.
fn in_headlines(plan: &mut Plan) {
    for slot in &mut plan.slots {
        slot.alternatives.retain_mut(|alternative| match &mut alternative.source {
            Source::Term(field @ In::All, _) | Source::AnyOf(field @ In::All, _) => {
                *field = In::Headline;
                true
            }
            _ => false,
        });
        if !slot.near.is_empty() {
            let source = Source::AnyOf(In::Headline, std::mem::take(&mut slot.near));
            slot.alternatives.push(plan::alternative(source, ranking::weight::PREFIX, How::Prefix));
        }
    }
}

/// Whether a text holds every typed word, as words or as their beginnings.
fn holds_all(text: &str, tokens: &[Token]) -> bool {
    let mut words = Vec::new();
    scan::scan(text, |piece| words.push(fold::folded(piece.text)));
    tokens.iter().all(|token| words.iter().any(|word| word.starts_with(token.folded.as_str())))
}
