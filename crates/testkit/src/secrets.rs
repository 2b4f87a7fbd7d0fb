//! What must not be logged: every line that the product logs in any test is looked through for the passwords and tokens of
//! that test, those that a client sent and those that it was given. A test ends with an error where one was found.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{LazyLock, OnceLock};

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

/// How many last bytes are told apart by three of seven bits.
const ENDINGS: usize = 1 << 21;

/// Texts that are looked for together. There are thousands, and as many lines for each: what a line costs must not grow
/// with them. Tokens begin alike, so that they are known by their ends.
struct Secrets {
    by_end: HashMap<[u8; SHORTEST], Vec<String>>,
    /// Whether one ends with three bytes: most places in a line are passed over by it.
    endings: Vec<bool>,
}

impl Secrets {
    fn add(&mut self, secret: &str) {
        let Some((_, end)) = secret.as_bytes().split_last_chunk::<SHORTEST>() else { return };
        let known = self.by_end.entry(*end).or_default();
        if !known.iter().any(|known| known == secret) {
            known.push(secret.to_owned());
            self.endings[ending(end)] = true;
        }
    }

    fn find_in(&self, line: &[u8]) -> Option<&str> {
        let ends = line.array_windows::<SHORTEST>().enumerate().filter(|(_, end)| self.endings[ending(end)]);
        let ending_here = ends.filter_map(|(at, end)| Some((at + SHORTEST, self.by_end.get(end)?)));
        let mut all = ending_here.flat_map(|(to, secrets)| secrets.iter().map(move |secret| (to, secret)));
        all.find(|(to, secret)| line[..*to].ends_with(secret.as_bytes())).map(|(_, secret)| secret.as_str())
    }
}

/// The last three bytes, as far as they are told apart.
fn ending(end: &[u8; SHORTEST]) -> usize {
    let [.., a, b, c] = end.map(|byte| usize::from(byte) % 128);
    a << 14 | b << 7 | c
}

struct Watch {
    secrets: Secrets,
    lines: usize,
    leaks: Vec<String>,
}

static WATCH: LazyLock<Mutex<Watch>> = LazyLock::new(|| {
    let secrets = Secrets { by_end: HashMap::new(), endings: vec![false; ENDINGS] };
    Mutex::new(Watch { secrets, lines: 0, leaks: Vec::new() })
});

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
    WATCH.lock().secrets.add(secret);
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
        let mut watch = WATCH.lock();
        watch.lines += 1;
        if let Some(secret) = watch.secrets.find_in(&self.0) {
            let told = format!("{secret:?} in {}", String::from_utf8_lossy(&self.0));
            watch.leaks.push(told);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_stands_and_nothing_else_is() {
        let mut secrets = Secrets { by_end: HashMap::new(), endings: vec![false; ENDINGS] };
        let known =
            ["oxidised fuse holders", "eyJhbGciOi.of-one.signature", "eyJhbGciOi.of-another.signature", "übergrößen12"];
        known.iter().chain(&["too short"]).for_each(|secret| secrets.add(secret));
        for secret in known {
            for line in [secret.to_owned(), format!("it is {secret}, he said"), format!("{secret}{secret}")] {
                assert_eq!(secrets.find_in(line.as_bytes()), Some(secret), "{line}");
            }
        }
        for line in ["", "too short", "of-one.signature", "oxidised fuse holder", "a line like any other one"] {
            assert_eq!(secrets.find_in(line.as_bytes()), None, "{line}");
        }
    }
}
