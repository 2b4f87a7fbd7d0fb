//! The public keys of a provider: fetched when the first token comes, again every hour, and for a key that is not among them
//! at most once a minute. While the provider is away the last ones that it gave go on verifying.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration as Span;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Duration;
use eureka_domain::Instant;
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::{Mutex, RwLock};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::KeySource;
use crate::ServiceError;

/// How long keys are taken for the provider's present ones.
const FRESH: Duration = Duration::hours(1);
/// How often the provider is asked at most.
const PAUSE: Duration = Duration::minutes(1);
/// The same, while it has not answered once.
const FIRST_PAUSE: Duration = Duration::seconds(5);
/// How long it may take to answer, all in all.
const PATIENCE: Span = Span::from_secs(5);
/// How many requests may wait for its answer.
const WAITING: usize = 32;
/// How much it may answer. Real ones are some kilobytes.
const LARGEST: u64 = 256 * 1024;
/// How many keys are looked at.
const KEYS: usize = 100;
/// RSA keys, in bytes of the modulus: 2048 to 8192 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// A provider's keys, as they were last seen.
pub(super) struct ProviderKeys {
    origin: Origin,
    known: RwLock<Known>,
    /// Whoever fetches holds it.
    turn: Mutex<()>,
    waiting: AtomicUsize,
    /// Raised whenever the keys are others than before.
    generation: AtomicU64,
}

enum Origin {
    File(std::path::PathBuf),
    Url(String, Agent),
}

#[derive(Default)]
struct Known {
    keys: Vec<Key>,
    /// SHA-256 of what they were read from.
    digest: Option<[u8; 32]>,
    fetched_at: Option<Instant>,
    tried_at: Option<Instant>,
}

struct Key {
    kid: String,
    kind: Kind,
    /// The one algorithm that it is for, where it says so.
    alg: Option<String>,
    verifier: DecodingKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// A key as JWKS (RFC 7517, RFC 7518, RFC 8037) has it, as far as it concerns us.
#[derive(Deserialize)]
struct Written {
    kid: String,
    kty: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl ProviderKeys {
    pub(super) fn new(source: &KeySource) -> Result<Self, ServiceError> {
        let origin = match source {
            KeySource::File(path) => Origin::File(path.clone()),
            KeySource::Url { url, roots } => Origin::Url(checked_url(url)?, agent(roots.as_deref())?),
        };
        Ok(Self {
            origin,
            known: RwLock::default(),
            turn: Mutex::default(),
            waiting: AtomicUsize::new(0),
            generation: AtomicU64::new(0),
        })
    }

    /// Changes whenever the keys do.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// The key of this name for this algorithm, if the provider has published one.
    pub(super) fn find(
        self: &Arc<Self>,
        kid: &str,
        alg: Algorithm,
        now: Instant,
    ) -> Result<Option<DecodingKey>, ServiceError> {
        if let Some(key) = self.look(kid, alg) {
            self.refresh_old(now);
            return Ok(Some(key));
        }
        let _place = Place::take(&self.waiting).ok_or_else(away)?;
        let Some(_turn) = self.turn.try_lock_for(PATIENCE + Span::from_secs(1)) else { return Err(away()) };
        if let Some(key) = self.look(kid, alg) {
            return Ok(Some(key)); // somebody else has just fetched it
        }
        if self.claim(now) {
            self.fetch(now)?;
        }
        match self.look(kid, alg) {
            None if self.known.read().keys.is_empty() => Err(away()),
            found => Ok(found),
        }
    }

    /// Fetches the keys whatever was fetched before; says how many there are.
    pub(super) fn fetch_now(&self, now: Instant) -> Result<usize, ServiceError> {
        let _turn = self.turn.lock();
        self.fetch(now)?;
        Ok(self.known.read().keys.len())
    }

    fn look(&self, kid: &str, alg: Algorithm) -> Option<DecodingKey> {
        let (kind, name) = (kind_for(alg), format!("{alg:?}"));
        let known = self.known.read();
        let fits = |key: &&Key| key.kid == kid && kind == key.kind && key.alg.as_ref().is_none_or(|alg| *alg == name);
        known.keys.iter().find(fits).map(|key| key.verifier.clone())
    }

    /// Whether the provider may be asked now; if so, it has been.
    fn claim(&self, now: Instant) -> bool {
        let mut known = self.known.write();
        let pause = if known.fetched_at.is_none() { FIRST_PAUSE } else { PAUSE };
        if known.tried_at.is_some_and(|at| (Duration::zero()..pause).contains(&(now - at))) {
            return false;
        }
        known.tried_at = Some(now);
        true
    }

    /// Has keys fetched anew that are older than an hour, by a thread of its own: nobody waits for it.
    fn refresh_old(self: &Arc<Self>, now: Instant) {
        let fresh = self.known.read().fetched_at.is_some_and(|at| now - at < FRESH);
        if fresh || !self.claim(now) {
            return;
        }
        let keys = Arc::clone(self);
        let work = move || {
            if let Some(_turn) = keys.turn.try_lock() {
                let _told = keys.fetch(now);
            }
        };
        if let Err(error) = std::thread::Builder::new().name("provider-keys".to_owned()).spawn(work) {
            tracing::warn!(%error, "an identity provider's keys could not be fetched anew");
        }
    }

    /// Asks the provider. What it answers replaces what was known, if there are keys in it.
    fn fetch(&self, now: Instant) -> Result<(), ServiceError> {
        let told = self.load().and_then(|body| Ok((read_keys(&body)?, Sha256::digest(&body).into())));
        let (keys, digest): (Vec<Key>, [u8; 32]) = told.map_err(|why| {
            tracing::warn!(origin = %self.origin.name(), %why, "an identity provider's keys could not be fetched");
            away()
        })?;
        let mut known = self.known.write();
        if known.digest != Some(digest) {
            self.generation.fetch_add(1, Ordering::SeqCst);
        }
        *known = Known { keys, digest: Some(digest), fetched_at: Some(now), tried_at: Some(now) };
        Ok(())
    }

    fn load(&self) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        match &self.origin {
            Origin::File(path) => {
                let file = std::fs::File::open(path).map_err(|why| why.to_string())?;
                file.take(LARGEST + 1).read_to_end(&mut body).map_err(|why| why.to_string())?;
            }
            Origin::Url(url, agent) => {
                let mut reply = agent.get(url).call().map_err(|why| why.to_string())?;
                if reply.status() != 200 {
                    return Err(format!("it answered {}", reply.status()));
                }
                let reader = reply.body_mut().as_reader();
                reader.take(LARGEST + 1).read_to_end(&mut body).map_err(|why| why.to_string())?;
            }
        }
        if body.len() as u64 > LARGEST { Err(format!("more than {LARGEST} bytes")) } else { Ok(body) }
    }
}

fn away() -> ServiceError {
    ServiceError::Unavailable("the identity provider's keys could not be fetched".to_owned())
}

impl Origin {
    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Url(url, _) => url.clone(),
        }
    }
}

