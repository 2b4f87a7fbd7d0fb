//! Tests that are left out for want of something on this machine say so.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Says aloud that a test is left out, why, and how many were in this process so far. In CI (`CI=true`) that is a failure.
pub fn skip(why: &str) {
    skip_in_ci_too(why);
    assert!(!is_ci(), "CI leaves nothing out: {why}");
}

/// The same, of what not every machine of CI may do, whatever is installed on it.
pub fn skip_in_ci_too(why: &str) {
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let skipped = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    say_aloud(&format!("SKIPPED ({skipped} so far in this process): {test}: {why}"));
}

/// Whether nothing may be left out.
pub(crate) fn is_ci() -> bool {
    #[allow(clippy::disallowed_methods, reason = "a setting of the test run, not of the product")]
    let ci = std::env::var("CI");
    ci.is_ok_and(|ci| ci == "true")
}

/// Tells the person at the terminal: a test runner keeps to itself what a test that passes has printed.
pub(crate) fn say_aloud(line: &str) {
    let told = File::options().write(true).open("/dev/tty").and_then(|mut terminal| writeln!(terminal, "{line}"));
    if told.is_err() {
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}
