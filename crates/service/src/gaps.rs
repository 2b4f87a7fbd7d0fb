//! Gaps: what people searched for in vain, for whoever can answer it. Who searched is told to nobody; those who did are
//! told when there is an answer.

use std::collections::BTreeSet;

use eureka_domain::Instant;
use eureka_domain::RuleError;
use eureka_domain::access::{self, Caller};
use eureka_domain::change::{Change, Kind};
use eureka_domain::community::{Openness, Role};
use eureka_domain::gap::{Gap, GapState};
use eureka_domain::ids::{CommunityId, GapId, TipNumber, TipRef, UserId};
use eureka_domain::tip::Tip;
use eureka_store::gaps::GapFilter;
use eureka_store::{Conn, Written, communities, gaps, log, notifications, searches, users};
use uuid::Uuid;

use crate::tips::known_sheet;
use crate::{Page, PageRequest, Person, Service, ServiceError, entity_tag};

const NONE: ServiceError = ServiceError::NotFound("gap");

/// Which gaps to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GapQuery {
    /// Of the community with this slug.
    pub community: Option<String>,
    /// For this product.
    pub product: Option<String>,
    /// In this state; open and claimed ones when absent.
    pub state: Option<GapState>,
}

/// A gap, as those see it who can answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapView {
    /// The gap; its claim is absent once it has run out.
    pub gap: Gap,
    /// How it stands now.
    pub state: GapState,
    /// The slug of the community it belongs to, if it is one's.
    pub community: Option<String>,
    /// Who has undertaken to answer it.
    pub holder: Option<Person>,
    /// The tip that answers it, if the caller may know of it.
    pub answer: Option<TipNumber>,
}

impl GapView {
    /// The strong entity tag of this view.
    pub fn etag(&self) -> String {
        entity_tag(self)
    }
}

impl Service {
    /// The gaps that the caller can answer, the newest first: those of communities they write in, and those of no
    /// community's own; admins see all.
    pub fn list_gaps(
        &self,
        caller: &Caller,
        query: GapQuery,
        page: &PageRequest,
    ) -> Result<Page<GapView>, ServiceError> {
        let now = self.clock.now();
        self.store.read(|conn| {
            let writes_in: Vec<CommunityId> =
                caller.standings.keys().copied().filter(|&id| caller.has(id, Role::Contributor)).collect();
            let mut filter = GapFilter {
                shared: caller.is_admin() || !writes_in.is_empty(),
                communities: (!caller.is_admin()).then_some(writes_in),
                product: query.product.as_deref().map(eureka_search::plain_name),
                state: query.state,
                now,
            };
            if let Some(slug) = &query.community {
                let named = communities::find_slug(conn, slug)?.map(|community| community.id);
                let may = |id: &CommunityId| access::may_answer_gaps(caller, Some(*id)).is_ok();
                filter.communities = Some(named.into_iter().filter(may).collect());
                filter.shared = false;
            }
            let found = gaps::list(conn, &filter, page.after()?, page.fetch())?;
            page.page(found, |gap| gap.id)?.try_map(|gap| view(conn, caller, gap, now))
        })
    }

    /// One gap.
    pub fn read_gap(&self, caller: &Caller, id: GapId) -> Result<GapView, ServiceError> {
        let now = self.clock.now();
        self.store.read(|conn| {
            let gap = visible(conn, caller, id)?;
            view(conn, caller, gap, now)
        })
    }

