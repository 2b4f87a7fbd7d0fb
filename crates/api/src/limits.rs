//! How many requests may be made: by each user, by each key and, where nobody says who they are, from each address. Counted
//! in this process's memory, so that each replica counts for itself; told in every reply (`RateLimit`, `RateLimit-Policy`:
//! draft-ietf-httpapi-ratelimit-headers-10).

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError};
use chrono::Duration;
use eureka_domain::Instant;
use eureka_domain::access::Caller;
use eureka_domain::ids::{ApiKeyId, UserId};
use eureka_domain::rate::Rate;

use crate::Api;
use crate::addresses::{Proxies, prefix};
use crate::caller;
use crate::problem::Problem;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// How many counters there are at most, in each of the shards: 64 times this, some 10 MB.
const COUNTERS: usize = 2048;
const SHARDS: usize = 64;

/// How many requests a minute; 0 means as many as they like.
#[derive(Debug, Clone)]
pub struct LimitOptions {
    /// By one person with their access tokens.
    pub per_user: u32,
    /// With one API key.
    pub per_key: u32,
    /// From one address (IPv6: one /64) without saying who it is.
    pub per_address: u32,
    /// Who is believed about whose request they pass on.
    pub proxies: Proxies,
}

impl Default for LimitOptions {
    fn default() -> Self {
        Self { per_user: 120_000, per_key: 120_000, per_address: 60_000, proxies: Proxies::default() }
    }
}

impl LimitOptions {
    /// No limits at all: for measuring.
    pub fn none() -> Self {
        Self { per_user: 0, per_key: 0, per_address: 0, proxies: Proxies::default() }
    }
}

/// The counters of this process.
pub(crate) struct Limits {
    user: Option<Rate>,
    key: Option<Rate>,
    address: Option<Rate>,
    proxies: Proxies,
    hasher: RandomState,
    shards: Vec<Mutex<HashMap<Subject, Instant>>>,
}

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Subject {
    User(UserId),
    Key(ApiKeyId),
    Address(IpAddr),
}

/// How somebody stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    policy: &'static str,
    rate: Rate,
    remaining: i64,
    full_in: Duration,
    wait: Option<Duration>,
}

/// That a request was counted, and how that left whoever made it; they may have no limit.
#[derive(Debug, Clone, Copy)]
struct Counted(Option<Standing>);

/// The address that a request comes from, as far as it is believed.
#[derive(Debug, Clone, Copy)]
struct ClientAddress(IpAddr);

