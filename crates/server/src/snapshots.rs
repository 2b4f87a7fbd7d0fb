//! Copies of the index in a place that all replicas see, so that a new one reads what is left of the log and not the whole
//! database. One replica makes a copy every so many hours; a copy is checked to its last byte, and against the log, before
//! it is used; it is the text of tips, and needs the same care as the database.
//!
//! `<log id>/v<schema>/<position>/` holds the files and their manifest, and is a copy only with its manifest, which it has
//! once it is whole: an index of another life or of other fields is not even found. `<log id>/v<schema>/claim-<hours>` says
//! that somebody is making one.

mod bucket;
mod courier;
mod folder;
mod place;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, ensure};
use eureka_domain::{Clock, Instant};
use eureka_service::{Chain, Cursor, IndexState, Indexer, SCHEMA_VERSION, Shipment};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::SystemClock;
use crate::config::Settings;
use crate::manifest::{self, Sum};

pub(crate) use place::Place;

/// The form of a copy that this program writes and reads.
const FORM: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// How many copies are kept.
const KEPT: usize = 2;
/// What the name of a copy begins with that is not whole.
const DRAFT: &str = "draft-";
/// What the name of a file begins with that says that a copy is being made.
const CLAIM: &str = "claim-";

/// Where copies are kept. Paths have `/` between their parts; none is above the shelf.
trait Shelf: Send + Sync {
    /// All that is under a path, by the paths from there.
    fn list(&self, under: &str) -> anyhow::Result<Vec<String>>;
    /// A small file.
    fn read(&self, path: &str) -> anyhow::Result<Vec<u8>>;
    /// Writes the beginning of a file into another.
    fn fetch(&self, path: &str, bytes: u64, to: &mut File) -> anyhow::Result<()>;
    /// Makes a file that can be made once; whether this was the time.
    fn claim(&self, path: &str) -> anyhow::Result<bool>;
    /// Puts a copy at a path, in place of what is there. Whatever fails, there is no manifest without all the files.
    fn send(&self, copy: &str, parcel: &Parcel<'_>) -> anyhow::Result<()>;
    /// Deletes what is at a path; of a copy, its manifest first.
    fn remove(&self, path: &str) -> anyhow::Result<()>;
}

/// A copy on its way.
struct Parcel<'p> {
    folder: &'p Path,
    names: Vec<&'p str>,
    manifest: Vec<u8>,
    stopping: &'p AtomicBool,
}

impl Parcel<'_> {
    /// The name of each file, and where it is; an error once the process is to end.
    fn files(&self) -> impl Iterator<Item = anyhow::Result<(&str, PathBuf)>> {
        self.names.iter().map(|&name| {
            ensure!(!self.stopping.load(Ordering::SeqCst), "the service is stopping");
            Ok((name, self.folder.join(name)))
        })
    }
}

/// What a copy must be.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    form: u32,
    made_at: Instant,
    /// The version of the program that made it.
    by: String,
    log_id: Uuid,
    seq: i64,
    hash: String,
    /// The version of the index's fields and analysis.
    schema: u32,
    files: BTreeMap<String, Sum>,
}

impl Manifest {
    fn of(shipment: &Shipment, made_at: Instant) -> anyhow::Result<Self> {
        let Cursor { log_id, seq, hash, schema } = shipment.cursor.clone();
        let sums = shipment.files.iter().map(|name| Ok((name.clone(), manifest::sum(&shipment.folder().join(name))?)));
        let files = sums.collect::<anyhow::Result<_>>()?;
        let by = format!("eureka {}", env!("CARGO_PKG_VERSION"));
        Ok(Self { form: FORM, made_at, by, log_id, seq, hash, schema, files })
    }

    fn cursor(&self) -> Cursor {
        Cursor { log_id: self.log_id, seq: self.seq, hash: self.hash.clone(), schema: self.schema }
    }
}

/// The copies that replicas leave to each other.
pub(crate) struct Snapshots {
    shelf: Box<dyn Shelf>,
    hours: u32,
    /// When the next copy of a life is due, as was last seen; others' copies only put it off.
    due: Mutex<Option<(Uuid, Instant)>>,
    stopping: AtomicBool,
}

impl Snapshots {
    /// Where the settings say, if they do.
    pub(crate) fn of(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let Some(place) = &settings.snapshots else { return Ok(None) };
        let hours = settings.snapshot_hours.max(1);
        Ok(Some(Self { shelf: place.shelf()?, hours, due: Mutex::default(), stopping: AtomicBool::new(false) }))
    }

    /// Fetches the newest copy that is sound and that the log passes through into a folder; where it stands. One that is
    /// not is passed over, and said why.
    pub(crate) fn fetch(&self, to: &Path, chain: &Chain<'_>) -> Option<Cursor> {
        let fetched = chain.head().map_err(anyhow::Error::from).and_then(|(log_id, _)| {
            for copy in self.copies(log_id)?.into_iter().rev() {
                match self.fetch_one(&copy, log_id, to, chain) {
                    Ok(cursor) => return Ok(Some(cursor)),
                    Err(error) => {
                        let error = format!("{error:#}");
                        tracing::warn!(copy, error, "a copy of the index is not used");
                        fs::remove_dir_all(to)?;
                        fs::create_dir_all(to)?;
                    }
                }
            }
            Ok(None)
        });
        fetched.unwrap_or_else(|error| {
            tracing::warn!(error = format!("{error:#}"), "no copy of the index could be fetched");
            None
        })
    }

