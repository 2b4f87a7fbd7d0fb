//! Forgetting what has expired: sessions, refresh tokens, stored replies.

use eureka_store::{idempotency, sessions};

use crate::{Service, ServiceError};

impl Service {
    /// Forgets every session, refresh token and stored reply whose time is over; says how many. Called now and then.
    pub fn forget_expired(&self) -> Result<usize, ServiceError> {
        let now = self.clock.now();
        let written = self
            .store
            .write(move |conn| Ok::<_, ServiceError>(sessions::purge(conn, now)? + idempotency::purge(conn, now)?))?;
        Ok(written.value)
    }
}
