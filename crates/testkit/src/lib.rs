//! Temporary databases of both kinds, builders, a fixed clock and an in-process app, for tests.
