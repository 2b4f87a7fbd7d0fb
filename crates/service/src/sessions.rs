//! Sessions: login, refresh, logout.

use chrono::Duration;
use eureka_domain::Instant;
use eureka_domain::access::Caller;
use eureka_domain::ids::SessionId;
use eureka_domain::password::PASSWORD_MAX;
use eureka_domain::user::{User, UserStatus};
use eureka_store::sessions::{RefreshToken, Session};
use eureka_store::{Conn, identities, sessions, users};

use crate::attempts::Attempt;
use crate::tokens::{new_secret, secret_hash};
use crate::{Service, ServiceError};

const WRONG: ServiceError = ServiceError::Unauthenticated("wrong e-mail address or password");

/// How long a session lasts without its owner logging in again.
const SESSION_DAYS: i64 = 30;

/// What a login or a refresh gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// A JWT for the `Authorization` header.
    pub access_token: String,
    /// Seconds until it expires.
    pub expires_in: i64,
    /// For one refresh.
    pub refresh_token: String,
}

/// What came of presenting a refresh token; kept apart from errors, because reuse has to be recorded.
enum Presented {
    Rotated(User, SessionId, String),
    Reused,
    Refused,
}

impl Service {
    /// Opens a session. Unknown address and wrong password get the same answer in the same time, and are counted alike:
    /// by the account, and by where the attempt comes from.
    pub fn login(&self, email: &str, password: &str, from: &str) -> Result<Tokens, ServiceError> {
        let email = email.trim().to_lowercase();
        let attempt = self.begin_attempt(Attempt::to_log_in(&email, from))?;
        let (attempt, user) = self.looked_at(attempt, self.with_password(&email, password))?;
        let user = user.ok_or(WRONG)?;
        let now = self.clock.now();
        let session = SessionId(self.new_id(now));
        let secret = new_secret()?;
        let (user_id, epoch, opened) = (user.id, user.auth_epoch, secret.clone());
        self.store.write(move |conn| {
            // The password may have been changed while it was being checked.
            let still = users::find(conn, user_id)?.ok_or(WRONG)?;
            if still.auth_epoch != epoch || still.status != UserStatus::Active {
                return Err(WRONG);
            }
            open(conn, session, &still, &opened, now)?;
            attempt.succeeded(conn, now)
        })?;
        self.tokens(&user, session, secret, now)
    }

    /// The active account with this address and password, if there is one: for the command line, which is not counted.
    pub fn with_password(&self, email: &str, password: &str) -> Result<Option<User>, ServiceError> {
        let (user, stored) = self.store.read(|conn| {
            let user = users::find_email(conn, email)?;
            let stored = match &user {
                Some(user) => users::password_hash(conn, user.id)?,
                None => None,
            };
            Ok::<_, ServiceError>((user, stored))
        })?;
        let password = if password.len() > 4 * PASSWORD_MAX { "" } else { password };
        let fits = self.pools.passwords.fits(password, stored.as_deref())?;
        Ok(user.filter(|user| fits && user.status == UserStatus::Active))
    }

    /// Trades a refresh token for new tokens. A token that was used before ends its session: one of the two who hold it
    /// is not its owner.
    pub fn refresh(&self, presented: &str) -> Result<Tokens, ServiceError> {
        let now = self.clock.now();
        let hash = secret_hash(presented);
        let secret = new_secret()?;
        let outcome = self.store.write(move |conn| rotate(conn, &hash, secret, now))?.value;
        match outcome {
            Presented::Rotated(user, session, secret) => self.tokens(&user, session, secret, now),
            Presented::Reused => {
                self.callers.forget();
                Err(ServiceError::Unauthenticated("this refresh token was used before; the session has ended"))
            }
            Presented::Refused => Err(ServiceError::Unauthenticated("the refresh token is not valid")),
        }
    }

    /// Ends the caller's session. Whoever came with an identity provider's token has none: what ends are all such tokens of
    /// theirs that were issued until now.
    pub fn logout(&self, caller: &Caller) -> Result<(), ServiceError> {
        let (user, session, now) = (caller.user, caller.session, self.clock.now());
        self.store.write(move |conn| {
            match session {
                Some(session) => sessions::end(conn, session, "logout", now).map(|_| ())?,
                None => identities::revoke(conn, user, now)?,
            }
            Ok::<_, ServiceError>(())
        })?;
        self.callers.forget();
        Ok(())
    }

    pub(crate) fn tokens(
        &self,
        user: &User,
        session: SessionId,
        refresh_token: String,
        now: Instant,
    ) -> Result<Tokens, ServiceError> {
        Ok(Tokens {
            access_token: self.keys.issue(user.id, session, user.auth_epoch, now)?,
            expires_in: crate::ACCESS_MINUTES * 60,
            refresh_token,
        })
    }
}

/// Opens a session with its first refresh token.
pub(crate) fn open(
    conn: &mut Conn<'_>,
    id: SessionId,
    user: &User,
    secret: &str,
    now: Instant,
) -> Result<(), ServiceError> {
    let session = Session {
        id,
        user: user.id,
        created_at: now,
        expires_at: now + Duration::days(SESSION_DAYS),
        ended_at: None,
        end_reason: None,
    };
    sessions::insert(conn, &session)?;
    Ok(sessions::insert_token(conn, &refresh_token(secret, id, now))?)
}

fn rotate(conn: &mut Conn<'_>, hash: &str, secret: String, now: Instant) -> Result<Presented, ServiceError> {
    let Some(token) = sessions::find_token(conn, hash)? else { return Ok(Presented::Refused) };
    let Some(session) = sessions::find(conn, token.session)? else { return Ok(Presented::Refused) };
    if session.ended_at.is_some() || session.expires_at <= now || token.expires_at <= now {
        return Ok(Presented::Refused);
    }
    if !sessions::use_token(conn, hash, now)? {
        sessions::end(conn, session.id, "refresh token reused", now)?;
        return Ok(Presented::Reused);
    }
    let user = users::find(conn, session.user)?;
    let Some(user) = user.filter(|user| user.status == UserStatus::Active) else {
        return Ok(Presented::Refused);
    };
    sessions::insert_token(conn, &refresh_token(&secret, session.id, now))?;
    Ok(Presented::Rotated(user, session.id, secret))
}

fn refresh_token(secret: &str, session: SessionId, now: Instant) -> RefreshToken {
    RefreshToken {
        hash: secret_hash(secret),
        session,
        issued_at: now,
        expires_at: now + Duration::days(SESSION_DAYS),
        used_at: None,
    }
}
