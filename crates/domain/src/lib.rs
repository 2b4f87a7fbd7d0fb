//! The rules of Eureka: tips and their revisions, the review workflow, who may do what, what a reader may see,
//! and the canonical form of the change log. Pure: no IO, no clock reads, no randomness, no async.

pub mod access;
pub mod api_key;
pub mod attachment;
pub mod change;
pub mod checklist;
pub mod clock;
pub mod comment;
pub mod community;
pub mod diff;
pub mod erasure;
pub mod error;
pub mod feed;
pub mod flag;
pub mod gap;
pub mod glossary;
pub mod identity;
pub mod ids;
pub mod network;
pub mod outcome;
pub mod password;
pub mod past;
pub mod proof;
pub mod queue;
pub mod rate;
pub mod relation;
pub mod renewal;
pub mod review;
pub mod tip;
pub mod user;
pub mod visibility;
pub mod webhook;
mod word;
pub mod workflow;
pub mod working_time;

pub use clock::{Clock, Ids, Instant};
pub use error::{FieldError, RuleError};
