//! `eureka backup`: a folder with a copy of the database, the signing keys and a manifest, made while the service runs. It
//! gets its name only after the copy has been put to use, so that half a backup is never taken for one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use eureka_domain::{Clock, Ids};
use eureka_store::Store;
use eureka_store::backup::{self, Programs};

use crate::clock::{SystemClock, SystemIds};
use crate::config::Settings;
use crate::manifest::{self, Manifest};
use crate::{keys, logging, start};

/// `eureka backup …`
#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder to make; it must not be there
    folder: PathBuf,
    /// Leave the signing keys out, and only name them
    #[arg(long)]
    without_keys: bool,
    /// PostgreSQL: server and role to try the backup on, in a database made for it [default: the server backed up]
    #[arg(long, value_name = "URL")]
    try_on: Option<String>,
    /// PostgreSQL: folder of `pg_dump`, `pg_restore` and `psql` [default: the search path]
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

/// Makes a backup.
pub(crate) fn backup(settings: &Settings, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    logging::start(settings)?;
    let to = &arguments.folder;
    ensure!(!to.try_exists()?, "{} is there already", to.display());
    let parent = manifest::folder_of(to);
    let store = start::open_to_read(settings)?;
    let draft = tempfile::Builder::new()
        .prefix(".eureka-backup-")
        .tempdir_in(parent) // its owner's alone; goes away with this function
        .with_context(|| format!("cannot write into {}", parent.display()))?;

    let manifest = fill(draft.path(), settings, &store, arguments)?;
    manifest.save(draft.path())?;
    fs::rename(draft.path(), to).with_context(|| format!("cannot make {}", to.display()))?;
    let _ = draft.keep(); // it has another name now
    File::open(parent)?.sync_all()?;
    println!("Backed up {} changes to {}.", manifest.seq, to.display());
    println!("log  {}\nhead {}", manifest.log_id, manifest.hash);
    for key in &manifest.left_out {
        println!("Not in it: the signing key {key}.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Copies all that belongs to a backup into a folder, and tries the copy.
fn fill(folder: &Path, settings: &Settings, store: &Store, arguments: &Arguments) -> anyhow::Result<Manifest> {
    let programs = Programs { folder: arguments.programs.clone() };
    let name = manifest::database_file(store.kind());
    let file = folder.join(name);
    manifest::create_private(&file)?;
    let copied = backup::copy(store, &file, &programs).context("the database could not be copied")?;
    try_out(settings, arguments, &file, &programs, &copied).context("the copy is not sound")?;

    let mut manifest = Manifest::new(SystemClock.now(), store.kind(), copied);
    manifest.add(folder, name)?;
    let mut key_files = keys::key_files(&settings.keys_dir())?;
    key_files.sort();
    for key in key_files {
        let name = key.file_name().and_then(|name| name.to_str()).context("a key's name is not UTF-8")?;
        if arguments.without_keys {
            manifest.left_out.push(name.to_owned());
            continue;
        }
        let name = format!("{}/{name}", manifest::KEYS);
        let mut copy = manifest::create_private(&folder.join(&name))?;
        let copied = File::open(&key).and_then(|mut key| io::copy(&mut key, &mut copy));
        copied.with_context(|| format!("cannot copy {}", key.display()))?;
        manifest.add(folder, &name)?;
    }
    Ok(manifest)
}

/// Restores the copy somewhere, and walks its chain to the place that the copy is said to end at.
fn try_out(
    settings: &Settings,
    arguments: &Arguments,
    file: &Path,
    programs: &Programs,
    copied: &backup::Copied,
) -> anyhow::Result<()> {
    let server = arguments.try_on.clone().unwrap_or_else(|| settings.database());
    let id = SystemIds::new().next(SystemClock.now());
    let trial = backup::try_out(file, &server, programs, id)?;
    manifest::ends_at(trial.store(), &copied.head)
}
