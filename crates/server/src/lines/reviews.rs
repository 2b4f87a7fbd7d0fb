//! Reviews, as they stand in the line of their tip.

use eureka_domain::Instant;
use eureka_domain::community::Role;
use eureka_domain::ids::{CommunityId, DecisionId, ReviewId, UserId};
use eureka_domain::review::{Amendment, Claim, Decision, Due, Outcome, Reason, Review, Verdict};
use eureka_domain::tip::Field;
use eureka_service::{MovedDecision, MovedName, MovedReview, MovedThread, Remark};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ELSEWHERE, NameLine};

/// Of the text with its number; decisions are on that text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReviewLine {
    revision: i32,
    opened_at: Instant,
    respond_by: Instant,
    decide_by: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    responded_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reminded_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    escalated_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offered_to: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<ClaimLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amended: Option<AmendedLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    decisions: Vec<DecisionLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    comments: Vec<ThreadLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<ClosedLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClaimLine {
    by: UserId,
    since: Instant,
    until: Instant,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AmendedLine {
    by: UserId,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    agreed_at: Option<Instant>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionLine {
    by: UserId,
    role: Role,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    into: Option<NameLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_into: Option<i32>,
    at: Instant,
}

/// The first remark begins the thread, the others answer it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThreadLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<Field>,
    said: Vec<RemarkLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RemarkLine {
    by: UserId,
    text: String,
    at: Instant,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClosedLine {
    outcome: Outcome,
    at: Instant,
}

impl From<Claim> for ClaimLine {
    fn from(Claim { by, since, until }: Claim) -> Self {
        Self { by, since, until }
    }
}

impl From<ClaimLine> for Claim {
    fn from(ClaimLine { by, since, until }: ClaimLine) -> Self {
        Self { by, since, until }
    }
}

impl From<MovedReview> for ReviewLine {
    fn from(moved: MovedReview) -> Self {
        let MovedReview { review, decisions, threads, reminded_at, escalated_at } = moved;
        Self {
            revision: review.revision,
            opened_at: review.opened_at,
            respond_by: review.due.respond_by,
            decide_by: review.due.decide_by,
            responded_at: review.responded_at,
            reminded_at,
            escalated_at,
            offered_to: review.offered_to,
            claim: review.claim.map(ClaimLine::from),
            amended: review.amendment.map(|Amendment { by, role, agreed_at }| AmendedLine { by, role, agreed_at }),
            decisions: decisions.into_iter().map(DecisionLine::from).collect(),
            comments: threads.into_iter().map(ThreadLine::from).collect(),
            closed: review.closed.map(|(outcome, at)| ClosedLine { outcome, at }),
        }
    }
}

impl From<ReviewLine> for MovedReview {
    fn from(line: ReviewLine) -> Self {
        let revision = line.revision;
        let review = Review {
            id: ReviewId(Uuid::nil()),
            tip: ELSEWHERE,
            revision,
            community: CommunityId(Uuid::nil()),
            round: 0, // its text's
            offered_to: line.offered_to,
            claim: line.claim.map(Claim::from),
            decisions: Vec::new(),
            amendment: line.amended.map(|AmendedLine { by, role, agreed_at }| Amendment { by, role, agreed_at }),
            closed: line.closed.map(|ClosedLine { outcome, at }| (outcome, at)),
            opened_at: line.opened_at,
            due: Due { respond_by: line.respond_by, decide_by: line.decide_by },
            responded_at: line.responded_at,
        };
        Self {
            review,
            decisions: line.decisions.into_iter().map(|decision| decision.on(revision)).collect(),
            threads: line.comments.into_iter().map(MovedThread::from).collect(),
            reminded_at: line.reminded_at,
            escalated_at: line.escalated_at,
        }
    }
}

impl From<MovedDecision> for DecisionLine {
    fn from(MovedDecision { decision, into }: MovedDecision) -> Self {
        Self {
            by: decision.reviewer,
            role: decision.role,
            verdict: decision.verdict,
            reason: decision.reason,
            comment: decision.comment,
            into: into.map(NameLine::from),
            edited_into: decision.edited_into,
            at: decision.at,
        }
    }
}

impl DecisionLine {
    fn on(self, revision: i32) -> MovedDecision {
        let decision = Decision {
            id: DecisionId(Uuid::nil()),
            revision,
            reviewer: self.by,
            role: self.role,
            verdict: self.verdict,
            reason: self.reason,
            comment: self.comment,
            into: None,
            edited_into: self.edited_into,
            at: self.at,
        };
        MovedDecision { decision, into: self.into.map(MovedName::from) }
    }
}

impl From<MovedThread> for ThreadLine {
    fn from(MovedThread { field, remarks }: MovedThread) -> Self {
        let said = |Remark { by, text, at }| RemarkLine { by, text, at };
        Self { field, said: remarks.into_iter().map(said).collect() }
    }
}

impl From<ThreadLine> for MovedThread {
    fn from(ThreadLine { field, said }: ThreadLine) -> Self {
        let remark = |RemarkLine { by, text, at }| Remark { by, text, at };
        Self { field, remarks: said.into_iter().map(remark).collect() }
    }
}
