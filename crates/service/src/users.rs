//! Accounts: making them, reading and changing them. A change that takes rights away bites on the next request.

use eureka_domain::access::{self, Caller};
use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::community::Role;
use eureka_domain::ids::UserId;
use eureka_domain::password::{checked_length, checked_password};
use eureka_domain::user::{SiteRole, User, UserStatus, checked_email, checked_name};
use eureka_domain::{Instant, RuleError};
use eureka_store::{Conn, Written, api_keys, communities, identities, log, password_resets, sessions, users, webhooks};

use crate::passwords::personal;
use crate::{Answer, IfMatch, Once, Page, PageRequest, Service, ServiceError, audit, entity_tag, once};

const NONE: ServiceError = ServiceError::NotFound("user");

/// An account to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Login name.
    pub email: String,
    /// The name on their tips.
    pub name: String,
    /// The first password.
    pub password: String,
    /// What they are to the site.
    pub site_role: SiteRole,
}

/// The parts of an account to change.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UserChanges {
    /// The name on their tips.
    pub name: Option<String>,
    /// A new password.
    pub password: Option<String>,
    /// The present password; owed by whoever changes their own.
    pub current_password: Option<String>,
    /// What they are to the site: admins, and never one's own.
    pub site_role: Option<SiteRole>,
    /// Whether they may sign in: admins, and never one's own.
    pub status: Option<UserStatus>,
}

impl Service {
    /// Makes an account: admins.
    pub fn create_user(&self, caller: &Caller, new: NewUser, once: Once<User>) -> Result<Answer, ServiceError> {
        access::may_administer(caller)?;
        if new.site_role == SiteRole::Admin {
            access::in_person(caller)?;
        }
        let now = self.clock.now();
        checked_password(&new.password, &[&new.email, &new.name], "/password")?;
        let (user, hash) = self.account(new, now)?;
        let actor = caller.user;
        let written = self.store.write(move |conn| {
            let permit = |_: &mut Conn<'_>| Ok(()); // only admins come this far
            once::run(conn, actor, once, now, permit, |conn, ()| {
                users::insert(conn, &user, Some(&hash))?;
                log::append(conn, &Change::new(Kind::UserCreated, Some(actor), now).about(user.id.0))?;
                Ok(user)
            })
        })?;
        Ok(written.value)
    }

    /// Makes an account from the command line, where the operator is trusted.
    pub fn add_user(&self, new: NewUser) -> Result<Written<User>, ServiceError> {
        let now = self.clock.now();
        let (user, hash) = self.account(new, now)?;
        self.store.write(move |conn| {
            users::insert(conn, &user, Some(&hash))?;
            log::append(conn, &Change::new(Kind::UserCreated, None, now).about(user.id.0))?;
            Ok(user)
        })
    }

    /// The caller's own account, and their role in each community by its slug.
    pub fn me(&self, caller: &Caller) -> Result<(User, Vec<(String, Role)>), ServiceError> {
        self.store.read(|conn| {
            let user = users::find(conn, caller.user)?.ok_or(NONE)?;
            let mut roles = Vec::with_capacity(caller.standings.len());
            for (&id, standing) in &caller.standings {
                if let Some(community) = communities::find(conn, id)? {
                    roles.push((community.slug, standing.role));
                }
            }
            Ok((user, roles))
        })
    }

    /// All accounts, oldest first: admins.
    pub fn list_users(&self, caller: &Caller, page: &PageRequest) -> Result<Page<User>, ServiceError> {
        access::may_administer(caller)?;
        self.store.read(|conn| {
            let found = users::list(conn, page.after()?, page.fetch())?;
            page.page(found, |user| user.id)
        })
    }

    /// One account: one's own, or any for admins.
    pub fn read_user(&self, caller: &Caller, id: UserId) -> Result<User, ServiceError> {
        self.store.read(|conn| own_or_administered(conn, caller, id))
    }

