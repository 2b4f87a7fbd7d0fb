//! API keys: making them, looking at them, ending them. A key is shown once, in the reply that makes it.

use chrono::Duration;
use eureka_domain::access::{self, Caller};
use eureka_domain::api_key::{ApiKey, DEFAULT_DAYS, MAX_KEYS, Scope, Scopes, WrittenKey};
use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::ids::{ApiKeyId, UserId};
use eureka_domain::{Instant, RuleError};
use eureka_store::{Conn, Written, api_keys, log};

use crate::tokens::secret_hash;
use crate::{Answer, Once, Page, PageRequest, Service, ServiceError, audit, once};

const NONE: ServiceError = ServiceError::NotFound("API key");

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// What it is for.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it ends by itself; in 90 days where nothing is said.
    pub expires_at: Option<Instant>,
}

/// The reply to whoever makes a key, and the key, which stands in no stored reply.
pub struct MadeKey {
    /// What to send, but for the key.
    pub answer: Answer,
    /// The key as programs send it; of no use where the answer is a replay.
    pub written: String,
}

impl Service {
    /// Makes a key for the caller: in person. Its rights are the scopes' share of those its owner has at each moment.
    pub fn create_api_key(&self, caller: &Caller, new: NewApiKey, once: Once<ApiKey>) -> Result<MadeKey, ServiceError> {
        access::in_person(caller)?;
        let (owner, now) = (caller.user, self.clock.now());
        let key = ApiKey {
            id: ApiKeyId(self.new_id(now)),
            owner,
            name: new.name,
            scopes: Scopes::checked(new.scopes, "/scopes")?,
            created_at: now,
            expires_at: new.expires_at.unwrap_or(now + Duration::days(DEFAULT_DAYS)),
            last_used_at: None,
        };
        let key = key.checked()?;
        let mut random = [0; 20];
        getrandom::fill(&mut random).map_err(ServiceError::internal)?;
        let written = WrittenKey::new(key.id, random);
        let hash = secret_hash(&written.secret);
        let stored = self.store.write(move |conn| {
            let permit = |_: &mut Conn<'_>| Ok(()); // everybody may have keys
            once::run(conn, owner, once, now, permit, |conn, ()| {
                if usize::try_from(api_keys::count(conn, owner, now)?).is_ok_and(|count| count >= MAX_KEYS) {
                    let detail = format!("you have {MAX_KEYS} keys: end one first");
                    return Err(RuleError::field("", "too_many", detail).into());
                }
                api_keys::insert(conn, &key, &hash)?;
                log::append(conn, &change(Kind::ApiKeyCreated, owner, &key, now)?)?;
                Ok(key)
            })
        })?;
        Ok(MadeKey { answer: stored.value, written: written.text() })
    }

    /// The caller's keys, the oldest first; anybody's for admins.
    pub fn list_api_keys(
        &self,
        caller: &Caller,
        owner: Option<UserId>,
        page: &PageRequest,
    ) -> Result<Page<ApiKey>, ServiceError> {
        access::in_person(caller)?;
        let owner = owner.unwrap_or(caller.user);
        if owner != caller.user {
            access::may_administer(caller)?;
        }
        self.store.read(|conn| {
            let found = api_keys::list(conn, owner, page.after()?, page.fetch())?;
            page.page(found, |key| key.id)
        })
    }

    /// One key: one's own, or any for admins.
    pub fn read_api_key(&self, caller: &Caller, id: ApiKeyId) -> Result<ApiKey, ServiceError> {
        access::in_person(caller)?;
        self.store.read(|conn| own_or_administered(conn, caller, id))
    }

    /// Ends a key at once: one's own, or any for admins.
    pub fn end_api_key(&self, caller: &Caller, id: ApiKeyId) -> Result<Written<()>, ServiceError> {
        access::in_person(caller)?;
        let (caller, now) = (caller.clone(), self.clock.now());
        let written = self.store.write(move |conn| {
            let key = own_or_administered(conn, &caller, id)?;
            api_keys::remove(conn, id)?;
            log::append(conn, &change(Kind::ApiKeyEnded, caller.user, &key, now)?)?;
            Ok::<_, ServiceError>(())
        })?;
        self.callers.forget();
        Ok(written)
    }
}

fn own_or_administered(conn: &mut Conn<'_>, caller: &Caller, id: ApiKeyId) -> Result<ApiKey, ServiceError> {
    let key = api_keys::find(conn, id)?.ok_or(NONE)?;
    if key.owner == caller.user || caller.is_admin() { Ok(key) } else { Err(NONE) }
}

/// What is recorded of a key: whose it is, and what it may be used for.
fn change(kind: Kind, actor: UserId, key: &ApiKey, now: Instant) -> Result<Change, ServiceError> {
    let facts = Facts { value: Some(key.scopes.to_string()), user: Some(key.owner), ..Facts::default() };
    Ok(Change::new(kind, Some(actor), now).about(key.id.0).telling(audit::payload(&facts)?))
}
