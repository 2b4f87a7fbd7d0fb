//! Temporary databases of both kinds, builders, a fixed clock and an in-process app, for tests.
#![allow(
    clippy::missing_panics_doc,
    clippy::return_self_not_must_use,
    clippy::indexing_slicing,
    reason = "a test that stops has failed"
)]

#[cfg(feature = "app")]
mod app;
mod bucket;
#[cfg(feature = "app")]
mod call;
mod clock;
mod database;
#[cfg(feature = "app")]
mod described;
mod folder;
mod own_postgres;
#[cfg(feature = "app")]
mod pictures;
mod postgres;
#[cfg(feature = "app")]
mod provider;
#[cfg(feature = "app")]
mod secrets;
mod skip;

#[cfg(feature = "app")]
pub use app::{PASSWORD, Person, TestApp, on_both_apps, sample};
pub use bucket::MockBucket;
#[cfg(feature = "app")]
pub use call::{Call, Reply};
pub use clock::{CountedIds, FixedClock};
pub use database::{LOG_ID, TestDatabase, on_both};
pub use folder::copy_folder;
pub use own_postgres::OwnPostgres;
#[cfg(feature = "app")]
pub use pictures::{drawing, photo};
#[cfg(feature = "app")]
pub use provider::MockProvider;
#[cfg(feature = "app")]
pub use secrets::{leaks, must_not_be_logged};
pub use skip::{skip, skip_in_ci_too};
