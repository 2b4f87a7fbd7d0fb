//! An identity provider that a test holds in its hands: keys of its own, a JWKS on a loopback port, and tokens, sound ones
//! and others.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A provider of identities.
pub struct MockProvider {
    /// Its `iss`.
    pub issuer: String,
    keys: BTreeMap<String, Key>,
    shared: Arc<Shared>,
    address: SocketAddr,
    server: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    jwks: Mutex<String>,
    fetches: AtomicUsize,
    away: AtomicBool,
    stop: AtomicBool,
}

enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

#[allow(clippy::expect_used, clippy::new_without_default, reason = "a test without a provider has failed")]
impl MockProvider {
    /// A provider that has published no key yet.
    pub fn start(issuer: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let server = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stop.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(stream) = stream {
                    answer(stream, &serving);
                }
            }
        });
        let provider = Self { issuer: issuer.to_owned(), keys: BTreeMap::new(), shared, address, server: Some(server) };
        provider.publish(&[]);
        provider
    }

    /// Where its keys are.
    pub fn jwks_url(&self) -> String {
        format!("http://{}/certs", self.address)
    }

    /// How often they were fetched.
    pub fn fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::SeqCst)
    }

    /// Has it answer nothing, or answer again.
    pub fn set_away(&self, away: bool) {
        self.shared.away.store(away, Ordering::SeqCst);
    }

    /// Makes an RSA key of 2048 bits and publishes it beside the others.
    pub fn add_rsa(&mut self, kid: &str) {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
        self.add(kid, Key::Rsa(pair));
    }

    /// Makes a key on P-256 and publishes it beside the others.
    pub fn add_p256(&mut self, kid: &str) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("an elliptic key");
        self.add(kid, Key::P256(pair));
    }

    fn add(&mut self, kid: &str, key: Key) {
        self.keys.insert(kid.to_owned(), key);
        let all: Vec<String> = self.keys.keys().cloned().collect();
        self.publish(&all.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// Publishes these of its keys and no others.
    pub fn publish(&self, kids: &[&str]) {
        let keys: Vec<Value> = kids.iter().map(|kid| self.public(kid)).collect();
        *self.shared.jwks.lock().unwrap_or_else(PoisonError::into_inner) = json!({"keys": keys}).to_string();
    }

    fn public(&self, kid: &str) -> Value {
        match &self.keys[kid] {
            Key::Rsa(pair) => {
                // RSAPublicKey (RFC 8017) of 2048 bits: the modulus after nine bytes of lengths, the exponent after two more.
                let der = pair.public_key().as_ref();
                let (n, e) = (URL_SAFE_NO_PAD.encode(&der[9..265]), URL_SAFE_NO_PAD.encode(&der[267..]));
                json!({"kid": kid, "kty": "RSA", "alg": "RS256", "use": "sig", "n": n, "e": e})
            }
            Key::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]));
                json!({"kid": kid, "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "x": x, "y": y})
            }
        }
    }

    /// The public key in DER, as whoever confuses algorithms would use it for a secret.
    pub fn public_der(&self, kid: &str) -> Vec<u8> {
        match &self.keys[kid] {
            Key::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            Key::P256(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// A token with these claims, signed with a key as its kind signs.
    pub fn token(&self, kid: &str, claims: &Value) -> String {
        let alg = match self.keys[kid] {
            Key::Rsa(_) => "RS256",
            Key::P256(_) => "ES256",
        };
        self.signed(kid, &json!({"alg": alg, "kid": kid, "typ": "JWT"}), claims)
    }

    /// A token with any header, signed with a key as its kind signs.
    pub fn signed(&self, kid: &str, header: &Value, claims: &Value) -> String {
        with_signature(header, claims, |message| match &self.keys[kid] {
            Key::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect("a signature");
                signature
            }
            Key::P256(pair) => pair.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec(),
        })
    }

    /// A token that nobody signed.
    pub fn unsigned(header: &Value, claims: &Value) -> String {
        with_signature(header, claims, |_| Vec::new())
    }

    /// A token signed with a secret, HS256.
    pub fn with_secret(secret: &[u8], header: &Value, claims: &Value) -> String {
        with_signature(header, claims, |message| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
        })
    }
}

impl Drop for MockProvider {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

fn with_signature(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// One request, whatever it asks.
fn answer(mut stream: TcpStream, shared: &Shared) {
    if shared.away.load(Ordering::SeqCst) {
        return;
    }
    let (mut head, mut bytes) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut bytes) {
            Ok(count) if count > 0 => head.extend_from_slice(&bytes[..count]),
            _ => return,
        }
    }
    shared.fetches.fetch_add(1, Ordering::SeqCst);
    let body = shared.jwks.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let reply = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(reply.as_bytes());
}
