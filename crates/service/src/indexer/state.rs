//! How the index of this process stands, and what holds it up.

use std::io::ErrorKind;

use eureka_search::SearchError;

use crate::ServiceError;

/// How the index stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexState {
    /// Reading the log to reach the present.
    CatchingUp,
    /// Following the log.
    Ready,
    /// It had reached the present, and the database cannot be read since: searches are answered from what it has.
    OnItsOwn,
    /// Being made anew from the database; searches are answered from the old one if there is one.
    Rebuilding,
    /// Held up; it goes on by itself when the reason is gone.
    Held(Hold),
}

/// What holds the index up, sorted by what an operator does about it. The log has the particulars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Another process owns its directory.
    Locked,
    /// The system does not let this process read or write it.
    NotPermitted,
    /// There is no room for it.
    DiskFull,
    /// The system could not read or write it.
    Io,
    /// The database cannot be read, and it has not reached the present yet.
    DatabaseAway,
    /// Something else.
    Other,
}

impl Hold {
    /// What holds the index up when the follower, or an opening, meets this error.
    pub(super) fn of(error: &ServiceError) -> Self {
        match error {
            ServiceError::Held { by, .. } => *by,
            // Of what the follower does, only reading the database answers these.
            ServiceError::Unavailable(_) | ServiceError::Busy(_) => Self::DatabaseAway,
            _ => Self::Other,
        }
    }

    /// What keeps the index from being opened, read or written; `None` where that is a matter of its contents.
    pub(crate) fn of_index(error: &SearchError) -> Option<Self> {
        match error {
            SearchError::Locked => Some(Self::Locked),
            SearchError::Io(error) => Some(match error.kind() {
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::NotPermitted,
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull,
                _ => Self::Io,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_the_index_up_is_told_by_what_an_operator_does_about_it() {
        let refused = |kind: ErrorKind| Hold::of(&SearchError::Io(kind.into()).into());
        assert_eq!(refused(ErrorKind::PermissionDenied), Hold::NotPermitted);
        assert_eq!(refused(ErrorKind::ReadOnlyFilesystem), Hold::NotPermitted);
        assert_eq!(refused(ErrorKind::StorageFull), Hold::DiskFull);
        assert_eq!(refused(ErrorKind::QuotaExceeded), Hold::DiskFull);
        assert_eq!(refused(ErrorKind::Other), Hold::Io);
        assert_eq!(Hold::of(&SearchError::Locked.into()), Hold::Locked);
        assert_eq!(Hold::of(&eureka_store::StoreError::Unavailable(String::new()).into()), Hold::DatabaseAway);
        assert_eq!(Hold::of(&eureka_store::StoreError::Corrupt(String::new()).into()), Hold::Other);
        assert_eq!(Hold::of(&SearchError::Engine(String::new()).into()), Hold::Other);
    }
}
