//! From text to terms: one set of rules for tips and queries. Knows nothing of the index that the terms go to.

pub(crate) mod compound;
pub(crate) mod fold;
pub(crate) mod identifier;
pub(crate) mod language;
pub(crate) mod scan;
pub(crate) mod stop;
pub(crate) mod streams;
pub(crate) mod vocabulary;

pub use language::Language;
