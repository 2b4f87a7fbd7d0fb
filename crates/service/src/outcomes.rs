//! Use is review: telling what using a tip did, and reading what was told.

use std::collections::{BTreeMap, BTreeSet};

use eureka_domain::access::Caller;
use eureka_domain::change::{Facts, Kind};
use eureka_domain::community::{Community, Role};
use eureka_domain::ids::{FlagId, OutcomeId, TipId, TipRef, UserId};
use eureka_domain::outcome::{Counting, Outcome, OutcomeDraft, spelled};
use eureka_domain::proof::Tally;
use eureka_domain::tip::{Replaced, Replacement, Revision, Tip};
use eureka_domain::{Instant, RuleError, visibility};
use eureka_store::outcomes::{CountedUse, OutcomeFilter};
use eureka_store::proofs::TipProof;
use eureka_store::tips::TipSheet;
use eureka_store::{Conn, Written, communities, log, outcomes, proofs, revisions, tips, users};

use crate::rechecks::{self, Case};
use crate::tips::{change, visible_sheet};
use crate::{Answer, Once, Page, PageRequest, Person, Service, ServiceError, audit, once};

/// Which outcomes of a tip to list, of those that the caller may see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutcomeQuery {
    /// Those of this revision and of later ones.
    pub since_revision: Option<i32>,
    /// Those that are taken into the proof, or those that are not.
    pub counting: Option<Counting>,
    /// Those that the caller told.
    pub mine: bool,
}

/// An outcome, as the caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeView {
    /// The outcome; its work order and its client id are for those who may know who told it.
    pub outcome: Outcome,
    /// Who told it: for the community's reviewers, and for themself.
    pub by: Option<Person>,
}

impl OutcomeView {
    /// The strong entity tag of this view.
    pub fn etag(&self) -> String {
        crate::entity_tag(self)
    }
}

/// A tip that can be used: locked, with the text that readers see.
pub(crate) struct Usable {
    /// The one that was named; it may have been merged into the other.
    named: TipId,
    /// The tip.
    pub(crate) tip: Tip,
    /// What readers see.
    pub(crate) live: Revision,
    /// The newest revision; it may be the live one.
    pub(crate) latest: Revision,
    /// Who owns it.
    pub(crate) community: Community,
}

const NONE: ServiceError = ServiceError::NotFound("outcome");

impl Service {
    /// Tells what using a tip did: whoever reads it. The last word of a person on a job, or where none is named on a day,
    /// counts; those whose words are in the tip are listened to, and never count. Told again under the same client id, it
    /// is the same outcome.
    pub fn record_outcome(
        &self,
        caller: &Caller,
        tip: TipRef,
        draft: OutcomeDraft,
        once: Once<OutcomeView>,
    ) -> Result<Answer, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let draft = draft.checked(now)?;
        let (id, recheck) = (OutcomeId(self.new_id(now)), FlagId(self.new_id(now)));
        let payload = audit::payload(&Facts { value: Some(draft.result.word().to_owned()), ..Facts::default() })?;
        let written = self.store.write(move |conn| {
            let used = usable(conn, &caller, &tip)?;
            if let Some(known) = told_before(conn, &caller, &used, &draft)? {
                let position = known.seq;
                let value = view(conn, &caller, &used.community, known)?;
                return Ok(Answer { reply: (once.render)(&Written { value, position }), replayed: true });
            }
            let permit = |_: &mut Conn<'_>| Ok(used);
            once::run(conn, caller.user, once, now, permit, |conn, mut used| {
                let outcome = outcome(conn, &caller, &used, id, draft, now)?;
                let told = change(Kind::OutcomeRecorded, &caller, &used.tip, now).about(id.0).telling(payload);
                let seq = log::append(conn, &told.on_revision(outcome.revision))?;
                let outcome = Outcome { seq, ..outcome };
                if outcome.counting == Counting::Counted {
                    outcomes::replace(conn, outcome.tip, outcome.user, &outcome.occasion())?;
                }
                outcomes::insert(conn, &outcome)?;
                if outcome.counting == Counting::Counted {
                    let uses = recount(conn, outcome.tip)?;
                    let case = Case { tip: &mut used.tip, live: &used.live, by: None, now };
                    rechecks::weigh(conn, case, &uses, recheck)?;
                }
                view(conn, &caller, &used.community, outcome)
            })
        })?;
        Ok(written.value)
    }

    /// The outcomes of a tip, the last told first: all of them for those who write in its community, one's own for
    /// everybody else. Who told them is for the community's reviewers.
    pub fn list_outcomes(
        &self,
        caller: &Caller,
        tip: TipRef,
        query: OutcomeQuery,
        page: &PageRequest,
    ) -> Result<Page<OutcomeView>, ServiceError> {
        self.store.read(|conn| {
            let Some((tip, community)) = readable(conn, caller, tip)? else {
                return Ok(Page { items: Vec::new(), next: None });
            };
            let sees_all = caller.has(community.id, Role::Contributor) || caller.is_admin();
            let filter = OutcomeFilter {
                by: (query.mine || !sees_all).then_some(caller.user),
                since_revision: query.since_revision,
                counting: query.counting,
            };
            let mut of: Vec<TipId> = vec![tip.id];
            if query.since_revision.is_none() {
                of.extend(tips::merged_into(conn, &[tip.id])?.into_values().flatten());
            }
            let found = outcomes::list(conn, &of, &filter, page.after()?, page.fetch())?;
            let Page { items, next } = page.page(found, |outcome| outcome.seq)?;
            Ok(Page { items: views(conn, caller, &community, items)?, next })
        })
    }

    /// One outcome.
    pub fn read_outcome(&self, caller: &Caller, tip: TipRef, id: OutcomeId) -> Result<OutcomeView, ServiceError> {
        self.store.read(|conn| {
            let (tip, community) = readable(conn, caller, tip)?.ok_or(NONE)?;
            let found = outcomes::find(conn, tip.id, id)?.ok_or(NONE)?;
            if found.user != caller.user && !caller.has(community.id, Role::Contributor) && !caller.is_admin() {
                return Err(NONE);
            }
            view(conn, caller, &community, found)
        })
    }
}

