//! What is moved away, read page by page.

use eureka_domain::ids::{TipId, TipRef, UserId};
use eureka_domain::outcome::Outcome;
use eureka_domain::past;
use eureka_domain::tip::{Revision, State, Tip};
use eureka_domain::user::UserStatus;
use eureka_store::outcomes::OutcomeFilter;
use eureka_store::{
    Conn, communities, flags, glossaries, outcomes, relations, reviews, revisions, tips, users, watches,
};

use super::{Moved, MovedName, MovedPerson, MovedTip, Portion};
use crate::{Service, ServiceError};

/// How many tips, people, or gaps, are read at once.
pub(super) const PAGE: i64 = 200;

impl Service {
    /// These people as they are named elsewhere. Those whose words are in tips have their name on them in any case; the
    /// name of the others, and everybody's login name, are told `with_people` alone.
    pub fn people_named(&self, ids: &[UserId], with_people: bool) -> Result<Vec<MovedPerson>, ServiceError> {
        self.store.read(|conn| {
            let credited = revisions::who_is_credited(conn, ids)?;
            let mut moved = Vec::with_capacity(ids.len());
            for id in ids {
                let user = users::find(conn, *id)?.ok_or(ServiceError::NotFound("user"))?;
                moved.push(MovedPerson {
                    id: user.id,
                    name: (with_people || credited.contains(id)).then_some(user.name),
                    email: user.email.filter(|_| with_people),
                    is_suspended: user.status == UserStatus::Suspended,
                });
            }
            Ok(moved)
        })
    }

    /// The ids of everybody who has an account, those after one of them, and after whom there are more.
    pub fn people_to_move(&self, after: Option<UserId>) -> Result<(Vec<UserId>, Option<UserId>), ServiceError> {
        self.store.read(|conn| {
            let page: Vec<UserId> = users::list(conn, after, PAGE)?.into_iter().map(|user| user.id).collect();
            let next = page.last().filter(|_| is_full(page.len())).copied();
            Ok((page, next))
        })
    }

    /// Who is what in which community.
    pub fn members_to_move(&self) -> Result<Vec<Moved>, ServiceError> {
        let communities = self.every_community()?;
        self.store.read(|conn| {
            let mut moved = Vec::new();
            for community in &communities {
                for (member, _) in communities::members(conn, community.id, None, i64::MAX)? {
                    let community = community.slug.clone();
                    moved.push(Moved::Member { community, user: member.user, role: member.role, since: member.since });
                }
            }
            Ok(moved)
        })
    }

    /// The glossaries, every version of each.
    pub fn glossaries_to_move(&self) -> Result<Vec<Moved>, ServiceError> {
        let communities = self.every_community()?;
        self.store.read(|conn| {
            let mut moved = Vec::new();
            for community in communities {
                let mut versions = glossaries::versions(conn, community.id, None, i64::MAX)?;
                versions.reverse();
                if !versions.is_empty() {
                    moved.push(Moved::Glossary { community: community.slug, versions });
                }
            }
            Ok(moved)
        })
    }

    /// The next tips that were ever approved, or all of them, in the order of their ids, held, archived and replaced ones too;
    /// and after which there are more. Those of [`Self::tips_turned_into_others`] are left out where all are asked for.
    pub fn tips_to_move(
        &self,
        portion: Portion,
        after: Option<TipId>,
    ) -> Result<(Vec<MovedTip>, Option<TipId>), ServiceError> {
        self.store.read(|conn| {
            let sheets = tips::sheets_after(conn, after, PAGE)?;
            let next = sheets.last().filter(|_| is_full(sheets.len())).map(|sheet| sheet.tip.id);
            let mut moved = Vec::with_capacity(sheets.len());
            for sheet in sheets.into_iter().filter(|sheet| portion.has(&sheet.tip)) {
                let tip = tip_to_move(conn, portion, sheet.tip)?;
                if !tip.names_others() {
                    moved.push(tip);
                }
            }
            Ok((moved, next))
        })
    }

    /// The tips of which a text was turned down because it belongs into another tip, each behind that one: readers saw the
    /// other before, and this one later if at all.
    pub fn tips_turned_into_others(&self) -> Result<Vec<MovedTip>, ServiceError> {
        self.store.read(|conn| {
            let mut moved = Vec::new();
            for id in reviews::turned_into_others(conn)? {
                if let Some(tip) = tips::find(conn, &TipRef::Id(id))? {
                    moved.push(tip_to_move(conn, Portion::Everything, tip)?);
                }
            }
            Ok(moved)
        })
    }

