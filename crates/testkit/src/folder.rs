//! Folders as they were at a moment.

use std::fs;
use std::path::Path;

/// Copies a folder with all that is in it, over what the other has of the same names.
#[allow(clippy::expect_used, reason = "a test whose files cannot be copied has failed")]
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("what is in it") {
        let (from, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).expect("an entry");
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(&from, &to).expect("a copy");
        }
    }
}
