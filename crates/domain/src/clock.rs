//! Time and identity as parameters: the rules and the use cases take them from here, so that a test can fix both.

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

/// A moment in UTC with microsecond precision, the finest that both databases keep.
pub type Instant = DateTime<Utc>;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The present moment, truncated to microseconds (see [`truncate`]).
    fn now(&self) -> Instant;
}

/// Where identifiers come from.
pub trait Ids: Send + Sync {
    /// A new `UUIDv7` that sorts after those made before `now`.
    fn next(&self, now: Instant) -> Uuid;
}

/// Drops what is finer than a microsecond: `chrono` keeps nanoseconds, PostgreSQL does not.
pub fn truncate(at: DateTime<Utc>) -> Instant {
    at.trunc_subsecs(6)
}