    /// What joins the tips after one of them: flags on them, what is said of them and others, what took their place; with
    /// everything, also who watches them. Only between tips that are moved.
    pub fn links_to_move(
        &self,
        portion: Portion,
        after: Option<TipId>,
    ) -> Result<(Vec<Moved>, Option<TipId>), ServiceError> {
        self.store.read(|conn| {
            let sheets = tips::sheets_after(conn, after, PAGE)?;
            let next = sheets.last().filter(|_| is_full(sheets.len())).map(|sheet| sheet.tip.id);
            let mut moved = Vec::new();
            for sheet in sheets.into_iter().filter(|sheet| portion.has(&sheet.tip)) {
                let tip = name_of(conn, &sheet.tip)?;
                for flag in flags::of_tip(conn, sheet.tip.id)? {
                    let other = flag.duplicate_of.map(|id| named_in(conn, portion, id)).transpose()?.flatten();
                    if flag.duplicate_of.is_some() == other.is_some() {
                        moved.push(Moved::Flag { tip: tip.clone(), other, flag });
                    }
                }
                for relation in relations::of_tip(conn, sheet.tip.id)? {
                    if let Some(other) = named_in(conn, portion, relation.other)? {
                        moved.push(Moved::Relation { tip: tip.clone(), other, relation });
                    }
                }
                if let Some(replaced) = sheet.tip.replaced
                    && let Some(by) = named_in(conn, portion, replaced.by)?
                {
                    moved.push(Moved::Replaced { tip: tip.clone(), by, how: replaced.how });
                }
                if portion == Portion::Everything {
                    let watches = watches::since(conn, sheet.tip.id)?.into_iter();
                    moved.extend(watches.map(|(user, since)| Moved::Watch { tip: tip.clone(), user, since }));
                }
            }
            Ok((moved, next))
        })
    }
}

impl Portion {
    /// Whether a tip is in it.
    fn has(self, tip: &Tip) -> bool {
        self == Self::Everything || tip.live.is_some()
    }
}

impl MovedTip {
    /// Whether a decision on one of its texts names another tip.
    fn names_others(&self) -> bool {
        self.reviews.iter().flat_map(|review| &review.decisions).any(|moved| moved.into.is_some())
    }
}

fn tip_to_move(conn: &mut Conn<'_>, portion: Portion, tip: Tip) -> Result<MovedTip, ServiceError> {
    let mut revisions = revisions::list(conn, tip.id)?;
    let mut told = Vec::new();
    match portion {
        Portion::Approved => keep_approved(conn, &mut revisions)?,
        Portion::Everything => told = super::reviews::to_move(conn, tip.id)?,
    }
    let mut outcomes: Vec<Outcome> = outcomes::list(conn, &[tip.id], &OutcomeFilter::default(), None, i64::MAX)?;
    outcomes.reverse();
    Ok(MovedTip {
        name: name_of(conn, &tip)?,
        author: tip.author,
        confidence: tip.confidence,
        hold: tip.hold,
        created_at: tip.created_at,
        published_at: tip.published_at,
        revisions,
        reviews: told,
        outcomes,
    })
}

/// Leaves the texts that readers have seen.
fn keep_approved(conn: &mut Conn<'_>, revisions: &mut Vec<Revision>) -> Result<(), ServiceError> {
    let earlier = revisions.iter().find(|revision| revision.state == State::Superseded);
    let reviews = earlier.map(|earlier| reviews::of_tip(conn, earlier.tip)).transpose()?.unwrap_or_default();
    let review_of = |number: i32| reviews.iter().find(|review| review.revision == number);
    revisions.retain(|revision| past::was_seen(revision, review_of(revision.number)));
    Ok(())
}

/// How another tip is named elsewhere; `None` for one that is not moved.
fn named_in(conn: &mut Conn<'_>, portion: Portion, id: TipId) -> Result<Option<MovedName>, ServiceError> {
    match tips::find(conn, &TipRef::Id(id))?.filter(|tip| portion.has(tip)) {
        Some(tip) => name_of(conn, &tip).map(Some),
        None => Ok(None),
    }
}

/// How a tip is named elsewhere, where everything is moved.
pub(super) fn named(conn: &mut Conn<'_>, id: TipId) -> Result<Option<MovedName>, ServiceError> {
    named_in(conn, Portion::Everything, id)
}

fn name_of(conn: &mut Conn<'_>, tip: &Tip) -> Result<MovedName, ServiceError> {
    let community = communities::find(conn, tip.community)?.ok_or(ServiceError::NotFound("community"))?;
    Ok(MovedName { community: community.slug, id: tip.external_id.clone().unwrap_or_else(|| tip.id.to_string()) })
}

pub(super) fn is_full(read: usize) -> bool {
    i64::try_from(read).is_ok_and(|read| read == PAGE)
}
