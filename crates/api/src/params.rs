//! Query parameters: strict, each refusal naming the parameter.

mod given;

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

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
    serde_path_to_error::deserialize(given::reader(url_pairs(query))).map_err(|error| {
        let detail = error.inner().to_string();
        let quoted = detail.split('`').nth(1).unwrap_or_default().to_owned();
        if detail.starts_with("unknown field") {
            return Problem::at(&UNKNOWN_PARAMETER, quoted, "unknown", detail);
        }
        let path = error.path().to_string();
        let named = path.split('[').next().unwrap_or_default(); // which of several values is no part of the name
        let name = if named == "." || named == "?" { quoted } else { named.to_owned() };
        Problem::at(&INVALID_PARAMETER, name, "invalid", detail)
    })
}

fn url_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// Most values that a parameter may be given.
const MOST_VALUES: usize = 50;

/// A parameter that may be given several times: any of its values will do.
#[derive(Debug)]
pub(crate) struct AnyOf<T>(Vec<T>);

impl<T> Default for AnyOf<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> From<AnyOf<T>> for Vec<T> {
    fn from(AnyOf(values): AnyOf<T>) -> Self {
        values
    }
}

impl<T> IntoIterator for AnyOf<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for AnyOf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = Vec::deserialize(deserializer)?;
        if values.len() > MOST_VALUES {
            return Err(D::Error::custom(format!("at most {MOST_VALUES} values")));
        }
        Ok(Self(values))
    }
}

/// Any of these texts.
pub(crate) type Texts = AnyOf<String>;
/// Any of these ids.
pub(crate) type Ids = AnyOf<Uuid>;

/// What can be one of several values of a parameter.
pub(crate) trait OneOf {
    /// How the document has one of them.
    fn one() -> RefOr<Schema>;
}

impl OneOf for String {
    fn one() -> RefOr<Schema> {
        Self::schema()
    }
}

impl OneOf for Uuid {
    fn one() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

/// One value or a list of them: clients of the time when there was only one go on as they are.
impl<T: OneOf> PartialSchema for AnyOf<T> {
    fn schema() -> RefOr<Schema> {
        let list = ArrayBuilder::new().items(T::one()).max_items(Some(MOST_VALUES));
        OneOfBuilder::new().item(T::one()).item(list).into()
    }
}

impl<T: OneOf> ToSchema for AnyOf<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        q: Option<String>,
        limit: Option<u8>,
        really: Option<bool>,
        word: Option<Word>,
        #[serde(default)]
        tag: AnyOf<String>,
        #[serde(default)]
        size: AnyOf<u8>,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        First,
        Second,
    }

    #[test]
    fn a_refusal_names_the_parameter() {
        let sample: Sample = parse("q=a+b%26c&limit=3").unwrap();
        assert_eq!((sample.q.as_deref(), sample.limit), (Some("a b&c"), Some(3)));
        let sample: Sample = parse("q=&really=true&word=second").unwrap();
        assert_eq!((sample.q.as_deref(), sample.really, sample.word), (Some(""), Some(true), Some(Word::Second)));
        assert!(parse::<Sample>("word=first").is_ok_and(|sample| sample.word == Some(Word::First)));
        for (query, code, name) in [
            ("qq=1", "unknown_parameter", "qq"),
            ("limit=abc", "invalid_parameter", "limit"),
            ("limit=1&limit=2", "invalid_parameter", "limit"),
            ("limit=", "invalid_parameter", "limit"),
            ("word=", "invalid_parameter", "word"),
            ("word=third", "invalid_parameter", "word"),
            ("really=", "invalid_parameter", "really"),
            ("really=on", "invalid_parameter", "really"),
            ("size=", "invalid_parameter", "size"),
            ("size=1&size=x", "invalid_parameter", "size"),
            (&"tag=a&".repeat(MOST_VALUES + 1), "invalid_parameter", "tag"),
            ("q=%00&limit=%00", "invalid_parameter", "limit"),
        ] {
            let problem = parse::<Sample>(query).unwrap_err();
            let shown = format!("{problem:?} {problem}");
            assert!(shown.contains(code), "{query}: {shown}");
            assert!(shown.contains(&format!("pointer: \"{name}\"")), "{query}: {shown}");
        }
    }

    #[test]
    fn of_what_may_be_given_several_times_each_value_counts() {
        let tags = |query: &str| Vec::from(parse::<Sample>(query).unwrap().tag);
        assert_eq!(tags("q=x"), Vec::<String>::new());
        assert_eq!(tags("tag=a"), ["a"]);
        assert_eq!(tags("tag=a%2Cb&q=x&tag=c&tag="), ["a,b", "c", ""]);
        assert_eq!(tags(&"tag=a&".repeat(MOST_VALUES)).len(), MOST_VALUES);
        assert_eq!(Vec::from(parse::<Sample>("size=2&size=3").unwrap().size), [2, 3]);
        let again = parse::<Sample>("limit=1&limit=2").unwrap_err();
        assert!(format!("{again:?}").contains("more than once"), "{again:?}");
    }
}
