//! Who comes with the token of an identity provider: an account that is known by issuer and subject, or a new one; with the
//! roles that its groups give it now.

use std::sync::Arc;

use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::community::Membership;
use eureka_domain::identity::{Granted, Identity, Turn, turn};
use eureka_domain::ids::{CommunityId, IdentityId, UserId};
use eureka_domain::user::{SiteRole, User, UserStatus, checked_email, checked_name};
use eureka_domain::{Instant, RuleError};
use eureka_store::{Conn, StoreError, Written, communities, identities, log, users};

use crate::communities::{enrol, leave};
use crate::providers::{Assertion, Linking, Newcomers};
use crate::{Service, ServiceError, audit};

/// The name of somebody of whom the provider tells none that may stand on a tip.
const NAMELESS: &str = "Member";
const SUSPENDED: ServiceError = ServiceError::Unauthenticated("the account is suspended");
const REVOKED: ServiceError =
    ServiceError::Unauthenticated("the session has ended: sign in to the identity provider again");
const NOBODY: ServiceError = ServiceError::Rule(RuleError::NotPermitted(
    "sign in here: no account is linked to you, and this provider's people are not given one",
));

/// What is to be done about a token.
enum Due {
    /// Nothing: all that it says was taken up before.
    Nothing,
    /// What it says of somebody who is known.
    Learning(Identity, User),
    /// Somebody who is not known is who has this account.
    Linking(User),
    /// Somebody who is not known gets an account, with this address.
    Account(Option<String>),
}

impl Service {
    /// Takes up what a token says: makes or links the account, and has its roles be those that the groups give. Most tokens
    /// say nothing new, and are only looked at.
    pub(crate) fn take_up(&self, assertion: &Arc<Assertion>, now: Instant) -> Result<(), ServiceError> {
        if matches!(self.store.read(|conn| due(conn, assertion))?, Due::Nothing) {
            return Ok(());
        }
        let assertion = Arc::clone(assertion);
        let (identity, user) = (IdentityId(self.new_id(now)), UserId(self.new_id(now)));
        let written = self.store.write(move |conn| {
            // Another request may have been first.
            let (identity, user) = match due(conn, &assertion)? {
                Due::Nothing => return Ok(false),
                Due::Learning(identity, user) => (identity, user),
                Due::Linking(user) => (link(conn, &assertion, identity, user.id, now)?, user),
                Due::Account(email) => {
                    let user = create(conn, &assertion, user, email, now)?;
                    (link(conn, &assertion, identity, user.id, now)?, user)
                }
            };
            learn(conn, &assertion, identity, user, now)
        })?;
        if written.value {
            self.callers.forget();
        }
        Ok(())
    }

    /// Has an account be that of a provider's subject, from the command line, where the operator is trusted.
    pub fn link_identity(&self, user: UserId, issuer: &str, subject: &str) -> Result<Written<()>, ServiceError> {
        let now = self.clock.now();
        let identity = new_identity(IdentityId(self.new_id(now)), issuer, subject, user, now);
        self.store.write(move |conn| {
            let known = users::find(conn, user)?.filter(|user| user.status == UserStatus::Active);
            known.ok_or(ServiceError::NotFound("user"))?;
            insert(conn, &identity, now)
        })
    }

    /// Takes back that a provider's subject is somebody here, with all that its groups gave.
    pub fn unlink_identity(&self, issuer: &str, subject: &str) -> Result<Written<UserId>, ServiceError> {
        let (now, issuer, subject) = (self.clock.now(), issuer.to_owned(), subject.to_owned());
        let written = self.store.write(move |conn| {
            let none = ServiceError::NotFound("identity");
            let mut identity = identities::find(conn, &issuer, &subject)?.ok_or(none)?;
            let user = users::find(conn, identity.user)?.ok_or(ServiceError::NotFound("user"))?;
            grant(conn, &mut identity, &user, &Granted::default(), now)?;
            identities::remove(conn, identity.id)?;
            let facts = Facts { value: Some(identity.issuer), ..Facts::default() };
            let change = Change::new(Kind::IdentityUnlinked, None, now).about(user.id.0);
            log::append(conn, &change.telling(audit::payload(&facts)?))?;
            Ok::<_, ServiceError>(user.id)
        })?;
        self.callers.forget();
        Ok(written)
    }
}

/// Whose account an identity is, with what may be asked of the token that names it.
pub(crate) fn owner(conn: &mut Conn<'_>, assertion: &Assertion) -> Result<User, ServiceError> {
    let identity = identities::find(conn, &assertion.provider.options.issuer, &assertion.subject)?.ok_or(NOBODY)?;
    let user = users::find(conn, identity.user)?.ok_or(NOBODY)?;
    admitted(&identity, &user, assertion)?;
    Ok(user)
}

fn admitted(identity: &Identity, user: &User, assertion: &Assertion) -> Result<(), ServiceError> {
    if user.status != UserStatus::Active {
        return Err(SUSPENDED);
    }
    if identity.has_revoked(assertion.issued_at) { Err(REVOKED) } else { Ok(()) }
}