/// The tip that a caller names, locked, if they read what is published of it; one that was merged is the one it went into.
pub(crate) fn usable(conn: &mut Conn<'_>, caller: &Caller, named: &TipRef) -> Result<Usable, ServiceError> {
    const NO_TIP: ServiceError = ServiceError::NotFound("tip");
    let mut sheet = tips::lock(conn, named)?.ok_or(NO_TIP)?;
    let named = sheet.tip.id;
    loop {
        let community = communities::find(conn, sheet.tip.community)?.ok_or(NO_TIP)?;
        if !visibility::sees_tip(caller, &sheet.tip, &sheet.latest, &community) {
            return Err(NO_TIP);
        }
        if let Some(Replacement { by, how: Replaced::Merged }) = sheet.tip.replaced {
            sheet = tips::lock(conn, &TipRef::Id(by))?.ok_or(NO_TIP)?;
            continue;
        }
        let TipSheet { tip, live, latest } = sheet;
        let live = live.filter(|_| caller.knows(&community)).ok_or(RuleError::NotPublished)?;
        return Ok(Usable { named, tip, live, latest, community });
    }
}

/// The tip that a caller names, if they read what is published of it; `None` where that is nothing yet.
fn readable(conn: &mut Conn<'_>, caller: &Caller, tip: TipRef) -> Result<Option<(Tip, Community)>, ServiceError> {
    let (sheet, community) = visible_sheet(conn, caller, tip)?;
    Ok((sheet.live.is_some() && caller.knows(&community)).then_some((sheet.tip, community)))
}

/// The outcome that the caller's client told before under this name; another one under the same name is refused.
fn told_before(
    conn: &mut Conn<'_>,
    caller: &Caller,
    used: &Usable,
    draft: &OutcomeDraft,
) -> Result<Option<Outcome>, ServiceError> {
    let known = match &draft.client_id {
        Some(name) => outcomes::by_client_id(conn, caller.user, name)?,
        None => None,
    };
    let is_same = |known: &Outcome| [used.named, used.tip.id].contains(&known.tip) && known.is_told_by(draft);
    match known {
        Some(known) if !is_same(&known) => Err(ServiceError::ClientIdReused),
        known => Ok(known),
    }
}

