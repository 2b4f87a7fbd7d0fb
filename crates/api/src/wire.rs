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
pub(crate) fn nullable<'de, T, D>(from: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(from).map(Some)
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
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident = $domain:path { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
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
    };
}
pub(crate) use wire_enum;
