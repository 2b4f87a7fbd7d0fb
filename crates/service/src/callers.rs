//! Who is calling: from an access token, an API key or an identity provider's token to a [`Caller`] as the account stands now.
//!
//! Every request asks. The answer is kept for a second, and dropped at once when this process changes an account, a
//! membership, a session or a key; while the database is away the last answer goes on serving reads for as long as the
//! token or the key lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::Duration;
use eureka_domain::Instant;
use eureka_domain::access::Caller;
use eureka_domain::api_key::{self, WrittenKey};
use eureka_domain::ids::{ApiKeyId, SessionId, UserId};
use eureka_domain::user::{User, UserStatus};
use eureka_store::sessions::Session;
use eureka_store::{Conn, StoreError, api_keys, communities, sessions, users};
use moka::sync::Cache;
use subtle::ConstantTimeEq;

use crate::providers::Assertion;
use crate::tokens::{Claims, secret_hash};
use crate::{Service, ServiceError, identities};

/// How many sessions and keys are remembered.
const REMEMBERED: u64 = 50_000;
/// How exactly it is known when a key was last used.
const TOUCHED_EVERY: Duration = Duration::minutes(10);

/// The callers seen within the last second.
pub struct Callers {
    seen: Cache<Name, Seen>,
    /// When this process last wrote down that a key is in use.
    touched: Cache<ApiKeyId, Instant>,
    generation: AtomicU64,
}

/// What a caller is remembered by; none of it secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Name {
    Session(SessionId),
    Key(ApiKeyId),
    /// The SHA-256 of a provider's token: the next one may give other roles.
    Assertion([u8; 32]),
}

#[derive(Clone)]
struct Seen {
    caller: Caller,
    proof: Proof,
    at: Instant,
    /// The generation it was looked up in; with the next one it is worth nothing.
    generation: u64,
}

/// What must fit for the answer to be one to this caller.
#[derive(Clone)]
enum Proof {
    Epoch(i32),
    Secret {
        hash: String,
        expires_at: Instant,
    },
    /// The token itself, which it is remembered by.
    Assertion,
}

/// What a request presents, as far as it can be told without the database.
enum Presented {
    Token(Claims),
    Key(WrittenKey),
    Assertion(Arc<Assertion>),
}

impl Presented {
    fn name(&self) -> Name {
        match self {
            Self::Token(claims) => Name::Session(claims.sid),
            Self::Key(key) => Name::Key(key.id),
            Self::Assertion(assertion) => Name::Assertion(assertion.digest),
        }
    }
}

impl Default for Callers {
    fn default() -> Self {
        Self { seen: Cache::new(REMEMBERED), touched: Cache::new(REMEMBERED), generation: AtomicU64::new(0) }
    }
}

impl Callers {
    /// Forgets all: an account, a membership, a community, a session or a key has changed.
    pub(crate) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    fn get(&self, name: &Name) -> Option<Seen> {
        self.seen.get(name).filter(|seen| seen.generation == self.generation())
    }
}

