//! The time that a search has.

use std::time::Instant;

use crate::error::SearchError;

/// Steps between two looks at the clock.
const PATIENCE: u32 = 2_048;

/// Looks at the clock now and then.
pub(crate) struct Watch {
    deadline: Instant,
    left: u32,
}

impl Watch {
    pub(crate) fn new(deadline: Instant) -> Self {
        Self { deadline, left: PATIENCE }
    }

    /// Looks at it after so many steps.
    pub(crate) fn tick(&mut self) -> Result<(), SearchError> {
        self.left -= 1;
        if self.left > 0 {
            return Ok(());
        }
        self.left = PATIENCE;
        self.look()
    }

    /// Fails when the time is over.
    pub(crate) fn look(&self) -> Result<(), SearchError> {
        if Instant::now() >= self.deadline { Err(SearchError::TimedOut) } else { Ok(()) }
    }
}
