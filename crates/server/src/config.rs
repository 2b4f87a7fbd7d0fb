//! The settings: each declared once, below, and taken from a flag, the environment, a file, or its default, in this
//! order.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, CommandFactory, FromArgMatches, Parser};
use eureka_api::{ForwardedBy, LimitOptions, Network, Proxies};
use eureka_service::ProviderOptions;

use crate::snapshots::Place;
use crate::sso;

/// The settings of every command.
#[derive(Args, Debug, Clone)]
pub(crate) struct Settings {
    /// Directory of the database, the index and the keys [default: data; demo: data/demo]
    #[arg(long, global = true, env = "EUREKA_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address to serve on
    #[arg(long, global = true, env = "EUREKA_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// URL at which people reach the service: feeds lead there [default: their links are paths]
    #[arg(long, global = true, env = "EUREKA_PUBLIC_URL", value_parser = public_url, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Address to serve `/metrics` on, for Prometheus; nobody is asked who they are there [default: not served]
    #[arg(long, global = true, env = "EUREKA_METRICS_LISTEN", value_name = "ADDR")]
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// `postgres://…`, or the path of a SQLite file [default: DIR/eureka.db]
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// Directory of the signing keys; replicas share one [default: DIR/keys]
    #[arg(long, global = true, env = "EUREKA_KEYS", value_name = "DIR")]
    pub(crate) keys: Option<PathBuf>,
    /// Name of this service in its tokens
    #[arg(long, global = true, env = "EUREKA_ISSUER", default_value = "eureka")]
    pub(crate) issuer: String,
    /// Database connections for reading
    #[arg(long, global = true, env = "EUREKA_READERS", default_value_t = 8, value_name = "N")]
    pub(crate) readers: u32,
    /// Seconds between turning not ready and stopping, for balancers to notice
    #[arg(long, global = true, env = "EUREKA_DRAIN", default_value_t = 0, value_name = "SECONDS")]
    pub(crate) drain: u64,
    /// Requests a minute by one person, 0 for any number
    #[arg(long, global = true, env = "EUREKA_LIMIT_USER", default_value_t = 120_000, value_name = "N")]
    pub(crate) limit_user: u32,
    /// Requests a minute with one API key, 0 for any number
    #[arg(long, global = true, env = "EUREKA_LIMIT_KEY", default_value_t = 120_000, value_name = "N")]
    pub(crate) limit_key: u32,
    /// Requests a minute from one address (IPv6: one /64) of nobody in particular, 0 for any number
    #[arg(long, global = true, env = "EUREKA_LIMIT_ADDRESS", default_value_t = 60_000, value_name = "N")]
    pub(crate) limit_address: u32,
    /// Networks of proxies that are believed about whose request they pass on, with commas between [default: none]
    #[arg(long, global = true, env = "EUREKA_TRUSTED_PROXY", value_delimiter = ',', value_name = "CIDR")]
    pub(crate) trusted_proxy: Vec<Network>,
    /// The header in which they say it
    #[arg(long, global = true, env = "EUREKA_FORWARDED_BY", default_value = "x-forwarded-for", value_enum)]
    pub(crate) forwarded_by: ForwardedHeader,
    /// Networks that webhooks may be sent to though they are not open to all, with commas between; loopback among them
    /// without TLS as well [default: none]
    #[arg(long, global = true, env = "EUREKA_WEBHOOK_ALLOW", value_delimiter = ',', value_name = "CIDR")]
    pub(crate) webhook_allow: Vec<Network>,
    /// Folder that all replicas see, or `s3://bucket/prefix` in a store that the `AWS_…` variables name, where copies of
    /// the index are kept for those that start without one [default: none are kept]
    #[arg(long, global = true, env = "EUREKA_SNAPSHOTS", value_name = "PLACE")]
    pub(crate) snapshots: Option<Place>,
    /// Hours after which another copy is made, by one of the replicas
    #[arg(long, global = true, env = "EUREKA_SNAPSHOT_HOURS", default_value_t = 24, value_name = "N")]
    pub(crate) snapshot_hours: u32,
    /// Collector that traces are sent to, as OTLP over HTTP: `http://localhost:4318` [default: none are made]
    #[arg(long, global = true, env = "EUREKA_OTLP_ENDPOINT", value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,
    /// Form of the log
    #[arg(long, global = true, env = "EUREKA_LOG_FORMAT", default_value = "pretty", value_enum)]
    pub(crate) log_format: LogFormat,
    /// What to log: `info`, `eureka_api=debug`, …
    #[arg(long, global = true, env = "EUREKA_LOG", default_value = "info", value_name = "FILTER")]
    pub(crate) log: String,
    /// E-mail address of the admin that the first start creates
    #[arg(long, global = true, env = "EUREKA_ADMIN_EMAIL", default_value = "admin@eureka.example")]
    pub(crate) admin_email: String,
    /// Password of the admin that the first start creates [default: made up and printed once]
    #[arg(long, global = true, env = "EUREKA_ADMIN_PASSWORD", hide_env_values = true)]
    pub(crate) admin_password: Option<String>,
    /// TOML file with any of these settings, named as the flags
    #[arg(long, global = true, env = "EUREKA_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// The header in which proxies say from whom a request came.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ForwardedHeader {
    /// What most write.
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// The form of the log.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Pretty,
    /// For programs: one JSON object a line.
    Json,
}