impl Service {
    /// Who an access token or an API key belongs to, if that was asked within the last second: without a look at the
    /// database, or at a provider's keys.
    pub fn authenticate_from_memory(&self, presented: &str) -> Result<Option<Caller>, ServiceError> {
        let now = self.clock.now();
        let presented = match self.providers.named_in(presented) {
            None => self.presented(presented, now)?,
            Some(provider) => match provider.remembered(presented, now)? {
                Some(assertion) => Presented::Assertion(assertion),
                None => return Ok(None),
            },
        };
        match self.callers.get(&presented.name()) {
            Some(seen) if (Duration::zero()..Duration::seconds(1)).contains(&(now - seen.at)) => {
                admit(seen, &presented, now).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Who an access token or an API key belongs to, if its session is still open or the key in force, and its owner may
    /// still sign in.
    pub fn authenticate(&self, presented: &str) -> Result<Caller, ServiceError> {
        let now = self.clock.now();
        let presented = match self.providers.named_in(presented) {
            None => self.presented(presented, now)?,
            Some(provider) => Presented::Assertion(provider.verify(presented, now)?),
        };
        let name = presented.name();
        let looked_up = self.taken_up(&presented, now).and_then(|()| {
            let generation = self.callers.generation(); // before the look at the database, which may be older than the next
            self.store.read(|conn| look_up(conn, &presented, generation, now))
        });
        match looked_up {
            Ok((fresh, last_used)) => {
                self.callers.seen.insert(name, fresh.clone());
                let admitted = admit(fresh, &presented, now)?;
                self.note_use(&admitted, last_used, now);
                Ok(admitted)
            }
            Err(ServiceError::Unavailable(why)) => match self.callers.get(&name) {
                Some(seen) => admit(seen, &presented, now),
                None => Err(ServiceError::Unavailable(why)),
            },
            Err(other) => Err(other),
        }
    }

    /// Whether a key was ever asked for here that is there, as far as that is remembered: nothing is looked up.
    pub fn has_seen(&self, presented: &str) -> bool {
        match WrittenKey::read(presented) {
            Some(key) => self.callers.seen.contains_key(&Name::Key(key.id)),
            None => true,
        }
    }

    fn presented(&self, text: &str, now: Instant) -> Result<Presented, ServiceError> {
        if text.starts_with(api_key::PREFIX) {
            let key = WrittenKey::read(text).ok_or(ServiceError::Unauthenticated("the API key is mistyped"))?;
            return Ok(Presented::Key(key));
        }
        self.keys.verify(text, now).map(Presented::Token)
    }

    fn taken_up(&self, presented: &Presented, now: Instant) -> Result<(), ServiceError> {
        match presented {
            Presented::Assertion(assertion) => self.take_up(assertion, now),
            _ => Ok(()),
        }
    }

    /// Writes down, now and then, that a key is in use. No request fails for it.
    fn note_use(&self, caller: &Caller, last_used: Option<Instant>, now: Instant) {
        let Some((id, _)) = caller.key else { return };
        let last_used = last_used.max(self.callers.touched.get(&id));
        if last_used.is_some_and(|at| now - at < TOUCHED_EVERY) {
            return;
        }
        self.callers.touched.insert(id, now); // first, so that one request writes and the others go on
        if let Err(error) = self.store.write::<_, StoreError>(move |conn| api_keys::touch(conn, id, now)) {
            tracing::warn!(%error, "the use of an API key was not written down");
        }
    }
}

fn admit(seen: Seen, presented: &Presented, now: Instant) -> Result<Caller, ServiceError> {
    match (&seen.proof, presented) {
        (Proof::Epoch(epoch), Presented::Token(claims)) => {
            if *epoch == claims.epoch && seen.caller.user == claims.sub {
                Ok(seen.caller)
            } else {
                Err(ServiceError::Unauthenticated("the access token has been revoked"))
            }
        }
        (Proof::Secret { hash, expires_at }, Presented::Key(key)) => {
            let fits = bool::from(secret_hash(&key.secret).as_bytes().ct_eq(hash.as_bytes()));
            if fits && now < *expires_at { Ok(seen.caller) } else { Err(NO_KEY) }
        }
        (Proof::Assertion, Presented::Assertion(_)) => Ok(seen.caller), // in force, or it would not have come this far
        _ => Err(ServiceError::internal("a session was remembered as a key")),
    }
}

const ENDED: ServiceError = ServiceError::Unauthenticated("the session has ended");
const NO_KEY: ServiceError = ServiceError::Unauthenticated("the API key is not valid, has expired or was ended");

/// A caller as they stand in this snapshot of the database, which may be newer than what is remembered of them.
pub(crate) fn as_they_are(conn: &mut Conn<'_>, caller: &Caller, now: Instant) -> Result<Caller, ServiceError> {
    if let Some(session) = caller.session {
        open_session(conn, session, now)?;
    }
    if let Some((key, _)) = &caller.key {
        let (key, _) = api_keys::find_with_hash(conn, *key)?.ok_or(NO_KEY)?;
        if key.expires_at <= now {
            return Err(NO_KEY);
        }
    }
    let user = active(conn, caller.user)?;
    let whole = Caller { session: caller.session, ..standing(conn, &user)? };
    Ok(match &caller.key {
        Some((key, scopes)) => whole.within(*key, scopes),
        None => whole,
    })
}

/// Who is calling, as the database has it, and when they last were if it is with a key.
fn look_up(
    conn: &mut Conn<'_>,
    presented: &Presented,
    generation: u64,
    now: Instant,
) -> Result<(Seen, Option<Instant>), ServiceError> {
    let (caller, proof, last_used) = match presented {
        Presented::Token(claims) => {
            if open_session(conn, claims.sid, now)?.user != claims.sub {
                return Err(ENDED);
            }
            let user = active(conn, claims.sub)?;
            let caller = Caller { session: Some(claims.sid), ..standing(conn, &user)? };
            (caller, Proof::Epoch(user.auth_epoch), None)
        }
        Presented::Key(written) => {
            let (key, hash) = api_keys::find_with_hash(conn, written.id)?.ok_or(NO_KEY)?;
            let user = users::find(conn, key.owner)?.filter(|user| user.status == UserStatus::Active).ok_or(NO_KEY)?;
            let proof = Proof::Secret { hash, expires_at: key.expires_at };
            (standing(conn, &user)?.within(key.id, &key.scopes), proof, key.last_used_at)
        }
        Presented::Assertion(assertion) => {
            let user = identities::owner(conn, assertion)?;
            (standing(conn, &user)?, Proof::Assertion, None)
        }
    };
    Ok((Seen { caller, proof, at: now, generation }, last_used))
}

fn open_session(conn: &mut Conn<'_>, id: SessionId, now: Instant) -> Result<Session, ServiceError> {
    let session = sessions::find(conn, id)?.ok_or(ENDED)?;
    if session.ended_at.is_some() || session.expires_at <= now { Err(ENDED) } else { Ok(session) }
}

fn active(conn: &mut Conn<'_>, id: UserId) -> Result<User, ServiceError> {
    let user = users::find(conn, id)?.ok_or(ENDED)?;
    if user.status == UserStatus::Active {
        Ok(user)
    } else {
        Err(ServiceError::Unauthenticated("the account is suspended"))
    }
}

/// An account with all the rights that it has.
pub(crate) fn standing(conn: &mut Conn<'_>, user: &User) -> Result<Caller, ServiceError> {
    let standings = communities::standings(conn, user.id)?;
    Ok(Caller { user: user.id, site_role: user.site_role, standings, session: None, key: None })
}
