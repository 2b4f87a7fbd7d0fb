//! The operator's commands: migrate, user, index, audit, openapi, settings.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, Subcommand};
use comfy_table::Table;
use eureka_domain::change::Head;
use eureka_domain::ids::{TipId, UserId};
use eureka_domain::user::SiteRole;
use eureka_search::Index;
use eureka_service::{Drift, Indexer, NewUser, Service, ServiceError};
use eureka_store::log::Verdict;
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::Settings;
use crate::logging;
use crate::start::{self, Started};

/// How many tips that differ are named, of each kind.
const EXAMPLES: usize = 20;

/// `eureka user …`
#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Make an account; a password is made up and printed unless `--password-stdin` gives one.
    Add {
        /// The login name
        #[arg(long)]
        email: String,
        /// The name on their tips
        #[arg(long)]
        name: String,
        /// Let them administer the site
        #[arg(long)]
        admin: bool,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Have an account be that of a subject of an identity provider.
    Link {
        /// Whose: their login name, or the id of a person who has none
        who: String,
        #[command(flatten)]
        identity: Identity,
    },
    /// Take that back, with all the roles that came with it.
    Unlink {
        #[command(flatten)]
        identity: Identity,
    },
    /// Erase a person: what they did stays, their name, address and account go, from database, indexes and files.
    Erase {
        /// Whom: their login name, or the id of a person who has none
        who: String,
    },
}

/// Somebody as an identity provider knows them.
#[derive(clap::Args)]
pub(crate) struct Identity {
    /// The provider's `iss`
    #[arg(long = "at", value_name = "ISSUER")]
    issuer: String,
    /// Their `sub` there
    #[arg(long)]
    subject: String,
}

/// `eureka index …`
#[derive(Subcommand)]
pub(crate) enum IndexCommand {
    /// Compare index and database both ways; exits with 1 where they differ, or the index is damaged, of another version or
    /// of another database.
    Verify {
        /// Bring what differs to what the database says; make an index that cannot be used anew
        #[arg(long)]
        repair: bool,
    },
    /// Make the index anew from the database.
    Rebuild,
}

/// `eureka audit …`
#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Walk the hash chain of the change log; exits with 1 at the first row that does not hold.
    Verify {
        /// A head that was printed before and kept elsewhere: exits with 1 unless the log passes through it. What was cut
        /// off the end of a log shows only so.
        #[arg(long, value_name = "LOG:SEQ:HASH")]
        head: Option<Head>,
    },
}

/// Brings the schema up to date.
pub(crate) fn migrate(settings: &Settings) -> anyhow::Result<ExitCode> {
    logging::start(settings)?;
    start::open_store(settings)?.close();
    println!("The schema is up to date.");
    Ok(ExitCode::SUCCESS)
}

/// Looks after accounts.
pub(crate) fn user(settings: &Settings, command: &UserCommand) -> anyhow::Result<ExitCode> {
    logging::start(settings)?;
    match command {
        UserCommand::Add { email, name, admin, password_stdin } => add(settings, email, name, *admin, *password_stdin),
        UserCommand::Link { who, identity } => link(settings, who, identity),
        UserCommand::Unlink { identity } => unlink(settings, identity),
        UserCommand::Erase { who } => erase(settings, who),
    }
}

/// The account that a login name or an id means.
fn named(service: &Service, who: &str) -> anyhow::Result<UserId> {
    match who.parse() {
        Ok(id) => Ok(UserId(id)),
        Err(_) => Ok(service.find_user(who)?.with_context(|| format!("there is nobody with the address {who}"))?.id),
    }
}

fn link(settings: &Settings, who: &str, identity: &Identity) -> anyhow::Result<ExitCode> {
    let store = start::open_store(settings)?;
    let service = start::offline(settings, store.clone())?;
    let id = named(&service, who)?;
    service.link_identity(id, &identity.issuer, &identity.subject)?;
    println!("{} of {} is {id}.", identity.subject, identity.issuer);
    store.close();
    Ok(ExitCode::SUCCESS)
}

