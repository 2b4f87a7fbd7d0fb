//! Flags: raising them, whose task each is, how it ends.

use std::collections::BTreeSet;

use eureka_domain::access::{self, Caller};
use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::community::Community;
use eureka_domain::flag::{self, Flag, FlagDraft, FlagKind, Resolution, Resolved};
use eureka_domain::ids::{FlagId, TipId, TipRef, UserId};
use eureka_domain::renewal::Turn;
use eureka_domain::tip::{Replaced, Revision, Tip};
use eureka_domain::{Instant, RuleError, visibility, workflow};
use eureka_store::flags::FlagFilter;
use eureka_store::tips::TipSheet;
use eureka_store::{Conn, Written, communities, flags, log, notifications, tips, users};

use crate::notifications::record;
use crate::outcomes::{Usable, credited, usable};
use crate::rechecks::{self, Case, Why};
use crate::tips::{Keeping, keep, known_sheet, replace, successor};
use crate::{
    Answer, IfMatch, Once, Page, PageRequest, Person, Service, ServiceError, TipBrief, audit, once, relations,
};

/// A flag to be raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFlag {
    /// What is said of the tip.
    pub kind: FlagKind,
    /// In words.
    pub text: Option<String>,
    /// With `duplicate`: the tip that says the same.
    pub duplicate_of: Option<String>,
}

/// Which flags to list, of those that the caller may see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlagQuery {
    /// Open, or ended.
    pub open: Option<bool>,
    /// Of the community with this slug.
    pub community: Option<String>,
    /// Of this tip.
    pub tip: Option<TipRef>,
    /// Of this kind.
    pub kind: Option<FlagKind>,
    /// For the caller to see to.
    pub mine: bool,
    /// Open, and past their date.
    pub overdue: bool,
}

/// A flag, as those see it whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagView {
    /// The flag.
    pub flag: Flag,
    /// The tip.
    pub tip: TipBrief,
    /// The slug of the tip's community.
    pub community: String,
    /// Those named in the flag.
    pub people: Vec<Person>,
    /// Whether the caller can end it now.
    pub may_resolve: bool,
}

impl FlagView {
    /// The strong entity tag of this view.
    pub fn etag(&self) -> String {
        crate::entity_tag(self)
    }
}

/// A flag locked for change, with all it is about.
struct Open {
    flag: Flag,
    tip: Tip,
    live: Revision,
    latest: Revision,
    community: Community,
}

const NONE: ServiceError = ServiceError::NotFound("flag");

