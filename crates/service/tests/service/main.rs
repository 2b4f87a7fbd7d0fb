//! The use cases beyond one request: what the change log records, and what the index makes of it. On both databases.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stops has failed")]

mod attempts;
mod audit;
mod erasure;
mod feed;
mod histories;
mod indexer;
