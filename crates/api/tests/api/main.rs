//! The product as a client meets it: over HTTP, on both databases, every reply held against the OpenAPI document. The
//! files follow the URLs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stops has failed")]

mod admin;
mod api_keys;
mod attachments;
mod changes;
mod communities;
mod conventions;
mod edits;
mod exports;
mod feeds;
mod flags;
mod gaps;
mod glossary;
mod health;
mod imports;
mod leaks;
mod limits;
mod mcp;
mod notifications;
mod outcomes;
mod passwords;
mod rechecks;
mod relations;
mod rendering;
mod replicas;
mod reviews;
mod search;
mod security_headers;
mod sessions;
mod similar;
mod sso;
mod tips;
mod users;
mod visibility;
mod webhooks;
