//! The only tantivy of Eureka: schema, analysis, query, ranking, index files. Knows neither SQL nor HTTP.
//!
//! Start with [`Index::open`]; feed it with [`Index::apply`] from the change log; ask it with [`Index::search`],
//! [`Index::suggest`] and [`Index::similar`], or through a [`SearchPool`] that bounds how many ask at once.
//!
//! Tips of open communities and of private ones live in two engine indexes of one schema. All weights are made from
//! the open one, and no dictionary is read on behalf of a caller who may not see the tips behind it: what a caller may
//! not see changes nothing in what the caller gets.

mod analysis;
mod answer;
mod document;
mod error;
#[cfg(test)]
mod fuzz;
mod index;
mod pool;
mod query;
mod schema;
#[doc(hidden)]
pub mod steps;

pub use analysis::Language;
pub use answer::page::PageCursor;
pub use answer::response::{ExplainPart, FacetValue, Highlight, Hit, Relaxed, SearchResponse, Total};
pub use document::{Change, MergedTip, TipDocument};
pub use error::SearchError;
pub use index::{Aside, Cursor, Former, Index, Listed, Listing, Look, OpenOptions, Opened, Rebuild, Shipment};
pub use pool::{Answer, PoolOptions, SearchPool};
pub use query::gist::{gist, plain_name};
pub use query::glossary::Glossary;
pub use query::request::{Age, FacetField, Filters, SearchRequest, Sort, SynonymGroup};
pub use query::similar::{SimilarRequest, SimilarTip, Why};
pub use query::suggest::{SuggestRequest, Suggestion, SuggestionKind};
pub use schema::SCHEMA_VERSION;
