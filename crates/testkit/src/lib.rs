//! Temporary databases of both kinds, builders, a fixed clock and an in-process app, for tests.

mod database;
mod postgres;

pub use database::{LOG_ID, TestDatabase, on_both};