    /// Undertakes to answer a gap, or renews the claim on it.
    pub fn claim_gap(&self, caller: &Caller, id: GapId) -> Result<Written<GapView>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store.write(move |conn| {
            let mut gap = visible(conn, &caller, id)?;
            gap.claim(caller.user, now)?;
            gaps::save(conn, &gap)?;
            log::append(conn, &Change::new(Kind::GapClaimed, Some(caller.user), now).about(id.0))?;
            view(conn, &caller, gap, now)
        })
    }

    /// Gives a gap back: its holder, or a steward.
    pub fn release_gap(&self, caller: &Caller, id: GapId) -> Result<Written<GapView>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store.write(move |conn| {
            let mut gap = visible(conn, &caller, id)?;
            let stewards = gap.community.is_some_and(|id| access::may_steward(&caller, id).is_ok());
            if !stewards && !caller.is_admin() {
                gap.free_for(caller.user, now)?;
            }
            if gap.live_claim(now).is_some() {
                gap.claim = None;
                gaps::save(conn, &gap)?;
                log::append(conn, &Change::new(Kind::GapReleased, Some(caller.user), now).about(id.0))?;
            }
            view(conn, &caller, gap, now)
        })
    }

    /// Notes that the caller opened a hit of a search of theirs: searches whose hits nobody opens are gaps too.
    pub fn open_hit(&self, caller: &Caller, search: Uuid) {
        self.remembered.opened(search, caller.user, self.clock.now());
    }

    /// Waits until the searches before are remembered: for tests, and before a clean stop.
    pub fn settle_searches(&self) {
        self.remembered.settle();
    }

    /// How many searches could not be remembered since the start.
    pub fn searches_dropped(&self) -> u64 {
        self.remembered.dropped()
    }
}

/// A gap that has been asked for often enough, and that the caller could answer.
fn visible(conn: &mut Conn<'_>, caller: &Caller, id: GapId) -> Result<Gap, ServiceError> {
    let may = |gap: &Gap| gap.is_shown() && access::may_answer_gaps(caller, gap.community).is_ok();
    gaps::find(conn, id)?.filter(may).ok_or(NONE)
}

fn view(conn: &mut Conn<'_>, caller: &Caller, mut gap: Gap, now: Instant) -> Result<GapView, ServiceError> {
    let state = gap.state(now);
    gap.claim = gap.live_claim(now);
    let community = match gap.community {
        Some(id) => communities::find(conn, id)?.map(|community| community.slug),
        None => None,
    };
    let names = users::names(conn, &gap.claim.map(|claim| claim.by).into_iter().collect::<Vec<_>>())?;
    let answer = match gap.answer {
        None => None,
        Some((tip, _)) => known_sheet(conn, caller, TipRef::Id(tip))?.map(|(sheet, _)| sheet.tip.number),
    };
    Ok(GapView { holder: gap.claim.map(|claim| Person::named(claim.by, &names)), state, community, answer, gap })
}

/// Notes that a new tip is meant to answer a gap.
pub(crate) fn answer_with(
    conn: &mut Conn<'_>,
    caller: &Caller,
    id: GapId,
    tip: &Tip,
    now: Instant,
) -> Result<(), ServiceError> {
    let unknown = || RuleError::field("/gap", "unknown", "there is no such gap");
    let gap = visible(conn, caller, id).map_err(|_| unknown())?;
    if gap.community.is_some_and(|community| community != tip.community) {
        return Err(RuleError::field("/gap", "invalid", "it belongs to another community").into());
    }
    if gap.answer.is_some() {
        return Err(RuleError::Answered.into());
    }
    Ok(gaps::add_tip(conn, id, tip.id, now)?)
}

/// Closes the gaps that a tip was meant to answer, now that it is approved, and tells those who asked.
pub(crate) fn close_answered(conn: &mut Conn<'_>, actor: UserId, tip: &Tip, now: Instant) -> Result<(), ServiceError> {
    for mut gap in gaps::answered_by(conn, tip.id)? {
        gap.answer = Some((tip.id, now));
        gap.claim = None;
        gaps::save(conn, &gap)?;
        let change = Change::new(Kind::GapAnswered, Some(actor), now).of_tip(tip.id).about(gap.id.0);
        let seq = log::append(conn, &change)?;
        let asked = searches::who_asked(conn, gap.id)?;
        let told = readers(conn, tip, asked.into_iter().filter(|&user| user != tip.author && user != actor))?;
        notifications::tell(conn, seq, &told)?;
    }
    Ok(())
}

/// Those people who may read a tip of its community.
fn readers(
    conn: &mut Conn<'_>,
    tip: &Tip,
    people: impl Iterator<Item = UserId>,
) -> Result<BTreeSet<UserId>, ServiceError> {
    let open = communities::find(conn, tip.community)?.is_some_and(|home| home.openness == Openness::Open);
    let mut readers = BTreeSet::new();
    for user in people {
        if open || communities::member(conn, tip.community, user)?.is_some() {
            readers.insert(user);
        }
    }
    Ok(readers)
}
