//! Setting a new password: one's own, by the present one; or with a token that an admin made.

use chrono::Duration;
use eureka_domain::access::{self, Caller};
use eureka_domain::change::{Change, Kind};
use eureka_domain::ids::{SessionId, UserId};
use eureka_domain::password::checked_password;
use eureka_domain::user::{User, UserStatus};
use eureka_domain::{Instant, RuleError};
use eureka_store::{Conn, Written, api_keys, identities, log, password_resets, sessions, users, webhooks};

use crate::attempts::Attempt;
use crate::tokens::{new_secret, secret_hash};
use crate::{Service, ServiceError, Tokens};

/// How long a token for a new password lasts.
const RESET_HOURS: i64 = 24;

const NONE: ServiceError = ServiceError::NotFound("user");

/// A token with which a person sets a new password, once.
#[derive(Clone, PartialEq, Eq)]
pub struct ResetToken {
    /// To be handed to the person; kept nowhere.
    pub token: String,
    /// When it ends by itself.
    pub expires_at: Instant,
}

impl Service {
    /// Changes the caller's password, which takes the present one. Ends every session and opens one for the caller. Keys for
    /// programs stay: whoever fears for them ends them.
    pub fn change_password(
        &self,
        caller: &Caller,
        current: &str,
        password: &str,
    ) -> Result<Written<Tokens>, ServiceError> {
        access::in_person(caller)?;
        let before = self.store.read(|conn| users::find(conn, caller.user))?.ok_or(NONE)?;
        self.prove(&before, current)?;
        checked_password(password, &personal(&before), "/password")?;
        let hash = self.pools.passwords.hash(password)?;
        let now = self.clock.now();
        let session = SessionId(self.new_id(now));
        let secret = new_secret()?;
        let opened = secret.clone();
        let written = self.store.write(move |conn| {
            let user = users::find(conn, before.id)?.ok_or(NONE)?;
            if user.auth_epoch != before.auth_epoch || user.status != UserStatus::Active {
                return Err(ServiceError::Unauthenticated("the session has ended"));
            }
            let user = set_password(conn, user, &hash, now)?;
            crate::sessions::open(conn, session, &user, &opened, now)?;
            log::append(conn, &Change::new(Kind::UserPasswordChanged, Some(user.id), now).about(user.id.0))?;
            Ok(user)
        })?;
        self.callers.forget();
        let tokens = self.tokens(&written.value, session, secret, now)?;
        Ok(Written { value: tokens, position: written.position })
    }

    /// Makes a token with which a person sets a new password: admins, in person, and not for themselves. The one before it
    /// is of no use any more; nothing else changes until the token is used.
    pub fn reset_password(&self, caller: &Caller, id: UserId) -> Result<Written<ResetToken>, ServiceError> {
        access::may_administer(caller)?;
        access::in_person(caller)?;
        if caller.user == id {
            return Err(RuleError::NotPermitted("reset your own password: change it").into());
        }
        let now = self.clock.now();
        let (token, expires_at) = (new_secret()?, now + Duration::hours(RESET_HOURS));
        let (hash, actor) = (secret_hash(&token), caller.user);
        let written = self.store.write(move |conn| {
            let user = users::find(conn, id)?.filter(|user| user.email.is_some()).ok_or(NONE)?;
            password_resets::set(conn, user.id, &hash, expires_at)?;
            log::append(conn, &Change::new(Kind::UserPasswordReset, Some(actor), now).about(id.0))?;
            Ok::<_, ServiceError>(())
        })?;
        Ok(Written { value: ResetToken { token, expires_at }, position: written.position })
    }

    /// Sets a new password with a token that an admin made. Ends every session and every key of the account, and turns its
    /// webhooks off: whoever takes this way may have lost it to somebody.
    pub fn use_reset(&self, token: &str, password: &str) -> Result<Written<()>, ServiceError> {
        const INVALID: ServiceError = ServiceError::Unauthenticated("the token is not valid, was used, or has expired");
        let hash = secret_hash(token);
        let now = self.clock.now();
        let user = self.store.read(|conn| reset_user(conn, &hash, now))?.ok_or(INVALID)?;
        checked_password(password, &personal(&user), "/password")?;
        let password = self.pools.passwords.hash(password)?;
        let written = self.store.write(move |conn| {
            let user = reset_user(conn, &hash, now)?.ok_or(INVALID)?;
            let user = set_password(conn, user, &password, now)?;
            api_keys::remove_all(conn, user.id)?;
            webhooks::pause_all(conn, user.id, now)?;
            log::append(conn, &Change::new(Kind::UserPasswordChanged, Some(user.id), now).about(user.id.0))?;
            Attempt::of_user(&user).succeeded(conn, now)
        })?;
        self.callers.forget();
        Ok(written)
    }

    /// Makes sure that somebody knows their password; wrong ones are counted as at the login.
    pub(crate) fn prove(&self, user: &User, current: &str) -> Result<(), ServiceError> {
        let attempt = self.begin_attempt(Attempt::of_user(user))?;
        let stored = self.store.read(|conn| users::password_hash(conn, user.id))?;
        let (attempt, fits) = self.looked_at(attempt, self.pools.passwords.fits(current, stored.as_deref()))?;
        if !fits {
            let detail = "changing your own password takes the present one";
            return Err(RuleError::field("/current_password", "invalid", detail).into());
        }
        let now = self.clock.now();
        self.store.write(move |conn| attempt.succeeded(conn, now))?;
        Ok(())
    }
}

/// What a password of theirs must not be made of.
pub(crate) fn personal(user: &User) -> Vec<&str> {
    user.email.as_deref().into_iter().chain([user.name.as_str()]).collect()
}

/// Whose token it is, if they may sign in.
fn reset_user(conn: &mut Conn<'_>, hash: &str, now: Instant) -> Result<Option<User>, ServiceError> {
    let Some(id) = password_resets::owner(conn, hash, now)? else { return Ok(None) };
    Ok(users::find(conn, id)?.filter(|user| user.status == UserStatus::Active))
}

/// The account with another password: no token and no session from before is good for anything.
fn set_password(conn: &mut Conn<'_>, user: User, hash: &str, now: Instant) -> Result<User, ServiceError> {
    let user = User { auth_epoch: user.auth_epoch + 1, updated_at: now, ..user };
    users::set_password_hash(conn, user.id, hash, now)?;
    users::save(conn, &user)?;
    sessions::end_all(conn, user.id, "password changed", now)?;
    identities::revoke(conn, user.id, now)?;
    password_resets::remove(conn, user.id)?;
    Ok(user)
}
