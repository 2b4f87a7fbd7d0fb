//! Benchmarks of Eureka; see README.md.