fn due(conn: &mut Conn<'_>, assertion: &Assertion) -> Result<Due, ServiceError> {
    let options = &assertion.provider.options;
    if let Some(identity) = identities::find(conn, &options.issuer, &assertion.subject)? {
        let user = users::find(conn, identity.user)?.ok_or(NOBODY)?;
        admitted(&identity, &user, assertion)?;
        let learns = identity.learns_from(assertion.issued_at, &assertion.provider.rules);
        return Ok(if learns { Due::Learning(identity, user) } else { Due::Nothing });
    }
    // What the provider has not verified is not looked at: anybody may call themselves anything.
    let email = assertion.email.as_deref().and_then(|email| checked_email(email, "/email").ok());
    let holder = match &email {
        Some(email) => users::find_email(conn, email)?,
        None => None,
    };
    match (holder, options.newcomers) {
        (Some(holder), _) if options.linking == Linking::ByVerifiedEmail && holder.site_role != SiteRole::Admin => {
            if holder.status == UserStatus::Active {
                Ok(Due::Linking(holder))
            } else {
                Err(SUSPENDED)
            }
        }
        // An address that is taken stays with whoever has it.
        (Some(_), Newcomers::Welcome) => Ok(Due::Account(None)),
        (None, Newcomers::Welcome) => Ok(Due::Account(email)),
        (_, Newcomers::Refused) => Err(NOBODY),
    }
}

fn create(
    conn: &mut Conn<'_>,
    assertion: &Assertion,
    id: UserId,
    email: Option<String>,
    now: Instant,
) -> Result<User, ServiceError> {
    let name = assertion.name.as_deref().and_then(|name| checked_name(name, "/name").ok());
    let user = User {
        id,
        email,
        name: name.unwrap_or_else(|| NAMELESS.to_owned()),
        site_role: SiteRole::Member,
        status: UserStatus::Active,
        auth_epoch: 0,
        created_at: now,
        updated_at: now,
    };
    users::insert(conn, &user, None)?;
    log::append(conn, &Change::new(Kind::UserCreated, None, now).about(id.0))?;
    Ok(user)
}

fn link(
    conn: &mut Conn<'_>,
    assertion: &Assertion,
    id: IdentityId,
    user: UserId,
    now: Instant,
) -> Result<Identity, ServiceError> {
    let identity = new_identity(id, &assertion.provider.options.issuer, &assertion.subject, user, now);
    insert(conn, &identity, now)?;
    Ok(identity)
}

fn new_identity(id: IdentityId, issuer: &str, subject: &str, user: UserId, now: Instant) -> Identity {
    Identity {
        id,
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        user,
        linked_at: now,
        token_at: None,
        rules: String::new(),
        revoked_at: None,
        gave_admin: false,
    }
}

fn insert(conn: &mut Conn<'_>, identity: &Identity, now: Instant) -> Result<(), ServiceError> {
    identities::insert(conn, identity).map_err(|error| match error {
        StoreError::Conflict { what: "identities.subject" } => {
            ServiceError::Taken { pointer: "/subject", what: "this subject" }
        }
        other => other.into(),
    })?;
    let facts = Facts { value: Some(identity.issuer.clone()), ..Facts::default() };
    let change = Change::new(Kind::IdentityLinked, None, now).about(identity.user.0);
    log::append(conn, &change.telling(audit::payload(&facts)?))?;
    Ok(())
}

/// Remembers the token, and brings the account's roles to what its groups give; says whether any is another now.
fn learn(
    conn: &mut Conn<'_>,
    assertion: &Assertion,
    mut identity: Identity,
    user: User,
    now: Instant,
) -> Result<bool, ServiceError> {
    let granted = assertion.provider.options.mapping.grant(&assertion.groups);
    let changed = grant(conn, &mut identity, &user, &granted, now)?;
    identity.token_at = Some(assertion.issued_at);
    identity.rules.clone_from(&assertion.provider.rules);
    identities::save(conn, &identity)?;
    Ok(changed)
}

/// Gives and takes what groups grant, and leaves alone what somebody else gave.
fn grant(
    conn: &mut Conn<'_>,
    identity: &mut Identity,
    user: &User,
    granted: &Granted,
    now: Instant,
) -> Result<bool, ServiceError> {
    let mut changed = grant_admin(conn, identity, user, granted.admin, now)?;
    let held = communities::memberships(conn, user.id)?;
    let mut wanted: Vec<(CommunityId, Option<_>)> = held.iter().map(|(member, _)| (member.community, None)).collect();
    for (slug, role) in &granted.roles {
        let Some(community) = communities::find_slug(conn, slug)? else {
            tracing::warn!(community = %slug, "a group gives a role in a community that does not exist");
            continue;
        };
        wanted.retain(|(id, _)| *id != community.id);
        wanted.push((community.id, Some(*role)));
    }
    for (community, role) in wanted {
        let membership = held.iter().find(|(member, _)| member.community == community);
        let turn = turn(identity.id, membership.map(|(member, given_by)| (member.role, *given_by)), role);
        match turn {
            Turn::Stays => {}
            Turn::Given(role) => {
                let since = membership.map_or(now, |(member, _)| member.since);
                let member = Membership { community, user: user.id, role, since };
                enrol(conn, member, Some(identity.id), (None, now))?;
            }
            Turn::Taken => leave(conn, community, user.id, (None, now))?,
        }
        changed |= turn != Turn::Stays;
    }
    Ok(changed)
}

/// Makes somebody an admin, or a member again if it was the groups that had made them one.
fn grant_admin(
    conn: &mut Conn<'_>,
    identity: &mut Identity,
    user: &User,
    wanted: bool,
    now: Instant,
) -> Result<bool, ServiceError> {
    let site_role = match (user.site_role, wanted) {
        (SiteRole::Member, true) => SiteRole::Admin,
        (SiteRole::Admin, false) if identity.gave_admin => SiteRole::Member,
        _ => return Ok(false),
    };
    identity.gave_admin = wanted;
    users::save(conn, &User { site_role, updated_at: now, ..user.clone() })?;
    identities::save(conn, identity)?;
    let facts = Facts::turned(user.site_role.word(), site_role.word());
    let change = Change::new(Kind::UserRoleChanged, None, now).about(user.id.0);
    log::append(conn, &change.telling(audit::payload(&facts)?))?;
    Ok(true)
}
