//! Tips that take each other's place: merged into one that says the same, or superseded by one that says it better. The
//! replaced tip leaves every result; its id goes on resolving, and it can get its place back.

use eureka_domain::access::Caller;
use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::ids::TipRef;
use eureka_domain::tip::{Replaced, Replacement, Revision, Tip};
use eureka_domain::{Instant, RuleError, visibility, workflow};
use eureka_store::tips::TipSheet;
use eureka_store::{Conn, Written, notifications, tips};

use super::{change, known_sheet, open};
use crate::notifications::record;
use crate::outcomes::move_evidence;
use crate::views::one_tip_view;
use crate::{IfMatch, Service, ServiceError, TipView, audit};

impl Service {
    /// Has another tip of the community take a published tip's place: stewards.
    pub fn replace_tip(
        &self,
        caller: &Caller,
        tip: TipRef,
        by: TipRef,
        how: Replaced,
        reason: String,
        expected: IfMatch,
    ) -> Result<Written<TipView>, ServiceError> {
        let reason = workflow::owed_reason(&reason)?;
        let (caller, now) = (caller.clone(), self.clock.now());
        let (action, pointer) = match how {
            Replaced::Merged => (workflow::Action::Merge, "/into"),
            Replaced::Superseded => (workflow::Action::Supersede, "/by"),
        };
        self.store.write(move |conn| {
            let TipSheet { mut tip, live, latest } = open(conn, &caller, tip, action, &expected, now)?;
            let target = successor(conn, &caller, &tip, by, pointer)?;
            replace(conn, &caller, (&mut tip, &latest), &target, how, reason, now)?;
            one_tip_view(conn, &caller, TipSheet { tip, live, latest }, now)
        })
    }

    /// Gives a replaced tip its place back: stewards.
    pub fn separate_tip(
        &self,
        caller: &Caller,
        tip: TipRef,
        reason: String,
        expected: IfMatch,
    ) -> Result<Written<TipView>, ServiceError> {
        let reason = workflow::owed_reason(&reason)?;
        let (caller, now) = (caller.clone(), self.clock.now());
        let payload = audit::payload(&Facts { reason: Some(reason), ..Facts::default() })?;
        self.store.write(move |conn| {
            let action = workflow::Action::Separate;
            let TipSheet { mut tip, live, latest } = open(conn, &caller, tip, action, &expected, now)?;
            let from = tip.replaced;
            let merged = from.filter(|replaced| replaced.how == Replaced::Merged);
            workflow::separate(&mut tip, &latest, now)?;
            tips::save(conn, &tip)?;
            if let Some(merged) = merged {
                move_evidence(conn, &caller, tip.id, merged.by, now)?;
            }
            let change = change(Kind::TipSeparated, &caller, &tip, now).telling(payload);
            record(conn, &Change { subject: from.map(|replaced| replaced.by.0), ..change }, &tip, &latest)?;
            one_tip_view(conn, &caller, TipSheet { tip, live, latest }, now)
        })
    }
}

/// Gives a tip's place to another one, and tells both authors.
pub(crate) fn replace(
    conn: &mut Conn<'_>,
    caller: &Caller,
    (tip, latest): (&mut Tip, &Revision),
    target: &Tip,
    how: Replaced,
    reason: String,
    now: Instant,
) -> Result<(), ServiceError> {
    workflow::replace(tip, latest, Replacement { by: target.id, how }, now)?;
    tips::save(conn, tip)?;
    let kind = match how {
        Replaced::Merged => {
            move_evidence(conn, caller, tip.id, target.id, now)?;
            Kind::TipMerged
        }
        Replaced::Superseded => Kind::TipSuperseded,
    };
    let facts = Facts { reason: Some(reason), value: Some(target.number.to_string()), ..Facts::default() };
    let change = change(kind, caller, tip, now).telling(audit::payload(&facts)?);
    let seq = record(conn, &change, tip, latest)?;
    if target.author != caller.user {
        notifications::tell(conn, seq, &[target.author].into())?;
    }
    Ok(())
}

/// The tip that is to take another's place: one that readers of the same community find.
pub(crate) fn successor(
    conn: &mut Conn<'_>,
    caller: &Caller,
    tip: &Tip,
    named: TipRef,
    pointer: &str,
) -> Result<Tip, ServiceError> {
    match known_sheet(conn, caller, named)?.map(|(sheet, _)| sheet.tip) {
        None => Err(RuleError::field(pointer, "unknown", "there is no such tip").into()),
        Some(target) if target.id == tip.id || target.community != tip.community || !visibility::is_listed(&target) => {
            let detail = "another tip of the same community that readers find";
            Err(RuleError::field(pointer, "invalid", detail).into())
        }
        Some(target) => Ok(target),
    }
}
