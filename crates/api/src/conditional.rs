//! Conditional requests (RFC 9110, section 13): `If-Match` on changes, `If-None-Match` on reads.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use eureka_service::IfMatch;
use serde::Serialize;

use crate::problem::{INVALID_HEADER, PRECONDITION_REQUIRED, Problem};

/// The `If-Match` that a change of state owes.
pub(crate) struct Expected(pub(crate) IfMatch);

impl FromRequest for Expected {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match tags(req, IF_MATCH) {
            Ok(None) => Err(Problem::at(
                &PRECONDITION_REQUIRED,
                "If-Match",
                "required",
                "send the ETag of what you are changing as If-Match",
            )),
            Ok(Some(tags)) if tags.iter().any(|tag| tag == "*") => Ok(Self(IfMatch::Any)),
            Ok(Some(tags)) => Ok(Self(IfMatch::Tags(tags))),
            Err(problem) => Err(problem),
        })
    }
}

/// A reply with an entity tag: 304 without a body where the client has this state already.
pub(crate) fn tagged(req: &HttpRequest, etag: String, body: &impl Serialize) -> Result<HttpResponse, Problem> {
    Ok(match known(req, &etag)? {
        Some(reply) => reply,
        None => HttpResponse::Ok().insert_header((ETAG, etag)).json(body),
    })
}

/// The same, of a text that is not JSON.
pub(crate) fn tagged_as(
    req: &HttpRequest,
    etag: String,
    content_type: &str,
    body: String,
) -> Result<HttpResponse, Problem> {
    Ok(match known(req, &etag)? {
        Some(reply) => reply,
        None => HttpResponse::Ok().insert_header((ETAG, etag)).content_type(content_type).body(body),
    })
}

/// 304, where the client has this state already.
pub(crate) fn known(req: &HttpRequest, etag: &str) -> Result<Option<HttpResponse>, Problem> {
    let known = tags(req, IF_NONE_MATCH)?.unwrap_or_default();
    // If-None-Match compares weakly: a compressing proxy may have weakened the tag.
    let is_known = known.iter().any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag);
    Ok(is_known.then(|| HttpResponse::NotModified().insert_header((ETAG, etag)).finish()))
}

/// The entity tags of a header, as they stand there.
fn tags(req: &HttpRequest, name: HeaderName) -> Result<Option<Vec<String>>, Problem> {
    let mut tags = Vec::new();
    let mut present = false;
    for value in req.headers().get_all(&name) {
        present = true;
        let listed = value.to_str().ok().and_then(listed).ok_or_else(|| invalid(&name))?;
        tags.extend(listed.into_iter().map(str::to_owned));
    }
    Ok(present.then_some(tags))
}

/// The entity tags of a list, which may have commas within them.
fn listed(text: &str) -> Option<Vec<&str>> {
    let between = [' ', '\t', ','];
    let (mut tags, mut rest) = (Vec::new(), text.trim_start_matches(between));
    while !rest.is_empty() {
        let opaque = rest.strip_prefix("W/").unwrap_or(rest);
        let length = match opaque.strip_prefix('"') {
            Some(inner) => rest.len() - inner.len() + inner.find('"')? + 1,
            None if rest.starts_with('*') => 1,
            None => return None,
        };
        let (tag, after) = rest.split_at_checked(length)?;
        tags.push(tag);
        rest = after.trim_start_matches(between);
        if !rest.is_empty() && rest.len() == after.trim_start_matches([' ', '\t']).len() {
            return None; // no comma before the next one
        }
    }
    Some(tags)
}

fn invalid(name: &HeaderName) -> Problem {
    Problem::at(&INVALID_HEADER, name.as_str(), "invalid", "entity tags are quoted strings, or `*`")
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn entity_tags_are_read_as_they_are_quoted() {
        let cases: [(&str, Option<&[&str]>); 14] = [
            (r#""a""#, Some(&[r#""a""#])),
            (r#"W/"a", "b""#, Some(&[r#"W/"a""#, r#""b""#])),
            (r#""a,b"	 ,  "c""#, Some(&[r#""a,b""#, r#""c""#])),
            (r#", "a",, "b","#, Some(&[r#""a""#, r#""b""#])),
            (r#""""#, Some(&[r#""""#])),
            ("*", Some(&["*"])),
            ("", Some(&[])),
            (r#""a" "b""#, None),
            (r#""a"b"#, None),
            (r#""a"#, None),
            ("a", None),
            (r#"w/"a""#, None),
            (r#"W/W/"a""#, None),
            ("W/*", None),
        ];
        for (text, tags) in cases {
            assert_eq!(listed(text).as_deref(), tags, "{text}");
        }
    }
}
