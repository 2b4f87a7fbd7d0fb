//! Idempotency: a creating request that carries a key takes effect once. The reply is stored in the transaction of the
//! effect, so a crash leaves either both or neither.

use aws_lc_rs::hmac;
use chrono::Duration;
use eureka_domain::Instant;
use eureka_domain::ids::UserId;
use eureka_store::{Conn, Written, idempotency, log};

use crate::{Service, ServiceError};

/// How long a stored reply is kept.
const KEPT: Duration = Duration::hours(48);

/// A reply as it was sent, to be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers, by name.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// What makes the reply to send from what was made and its position in the log.
pub type Render<T> = Box<dyn FnOnce(&Written<T>) -> Reply + Send>;

/// A creating request: its key, if it has one, and how its reply is made.
pub struct Once<T> {
    /// The caller's word for this request.
    pub key: Option<Key>,
    /// Makes the reply.
    pub render: Render<T>,
}

/// A caller's word for a request, and what the request was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The word.
    pub word: String,
    /// What tells one request from another: see [`Service::fingerprint`].
    pub fingerprint: String,
}

/// The reply to a creating request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What to send.
    pub reply: Reply,
    /// Whether it was stored by an earlier request.
    pub replayed: bool,
}

impl Service {
    /// Tells one request from another: method, path and body. With a key that is not in the database: a body may hold a
    /// password, and whoever has the database is not to try out which.
    pub fn fingerprint(&self, method: &str, path: &str, body: &[u8]) -> String {
        let mut digest = hmac::Context::with_key(self.keys.fingerprints());
        digest.update(format!("{method} {path}\n").as_bytes());
        digest.update(body);
        hex::encode(digest.sign())
    }
}

/// Runs `effect` unless the caller has used the key before; stores the reply with it. What `permit` refuses is refused
/// a repeated request as well: a stored reply does not outlive the right to it.
pub(crate) fn run<P, T>(
    conn: &mut Conn<'_>,
    caller: UserId,
    once: Once<T>,
    now: Instant,
    permit: impl FnOnce(&mut Conn<'_>) -> Result<P, ServiceError>,
    effect: impl FnOnce(&mut Conn<'_>, P) -> Result<T, ServiceError>,
) -> Result<Answer, ServiceError> {
    let permitted = permit(conn)?;
    if let Some(answer) = stored(conn, caller, once.key.as_ref(), now)? {
        return Ok(answer);
    }
    let caller = caller.to_string();
    let value = effect(conn, permitted)?;
    let position = log::head(conn)?.seq;
    let reply = (once.render)(&Written { value, position });
    if let Some(key) = once.key {
        let stored = idempotency::StoredReply {
            fingerprint: key.fingerprint,
            status: i32::from(reply.status),
            headers: serde_json::to_string(&reply.headers).map_err(ServiceError::internal)?,
            body: reply.body.clone(),
        };
        idempotency::insert(conn, &caller, &key.word, &stored, now, now + KEPT)?;
    }
    Ok(Answer { reply, replayed: false })
}

/// The reply that is kept under a key, if the request is the one that it was kept for.
pub(crate) fn stored(
    conn: &mut Conn<'_>,
    caller: UserId,
    key: Option<&Key>,
    now: Instant,
) -> Result<Option<Answer>, ServiceError> {
    let Some(key) = key else { return Ok(None) };
    let Some(stored) = idempotency::find(conn, &caller.to_string(), &key.word, now)? else { return Ok(None) };
    if stored.fingerprint == key.fingerprint { replay(stored).map(Some) } else { Err(ServiceError::KeyReused) }
}

fn replay(stored: idempotency::StoredReply) -> Result<Answer, ServiceError> {
    let reply = Reply {
        status: u16::try_from(stored.status).map_err(ServiceError::internal)?,
        headers: serde_json::from_str(&stored.headers).map_err(ServiceError::internal)?,
        body: stored.body,
    };
    Ok(Answer { reply, replayed: true })
}
