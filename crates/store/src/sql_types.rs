//! The SQL types that the two databases spell differently, and the values that travel as them: ids (`uuid`, or text) and
//! instants (`timestamptz`, or text of fixed width, so that text order is time order).

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types as d;
use diesel::sqlite::Sqlite;
use diesel::{AsExpression, FromSqlRow};

/// An id's column.
#[derive(diesel::query_builder::QueryId, d::SqlType)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Text"))]
pub struct Uuid;

/// An instant's column.
#[derive(diesel::query_builder::QueryId, d::SqlType)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185), sqlite_type(name = "Text"))]
pub struct Instant;

/// Both databases keep instants so that the earlier is the less.
impl d::SqlOrd for Instant {}

/// An id as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Uuid)]
pub struct DbUuid(pub uuid::Uuid);

/// An instant as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Instant)]
pub struct DbInstant(pub eureka_domain::Instant);

impl ToSql<Uuid, Pg> for DbUuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<d::Uuid, Pg>::to_sql(&self.0, out)
    }
}

impl FromSql<Uuid, Pg> for DbUuid {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<d::Uuid, Pg>::from_sql(value).map(Self)
    }
}

impl ToSql<Uuid, Sqlite> for DbUuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.to_string());
        Ok(IsNull::No)
    }
}

impl FromSql<Uuid, Sqlite> for DbUuid {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<d::Text, Sqlite>>::from_sql(value)?;
        let id: uuid::Uuid = text.parse()?;
        refuse_other_spelling(&text, &id.to_string())?;
        Ok(Self(id))
    }
}

impl ToSql<Instant, Pg> for DbInstant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<d::Timestamptz, Pg>::to_sql(&self.0, out)
    }
}

impl FromSql<Instant, Pg> for DbInstant {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<d::Timestamptz, Pg>::from_sql(value).map(Self)
    }
}

impl ToSql<Instant, Sqlite> for DbInstant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(spelled(&self.0));
        Ok(IsNull::No)
    }
}

impl FromSql<Instant, Sqlite> for DbInstant {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<d::Text, Sqlite>>::from_sql(value)?;
        let instant: eureka_domain::Instant = text.parse()?;
        refuse_other_spelling(&text, &spelled(&instant))?;
        Ok(Self(instant))
    }
}

fn spelled(instant: &eureka_domain::Instant) -> String {
    instant.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// A value that is spelled in another way would be found by no query, and sorted wrongly: it is not from this program.
fn refuse_other_spelling(text: &str, ours: &str) -> deserialize::Result<()> {
    if text == ours { Ok(()) } else { Err(format!("`{text}` should be spelled `{ours}`").into()) }
}