fn unlink(settings: &Settings, identity: &Identity) -> anyhow::Result<ExitCode> {
    let store = start::open_store(settings)?;
    let id = start::offline(settings, store.clone())?.unlink_identity(&identity.issuer, &identity.subject)?.value;
    println!("{} of {} is {id} no more.", identity.subject, identity.issuer);
    store.close();
    Ok(ExitCode::SUCCESS)
}

fn erase(settings: &Settings, who: &str) -> anyhow::Result<ExitCode> {
    let store = start::open_store(settings)?;
    let service = start::offline(settings, store.clone())?;
    let id = named(&service, who)?;
    let erased = service.erase_user(id)?;
    println!("Erased {id} at change {}.", erased.position);
    for tip in &erased.value {
        println!("Still named in the text of {tip}: have it edited.");
    }
    let index = settings.index_dir();
    if Index::forget_aside(&index)
        .with_context(|| format!("erased, but not from {}: say it again for {id}", index.display()))?
    {
        println!("Removed the damaged index that was kept aside in {}.", index.display());
    }
    store.scrub().with_context(|| format!("erased, but not from the database's files yet: say it again for {id}"))?;
    println!("Gone from the database's files; each running service takes it out of its index within moments.");
    store.close();
    Ok(ExitCode::SUCCESS)
}

fn add(settings: &Settings, email: &str, name: &str, admin: bool, password_stdin: bool) -> anyhow::Result<ExitCode> {
    let password = if password_stdin {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).context("cannot read the password")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    } else {
        start::new_password()?
    };
    let new = NewUser {
        email: email.to_owned(),
        name: name.to_owned(),
        password: password.clone(),
        site_role: if admin { SiteRole::Admin } else { SiteRole::Member },
    };
    let store = start::open_store(settings)?;
    let added = start::offline(settings, store.clone())?.add_user(new).map_err(explained)?;
    println!("Added {} ({}).", email, added.value.id);
    if !password_stdin {
        println!("Password, shown only now: {password}");
    }
    store.close();
    Ok(ExitCode::SUCCESS)
}

/// Looks after the index.
pub(crate) fn index(settings: &Settings, command: &IndexCommand) -> anyhow::Result<ExitCode> {
    logging::start(settings)?;
    match command {
        IndexCommand::Verify { repair } => verify_index(settings, *repair),
        IndexCommand::Rebuild => {
            let started = own_index(settings)?;
            let code = rebuild_index(&started)?;
            started.stop();
            Ok(code)
        }
    }
}

fn own_index(settings: &Settings) -> anyhow::Result<Started> {
    start::start(settings).context(OWNED)
}

/// Said when the index directory cannot be had.
const OWNED: &str = "cannot open the index; a service that runs on it has to be stopped first";

fn verify_index(settings: &Settings, repair: bool) -> anyhow::Result<ExitCode> {
    // As it lies there: whoever opens it to work with it makes one anew that cannot be used.
    let store = start::open_store(settings)?;
    let fault = Indexer::fault(&store, &settings.index_dir()).context(OWNED)?;
    store.close();
    if let Some(why) = &fault {
        println!("The index cannot be used: {why}");
        if !repair {
            println!("Nothing was changed; `--repair` makes it anew, and so does the next start of the service.");
            return Ok(ExitCode::FAILURE);
        }
    }
    let started = own_index(settings)?;
    let code = compare_index(&started, repair)?;
    started.stop();
    Ok(code)
}

