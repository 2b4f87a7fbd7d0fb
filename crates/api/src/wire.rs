//! Shapes that several resources share.

use chrono::SecondsFormat;
use eureka_domain::Instant;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// RFC 3339 in UTC with microseconds.
pub(crate) fn instant(at: Instant) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Tells a field that is `null` (remove it) from one that is absent (leave it): RFC 7396.
#[allow(clippy::option_option, reason = "the outer is presence, the inner the value")]
pub(crate) fn nullable<'de, T, D>(from: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(from).map(Some)
}

/// A field that may be left out, but not be `null`: what it names can be changed, not removed.
pub(crate) fn present<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(from).map(Some)
}

/// A person, as others see them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Person {
    /// Who.
    pub(crate) id: uuid::Uuid,
    /// The name on their tips.
    pub(crate) name: String,
}

impl From<&eureka_service::Person> for Person {
    fn from(person: &eureka_service::Person) -> Self {
        Self { id: person.id.0, name: person.name.clone() }
    }
}

/// Declares the wire twin of a domain enumeration: the same words, with a schema.
///
/// The schema is written here and not derived: the derive does not see the words through a macro's `rename`, and would
/// document the variants' Rust names.
macro_rules! wire_enum {
    ($(#[doc = $doc:literal])* $name:ident = $domain:path { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub(crate) enum $name { $(#[serde(rename = $word)] $variant),+ }

        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                match value { $(<$domain>::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for $domain {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),+ }
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let description = [$($doc),*].map(str::trim).join(" ");
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .enum_values(Some([$($word),+]))
                    .description(Some(description))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl crate::params::OneOf for $name {
            fn one() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::Ref::from_schema_name(<Self as utoipa::ToSchema>::name()).into()
            }
        }
    };
}
pub(crate) use wire_enum;
