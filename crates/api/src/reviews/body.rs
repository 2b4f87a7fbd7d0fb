//! The shapes of reviews on the wire.

use eureka_domain::queue::Waits;
use eureka_domain::review::{Decision, Outcome, Reason, Verdict};
use eureka_service::{
    DecisionDraft, Person, QueueCounts, QueueQuery, QueueSort, QueueState, QueueStats, ReviewDetail, ThinProduct,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::page::PageBody;
use crate::problem::{Problem, VALIDATION_FAILED};
use crate::tips::{ActionWord, RevisionBody, SafetyWord, TipPatch, named};
use crate::wire::{self, instant, wire_enum};

/// What a reviewer decides. A merge turns the text down because it belongs into another tip.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VerdictWord {
    /// Good as it is.
    Approve,
    /// Good as you have edited it, if the author agrees.
    ApproveWithEdits,
    /// Good if the author changes something.
    RequestChanges,
    /// Not to be published.
    Reject,
    /// It belongs into another tip.
    Merge,
}

impl VerdictWord {
    pub(crate) fn of(decision: &Decision) -> Self {
        match decision.verdict {
            Verdict::Approve if decision.edited_into.is_some() => Self::ApproveWithEdits,
            Verdict::Approve => Self::Approve,
            Verdict::RequestChanges => Self::RequestChanges,
            Verdict::Reject if decision.into.is_some() => Self::Merge,
            Verdict::Reject => Self::Reject,
        }
    }

    fn verdict(self) -> Verdict {
        match self {
            Self::Approve | Self::ApproveWithEdits => Verdict::Approve,
            Self::RequestChanges => Verdict::RequestChanges,
            Self::Reject | Self::Merge => Verdict::Reject,
        }
    }
}
wire_enum! {
    /// Why a tip is turned down or sent back; the comment says it in words.
    ReasonWord = Reason {
        Duplicate = "duplicate", Incorrect = "incorrect", Unsafe = "unsafe",
        Incomplete = "incomplete", Unclear = "unclear", Outdated = "outdated",
        OutOfScope = "out_of_scope", CustomerData = "customer_data", Other = "other",
    }
}
wire_enum! {
    /// How a review ended.
    OutcomeWord = Outcome {
        Approved = "approved", ChangesRequested = "changes_requested", Rejected = "rejected",
        Withdrawn = "withdrawn", Superseded = "superseded",
    }
}
wire_enum! {
    /// Which reviews of the queue.
    QueueStateWord = QueueState {
        Open = "open", Claimed = "claimed", Unclaimed = "unclaimed", Closed = "closed",
    }
}
wire_enum! {
    /// In which order.
    QueueSortWord = QueueSort { Oldest = "oldest", Newest = "newest" }
}
/// One reviewer's decision.
#[derive(Serialize, ToSchema)]
pub(crate) struct DecisionBody {
    /// For ever.
    id: Uuid,
    /// The revision it was made on.
    revision: i32,
    /// Who decided.
    reviewer: wire::Person,
    /// What.
    verdict: VerdictWord,
    /// Why, from the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonWord>,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// The tip it belongs into, where the verdict is `merge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    into: Option<Uuid>,
    /// The revision that holds the text as they edited it, where the verdict is `approve_with_edits`.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_into: Option<i32>,
    /// When.
    #[schema(format = DateTime)]
    decided_at: String,
}

/// A reviewer's lease on a review.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimBody {
    /// Who holds it.
    by: wire::Person,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    until: String,
}

/// The tip that a review is about.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewedTip {
    /// For ever.
    id: Uuid,
    /// The human key.
    #[schema(example = "T-1042")]
    number: String,
    /// Whose name is on it.
    author: wire::Person,
}

/// A review, with what it takes to decide.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewBody {
    /// For ever.
    id: Uuid,
    /// The slug of the community.
    community: String,
    /// The tip.
    tip: ReviewedTip,
    /// The revision under review.
    revision: RevisionBody,
    /// What readers see now, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<RevisionBody>,
    /// How often the text has been sent to reviewers, counting this time.
    round: i32,
    /// How many approvals publish it.
    quorum: i32,
    /// Whether one of them has to be a steward's.
    steward_required: bool,
    /// The decisions so far, oldest first.
    decisions: Vec<DecisionBody>,
    /// The reviewer who made this text of the one before it and approved it so.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_by: Option<wire::Person>,
    /// When somebody whose words they edited agreed: since then their approval counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    agreed_at: Option<String>,
    /// Who has taken it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<ClaimBody>,
    /// Who is to take it up first: the reviewer who sent the text back the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    offered_to: Option<wire::Person>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeWord>,
    /// When the text entered the queue.
    #[schema(format = DateTime)]
    opened_at: String,
    /// When somebody should have taken it up.
    #[schema(format = DateTime)]
    respond_by: String,
    /// When it should have been decided.
    #[schema(format = DateTime)]
    decide_by: String,
    /// Whether one of the two was promised and has not come.
    overdue: bool,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    closed_at: Option<String>,
    /// What you can do in it now.
    possible: Vec<ActionWord>,
}