/// A URL that nobody on the way can answer for.
fn checked_url(url: &str) -> Result<String, ServiceError> {
    let loopback = |rest: &str| {
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|name| host.strip_prefix(name).is_some_and(|port| port.is_empty() || port.starts_with(':')))
    };
    if url.starts_with("https://") || url.strip_prefix("http://").is_some_and(loopback) {
        return Ok(url.to_owned());
    }
    Err(ServiceError::Internal(format!(
        "keys are fetched over https, or http on a loopback address, and not from {url}"
    )))
}

fn agent(roots: Option<&[u8]>) -> Result<Agent, ServiceError> {
    let mut tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    if let Some(pem) = roots {
        let mut trusted: Vec<Certificate<'static>> = Vec::new();
        for item in parse_pem(pem) {
            if let PemItem::Certificate(certificate) = item.map_err(ServiceError::internal)? {
                trusted.push(certificate);
            }
        }
        if trusted.is_empty() {
            return Err(ServiceError::internal("there is no certificate in the file of those to trust"));
        }
        tls = tls.root_certs(RootCerts::Specific(Arc::new(trusted)));
    }
    Ok(Agent::config_builder()
        .tls_config(tls.build())
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .into())
}

fn kind_for(alg: Algorithm) -> Kind {
    match alg {
        Algorithm::ES256 => Kind::P256,
        Algorithm::ES384 => Kind::P384,
        Algorithm::EdDSA => Kind::Ed25519,
        _ => Kind::Rsa, // those with a shared secret are pinned nowhere
    }
}

/// The keys of a set that may verify signatures. Others in it, unknown ones and those for encryption, are passed over.
fn read_keys(body: &[u8]) -> Result<Vec<Key>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(body).map_err(|why| format!("not a JWKS: {why}"))?;
    let written = set.keys.into_iter().take(KEYS).filter_map(|key| serde_json::from_value::<Written>(key).ok());
    let keys: Vec<Key> = written.filter_map(read_key).collect();
    if keys.is_empty() { Err("no key in it is one that verifies".to_owned()) } else { Ok(keys) }
}

