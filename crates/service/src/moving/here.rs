//! What is taken in, each line once: what is here by its name is left as it is.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::community::{Community, Membership};
use eureka_domain::flag::{Flag, Resolved};
use eureka_domain::glossary::{Glossary, checked as checked_glossary};
use eureka_domain::ids::{OutcomeId, TipId, TipNumber, TipRef, UserId};
use eureka_domain::outcome::Outcome;
use eureka_domain::relation::Relation;
use eureka_domain::tip::{Confidence, Replaced, Replacement, Revision, State, Tip};
use eureka_domain::user::{SiteRole, User, UserStatus, checked_email, checked_name};
use eureka_domain::{Ids, Instant, RuleError};
use eureka_store::{Conn, communities, flags, glossaries, log, outcomes, relations, revisions, tips, users};

use super::{Arrival, Moved, MovedFile, MovedName, MovedPerson, MovedTip, files};
use crate::outcomes::recount;
use crate::{Service, ServiceError, audit};

/// The name of people who came without one.
const NAMELESS: &str = "Imported";

/// Who people are here, by who they were there.
type People = HashMap<UserId, UserId>;

impl Service {
    /// Takes people in: those who are here by their id or login name are the same. Nobody else can sign in before an admin
    /// gives them a password, and nobody is an admin here for having been one there.
    pub fn take_people(&self, moved: Vec<MovedPerson>) -> Result<People, ServiceError> {
        let now = self.clock.now();
        let written = self.store.write(move |conn| {
            moved.into_iter().map(|person| take_person(conn, person, now)).collect::<Result<People, ServiceError>>()
        })?;
        Ok(written.value)
    }

    /// Takes tips in, with their files and all that is told of each; each whole, or not at all.
    pub fn take_tips(
        &self,
        moved: Vec<(MovedTip, Vec<MovedFile>)>,
        people: &People,
    ) -> Result<Vec<Arrival>, ServiceError> {
        let (now, ids, people) = (self.clock.now(), Arc::clone(&self.ids), people.clone());
        let written = self.store.write(move |conn| {
            let mut number = tips::next_number(conn)?;
            let mut arrivals = Vec::with_capacity(moved.len());
            for (tip, files) in moved {
                let arrival = take_tip(conn, tip, &files, number, &people, &*ids, now)?;
                if arrival == Arrival::New {
                    number = TipNumber(number.0 + 1);
                }
                arrivals.push(arrival);
            }
            Ok::<_, ServiceError>(arrivals)
        })?;
        Ok(written.value)
    }

    /// Takes in what belongs to communities and tips that are here.
    pub fn take(&self, moved: Vec<Moved>, people: &People) -> Result<Vec<Arrival>, ServiceError> {
        let (now, people) = (self.clock.now(), people.clone());
        let has_words = moved.iter().any(|moved| matches!(moved, Moved::Glossary { .. }));
        let written = self.store.write(move |conn| {
            moved.into_iter().map(|moved| take_one(conn, moved, &people, now)).collect::<Result<Vec<_>, ServiceError>>()
        })?;
        if has_words {
            self.indexer.reload_words()?;
        }
        Ok(written.value)
    }
}

