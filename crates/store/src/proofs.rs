//! What the counted outcomes of tips add up to: written with each outcome, so that reading a tip counts nothing.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use eureka_domain::ids::TipId;
use eureka_domain::proof::Tally;

use crate::schema::proofs;
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// The product under which all of a tip's outcomes stand.
const ALL: &str = "";

/// What the outcomes of one tip add up to.
#[derive(Debug, Clone, PartialEq)]
pub struct TipProof {
    /// All of them.
    pub all: Tally,
    /// Those of each product.
    pub products: BTreeMap<String, Tally>,
}

/// Writes what a tip's outcomes add up to, in place of what they did before.
pub fn save(conn: &mut Conn<'_>, tip: TipId, proof: Option<&TipProof>) -> Result<(), StoreError> {
    let all = proof.iter().map(|proof| (ALL, &proof.all));
    let products = proof.iter().flat_map(|proof| &proof.products).map(|(product, tally)| (product.as_str(), tally));
    let rows =
        all.chain(products).map(|(product, tally)| Row::new(tip, product, tally)).collect::<Result<Vec<_>, _>>()?;
    let before = proofs::table.filter(proofs::tip_id.eq(DbUuid(tip.0)));
    on_each!(conn, c => diesel::delete(before).execute(*c))?;
    for rows in rows.chunks(crate::MANY) {
        on_each!(conn, c => diesel::insert_into(proofs::table).values(rows).execute(*c))?;
    }
    Ok(())
}

/// What the outcomes of these tips add up to; tips without any are left out.
pub fn of_tips(conn: &mut Conn<'_>, ids: &[TipId]) -> Result<HashMap<TipId, TipProof>, StoreError> {
    let mut found: HashMap<TipId, TipProof> = HashMap::new();
    for ids in ids.chunks(crate::MANY) {
        let ids: Vec<DbUuid> = ids.iter().map(|id| DbUuid(id.0)).collect();
        // The empty product is the first of each tip.
        let query = proofs::table.filter(proofs::tip_id.eq_any(ids)).order((proofs::tip_id, proofs::product));
        let rows: Vec<Row> = on_each!(conn, c => query.select(Row::as_select()).load(*c))?;
        for row in rows {
            let (tip, product, tally) = row.told()?;
            if product == ALL {
                found.insert(tip, TipProof { all: tally, products: BTreeMap::new() });
            } else {
                let proof = found.get_mut(&tip).ok_or_else(|| StoreError::corrupt("a proof of parts alone", tip))?;
                proof.products.insert(product, tally);
            }
        }
    }
    Ok(found)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = proofs)]
struct Row {
    tip_id: DbUuid,
    product: String,
    fixed: i32,
    partly: i32,
    not_fixed: i32,
    weight: f64,
    worth: f64,
    last_at: DbInstant,
}

impl Row {
    fn new(tip: TipId, product: &str, tally: &Tally) -> Result<Self, StoreError> {
        let count = |count: u32| i32::try_from(count).map_err(|error| StoreError::corrupt("proofs", error));
        Ok(Self {
            tip_id: DbUuid(tip.0),
            product: product.to_owned(),
            fixed: count(tally.fixed)?,
            partly: count(tally.partly)?,
            not_fixed: count(tally.not_fixed)?,
            weight: tally.weight,
            worth: tally.worth,
            last_at: DbInstant(tally.last),
        })
    }

    fn told(self) -> Result<(TipId, String, Tally), StoreError> {
        let count = |count: i32| u32::try_from(count).map_err(|error| StoreError::corrupt("proofs", error));
        let tally = Tally {
            fixed: count(self.fixed)?,
            partly: count(self.partly)?,
            not_fixed: count(self.not_fixed)?,
            weight: self.weight,
            worth: self.worth,
            last: self.last_at.0,
        };
        Ok((TipId(self.tip_id.0), self.product, tally))
    }
}
