//! The schema: what the database refuses by itself, how it is brought up to date, and that it allows what the domain says.
