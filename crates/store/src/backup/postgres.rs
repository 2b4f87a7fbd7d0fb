//! The server's way: `pg_dump` reads one snapshot; `pg_restore` and `psql` write it back in one transaction.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use uuid::Uuid;

use super::{Copied, Occupied};
use crate::{Conn, StoreError, connect, migrations, target};

/// Where PostgreSQL's programs are.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    /// Their folder; absent, they are found on the search path.
    pub folder: Option<PathBuf>,
}

impl Programs {
    fn command(&self, name: &str) -> Command {
        match &self.folder {
            Some(folder) => Command::new(folder.join(name)),
            None => Command::new(name),
        }
    }

    /// The release of a program: 15 for `pg_dump (PostgreSQL) 15.18`.
    fn release(&self, name: &str) -> Result<i32, StoreError> {
        let output = self.command(name).arg("--version").output().map_err(|error| cannot_run(name, &error))?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let number = told.split_once("(PostgreSQL) ").map_or("", |(_, number)| number);
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().map_err(|_| StoreError::Refused(format!("{name} tells no version: {}", told.trim())))
    }
}

/// Dumps the database into a new file, in PostgreSQL's own compressed format.
pub(super) fn copy(url: &str, file: &Path, programs: &Programs) -> Result<Copied, StoreError> {
    let mut conn = connect::postgres(url, "")?;
    let server: i32 =
        diesel::select(sql::<Integer>("current_setting('server_version_num')::int / 10000")).get_result(&mut conn)?;
    let program = programs.release("pg_dump")?;
    if program < server {
        return Err(StoreError::Refused(format!(
            "pg_dump of release {program} cannot read a server of release {server}: name the folder of a newer one"
        )));
    }
    conn.build_transaction().read_only().repeatable_read().run(|conn| {
        let copied = migrations::copied(&mut Conn::Postgres(conn))?;
        let snapshot: String = diesel::select(sql::<Text>("pg_export_snapshot()")).get_result(conn)?;
        let mut command = at(url, programs.command("pg_dump"));
        command.args(["--format=custom", "--schema=public", "--no-owner", "--no-privileges", "--no-password"]);
        command.arg(format!("--snapshot={snapshot}")).arg(option("--file=", file));
        let mut told = tempfile::tempfile().map_err(|error| cannot_run("pg_dump", &error))?;
        let status = command.stdin(Stdio::null()).stderr(share(&told)?).status();
        let status = status.map_err(|error| cannot_run("pg_dump", &error))?;
        if status.success() { Ok(copied) } else { Err(failed("pg_dump", status, &mut told)) }
    })
}

