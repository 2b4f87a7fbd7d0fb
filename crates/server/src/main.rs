//! The `eureka` binary: settings, commands, start and drain. Every rule lives in the libraries.

mod backup;
mod clock;
mod config;
mod demo;
mod doctor;
mod evaluate;
mod export;
mod import;
mod keys;
mod lines;
mod logging;
mod manifest;
mod operate;
mod restore;
mod serve;
mod snapshots;
mod sso;
mod start;
mod traces;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

use config::Settings;

/// What a search writes out is freed by the thread that sends it: the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Field knowledge: capture, peer review, retrieval.
#[derive(Parser)]
#[command(name = "eureka", version, about = "Field knowledge: capture, peer review, retrieval", max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API. The first start on an empty directory creates the database, the keys and an admin.
    Serve,
    /// Serve the API on loopback with the project's own tips and a cast to log in as.
    Demo(demo::Arguments),
    /// Bring the database's schema up to this version.
    Migrate,
    /// Take approved tips, or all that an export holds, in from NDJSON, plain or gzipped; repeatable without doubles.
    Import(import::Arguments),
    /// Write all that peers have approved and what came of it, or everything that people wrote, to NDJSON, for `import`
    /// elsewhere.
    Export(export::Arguments),
    /// Measure how well searches find on judged collections, over HTTP on the default settings.
    Evaluate(evaluate::Arguments),
    /// Back the database up while the service runs, and try the backup.
    Backup(backup::Arguments),
    /// Make a database from a backup.
    Restore(restore::Arguments),
    /// Look after accounts.
    #[command(subcommand)]
    User(operate::UserCommand),
    /// Look after the search index.
    #[command(subcommand)]
    Index(operate::IndexCommand),
    /// Look after the change log.
    #[command(subcommand)]
    Audit(operate::AuditCommand),
    /// Print the OpenAPI document.
    Openapi(operate::OpenapiArguments),
    /// Print the settings in force, secrets masked, and where each comes from.
    Settings,
    /// Check that everything the service needs is there and sound.
    Doctor,
}

fn main() -> ExitCode {
    let cli = match config::parse::<Cli>() {
        Ok(cli) => cli,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    let done = match cli.command {
        Command::Serve => serve::serve(&cli.settings),
        Command::Demo(arguments) => demo::demo(&cli.settings, &arguments),
        Command::Migrate => operate::migrate(&cli.settings),
        Command::Import(arguments) => import::import(&cli.settings, &arguments),
        Command::Export(arguments) => export::export(&cli.settings, &arguments),
        Command::Evaluate(arguments) => evaluate::evaluate(&cli.settings, &arguments),
        Command::Backup(arguments) => backup::backup(&cli.settings, &arguments),
        Command::Restore(arguments) => restore::restore(&cli.settings, &arguments),
        Command::User(command) => operate::user(&cli.settings, &command),
        Command::Index(command) => operate::index(&cli.settings, &command),
        Command::Audit(command) => operate::audit(&cli.settings, &command),
        Command::Openapi(arguments) => operate::openapi(&arguments),
        Command::Settings => Ok(operate::settings(&cli.settings)),
        Command::Doctor => Ok(doctor::doctor(&cli.settings)),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