impl Settings {
    /// The directory of everything that is kept.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| PathBuf::from("data"))
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> String {
        self.database_url.clone().unwrap_or_else(|| self.data_dir().join("eureka.db").display().to_string())
    }

    /// Where the signing keys are.
    pub(crate) fn keys_dir(&self) -> PathBuf {
        self.keys.clone().unwrap_or_else(|| self.data_dir().join("keys"))
    }

    /// Where the index is.
    pub(crate) fn index_dir(&self) -> PathBuf {
        self.data_dir().join("index")
    }

    /// How many requests may be made.
    pub(crate) fn limits(&self) -> LimitOptions {
        let header = match self.forwarded_by {
            ForwardedHeader::XForwardedFor => ForwardedBy::XForwardedFor,
            ForwardedHeader::Forwarded => ForwardedBy::Forwarded,
        };
        LimitOptions {
            per_user: self.limit_user,
            per_key: self.limit_key,
            per_address: self.limit_address,
            proxies: Proxies { trusted: self.trusted_proxy.clone(), header },
        }
    }

    /// The identity providers that are believed: only the settings file names any.
    pub(crate) fn providers(&self) -> anyhow::Result<Vec<ProviderOptions>> {
        self.config.as_deref().map_or(Ok(Vec::new()), sso::read)
    }

    fn providers_shown(&self) -> String {
        let providers = self.providers().unwrap_or_default();
        let issuers: Vec<String> = providers.into_iter().map(|provider| provider.issuer).collect();
        if issuers.is_empty() { "(none)".to_owned() } else { issuers.join(",") }
    }

    /// Every setting with its value in force, secrets masked.
    pub(crate) fn shown(&self) -> Vec<(&'static str, String)> {
        let masked = |set: bool| if set { "********".to_owned() } else { "(not set)".to_owned() };
        vec![
            ("data", self.data_dir().display().to_string()),
            ("listen", self.listen.to_string()),
            ("public-url", self.public_url.clone().unwrap_or_else(|| "(not set)".to_owned())),
            ("metrics-listen", self.metrics_listen.map_or("(not served)".to_owned(), |address| address.to_string())),
            ("database-url", without_password(&self.database())),
            ("keys", self.keys_dir().display().to_string()),
            ("issuer", self.issuer.clone()),
            ("readers", self.readers.to_string()),
            ("drain", format!("{} s", self.drain)),
            ("limit-user", format!("{} a minute", self.limit_user)),
            ("limit-key", format!("{} a minute", self.limit_key)),
            ("limit-address", format!("{} a minute", self.limit_address)),
            ("trusted-proxy", networks(&self.trusted_proxy)),
            ("forwarded-by", format!("{:?}", self.limits().proxies.header)),
            ("webhook-allow", networks(&self.webhook_allow)),
            ("snapshots", self.snapshots.as_ref().map_or("(none are kept)".to_owned(), Place::to_string)),
            ("snapshot-hours", self.snapshot_hours.to_string()),
            ("otlp-endpoint", self.otlp_endpoint.clone().unwrap_or_else(|| "(no traces)".to_owned())),
            ("log-format", format!("{:?}", self.log_format).to_lowercase()),
            ("log", self.log.clone()),
            ("admin-email", self.admin_email.clone()),
            ("admin-password", masked(self.admin_password.is_some())),
            ("sso", self.providers_shown()),
            ("config", self.config.as_ref().map_or("(none)".to_owned(), |f| f.display().to_string())),
        ]
    }
}