impl Service {
    /// Says what is wrong with a tip: whoever reads it, each kind once while it is open. It becomes a reviewer's task;
    /// `unsafe`, from somebody who writes in the community, also stops the use of the tip at once.
    pub fn flag_tip(
        &self,
        caller: &Caller,
        tip: TipRef,
        new: NewFlag,
        once: Once<FlagView>,
    ) -> Result<Answer, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let id = FlagId(self.new_id(now));
        let written = self.store.write(move |conn| {
            let permit = |conn: &mut Conn<'_>| usable(conn, &caller, &tip);
            once::run(conn, caller.user, once, now, permit, |conn, flagged| {
                let flag = raised(conn, &caller, &flagged, new, id, now)?;
                let Usable { mut tip, live, latest, community, .. } = flagged;
                open(conn, &flag, &tip, &live)?;
                if flag.kind.stops_use(&caller, community.id) && tip.hold.is_none() {
                    let reason = flag.text.clone().unwrap_or_else(|| "flagged as unsafe".to_owned());
                    keep(conn, &caller, (&mut tip, &latest), Keeping::Hold, reason, now)?;
                }
                view(conn, &caller, &Open { flag, tip, live, latest, community })
            })
        })?;
        Ok(written.value)
    }

    /// The flags that the caller may see, those due first before the others: every flag of the communities they review
    /// in, and what they raised themself, as long as they read the tip.
    pub fn list_flags(
        &self,
        caller: &Caller,
        query: FlagQuery,
        page: &PageRequest,
    ) -> Result<Page<FlagView>, ServiceError> {
        let now = self.clock.now();
        self.store.read(|conn| {
            let community = match query.community {
                Some(slug) => match communities::find_slug(conn, &slug)? {
                    Some(community) if caller.knows(&community) => Some(community.id),
                    _ => return Ok(Page { items: Vec::new(), next: None }),
                },
                None => None,
            };
            let tip = match query.tip {
                Some(tip) => match tips::find(conn, &tip)? {
                    Some(tip) => Some(tip.id),
                    None => return Ok(Page { items: Vec::new(), next: None }),
                },
                None => None,
            };
            let filter = FlagFilter {
                caller: caller.user,
                audience: caller.audience(),
                reviews_in: caller.reviewed(),
                open: query.open,
                community,
                tip,
                kind: query.kind,
                assignee: query.mine.then_some(caller.user),
                overdue_at: query.overdue.then_some(now),
            };
            let found = flags::list(conn, &filter, page.after()?, page.fetch())?;
            page.page(found, |flag| (flag.due_at, flag.id))?.try_map(|flag| {
                let found = find(conn, caller, flag)?;
                view(conn, caller, &found)
            })
        })
    }

    /// One flag: for the community's reviewers and whoever raised it.
    pub fn read_flag(&self, caller: &Caller, id: FlagId) -> Result<FlagView, ServiceError> {
        self.store.read(|conn| {
            let flag = flags::find(conn, id)?.ok_or(NONE)?;
            let found = find(conn, caller, flag)?;
            view(conn, caller, &found)
        })
    }

    /// Makes a flag somebody's task: a reviewer takes it, a steward gives it to any reviewer; nobody has one on a text
    /// they are credited on.
    pub fn assign_flag(
        &self,
        caller: &Caller,
        id: FlagId,
        to: Option<UserId>,
        expected: IfMatch,
    ) -> Result<Written<FlagView>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store.write(move |conn| {
            let mut open = lock(conn, &caller, id, &expected)?;
            let to = to.unwrap_or(caller.user);
            access::may_assign(&caller, open.flag.community, to)?;
            if credited(conn, &open.tip, &open.live)?.contains(&to) {
                return Err(RuleError::OwnTip.into());
            }
            if !flags::reviewers(conn, open.flag.community)?.contains_key(&to) {
                let detail = "not a reviewer of the community";
                return Err(RuleError::field("/assignee", "unknown", detail).into());
            }
            if open.flag.assignee != Some(to) {
                open.flag.assignee = Some(to);
                flags::save(conn, &open.flag)?;
                let facts = Facts { user: Some(to), ..Facts::default() };
                let change = of_flag(Kind::FlagAssigned, Some(caller.user), &open.flag, now, &facts)?;
                let seq = log::append(conn, &change)?;
                if to != caller.user {
                    notifications::tell(conn, seq, &BTreeSet::from([to]))?;
                }
            }
            view(conn, &caller, &open)
        })
    }

    /// Ends a flag, with a reason that whoever raised it is told: a reviewer who is not credited on the text.
    pub fn resolve_flag(
        &self,
        caller: &Caller,
        id: FlagId,
        resolution: Resolution,
        reason: String,
        expected: IfMatch,
    ) -> Result<Written<FlagView>, ServiceError> {
        let reason = workflow::owed_reason(&reason)?;
        let (caller, now) = (caller.clone(), self.clock.now());
        let recheck = FlagId(self.new_id(now));
        self.store.write(move |conn| {
            let Open { mut flag, mut tip, live, latest, community } = lock(conn, &caller, id, &expected)?;
            if credited(conn, &tip, &live)?.contains(&caller.user) {
                return Err(RuleError::OwnTip.into());
            }
            flag.may_end_as(resolution, live.number)?;
            match resolution {
                Resolution::Held if tip.hold.is_none() => {
                    keep(conn, &caller, (&mut tip, &latest), Keeping::Hold, reason.clone(), now)?;
                }
                Resolution::Merged if tip.replaced.is_none() => {
                    merge(conn, &caller, &flag, (&mut tip, &latest), reason.clone(), now)?;
                }
                _ => {}
            }
            end(conn, Some(caller.user), &mut flag, (&tip, &live), resolution, reason.clone(), now)?;
            if let (Some(other), Resolution::NoAction) = (flag.duplicate_of, resolution) {
                relations::tell_apart(conn, (&tip, &live), other, caller.user, reason.clone(), now)?;
            }
            let why = Why { reason, code: flag.kind.word() };
            let case = Case { tip: &mut tip, live: &live, by: Some(caller.user), now };
            match flag.says_of_the_tip(resolution, live.number) {
                Some(Turn::Disputed) => rechecks::dispute(conn, case, &why, recheck)?,
                Some(Turn::Renewed) => rechecks::renew(conn, case, &why)?,
                None => {}
            }
            view(conn, &caller, &Open { flag, tip, live, latest, community })
        })
    }
}

