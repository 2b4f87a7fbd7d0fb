//! What is moved away, read page by page.

use eureka_domain::ids::{TipId, TipRef, UserId};
use eureka_domain::outcome::Outcome;
use eureka_domain::tip::{Revision, State, Tip};
use eureka_domain::user::UserStatus;
use eureka_store::outcomes::OutcomeFilter;
use eureka_store::{Conn, communities, flags, glossaries, outcomes, relations, revisions, tips, users};

use super::{Moved, MovedName, MovedPerson, MovedTip};
use crate::{Service, ServiceError};

/// How many tips, or people, are read at once.
const PAGE: i64 = 200;

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

    /// The next tips that were ever approved, in the order of their ids, held, archived and replaced ones too; and after
    /// which there are more.
    pub fn tips_to_move(&self, after: Option<TipId>) -> Result<(Vec<MovedTip>, Option<TipId>), ServiceError> {
        self.store.read(|conn| {
            let sheets = tips::sheets_after(conn, after, PAGE)?;
            let next = sheets.last().filter(|_| is_full(sheets.len())).map(|sheet| sheet.tip.id);
            let mut moved = Vec::with_capacity(sheets.len());
            for sheet in sheets.into_iter().filter(|sheet| sheet.live.is_some()) {
                moved.push(tip_to_move(conn, sheet.tip)?);
            }
            Ok((moved, next))
        })
    }

    /// What joins the tips after one of them: flags on them, what is said of them and others, what took their place. Only
    /// between tips that are moved.
    pub fn links_to_move(&self, after: Option<TipId>) -> Result<(Vec<Moved>, Option<TipId>), ServiceError> {
        self.store.read(|conn| {
            let sheets = tips::sheets_after(conn, after, PAGE)?;
            let next = sheets.last().filter(|_| is_full(sheets.len())).map(|sheet| sheet.tip.id);
            let mut moved = Vec::new();
            for sheet in sheets.into_iter().filter(|sheet| sheet.live.is_some()) {
                let tip = name_of(conn, &sheet.tip)?;
                for flag in flags::of_tip(conn, sheet.tip.id)? {
                    let other = flag.duplicate_of.map(|id| named(conn, id)).transpose()?.flatten();
                    if flag.duplicate_of.is_some() == other.is_some() {
                        moved.push(Moved::Flag { tip: tip.clone(), other, flag });
                    }
                }
                for relation in relations::of_tip(conn, sheet.tip.id)? {
                    if let Some(other) = named(conn, relation.other)? {
                        moved.push(Moved::Relation { tip: tip.clone(), other, relation });
                    }
                }
                if let Some(replaced) = sheet.tip.replaced
                    && let Some(by) = named(conn, replaced.by)?
                {
                    moved.push(Moved::Replaced { tip, by, how: replaced.how });
                }
            }
            Ok((moved, next))
        })
    }
}

fn tip_to_move(conn: &mut Conn<'_>, tip: Tip) -> Result<MovedTip, ServiceError> {
    let was_approved = |revision: &Revision| matches!(revision.state, State::Published | State::Superseded);
    let revisions = revisions::list(conn, tip.id)?.into_iter().filter(was_approved).collect();
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
        outcomes,
    })
}

/// How another tip is named elsewhere; `None` for one that is not moved.
fn named(conn: &mut Conn<'_>, id: TipId) -> Result<Option<MovedName>, ServiceError> {
    match tips::find(conn, &TipRef::Id(id))?.filter(|tip| tip.live.is_some()) {
        Some(tip) => name_of(conn, &tip).map(Some),
        None => Ok(None),
    }
}

fn name_of(conn: &mut Conn<'_>, tip: &Tip) -> Result<MovedName, ServiceError> {
    let community = communities::find(conn, tip.community)?.ok_or(ServiceError::NotFound("community"))?;
    Ok(MovedName { community: community.slug, id: tip.external_id.clone().unwrap_or_else(|| tip.id.to_string()) })
}

fn is_full(read: usize) -> bool {
    i64::try_from(read).is_ok_and(|read| read == PAGE)
}
