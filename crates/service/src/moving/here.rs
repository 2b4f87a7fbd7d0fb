//! What is taken in, each line once: what is here by its name is left as it is.

use std::collections::HashMap;
use std::sync::Arc;

use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::community::{Community, Membership};
use eureka_domain::erasure::FORMER_MEMBER;
use eureka_domain::glossary::{Glossary, checked as checked_glossary};
use eureka_domain::ids::{TipId, TipRef, UserId};
use eureka_domain::review::Claim;
use eureka_domain::tip::Tip;
use eureka_domain::user::{SiteRole, User, UserStatus, checked_email, checked_name};
use eureka_domain::{Instant, RuleError};
use eureka_store::{Conn, communities, glossaries, log, tips as stored, users};

use super::links::{take_flag, take_relation, take_replacement, take_watch};
use super::{Arrival, Moved, MovedFile, MovedName, MovedPerson, MovedTip, gaps, tips};
use crate::{Service, ServiceError, audit};

/// The name of people who came without one.
const NAMELESS: &str = "Imported";

/// Who people are here, by who they were there.
pub(super) type People = HashMap<UserId, UserId>;

/// Who somebody was there, and is here.
pub type ThereAndHere = (UserId, UserId);

impl Service {
    /// Takes people in: those who are here by their id or login name are the same. Nobody else can sign in before an admin
    /// gives them a password, and nobody is an admin here for having been one there. Says of each who they are there and
    /// here, or why they are not taken.
    pub fn take_people(&self, moved: Vec<MovedPerson>) -> Result<Vec<Result<ThereAndHere, String>>, ServiceError> {
        let now = self.clock.now();
        self.take_each(moved, move |conn, person| take_person(conn, person, now))
    }