    fn fetch_one(&self, copy: &str, log_id: Uuid, to: &Path, chain: &Chain<'_>) -> anyhow::Result<Cursor> {
        let manifest = self.manifest(copy)?;
        ensure!(manifest.schema == SCHEMA_VERSION, "its index has schema version {}", manifest.schema);
        ensure!(manifest.log_id == log_id, "it is of another life of the database");
        ensure!(chain.passes(&manifest.cursor())?, "the log does not pass through its change {}", manifest.seq);
        for (name, expected) in &manifest.files {
            let parts: Vec<Component<'_>> = Path::new(name).components().collect();
            let inside = parts.len() == 2 && parts.iter().all(|part| matches!(part, Component::Normal(_)));
            ensure!(inside, "its manifest names a file outside of it");
            let file = to.join(name);
            let mut out = manifest::create_private(&file)?;
            let fetched = self.shelf.fetch(&format!("{copy}/{name}"), expected.bytes, &mut out);
            fetched.with_context(|| format!("{name} is missing or cannot be read"))?;
            ensure!(manifest::sum(&file)? == *expected, "{name} is not what was sent");
        }
        Ok(manifest.cursor())
    }

    /// Makes a copy, if the newest is old enough and no other replica is making one; where it stands.
    pub(crate) fn keep_up(&self, indexer: &Indexer) -> anyhow::Result<Option<i64>> {
        if indexer.state().0 != IndexState::Ready {
            return Ok(None);
        }
        let Some(cursor) = indexer.index().and_then(|index| index.cursor()) else { return Ok(None) };
        let (log_id, now) = (cursor.log_id, SystemClock.now());
        let claim = self.claim(log_id, now);
        // The first to say so makes the copy of these hours. One that dies over it leaves it to the next hours.
        if now < self.due(log_id, now)? || !self.shelf.claim(&claim)? {
            return Ok(None);
        }
        let Some(shipment) = indexer.ship()? else { return Ok(None) };
        let sent = self.send(&shipment, now);
        if sent.is_err() && self.stopping.load(Ordering::SeqCst) {
            self.shelf.remove(&claim)?; // another replica may make it
        }
        sent?;
        self.prune(log_id, &claim)?;
        Ok(Some(shipment.cursor.seq))
    }

    /// Has a copy that is being made given up on, for the process is to end.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// When the newest copy will be old enough; one that cannot be read does not count.
    fn due(&self, log_id: Uuid, now: Instant) -> anyhow::Result<Instant> {
        let mut seen = self.due.lock();
        if let Some((life, due)) = *seen
            && life == log_id
            && now < due
        {
            return Ok(due);
        }
        let newest = self.copies(log_id)?.iter().rev().find_map(|copy| self.manifest(copy).ok());
        let period = chrono::Duration::hours(i64::from(self.hours));
        let due = newest.map_or(now, |newest| (newest.made_at + period).min(now + period));
        *seen = Some((log_id, due));
        Ok(due)
    }

    fn claim(&self, log_id: Uuid, now: Instant) -> String {
        let hours = now.timestamp() / 3600 / i64::from(self.hours);
        format!("{}/{CLAIM}{hours}", life(log_id))
    }

    fn send(&self, shipment: &Shipment, now: Instant) -> anyhow::Result<()> {
        let manifest = Manifest::of(shipment, now)?;
        let parcel = Parcel {
            folder: shipment.folder(),
            names: shipment.files.iter().map(String::as_str).collect(),
            manifest: serde_json::to_vec_pretty(&manifest)?,
            stopping: &self.stopping,
        };
        self.shelf.send(&format!("{}/{:020}", life(manifest.log_id), manifest.seq), &parcel)
    }

    /// Deletes all but the newest copies, and what earlier hours have left. Other lives and other versions are not touched.
    fn prune(&self, log_id: Uuid, claim: &str) -> anyhow::Result<()> {
        let life = life(log_id);
        let kept: Vec<String> = self.copies(log_id)?.into_iter().rev().take(KEPT).collect();
        let mut names: Vec<String> = self.shelf.list(&life)?;
        names.retain_mut(|name| {
            name.truncate(name.find('/').unwrap_or(name.len()));
            name.starts_with(CLAIM) || name.starts_with(DRAFT) || is_position(name)
        });
        names.sort();
        names.dedup();
        for path in names.iter().map(|name| format!("{life}/{name}")) {
            if path != claim && !kept.contains(&path) {
                self.shelf.remove(&path)?; // whoever makes it had an earlier claim
            }
        }
        Ok(())
    }

    /// The copies of a life, the one that stands furthest last.
    fn copies(&self, log_id: Uuid) -> anyhow::Result<Vec<String>> {
        let life = life(log_id);
        let names = self.shelf.list(&life)?;
        let mut copies: Vec<String> = names
            .iter()
            .filter_map(|name| name.strip_suffix(MANIFEST)?.strip_suffix('/'))
            .filter(|name| is_position(name))
            .map(|name| format!("{life}/{name}"))
            .collect();
        copies.sort();
        Ok(copies)
    }

    fn manifest(&self, copy: &str) -> anyhow::Result<Manifest> {
        let bytes = self.shelf.read(&format!("{copy}/{MANIFEST}")).context("its manifest cannot be read")?;
        let manifest: Manifest = serde_json::from_slice(&bytes).context("its manifest is damaged")?;
        ensure!(manifest.form == FORM, "it is of form {}, and this program knows form {FORM}", manifest.form);
        Ok(manifest)
    }
}

fn life(log_id: Uuid) -> String {
    format!("{log_id}/v{SCHEMA_VERSION}")
}

/// Whether a name is a place in the log, as copies are named.
fn is_position(name: &str) -> bool {
    name.parse::<i64>().is_ok()
}
