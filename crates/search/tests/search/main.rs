//! The search as its callers see it: everything here goes through the public door of the crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod anything;
mod damage;
mod facets;
mod fixtures;
mod highlights;
mod identifiers;
mod languages;
mod leaks;
mod pages;
mod pool;
mod ranking;
mod rebuilt;
mod relaxing;
mod shelf;
mod similar;
mod suggest;