impl ReviewBody {
    /// The review, with the HTML of its texts beside them.
    pub(crate) fn rendered(self) -> Self {
        Self { revision: self.revision.rendered(), live: self.live.map(RevisionBody::rendered), ..self }
    }
}

impl From<&ReviewDetail> for ReviewBody {
    fn from(detail: &ReviewDetail) -> Self {
        let review = &detail.review;
        let person = |id| wire::Person::from(&known(&detail.people, id));
        let decision = |decision: &Decision| DecisionBody {
            id: decision.id.0,
            revision: decision.revision,
            reviewer: person(decision.reviewer),
            verdict: VerdictWord::of(decision),
            reason: decision.reason.map(Into::into),
            comment: decision.comment.clone(),
            into: decision.into.map(|tip| tip.0),
            edited_into: decision.edited_into,
            decided_at: instant(decision.at),
        };
        Self {
            id: review.id.0,
            community: detail.community.clone(),
            tip: ReviewedTip {
                id: detail.tip.id.0,
                number: detail.tip.number.to_string(),
                author: (&detail.author).into(),
            },
            revision: (&detail.revision).into(),
            live: detail.live.as_ref().map(Into::into),
            round: review.round,
            quorum: detail.quorum.approvals,
            steward_required: detail.quorum.steward,
            decisions: review.decisions.iter().map(decision).collect(),
            claim: review.claim.map(|claim| ClaimBody {
                by: person(claim.by),
                since: instant(claim.since),
                until: instant(claim.until),
            }),
            offered_to: review.offered_to.map(person),
            edited_by: review.amendment.map(|amendment| person(amendment.by)),
            agreed_at: review.amendment.and_then(|amendment| amendment.agreed_at).map(instant),
            outcome: review.closed.map(|(outcome, _)| outcome.into()),
            opened_at: instant(review.opened_at),
            respond_by: instant(review.due.respond_by),
            decide_by: instant(review.due.decide_by),
            overdue: detail.overdue,
            closed_at: review.closed.map(|(_, at)| instant(at)),
            possible: detail.possible.iter().map(|&action| action.into()).collect(),
        }
    }
}

fn known(people: &[Person], id: eureka_domain::ids::UserId) -> Person {
    people.iter().find(|person| person.id == id).cloned().unwrap_or(Person { id, name: String::new() })
}

/// A decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"verdict": "approve", "revision": 1}))]
pub(crate) struct NewDecision {
    /// What.
    pub(crate) verdict: VerdictWord,
    /// Why, from the list; owed unless the verdict is `approve`.
    pub(crate) reason: Option<ReasonWord>,
    /// Why, in words; owed unless the verdict is `approve`.
    pub(crate) comment: Option<String>,
    /// The id or number of the tip that the text belongs into; owed where the verdict is `merge`.
    pub(crate) into: Option<String>,
    /// What you would have in the text; owed where the verdict is `approve_with_edits`.
    pub(crate) edits: Option<TipPatch>,
    /// The revision you decide on. When another is under review by now, the decision is refused.
    pub(crate) revision: i32,
}

impl NewDecision {
    /// The decision; a merge names the tip to merge into, an approval with edits the edits, and nothing else does.
    pub(crate) fn draft(self) -> Result<DecisionDraft, Problem> {
        let merges = self.verdict == VerdictWord::Merge;
        let into = match (merges, &self.into) {
            (true, Some(tip)) => Some(named(tip, "/into")?),
            (true, None) => {
                let detail = "a merge names the tip to merge into";
                return Err(Problem::at(&VALIDATION_FAILED, "/into", "required", detail));
            }
            (false, Some(_)) => {
                return Err(Problem::at(&VALIDATION_FAILED, "/into", "invalid", "only a merge names another tip"));
            }
            (false, None) => None,
        };
        let edits = match (self.verdict == VerdictWord::ApproveWithEdits, self.edits) {
            (true, None) => {
                let detail = "say what you would have in the text";
                return Err(Problem::at(&VALIDATION_FAILED, "/edits", "required", detail));
            }
            (false, Some(_)) => {
                let detail = "only an approval with edits has them";
                return Err(Problem::at(&VALIDATION_FAILED, "/edits", "invalid", detail));
            }
            (_, edits) => edits.map(Into::into),
        };
        let reason = if merges { Some(Reason::Duplicate) } else { self.reason.map(Into::into) };
        let verdict = self.verdict.verdict();
        Ok(DecisionDraft { verdict, reason, comment: self.comment, into, edits, revision: self.revision })
    }
}

