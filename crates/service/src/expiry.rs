//! Forgetting what has expired: sessions, refresh tokens, stored replies, notifications, searches, messages of webhooks,
//! what came of imports.

use std::sync::Arc;

use chrono::Duration;
use eureka_domain::{gap, webhook};
use eureka_store::{
    api_keys, gaps, idempotency, imports, notifications, password_resets, searches, sessions, throttles, webhooks,
};

use crate::{Service, ServiceError, remembered};

/// How long people can look up what they were told. The change log keeps it.
const NOTIFICATIONS_KEPT: Duration = Duration::days(365);
/// How long a key that has expired is still shown to its owner.
const KEYS_SHOWN: Duration = Duration::days(30);
/// How long people can look up what came of an import.
const IMPORTS_KEPT: Duration = Duration::days(90);

impl Service {
    /// Forgets every session, refresh token, stored reply, notification, search, message and import report whose time is over; says how many. What
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
            let most = i64::try_from(webhook::MAX_KEPT).unwrap_or(i64::MAX);
            let messages = webhooks::purge_deliveries(conn, now - webhook::KEPT, most)?;
            let imports = imports::purge(conn, now - IMPORTS_KEPT)?;
            let expired = messages + searches + sessions + imports + idempotency::purge(conn, now)?;
            Ok::<_, ServiceError>(expired + notifications::purge(conn, now - NOTIFICATIONS_KEPT)?)
        })?;
        Ok(written.value)
    }
}
