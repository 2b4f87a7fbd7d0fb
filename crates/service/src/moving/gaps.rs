//! Moved gaps. Who asked is told nowhere: that is in the searches, which stay where they are. A gap that has not been asked for
//! often enough to be shown is nothing but them, and stays with them.

use eureka_domain::Instant;
use eureka_domain::change::{Change, Kind};
use eureka_domain::gap::Gap;
use eureka_domain::ids::{GapId, TipId};
use eureka_domain::review::Claim;
use eureka_store::{Conn, communities, gaps, log};

use super::away::{PAGE, is_full, named};
use super::here::{People, claim_here, find_named, here, not_here, told};
use super::{Arrival, Moved, MovedGap, MovedName};
use crate::remembered::key_of;
use crate::{Service, ServiceError};

impl Service {
    /// The next gaps that are shown, open, claimed and closed ones, in the order of their ids; and after which there are more.
    pub fn gaps_to_move(&self, after: Option<GapId>) -> Result<(Vec<Moved>, Option<GapId>), ServiceError> {
        self.store.read(|conn| {
            let found = gaps::shown_after(conn, after, PAGE)?;
            let next = found.last().filter(|_| is_full(found.len())).map(|gap| gap.id);
            let mut moved = Vec::with_capacity(found.len());
            for gap in found {
                moved.push(Moved::Gap(Box::new(to_move(conn, gap)?)));
            }
            Ok((moved, next))
        })
    }
}

fn to_move(conn: &mut Conn<'_>, gap: Gap) -> Result<MovedGap, ServiceError> {
    let community = match gap.community {
        Some(id) => Some(communities::find(conn, id)?.ok_or(ServiceError::NotFound("community"))?.slug),
        None => None,
    };
    let mut told = Vec::new();
    for (tip, at) in gaps::tips_of(conn, gap.id)? {
        if let Some(name) = named(conn, tip)? {
            told.push((name, at));
        }
    }
    let answer = match gap.answer {
        Some((tip, at)) => named(conn, tip)?.map(|name| (name, at)),
        None => None,
    };
    Ok(MovedGap { community, gap, tips: told, answer })
}

/// Takes a gap in, unless it is here, or an open one here is for the same: that one is left as it is.
pub(super) fn take(
    conn: &mut Conn<'_>,
    moved: &MovedGap,
    people: &People,
    now: Instant,
) -> Result<Arrival, ServiceError> {
    if gaps::find(conn, moved.gap.id)?.is_some() {
        return Ok(Arrival::Known);
    }
    let (gap, answers) = match placed(conn, moved, people)? {
        Ok(placed) => placed,
        Err(why) => return Ok(Arrival::Refused(why)),
    };
    let gap = Gap { claim: claim_here(conn, gap.claim, now)?, ..gap };
    let key = key_of(gap.product.as_deref(), &gap.terms);
    if gap.answer.is_none() && gaps::find_key(conn, gap.community, &key)?.is_some() {
        return Ok(Arrival::Known);
    }
    gaps::insert(conn, &gap, &key)?;
    for (tip, at) in answers {
        gaps::add_tip(conn, gap.id, tip, at)?;
    }
    if gap.live_claim(now).is_some() {
        log::append(conn, &Change::new(Kind::GapClaimed, None, now).about(gap.id.0))?;
    }
    if let Some((tip, _)) = gap.answer {
        log::append(conn, &Change::new(Kind::GapAnswered, None, now).of_tip(tip).about(gap.id.0))?;
    }
    Ok(Arrival::New)
}

/// A tip that is to answer a gap, and since when.
type Answer = (TipId, Instant);

/// A gap as it is kept here, with the tips that are to answer it; or why it cannot be.
fn placed(
    conn: &mut Conn<'_>,
    moved: &MovedGap,
    people: &People,
) -> Result<Result<(Gap, Vec<Answer>), String>, ServiceError> {
    let community = match &moved.community {
        None => None,
        Some(slug) => match communities::find_slug(conn, slug)? {
            None => return Ok(Err(format!("there is no community {slug}"))),
            Some(community) => Some(community.id),
        },
    };
    let named: Vec<&MovedName> = moved.tips.iter().map(|(name, _)| name).collect();
    if moved.answer.as_ref().is_some_and(|(name, _)| !named.contains(&name)) {
        return Ok(Err("what answers it was not written to".to_owned()));
    }
    let (mut answers, mut answer) = (Vec::with_capacity(moved.tips.len()), None);
    for (name, at) in &moved.tips {
        let Some(tip) = find_named(conn, name)? else { return Ok(Err(not_here(name))) };
        if community.is_some_and(|community| community != tip.community) {
            return Ok(Err("a tip of another community is to answer it".to_owned()));
        }
        answers.push((tip.id, *at));
        if let Some((_, at)) = moved.answer.as_ref().filter(|(answer, _)| answer == name) {
            if tip.live.is_none() {
                return Ok(Err("what answers it is not approved".to_owned()));
            }
            answer = Some((tip.id, *at));
        }
    }
    let claim = match moved.gap.claim.map(|claim| here(people, claim.by).map(|by| Claim { by, ..claim })).transpose() {
        Ok(claim) => claim,
        Err(why) => return Ok(Err(why)),
    };
    let gap = Gap { community, claim, answer, ..moved.gap.clone() };
    Ok(gap.checked().map(|gap| (gap, answers)).map_err(told))
}
