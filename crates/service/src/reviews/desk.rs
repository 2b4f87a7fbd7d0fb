//! The reviewer's one call: beside the review all that it takes to decide it, so that no second request is needed. The
//! look-alikes come from the index: see [`ReviewDesk::similar_text`].

use std::collections::BTreeSet;

use eureka_domain::access::Caller;
use eureka_domain::checklist::{Check, checklist};
use eureka_domain::diff::{FieldDiff, FileDiff, diff, diff_files};
use eureka_domain::ids::{ReviewId, TipId, TipNumber, TipRef};
use eureka_domain::review::{Decision, Outcome, Verdict};
use eureka_store::{Conn, comments, reviews, revisions, tips};

use super::comments::{CommentView, views};
use super::{NONE, ReviewDetail, read};
use crate::audit::is_inside;
use crate::{RelationView, Service, ServiceError, SimilarText, relations};

/// How many of an author's earlier reasons are told.
const REASONS: i64 = 10;
/// How many comments are told; the others come in pages.
const COMMENTS: i64 = 100;

/// A review with all that it takes to decide it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewDesk {
    /// The review.
    pub detail: ReviewDetail,
    /// What the text under review changes of the one that readers see; nothing where there is none.
    pub changes: Vec<FieldDiff>,
    /// The files of which the same is true.
    pub files: Vec<FileDiff>,
    /// What a reviewer has changed in the text before, where this one came about so.
    pub edits: Vec<FieldDiff>,
    /// What a program can tell of the text.
    pub checklist: Vec<Check>,
    /// How many approvals were given to earlier texts since the last publication: they do not count for this one.
    pub stale_approvals: usize,
    /// What the author was told about texts in this community, the newest first.
    pub reasons: Vec<EarlierReason>,
    /// What the author says of tips that look like it.
    pub relations: Vec<RelationView>,
    /// The tips that peers agreed are about something else.
    pub apart: BTreeSet<TipId>,
    /// What was said in this review, oldest first.
    pub comments: Vec<CommentView>,
}

/// What a reviewer told an author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierReason {
    /// The tip it was about.
    pub tip: TipNumber,
    /// What.
    pub decision: Decision,
}

impl ReviewDesk {
    /// The strong entity tag of this view.
    pub fn etag(&self) -> String {
        crate::entity_tag(self)
    }

    /// The text under review, to find look-alikes of.
    pub fn similar_text(&self) -> SimilarText {
        let apart = self.apart.clone();
        SimilarText { apart, ..SimilarText::of(&self.detail.revision.text, self.detail.tip.id) }
    }
}

impl Service {
    /// One review, with what it takes to decide it: for the community's reviewers and the tip's author.
    pub fn read_review(&self, caller: &Caller, id: ReviewId) -> Result<ReviewDesk, ServiceError> {
        let now = self.clock.now();
        self.store.read(|conn| {
            let review = reviews::find(conn, id)?.ok_or(NONE)?;
            let detail = read(conn, caller, review, now)?;
            let said = comments::list(conn, id, None, COMMENTS)?;
            let told = caller.is_admin() || is_inside(caller, &detail.tip);
            Ok(ReviewDesk {
                changes: detail.live.as_ref().map_or_else(Vec::new, |live| diff(&live.text, &detail.revision.text)),
                files: detail.live.as_ref().map_or_else(Vec::new, |live| diff_files(&live.text, &detail.revision.text)),
                edits: edits(conn, &detail)?,
                checklist: checklist(&detail.revision.text),
                stale_approvals: stale_approvals(conn, &detail)?,
                reasons: if told { reasons(conn, &detail)? } else { Vec::new() },
                relations: relations::views(conn, caller, detail.tip.id)?,
                apart: relations::told_apart(conn, detail.tip.id, &detail.revision.text)?,
                comments: views(conn, said)?,
                detail,
            })
        })
    }
}

/// What a reviewer has changed in the text before this one, where this one came about so.
fn edits(conn: &mut Conn<'_>, detail: &ReviewDetail) -> Result<Vec<FieldDiff>, ServiceError> {
    let ReviewDetail { review, revision, .. } = detail;
    let before = match review.amendment {
        Some(_) => revisions::find(conn, revision.tip, revision.number - 1)?,
        None => None,
    };
    Ok(before.map_or_else(Vec::new, |before| diff(&before.text, &revision.text)))
}

/// The approvals of the texts before this one, back to the last that was published.
fn stale_approvals(conn: &mut Conn<'_>, detail: &ReviewDetail) -> Result<usize, ServiceError> {
    let earlier = reviews::of_tip(conn, detail.tip.id)?;
    let since = earlier
        .iter()
        .rev()
        .filter(|review| review.revision < detail.revision.number)
        .take_while(|review| review.closed.is_none_or(|(outcome, _)| outcome != Outcome::Approved));
    let approvals = since.flat_map(|review| &review.decisions).filter(|decision| {
        decision.verdict == Verdict::Approve && decision.edited_into != Some(detail.revision.number)
    });
    Ok(approvals.count())
}

fn reasons(conn: &mut Conn<'_>, detail: &ReviewDetail) -> Result<Vec<EarlierReason>, ServiceError> {
    let told = reviews::reasons_given(conn, detail.tip.community, detail.tip.author, REASONS)?;
    let mut reasons = Vec::with_capacity(told.len());
    for (tip, decision) in told {
        if let Some(tip) = tips::find(conn, &TipRef::Id(tip))? {
            reasons.push(EarlierReason { tip: tip.number, decision });
        }
    }
    Ok(reasons)
}
