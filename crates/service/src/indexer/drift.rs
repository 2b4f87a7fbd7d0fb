//! Whether the index says what the database says, compared both ways, and the repair of what it does not.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;

use eureka_domain::ids::TipId;
use eureka_search::{Change, Former, Index};
use eureka_store::tips;

use super::{BATCH, Indexer, Step, cursor_at};
use crate::{ServiceError, documents};

/// Where index and database differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// How many tips were compared.
    pub compared: usize,
    /// What is wrong with the files of the index, if they are not what was written: then nothing was compared.
    pub damage: Option<String>,
    /// Listed, but not in the index.
    pub missing: Vec<TipId>,
    /// In the index, but not listed.
    pub extra: Vec<TipId>,
    /// In the index with another text, revision or visibility.
    pub stale: Vec<TipId>,
    /// The position of the log at which they were compared.
    pub position: i64,
}

impl Drift {
    /// Whether index and database agree.
    pub fn is_none(&self) -> bool {
        self.damage.is_none() && self.missing.is_empty() && self.extra.is_empty() && self.stale.is_empty()
    }

    fn tips(&self) -> Vec<TipId> {
        [&self.missing, &self.extra, &self.stale].into_iter().flatten().copied().collect()
    }
}

impl Indexer {
    /// Holds the files of the index against their checksums, then compares index and database both ways, by id, revision,
    /// visibility and text. The log is followed meanwhile, so what differed is looked at again at the end, when the log has
    /// been read to its end and nothing moves.
    pub fn verify(&self, progress: impl FnMut(usize)) -> Result<Drift, ServiceError> {
        let index = self.index().ok_or_else(not_yet)?;
        if let Some(damage) = self.damage(&index)? {
            return Ok(Drift { damage: Some(damage), position: self.state().1, ..Drift::default() });
        }
        let suspects = self.compare_all(&index, progress)?;
        let _work = self.work.lock();
        self.arrive(&index)?;
        let mut drift = self.compare(&index, &suspects.tips())?;
        drift.compared = suspects.compared;
        Ok(drift)
    }

    /// What is wrong with the files of the index. A rebuild changes what is in use while they are read: what seems wrong is
    /// looked at again while nobody works on it.
    fn damage(&self, index: &Index) -> Result<Option<String>, ServiceError> {
        if index.damage()?.is_none() {
            return Ok(None);
        }
        let _work = self.work.lock();
        Ok(index.damage()?)
    }

    /// Verifies and, where anything differs, repairs: what is done on schedule. Counted.
    pub fn check(&self) -> Result<Drift, ServiceError> {
        let drift = self.verify(|_| ())?;
        if let Some(why) = &drift.damage {
            tracing::error!(%why, "the index is damaged and will be made anew");
            self.damaged.fetch_add(1, Ordering::Relaxed);
        }
        if !drift.is_none() {
            let [found, repaired] = &self.drifted;
            let tips = drift.tips().len() as u64;
            found.fetch_add(tips, Ordering::Relaxed);
            self.repair(&drift)?;
            repaired.fetch_add(tips, Ordering::Relaxed);
        }
        Ok(drift)
    }

    /// How many tips [`Self::check`] found to differ since the start, and how many it repaired.
    pub fn drift_so_far(&self) -> (u64, u64) {
        let [found, repaired] = &self.drifted;
        (found.load(Ordering::Relaxed), repaired.load(Ordering::Relaxed))
    }

    /// How often [`Self::check`] found files that were not what was written since the start, and made the index anew.
    pub fn damage_so_far(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Brings the tips that differ to what the database says; makes a damaged index anew beside the old one, which is put
    /// aside.
    pub fn repair(&self, drift: &Drift) -> Result<(), ServiceError> {
        let _work = self.work.lock();
        let index = self.index().ok_or_else(not_yet)?;
        if drift.damage.is_some() {
            return self.rebuild_locked(Some(&index), Former::PutAside, |_| ()).map(drop);
        }
        let cursor = index.cursor().ok_or_else(not_yet)?;
        for batch in drift.tips().chunks(BATCH) {
            let changes = self.store.read(|conn| documents::changes(conn, batch))?;
            index.apply(changes, &cursor)?;
        }
        Ok(())
    }

    /// Reads the log to its end, under the lock.
    fn arrive(&self, index: &Index) -> Result<(), ServiceError> {
        loop {
            match self.step(index)? {
                Step::Arrived => return Ok(()),
                Step::Moved => {}
                Step::OffChain => return Err(ServiceError::Unavailable("the index is of another database".into())),
            }
        }
    }

    fn compare_all(&self, index: &Index, mut progress: impl FnMut(usize)) -> Result<Drift, ServiceError> {
        let mut indexed = fingerprints(index)?;
        let mut drift = Drift::default();
        let mut after = None;
        loop {
            let (last, changes) = self.store.read(|conn| {
                let sheets = tips::sheets_after(conn, after, i64::try_from(BATCH).unwrap_or(1000))?;
                let last = sheets.last().map(|sheet| sheet.tip.id);
                Ok::<_, ServiceError>((last, documents::of_sheets(conn, sheets)?))
            })?;
            drift.compared += changes.len();
            judge(&mut drift, &mut indexed, changes);
            progress(drift.compared);
            match last {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        drift.extra.extend(indexed.into_keys());
        Ok(drift)
    }

    fn compare(&self, index: &Index, ids: &[TipId]) -> Result<Drift, ServiceError> {
        let (head, changes) = self
            .store
            .read(|conn| Ok::<_, ServiceError>((eureka_store::log::head(conn)?, documents::changes(conn, ids)?)))?;
        let mut drift = Drift { position: cursor_at(&head).seq, ..Drift::default() };
        if ids.is_empty() {
            return Ok(drift);
        }
        let all = fingerprints(index)?;
        let mut indexed: HashMap<TipId, Vec<u64>> =
            ids.iter().filter_map(|id| all.get(id).map(|found| (*id, found.clone()))).collect();
        judge(&mut drift, &mut indexed, changes);
        Ok(drift)
    }
}

/// Compares what tips should be with what is indexed of them, taking out of `indexed` what was looked at.
fn judge(drift: &mut Drift, indexed: &mut HashMap<TipId, Vec<u64>>, changes: Vec<Change>) {
    for change in changes {
        match change {
            Change::Put(document) => match indexed.remove(&document.tip) {
                None => drift.missing.push(document.tip),
                Some(found) if found == [document.fingerprint()] => {}
                Some(_) => drift.stale.push(document.tip),
            },
            Change::Remove(tip) => {
                if indexed.remove(&tip).is_some() {
                    drift.extra.push(tip);
                }
            }
        }
    }
}

/// What is indexed of each tip; more than one where a tip stands in the index twice.
fn fingerprints(index: &Index) -> Result<HashMap<TipId, Vec<u64>>, ServiceError> {
    let mut found: BTreeMap<TipId, Vec<u64>> = BTreeMap::new();
    for listed in index.list() {
        let listed = listed?;
        found.entry(listed.tip).or_default().push(listed.fingerprint);
    }
    Ok(found.into_iter().collect())
}

fn not_yet() -> ServiceError {
    ServiceError::Unavailable("the index is being made".into())
}
