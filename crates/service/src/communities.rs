//! Communities: founding, charter, members.

use eureka_domain::Instant;
use eureka_domain::access::{self, Caller};
use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::community::{Charter, Community, Membership, Openness, ReviewPolicy, Role};
use eureka_domain::ids::{CommunityId, IdentityId, UserId};
use eureka_domain::user::User;
use eureka_store::{Conn, Written, communities, log, users};

use crate::{Answer, IfMatch, Once, Page, PageRequest, Person, Service, ServiceError, audit, entity_tag, once};

const NONE: ServiceError = ServiceError::NotFound("community");

/// The parts of a charter to change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommunityChanges {
    /// The name people use.
    pub name: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// Who reads its approved tips.
    pub openness: Option<Openness>,
    /// How it reviews.
    pub policy: PolicyChanges,
}

/// The parts of a review policy to change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicyChanges {
    /// How many distinct reviewers have to approve.
    pub quorum: Option<i32>,
    /// How many have to approve a tip with a safety level.
    pub safety_quorum: Option<i32>,
    /// How many minutes a claim lasts.
    pub claim_minutes: Option<i32>,
    /// Within how many working days somebody takes a submission up.
    pub first_response_days: Option<i32>,
    /// Within how many working days it is decided.
    pub decision_days: Option<i32>,
}

impl PolicyChanges {
    /// The policy with the changes.
    pub fn apply(self, policy: ReviewPolicy) -> ReviewPolicy {
        ReviewPolicy {
            quorum: self.quorum.unwrap_or(policy.quorum),
            safety_quorum: self.safety_quorum.unwrap_or(policy.safety_quorum),
            claim_minutes: self.claim_minutes.unwrap_or(policy.claim_minutes),
            first_response_days: self.first_response_days.unwrap_or(policy.first_response_days),
            decision_days: self.decision_days.unwrap_or(policy.decision_days),
        }
    }
}

impl CommunityChanges {
    fn apply(self, community: &Community) -> Charter {
        Charter {
            slug: community.slug.clone(),
            name: self.name.unwrap_or_else(|| community.name.clone()),
            description: self.description.unwrap_or_else(|| community.description.clone()),
            openness: self.openness.unwrap_or(community.openness),
            policy: self.policy.apply(community.policy),
        }
    }
}

/// A member, as the others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// Who.
    pub person: Person,
    /// As what.
    pub role: Role,
    /// Since when.
    pub since: Instant,
}

impl Service {
    /// Founds a community: admins.
    pub fn create_community(
        &self,
        caller: &Caller,
        charter: Charter,
        once: Once<Community>,
    ) -> Result<Answer, ServiceError> {
        access::may_administer(caller)?;
        let charter = charter.checked()?;
        let (actor, now) = (caller.user, self.clock.now());
        let id = CommunityId(self.new_id(now));
        let written = self.store.write(move |conn| {
            let permit = |_: &mut Conn<'_>| Ok(()); // only admins come this far
            once::run(conn, actor, once, now, permit, |conn, ()| insert(conn, charter, id, Some(actor), now))
        })?;
        Ok(written.value)
    }

    /// Founds a community from the command line, where the operator is trusted.
    pub fn found_community(&self, charter: Charter) -> Result<Written<Community>, ServiceError> {
        let charter = charter.checked()?;
        let now = self.clock.now();
        let id = CommunityId(self.new_id(now));
        self.store.write(move |conn| insert(conn, charter, id, None, now))
    }

    /// Makes a person a member from the command line, where the operator is trusted.
    pub fn enrol_member(&self, community: CommunityId, user: UserId, role: Role) -> Result<Written<()>, ServiceError> {
        let now = self.clock.now();
        let written = self
            .store
            .write(move |conn| enrol(conn, Membership { community, user, role, since: now }, None, (None, now)))?;
        self.callers.forget();
        Ok(written)
    }

    /// The communities the caller may know of, oldest first.
    pub fn list_communities(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Community>, ServiceError> {
        self.store.read(|conn| {
            let found = communities::list(conn, &caller.audience(), page.after()?, page.fetch())?;
            page.page(found, |community| community.id)
        })
    }

    /// One community.
    pub fn read_community(&self, caller: &Caller, slug: &str) -> Result<Community, ServiceError> {
        self.store.read(|conn| known(conn, caller, slug))
    }

    /// Changes a charter: the community's stewards, and admins.
    pub fn update_community(
        &self,
        caller: &Caller,
        slug: String,
        changes: CommunityChanges,
        expected: IfMatch,
    ) -> Result<Written<Community>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let written = self.store.write(move |conn| {
            let before = known(conn, &caller, &slug)?;
            access::may_steward(&caller, before.id)?;
            expected.check(entity_tag(&before))?;
            let charter = changes.apply(&before).checked()?;
            let community = Community {
                name: charter.name,
                description: charter.description,
                openness: charter.openness,
                policy: charter.policy,
                updated_at: now,
                ..before.clone()
            };
            let matters = matters(&before, &community);
            if matters.is_empty() {
                return Ok(before);
            }
            communities::save(conn, &community)?;
            for (kind, facts) in matters {
                let change = Change::new(kind, Some(caller.user), now).about(community.id.0);
                log::append(conn, &change.telling(audit::payload(&facts)?))?;
            }
            Ok::<_, ServiceError>(community)
        })?;
        self.callers.forget();
        Ok(written)
    }

