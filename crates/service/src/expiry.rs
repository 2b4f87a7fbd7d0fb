//! Forgetting what has expired: sessions, refresh tokens, stored replies, notifications.

use chrono::Duration;
use eureka_store::{idempotency, notifications, sessions};

use crate::{Service, ServiceError};

/// How long people can look up what they were told. The change log keeps it.
const NOTIFICATIONS_KEPT: Duration = Duration::days(365);

impl Service {
    /// Forgets every session, refresh token, stored reply and notification whose time is over; says how many. Called now
    /// and then.
    pub fn forget_expired(&self) -> Result<usize, ServiceError> {
        let now = self.clock.now();
        let written = self.store.write(move |conn| {
            let expired = sessions::purge(conn, now)? + idempotency::purge(conn, now)?;
            Ok::<_, ServiceError>(expired + notifications::purge(conn, now - NOTIFICATIONS_KEPT)?)
        })?;
        Ok(written.value)
    }
}
