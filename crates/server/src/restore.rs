//! `eureka restore`: a database from a backup, after the backup has been checked to its last byte. It begins a new life:
//! indexes are made anew, everybody signs in again.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use eureka_domain::change::{Change, Head, Kind as Happened};
use eureka_domain::{Clock, Ids};
use eureka_store::backup::{self, Occupied, Programs};
use eureka_store::log;
use eureka_store::{Kind, Store, StoreError};

use crate::clock::{SystemClock, SystemIds};
use crate::config::{Settings, without_password};
use crate::manifest::{self, Manifest};
use crate::{keys, logging, start};

/// `eureka restore …`
#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder that `eureka backup` made
    folder: PathBuf,
    /// Keep the database that is there under another name, and put the restored one in its place
    #[arg(long)]
    set_aside: bool,
    /// PostgreSQL: server and role to try the backup on before anything is touched, in a database made for it [default: the
    /// server restored to]
    #[arg(long, value_name = "URL")]
    try_on: Option<String>,
    /// PostgreSQL: folder of `pg_restore` and `psql` [default: the search path]
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

/// Restores a backup.
pub(crate) fn restore(settings: &Settings, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    logging::start(settings)?;
    let kind = Store::kind_of(&settings.database())?;
    let manifest = check(settings, arguments, kind)?;
    println!("The backup of {} is sound: {} changes.", manifest.made_at.format("%F %T UTC"), manifest.seq);

    let data = settings.data_dir();
    fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
    let file = arguments.folder.join(manifest::database_file(kind));
    let programs = Programs { folder: arguments.programs.clone() };
    let life = SystemIds::new().next(SystemClock.now());
    let occupied = if arguments.set_aside { Occupied::SetAside } else { Occupied::Refuse };
    let aside = backup::restore(&settings.database(), &file, &programs, life, occupied)
        .context("nothing was restored; `--set-aside` keeps a database that is there under another name")?;

    let store = start::open_store(settings)?;
    manifest::ends_at(&store, &Head { log_id: life, ..manifest.head() })
        .context("the restored database is not sound")?;
    let change = Change::new(Happened::LogRestored, None, SystemClock.now()).about(manifest.log_id);
    store.write(move |conn| log::append(conn, &change))?;
    store.close();
    let of_keys = restore_keys(&arguments.folder, &manifest, &settings.keys_dir())?;

    println!("Restored to {} as a new life, {life}.", without_password(&settings.database()));
    if let Some(aside) = aside {
        println!("What was there is kept as {aside}.");
    }
    println!("{of_keys}\nEverybody signs in again; the next start of `eureka serve` makes the index anew.");
    Ok(ExitCode::SUCCESS)
}

/// Everything that can be known of a backup without touching anything else: its files, and the chain in its database from
/// end to end.
fn check(settings: &Settings, arguments: &Arguments, kind: Kind) -> anyhow::Result<Manifest> {
    let folder = &arguments.folder;
    let manifest = Manifest::check(folder)?;
    let (has, wants) = (manifest.database.as_str(), manifest::word(kind));
    ensure!(has == wants, "the backup is of a {has} database and cannot be restored to {wants}");
    ensure!(manifest.files.contains_key(manifest::database_file(kind)), "the backup has no database in it");
    ensure!(
        backup::knows_schema(kind, &manifest.schema)?,
        "the backup's schema, {}, is newer than this program",
        manifest.schema
    );
    let file = folder.join(manifest::database_file(kind));
    let on = match kind {
        Kind::Sqlite => file.display().to_string(),
        Kind::Postgres => arguments.try_on.clone().unwrap_or_else(|| settings.database()),
    };
    let programs = Programs { folder: arguments.programs.clone() };
    let id = SystemIds::new().next(SystemClock.now());
    let trial = match backup::try_out(&file, &on, &programs, id) {
        // It was walked when it was made, its checksums say that it is the same, and it is walked again where it is put.
        Err(StoreError::Refused(why)) if kind == Kind::Postgres => {
            println!("The archive is not tried before it is restored: {why}");
            return Ok(manifest);
        }
        tried => tried?,
    };
    manifest::ends_at(trial.store(), &manifest.head()).context("the backup's database is not sound")?;
    Ok(manifest)
}

/// Puts the signing keys where there are none; those that are there stay.
fn restore_keys(folder: &Path, manifest: &Manifest, to: &Path) -> anyhow::Result<&'static str> {
    if !keys::key_files(to)?.is_empty() {
        return Ok("The signing keys that are there stay.");
    }
    let mut names = manifest.key_files().peekable();
    if names.peek().is_none() {
        return Ok("The backup has no signing keys: the next start makes one.");
    }
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for name in names {
        let name = Path::new(name);
        let key = to.join(name.file_name().context("a key without a name")?);
        let mut draft = tempfile::NamedTempFile::new_in(to)?; // its owner's alone
        let copied = File::open(folder.join(name)).and_then(|mut copy| io::copy(&mut copy, &mut draft));
        copied.with_context(|| format!("cannot write {}", key.display()))?;
        draft.as_file().sync_all()?;
        draft.persist_noclobber(&key)?;
    }
    Ok("The signing keys are those of the backup.")
}
