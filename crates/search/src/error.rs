//! What can go wrong in the index, sorted by what the caller should do about it.

use std::io;

use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError, OpenWriteError};

/// A failure of the index. No text of a query is ever one of them: any input has an answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Another process owns the index directory. Wait, or stop the other one; nothing was touched.
    #[error("the index directory is in use by another process")]
    Locked,
    /// The operating system refused (permission, full disk, broken disk). Try again later; nothing was wiped.
    #[error("the index cannot be read or written: {0}")]
    Io(io::Error),
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
            _ => Self::Io(error),
        }
    }
}

impl From<TantivyError> for SearchError {
    fn from(error: TantivyError) -> Self {
        match error {
            TantivyError::LockFailure(LockError::IoError(error), _) => again(&error, "the lock").into(),
            TantivyError::LockFailure(LockError::LockBusy, _) => Self::Locked,
            TantivyError::IoError(error) => again(&error, "the index").into(),
            TantivyError::OpenDirectoryError(error) => error.into(),
            TantivyError::OpenWriteError(OpenWriteError::IoError { io_error, filepath }) => {
                Self::Io(again(&io_error, filepath.display()))
            }
            TantivyError::OpenWriteError(error) => Self::Io(io::Error::other(error.to_string())),
            TantivyError::OpenReadError(OpenReadError::IoError { io_error, filepath }) => {
                again(&io_error, filepath.display()).into()
            }
            TantivyError::OpenReadError(error) => Self::Damaged(error.to_string()),
            TantivyError::DataCorruption(error) => Self::Damaged(format!("{error:?}")),
            TantivyError::IncompatibleIndex(error) => Self::Damaged(format!("{error:?}")),
            error => Self::Engine(error.to_string()),
        }
    }
}

impl From<OpenDirectoryError> for SearchError {
    fn from(error: OpenDirectoryError) -> Self {
        Self::Io(match error {
            OpenDirectoryError::IoError { io_error, directory_path } => again(&io_error, directory_path.display()),
            other => io::Error::other(other.to_string()),
        })
    }
}

/// An error of the operating system's, with what it is about; its kind says what an operator does about it.
fn again(error: &io::Error, about: impl std::fmt::Display) -> io::Error {
    io::Error::new(error.kind(), format!("{about}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_the_system_refused_is_told_from_a_lock_that_somebody_holds() {
        let refused = |kind: io::ErrorKind| LockError::IoError(Arc::new(kind.into()));
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::StorageFull] {
            let error = SearchError::from(TantivyError::LockFailure(refused(kind), None));
            assert!(matches!(error, SearchError::Io(error) if error.kind() == kind));
        }
        let busy = TantivyError::LockFailure(LockError::LockBusy, None);
        assert!(matches!(SearchError::from(busy), SearchError::Locked));
    }
}
