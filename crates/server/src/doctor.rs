//! `eureka doctor`: is everything there and sound? Reads only.

use std::process::ExitCode;

use comfy_table::Table;
use eureka_domain::Clock;
use eureka_search::Index;
use eureka_service::Providers;
use eureka_store::{Kind, Store, attachments, log, users};

use crate::clock::SystemClock;
use crate::config::{Settings, without_password};
use crate::keys;

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    result: Result<String, String>,
}

/// Looks at everything and says what it found; exits with 1 where something is wrong.
pub(crate) fn doctor(settings: &Settings) -> ExitCode {
    let mut findings = vec![
        Finding { what: "data directory", result: data_directory(settings) },
        Finding { what: "signing keys", result: signing_keys(settings) },
    ];
    findings.extend(identity_providers(settings));
    match Store::open_to_read(&settings.database(), 1) {
        Ok(store) => {
            findings.push(Finding { what: "database", result: Ok(database(settings, &store)) });
            let schema = schema(&store);
            let files = schema.is_ok().then(|| Finding { what: "attachments", result: files(&store) });
            findings.push(Finding { what: "schema", result: schema });
            findings.extend(files);
            findings.push(Finding { what: "change log", result: change_log(&store) });
            findings.push(Finding { what: "accounts", result: accounts(&store) });
        }
        Err(error) => findings.push(Finding { what: "database", result: Err(error.to_string()) }),
    }
    findings.push(Finding { what: "search index", result: search_index(settings) });
    findings.extend(damaged_index(settings));
    let mut table = Table::new();
    table.set_header(["", "what", "found"]);
    for finding in &findings {
        let (mark, text) = match &finding.result {
            Ok(text) => ("ok", text),
            Err(text) => ("WRONG", text),
        };
        table.add_row([mark, finding.what, text]);
    }
    println!("{table}");
    let sound = findings.iter().all(|finding| finding.result.is_ok());
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn data_directory(settings: &Settings) -> Result<String, String> {
    let dir = settings.data_dir();
    tempfile::tempfile_in(&dir).map_err(|e| format!("{}: {e}", dir.display()))?; // has no name, where the system can
    Ok(format!("{} can be written", dir.display()))
}

fn signing_keys(settings: &Settings) -> Result<String, String> {
    let files = keys::key_files(&settings.keys_dir()).map_err(|e| format!("{e:#}"))?;
    if files.is_empty() {
        return Err("there are none; `eureka serve` makes the first one".to_owned());
    }
    let count = files.len();
    keys::read(files, &settings.issuer).map_err(|e| format!("{e:#}"))?;
    Ok(format!("{count} of them, readable by their owner alone"))
}

/// Whether each identity provider's keys can be fetched from here.
fn identity_providers(settings: &Settings) -> Vec<Finding> {
    let what = "identity provider";
    let known = settings.providers().and_then(|providers| Ok(Providers::new(&settings.issuer, providers)?));
    match known {
        Err(error) => vec![Finding { what, result: Err(format!("{error:#}")) }],
        Ok(providers) => providers
            .try_out(SystemClock.now())
            .into_iter()
            .map(|(issuer, tried)| {
                let result = match tried {
                    Ok(count) => Ok(format!("{issuer}: {count} keys")),
                    Err(error) => Err(format!("{issuer}: {error}")),
                };
                Finding { what, result }
            })
            .collect(),
    }
}

fn database(settings: &Settings, store: &Store) -> String {
    let kind = match store.kind() {
        Kind::Sqlite => "SQLite",
        Kind::Postgres => "PostgreSQL",
    };
    format!("{kind} at {}", without_password(&settings.database()))
}

fn schema(store: &Store) -> Result<String, String> {
    let pending = store.pending_migrations().map_err(|error| error.to_string())?;
    if pending.is_empty() {
        Ok("up to date".to_owned())
    } else {
        Err(format!("{} migrations are pending: `eureka migrate`", pending.len()))
    }
}

fn change_log(store: &Store) -> Result<String, String> {
    let head = store.read(log::head).map_err(|error| error.to_string())?;
    Ok(format!("{} changes; `eureka audit verify` walks the chain", head.seq))
}

fn files(store: &Store) -> Result<String, String> {
    let stock = store.read(attachments::stock).map_err(|error| error.to_string())?;
    if let Some(first) = stock.missing.first() {
        return Err(format!("{} files of texts are not there, or not whole: {first} first", stock.missing.len()));
    }
    if stock.unneeded > 0 {
        return Err(format!("{} files are kept that no text has", stock.unneeded));
    }
    Ok(format!("{} files, {} kB, all that texts have and no more", stock.files, stock.bytes / 1024))
}

fn accounts(store: &Store) -> Result<String, String> {
    match store.read(users::admins).map_err(|error| error.to_string())? {
        0 => Err("there is no admin; `eureka serve` creates the first one".to_owned()),
        count => Ok(format!("{count} active admins")),
    }
}

/// One that was damaged, if it is kept aside.
fn damaged_index(settings: &Settings) -> Option<Finding> {
    let result = match Index::aside(&settings.index_dir()) {
        Ok(None) => return None,
        Ok(Some(aside)) => {
            Ok(format!("{}, {} kB, kept aside: it may be removed", aside.path.display(), aside.bytes / 1024))
        }
        Err(error) => Err(error.to_string()),
    };
    Some(Finding { what: "damaged index", result })
}

fn search_index(settings: &Settings) -> Result<String, String> {
    let look = Index::look(&settings.index_dir()).map_err(|error| error.to_string())?;
    let look = look.map_err(|why| format!("{why}; the next start of `eureka serve` makes it anew"))?;
    let position = look.cursor.map_or(0, |cursor| cursor.seq);
    Ok(format!("{} tips, {} kB, at position {position}", look.tips, look.bytes / 1024))
}