/// Merges a tip into the one that its flag says it is a duplicate of: stewards.
fn merge(
    conn: &mut Conn<'_>,
    caller: &Caller,
    flag: &Flag,
    (tip, latest): (&mut Tip, &Revision),
    reason: String,
    now: Instant,
) -> Result<(), ServiceError> {
    let Some(other) = flag.duplicate_of else {
        return Err(RuleError::field("/resolution", "invalid", "merge the tip first: the flag names no other").into());
    };
    access::may(caller, workflow::Action::Merge, tip, latest)?;
    let target = successor(conn, caller, tip, TipRef::Id(other), "/resolution")?;
    replace(conn, caller, (tip, latest), &target, Replaced::Merged, reason, now)
}

/// The flag that a draft raises, with whose task it is.
fn raised(
    conn: &mut Conn<'_>,
    caller: &Caller,
    flagged: &Usable,
    new: NewFlag,
    id: FlagId,
    now: Instant,
) -> Result<Flag, ServiceError> {
    let draft = FlagDraft { kind: new.kind, text: new.text, names_other: new.duplicate_of.is_some() }.checked()?;
    let duplicate_of = match &new.duplicate_of {
        Some(name) => Some(other(conn, caller, flagged.tip.id, name)?),
        None => None,
    };
    if let Some(other) = duplicate_of
        && relations::told_apart(conn, flagged.tip.id, &flagged.live.text)?.contains(&other)
    {
        return Err(RuleError::ToldApart.into());
    }
    if flags::open_of(conn, flagged.tip.id, draft.kind, caller.user)?.is_some() {
        return Err(RuleError::AlreadyFlagged.into());
    }
    Ok(Flag {
        id,
        tip: flagged.tip.id,
        revision: flagged.live.number,
        community: flagged.community.id,
        kind: draft.kind,
        flagged_by: Some(caller.user),
        text: draft.text,
        duplicate_of,
        assignee: assignee(conn, &flagged.tip, &flagged.live, Some(caller.user))?,
        due_at: draft.kind.due(&flagged.community.policy, now),
        opened_at: now,
        resolved: None,
    })
}

/// The other tip that a caller names, if they may know of it.
fn other(conn: &mut Conn<'_>, caller: &Caller, tip: TipId, name: &str) -> Result<TipId, ServiceError> {
    let unknown = || RuleError::field("/duplicate_of", "unknown", "there is no such tip");
    let named: TipRef = name.parse().map_err(|_| unknown())?;
    let (sheet, _) = known_sheet(conn, caller, named)?.ok_or_else(unknown)?;
    if sheet.tip.id == tip {
        return Err(RuleError::field("/duplicate_of", "invalid", "a tip is not a duplicate of itself").into());
    }
    Ok(sheet.tip.id)
}

/// The reviewer to give a task to: of those who are not credited on the tip and did not raise it themself, the least
/// busy.
pub(crate) fn assignee(
    conn: &mut Conn<'_>,
    tip: &Tip,
    live: &Revision,
    raised_by: Option<UserId>,
) -> Result<Option<UserId>, ServiceError> {
    let mut reviewers = flags::reviewers(conn, tip.community)?;
    for person in credited(conn, tip, live)?.into_iter().chain(raised_by) {
        reviewers.remove(&person);
    }
    Ok(flag::least_busy(reviewers))
}

/// Stores a flag, and tells whose words it is about and whose task it is.
pub(crate) fn open(conn: &mut Conn<'_>, flag: &Flag, tip: &Tip, live: &Revision) -> Result<(), ServiceError> {
    flags::insert(conn, flag)?;
    let facts = Facts { reason: flag.text.clone(), reason_code: Some(flag.kind.word().to_owned()), ..Facts::default() };
    let change = of_flag(Kind::FlagOpened, flag.flagged_by, flag, flag.opened_at, &facts)?;
    let seq = record(conn, &change, tip, live)?;
    notifications::tell(conn, seq, &flag.assignee.into_iter().collect())?;
    Ok(())
}

