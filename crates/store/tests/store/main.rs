//! The store through its public door, on both databases.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking, and its modules are nobody's library"
)]

mod attachments;
mod connections;
mod crash;
mod flags;
mod glossaries;
mod idempotency;
mod identities;
mod imports;
mod log;
mod migrations;
mod notifications;
mod outcomes;
mod people;
mod reviews;
mod schema;
mod sessions;
mod support;
mod tips;
mod visibility;
mod webhooks;
mod words;
mod writer;
