//! What Eureka does: one function and one transaction per use case; the indexer.
