//! Whether a tip still holds: use and accepted flags put it in doubt, use and reviewers confirm it again, and time alone
//! asks for another look. Each doubt is a task for a reviewer.

use std::collections::BTreeSet;

use eureka_domain::Instant;
use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::community::{Community, ReviewPolicy};
use eureka_domain::flag::{Flag, FlagKind, Resolution};
use eureka_domain::ids::{CommunityId, FlagId, TipId, TipRef, UserId};
use eureka_domain::renewal::{self, LiveUse, Turn};
use eureka_domain::tip::{Confidence, Revision, Safety, Tip};
use eureka_store::outcomes::CountedUse;
use eureka_store::tips::TipSheet;
use eureka_store::{Conn, communities, flags, log, notifications, tips};

use crate::notifications::record;
use crate::{Service, ServiceError, audit};

/// A live text, and what is about to happen to the confidence in it.
pub(crate) struct Case<'a> {
    /// The tip.
    pub(crate) tip: &'a mut Tip,
    /// What readers see.
    pub(crate) live: &'a Revision,
    /// Who does it; absent for use and for time.
    pub(crate) by: Option<UserId>,
    /// When.
    pub(crate) now: Instant,
}

/// Why a tip is in doubt or is not.
pub(crate) struct Why {
    /// In words.
    pub(crate) reason: String,
    /// `use`, `age`, `replaced`, or what kind of flag it was.
    pub(crate) code: &'static str,
}

impl Service {
    /// Opens re-checks of validated tips that nobody has confirmed for a year, or half a year where the work is dangerous,
    /// as many as their community's reviewers can see to; says how many. Called now and then.
    pub fn open_rechecks(&self) -> Result<usize, ServiceError> {
        let now = self.clock.now();
        let mut opened = 0;
        for community in self.store.read(communities::ids)? {
            let due = self.store.read(|conn| due(conn, community, now))?;
            if !due.is_empty() {
                let due: Vec<_> = due.into_iter().map(|tip| (tip, FlagId(self.new_id(now)))).collect();
                opened += self.store.write(move |conn| open_each(conn, due, now))?.value;
            }
        }
        Ok(opened)
    }
}

/// The tips of a community to be looked at again now: first those whose work is the most dangerous, then the oldest.
fn due(conn: &mut Conn<'_>, community: CommunityId, now: Instant) -> Result<Vec<TipId>, ServiceError> {
    let mut room = renewal::MOST_RECHECKS - flags::open_rechecks(conn, community)?;
    let mut due = Vec::new();
    for &safety in Safety::ALL.iter().rev() {
        let before = renewal::look_again_before(safety, now);
        let found = eureka_store::rechecks::due(conn, community, safety, before, room.max(0))?;
        room = room.saturating_sub_unsigned(found.len() as u64);
        due.extend(found);
    }
    Ok(due)
}

/// Opens a re-check of each of these tips that still is validated and has none; says of how many.
fn open_each(conn: &mut Conn<'_>, due: Vec<(TipId, FlagId)>, now: Instant) -> Result<usize, ServiceError> {
    let mut opened = 0;
    for (tip, id) in due {
        let Some(TipSheet { tip, live, .. }) = tips::lock(conn, &TipRef::Id(tip))? else { continue };
        let Some(live) = live.filter(|_| tip.confidence == Confidence::Validated) else { continue };
        if flags::open_recheck(conn, tip.id)?.is_none() {
            let why = Why { reason: "Nobody has confirmed it for long: does it still hold?".to_owned(), code: "age" };
            open_recheck(conn, id, &tip, &live, &why, now)?;
            opened += 1;
        }
    }
    Ok(opened)
}

/// What its counted uses say of the confidence in a tip, done at once.
pub(crate) fn weigh(conn: &mut Conn<'_>, case: Case<'_>, uses: &[CountedUse], id: FlagId) -> Result<(), ServiceError> {
    let Case { tip, live, now, .. } = &case;
    let since = eureka_store::rechecks::turning_point(conn, tip.id)?;
    let of_live = |used: &&CountedUse| used.tip == tip.id && used.revision == live.number;
    let used = |used: &CountedUse| LiveUse {
        user: used.user,
        result: used.result,
        at: used.happened_at,
        is_news: used.seq > since,
    };
    let uses: Vec<LiveUse> = uses.iter().filter(of_live).map(used).collect();
    match renewal::turn(tip, &uses, *now) {
        Some(Turn::Disputed) => {
            let reason = format!(
                "It did not fix the problem for {} people within {} days.",
                renewal::FAILURES,
                renewal::FRESH_DAYS
            );
            dispute(conn, case, &Why { reason, code: "use" }, id)
        }
        Some(Turn::Renewed) => {
            let reason =
                format!("It fixed the problem for {} people within {} days.", renewal::FIXES, renewal::FRESH_DAYS);
            renew(conn, case, &Why { reason, code: "use" })
        }
        None => Ok(()),
    }
}