/// The outcome that a draft tells, without its place in the log.
fn outcome(
    conn: &mut Conn<'_>,
    caller: &Caller,
    used: &Usable,
    id: OutcomeId,
    draft: OutcomeDraft,
    now: Instant,
) -> Result<Outcome, ServiceError> {
    let Usable { tip, live, .. } = used;
    let happened_at = draft.happened_at.unwrap_or(now);
    let own = credited(conn, tip, live)?.contains(&caller.user);
    Ok(Outcome {
        id,
        tip: tip.id,
        revision: log::live_at(conn, tip.id, happened_at)?.unwrap_or(live.number),
        user: caller.user,
        result: draft.result,
        counting: if own { Counting::Own } else { Counting::Counted },
        minutes_spent: draft.minutes_spent,
        minutes_saved: draft.minutes_saved,
        product: draft.product.map(|told| spelled(told, &live.text.products)),
        work_order: draft.work_order,
        note: draft.note,
        client_id: draft.client_id,
        happened_at,
        reported_at: now,
        seq: 0,
    })
}

/// Whose words are in what readers see of a tip.
pub(crate) fn credited(conn: &mut Conn<'_>, tip: &Tip, live: &Revision) -> Result<BTreeSet<UserId>, ServiceError> {
    let mut people = revisions::credited_up_to(conn, tip.id, live.number)?;
    people.extend(live.credited.iter().copied().chain([tip.author]));
    people.extend(tips::merged_authors(conn, &[tip.id])?.into_values().flatten());
    Ok(people)
}

/// Counts anew what the uses of a tip, and of those merged into it, add up to; answers them.
pub(crate) fn recount(conn: &mut Conn<'_>, tip: TipId) -> Result<Vec<CountedUse>, ServiceError> {
    let mut of = vec![tip];
    of.extend(tips::merged_into(conn, &[tip])?.into_values().flatten());
    let uses = outcomes::counted(conn, &of)?;
    proofs::save(conn, tip, proof(&uses).as_ref())?;
    Ok(uses)
}

/// Has what using a tip did count for the one it was merged into, or no longer: its place has just changed.
pub(crate) fn move_evidence(
    conn: &mut Conn<'_>,
    caller: &Caller,
    moved: TipId,
    to: TipId,
    now: Instant,
) -> Result<(), ServiceError> {
    if proofs::of_tips(conn, &[moved])?.is_empty() {
        return Ok(());
    }
    let mut to = Some(to);
    while let Some(tip) = to.map(|id| tips::find(conn, &TipRef::Id(id))).transpose()?.flatten() {
        recount(conn, tip.id)?;
        log::append(conn, &change(Kind::OutcomesMoved, caller, &tip, now).about(moved.0))?;
        to = tip.replaced.filter(|replaced| replaced.how == Replaced::Merged).map(|replaced| replaced.by);
    }
    Ok(())
}

/// What a tip's uses add up to, and those of each product.
fn proof(uses: &[CountedUse]) -> Option<TipProof> {
    let all = Tally::of(uses.iter().map(|used| (used.result, used.happened_at)))?;
    let mut of_product: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for used in uses {
        if let Some(product) = &used.product {
            of_product.entry(product).or_default().push((used.result, used.happened_at));
        }
    }
    let products =
        of_product.into_iter().filter_map(|(product, uses)| Some((product.to_owned(), Tally::of(uses)?))).collect();
    Some(TipProof { all, products })
}

/// An outcome as the caller sees it.
fn view(
    conn: &mut Conn<'_>,
    caller: &Caller,
    community: &Community,
    outcome: Outcome,
) -> Result<OutcomeView, ServiceError> {
    views(conn, caller, community, vec![outcome])?.pop().ok_or(NONE)
}

/// Outcomes as the caller sees them: who told them, and for which job, is for the community's reviewers and themselves.
fn views(
    conn: &mut Conn<'_>,
    caller: &Caller,
    community: &Community,
    found: Vec<Outcome>,
) -> Result<Vec<OutcomeView>, ServiceError> {
    let reviews = caller.reviews(community.id) || caller.is_admin();
    let sees = |outcome: &Outcome| reviews || outcome.user == caller.user;
    let named: BTreeSet<UserId> = found.iter().filter(|outcome| sees(outcome)).map(|outcome| outcome.user).collect();
    let names = users::names(conn, &named.into_iter().collect::<Vec<_>>())?;
    let view = |outcome: Outcome| {
        if sees(&outcome) {
            return OutcomeView { by: Some(Person::named(outcome.user, &names)), outcome };
        }
        OutcomeView { outcome: Outcome { work_order: None, client_id: None, ..outcome }, by: None }
    };
    Ok(found.into_iter().map(view).collect())
}
