//! A bucket that a test holds in its hands: as much of S3 as `object_store` asks for, on a loopback port, in memory. Whoever
//! does not sign with its key is refused; signatures are not recomputed.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A store with one bucket.
pub struct MockBucket {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Vec<u8>>,
    uploads: BTreeMap<String, BTreeMap<usize, Vec<u8>>>,
    refused: String,
    asked: Vec<String>,
    largest: usize,
}

struct Request {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// Status, further headers, body.
type Reply = (u16, String, Vec<u8>);

/// How many names one page of a list has: few, so that lists have pages.
const PAGE: usize = 10;

#[allow(clippy::expect_used, clippy::new_without_default, reason = "a test without a bucket has failed")]
impl MockBucket {
    /// The name of the bucket.
    pub const NAME: &str = "tips";
    /// The access key that is believed.
    pub const KEY: &str = "eureka-test";

    /// An empty bucket.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::default()));
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&serving);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { address, state }
    }

    /// Where the store is.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What is in the bucket.
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        lock(&self.state).objects.clone()
    }

    /// Has these in the bucket and nothing else.
    pub fn set_objects(&self, objects: BTreeMap<String, Vec<u8>>) {
        lock(&self.state).objects = objects;
    }

    /// Refuses to be sent what has this in its target from now on; with nothing, takes everything again.
    pub fn refuse(&self, part: &str) {
        part.clone_into(&mut lock(&self.state).refused);
    }

    /// The method and the target of each request.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.state).asked.clone()
    }

    /// How many bytes the largest body had that came or went.
    pub fn largest(&self) -> u64 {
        lock(&self.state).largest as u64
    }

    /// How many uploads in parts were neither finished nor given up.
    pub fn uploads(&self) -> usize {
        lock(&self.state).uploads.len()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    while let Ok(Some(request)) = read(&mut reader) {
        let (status, headers, body) = answer(&request, &mut lock(state));
        let length = body.len();
        let head = format!("HTTP/1.1 {status} .\r\nETag: \"{length}\"\r\nContent-Length: {length}\r\n{headers}\r\n");
        let body = if request.method == "HEAD" { &[] } else { &body[..] };
        if reader.get_mut().write_all(&[head.as_bytes(), body].concat()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let (mut line, mut headers) = (String::new(), BTreeMap::new());
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { method, target, headers, body }))
}

fn answer(request: &Request, state: &mut State) -> Reply {
    state.asked.push(format!("{} {}", request.method, request.target));
    state.largest = state.largest.max(request.body.len());
    let header = |name: &str| request.headers.get(name).map(String::as_str).unwrap_or_default();
    if !header("authorization").starts_with(&format!("AWS4-HMAC-SHA256 Credential={}/", MockBucket::KEY)) {
        return error(403, "InvalidAccessKeyId");
    }
    if request.method == "PUT" && !state.refused.is_empty() && request.target.contains(&state.refused) {
        return error(503, "SlowDown");
    }
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let query: BTreeMap<String, String> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), plain(value)))
        .collect();
    let path = plain(path);
    let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
    if bucket != MockBucket::NAME {
        return error(404, "NoSuchBucket");
    }
    match (request.method.as_str(), query.get("uploadId"), query.get("partNumber")) {
        ("GET", ..) if key.is_empty() => list(&query, &state.objects),
        ("GET" | "HEAD", ..) => {
            let reply = get(state.objects.get(key), header("range"));
            state.largest = state.largest.max(reply.2.len());
            reply
        }
        ("PUT", Some(upload), Some(number)) => match (state.uploads.get_mut(upload), number.parse()) {
            (Some(parts), Ok(number)) => {
                parts.insert(number, request.body.clone());
                (200, String::new(), Vec::new())
            }
            _ => error(404, "NoSuchUpload"),
        },
        ("PUT", None, _) if header("if-none-match") == "*" && state.objects.contains_key(key) => {
            error(412, "PreconditionFailed")
        }
        ("PUT", None, _) => {
            state.objects.insert(key.to_owned(), request.body.clone());
            (200, String::new(), Vec::new())
        }
        ("POST", None, _) if query.contains_key("uploads") => {
            let id = format!("upload-{}", state.asked.len());
            state.uploads.insert(id.clone(), BTreeMap::new());
            xml(&format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"))
        }
        ("POST", Some(upload), _) => match state.uploads.remove(upload) {
            Some(parts) => {
                state.objects.insert(key.to_owned(), parts.into_values().flatten().collect());
                xml("<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>")
            }
            None => error(404, "NoSuchUpload"),
        },
        ("DELETE", Some(upload), _) => {
            state.uploads.remove(upload);
            (204, String::new(), Vec::new())
        }
        ("DELETE", None, _) => {
            state.objects.remove(key);
            (204, String::new(), Vec::new())
        }
        _ => error(405, "MethodNotAllowed"),
    }
}

fn list(query: &BTreeMap<String, String>, objects: &BTreeMap<String, Vec<u8>>) -> Reply {
    let given = |name: &str| query.get(name).cloned().unwrap_or_default();
    let (prefix, after) = (given("prefix"), given("continuation-token"));
    let found: Vec<_> = objects.iter().filter(|(key, _)| key.starts_with(&prefix) && **key > after).collect();
    let more = match found.get(PAGE - 1) {
        Some((last, _)) if found.len() > PAGE => format!("<NextContinuationToken>{last}</NextContinuationToken>"),
        _ => String::new(),
    };
    let contents = found.iter().take(PAGE).map(|(key, bytes)| {
        let (size, at) = (bytes.len(), "2026-12-01T00:00:00.000Z");
        format!("<Contents><Key>{key}</Key><Size>{size}</Size><LastModified>{at}</LastModified></Contents>")
    });
    xml(&format!("<ListBucketResult>{}{more}</ListBucketResult>", contents.collect::<String>()))
}

fn get(object: Option<&Vec<u8>>, range: &str) -> Reply {
    let Some(object) = object else { return error(404, "NoSuchKey") };
    let Some((begin, end)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return (200, String::new(), object.clone());
    };
    let (begin, end) = (begin.parse().unwrap_or(usize::MAX), end.parse().unwrap_or(usize::MAX));
    let end = end.min(object.len().saturating_sub(1));
    match object.get(begin..=end) {
        Some(part) => (206, format!("Content-Range: bytes {begin}-{end}/{}\r\n", object.len()), part.to_vec()),
        None => error(416, "InvalidRange"),
    }
}

fn xml(body: &str) -> Reply {
    (200, "Content-Type: application/xml\r\n".to_owned(), body.as_bytes().to_vec())
}

fn error(status: u16, code: &str) -> Reply {
    (status, String::new(), format!("<Error><Code>{code}</Code></Error>").into_bytes())
}

/// A part of a URL without its percent signs.
fn plain(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.extend(part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()));
        bytes.extend(part.get(2..).unwrap_or_default().as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