/// Ends a flag, and tells who raised it, whose words it was about and whose task it was.
pub(crate) fn end(
    conn: &mut Conn<'_>,
    by: Option<UserId>,
    flag: &mut Flag,
    (tip, live): (&Tip, &Revision),
    resolution: Resolution,
    reason: String,
    now: Instant,
) -> Result<(), ServiceError> {
    let facts =
        Facts { reason: Some(reason.clone()), reason_code: Some(resolution.word().to_owned()), ..Facts::default() };
    flag.resolved = Some(Resolved { resolution, reason, by, at: now });
    flags::save(conn, flag)?;
    let seq = record(conn, &of_flag(Kind::FlagResolved, by, flag, now, &facts)?, tip, live)?;
    let concerned = flag.flagged_by.into_iter().chain(flag.assignee).filter(|&person| Some(person) != by);
    notifications::tell(conn, seq, &concerned.collect())?;
    Ok(())
}

fn of_flag(kind: Kind, by: Option<UserId>, flag: &Flag, now: Instant, facts: &Facts) -> Result<Change, ServiceError> {
    let change = Change::new(kind, by, now).of_tip(flag.tip).about(flag.id.0).on_revision(flag.revision);
    Ok(change.telling(audit::payload(facts)?))
}

/// What a flag is about, if the caller may know of it.
fn find(conn: &mut Conn<'_>, caller: &Caller, flag: Flag) -> Result<Open, ServiceError> {
    let TipSheet { tip, live, latest } = tips::sheet(conn, &TipRef::Id(flag.tip))?.ok_or(NONE)?;
    let community = communities::find(conn, tip.community)?.ok_or(NONE)?;
    let live = live.ok_or(NONE)?;
    if !visibility::sees_flag(caller, &flag, &community) {
        return Err(NONE);
    }
    Ok(Open { flag, tip, live, latest, community })
}

/// Locks a flag and its tip for its reviewers: the caller may know of it (404), reviews there (403), it is as they last
/// saw it (412), and it is open (409).
fn lock(conn: &mut Conn<'_>, caller: &Caller, id: FlagId, expected: &IfMatch) -> Result<Open, ServiceError> {
    let tip = flags::find(conn, id)?.ok_or(NONE)?.tip;
    tips::lock(conn, &TipRef::Id(tip))?.ok_or(NONE)?;
    let flag = flags::find(conn, id)?.ok_or(NONE)?; // again: as it is under the lock
    let found = find(conn, caller, flag)?;
    access::may_see_to_flags(caller, found.community.id)?;
    expected.check(view(conn, caller, &found)?.etag())?;
    if found.flag.resolved.is_some() {
        return Err(RuleError::AlreadyResolved.into());
    }
    Ok(found)
}

/// A flag as the caller sees it. Another tip that they may not know of is not named.
fn view(conn: &mut Conn<'_>, caller: &Caller, open: &Open) -> Result<FlagView, ServiceError> {
    let Open { flag, tip, live, community, .. } = open;
    let mut flag = flag.clone();
    if let Some(other) = flag.duplicate_of
        && known_sheet(conn, caller, TipRef::Id(other))?.is_none()
    {
        flag.duplicate_of = None;
    }
    let named = [flag.flagged_by, flag.assignee, flag.resolved.as_ref().and_then(|end| end.by)];
    let named: BTreeSet<UserId> = named.into_iter().flatten().collect();
    let names = users::names(conn, &named.iter().copied().collect::<Vec<_>>())?;
    let may_resolve = flag.resolved.is_none()
        && access::may_see_to_flags(caller, community.id).is_ok()
        && !credited(conn, tip, live)?.contains(&caller.user);
    Ok(FlagView {
        tip: TipBrief { id: tip.id, number: tip.number, title: live.text.title.clone() },
        community: community.slug.clone(),
        people: named.into_iter().map(|id| Person::named(id, &names)).collect(),
        may_resolve,
        flag,
    })
}