    /// Changes an account: one's own name and password, or anything for admins. A new password and a suspension end every
    /// session; a suspension, and a password that somebody else sets, every key as well. A new role counts from the next
    /// request.
    pub fn update_user(
        &self,
        caller: &Caller,
        id: UserId,
        changes: UserChanges,
        expected: IfMatch,
    ) -> Result<Written<User>, ServiceError> {
        let hash = self.new_password(caller, id, &changes)?;
        let (caller, now) = (caller.clone(), self.clock.now());
        let written = self.store.write(move |conn| {
            let before = own_or_administered(conn, &caller, id)?;
            expected.check(entity_tag(&before))?;
            if changes.site_role.is_some() || changes.status.is_some() {
                access::may_administer(&caller)?;
                access::in_person(&caller)?;
                if caller.user == id {
                    return Err(RuleError::NotPermitted("change your own role or status").into());
                }
            }
            let mut user = before.clone();
            if let Some(name) = &changes.name {
                user.name = checked_name(name, "/name")?;
            }
            user.site_role = changes.site_role.unwrap_or(user.site_role);
            user.status = changes.status.unwrap_or(user.status);
            if user.site_role != before.site_role {
                identities::disown_admin(conn, id)?;
            }
            let matters = matters(&before, &user, hash.is_some());
            if matters.is_empty() {
                return Ok(before);
            }
            user.updated_at = now;
            if let Some(hash) = &hash {
                users::set_password_hash(conn, id, hash, now)?;
            }
            if hash.is_some() || user.status == UserStatus::Suspended {
                user.auth_epoch += 1;
                sessions::end_all(conn, id, "password or status changed", now)?;
                identities::revoke(conn, id, now)?;
            }
            if user.status == UserStatus::Suspended || (hash.is_some() && caller.user != id) {
                password_resets::remove(conn, id)?;
                api_keys::remove_all(conn, id)?;
                webhooks::pause_all(conn, id, now)?;
            }
            users::save(conn, &user)?;
            for (kind, facts) in matters {
                let change = Change::new(kind, Some(caller.user), now).about(id.0);
                log::append(conn, &change.telling(audit::payload(&facts)?))?;
            }
            Ok::<_, ServiceError>(user)
        })?;
        self.callers.forget();
        Ok(written)
    }

    fn account(&self, new: NewUser, now: Instant) -> Result<(User, String), ServiceError> {
        let email = checked_email(&new.email, "/email")?;
        let name = checked_name(&new.name, "/name")?;
        checked_length(&new.password, "/password")?;
        let user = User {
            id: UserId(self.new_id(now)),
            email: Some(email),
            name,
            site_role: new.site_role,
            status: UserStatus::Active,
            auth_epoch: 0,
            created_at: now,
            updated_at: now,
        };
        Ok((user, self.pools.passwords.hash(&new.password)?))
    }

    /// The hash of the new password, if one is set; whoever changes their own proves that they know the old one.
    fn new_password(&self, caller: &Caller, id: UserId, changes: &UserChanges) -> Result<Option<String>, ServiceError> {
        let Some(password) = &changes.password else { return Ok(None) };
        let user = self.store.read(|conn| own_or_administered(conn, caller, id))?;
        access::in_person(caller)?;
        checked_password(password, &personal(&user), "/password")?;
        if caller.user == id {
            self.prove(&user, changes.current_password.as_deref().unwrap_or_default())?;
        }
        self.pools.passwords.hash(password).map(Some)
    }
}

fn own_or_administered(conn: &mut Conn<'_>, caller: &Caller, id: UserId) -> Result<User, ServiceError> {
    if caller.user != id && !caller.is_admin() {
        return Err(NONE);
    }
    users::find(conn, id)?.ok_or(NONE)
}

/// What is to be recorded of a change of an account, matter by matter.
fn matters(before: &User, after: &User, password: bool) -> Vec<(Kind, Facts)> {
    let mut matters = Vec::new();
    if before.name != after.name {
        matters.push((Kind::UserRenamed, Facts::default()));
    }
    if password {
        matters.push((Kind::UserPasswordChanged, Facts::default()));
    }
    if before.site_role != after.site_role {
        matters.push((Kind::UserRoleChanged, Facts::turned(before.site_role.word(), after.site_role.word())));
    }
    if before.status != after.status {
        matters.push((Kind::UserStatusChanged, Facts::turned(before.status.word(), after.status.word())));
    }
    matters
}
