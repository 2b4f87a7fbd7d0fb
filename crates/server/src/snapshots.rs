//! Copies of the index in a folder that all replicas see, so that a new one reads what is left of the log and not the whole
//! database. One replica makes a copy every so many hours; a copy is checked to its last byte, and against the log, before
//! it is used; it is the text of tips, and needs the same care as the database.
//!
//! `<log id>/v<schema>/<position>/` holds the files and their manifest, and has this name only once it is whole: an index of
//! another life or of other fields is not even found. `<log id>/v<schema>/claim-<hours>` says who is making one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, ensure};
use eureka_domain::{Clock, Ids, Instant};
use eureka_service::{Chain, Cursor, IndexState, Indexer, SCHEMA_VERSION, Shipment};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::{SystemClock, SystemIds};
use crate::config::Settings;
use crate::manifest::{self, Sum};

/// The form of a copy that this program writes and reads.
const FORM: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// How many copies are kept.
const KEPT: usize = 2;
/// What the name of a copy begins with that is not whole.
const DRAFT: &str = "draft-";
/// What the name of a file begins with that says who makes a copy.
const CLAIM: &str = "claim-";

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
    fn read(copy: &Path) -> anyhow::Result<Self> {
        let bytes = fs::read(copy.join(MANIFEST)).context("it has no manifest")?;
        let manifest: Self = serde_json::from_slice(&bytes).context("its manifest is damaged")?;
        ensure!(manifest.form == FORM, "it is of form {}, and this program knows form {FORM}", manifest.form);
        Ok(manifest)
    }

    fn cursor(&self) -> Cursor {
        Cursor { log_id: self.log_id, seq: self.seq, hash: self.hash.clone(), schema: self.schema }
    }
}

/// The folder where copies are kept.
pub(crate) struct Snapshots {
    root: PathBuf,
    hours: u32,
}

impl Snapshots {
    /// Where the settings say, if they do.
    pub(crate) fn of(settings: &Settings) -> Option<Self> {
        let root = settings.snapshots.clone()?;
        Some(Self { root, hours: settings.snapshot_hours.max(1) })
    }

