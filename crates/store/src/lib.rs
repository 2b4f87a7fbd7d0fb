//! The only SQL of Eureka (diesel): rows, queries, migrations, the writer.
