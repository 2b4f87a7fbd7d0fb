//! What a backup is: a folder with these files, and a manifest that says what each must be.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Component, Path};

use anyhow::{Context, bail, ensure};
use eureka_domain::Instant;
use eureka_domain::change::Head;
use eureka_store::backup::Copied;
use eureka_store::log::{self, Verdict};
use eureka_store::{Kind, Store};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The manifest's own name.
const MANIFEST: &str = "manifest.json";
/// The folder of the signing keys.
pub(crate) const KEYS: &str = "keys";
/// The form of the folder that this program writes and reads.
const FORM: u32 = 1;

/// Everything about a backup but its contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    form: u32,
    /// When it was finished.
    pub(crate) made_at: Instant,
    /// The version of the program that made it.
    by: String,
    /// `sqlite` or `postgres`.
    pub(crate) database: String,
    /// The last migration of its schema.
    pub(crate) schema: String,
    /// The life of the database that was copied.
    pub(crate) log_id: Uuid,
    /// The last change in it.
    pub(crate) seq: i64,
    /// The hash of that change.
    pub(crate) hash: String,
    /// The signing keys that were left out of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) left_out: Vec<String>,
    /// Each file by its path in the folder.
    pub(crate) files: BTreeMap<String, Sum>,
}

/// What a file must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) bytes: u64,
    sha256: String,
}

impl Manifest {
    /// The manifest of a copy, without any files yet.
    pub(crate) fn new(made_at: Instant, kind: Kind, copied: Copied) -> Self {
        Self {
            form: FORM,
            made_at,
            by: format!("eureka {}", env!("CARGO_PKG_VERSION")),
            database: word(kind).to_owned(),
            schema: copied.schema,
            log_id: copied.head.log_id,
            seq: copied.head.seq,
            hash: copied.head.hash,
            left_out: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    /// The place in the change log that the copy ends at.
    pub(crate) fn head(&self) -> Head {
        Head { log_id: self.log_id, seq: self.seq, hash: self.hash.clone() }
    }

    /// Takes a file of the folder in as it is now, and sees it to the disk.
    pub(crate) fn add(&mut self, folder: &Path, name: &str) -> anyhow::Result<()> {
        let path = folder.join(name);
        self.files.insert(name.to_owned(), sum(&path)?);
        File::open(&path)?.sync_all()?;
        File::open(folder_of(&path))?.sync_all()?;
        Ok(())
    }

    /// Writes the manifest into the folder: its last file.
    pub(crate) fn save(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(MANIFEST);
        let mut file = create_private(&path)?;
        file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        file.sync_all()?;
        File::open(folder)?.sync_all()?;
        Ok(())
    }

    /// Reads the manifest of a folder, and each of its files against it.
    pub(crate) fn check(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(MANIFEST);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} is not a finished backup: no {MANIFEST}", folder.display()))?;
        let manifest: Self = serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
        ensure!(manifest.form == FORM, "the backup is of form {}, and this program knows form {FORM}", manifest.form);
        for (name, expected) in &manifest.files {
            let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
            ensure!(inside, "{} names a file outside of the backup", path.display());
            let found = sum(&folder.join(name))?;
            ensure!(found == *expected, "{name} is not what was backed up");
        }
        Ok(manifest)
    }

    /// The files of the signing keys.
    pub(crate) fn key_files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str).filter(|name| Path::new(name).starts_with(KEYS))
    }
}

/// Walks a database's chain, which is to end at a place.
pub(crate) fn ends_at(store: &Store, expected: &Head) -> anyhow::Result<()> {
    match log::verify_all(store, |_| ())? {
        Verdict::Holds(head) if head == *expected => Ok(()),
        Verdict::Holds(head) => bail!("it ends at change {}, not at {}", head.seq, expected.seq),
        Verdict::Broken(row) => bail!("its chain is broken at change {}: {}", row.seq, row.why),
    }
}

/// The name of the database's copy.
pub(crate) fn database_file(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "eureka.db",
        Kind::Postgres => "eureka.pgdump",
    }
}

/// The word for a kind of database.
pub(crate) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "sqlite",
        Kind::Postgres => "postgres",
    }
}

/// The folder that a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes an empty file for its owner alone, and its folder where there is none.
pub(crate) fn create_private(path: &Path) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut folders = DirBuilder::new();
    folders.recursive(true);
    #[cfg(unix)]
    {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
    }
    let folder = folder_of(path);
    folders.create(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    options.open(path).with_context(|| format!("cannot make {}", path.display()))
}

/// The size and checksum of a file.
pub(crate) fn sum(path: &Path) -> anyhow::Result<Sum> {
    let missing = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(missing)?;
    let mut hasher = Hasher(Sha256::new());
    let bytes = io::copy(&mut file, &mut hasher).with_context(missing)?;
    Ok(Sum { bytes, sha256: hex::encode(hasher.0.finalize()) })
}

/// Takes in what is copied to it.
struct Hasher(Sha256);

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