/// A URL that others can be put after.
fn public_url(text: &str) -> Result<String, &'static str> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let is_plain = text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '<' | '>' | '"'));
    if host.trim_matches('/').is_empty() || !is_plain {
        return Err("write it as https://eureka.example.org");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn networks(networks: &[Network]) -> String {
    let shown: Vec<String> = networks.iter().map(ToString::to_string).collect();
    if shown.is_empty() { "(none)".to_owned() } else { shown.join(",") }
}

/// A database URL that may be shown: its password, wherever it stands, is masked.
pub(crate) fn without_password(url: &str) -> String {
    let mut shown = url.to_owned();
    if let Some((scheme, rest)) = url.split_once("://")
        && let Some((user, host)) = rest.rsplit_once('@')
    {
        let user = user.split_once(':').map_or(user, |(name, _)| name);
        shown = format!("{scheme}://{user}:********@{host}");
    }
    let Some((before, query)) = shown.split_once('?') else { return shown };
    let masked: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if name.contains("password") => format!("{name}=********"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{before}?{}", masked.join("&"))
}

/// Reads the command line and, beneath it, the environment and the settings file.
pub(crate) fn parse<C: Parser + CommandFactory + FromArgMatches>() -> anyhow::Result<C> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let mut command = C::command();
    let first = command.clone().ignore_errors(true).get_matches_from(&arguments);
    if let Some(file) = first.get_one::<PathBuf>("config") {
        command = with_defaults(command, file)?;
    }
    let matches = command.get_matches_from(&arguments);
    C::from_arg_matches(&matches).map_err(|error| error.exit())
}

/// The command with the file's values in place of the defaults.
fn with_defaults(mut command: clap::Command, file: &Path) -> anyhow::Result<clap::Command> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let table: toml::Table = toml::from_str(&text).with_context(|| format!("{} is not valid TOML", file.display()))?;
    for (name, value) in table {
        if name == sso::TABLE {
            sso::read(file)?; // said now, not when somebody comes with a token
            continue;
        }
        let id = name.replace('-', "_");
        if id == "config" || !command.get_arguments().any(|argument| argument.get_id() == id.as_str()) {
            bail!("{}: there is no setting `{name}`", file.display());
        }
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(yes) => yes.to_string(),
            other => bail!("{}: `{name}` cannot be {}", file.display(), other.type_str()),
        };
        command = command.mut_arg(id, |argument| argument.default_value(value));
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        settings: Settings,
    }

    fn settings(file: &str, arguments: &[&str]) -> anyhow::Result<Settings> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("eureka.toml");
        std::fs::write(&path, file)?;
        let command = with_defaults(Only::command(), &path)?;
        let matches = command.try_get_matches_from(["eureka"].iter().chain(arguments))?;
        Ok(Only::from_arg_matches(&matches)?.settings)
    }

    #[test]
    fn a_flag_beats_the_file_and_the_file_beats_the_default() {
        let read = settings("listen = \"127.0.0.1:9000\"\nreaders = 3", &["--readers", "5"]).unwrap();
        assert_eq!(read.listen.port(), 9000);
        assert_eq!(read.readers, 5);
        assert_eq!(read.issuer, "eureka");
    }

    #[test]
    fn an_unknown_setting_in_the_file_is_named() {
        let error = settings("lissen = \"127.0.0.1:9000\"", &[]).unwrap_err();
        assert!(error.to_string().contains("`lissen`"), "{error}");
    }

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("data/eureka.db", "data/eureka.db"),
            ("postgres://eureka:p@ss:word@db/eureka", "postgres://eureka:********@db/eureka"),
            ("postgres://db/x?user=a&password=b", "postgres://db/x?user=a&password=********"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
