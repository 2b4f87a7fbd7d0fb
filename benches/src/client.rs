//! A client that costs little: one kept connection, requests written by hand, only what a measurement needs read back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One connection to a server.
pub struct Client {
    reader: BufReader<TcpStream>,
    token: Option<String>,
    body: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody listens.
    pub fn connect(address: SocketAddr, token: Option<String>) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { reader: BufReader::with_capacity(16 * 1024, stream), token, body: Vec::new() })
    }

    /// Asks for a path; the status, and the body until the next request.
    ///
    /// # Errors
    ///
    /// When the connection ends or the reply is none that a server of ours gives.
    pub fn get(&mut self, path: &str) -> std::io::Result<(u16, &[u8])> {
        self.send("GET", path, None)
    }

    /// Sends JSON to a path.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub fn post(&mut self, path: &str, json: &str) -> std::io::Result<(u16, &[u8])> {
        self.send("POST", path, Some(json))
    }

    /// Sends JSON to a path to be what is there.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub fn put(&mut self, path: &str, json: &str) -> std::io::Result<(u16, &[u8])> {
        self.send("PUT", path, Some(json))
    }

    fn send(&mut self, method: &str, path: &str, json: Option<&str>) -> std::io::Result<(u16, &[u8])> {
        self.reader.get_mut().write_all(&request(method, path, self.token.as_deref(), json))?;
        let status = self.read_reply()?;
        Ok((status, &self.body))
    }

    fn read_reply(&mut self) -> std::io::Result<u16> {
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(odd)?;
        let mut length = None;
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
        self.body.resize(length.ok_or_else(odd)?, 0);
        self.reader.read_exact(&mut self.body)?;
        Ok(status)
    }
}

/// A request for a path.
pub(crate) fn get(path: &str, token: Option<&str>) -> Vec<u8> {
    request("GET", path, token, None)
}

fn request(method: &str, path: &str, token: Option<&str>, json: Option<&str>) -> Vec<u8> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: bench\r\n");
    if let Some(token) = token {
        request.push_str("Authorization: Bearer ");
        request.push_str(token);
        request.push_str("\r\n");
    }
    if let Some(json) = json {
        request.push_str("Content-Type: application/json\r\nContent-Length: ");
        request.push_str(&json.len().to_string());
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    request.push_str(json.unwrap_or_default());
    request.into_bytes()
}

pub(crate) fn odd() -> std::io::Error {
    std::io::Error::other("an odd reply")
}

/// A text as part of a query string.
pub fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
