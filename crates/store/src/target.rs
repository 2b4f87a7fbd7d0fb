//! Which database a URL names. Chosen by its scheme alone: a server that is down never becomes a file of that name.

use std::path::PathBuf;

use crate::StoreError;

/// A database to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server: the connection URI for libpq.
    Postgres(String),
}

impl Target {
    /// Reads `sqlite:PATH`, `sqlite://PATH`, a bare path, `postgres://…` or `postgresql://…`.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return postgres(url).map(Self::Postgres);
        }
        let path = match url.strip_prefix("sqlite:") {
            Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
            None if url.contains("://") => {
                let scheme = url.split("://").next().unwrap_or_default();
                return Err(StoreError::Refused(format!(
                    "unknown database scheme `{scheme}`: use sqlite:PATH or postgres://…"
                )));
            }
            None => url,
        };
        if path.is_empty() || path.starts_with(":memory:") || path.starts_with("file:") {
            return Err(StoreError::Refused("a SQLite database is a file: give its path".to_owned()));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

/// Refuses a network server without TLS, and says how long to wait for one that does not answer.
fn postgres(url: &str) -> Result<String, StoreError> {
    let mut url = url.to_owned();
    let stated = |key: &str, url: &str| parameters(url).any(|(name, _)| name == key);
    let crosses_network = hosts(&url).iter().any(|host| !is_local(host));
    if crosses_network && !stated("sslmode", &url) {
        if cfg!(feature = "postgres-tls") {
            add(&mut url, "sslmode", "require");
        } else {
            return Err(no_tls());
        }
    }
    if cfg!(not(feature = "postgres-tls"))
        && crosses_network
        && parameters(&url).any(|(name, value)| name == "sslmode" && value != "disable")
    {
        return Err(no_tls());
    }
    for (key, value) in [
        ("connect_timeout", "5"),
        ("tcp_user_timeout", "15000"),
        ("keepalives_idle", "30"),
        ("application_name", "eureka"),
    ] {
        if !stated(key, &url) {
            add(&mut url, key, value);
        }
    }
    Ok(url)
}

fn no_tls() -> StoreError {
    StoreError::Refused(
        "this binary cannot encrypt the way to a PostgreSQL server on the network: build it with the feature \
         `postgres-tls`, or state `sslmode=disable` in the URL if the network is trusted"
            .to_owned(),
    )
}

/// The URI without its password, and the password: others on the machine can read a command line.
pub(crate) fn without_password(url: &str) -> (String, Option<String>) {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut address, mut password) = (address.to_owned(), None);
    if let Some((scheme, rest)) = address.split_once("://")
        && let Some((user, place)) = rest.rsplit_once('@')
        && let Some((user, secret)) = user.split_once(':')
    {
        password = Some(decoded(secret));
        address = format!("{scheme}://{user}@{place}");
    }
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.strip_prefix("password=") {
            Some(secret) => password = Some(decoded(secret)),
            None => kept.push(pair),
        }
    }
    if kept.is_empty() { (address, password) } else { (format!("{address}?{}", kept.join("&")), password) }
}

/// The URI of another database of the same server.
pub(crate) fn with_database(url: &str, name: &str) -> String {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    let place = rest.split('/').next().unwrap_or_default();
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("dbname=")).collect();
    let end = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    format!("{scheme}://{place}/{name}{end}")
}

/// Text of a URI with its `%20`s undone.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn add(url: &mut String, key: &str, value: &str) {
    url.push(if url.contains('?') { '&' } else { '?' });
    url.push_str(key);
    url.push('=');
    url.push_str(value);
}

fn parameters(url: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|pair| pair.split_once('='))
}

/// Every host the URI names: `host` and `hostaddr` parameters, else those between the user and the port. None is the
/// local socket.
fn hosts(url: &str) -> Vec<&str> {
    let named: Vec<&str> = parameters(url)
        .filter(|(name, _)| matches!(*name, "host" | "hostaddr"))
        .flat_map(|(_, value)| value.split(','))
        .collect();
    if !named.is_empty() {
        return named;
    }
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let places = authority.rsplit_once('@').map_or(authority, |(_, places)| places);
    places
        .split(',')
        .map(|place| match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => place.split(':').next().unwrap_or_default(),
        })
        .collect()
}

fn is_local(host: &str) -> bool {
    let address: Option<std::net::IpAddr> = host.parse().ok();
    host.is_empty()
        || host.starts_with('/')
        || host.starts_with("%2F")
        || host.starts_with("%2f")
        || host.starts_with('@')
        || host == "localhost"
        || address.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_or_without_its_scheme_is_a_file() {
        for url in ["sqlite:/data/e.db", "sqlite:///data/e.db", "/data/e.db"] {
            assert_eq!(Target::parse(url).unwrap(), Target::Sqlite("/data/e.db".into()), "{url}");
        }
        for wrong in ["", "sqlite:", ":memory:", "sqlite::memory:", "file:e.db", "mysql://h/d"] {
            assert!(matches!(Target::parse(wrong), Err(StoreError::Refused(_))), "{wrong}");
        }
    }

    #[test]
    fn a_local_server_needs_no_encryption() {
        for url in [
            "postgres:///eureka",
            "postgres://u:p@localhost:5432/eureka",
            "postgresql://127.0.0.1/eureka",
            "postgres://[::1]:5432/eureka",
            "postgres://u@%2Fvar%2Frun%2Fpostgresql/eureka",
            "postgres:///eureka?host=/tmp/socket",
            "postgres://far.example/eureka?sslmode=disable",
        ] {
            assert!(matches!(Target::parse(url), Ok(Target::Postgres(_))), "{url}");
        }
    }

    #[test]
    fn a_password_leaves_the_uri_and_is_read_as_it_was_meant() {
        for (url, without, password) in [
            ("postgres://u:p%40ss@h:5432/d?connect_timeout=5", "postgres://u@h:5432/d?connect_timeout=5", Some("p@ss")),
            ("postgres:///d?user=u&password=a%25b", "postgres:///d?user=u", Some("a%b")),
            ("postgres://u@h/d", "postgres://u@h/d", None),
        ] {
            assert_eq!(super::without_password(url), (without.to_owned(), password.map(str::to_owned)));
        }
    }

    #[test]
    fn another_database_is_one_of_the_same_server() {
        for (url, other) in [
            ("postgres://u:p@h:5432/d?sslmode=disable", "postgres://u:p@h:5432/x?sslmode=disable"),
            ("postgres:///d?host=/run/pg&dbname=d", "postgres:///x?host=/run/pg"),
            ("postgres://h", "postgres://h/x"),
        ] {
            assert_eq!(with_database(url, "x"), other);
        }
    }

    #[cfg(not(feature = "postgres-tls"))]
    #[test]
    fn a_server_on_the_network_is_refused_by_a_binary_without_encryption() {
        for url in [
            "postgres://db.example/eureka",
            "postgres://u:p@10.0.0.7:5432/eureka?sslmode=require",
            "postgres://localhost,db.example/eureka",
            "postgres:///eureka?host=db.example",
            "postgres://localhost/eureka?hostaddr=10.0.0.7",
        ] {
            let refused = Target::parse(url).unwrap_err().to_string();
            assert!(refused.contains("postgres-tls"), "{url}: {refused}");
        }
    }
}
