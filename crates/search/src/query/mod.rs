//! From a request to the tips it finds, in order. The text of hits is made in [`crate::answer`].

pub(crate) mod docs;
pub(crate) mod filter;
pub(crate) mod gist;
pub(crate) mod glossary;
pub(crate) mod lexicon;
pub(crate) mod neighbours;
pub(crate) mod plan;
pub(crate) mod ranking;
pub(crate) mod relax;
pub(crate) mod request;
pub(crate) mod rerank;
pub(crate) mod retrieve;
pub(crate) mod scope;
pub(crate) mod search;
pub(crate) mod similar;
pub(crate) mod slot;
pub(crate) mod suggest;
pub(crate) mod synonyms;
pub(crate) mod syntax;
pub(crate) mod token;
pub(crate) mod tongue;
pub(crate) mod union;
pub(crate) mod watch;