    /// The members of a community, for those who belong to it and admins.
    pub fn list_members(
        &self,
        caller: &Caller,
        slug: &str,
        page: &PageRequest,
    ) -> Result<Page<MemberView>, ServiceError> {
        self.store.read(|conn| {
            let community = known(conn, caller, slug)?;
            access::may_see_members(caller, community.id)?;
            let found = communities::members(conn, community.id, page.after()?, page.fetch())?;
            page.page(found, |(member, _)| member.user)?.try_map(|(member, user)| Ok(view(&member, user)))
        })
    }

    /// Makes a person a member, or changes their role: the community's stewards, and admins.
    pub fn set_member(
        &self,
        caller: &Caller,
        slug: String,
        user: UserId,
        role: Role,
    ) -> Result<Written<MemberView>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let written = self.store.write(move |conn| {
            let community = known(conn, &caller, &slug)?;
            access::may_steward(&caller, community.id)?;
            let person = users::find(conn, user)?.ok_or(ServiceError::NotFound("user"))?;
            let since = communities::member(conn, community.id, user)?.map_or(now, |old| old.since);
            let member = Membership { community: community.id, user, role, since };
            enrol(conn, member.clone(), None, (Some(caller.user), now))?;
            Ok::<_, ServiceError>(view(&member, person))
        })?;
        self.callers.forget();
        Ok(written)
    }

    /// Ends a membership: stewards and admins, or the member themself.
    pub fn remove_member(&self, caller: &Caller, slug: String, user: UserId) -> Result<Written<()>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let written = self.store.write(move |conn| {
            let community = known(conn, &caller, &slug)?;
            if caller.user != user {
                access::may_steward(&caller, community.id)?;
            }
            leave(conn, community.id, user, (Some(caller.user), now))
        })?;
        self.callers.forget();
        Ok(written)
    }
}

fn insert(
    conn: &mut Conn<'_>,
    charter: Charter,
    id: CommunityId,
    actor: Option<UserId>,
    now: Instant,
) -> Result<Community, ServiceError> {
    let community = Community {
        id,
        slug: charter.slug,
        name: charter.name,
        description: charter.description,
        openness: charter.openness,
        policy: charter.policy,
        created_at: now,
        updated_at: now,
    };
    communities::insert(conn, &community)?;
    log::append(conn, &Change::new(Kind::CommunityCreated, actor, now).about(id.0))?;
    Ok(community)
}

/// Records a membership: whose groups gave it, if any, and who did it when; nobody is the operator, or a provider.
pub(crate) fn enrol(
    conn: &mut Conn<'_>,
    member: Membership,
    given_by: Option<IdentityId>,
    (actor, at): (Option<UserId>, Instant),
) -> Result<(), ServiceError> {
    let before = communities::member(conn, member.community, member.user)?;
    communities::set_member(conn, &member, given_by)?;
    let facts = Facts {
        was: before.map(|before| before.role.word().to_owned()),
        value: Some(member.role.word().to_owned()),
        user: Some(member.user),
        ..Facts::default()
    };
    let change = Change::new(Kind::MemberSet, actor, at).about(member.community.0);
    log::append(conn, &change.telling(audit::payload(&facts)?))?;
    Ok(())
}

/// Ends a membership, if there is one.
pub(crate) fn leave(
    conn: &mut Conn<'_>,
    community: CommunityId,
    user: UserId,
    (actor, at): (Option<UserId>, Instant),
) -> Result<(), ServiceError> {
    if !communities::remove_member(conn, community, user)? {
        return Err(ServiceError::NotFound("member"));
    }
    let facts = Facts { user: Some(user), ..Facts::default() };
    let change = Change::new(Kind::MemberRemoved, actor, at).about(community.0);
    log::append(conn, &change.telling(audit::payload(&facts)?))?;
    Ok(())
}

pub(crate) fn known(conn: &mut Conn<'_>, caller: &Caller, slug: &str) -> Result<Community, ServiceError> {
    communities::find_slug(conn, slug)?.filter(|community| caller.knows(community)).ok_or(NONE)
}

fn view(member: &Membership, user: User) -> MemberView {
    MemberView { person: Person { id: user.id, name: user.name }, role: member.role, since: member.since }
}

/// What is to be recorded of a change of a charter: who reads there, and the rest.
fn matters(before: &Community, after: &Community) -> Vec<(Kind, Facts)> {
    let mut matters = Vec::new();
    if before.openness != after.openness {
        let facts = Facts::turned(before.openness.word(), after.openness.word());
        matters.push((Kind::CommunityOpennessChanged, facts));
    }
    let rest = [
        ("name", before.name != after.name),
        ("description", before.description != after.description),
        ("policy", before.policy != after.policy),
    ];
    let fields: Vec<String> =
        rest.iter().filter(|(_, differs)| *differs).map(|(field, _)| (*field).to_owned()).collect();
    if !fields.is_empty() {
        matters.push((Kind::CommunityUpdated, Facts { fields, ..Facts::default() }));
    }
    matters
}