    /// Takes tips in, with their files and all that is told of each; each whole, or not at all.
    pub fn take_tips(
        &self,
        moved: Vec<(MovedTip, Vec<MovedFile>)>,
        people: &People,
    ) -> Result<Vec<Arrival>, ServiceError> {
        let (now, ids, people) = (self.clock.now(), Arc::clone(&self.ids), people.clone());
        let take = move |conn: &mut Conn<'_>, (tip, files): &(MovedTip, Vec<MovedFile>)| {
            tips::take(conn, tip, files, &people, &*ids, now)
        };
        Ok(self.take_each(moved, take)?.into_iter().map(arrival).collect())
    }

    /// Takes in what belongs to communities and tips that are here.
    pub fn take(&self, moved: Vec<Moved>, people: &People) -> Result<Vec<Arrival>, ServiceError> {
        let (now, people) = (self.clock.now(), people.clone());
        let has_words = moved.iter().any(|moved| matches!(moved, Moved::Glossary { .. }));
        let taken = self.take_each(moved, move |conn, moved: &Moved| take_one(conn, moved.clone(), &people, now))?;
        if has_words {
            self.indexer.reload_words()?;
        }
        Ok(taken.into_iter().map(arrival).collect())
    }

    /// Takes all of it in together. Where one of them does not fit what is kept here, each is taken by itself, so that it
    /// alone is refused.
    fn take_each<M: Send + Sync + 'static, T: Send + 'static>(
        &self,
        moved: Vec<M>,
        take: impl Fn(&mut Conn<'_>, &M) -> Result<T, ServiceError> + Send + Sync + 'static,
    ) -> Result<Vec<Result<T, String>>, ServiceError> {
        let (moved, take) = (Arc::new(moved), Arc::new(take));
        let (all, take_all) = (Arc::clone(&moved), Arc::clone(&take));
        let together =
            self.store.write(move |conn| all.iter().map(|one| take_all(conn, one)).collect::<Result<Vec<T>, _>>());
        match together {
            Ok(written) => return Ok(written.value.into_iter().map(Ok).collect()),
            Err(error) if is_its_own(&error) => {}
            Err(error) => return Err(error),
        }
        let mut taken = Vec::with_capacity(moved.len());
        for place in 0..moved.len() {
            let (moved, take) = (Arc::clone(&moved), Arc::clone(&take));
            let alone = self.store.write(move |conn| moved.get(place).map(|one| take(conn, one)).transpose());
            match alone {
                Ok(written) => taken.extend(written.value.map(Ok)),
                Err(error) if is_its_own(&error) => taken.push(Err(why(error))),
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }
}

/// Whether an error says something of what was to be taken in, and not of the database.
fn is_its_own(error: &ServiceError) -> bool {
    use ServiceError::{Internal, NotFound, Rule, Taken};
    matches!(error, Rule(_) | NotFound(_) | Taken { .. } | Internal(_))
}

fn why(error: ServiceError) -> String {
    match error {
        ServiceError::Rule(rule) => told(rule),
        other => format!("it does not fit what is here: {other}"),
    }
}

fn arrival(taken: Result<Arrival, String>) -> Arrival {
    taken.unwrap_or_else(Arrival::Refused)
}

fn take_person(conn: &mut Conn<'_>, person: &MovedPerson, now: Instant) -> Result<ThereAndHere, ServiceError> {
    if users::find(conn, person.id)?.is_some() {
        return Ok((person.id, person.id));
    }
    let email = person.email.as_deref().map(|email| checked_email(email, "/email")).transpose()?;
    if let Some(email) = &email
        && let Some(known) = users::find_email(conn, email)?
    {
        return Ok((person.id, known.id));
    }
    let user = User {
        id: person.id,
        name: checked_name(person.name.as_deref().unwrap_or(NAMELESS), "/name")?,
        site_role: SiteRole::Member,
        status: if person.is_suspended { UserStatus::Suspended } else { UserStatus::Active },
        auth_epoch: 0,
        created_at: now,
        updated_at: now,
        email,
    };
    users::insert(conn, &user, None)?;
    if user.email.is_some() {
        log::append(conn, &Change::new(Kind::UserCreated, None, now).about(user.id.0))?;
    }
    Ok((user.id, user.id))
}

fn take_one(conn: &mut Conn<'_>, moved: Moved, people: &People, now: Instant) -> Result<Arrival, ServiceError> {
    let taken = match moved {
        Moved::Member { community, user, role, since } => match communities::find_slug(conn, &community)? {
            None => Err(format!("there is no community {community}")),
            Some(community) => match here(people, user) {
                Ok(user) => {
                    let member = Membership { community: community.id, user, role, since };
                    return take_member(conn, member, now);
                }
                Err(why) => Err(why),
            },
        },
        Moved::Glossary { community, versions } => match communities::find_slug(conn, &community)? {
            None => Err(format!("there is no community {community}")),
            Some(community) => return take_glossary(conn, &community, versions, people, now),
        },
        Moved::Watch { tip, user, since } => match find_named(conn, &tip)? {
            None => Err(not_here(&tip)),
            Some(tip) => return take_watch(conn, &tip, user, since, people),
        },
        Moved::Gap(gap) => return gaps::take(conn, &gap, people, now),
        Moved::Flag { tip, other, flag } => match (find_named(conn, &tip)?, other) {
            (None, _) => Err(not_here(&tip)),
            (Some(tip), None) => return take_flag(conn, &tip, None, flag, people, now),
            (Some(tip), Some(other)) => match find_named(conn, &other)? {
                None => Err(not_here(&other)),
                Some(other) => return take_flag(conn, &tip, Some(other.id), flag, people, now),
            },
        },
        Moved::Relation { tip, other, relation } => match (find_named(conn, &tip)?, find_named(conn, &other)?) {
            (None, _) => Err(not_here(&tip)),
            (_, None) => Err(not_here(&other)),
            (Some(tip), Some(other)) => return take_relation(conn, &tip, &other, relation, people, now),
        },
        Moved::Replaced { tip, by, how } => match (find_named(conn, &tip)?, find_named(conn, &by)?) {
            (None, _) => Err(not_here(&tip)),
            (_, None) => Err(not_here(&by)),
            (Some(tip), Some(by)) => return take_replacement(conn, tip, &by, how, now),
        },
    };
    Ok(taken.map_or_else(Arrival::Refused, |()| Arrival::New))
}

fn take_member(conn: &mut Conn<'_>, member: Membership, now: Instant) -> Result<Arrival, ServiceError> {
    if communities::member(conn, member.community, member.user)?.is_some() {
        return Ok(Arrival::Known);
    }
    if is_erased(conn, member.user)? {
        return Ok(Arrival::Refused(format!("{} was erased here", member.user)));
    }
    communities::set_member(conn, &member, None)?;
    let facts = Facts { value: Some(member.role.word().to_owned()), user: Some(member.user), ..Facts::default() };
    let change = Change::new(Kind::MemberSet, None, now).about(member.community.0);
    log::append(conn, &change.telling(audit::payload(&facts)?))?;
    Ok(Arrival::New)
}

/// A community whose glossary says something else keeps its own.
fn take_glossary(
    conn: &mut Conn<'_>,
    community: &Community,
    versions: Vec<Glossary>,
    people: &People,
    now: Instant,
) -> Result<Arrival, ServiceError> {
    let mut kept = glossaries::versions(conn, community.id, None, i64::MAX)?;
    kept.reverse();
    let is_same = |one: &Glossary, other: &Glossary| one.entries == other.entries && one.at == other.at;
    if kept.len() > versions.len() || !kept.iter().zip(&versions).all(|(kept, sent)| is_same(kept, sent)) {
        return Ok(Arrival::Refused(format!("{} has a glossary of its own", community.slug)));
    }
    let mut arrival = Arrival::Known;
    for (version, sent) in (1..).zip(versions).skip(kept.len()) {
        let editor = sent.editor.map(|editor| here(people, editor)).transpose();
        let (Ok(editor), Ok(entries)) = (editor, checked_glossary(sent.entries)) else {
            return Err(RuleError::field("/versions", "invalid", "not a glossary").into());
        };
        glossaries::insert(conn, &Glossary { community: community.id, version, entries, editor, at: sent.at })?;
        let facts = Facts { value: Some(version.to_string()), ..Facts::default() };
        let change = Change::new(Kind::GlossaryUpdated, None, now).about(community.id.0);
        log::append(conn, &change.telling(audit::payload(&facts)?))?;
        arrival = Arrival::New;
    }
    Ok(arrival)
}

/// The tip that a community has under an id of elsewhere.
pub(super) fn find(
    conn: &mut Conn<'_>,
    community: &Community,
    external_id: &str,
) -> Result<Option<TipId>, ServiceError> {
    let found = stored::by_external_ids(conn, community.id, &[external_id.to_owned()])?.into_values().next();
    Ok(match (found, external_id.parse().map(TipId)) {
        (Some(found), _) => Some(found),
        // It may be back where it was written, and goes by its own id there.
        (None, Ok(id)) => {
            stored::find(conn, &TipRef::Id(id))?.filter(|tip| tip.community == community.id).map(|tip| tip.id)
        }
        (None, Err(_)) => None,
    })
}

/// The tip of this name, if it is here.
pub(super) fn find_named(conn: &mut Conn<'_>, name: &MovedName) -> Result<Option<Tip>, ServiceError> {
    let Some(community) = communities::find_slug(conn, &name.community)? else { return Ok(None) };
    match find(conn, &community, &name.id)? {
        Some(id) => Ok(stored::find(conn, &TipRef::Id(id))?),
        None => Ok(None),
    }
}

/// Who somebody is here.
pub(super) fn here(people: &People, id: UserId) -> Result<UserId, String> {
    people.get(&id).copied().ok_or_else(|| format!("the person {id} is not told of"))
}

pub(super) fn not_here(name: &MovedName) -> String {
    format!("there is no tip {} in {}", name.id, name.community)
}

/// Whether somebody's account was erased. They stay so, whatever comes of them from elsewhere.
pub(super) fn is_erased(conn: &mut Conn<'_>, user: UserId) -> Result<bool, ServiceError> {
    let is_empty = |user: &User| user.email.is_none() && user.status == UserStatus::Suspended;
    Ok(users::find(conn, user)?.filter(is_empty).is_some_and(|user| user.name == FORMER_MEMBER))
}

/// A claim as it stands here: one of somebody who was erased is over, as erasing them ends it.
pub(super) fn claim_here(
    conn: &mut Conn<'_>,
    claim: Option<Claim>,
    now: Instant,
) -> Result<Option<Claim>, ServiceError> {
    match claim {
        Some(claim) if claim.until > now && is_erased(conn, claim.by)? => Ok(Some(Claim { until: now, ..claim })),
        claim => Ok(claim),
    }
}

pub(super) fn told(error: RuleError) -> String {
    match error {
        RuleError::Invalid(errors) => {
            let told: Vec<String> = errors.iter().map(|error| format!("{}: {}", error.pointer, error.detail)).collect();
            told.join("; ")
        }
        other => other.to_string(),
    }
}
