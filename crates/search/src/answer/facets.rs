//! Counts by facet over the tips a search matched. Counts come from tips that the caller sees, never from dictionaries.

use std::collections::{BTreeMap, HashMap};

use eureka_domain::tip::{Confidence, Safety};
use tantivy::DocId;
use tantivy::columnar::{Column, StrColumn};

use super::response::FacetValue;
use crate::error::SearchError;
use crate::query::filter::Passes;
use crate::query::request::{Age, FacetField};
use crate::query::scope::View;
use crate::schema::column;

/// Most values told of one facet.
const MOST_VALUES: usize = 50;

/// Counts while tips are walked through.
pub(crate) struct Counter {
    now_micros: i64,
    facets: Vec<(FacetField, HashMap<String, u64>)>,
    current: Vec<Current>,
}

enum Current {
    Labels { column: StrColumn, counts: Vec<u32> },
    Words { column: Column<u64>, counts: Vec<u32> },
    Age { column: Column<i64>, counts: [u32; Age::ALL.len()] },
    Absent,
}

impl Counter {
    pub(crate) fn new(facets: &[FacetField], now_micros: i64) -> Self {
        let mut unique: Vec<FacetField> = facets.to_vec();
        unique.sort_unstable();
        unique.dedup();
        Self {
            now_micros,
            facets: unique.into_iter().map(|facet| (facet, HashMap::new())).collect(),
            current: Vec::new(),
        }
    }

    /// Starts on a segment.
    pub(crate) fn enter(&mut self, view: &View<'_>) -> Result<(), SearchError> {
        self.current.clear();
        for (facet, _) in &self.facets {
            let columns = view.reader.fast_fields();
            let current = match facet {
                FacetField::Confidence => {
                    Current::Words { column: columns.u64(column::CONFIDENCE)?, counts: vec![0; Confidence::ALL.len()] }
                }
                FacetField::Safety => {
                    Current::Words { column: columns.u64(column::SAFETY)?, counts: vec![0; Safety::ALL.len()] }
                }
                FacetField::Age => Current::Age { column: columns.i64(column::UPDATED)?, counts: [0; Age::ALL.len()] },
                labels => match view.labels(column_of(*labels))? {
                    Some(column) => {
                        let counts = vec![0; column.dictionary().num_terms()];
                        Current::Labels { column, counts }
                    }
                    None => Current::Absent,
                },
            };
            self.current.push(current);
        }
        Ok(())
    }

    /// Counts one tip.
    pub(crate) fn count(&mut self, doc: DocId, passes: Passes) {
        if passes == Passes::No {
            return;
        }
        for ((facet, _), current) in self.facets.iter().zip(&mut self.current) {
            if matches!(passes, Passes::AllBut(other) if other != *facet) {
                continue;
            }
            match current {
                Current::Labels { column, counts } => {
                    for ord in column.term_ords(doc) {
                        bump(counts, ord);
                    }
                }
                Current::Words { column, counts } => {
                    if let Some(place) = column.first(doc) {
                        bump(counts, place);
                    }
                }
                Current::Age { column, counts } => {
                    if let Some(updated) = column.first(doc) {
                        bump(counts, Age::of(self.now_micros.saturating_sub(updated)) as u64);
                    }
                }
                Current::Absent => {}
            }
        }
    }

    /// Ends a segment: turns its ordinals into values.
    pub(crate) fn leave(&mut self) -> Result<(), SearchError> {
        for ((facet, totals), current) in self.facets.iter_mut().zip(self.current.drain(..)) {
            let mut add = |value: &str, count: u32| {
                if count > 0 {
                    *totals.entry(value.to_owned()).or_insert(0) += u64::from(count);
                }
            };
            match current {
                Current::Labels { column, counts } => {
                    let mut value = String::new();
                    for (ord, count) in (0u64..).zip(counts) {
                        if count > 0 {
                            value.clear();
                            column.ord_to_str(ord, &mut value)?;
                            add(&value, count);
                        }
                    }
                }
                Current::Words { counts, .. } => {
                    for (place, count) in counts.into_iter().enumerate() {
                        let word = if *facet == FacetField::Safety {
                            Safety::ALL.get(place).map(|each| each.word())
                        } else {
                            Confidence::ALL.get(place).map(|each| each.word())
                        };
                        add(word.unwrap_or_default(), count);
                    }
                }
                Current::Age { counts, .. } => {
                    for (age, count) in Age::ALL.iter().zip(counts) {
                        add(age.word(), count);
                    }
                }
                Current::Absent => {}
            }
        }
        Ok(())
    }

    /// The counts, most frequent value first.
    pub(crate) fn finish(self) -> BTreeMap<FacetField, Vec<FacetValue>> {
        self.facets
            .into_iter()
            .map(|(facet, totals)| {
                let mut values =
                    totals.into_iter().map(|(value, count)| facet_value(facet, value, count)).collect::<Vec<_>>();
                values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
                values.truncate(MOST_VALUES);
                (facet, values)
            })
            .collect()
    }
}

/// Columns of communities and authors hold `id/name`.
fn facet_value(facet: FacetField, value: String, count: u64) -> FacetValue {
    match (facet, value.split_once('/')) {
        (FacetField::Community, Some((_, slug))) => FacetValue { value: slug.to_owned(), label: None, count },
        (FacetField::Author, Some((id, name))) => {
            let id = uuid::Uuid::try_parse(id).map_or_else(|_| id.to_owned(), |id| id.to_string());
            FacetValue { value: id, label: Some(name.to_owned()), count }
        }
        _ => FacetValue { value, label: None, count },
    }
}

fn column_of(facet: FacetField) -> &'static str {
    match facet {
        FacetField::Community => column::COMMUNITY,
        FacetField::Product => column::PRODUCT,
        FacetField::FaultCode => column::FAULT_CODE,
        FacetField::Tag => column::TAG,
        FacetField::Lang => column::LANG,
        FacetField::Author => column::AUTHOR,
        FacetField::Confidence => column::CONFIDENCE,
        FacetField::Safety => column::SAFETY,
        FacetField::Age => column::UPDATED,
    }
}

fn bump(counts: &mut [u32], place: u64) {
    if let Some(count) = usize::try_from(place).ok().and_then(|place| counts.get_mut(place)) {
        *count += 1;
    }
}