/// Reads the rest of the log, compares, and says what differs.
fn compare_index(started: &Started, repair: bool) -> anyhow::Result<ExitCode> {
    let indexer = started.service.indexer();
    let bar = counter("tips compared")?;
    indexer.catch_up()?;
    let drift = indexer.verify(|compared| bar.set_position(compared as u64))?;
    bar.finish_and_clear();
    println!("{}", told(&drift));
    if drift.is_none() {
        println!("Index and database agree.");
        return Ok(ExitCode::SUCCESS);
    }
    if repair {
        indexer.repair(&drift)?;
        println!("Repaired.");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// What was found, with some of the tips that differ.
fn told(drift: &Drift) -> String {
    if let Some(why) = &drift.damage {
        return format!("The index is damaged: {why}");
    }
    let mut table = Table::new();
    table.set_header(["difference", "tips", "for example"]);
    for (name, tips) in [("missing", &drift.missing), ("extra", &drift.extra), ("stale", &drift.stale)] {
        let examples: Vec<String> = tips.iter().take(EXAMPLES).map(TipId::to_string).collect();
        table.add_row([name, &tips.len().to_string(), &examples.join("\n")]);
    }
    format!("{} tips compared at position {}\n{table}", drift.compared, drift.position)
}

fn rebuild_index(started: &Started) -> anyhow::Result<ExitCode> {
    let bar = counter("tips indexed")?;
    let begun = Instant::now();
    let added = started.service.indexer().rebuild(|added| bar.set_position(added))?;
    bar.finish_and_clear();
    let took = begun.elapsed();
    let added_count = usize::try_from(added).unwrap_or(usize::MAX);
    println!("{added} tips indexed in {:.1} s: {:.0} tips/s", took.as_secs_f64(), rate(added_count, took));
    Ok(ExitCode::SUCCESS)
}

/// Looks after the change log.
pub(crate) fn audit(settings: &Settings, command: &AuditCommand) -> anyhow::Result<ExitCode> {
    logging::start(settings)?;
    let AuditCommand::Verify { head: kept } = command;
    let service = start::offline(settings, start::open_to_read(settings)?)?;
    let bar = counter("changes checked")?;
    let verdict = service.verify_log(|seq| bar.set_position(u64::try_from(seq).unwrap_or(0)))?;
    bar.finish_and_clear();
    Ok(match verdict {
        Verdict::Holds(head) => {
            println!("The chain holds: {} changes.\nlog  {}\nhead {head}", head.seq, head.log_id);
            match kept {
                Some(kept) if !service.log_passes(kept)? => {
                    println!("It does not pass through {kept}: it was cut off before, or is another log.");
                    ExitCode::FAILURE
                }
                _ => ExitCode::SUCCESS,
            }
        }
        Verdict::Broken(row) => {
            println!("The chain is broken at change {}: {}", row.seq, row.why);
            ExitCode::FAILURE
        }
    })
}

/// What is printed of the API.
#[derive(Debug, Args)]
pub(crate) struct OpenapiArguments {
    /// Version of OpenAPI: 3.1 is the document of record; 3.0.3 is made from it, for generators that read no newer one.
    #[arg(long, value_name = "VERSION", value_parser = ["3.1", "3.0.3"], default_value = "3.1")]
    format: String,
    /// Print the catalogue of errors instead, as docs/errors.md has it.
    #[arg(long, conflicts_with = "format")]
    errors: bool,
}

/// Prints the OpenAPI document, or the errors.
pub(crate) fn openapi(arguments: &OpenapiArguments) -> anyhow::Result<ExitCode> {
    match arguments.format.as_str() {
        _ if arguments.errors => print!("{}", eureka_api::errors_page()),
        "3.0.3" => println!("{:#}", eureka_api::document_3_0()),
        _ => println!("{}", eureka_api::document().to_pretty_json()?),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the settings in force.
pub(crate) fn settings(settings: &Settings) -> ExitCode {
    for (name, value) in settings.shown() {
        println!("{name:15} {value}");
    }
    ExitCode::SUCCESS
}

/// How many a second.
pub(crate) fn rate(count: usize, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "shown with no decimals")]
    let count = count as f64;
    count / took.as_secs_f64().max(1e-9)
}

fn counter(what: &str) -> anyhow::Result<ProgressBar> {
    let template = format!("{{spinner}} {{human_pos}} {what}, {{elapsed}}");
    Ok(ProgressBar::new_spinner().with_style(ProgressStyle::with_template(&template)?))
}

/// A refusal with each field and what is wrong with it.
fn explained(error: ServiceError) -> anyhow::Error {
    match error {
        ServiceError::Rule(eureka_domain::RuleError::Invalid(errors)) => {
            let fields: Vec<String> = errors.iter().map(|e| format!("{}: {}", e.pointer, e.detail)).collect();
            anyhow::anyhow!(fields.join("; "))
        }
        other => other.into(),
    }
}
