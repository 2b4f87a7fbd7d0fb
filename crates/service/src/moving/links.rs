//! What joins moved tips to each other and to people, taken in: flags, relations, what took whose place, who watches what.

use std::collections::HashSet;

use eureka_domain::Instant;
use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::flag::{Flag, FlagKind, Resolved};
use eureka_domain::ids::{TipId, TipRef, UserId};
use eureka_domain::relation::Relation;
use eureka_domain::tip::{Replaced, Replacement, Tip};
use eureka_store::{Conn, flags, log, relations, revisions, tips, watches};

use super::here::{People, here, is_erased, told};
use super::{Arrival, reviews};
use crate::outcomes::recount;
use crate::{ServiceError, audit};

pub(super) fn take_flag(
    conn: &mut Conn<'_>,
    tip: &Tip,
    duplicate_of: Option<TipId>,
    flag: Flag,
    people: &People,
    now: Instant,
) -> Result<Arrival, ServiceError> {
    if flags::find(conn, flag.id)?.is_some() {
        return Ok(Arrival::Known);
    }
    if tip.live.is_none() || revisions::find(conn, tip.id, flag.revision)?.is_none() {
        return Ok(Arrival::Refused("readers here never saw the text that it was raised on".to_owned()));
    }
    if (flag.kind == FlagKind::Recheck) != flag.flagged_by.is_none() {
        return Ok(Arrival::Refused("a re-check is nobody's flag, any other is somebody's".to_owned()));
    }
    let person = |id: Option<UserId>| id.map(|id| here(people, id)).transpose();
    let by = flag.resolved.as_ref().and_then(|end| end.by);
    let (Ok(flagged_by), Ok(assignee), Ok(by)) = (person(flag.flagged_by), person(flag.assignee), person(by)) else {
        return Ok(Arrival::Refused("it names somebody who is not told of".to_owned()));
    };
    let is_open = flag.resolved.is_none();
    let resolved = flag.resolved.map(|end| Resolved { by, ..end });
    let flag = Flag { tip: tip.id, community: tip.community, duplicate_of, flagged_by, assignee, resolved, ..flag };
    let open = match flag.flagged_by {
        Some(by) => flags::open_of(conn, tip.id, flag.kind, by)?,
        None => flags::open_recheck(conn, tip.id)?,
    };
    if is_open && open.is_some() {
        return Ok(Arrival::Known);
    }
    flags::insert(conn, &flag)?;
    let kinds = [Some(Kind::FlagOpened), flag.resolved.is_some().then_some(Kind::FlagResolved)];
    for kind in kinds.into_iter().flatten() {
        let change = Change::new(kind, None, now).of_tip(tip.id).about(flag.id.0);
        log::append(conn, &change.on_revision(flag.revision))?;
    }
    Ok(Arrival::New)
}

pub(super) fn take_relation(
    conn: &mut Conn<'_>,
    tip: &Tip,
    other: &Tip,
    relation: Relation,
    people: &People,
    now: Instant,
) -> Result<Arrival, ServiceError> {
    if relations::of_tip(conn, tip.id)?.iter().any(|known| known.other == other.id) {
        return Ok(Arrival::Known);
    }
    let by = match here(people, relation.by) {
        Ok(by) if tip.id != other.id => by,
        Ok(_) => return Ok(Arrival::Refused("a tip has no relation to itself".to_owned())),
        Err(why) => return Ok(Arrival::Refused(why)),
    };
    match (Relation { tip: tip.id, other: other.id, by, ..relation }).checked() {
        Ok(relation) => relations::set(conn, &relation)?,
        Err(why) => return Ok(Arrival::Refused(told(why))),
    }
    log::append(conn, &Change::new(Kind::TipRelated, None, now).of_tip(tip.id).on_revision(tip.latest))?;
    Ok(Arrival::New)
}

pub(super) fn take_replacement(
    conn: &mut Conn<'_>,
    tip: Tip,
    by: &Tip,
    how: Replaced,
    now: Instant,
) -> Result<Arrival, ServiceError> {
    if tip.replaced.is_some() {
        return Ok(Arrival::Known);
    }
    let chain = successors(conn, by)?;
    if chain.contains(&tip.id) || by.community != tip.community {
        return Ok(Arrival::Refused("a tip's place is taken by another one of its community".to_owned()));
    }
    if !may_be_replaced(conn, &tip, by, how)? {
        let why = "only what readers see takes a place, of what they see, or of what was turned down for it";
        return Ok(Arrival::Refused(why.to_owned()));
    }
    let replaced = Some(Replacement { by: by.id, how });
    tips::save(conn, &Tip { replaced, updated_at: now, ..tip.clone() })?;
    if how == Replaced::Merged {
        for successor in merged_successors(conn, by)? {
            recount(conn, successor)?;
            log::append(conn, &Change::new(Kind::OutcomesMoved, None, now).of_tip(successor).about(tip.id.0))?;
        }
    }
    let kind = if how == Replaced::Merged { Kind::TipMerged } else { Kind::TipSuperseded };
    let facts = Facts { value: Some(by.number.to_string()), ..Facts::default() };
    let change = Change::new(kind, None, now).of_tip(tip.id).on_revision(tip.latest);
    log::append(conn, &change.telling(audit::payload(&facts)?))?;
    Ok(Arrival::New)
}

/// Whether another tip can have taken a tip's place: nothing of it is under review, and readers saw it; or its last text was
/// turned down because it belongs into the other.
fn may_be_replaced(conn: &mut Conn<'_>, tip: &Tip, by: &Tip, how: Replaced) -> Result<bool, ServiceError> {
    if tip.review.is_some() || by.live.is_none() {
        return Ok(false);
    }
    Ok(tip.live.is_some() || (how == Replaced::Merged && reviews::belongs_into(conn, tip, by.id)?))
}

/// A tip, and whatever took its place, and the place of that.
fn successors(conn: &mut Conn<'_>, tip: &Tip) -> Result<HashSet<TipId>, ServiceError> {
    let (mut found, mut next) = (HashSet::from([tip.id]), tip.replaced);
    while let Some(replaced) = next.filter(|replaced| found.insert(replaced.by)) {
        next = tips::find(conn, &TipRef::Id(replaced.by))?.and_then(|tip| tip.replaced);
    }
    Ok(found)
}

/// A tip, and what it was merged into, and what that was.
fn merged_successors(conn: &mut Conn<'_>, tip: &Tip) -> Result<Vec<TipId>, ServiceError> {
    let (mut found, mut next) = (vec![tip.id], tip.replaced);
    while let Some(replaced) = next.filter(|replaced| replaced.how == Replaced::Merged && !found.contains(&replaced.by))
    {
        found.push(replaced.by);
        next = tips::find(conn, &TipRef::Id(replaced.by))?.and_then(|tip| tip.replaced);
    }
    Ok(found)
}

/// Has somebody watch a tip. Whoever was erased watches nothing.
pub(super) fn take_watch(
    conn: &mut Conn<'_>,
    tip: &Tip,
    user: UserId,
    since: Instant,
    people: &People,
) -> Result<Arrival, ServiceError> {
    let user = match here(people, user) {
        Ok(user) => user,
        Err(why) => return Ok(Arrival::Refused(why)),
    };
    if is_erased(conn, user)? {
        return Ok(Arrival::Refused(format!("{user} was erased here")));
    }
    if watches::of_tip(conn, tip.id)?.contains(&user) {
        return Ok(Arrival::Known);
    }
    watches::set(conn, tip.id, user, since)?;
    Ok(Arrival::New)
}
