//! What a community's keepers do to a published tip: hold, release, archive, restore. Each owes a reason and leaves the
//! revisions as they are.

use eureka_domain::access::Caller;
use eureka_domain::change::{Facts, Kind};
use eureka_domain::ids::TipRef;
use eureka_domain::tip::{Revision, Tip};
use eureka_domain::workflow::{self, Action};
use eureka_domain::{Instant, RuleError};
use eureka_store::tips::TipSheet;
use eureka_store::{Conn, Written, tips};

use super::{change, open};
use crate::notifications::record;
use crate::views::one_tip_view;
use crate::{IfMatch, Service, ServiceError, TipView, audit};

/// What a keeper does.
#[derive(Clone, Copy)]
pub(crate) enum Keeping {
    Hold,
    Release,
    Archive,
    Restore,
}

impl Keeping {
    fn action(self) -> Action {
        match self {
            Self::Hold => Action::Hold,
            Self::Release => Action::Unhold,
            Self::Archive => Action::Archive,
            Self::Restore => Action::Restore,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Hold => Kind::TipHeld,
            Self::Release => Kind::TipUnheld,
            Self::Archive => Kind::TipArchived,
            Self::Restore => Kind::TipRestored,
        }
    }

    fn apply(self, tip: &mut Tip, latest: &Revision, reason: String, now: Instant) -> Result<(), RuleError> {
        match self {
            Self::Hold => workflow::hold(tip, latest, reason, now),
            Self::Release => workflow::unhold(tip, latest, now),
            Self::Archive => workflow::archive(tip, latest, now),
            Self::Restore => workflow::restore(tip, latest, now),
        }
    }
}

impl Service {
    /// Stops the use of a published tip at once: out of all results, found only by its id, with the reason.
    pub fn hold_tip(
        &self,
        caller: &Caller,
        tip: TipRef,
        reason: String,
        expected: IfMatch,
    ) -> Result<Written<TipView>, ServiceError> {
        self.keep_tip(caller, tip, Keeping::Hold, reason, expected)
    }

    /// Lifts a hold.
    pub fn release_tip(
        &self,
        caller: &Caller,
        tip: TipRef,
        reason: String,
        expected: IfMatch,
    ) -> Result<Written<TipView>, ServiceError> {
        self.keep_tip(caller, tip, Keeping::Release, reason, expected)
    }

    /// Takes a published tip out of all results; its id goes on resolving.
    pub fn archive_tip(
        &self,
        caller: &Caller,
        tip: TipRef,
        reason: String,
        expected: IfMatch,
    ) -> Result<Written<TipView>, ServiceError> {
        self.keep_tip(caller, tip, Keeping::Archive, reason, expected)
    }

    /// Brings an archived tip back, not validated until use or review proves it again.
    pub fn restore_tip(
        &self,
        caller: &Caller,
        tip: TipRef,
        reason: String,
        expected: IfMatch,
    ) -> Result<Written<TipView>, ServiceError> {
        self.keep_tip(caller, tip, Keeping::Restore, reason, expected)
    }

    fn keep_tip(
        &self,
        caller: &Caller,
        tip: TipRef,
        keeping: Keeping,
        reason: String,
        expected: IfMatch,
    ) -> Result<Written<TipView>, ServiceError> {
        let reason = workflow::owed_reason(&reason)?;
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store.write(move |conn| {
            let TipSheet { mut tip, live, latest } = open(conn, &caller, tip, keeping.action(), &expected, now)?;
            keep(conn, &caller, (&mut tip, &latest), keeping, reason, now)?;
            one_tip_view(conn, &caller, TipSheet { tip, live, latest }, now)
        })
    }
}

/// Does it, and tells those concerned.
pub(crate) fn keep(
    conn: &mut Conn<'_>,
    caller: &Caller,
    (tip, latest): (&mut Tip, &Revision),
    keeping: Keeping,
    reason: String,
    now: Instant,
) -> Result<(), ServiceError> {
    let before = tip.confidence;
    keeping.apply(tip, latest, reason.clone(), now)?;
    tips::save(conn, tip)?;
    let facts = Facts { reason: Some(reason), ..audit::turned(before, tip.confidence) };
    record(conn, &change(keeping.kind(), caller, tip, now).telling(audit::payload(&facts)?), tip, latest)?;
    Ok(())
}
