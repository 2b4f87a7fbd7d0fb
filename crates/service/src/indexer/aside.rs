//! What is kept of an index that was damaged: the last one, for whoever wants to see what became of the disk, as long as
//! nobody has been erased whom it may name, and as long as there is room.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant as Stopwatch};

use eureka_domain::change::Kind;
use eureka_search::{Cursor, Index, SCHEMA_VERSION};
use eureka_store::{Conn, log};

use super::{Indexer, is_on_chain};
use crate::ServiceError;

/// How often it is looked whether there is still room beside it.
const ROOM: Duration = Duration::from_secs(10);

impl Indexer {
    /// Judges what lies aside whenever an index was opened or made: what is taken from the database passes rows of the log by,
    /// and one of them may have erased a person. Later ones are met by whoever follows the log.
    pub(super) fn settle_aside(&self) {
        if !self.aside_is_due.swap(false, Ordering::SeqCst) {
            return;
        }
        if let Err(error) = self.judge_aside() {
            tracing::warn!(%error, "it could not be said whether a damaged index may be kept");
            self.aside_is_due.store(true, Ordering::SeqCst);
        }
    }

    fn judge_aside(&self) -> Result<(), ServiceError> {
        let Some(aside) = Index::aside(&self.dir)? else { return Ok(()) };
        let path = aside.path.display();
        match self.store.read(|conn| why_not_kept(conn, &aside.places))? {
            None => tracing::warn!(%path, bytes = aside.bytes, "a damaged index is kept aside; it may be removed"),
            Some(why) => {
                Index::forget_aside(&self.dir)?;
                tracing::info!(%path, why, "the former index was not kept");
            }
        }
        Ok(())
    }

    /// Gives up what lies aside; whether there was anything. `why` is for the log.
    pub(super) fn forget_aside(&self, why: &str) -> Result<bool, ServiceError> {
        let was_there = Index::forget_aside(&self.dir)?;
        if was_there {
            tracing::info!(why, "the damaged index that was kept aside has been removed");
        }
        Ok(was_there)
    }

    /// Gives up what lies aside where there is hardly any room beside it, for the index or whatever else; looks now and then.
    /// Trouble with it is met again by whoever needs the room.
    pub(super) fn leave_room(&self, looked: &mut Stopwatch) {
        if looked.elapsed() < ROOM {
            return;
        }
        *looked = Stopwatch::now();
        if matches!(Index::aside(&self.dir), Ok(Some(_)))
            && matches!(Index::has_room(&self.dir), Ok(false))
            && let Err(error) = self.forget_aside(NO_ROOM)
        {
            tracing::warn!(%error, "the damaged index that is kept aside could not be removed");
        }
    }
}

/// Why something is given up that was kept aside.
pub(super) const NO_ROOM: &str = "there is no room";

/// Why an index whose halves stood at these places of the log may not be kept; `None` if it may.
fn why_not_kept(conn: &mut Conn<'_>, places: &[Cursor]) -> Result<Option<&'static str>, ServiceError> {
    let head = log::head(conn)?;
    for place in places {
        if place.schema != SCHEMA_VERSION {
            return Ok(Some("it is of another version"));
        }
        if !is_on_chain(conn, place, &head)? {
            return Ok(Some("it is not on the chain of this database"));
        }
    }
    // A half moves its place past an erasure only when both have taken the name out of their files.
    let Some(reached) = places.iter().map(|place| place.seq).max() else {
        return Ok(Some("it does not say where in the log it stood"));
    };
    let erasures = log::Filter { kind: Some(Kind::UserErased), ..log::Filter::default() };
    let last = log::before(conn, &erasures, None, 1)?.first().map(|row| row.seq);
    Ok(last.is_some_and(|seq| seq > reached).then_some("somebody has been erased since"))
}
