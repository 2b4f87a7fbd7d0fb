//! Look-alikes of a text among the tips that the caller may read: for whoever writes a tip, and for its reviewers.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eureka_domain::ids::TipId;
use eureka_domain::tip::LABELS_MAX;
use eureka_domain::visibility::Audience;
use serde::Serialize;
use tantivy::fieldnorm::FieldNormReader;

use super::docs::AllNorms;
use super::plan::{self, Plan};
use super::ranking::HEADLINE;
use super::request::Sort;
use super::retrieve::{Candidate, Passage, by_rank};
use super::scope::Scope;
use super::slot::{Slot, SlotKind};
use super::token;
use crate::analysis::identifier;
use crate::answer::explain;
use crate::document::TipDocument;
use crate::error::SearchError;
use crate::index::Index;
use crate::index::record::plain;
use crate::index::snapshot::Snapshot;
use crate::pool::guarded;

/// Most words of the text that look-alikes are found by, the most telling ones.
const MOST_WORDS: usize = 24;
/// Longest text that is looked at, in bytes.
const LONGEST: usize = 4_000;
/// Words named as a reason.
const MOST_REASONS: usize = 8;
/// Most look-alikes that can be asked for.
const MOST: usize = 50;

/// A text to find look-alikes of.
#[derive(Debug, Clone, Default)]
pub struct SimilarRequest {
    /// Its title; counts double.
    pub title: String,
    /// The rest of the text; its beginning is looked at.
    pub text: String,
    /// Its fault codes; as many are looked at as a tip may have, here and below.
    pub fault_codes: Vec<String>,
    /// Its part numbers.
    pub parts: Vec<String>,
    /// Its products.
    pub products: Vec<String>,
    /// The tip itself, when it is indexed already: it is no look-alike.
    pub not: Option<TipId>,
    /// Whose tips the caller may read.
    pub audience: Audience,
    /// Most look-alikes to return, up to 50.
    pub limit: usize,
    /// Wall time after which the search gives up with [`SearchError::TimedOut`].
    pub deadline: Duration,
}

impl SimilarRequest {
    /// Up to five look-alikes of a title and a text, for everyone's eyes.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { title: title.into(), text: text.into(), limit: 5, deadline: Duration::from_secs(2), ..Self::default() }
    }

    /// Look-alikes of a tip, itself left out.
    pub fn of(tip: &TipDocument) -> Self {
        let texts = [Some(&tip.problem), tip.cause.as_ref(), tip.solution.as_ref()];
        Self {
            fault_codes: tip.fault_codes.clone(),
            parts: tip.parts.clone(),
            products: tip.products.clone(),
            not: Some(tip.tip),
            ..Self::new(tip.title.clone(), texts.into_iter().flatten().cloned().collect::<Vec<_>>().join("\n"))
        }
    }
}

/// A tip that looks like the text.
#[derive(Debug, Clone)]
pub struct SimilarTip {
    /// The tip as indexed.
    pub tip: Arc<TipDocument>,
    /// How alike, 0 to 1: its score as a share of what the text itself would score.
    pub likeness: f32,
    /// What both have.
    pub why: Why,
}

/// What two texts have in common, in the words of the text that was asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Why {
    /// Fault codes of both.
    pub fault_codes: Vec<String>,
    /// Part numbers of both.
    pub parts: Vec<String>,
    /// Products of both.
    pub products: Vec<String>,
    /// Words of both, the most telling first.
    pub words: Vec<String>,
}

impl Index {
    /// Finds look-alikes, the most alike first.
    pub fn similar(&self, request: &SimilarRequest) -> Result<Vec<SimilarTip>, SearchError> {
        let snapshot = self.snapshot();
        guarded(|| similar(&snapshot, request))
    }
}

