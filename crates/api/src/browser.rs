//! What browsers are told with every reply, so that none of them makes more of it than it is. Transport security (HSTS) is
//! not among it: Eureka speaks plain HTTP, and whoever ends TLS in front of it says that.

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

/// Which other sites' pages may load a reply as a picture, a script or the like.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What the documentation's pages may do: their own scripts and styles, nothing from elsewhere. Swagger UI sets styles on
/// its elements, and writes none of its scripts into the page.
const PAGES: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
                     frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// What any other reply may do, if a browser shows it.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Adds to the headers of a reply what browsers are told. A handler that allows even less has said so itself.
pub(crate) fn protect(path: &str, headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        let policy = if path.starts_with("/docs/") { PAGES } else { NOTHING };
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
}