/// Puts a tip in doubt: no longer validated, a task for a reviewer, and its author and the community's reviewers told.
pub(crate) fn dispute(conn: &mut Conn<'_>, case: Case<'_>, why: &Why, id: FlagId) -> Result<(), ServiceError> {
    let Case { tip, live, by, now } = case;
    if renewal::dispute(tip, now) {
        tips::save(conn, tip)?;
        let facts = Facts {
            reason: Some(why.reason.clone()),
            reason_code: Some(why.code.to_owned()),
            ..audit::turned(Confidence::Validated, tip.confidence)
        };
        let seq = record(conn, &turning(Kind::TipDisputed, by, tip, live, now, &facts)?, tip, live)?;
        let reviewers = flags::reviewers(conn, tip.community)?.into_keys().filter(|&person| Some(person) != by);
        notifications::tell(conn, seq, &reviewers.collect::<BTreeSet<_>>())?;
    }
    if flags::open_recheck(conn, tip.id)?.is_none() {
        open_recheck(conn, id, tip, live, why, now)?;
    }
    Ok(())
}

/// Confirms a tip: validated (again), its re-check ended, the date of its confirmation moved.
pub(crate) fn renew(conn: &mut Conn<'_>, case: Case<'_>, why: &Why) -> Result<(), ServiceError> {
    let Case { tip, live, by, now } = case;
    let before = tip.confidence;
    let was_in_doubt = renewal::renew(tip, now);
    let facts = Facts {
        reason: Some(why.reason.clone()),
        reason_code: Some(why.code.to_owned()),
        ..audit::turned(before, tip.confidence)
    };
    let change = turning(Kind::TipRenewed, by, tip, live, now, &facts)?;
    if was_in_doubt {
        tips::save(conn, tip)?;
        record(conn, &change, tip, live)?;
    } else {
        log::append(conn, &change)?; // nobody need be told that all is as it was
    }
    close_recheck(conn, tip, live, Resolution::NoAction, why.reason.clone(), now)
}

/// Ends the open re-check of a tip whose next text was approved.
pub(crate) fn close_by_approval(
    conn: &mut Conn<'_>,
    tip: &Tip,
    live: &Revision,
    now: Instant,
) -> Result<(), ServiceError> {
    let reason = format!("Revision {} was approved.", live.number);
    close_recheck(conn, tip, live, Resolution::Fixed, reason, now)
}

/// Ends the open re-check of a tip, if there is one.
fn close_recheck(
    conn: &mut Conn<'_>,
    tip: &Tip,
    live: &Revision,
    resolution: Resolution,
    reason: String,
    now: Instant,
) -> Result<(), ServiceError> {
    match flags::open_recheck(conn, tip.id)? {
        Some(mut flag) => crate::flags::end(conn, None, &mut flag, (tip, live), resolution, reason, now),
        None => Ok(()),
    }
}

/// Opens a re-check of a tip that has none.
fn open_recheck(
    conn: &mut Conn<'_>,
    id: FlagId,
    tip: &Tip,
    live: &Revision,
    why: &Why,
    now: Instant,
) -> Result<(), ServiceError> {
    let community = communities::find(conn, tip.community)?;
    let policy = community.map_or_else(ReviewPolicy::default, |community: Community| community.policy);
    let flag = Flag {
        id,
        tip: tip.id,
        revision: live.number,
        community: tip.community,
        kind: FlagKind::Recheck,
        flagged_by: None,
        text: Some(why.reason.clone()),
        duplicate_of: None,
        assignee: crate::flags::assignee(conn, tip, live, None)?,
        due_at: FlagKind::Recheck.due(&policy, now),
        opened_at: now,
        resolved: None,
    };
    crate::flags::open(conn, &flag, tip, live)
}

fn turning(
    kind: Kind,
    by: Option<UserId>,
    tip: &Tip,
    live: &Revision,
    now: Instant,
    facts: &Facts,
) -> Result<Change, ServiceError> {
    Ok(Change::new(kind, by, now).of_tip(tip.id).on_revision(live.number).telling(audit::payload(facts)?))
}
