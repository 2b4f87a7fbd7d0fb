//! What must not be logged: every line that the product logs in any test is looked through for the passwords and tokens of
//! that test, those that a client sent and those that it was given. A test ends with an error where one was found.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::OnceLock;

use parking_lot::Mutex;
use serde_json::Value;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Fields of bodies that hold secrets.
const FIELDS: [&str; 8] =
    ["access_token", "refresh_token", "password", "current_password", "new_password", "key", "token", "secret"];
/// What is shorter is no secret, and stands in many lines.
const SHORTEST: usize = 12;

#[derive(Default)]
struct Watch {
    secrets: Vec<String>,
    lines: usize,
    leaks: Vec<String>,
}

static WATCH: Mutex<Watch> = Mutex::new(Watch { secrets: Vec::new(), lines: 0, leaks: Vec::new() });

/// From now on all that is logged is looked through.
pub(crate) fn watch() {
    static BEGUN: OnceLock<()> = OnceLock::new();
    BEGUN.get_or_init(|| {
        // All levels of everybody but the tests' own client, which is not the product.
        let all = Targets::new().with_default(LevelFilter::TRACE).with_target("ureq", LevelFilter::OFF);
        let layer = fmt::layer().with_ansi(false).with_writer(|| Line(Vec::new())).with_filter(all);
        // Where somebody else listens already, as in a test of the binary, there is nothing to be seen here.
        let _ = tracing_subscriber::registry().with(layer).try_init();
    });
}

/// Has it not be logged from now on.
pub fn must_not_be_logged(secret: &str) {
    let mut watch = WATCH.lock();
    if secret.len() >= SHORTEST && !watch.secrets.iter().any(|known| known == secret) {
        watch.secrets.push(secret.to_owned());
    }
}

/// The same of what stands in a body where secrets do.
pub(crate) fn learn_from(body: &[u8]) {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return };
    for name in FIELDS {
        if let Some(secret) = fields.get(name).and_then(Value::as_str) {
            must_not_be_logged(secret);
        }
    }
}

/// The lines that held a secret, each told once; and how many lines were looked through so far.
pub fn leaks() -> (Vec<String>, usize) {
    let mut watch = WATCH.lock();
    (std::mem::take(&mut watch.leaks), watch.lines)
}

/// One line of the log, looked through when it is whole.
struct Line(Vec<u8>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let line = String::from_utf8_lossy(&self.0);
        let mut watch = WATCH.lock();
        watch.lines += 1;
        if let Some(secret) = watch.secrets.iter().find(|secret| line.contains(secret.as_str())) {
            let mut told = String::new();
            let _ = write!(told, "{secret:?} in {line}");
            watch.leaks.push(told);
        }
    }
}
