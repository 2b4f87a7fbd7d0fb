//! Tips as an assistant gets them: what may hurt first, and what it takes to cite them.

use std::sync::Arc;

use eureka_domain::Instant;
use eureka_domain::tip::Safety;
use eureka_service::{SearchResponse, SimilarTip, TipDocument, TipView};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::search::{HitTip, hit_tip};
use crate::similar::{SimilarTipBody, WhyBody, similar_items};
use crate::tips::{ConfidenceWord, TipBody, page};

/// A tip with what it takes to cite it.
#[derive(Serialize, ToSchema)]
pub(super) struct CitedTip {
    /// What may hurt, or why it must not be used now: tell it before anything else, word for word.
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_text: Option<String>,
    /// For ever.
    id: Uuid,
    /// The human key.
    number: String,
    /// The revision that this is.
    revision: i32,
    /// How far it can be relied on.
    confidence: ConfidenceWord,
    /// Where it stands.
    link: String,
    /// The tip.
    tip: TipBody,
}

/// A tip of a list, with what it takes to cite it.
#[derive(Serialize, ToSchema)]
pub(super) struct CitedHit {
    /// What may hurt: tell it before anything else, word for word.
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_text: Option<String>,
    /// For ever.
    id: Uuid,
    /// The human key.
    number: String,
    /// The revision that was found.
    revision: i32,
    /// How far it can be relied on.
    confidence: ConfidenceWord,
    /// Where it stands.
    link: String,
    /// The tip, as much as a list shows: read it before you rely on it.
    tip: HitTip,
}

/// What a search found.
#[derive(Serialize, ToSchema)]
pub(super) struct FoundTips {
    /// The tips, best first.
    items: Vec<CitedHit>,
    /// How many there are, at least.
    total: u64,
    /// Whether no tip had all that was asked for, and these have some of it.
    relaxed: bool,
    /// The query as it was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    did_you_mean: Option<String>,
}

/// Tips that look like a text.
#[derive(Serialize, ToSchema)]
pub(super) struct AlikeTips {
    /// The tips, the most alike first.
    items: Vec<AlikeTip>,
}

/// A tip that looks like a text, and why.
#[derive(Serialize, ToSchema)]
pub(super) struct AlikeTip {
    /// What may hurt: tell it before anything else, word for word.
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_text: Option<String>,
    /// For ever.
    id: Uuid,
    /// The human key.
    number: String,
    /// The revision that was found.
    revision: i32,
    /// How far it can be relied on.
    confidence: ConfidenceWord,
    /// Where it stands.
    link: String,
    /// How alike, 0 to 1.
    likeness: f32,
    /// What both have.
    why: WhyBody,
    /// The tip, as much as a list shows: read it before you rely on it.
    tip: HitTip,
}

/// A draft that was started.
#[derive(Serialize, ToSchema)]
pub(super) struct DraftedTip {
    /// For ever.
    pub(super) id: Uuid,
    /// The human key.
    pub(super) number: String,
    /// Its first revision.
    pub(super) revision: i32,
    /// Where it stands, for its author alone until they send it to reviewers.
    pub(super) link: String,
    /// Whether it had been started before, by the same call.
    pub(super) replayed: bool,
}

/// Where a tip stands, to be read by people.
pub(super) fn link(base: &str, number: &str) -> String {
    format!("{base}/v1/tips/{number}.md")
}

impl CitedTip {
    /// The whole tip as one page, and how to cite it.
    pub(super) fn page(&self, view: &TipView) -> String {
        let confidence = view.tip.confidence.word().replace('_', " ");
        format!("{}- Cite: {}, revision {}, {confidence}, {}\n", page(view), self.number, self.revision, self.link)
    }

    pub(super) fn new(view: &TipView, base: &str) -> Self {
        let number = view.tip.number.to_string();
        let hazard = hazard(view.shown.text.safety, view.shown.text.hazard.as_deref());
        let hold = view.tip.hold.as_ref().map(|reason| format!("Stop: do not use this tip now. {reason}"));
        let texts: Vec<String> = hold.into_iter().chain(hazard).collect();
        Self {
            safety_text: (!texts.is_empty()).then(|| texts.join("\n")),
            id: view.tip.id.0,
            link: link(base, &number),
            number,
            revision: view.shown.number,
            confidence: view.tip.confidence.into(),
            tip: TipBody::from(view),
        }
    }
}

impl CitedHit {
    fn new(tip: &Arc<TipDocument>, now: Instant, base: &str) -> Self {
        let number = tip.number.to_string();
        Self {
            safety_text: hazard(tip.safety, tip.hazard.as_deref()),
            id: tip.tip.0,
            link: link(base, &number),
            number,
            revision: tip.revision,
            confidence: tip.confidence.into(),
            tip: hit_tip(tip, now),
        }
    }
}

impl FoundTips {
    pub(super) fn new(found: &SearchResponse, now: Instant, base: &str) -> Self {
        Self {
            items: found.hits.iter().map(|hit| CitedHit::new(&hit.tip, now, base)).collect(),
            total: found.total.value,
            relaxed: !found.relaxed.is_empty(),
            did_you_mean: found.did_you_mean.clone(),
        }
    }
}

impl AlikeTips {
    pub(super) fn new(found: Vec<SimilarTip>, now: Instant, base: &str) -> Self {
        let cited: Vec<CitedHit> = found.iter().map(|similar| CitedHit::new(&similar.tip, now, base)).collect();
        let similar = similar_items(found, now).into_iter();
        let items = cited.into_iter().zip(similar).map(|(cited, SimilarTipBody { likeness, why, .. })| {
            let CitedHit { safety_text, id, number, revision, confidence, link, tip } = cited;
            AlikeTip { safety_text, id, number, revision, confidence, link, likeness, why, tip }
        });
        Self { items: items.collect() }
    }
}

fn hazard(safety: Safety, hazard: Option<&str>) -> Option<String> {
    let word = match safety {
        Safety::None => return None,
        Safety::Caution => "Caution",
        Safety::Danger => "Danger",
    };
    Some(format!("{word}: {}", hazard.unwrap_or("the tip does not say why")))
}
