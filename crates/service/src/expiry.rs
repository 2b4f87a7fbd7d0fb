//! Forgetting what has expired: sessions, refresh tokens, stored replies, notifications, searches.

use std::sync::Arc;

use chrono::Duration;
use eureka_domain::gap;
use eureka_store::{api_keys, gaps, idempotency, notifications, password_resets, searches, sessions, throttles};

use crate::{Service, ServiceError, remembered};

/// How long people can look up what they were told. The change log keeps it.
const NOTIFICATIONS_KEPT: Duration = Duration::days(365);
/// How long a key that has expired is still shown to its owner.
const KEYS_SHOWN: Duration = Duration::days(30);

impl Service {
    /// Forgets every session, refresh token, stored reply, notification and search whose time is over; says how many. What
    /// searches ask for in vain is gathered before. Called now and then.
    pub fn forget_expired(&self) -> Result<usize, ServiceError> {
        let now = self.clock.now();
        let ids = Arc::clone(&self.ids);
        let written = self.store.write(move |conn| {
            remembered::gather_unopened(conn, now, &*ids)?;
            let searches = searches::purge(conn, now - gap::REMEMBERED)? + gaps::purge(conn, now - gap::REMEMBERED)?;
            let sessions = sessions::purge(conn, now)? + api_keys::purge(conn, now - KEYS_SHOWN)?;
            throttles::purge(conn, now)?;
            password_resets::purge(conn, now)?;
            let expired = searches + sessions + idempotency::purge(conn, now)?;
            Ok::<_, ServiceError>(expired + notifications::purge(conn, now - NOTIFICATIONS_KEPT)?)
        })?;
        Ok(written.value)
    }
}