/// Runs `first`, restores a dump and runs `last`, in one transaction. It is committed only after `pg_restore` has said
/// that it came to the end of the file.
pub(super) fn restore(url: &str, file: &Path, programs: &Programs, first: &str, last: &str) -> Result<(), StoreError> {
    let mut told = [tempfile::tempfile(), tempfile::tempfile()]
        .into_iter()
        .collect::<io::Result<Vec<File>>>()
        .map_err(|error| cannot_run("psql", &error))?;
    let [of_restore, of_psql] = told.as_mut_slice() else { return Err(StoreError::Panicked) };

    let mut command = at(url, programs.command("psql"));
    command.args(["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--file=-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(share(of_psql)?);
    let mut psql = command.spawn().map_err(|error| cannot_run("psql", &error))?;
    let mut script = psql.stdin.take().ok_or(StoreError::Panicked)?;

    let mut command = programs.command("pg_restore");
    // The schema's contents: the schema itself is there.
    command.args(["--schema=public", "--no-owner", "--no-privileges", "--file=-"]).arg(file);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(share(of_restore)?);
    let mut dump = command.spawn().map_err(|error| cannot_run("pg_restore", &error))?;
    let mut text = dump.stdout.take().ok_or(StoreError::Panicked)?;

    // A psql that has ended early says why, below.
    let fed = script.write_all(format!("BEGIN;\n{first}\n").as_bytes()).and_then(|()| io::copy(&mut text, &mut script));
    drop(text);
    let dumped = dump.wait().map_err(|error| cannot_run("pg_restore", &error))?;
    if dumped.success() && fed.is_ok() {
        let _ = script.write_all(format!("\n{last}\nCOMMIT;\n").as_bytes());
    }
    drop(script);
    let restored = psql.wait().map_err(|error| cannot_run("psql", &error))?;
    if !restored.success() {
        return Err(failed("psql", restored, of_psql));
    }
    if !dumped.success() {
        return Err(failed("pg_restore", dumped, of_restore));
    }
    fed.map(|_| ()).map_err(|error| cannot_run("psql", &error))
}

/// Looks whether there is a database already; says under which name it will be kept, and how it gets there.
pub(super) fn make_room(url: &str, log_id: Uuid, occupied: Occupied) -> Result<(Option<String>, String), StoreError> {
    let mut conn = connect::postgres(url, "")?;
    let relations: i64 =
        diesel::select(sql::<BigInt>("(SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('public'))"))
            .get_result(&mut conn)?;
    if relations == 0 {
        return Ok((None, String::new()));
    }
    if occupied == Occupied::Refuse {
        return Err(StoreError::Refused("the database is not empty".to_owned()));
    }
    let aside = format!("before_{}", log_id.simple());
    let prepare = format!("ALTER SCHEMA public RENAME TO {aside}; CREATE SCHEMA public;");
    Ok((Some(format!("schema {aside}")), prepare))
}

/// What the name of a database that was made for a trial begins with; the rest is an id, and tells when it was.
const TRIAL: &str = "eureka_trial_";
/// After this many seconds the database of a trial that nobody is connected to was left by a command that was killed.
const STALE: u64 = 3600;

/// Drops the databases of trials that were never finished. One that somebody is connected to cannot be dropped.
fn drop_stale(conn: &mut PgConnection, id: Uuid) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let seconds = |id: Uuid| id.get_timestamp().map_or(0, |at| at.to_unix().0);
    let names: Vec<Name> = diesel::sql_query(
        "SELECT datname::text AS name FROM pg_database \
         WHERE datname LIKE 'eureka!_trial!_%' ESCAPE '!' AND pg_get_userbyid(datdba) = current_user",
    )
    .load(conn)?;
    for Name { name } in names {
        let Some(made) = name.strip_prefix(TRIAL).and_then(|rest| Uuid::parse_str(rest).ok()) else { continue };
        if seconds(made) + STALE < seconds(id) {
            match conn.batch_execute(&format!("DROP DATABASE {name}")) {
                Ok(()) => tracing::info!(database = name, "dropped what a trial had left"),
                Err(error) => tracing::warn!(%error, database = name, "what a trial had left could not be dropped"),
            }
        }
    }
    Ok(())
}

/// A database made for a trial on a server; it goes away with this.
pub(super) struct Scratch {
    server: String,
    url: String,
    name: String,
}

impl Scratch {
    /// Makes an empty database like the one of a URL, beside it.
    pub(super) fn create(server: &str, id: Uuid) -> Result<Self, StoreError> {
        let name = format!("{TRIAL}{}", id.simple());
        let mut conn = connect::postgres(server, "")?;
        drop_stale(&mut conn, id)?;
        let like: String = diesel::select(sql::<Text>(
            "(SELECT format('ENCODING %L LC_COLLATE %L LC_CTYPE %L', pg_encoding_to_char(encoding), datcollate, datctype)
              FROM pg_database WHERE datname = current_database())",
        ))
        .get_result(&mut conn)?;
        conn.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0 {like}")).map_err(|error| {
            StoreError::Refused(format!(
                "no database can be made to try the backup on: {error}; name a server and a role that may with --try-on"
            ))
        })?;
        Ok(Self { server: server.to_owned(), url: target::with_database(server, &name), name })
    }

    /// Where it is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropped = connect::postgres(&self.server, "").and_then(|mut conn| Ok(conn.batch_execute(&drop)?));
        if let Err(error) = dropped {
            tracing::warn!(%error, database = self.name, "the database of a trial could not be dropped");
        }
    }
}

/// A program that is to work on a database. Everybody on the machine can read a command line: the password goes another
/// way.
fn at(url: &str, mut command: Command) -> Command {
    let (url, password) = target::without_password(url);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    command.arg(format!("--dbname={url}"));
    command
}

fn option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut option = OsStr::new(name).to_owned();
    option.push(path);
    option
}

fn share(file: &File) -> Result<File, StoreError> {
    file.try_clone().map_err(|error| StoreError::Unavailable(error.to_string()))
}

fn cannot_run(program: &str, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("{program} cannot be run: {error}"))
}

fn failed(program: &str, status: ExitStatus, told: &mut File) -> StoreError {
    let mut why = String::new();
    let _ = told.rewind().and_then(|()| told.take(2000).read_to_string(&mut why));
    StoreError::Unavailable(format!("{program}: {status}: {}", why.trim()))
}
