//! A reviewer's edits: the text is approved as they would have it, and those whose words it was are asked. If they agree,
//! the approval counts; if not, their own text is under review again.

use std::sync::Arc;

use eureka_domain::Instant;
use eureka_domain::access::Caller;
use eureka_domain::change::{Facts, Kind};
use eureka_domain::clock::Ids;
use eureka_domain::ids::ReviewId;
use eureka_domain::review::Decision;
use eureka_domain::workflow::{self, Action};
use eureka_store::tips::TipSheet;
use eureka_store::{Conn, Written, notifications, reviews, revisions, tips};

use super::{Found, NONE, Open, ReviewDetail, detail, lock, read, save, settle};
use crate::notifications::record;
use crate::tips::{Successor, change, succeed};
use crate::{Service, ServiceError, TipChanges, audit};

/// Approves a text with edits. Answers the review of the text as it was.
pub(super) fn approve(
    conn: &mut Conn<'_>,
    caller: &Caller,
    open: Open,
    decision: Decision,
    edits: TipChanges,
    id: ReviewId,
) -> Result<ReviewDetail, ServiceError> {
    let Open { mut review, sheet: TipSheet { mut tip, latest, .. }, .. } = open;
    let (before, now) = (latest.state, decision.at);
    let text = edits.apply(latest.text.clone()).checked().map_err(|refused| refused.within("/edits"))?;
    let amended = workflow::approve_with_edits(&mut tip, latest, &mut review, decision.clone(), text)?;
    reviews::add_decision(conn, &review, &decision)?;
    reviews::save(conn, &review)?;
    let successor = Successor { id, amendment: Some(amended.amendment) };
    succeed(conn, &mut tip, &amended.before, &amended.next, successor, now)?;
    tips::save(conn, &tip)?;
    let facts = Facts { reason: decision.comment, ..Facts::default() };
    let change = change(Kind::ReviewEdited, caller, &tip, now).about(id.0).telling(audit::payload(&facts)?);
    record(conn, &change.at_revision(Some(before), &amended.next), &tip, &amended.next)?;
    review_of(conn, caller, review.id, now)
}

impl Service {
    /// Says for the author whether a reviewer's edits are agreed to; without a reason when they are. Answers the review
    /// of the text that counts from now on.
    pub fn answer_edits(
        &self,
        caller: &Caller,
        id: ReviewId,
        accept: bool,
        reason: Option<String>,
    ) -> Result<Written<ReviewDetail>, ServiceError> {
        let reason = match reason {
            reason if accept => workflow::given_reason(reason.as_deref())?,
            reason => Some(workflow::owed_reason(reason.as_deref().unwrap_or_default())?),
        };
        let (caller, now) = (caller.clone(), self.clock.now());
        let next_id = ReviewId(self.new_id(now));
        let ids = Arc::clone(&self.ids);
        self.store.write(move |conn| {
            if accept {
                let open = lock(conn, &caller, id)?.permit(&caller, Action::AcceptEdits)?;
                accept_edits(conn, &caller, open, reason, &*ids, now)
            } else {
                let open = lock(conn, &caller, id)?.permit(&caller, Action::DeclineEdits)?;
                decline_edits(conn, &caller, open, next_id, reason, now)
            }
        })
    }
}

fn accept_edits(
    conn: &mut Conn<'_>,
    caller: &Caller,
    open: Open,
    reason: Option<String>,
    ids: &dyn Ids,
    now: Instant,
) -> Result<ReviewDetail, ServiceError> {
    let Open { mut review, sheet: TipSheet { mut tip, live, latest }, community, .. } = open;
    let (before, confidence) = (latest.state, tip.confidence);
    let quorum = community.policy.quorum_for(latest.text.safety);
    let decided = workflow::accept_edits(&mut tip, latest, live.clone(), &mut review, quorum, now)?;
    save(conn, &tip, &decided, &review)?;
    let kind = if review.closed.is_some() { Kind::TipPublished } else { Kind::ReviewEditsAccepted };
    // The approval is the reviewer's, whoever lets it count.
    let user = review.amendment.map(|amendment| amendment.by);
    let facts = Facts { reason, user, ..audit::turned(confidence, tip.confidence) };
    let change = change(kind, caller, &tip, now).about(review.id.0).telling(audit::payload(&facts)?);
    record(conn, &change.at_revision(Some(before), &decided.revision), &tip, &decided.revision)?;
    if kind == Kind::TipPublished {
        settle(conn, caller.user, &tip, &decided.revision, ids, now)?;
    }
    detail(conn, caller, Found { review, tip, revision: decided.revision, community }, live, now)
}

fn decline_edits(
    conn: &mut Conn<'_>,
    caller: &Caller,
    open: Open,
    id: ReviewId,
    reason: Option<String>,
    now: Instant,
) -> Result<ReviewDetail, ServiceError> {
    let Open { mut review, sheet: TipSheet { mut tip, latest, .. }, .. } = open;
    let before = latest.state;
    let missing = || ServiceError::internal("a text that was edited is missing");
    let original = revisions::find(conn, tip.id, latest.number - 1)?.ok_or_else(missing)?;
    let edited_by = latest.editor;
    let (declined, next) = workflow::decline_edits(&mut tip, latest, original, &review, caller.user, now)?;
    review.offered_to = Some(edited_by);
    reviews::save(conn, &review)?;
    succeed(conn, &mut tip, &declined, &next, Successor { id, amendment: None }, now)?;
    tips::save(conn, &tip)?;
    let facts = Facts { reason, user: Some(edited_by), ..Facts::default() };
    let change = change(Kind::ReviewEditsDeclined, caller, &tip, now).about(id.0).telling(audit::payload(&facts)?);
    let seq = record(conn, &change.at_revision(Some(before), &next), &tip, &next)?;
    notifications::tell(conn, seq, &[edited_by].into())?;
    review_of(conn, caller, id, now)
}

/// A review as it stands now.
fn review_of(conn: &mut Conn<'_>, caller: &Caller, id: ReviewId, now: Instant) -> Result<ReviewDetail, ServiceError> {
    let review = reviews::find(conn, id)?.ok_or(NONE)?;
    read(conn, caller, review, now)
}
