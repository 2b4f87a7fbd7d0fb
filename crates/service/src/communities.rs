//! Communities: founding, charter, members.

use eureka_domain::Instant;
use eureka_domain::access::{self, Caller};
use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::community::{Charter, Community, Membership, Openness, Role};
use eureka_domain::ids::{CommunityId, UserId};
use eureka_domain::user::User;
use eureka_store::{Conn, Written, communities, log, users};

use crate::{Answer, IfMatch, Once, Page, PageRequest, Person, Service, ServiceError, entity_tag, once};

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
    /// How many distinct reviewers have to approve.
    pub quorum: Option<i32>,
    /// How many minutes a claim lasts.
    pub claim_minutes: Option<i32>,
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
        let written = self
            .store
            .write(move |conn| once::run(conn, actor, once, now, |conn| insert(conn, charter, id, Some(actor), now)))?;
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
        let written =
            self.store.write(move |conn| enrol(conn, Membership { community, user, role, since: now }, None))?;
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
            let mut community = known(conn, &caller, &slug)?;
            access::may_steward(&caller, community.id)?;
            expected.check(entity_tag(&community))?;
            let mut policy = community.policy;
            policy.quorum = changes.quorum.unwrap_or(policy.quorum);
            policy.claim_minutes = changes.claim_minutes.unwrap_or(policy.claim_minutes);
            let charter = Charter {
                slug: community.slug.clone(),
                name: changes.name.unwrap_or(community.name),
                description: changes.description.unwrap_or(community.description),
                openness: changes.openness.unwrap_or(community.openness),
                policy,
            }
            .checked()?;
            community = Community {
                name: charter.name,
                description: charter.description,
                openness: charter.openness,
                policy: charter.policy,
                updated_at: now,
                ..community
            };
            communities::save(conn, &community)?;
            log::append(conn, &about(Kind::CommunityUpdated, Some(caller.user), community.id, now))?;
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
            enrol(conn, member.clone(), Some((caller.user, now)))?;
            Ok::<_, ServiceError>(view(&member, person))
        })?;
        self.callers.forget();
        Ok(written)
    }

    /// Ends a membership: stewards and admins, or the member themself.
    pub fn remove_member(&self, caller: &Caller, slug: String, user: UserId) -> Result<Written<()>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let payload = crate::audit::payload(&Facts { user: Some(user), ..Facts::default() })?;
        let written = self.store.write(move |conn| {
            let community = known(conn, &caller, &slug)?;
            if caller.user != user {
                access::may_steward(&caller, community.id)?;
            }
            if !communities::remove_member(conn, community.id, user)? {
                return Err(ServiceError::NotFound("member"));
            }
            let change = Change { payload, ..about(Kind::MemberRemoved, Some(caller.user), community.id, now) };
            log::append(conn, &change)?;
            Ok(())
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
    log::append(conn, &about(Kind::CommunityCreated, actor, id, now))?;
    Ok(community)
}

/// Records a membership; `by` is who gave it and when, where it was not the operator.
fn enrol(conn: &mut Conn<'_>, member: Membership, by: Option<(UserId, Instant)>) -> Result<(), ServiceError> {
    communities::set_member(conn, &member)?;
    let facts = Facts { value: Some(member.role.word().to_owned()), user: Some(member.user), ..Facts::default() };
    let (actor, at) = by.map_or((None, member.since), |(actor, at)| (Some(actor), at));
    let payload = crate::audit::payload(&facts)?;
    log::append(conn, &Change { payload, ..about(Kind::MemberSet, actor, member.community, at) })?;
    Ok(())
}

fn known(conn: &mut Conn<'_>, caller: &Caller, slug: &str) -> Result<Community, ServiceError> {
    communities::find_slug(conn, slug)?.filter(|community| caller.knows(community)).ok_or(NONE)
}

fn view(member: &Membership, user: User) -> MemberView {
    MemberView { person: Person { id: user.id, name: user.name }, role: member.role, since: member.since }
}

fn about(kind: Kind, actor: Option<UserId>, community: CommunityId, at: Instant) -> Change {
    Change {
        kind,
        actor,
        at,
        tip: None,
        revision: None,
        from: None,
        to: None,
        subject: Some(community.0),
        payload: None,
    }
}
