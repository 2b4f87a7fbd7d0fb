//! Gaps, and who watches what.

use eureka_domain::Instant;
use eureka_domain::gap::Gap;
use eureka_domain::ids::{GapId, UserId};
use eureka_service::{Moved, MovedGap, MovedName};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::NameLine;
use super::reviews::ClaimLine;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GapLine {
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    community: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    terms: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wording: Option<String>,
    asked: i32,
    people: i32,
    first_asked_at: Instant,
    last_asked_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<ClaimLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tips: Vec<AnswerLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerLine>,
}

/// A tip that is to answer a gap, or does.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerLine {
    tip: NameLine,
    since: Instant,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchLine {
    tip: NameLine,
    person: UserId,
    since: Instant,
}

impl WatchLine {
    pub(super) fn of(tip: MovedName, person: UserId, since: Instant) -> Self {
        Self { tip: tip.into(), person, since }
    }
}

impl From<(MovedName, Instant)> for AnswerLine {
    fn from((tip, since): (MovedName, Instant)) -> Self {
        Self { tip: tip.into(), since }
    }
}

impl From<AnswerLine> for (MovedName, Instant) {
    fn from(line: AnswerLine) -> Self {
        (line.tip.into(), line.since)
    }
}

impl From<MovedGap> for GapLine {
    fn from(MovedGap { community, gap, tips, answer }: MovedGap) -> Self {
        Self {
            id: gap.id.0,
            community,
            product: gap.product,
            terms: gap.terms,
            wording: gap.wording,
            asked: gap.asked,
            people: gap.people,
            first_asked_at: gap.first_asked_at,
            last_asked_at: gap.last_asked_at,
            claim: gap.claim.map(ClaimLine::from),
            tips: tips.into_iter().map(AnswerLine::from).collect(),
            answer: answer.map(AnswerLine::from),
        }
    }
}

impl From<GapLine> for Moved {
    fn from(line: GapLine) -> Self {
        let gap = Gap {
            id: GapId(line.id),
            community: None,
            product: line.product,
            terms: line.terms,
            wording: line.wording,
            asked: line.asked,
            people: line.people,
            first_asked_at: line.first_asked_at,
            last_asked_at: line.last_asked_at,
            claim: line.claim.map(ClaimLine::into),
            answer: None,
        };
        Self::Gap(Box::new(MovedGap {
            community: line.community,
            gap,
            tips: line.tips.into_iter().map(AnswerLine::into).collect(),
            answer: line.answer.map(AnswerLine::into),
        }))
    }
}

impl From<WatchLine> for Moved {
    fn from(WatchLine { tip, person: user, since }: WatchLine) -> Self {
        Self::Watch { tip: tip.into(), user, since }
    }
}
