//! The only tantivy of Eureka: schema, analysis, query, ranking, index files.
