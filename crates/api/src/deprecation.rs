//! What is to go. One row marks an operation in the document and each of its replies: `Deprecation` (RFC 9745) since when,
//! `Sunset` (RFC 8594) until when, and a `Link` to what to do instead. Nothing of `/v1` is yet.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use chrono::DateTime;

/// An operation that is to go.
pub(crate) struct Deprecation {
    /// In capitals.
    method: &'static str,
    /// As in the document.
    path: &'static str,
    /// Since when nobody should begin to use it, in seconds of Unix time.
    since: i64,
    /// When it may stop answering, in seconds of Unix time: half a year later at the earliest.
    until: i64,
    /// The page that says what to do instead.
    instead: &'static str,
}

/// All of them.
static DEPRECATED: &[Deprecation] = &[];

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// What is said of an operation that is to go.
pub(crate) fn deprecation(method: &str, path: &str) -> Option<&'static Deprecation> {
    find(DEPRECATED, method, path)
}

fn find<'a>(rows: &'a [Deprecation], method: &str, path: &str) -> Option<&'a Deprecation> {
    rows.iter().find(|row| row.method == method && row.path == path)
}

impl Deprecation {
    /// The headers that its replies have, and what each says.
    pub(crate) const HEADERS: [(&'static str, &'static str); 2] = [
        ("Deprecation", "Since when nobody should begin to use this (RFC 9745)"),
        ("Sunset", "When this may stop answering (RFC 8594)"),
    ];

    /// Marks a reply.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        let until = DateTime::from_timestamp(self.until, 0).unwrap_or_default();
        let said = [
            (DEPRECATION, format!("@{}", self.since)),
            (SUNSET, until.format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
            (LINK, format!("<{}>; rel=\"deprecation\"", self.instead)),
        ];
        for (name, value) in said {
            if let Ok(value) = HeaderValue::from_str(&value) {
                // A list has a `Link` of its own.
                headers.append(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::dev::Service as _;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};

    use super::*;

    const HALF_A_YEAR: i64 = 180 * 24 * 60 * 60;

    static ROWS: &[Deprecation] = &[Deprecation {
        method: "GET",
        path: "/v1/old/{id}",
        since: 1_798_761_600,
        until: 1_814_400_000,
        instead: "/docs/",
    }];

    #[actix_web::test]
    async fn replies_of_what_is_to_go_say_since_when_until_when_and_what_instead() {
        async fn list() -> HttpResponse {
            HttpResponse::Ok().insert_header((LINK, "</v1/old?cursor=a>; rel=\"next\"")).finish()
        }
        let app = App::new()
            .route("/v1/old/{id}", web::get().to(list))
            .route("/v1/old/{id}", web::put().to(list))
            .route("/v1/new/{id}", web::get().to(list))
            .wrap_fn(|req, inner| {
                let method = req.method().to_string();
                let reply = inner.call(req);
                async move {
                    let mut reply = reply.await?;
                    let route = reply.request().match_pattern().unwrap_or_default();
                    if let Some(row) = find(ROWS, &method, &route) {
                        row.mark(reply.headers_mut());
                    }
                    Ok(reply)
                }
            });
        let app = init_service(app).await;
        let reply = call_service(&app, TestRequest::get().uri("/v1/old/7").to_request()).await;
        assert_eq!(reply.headers().get("Deprecation").unwrap(), "@1798761600");
        assert_eq!(reply.headers().get("Sunset").unwrap(), "Thu, 01 Jul 2027 00:00:00 GMT");
        let links: Vec<_> = reply.headers().get_all(LINK).map(|value| value.to_str().unwrap()).collect();
        assert_eq!(links, ["</v1/old?cursor=a>; rel=\"next\"", "</docs/>; rel=\"deprecation\""]);
        for request in [TestRequest::put().uri("/v1/old/7"), TestRequest::get().uri("/v1/new/7")] {
            let reply = call_service(&app, request.to_request()).await;
            assert!(!reply.headers().contains_key("Deprecation"));
        }
    }

    #[test]
    fn whoever_uses_what_is_to_go_has_half_a_year() {
        for row in DEPRECATED.iter().chain(ROWS) {
            assert!(row.until - row.since >= HALF_A_YEAR, "{} {}", row.method, row.path);
        }
    }
}