fn similar(snapshot: &Snapshot, request: &SimilarRequest) -> Result<Vec<SimilarTip>, SearchError> {
    let scope = Scope::new(snapshot, &request.audience)?;
    let text = joined(request);
    let mut plan = plan::plan(&scope, &text, &[], &[], &[], None)?;
    if plan.only_empty {
        return Ok(Vec::new());
    }
    plan.keep_most_telling(MOST_WORDS);
    let norms = AllNorms::of(snapshot.public);
    let limit = request.limit.min(MOST);
    let passage = Passage {
        scope: &scope,
        slots: &plan.slots,
        demands: &[],
        excluded: &[],
        norms: &norms,
        sort: Sort::Relevance,
        deadline: Instant::now() + request.deadline,
        shown: &HashSet::new(),
        after: None,
        now_micros: 0,
        only_empty: plan.only_empty,
    };
    let mut found = passage.partial(limit + 1, None)?.best;
    found.sort_by(by_rank);
    let best_possible = self_score(&plan, &norms, request);
    let gains = explain::gains(&scope, &plan.slots, &norms, &found)?;
    let mut out = Vec::with_capacity(limit);
    for (candidate, gains) in found.iter().zip(&gains) {
        let Some(tip) = tip_of(&scope, candidate)? else { continue };
        if Some(tip.tip) == request.not || out.len() == limit {
            continue;
        }
        let shared = plan.slots.iter().zip(gains).filter(|(_, gain)| gain.is_some()).map(|(slot, _)| slot);
        #[allow(clippy::cast_possible_truncation, reason = "it began as single precision")]
        let likeness = (candidate.rank as f32 / best_possible).clamp(0.0, 1.0);
        out.push(SimilarTip { likeness, why: why(request, &tip, shared), tip });
    }
    Ok(out)
}

/// The text as one: what matters most comes first, since only a beginning is read.
fn joined(request: &SimilarRequest) -> String {
    let mut text = format!("{0}\n{0}\n", request.title);
    let labels = [&request.fault_codes, &request.parts, &request.products];
    for label in labels.into_iter().flat_map(|labels| labels.iter().take(LABELS_MAX)) {
        text.push_str(label);
        text.push('\n');
    }
    text.push_str(&request.text);
    text.truncate(text.floor_char_boundary(LONGEST));
    text
}

fn tip_of(scope: &Scope<'_>, candidate: &Candidate) -> Result<Option<Arc<TipDocument>>, SearchError> {
    let Some(view) = scope.views.get(candidate.view) else { return Ok(None) };
    view.tip(candidate.doc).map(Some)
}

/// What the text would score if it were a tip: every word as often as it stands there, at that length.
fn self_score(plan: &Plan, norms: &AllNorms, request: &SimilarRequest) -> f32 {
    let length = |text: &str| FieldNormReader::fieldnorm_to_id(u32::try_from(token::tokens(text).len()).unwrap_or(1));
    let title = token::tokens(&request.title).into_iter().map(|token| token.folded).collect::<HashSet<_>>();
    let (whole, headline) = (length(&format!("{} {}", request.title, request.text)), length(&request.title));
    let sum = plan
        .slots
        .iter()
        .filter(|slot| !slot.silent)
        .map(|slot| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "three at most")]
            let mut score = norms.all.saturate((slot.times as u32).max(1), whole);
            if title.contains(&slot.surface) {
                score += HEADLINE * norms.headline.saturate(1, headline);
            }
            score * slot.idf * slot.times
        })
        .sum::<f32>();
    sum.max(f32::MIN_POSITIVE)
}

fn why<'s>(request: &SimilarRequest, tip: &TipDocument, shared: impl Iterator<Item = &'s Slot>) -> Why {
    let both = |ours: &[String], theirs: &[String], form: fn(&str) -> String| {
        let theirs = theirs.iter().map(|each| form(each)).collect::<HashSet<_>>();
        ours.iter().take(LABELS_MAX).filter(|each| theirs.contains(&form(each))).cloned().collect::<Vec<_>>()
    };
    let mut words = shared
        .filter(|slot| slot.kind != SlotKind::Ideographs && !slot.silent)
        .map(|slot| (slot.idf * slot.times, slot.word.clone()))
        .collect::<Vec<_>>();
    words.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    words.truncate(MOST_REASONS);
    Why {
        fault_codes: both(&request.fault_codes, &tip.fault_codes, identifier::dotted),
        parts: both(&request.parts, &tip.parts, identifier::dotted),
        products: both(&request.products, &tip.products, plain),
        words: words.into_iter().map(|(_, word)| word).collect(),
    }
}