fn read_key(written: Written) -> Option<Key> {
    if written.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let (kind, verifier) = match (written.kty.as_str(), written.crv.as_deref()) {
        ("RSA", _) => {
            let n = written.n?;
            let modulus = URL_SAFE_NO_PAD.decode(&n).ok()?;
            let bytes = modulus.iter().skip_while(|byte| **byte == 0).count();
            if !MODULUS.contains(&bytes) {
                return None;
            }
            (Kind::Rsa, DecodingKey::from_rsa_components(&n, &written.e?).ok()?)
        }
        ("EC", Some("P-256")) => (Kind::P256, DecodingKey::from_ec_components(&written.x?, &written.y?).ok()?),
        ("EC", Some("P-384")) => (Kind::P384, DecodingKey::from_ec_components(&written.x?, &written.y?).ok()?),
        ("OKP", Some("Ed25519")) => (Kind::Ed25519, DecodingKey::from_ed_components(&written.x?).ok()?),
        _ => return None,
    };
    Some(Key { kid: written.kid, kind, alg: written.alg, verifier })
}

/// One of the places to wait, given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(taken: &'a AtomicUsize) -> Option<Self> {
        let before = taken.fetch_add(1, Ordering::SeqCst);
        let place = Self(taken);
        (before < WAITING).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    const ED: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "KID", "use": "sig",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        for fine in
            ["https://id.example.org/certs", "http://127.0.0.1:8080/certs", "http://localhost/", "http://[::1]:1/"]
        {
            assert!(checked_url(fine).is_ok(), "{fine}");
        }
        for unsafe_one in [
            "http://id.example.org/certs",
            "http://127.0.0.1.example.org/",
            "http://localhost.example.org/",
            "ftp://127.0.0.1/",
            "id.example.org",
        ] {
            assert!(checked_url(unsafe_one).is_err(), "{unsafe_one}");
        }
    }

    #[test]
    fn secrets_small_keys_and_keys_for_encryption_verify_nothing() {
        let short = URL_SAFE_NO_PAD.encode([0xff; 128]);
        for nothing in [
            r#"{"kid": "a", "kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}"#.to_owned(),
            format!(r#"{{"kid": "a", "kty": "RSA", "n": "{short}", "e": "AQAB"}}"#),
            r#"{"kid": "a", "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}"#.to_owned(),
            r#"{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#.to_owned(),
            ED.replace("\"sig\"", "\"enc\""),
        ] {
            assert!(read_keys(format!(r#"{{"keys": [{nothing}]}}"#).as_bytes()).is_err(), "{nothing}");
        }
        assert!(read_keys(b"<html>").is_err() && read_keys(b"{}").is_err());
        assert_eq!(read_keys(ED.as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn an_unknown_key_is_asked_for_once_a_minute_and_a_broken_answer_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        let keys = Arc::new(ProviderKeys::new(&KeySource::File(file.clone())).unwrap());
        let find = |kid: &str, now| keys.find(kid, Algorithm::EdDSA, now).map(|key| key.is_some());
        let write = |kid: &str| std::fs::write(&file, ED.replace("KID", kid)).unwrap();
        assert!(find("one", at(0)).is_err(), "there is no file");
        write("one");
        assert!(find("one", at(4)).is_err(), "it was looked for a moment ago");
        assert!(find("one", at(5)).unwrap());
        assert_eq!(keys.generation(), 1);
        write("two");
        assert!(!find("two", at(64)).unwrap());
        assert!(find("two", at(65)).unwrap());
        assert!(!find("one", at(66)).unwrap(), "what the provider took back is no key of its any more");
        assert!(keys.find("two", Algorithm::RS256, at(66)).unwrap().is_none(), "a key verifies its own kind only");
        assert_eq!(keys.generation(), 2);
        std::fs::write(&file, "broken").unwrap();
        assert!(find("three", at(200)).is_err());
        assert!(find("two", at(201)).unwrap());
        std::fs::write(&file, vec![b' '; usize::try_from(LARGEST).unwrap() + 1]).unwrap();
        assert!(find("three", at(300)).is_err());
        assert_eq!(keys.generation(), 2);
    }

    #[test]
    fn keys_of_more_than_an_hour_are_fetched_anew_while_they_go_on_verifying() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        std::fs::write(&file, ED.replace("KID", "one")).unwrap();
        let keys = Arc::new(ProviderKeys::new(&KeySource::File(file.clone())).unwrap());
        let find = |kid: &str, now| keys.find(kid, Algorithm::EdDSA, now).map(|key| key.is_some());
        assert!(find("one", at(0)).unwrap());
        std::fs::write(&file, ED.replace("KID", "two")).unwrap();
        assert!(find("one", at(3599)).unwrap());
        assert_eq!(keys.generation(), 1);
        assert!(find("one", at(3600)).unwrap(), "nobody waits for it");
        let patience = std::time::Instant::now();
        while keys.generation() < 2 {
            assert!(patience.elapsed() < Span::from_secs(10));
            std::thread::sleep(Span::from_millis(5));
        }
        assert!(!find("one", at(3601)).unwrap());
    }
}
