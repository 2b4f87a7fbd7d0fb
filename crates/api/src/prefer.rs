//! `Prefer` (RFC 7240): how long a caller would wait for something to happen.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;

/// Says that the preference was granted.
pub(crate) const APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// The longest wait that is granted.
const LONGEST: Duration = Duration::from_mins(1);

/// The wait that a request prefers. Other preferences, and what is not well formed, are passed over, as the RFC has it;
/// of several, the first counts.
pub(crate) fn wait(req: &HttpRequest) -> Option<Duration> {
    req.headers().get_all("Prefer").filter_map(|value| value.to_str().ok()).find_map(wait_of)
}

fn wait_of(value: &str) -> Option<Duration> {
    value.split(',').find_map(|preference| {
        let (name, seconds) = preference.split(';').next()?.split_once('=')?;
        let seconds: u64 = seconds.trim().trim_matches('"').parse().ok()?;
        let asked = Duration::from_secs(seconds).min(LONGEST);
        (name.trim().eq_ignore_ascii_case("wait") && !asked.is_zero()).then_some(asked)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_from_among_other_preferences_and_is_bounded() {
        for (value, seconds) in [
            ("wait=30", Some(30)),
            ("respond-async, wait=10; foo=\"x\"", Some(10)),
            ("Wait = \"5\"", Some(5)),
            ("wait=100000", Some(60)),
            ("wait=0", None),
            ("wait=-1", None),
            ("wait", None),
            ("handling=strict", None),
            ("", None),
        ] {
            assert_eq!(wait_of(value), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
