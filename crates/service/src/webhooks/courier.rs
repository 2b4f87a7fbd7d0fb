//! The one way out of the house: posts a message to a URL that a stranger chose. Only machines on the open network are
//! reached, or those in networks that the operator names; what is connected to is the very address that was looked at; no
//! proxy, no redirect, little time, little to read.

use std::io::Read;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use eureka_domain::ids::DeliveryId;
use eureka_domain::network::{self, Network};
use eureka_domain::webhook::Attempt;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Scheme;
use ureq::tls::{TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long looking a name up may take.
const LOOK_UP: Duration = Duration::from_secs(5);
/// How much of an answer is read.
const ANSWER: u64 = 8 << 10;
/// How long the head of an answer may be.
const HEAD: usize = 16 << 10;
/// The same for a name that is not there as for one that leads where it must not: nobody learns names from here.
const NOWHERE: &str = "the host does not lead to an address that webhooks may be sent to";

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Where it goes.
    pub url: String,
    /// Its name, the same on every attempt.
    pub id: DeliveryId,
    /// When this attempt is made, in seconds of the epoch.
    pub timestamp: i64,
    /// What proves that it comes from here.
    pub signature: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// How messages leave.
pub trait Post: Send + Sync {
    /// Whether messages may be sent to a URL, as far as that can be told now; if not, why.
    fn may_send(&self, url: &str) -> Result<(), String>;
    /// Sends a message.
    fn send(&self, parcel: &Parcel) -> Attempt;
}

/// Looks names up.
pub trait Names: Send + Sync {
    /// The addresses of a host.
    fn look_up(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The names that the machine knows.
struct SystemNames;

impl Names for SystemNames {
    fn look_up(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
    }
}

/// Posts over HTTPS.
pub struct Courier {
    guard: Guard,
    agent: OnceLock<Agent>,
}

impl Courier {
    /// One that reaches the open network, and these networks; loopback among them without TLS as well.
    pub fn new(allowed: Vec<Network>) -> Self {
        Self::knowing(allowed, Arc::new(SystemNames))
    }

    /// The same, with names looked up elsewhere.
    pub fn knowing(allowed: Vec<Network>, names: Arc<dyn Names>) -> Self {
        Self { guard: Guard { allowed: allowed.into(), names }, agent: OnceLock::new() }
    }

    fn agent(&self) -> &Agent {
        self.agent.get_or_init(|| {
            let tls = TlsConfig::builder()
                .provider(TlsProvider::Rustls)
                .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .build();
            let config = Agent::config_builder()
                .tls_config(tls)
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .proxy(None)
                .timeout_global(Some(PATIENCE))
                .max_idle_connections(0)
                .max_response_header_size(HEAD)
                .user_agent("eureka-webhooks")
                .build();
            Agent::with_parts(config, DefaultConnector::default(), self.guard.clone())
        })
    }
}

impl Post for Courier {
    fn may_send(&self, url: &str) -> Result<(), String> {
        let uri = parsed(url)?;
        self.guard.addresses(&uri).map(|_| ())
    }

    fn send(&self, parcel: &Parcel) -> Attempt {
        if let Err(why) = parsed(&parcel.url) {
            return Attempt::NoAnswer(why);
        }
        let sent = self
            .agent()
            .post(&parcel.url)
            .header("content-type", "application/json")
            .header("webhook-id", parcel.id.to_string())
            .header("webhook-timestamp", parcel.timestamp.to_string())
            .header("webhook-signature", &parcel.signature)
            .send(&parcel.body[..]);
        match sent {
            Ok(mut answer) => {
                // Its status is all that counts; a little is read so that most receivers see a whole exchange.
                let mut rest = answer.body_mut().as_reader().take(ANSWER);
                let _ = std::io::copy(&mut rest, &mut std::io::sink());
                Attempt::Answered(answer.status().as_u16())
            }
            Err(error) => Attempt::NoAnswer(told(&error)),
        }
    }
}

/// Why there was no answer, for the webhook's owner.
fn told(error: &Error) -> String {
    match error {
        Error::Timeout(_) => format!("no answer within {} seconds", PATIENCE.as_secs()),
        Error::HostNotFound => NOWHERE.to_owned(),
        Error::Rustls(error) => format!("no TLS: {error}"),
        Error::Io(error) => format!("no connection: {}", error.kind()),
        other => other.to_string(),
    }
}

/// A URL of the form that webhooks have.
fn parsed(url: &str) -> Result<Uri, String> {
    let wrong = |why: &str| Err(why.to_owned());
    let Ok(uri) = url.parse::<Uri>() else { return wrong("write it as https://host/path") };
    let is_http = uri.scheme() == Some(&Scheme::HTTPS) || uri.scheme() == Some(&Scheme::HTTP);
    let Some(authority) = uri.authority().filter(|_| is_http) else { return wrong("write it as https://host/path") };
    if authority.as_str().contains('@') || url.contains('#') {
        return wrong("without a user name and without a fragment");
    }
    if authority.host().is_empty() { wrong("it has no host") } else { Ok(uri) }
}

/// Decides where messages may go, and is asked for each connection.
#[derive(Clone)]
struct Guard {
    allowed: Arc<[Network]>,
    names: Arc<dyn Names>,
}

impl Guard {
    /// The addresses of a URL's host, if every one of them may be sent to.
    fn addresses(&self, uri: &Uri) -> Result<Vec<SocketAddr>, String> {
        let is_plain = uri.scheme() == Some(&Scheme::HTTP);
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let found = match literal {
            Ok(address) => vec![address],
            Err(_) => self.look_up(host).ok_or(NOWHERE)?,
        };
        if found.is_empty() || !found.iter().all(|address| self.is_open(*address)) {
            return Err(NOWHERE.to_owned());
        }
        if is_plain && !found.iter().all(|address| network::plain(*address).is_loopback()) {
            return Err("https alone".to_owned());
        }
        Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    fn is_open(&self, address: IpAddr) -> bool {
        let plain = network::plain(address);
        network::is_public(address) || self.allowed.iter().any(|network| network.contains(plain))
    }

    /// Looks a name up, on a thread that may take longer than this waits for it.
    fn look_up(&self, host: &str) -> Option<Vec<IpAddr>> {
        let (tell, told) = sync_channel(1);
        let (names, host) = (Arc::clone(&self.names), host.to_owned());
        std::thread::Builder::new()
            .name("names".to_owned())
            .spawn(move || {
                let _ = tell.send(names.look_up(&host)); // nobody may be waiting any more
            })
            .ok()?;
        told.recv_timeout(LOOK_UP).ok()?.ok()
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl Resolver for Guard {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.addresses(uri).map_err(|_| Error::HostNotFound)?;
        let mut addresses = self.empty();
        for address in found.into_iter().take(16) {
            addresses.push(address);
        }
        Ok(addresses)
    }
}
