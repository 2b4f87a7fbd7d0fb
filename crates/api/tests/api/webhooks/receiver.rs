//! A receiver of webhooks on this machine, which checks what it is sent with code of its own.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What was sent.
#[derive(Clone)]
pub(super) struct Got {
    pub(super) id: String,
    pub(super) timestamp: i64,
    pub(super) signatures: Vec<String>,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn at(&self, pointer: &str) -> Value {
        serde_json::from_slice::<Value>(&self.body).unwrap().pointer(pointer).cloned().unwrap_or_default()
    }

    /// Whether one of its signatures is that of the secret.
    pub(super) fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut signed = format!("{}.{}.", self.id, self.timestamp).into_bytes();
        signed.extend(&self.body);
        let expected = format!("v1,{}", STANDARD.encode(hmac(&key, &signed)));
        self.signatures.contains(&expected)
    }
}

/// HMAC-SHA256 (RFC 2104).
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key); // none of the keys here is longer
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().to_vec()
}

#[derive(Default)]
struct Inbox {
    got: Vec<Got>,
    /// What is answered to the next messages; 204 after that.
    answers: VecDeque<&'static str>,
}

/// A receiver; its thread ends with the process.
pub(super) struct Receiver {
    address: SocketAddr,
    inbox: Arc<Mutex<Inbox>>,
}

impl Receiver {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, inbox) = (listener.local_addr().unwrap(), Arc::<Mutex<Inbox>>::default());
        let shared = Arc::clone(&inbox);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let mut head = Vec::new();
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
                        break;
                    }
                    head.push(line.trim().to_owned());
                }
                let header = |name: &str| {
                    let line = head.iter().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
                    line.map(|line| line.split_once(':').unwrap().1.trim().to_owned()).unwrap_or_default()
                };
                let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
                if reader.read_exact(&mut body).is_err() {
                    continue;
                }
                let mut inbox = shared.lock().unwrap();
                inbox.got.push(Got {
                    id: header("webhook-id"),
                    timestamp: header("webhook-timestamp").parse().unwrap_or_default(),
                    signatures: header("webhook-signature").split(' ').map(str::to_owned).collect(),
                    body,
                });
                let answer = inbox.answers.pop_front().unwrap_or("204 No Content");
                drop(inbox);
                let reply = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = reader.get_mut().write_all(reply.as_bytes());
            }
        });
        Self { address, inbox }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook?token=x", self.address)
    }

    /// What it answers to the next messages.
    pub(super) fn answer(&self, answers: &[&'static str]) {
        self.inbox.lock().unwrap().answers.extend(answers);
    }

    /// What has come since it was last asked.
    pub(super) fn take(&self) -> Vec<Got> {
        std::mem::take(&mut self.inbox.lock().unwrap().got)
    }

    /// The same, as `type gone`.
    pub(super) fn kinds(&self) -> Vec<String> {
        let kind = |got: Got| {
            let gone = got.at("/data/gone").as_str().map(|gone| format!(" {gone}")).unwrap_or_default();
            format!("{}{gone}", got.at("/type").as_str().unwrap())
        };
        self.take().into_iter().map(kind).collect()
    }
}