    /// Fetches the newest copy that is sound and that the log passes through into a folder; where it stands. One that is
    /// not is passed over, and said why.
    pub(crate) fn fetch(&self, to: &Path, chain: &Chain<'_>) -> Option<Cursor> {
        let fetched = chain.head().map_err(anyhow::Error::from).and_then(|(log_id, _)| {
            for copy in self.copies(log_id)?.into_iter().rev() {
                match fetch(&copy, log_id, to, chain) {
                    Ok(cursor) => return Ok(Some(cursor)),
                    Err(error) => {
                        let error = format!("{error:#}");
                        tracing::warn!(copy = %copy.display(), error, "a copy of the index is not used");
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

    /// Makes a copy, if the newest is old enough and no other replica is making one; where it stands.
    pub(crate) fn keep_up(&self, indexer: &Indexer) -> anyhow::Result<Option<i64>> {
        if indexer.state().0 != IndexState::Ready {
            return Ok(None);
        }
        let Some(cursor) = indexer.index().and_then(|index| index.cursor()) else { return Ok(None) };
        let (log_id, now) = (cursor.log_id, SystemClock.now());
        if !self.is_due(log_id, now)? || !self.claim(log_id, now)? {
            return Ok(None);
        }
        let Some(shipment) = indexer.ship()? else { return Ok(None) };
        self.send(&shipment, now)?;
        self.prune(log_id, now)?;
        Ok(Some(shipment.cursor.seq))
    }

    /// Whether the newest copy is old enough; one that cannot be read does not count.
    fn is_due(&self, log_id: Uuid, now: Instant) -> anyhow::Result<bool> {
        let copies = self.copies(log_id)?;
        let newest = copies.iter().rev().find_map(|copy| Manifest::read(copy).ok());
        Ok(newest.is_none_or(|newest| now - newest.made_at >= chrono::Duration::hours(i64::from(self.hours))))
    }

    /// Whether this replica is the one to make a copy in these hours: the first to say so. One that dies over it leaves it
    /// to the next hours.
    fn claim(&self, log_id: Uuid, now: Instant) -> anyhow::Result<bool> {
        let claim = self.claim_of(log_id, now);
        fs::create_dir_all(manifest::folder_of(&claim))?;
        match File::create_new(&claim) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error).with_context(|| format!("cannot write {}", claim.display())),
        }
    }

    fn claim_of(&self, log_id: Uuid, now: Instant) -> PathBuf {
        let hours = now.timestamp() / 3600 / i64::from(self.hours);
        self.of_life(log_id).join(format!("{CLAIM}{hours}"))
    }

    fn send(&self, shipment: &Shipment, now: Instant) -> anyhow::Result<()> {
        let Cursor { log_id, seq, hash, schema } = shipment.cursor.clone();
        let life = self.of_life(log_id);
        let draft = life.join(format!("{DRAFT}{}", SystemIds::new().next(now).simple()));
        let mut files = BTreeMap::new();
        for name in &shipment.files {
            let copy = draft.join(name);
            let mut out = manifest::create_private(&copy)?;
            io::copy(&mut File::open(shipment.folder().join(name))?, &mut out)?;
            out.sync_all()?;
            files.insert(name.clone(), manifest::sum(&copy)?);
        }
        let by = format!("eureka {}", env!("CARGO_PKG_VERSION"));
        let manifest = Manifest { form: FORM, made_at: now, by, log_id, seq, hash, schema, files };
        let mut out = manifest::create_private(&draft.join(MANIFEST))?;
        io::Write::write_all(&mut out, &serde_json::to_vec_pretty(&manifest)?)?;
        out.sync_all()?;
        let copy = life.join(format!("{seq:020}"));
        if copy.exists() {
            fs::remove_dir_all(&copy)?; // of the same place, and too old or not whole
        }
        fs::rename(&draft, &copy)?;
        Ok(File::open(&life)?.sync_all()?)
    }

    /// Deletes all but the newest copies, and what earlier hours have left. Other lives and other versions are not touched.
    fn prune(&self, log_id: Uuid, now: Instant) -> anyhow::Result<()> {
        let mut copies = self.copies(log_id)?;
        copies.truncate(copies.len().saturating_sub(KEPT));
        for copy in copies {
            fs::remove_file(copy.join(MANIFEST))?; // what makes it a copy
            fs::remove_dir_all(&copy)?;
        }
        let claim = self.claim_of(log_id, now);
        for entry in fs::read_dir(self.of_life(log_id))? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(CLAIM) && path != claim {
                fs::remove_file(&path)?;
            } else if name.starts_with(DRAFT) {
                fs::remove_dir_all(&path)?; // whoever made it had an earlier claim
            }
        }
        Ok(())
    }

    /// The copies of a life, the one that stands furthest last.
    fn copies(&self, log_id: Uuid) -> anyhow::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(self.of_life(log_id)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut copies = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.parse::<i64>().is_ok()) {
                copies.push(entry.path());
            }
        }
        copies.sort();
        Ok(copies)
    }

    fn of_life(&self, log_id: Uuid) -> PathBuf {
        self.root.join(log_id.to_string()).join(format!("v{SCHEMA_VERSION}"))
    }
}

fn fetch(copy: &Path, log_id: Uuid, to: &Path, chain: &Chain<'_>) -> anyhow::Result<Cursor> {
    let manifest = Manifest::read(copy)?;
    ensure!(manifest.schema == SCHEMA_VERSION, "its index has schema version {}", manifest.schema);
    ensure!(manifest.log_id == log_id, "it is of another life of the database");
    ensure!(chain.passes(&manifest.cursor())?, "the log does not pass through its change {}", manifest.seq);
    for (name, expected) in &manifest.files {
        let parts: Vec<Component<'_>> = Path::new(name).components().collect();
        let inside = parts.len() == 2 && parts.iter().all(|part| matches!(part, Component::Normal(_)));
        ensure!(inside, "its manifest names a file outside of it");
        let file = to.join(name);
        let mut source = File::open(copy.join(name)).with_context(|| format!("{name} is missing"))?;
        io::copy(&mut source, &mut manifest::create_private(&file)?)?;
        ensure!(manifest::sum(&file)? == *expected, "{name} is not what was sent");
    }
    Ok(manifest.cursor())
}
