//! Who is calling: from an access token to a [`Caller`] as the account stands now.
//!
//! Every request asks. The answer is kept for a second, and dropped at once when this process changes an account, a
//! membership or a session; while the database is away the last answer goes on serving reads for as long as the token
//! lasts.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::Duration;
use eureka_domain::Instant;
use eureka_domain::access::Caller;
use eureka_domain::ids::SessionId;
use eureka_domain::user::UserStatus;
use eureka_store::{Conn, communities, sessions, users};
use moka::sync::Cache;

use crate::tokens::Claims;
use crate::{Service, ServiceError};

/// How many sessions are remembered.
const REMEMBERED: u64 = 50_000;

/// The callers seen within the last second.
pub struct Callers {
    seen: Cache<SessionId, Seen>,
    generation: AtomicU64,
}

#[derive(Clone)]
struct Seen {
    caller: Caller,
    epoch: i32,
    at: Instant,
    /// The generation it was looked up in; with the next one it is worth nothing.
    generation: u64,
}

impl Default for Callers {
    fn default() -> Self {
        Self { seen: Cache::new(REMEMBERED), generation: AtomicU64::new(0) }
    }
}

impl Callers {
    /// Forgets all: an account, a membership, a community or a session has changed.
    pub(crate) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    fn get(&self, session: &SessionId) -> Option<Seen> {
        self.seen.get(session).filter(|seen| seen.generation == self.generation())
    }
}

impl Service {
    /// Who an access token belongs to, if that was asked within the last second: without a look at the database.
    pub fn authenticate_from_memory(&self, token: &str) -> Result<Option<Caller>, ServiceError> {
        let now = self.clock.now();
        let claims = self.keys.verify(token, now)?;
        match self.callers.get(&claims.sid) {
            Some(seen) if (Duration::zero()..Duration::seconds(1)).contains(&(now - seen.at)) => {
                admit(seen, &claims).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Who an access token belongs to, if its session is still open and its owner may still sign in.
    pub fn authenticate(&self, token: &str) -> Result<Caller, ServiceError> {
        let now = self.clock.now();
        let claims = self.keys.verify(token, now)?;
        let generation = self.callers.generation(); // before the look at the database, which may be older than the next
        match self.store.read(|conn| look_up(conn, &claims, generation, now)) {
            Ok(fresh) => {
                self.callers.seen.insert(claims.sid, fresh.clone());
                admit(fresh, &claims)
            }
            Err(ServiceError::Unavailable(why)) => match self.callers.get(&claims.sid) {
                Some(seen) => admit(seen, &claims),
                None => Err(ServiceError::Unavailable(why)),
            },
            Err(other) => Err(other),
        }
    }
}

fn admit(seen: Seen, claims: &Claims) -> Result<Caller, ServiceError> {
    if seen.epoch == claims.epoch && seen.caller.user == claims.sub {
        Ok(seen.caller)
    } else {
        Err(ServiceError::Unauthenticated("the access token has been revoked"))
    }
}

fn look_up(conn: &mut Conn<'_>, claims: &Claims, generation: u64, now: Instant) -> Result<Seen, ServiceError> {
    const ENDED: ServiceError = ServiceError::Unauthenticated("the session has ended");
    let session = sessions::find(conn, claims.sid)?.ok_or(ENDED)?;
    if session.ended_at.is_some() || session.expires_at <= now || session.user != claims.sub {
        return Err(ENDED);
    }
    let user = users::find(conn, claims.sub)?.ok_or(ENDED)?;
    if user.status != UserStatus::Active {
        return Err(ServiceError::Unauthenticated("the account is suspended"));
    }
    let standings = communities::standings(conn, user.id)?;
    let caller = Caller { user: user.id, site_role: user.site_role, standings, session: Some(claims.sid) };
    Ok(Seen { caller, epoch: user.auth_epoch, at: now, generation })
}