impl Limits {
    pub(crate) fn new(options: LimitOptions) -> Self {
        Self {
            user: Rate::per_minute(options.per_user),
            key: Rate::per_minute(options.per_key),
            address: Rate::per_minute(options.per_address),
            proxies: options.proxies,
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// The counters among which a subject's is.
    fn counters_of(&self, subject: Subject) -> Option<MutexGuard<'_, HashMap<Subject, Instant>>> {
        let shard = usize::try_from(self.hasher.hash_one(subject) % SHARDS as u64).unwrap_or_default();
        Some(self.shards.get(shard)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts a request. `None` where there is no limit.
    fn take(&self, subject: Subject, now: Instant) -> Option<Standing> {
        let (policy, rate) = match subject {
            Subject::User(_) => ("user", self.user?),
            Subject::Key(_) => ("key", self.key?),
            Subject::Address(_) => ("address", self.address?),
        };
        let mut counters = self.counters_of(subject)?;
        let before = counters.get(&subject).copied();
        let taken = rate.take(before, now);
        if let Ok(full_at) = taken {
            if before.is_none() && counters.len() >= COUNTERS {
                make_room(&mut counters, now);
            }
            counters.insert(subject, full_at);
        }
        let full_at = taken.ok().or(before);
        Some(Standing {
            policy,
            rate,
            remaining: if taken.is_ok() { rate.remaining(full_at, now) } else { 0 },
            full_in: full_at.map_or(Duration::zero(), |at| (at - now).clamp(Duration::zero(), rate.window())),
            wait: taken.err(),
        })
    }
}

/// Drops the counters that are full again, of which nothing is lost; failing that, those that are nearest to it.
fn make_room(counters: &mut HashMap<Subject, Instant>, now: Instant) {
    counters.retain(|_, full_at| *full_at > now);
    if counters.len() < COUNTERS {
        return;
    }
    let mut ends: Vec<Instant> = counters.values().copied().collect();
    let middle = ends.len() / 2;
    let (_, median, _) = ends.select_nth_unstable(middle);
    let median = *median;
    counters.retain(|_, full_at| *full_at > median);
}

impl Standing {
    fn refusal(self) -> Option<Problem> {
        let detail = format!("more than {} requests a minute", self.rate.burst());
        self.wait.map(|wait| Problem::too_many(wait, detail))
    }

    fn tell(self, reply: &mut ServiceResponse<impl MessageBody>) {
        let Self { policy, rate, remaining, full_in, .. } = self;
        let policy_text = format!("\"{policy}\";q={};w={}", rate.burst(), rate.window().num_seconds().max(1));
        let limit_text = format!("\"{policy}\";r={remaining};t={}", (full_in.num_milliseconds() + 999) / 1000);
        for (name, text) in [(POLICY, policy_text), (LIMIT, limit_text)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                reply.headers_mut().insert(name, value);
            }
        }
    }
}

/// Counts the requests of nobody in particular and refuses what is too much; tells everybody how they stand. Those who say
/// who they are are counted where that is found out ([`count_caller`]).
pub(crate) async fn limit_requests<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let Some(api) = req.app_data::<Data<Api>>().cloned() else {
        return Ok(next.call(req).await?.map_into_left_body());
    };
    let address = prefix(api.limits().proxies.client(&req));
    req.extensions_mut().insert(ClientAddress(address));
    let is_watched = !["/health/", "/.well-known/"].iter().any(|open| req.path().starts_with(open));
    if is_watched && is_anonymous(&req) {
        let standing = api.limits().take(Subject::Address(address), api.service().now());
        req.extensions_mut().insert(Counted(standing));
        if let Some(problem) = standing.and_then(Standing::refusal) {
            let mut reply = req.into_response(problem.error_response());
            if let Some(standing) = standing {
                standing.tell(&mut reply);
            }
            return Ok(reply.map_into_right_body());
        }
    }
    let mut reply = next.call(req).await?;
    let counted = reply.request().extensions().get::<Counted>().copied();
    let standing = match counted {
        Some(Counted(standing)) => standing,
        // Whoever did not prove who they are is counted by their address after all.
        None if is_watched => api.limits().take(Subject::Address(address), api.service().now()),
        None => None,
    };
    if let Some(standing) = standing {
        standing.tell(&mut reply);
    }
    Ok(reply.map_into_left_body())
}

/// Whether a request says nothing of who makes it, or goes where that is not asked.
fn is_anonymous(req: &ServiceRequest) -> bool {
    let path = req.path();
    let asked =
        path == "/mcp" || path.starts_with("/v1/") && (!path.starts_with("/v1/auth/") || path == "/v1/auth/logout");
    !asked || caller::presented(req.request()).is_none()
}

/// Counts a request by its caller, or refuses it.
pub(crate) fn count_caller(api: &Api, req: &HttpRequest, who: &Caller) -> Result<(), Problem> {
    let subject = match who.key {
        None => Subject::User(who.user),
        Some((id, _)) => Subject::Key(id),
    };
    let standing = api.limits().take(subject, api.service().now());
    req.extensions_mut().insert(Counted(standing));
    standing.and_then(Standing::refusal).map_or(Ok(()), Err)
}

/// Refuses to look for keys that nobody has seen yet, for an address that has used up its requests: they may be made up.
pub(crate) fn may_look_up(api: &Api, req: &HttpRequest) -> Result<(), Problem> {
    let (Some(rate), Some(ClientAddress(address))) =
        (api.limits().address, req.extensions().get::<ClientAddress>().copied())
    else {
        return Ok(());
    };
    let subject = Subject::Address(address);
    let full_at = api.limits().counters_of(subject).and_then(|counters| counters.get(&subject).copied());
    match rate.take(full_at, api.service().now()) {
        Ok(_) => Ok(()),
        Err(wait) => Err(Problem::too_many(wait, "too many credentials from this address were not valid")),
    }
}

/// The address that a request is counted by.
pub(crate) fn address_of(req: &HttpRequest) -> String {
    req.extensions().get::<ClientAddress>().map_or_else(|| "unknown".to_owned(), |address| address.0.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn however_many_addresses_there_are_the_counters_are_bounded_and_the_busiest_stay() {
        let limits = Limits::new(LimitOptions { per_address: 10, ..LimitOptions::none() });
        let busy = Subject::Address(IpAddr::from([10, 0, 0, 1]));
        for _ in 0..10 {
            assert!(limits.take(busy, at(0)).unwrap().wait.is_none());
        }
        for n in 0..400_000_u32 {
            limits.take(Subject::Address(IpAddr::from((0x0b00_0000 + n).to_be_bytes())), at(0));
        }
        let kept: usize = limits.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= COUNTERS * SHARDS, "{kept}");
        assert_eq!(limits.take(busy, at(0)).unwrap().wait, Some(Duration::seconds(6)));
        assert!(limits.take(busy, at(6)).unwrap().wait.is_none());
    }
}
