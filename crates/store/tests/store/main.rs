//! The store through its public door, on both databases.

mod schema;
mod support;
mod writer;
