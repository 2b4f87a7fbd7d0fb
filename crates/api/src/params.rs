//! Query parameters: strict, each refusal naming the parameter.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;

use crate::problem::{INVALID_PARAMETER, Problem, UNKNOWN_PARAMETER};

/// The query parameters of type `T`.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(req.query_string()).map(Self))
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    // `q` is free of errors whatever it holds; it never reaches the database.
    if let Some((name, _)) = url_pairs(query).find(|(name, value)| name != "q" && value.contains('\0')) {
        return Err(Problem::at(&INVALID_PARAMETER, name, "invalid", "U+0000 is not text"));
    }
    let reader = serde_urlencoded::Deserializer::new(url_pairs(query));
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let detail = error.inner().to_string();
        let quoted = detail.split('`').nth(1).unwrap_or_default().to_owned();
        if detail.starts_with("unknown field") {
            return Problem::at(&UNKNOWN_PARAMETER, quoted, "unknown", detail);
        }
        let named = error.path().to_string();
        let name = if named == "." || named == "?" { quoted } else { named };
        Problem::at(&INVALID_PARAMETER, name, "invalid", detail)
    })
}

fn url_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        q: Option<String>,
        limit: Option<u8>,
    }

    #[test]
    fn a_refusal_names_the_parameter() {
        let sample: Sample = parse("q=a+b%26c&limit=3").unwrap();
        assert_eq!((sample.q.as_deref(), sample.limit), (Some("a b&c"), Some(3)));
        for (query, code, name) in [
            ("qq=1", "unknown_parameter", "qq"),
            ("limit=abc", "invalid_parameter", "limit"),
            ("limit=1&limit=2", "invalid_parameter", "limit"),
            ("q=%00&limit=%00", "invalid_parameter", "limit"),
        ] {
            let problem = parse::<Sample>(query).unwrap_err();
            let shown = format!("{problem:?} {problem}");
            assert!(shown.contains(code), "{query}: {shown}");
            assert!(shown.contains(&format!("pointer: \"{name}\"")), "{query}: {shown}");
        }
    }
}
