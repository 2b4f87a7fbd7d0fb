//! What can go wrong in the index, sorted by what the caller should do about it.

use std::io;

use tantivy::TantivyError;

/// A failure of the index. No text of a query is ever one of them: any input has an answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Another process owns the index directory. Wait, or stop the other one; nothing was touched.
    #[error("the index directory is in use by another process")]
    Locked,
    /// The operating system refused (permission, full disk, broken disk). Try again later; nothing was wiped.
    #[error("the index cannot be read or written: {0}")]
    Io(String),
    /// The files are not what was written. Rebuild from the database.
    #[error("the index is damaged: {0}")]
    Damaged(String),
    /// The query would cost more than one search may. Answer 503.
    #[error("the search took too long and was stopped")]
    TimedOut,
    /// Every search thread is taken and the queue is full. Answer 503 with `Retry-After`.
    #[error("too many searches at once")]
    Busy,
    /// A search ended in a panic inside the engine. The index goes on; check it with `index verify`.
    #[error("the search engine failed: {0}")]
    Panicked(String),
    /// Anything else of the engine's.
    #[error("the search engine failed: {0}")]
    Engine(String),
}

impl From<io::Error> for SearchError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Damaged(error.to_string()),
            _ => Self::Io(error.to_string()),
        }
    }
}

impl From<TantivyError> for SearchError {
    fn from(error: TantivyError) -> Self {
        use tantivy::directory::error::OpenReadError;
        match error {
            TantivyError::LockFailure(..) => Self::Locked,
            TantivyError::IoError(error) => match error.kind() {
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Damaged(error.to_string()),
                _ => Self::Io(error.to_string()),
            },
            TantivyError::OpenDirectoryError(error) => Self::Io(error.to_string()),
            TantivyError::OpenWriteError(error) => Self::Io(error.to_string()),
            TantivyError::OpenReadError(OpenReadError::IoError { io_error, filepath })
                if !matches!(io_error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                Self::Io(format!("{}: {io_error}", filepath.display()))
            }
            TantivyError::OpenReadError(error) => Self::Damaged(error.to_string()),
            TantivyError::DataCorruption(error) => Self::Damaged(format!("{error:?}")),
            TantivyError::IncompatibleIndex(error) => Self::Damaged(format!("{error:?}")),
            error => Self::Engine(error.to_string()),
        }
    }
}