/// Whether you agree to what a reviewer has edited in your text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"accept": false, "reason": "The left holder is the one that oxidises first."}))]
pub(crate) struct EditsAnswer {
    /// Whether the text is to be as they have edited it.
    pub(crate) accept: bool,
    /// Why, in words; owed where you do not agree.
    pub(crate) reason: Option<String>,
}

/// One page of the queue.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueueBody {
    #[serde(flatten)]
    pub(crate) page: PageBody<ReviewBody>,
    /// How many open reviews there are of what was asked for, however they stand.
    pub(crate) counts: QueueCountsBody,
}

/// How many reviews are open.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueueCountsBody {
    /// All of them.
    open: i64,
    /// That somebody holds.
    claimed: i64,
    /// Whose promised response or decision has not come.
    overdue: i64,
    /// That you hold.
    mine: i64,
}

impl From<QueueCounts> for QueueCountsBody {
    fn from(counts: QueueCounts) -> Self {
        Self { open: counts.open, claimed: counts.claimed, overdue: counts.overdue, mine: counts.mine }
    }
}

/// Days of which nobody asks for more.
const LONGEST_WAIT: u32 = 3650;

/// Which reviews to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueParams {
    /// Of the community with this slug.
    community: Option<String>,
    /// For this product, as written.
    product: Option<String>,
    /// In this language.
    lang: Option<String>,
    /// Of this safety level.
    safety: Option<SafetyWord>,
    /// `open` unless given.
    state: Option<QueueStateWord>,
    /// Claimed by you.
    mine: Option<bool>,
    /// Only those whose promised response or decision has not come.
    overdue: Option<bool>,
    /// Only those that have waited at least so many days; more than 3,650 count as 3,650.
    waiting_days: Option<u32>,
    /// `oldest` unless given.
    sort: Option<QueueSortWord>,
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(crate) limit: Option<i64>,
    /// The `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

impl From<QueueParams> for QueueQuery {
    fn from(params: QueueParams) -> Self {
        Self {
            community: params.community,
            state: params.state.map(Into::into),
            product: params.product,
            lang: params.lang,
            safety: params.safety.map(Into::into),
            mine: params.mine,
            overdue: params.overdue,
            waiting_days: params.waiting_days.map(|days| days.min(LONGEST_WAIT)),
            sort: params.sort.map(Into::into),
        }
    }
}

/// How the queue does.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatsBody {
    /// How many reviews are open.
    open: usize,
    /// How many of them somebody holds.
    claimed: usize,
    /// How many of them are overdue.
    overdue: usize,
    /// When the oldest of them entered the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    oldest_opened_at: Option<String>,
    /// How long those that are open have waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    backlog: Option<WaitsBody>,
    /// How long texts waited for somebody to take them up, in the last 90 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_response: Option<WaitsBody>,
    /// How long they waited for the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<WaitsBody>,
    /// Who holds reviews now.
    load: Vec<LoadBody>,
    /// The machines that fewer than two reviewers have decided on in the last 180 days.
    thin_products: Vec<ThinProductBody>,
}

/// The middle and the slow end of some waits.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitsBody {
    /// How many there were.
    count: usize,
    /// Half of them were no longer than so many hours.
    median_hours: f64,
    /// Nine in ten were no longer than so many hours.
    p90_hours: f64,
}

/// What somebody holds.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoadBody {
    /// Who.
    reviewer: wire::Person,
    /// How many reviews.
    claimed: usize,
}

/// A machine with hardly anybody to review its tips.
#[derive(Serialize, ToSchema)]
pub(crate) struct ThinProductBody {
    /// The machine.
    product: String,
    /// How many active reviewers it has.
    reviewers: usize,
    /// How many of its texts wait.
    open: usize,
}

impl From<Waits> for WaitsBody {
    fn from(waits: Waits) -> Self {
        let hours = |wait: chrono::Duration| (wait.as_seconds_f64() / 36.0).round() / 100.0;
        Self { count: waits.count, median_hours: hours(waits.median), p90_hours: hours(waits.p90) }
    }
}

impl From<&QueueStats> for StatsBody {
    fn from(stats: &QueueStats) -> Self {
        let thin = |thin: &ThinProduct| ThinProductBody {
            product: thin.product.clone(),
            reviewers: thin.reviewers,
            open: thin.open,
        };
        Self {
            open: stats.open,
            claimed: stats.claimed,
            overdue: stats.overdue,
            oldest_opened_at: stats.oldest_opened_at.map(instant),
            backlog: stats.backlog.map(Into::into),
            first_response: stats.first_response.map(Into::into),
            decision: stats.decision.map(Into::into),
            load: stats
                .load
                .iter()
                .map(|(who, claimed)| LoadBody { reviewer: who.into(), claimed: *claimed })
                .collect(),
            thin_products: stats.thin_products.iter().map(thin).collect(),
        }
    }
}

/// Which communities are meant.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct NextParams {
    /// Of the community with this slug; any that you review in unless given.
    pub(crate) community: Option<String>,
}
