//! What a search gives back: hits with their text, facets, pages, explanations.

pub(crate) mod explain;
pub(crate) mod facets;
pub(crate) mod highlight;
pub(crate) mod page;
pub(crate) mod response;
