//! The use cases beyond one request: what the change log records, and what the index makes of it. On both databases.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stops has failed")]

mod attempts;
mod audit;
mod erasure;
mod feed;
mod histories;
mod indexer;

use std::path::Path;

/// Flips a letter in the middle of a file; what it holds then. Never in place: whoever has the file mapped reads on in the old
/// one.
fn flip(file: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    let draft = file.with_extension("rot");
    std::fs::write(&draft, &bytes).unwrap();
    std::fs::rename(draft, file).unwrap();
    bytes
}
