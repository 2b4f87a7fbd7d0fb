//! What a query string gives: to each name its values, of which most parameters take one and some several.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// The values of one name, in their order; never none.
pub(super) struct Given<'de>(Vec<Cow<'de, str>>);

/// Reads what was given into a struct with a field for each name.
pub(super) fn reader<'de>(
    pairs: form_urlencoded::Parse<'de>,
) -> MapDeserializer<'de, impl Iterator<Item = (Cow<'de, str>, Given<'de>)>, Error> {
    let mut given: BTreeMap<Cow<'de, str>, Given<'de>> = BTreeMap::new();
    for (name, value) in pairs {
        given.entry(name).or_insert_with(|| Given(Vec::new())).0.push(value);
    }
    MapDeserializer::new(given.into_iter())
}

impl<'de> Given<'de> {
    /// The only value.
    fn one(self) -> Result<Cow<'de, str>, Error> {
        let mut values = self.0.into_iter();
        match (values.next(), values.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(Error::custom("it is given more than once")),
        }
    }
}

impl<'de> IntoDeserializer<'de> for Given<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// What is written is read as what is wanted; an empty text is no number.
macro_rules! parsed {
    ($($read:ident => $visit:ident),+ $(,)?) => {
        $(fn $read<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.one()?.parse().map_err(Error::custom)?)
        })+
    };
}

impl<'de> Deserializer<'de> for Given<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.one()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(self.0.into_iter().map(|value| Self(vec![value]))))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.one()?.into_deserializer().deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    parsed! {
        deserialize_bool => visit_bool,
        deserialize_i8 => visit_i8,
        deserialize_i16 => visit_i16,
        deserialize_i32 => visit_i32,
        deserialize_i64 => visit_i64,
        deserialize_u8 => visit_u8,
        deserialize_u16 => visit_u16,
        deserialize_u32 => visit_u32,
        deserialize_u64 => visit_u64,
        deserialize_f32 => visit_f32,
        deserialize_f64 => visit_f64,
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}