fn take_person(conn: &mut Conn<'_>, person: MovedPerson, now: Instant) -> Result<(UserId, UserId), ServiceError> {
    if users::find(conn, person.id)?.is_some() {
        return Ok((person.id, person.id));
    }
    let email = person.email.map(|email| checked_email(&email, "/email")).transpose()?;
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

fn take_tip(
    conn: &mut Conn<'_>,
    moved: MovedTip,
    files: &[MovedFile],
    number: TipNumber,
    people: &People,
    ids: &dyn Ids,
    now: Instant,
) -> Result<Arrival, ServiceError> {
    let Some(community) = communities::find_slug(conn, &moved.name.community)? else {
        return Ok(Arrival::Refused(format!("there is no community {}", moved.name.community)));
    };
    if find(conn, &community, &moved.name.id)?.is_some() {
        return Ok(Arrival::Known);
    }
    let id = TipId(ids.next(now));
    let (tip, mut texts) = match placed(&moved, id, number, &community, people, now) {
        Ok(placed) => placed,
        Err(why) => return Ok(Arrival::Refused(why)),
    };
    if let Err(why) = files::check(&texts, files) {
        return Ok(Arrival::Refused(why));
    }
    tips::insert(conn, &tip)?;
    files::take(conn, id, &mut texts, files, ids, now)?;
    let Some(live) = texts.last() else { return Ok(Arrival::Refused("it has no text".to_owned())) };
    for text in &texts {
        revisions::insert(conn, &tip, text)?;
    }
    log::append(conn, &Change::new(Kind::TipImported, None, now).of_tip(id).at_revision(None, live))?;
    let told = !moved.outcomes.is_empty();
    for outcome in moved.outcomes {
        let outcome = Outcome { id: OutcomeId(ids.next(now)), tip: id, ..outcome };
        take_outcome(conn, outcome, people, now)?;
    }
    if told {
        recount(conn, id)?;
    }
    Ok(Arrival::New)
}

/// The tip and its texts as they are kept here, or why they cannot be.
fn placed(
    moved: &MovedTip,
    id: TipId,
    number: TipNumber,
    community: &Community,
    people: &People,
    now: Instant,
) -> Result<(Tip, Vec<Revision>), String> {
    let author = here(people, moved.author)?;
    let mut texts: Vec<Revision> = Vec::with_capacity(moved.revisions.len());
    for (place, text) in moved.revisions.iter().enumerate() {
        let is_last = place + 1 == moved.revisions.len();
        if (text.state == State::Published) != is_last || (text.state == State::Superseded) == is_last {
            return Err("the last of its texts is published, those before it superseded".to_owned());
        }
        if text.number <= texts.last().map_or(0, |before| before.number) {
            return Err("its texts are not in order".to_owned());
        }
        let mut credited = BTreeSet::new();
        for person in &text.credited {
            credited.insert(here(people, *person)?);
        }
        texts.push(Revision {
            tip: id,
            text: text.text.clone().checked().map_err(told)?,
            editor: here(people, text.editor)?,
            credited,
            ..text.clone()
        });
    }
    let latest = texts.last().map_or(0, |text| text.number);
    if latest == 0 {
        return Err("it has no text".to_owned());
    }
    for outcome in &moved.outcomes {
        here(people, outcome.user)?;
    }
    if moved.confidence == Confidence::WorkInProgress {
        return Err("peers have not approved it".to_owned());
    }
    let tip = Tip {
        id,
        number,
        community: community.id,
        author,
        confidence: moved.confidence,
        hold: moved.hold.clone(),
        replaced: None,
        live: Some(latest),
        latest,
        review: None,
        external_id: Some(moved.name.id.clone()),
        created_at: moved.created_at,
        updated_at: now,
        published_at: moved.published_at,
    };
    Ok((tip, texts))
}

fn take_outcome(conn: &mut Conn<'_>, outcome: Outcome, people: &People, now: Instant) -> Result<(), ServiceError> {
    let user = people.get(&outcome.user).copied().ok_or(ServiceError::NotFound("user"))?;
    // A person's clients name each outcome once: one that has the name already keeps it.
    let client_id = match &outcome.client_id {
        Some(name) if outcomes::by_client_id(conn, user, name)?.is_some() => None,
        name => name.clone(),
    };
    let facts = Facts { value: Some(outcome.result.word().to_owned()), ..Facts::default() };
    let change = Change::new(Kind::OutcomeRecorded, None, now).of_tip(outcome.tip).about(outcome.id.0);
    let seq = log::append(conn, &change.on_revision(outcome.revision).telling(audit::payload(&facts)?))?;
    Ok(outcomes::insert(conn, &Outcome { user, client_id, seq, ..outcome })?)
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

fn take_flag(
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

fn take_relation(
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
    relations::set(conn, &Relation { tip: tip.id, other: other.id, by, ..relation })?;
    log::append(conn, &Change::new(Kind::TipRelated, None, now).of_tip(tip.id).on_revision(tip.latest))?;
    Ok(Arrival::New)
}

fn take_replacement(
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

fn find(conn: &mut Conn<'_>, community: &Community, external_id: &str) -> Result<Option<TipId>, ServiceError> {
    let found = tips::by_external_ids(conn, community.id, &[external_id.to_owned()])?.into_values().next();
    Ok(match (found, external_id.parse().map(TipId)) {
        (Some(found), _) => Some(found),
        // It may be back where it was written, and goes by its own id there.
        (None, Ok(id)) => {
            tips::find(conn, &TipRef::Id(id))?.filter(|tip| tip.community == community.id).map(|tip| tip.id)
        }
        (None, Err(_)) => None,
    })
}

fn find_named(conn: &mut Conn<'_>, name: &MovedName) -> Result<Option<Tip>, ServiceError> {
    let Some(community) = communities::find_slug(conn, &name.community)? else { return Ok(None) };
    match find(conn, &community, &name.id)? {
        Some(id) => Ok(tips::find(conn, &TipRef::Id(id))?),
        None => Ok(None),
    }
}

fn here(people: &People, id: UserId) -> Result<UserId, String> {
    people.get(&id).copied().ok_or_else(|| format!("the person {id} is not told of"))
}

fn not_here(name: &MovedName) -> String {
    format!("there is no tip {} in {}", name.id, name.community)
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
