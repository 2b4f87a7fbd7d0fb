//! Conditions on results, evaluated while tips are walked through.

use eureka_domain::ids::UserId;
use tantivy::DocId;
use tantivy::columnar::Column;

use super::docs::Membership;
use super::request::{Age, FacetField, Filters};
use super::scope::{In, Scope, View};
use super::slot::Source;
use super::syntax::FieldName;
use crate::analysis::identifier;
use crate::error::SearchError;
use crate::index::record::{label, plain, term};

/// A demand: one of its sources, or an age.
#[derive(Debug, Clone)]
pub(crate) struct Demand {
    /// The facet that is counted as if this demand were not made.
    pub(crate) facet: Option<FacetField>,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    AnyOf(Vec<Source>),
    /// Any of these, at this moment.
    Aged {
        ages: Vec<Age>,
        now_micros: i64,
    },
}

fn labels(mark: char, values: impl IntoIterator<Item = String>) -> Vec<Source> {
    values.into_iter().map(|value| Source::Term(In::Label, term(mark, &value))).collect()
}

/// The demands of a request's filters.
pub(crate) fn demands(filters: &Filters, now_micros: i64) -> Vec<Demand> {
    let mut out = Vec::new();
    let mut push = |facet: Option<FacetField>, sources: Vec<Source>| {
        if !sources.is_empty() {
            out.push(Demand { facet, what: What::AnyOf(sources) });
        }
    };
    push(
        Some(FacetField::Community),
        labels(label::COMMUNITY, filters.communities.iter().map(|id| id.0.simple().to_string())),
    );
    push(Some(FacetField::Product), labels(label::PRODUCT, filters.products.iter().map(|each| plain(each))));
    push(
        Some(FacetField::FaultCode),
        labels(label::FAULT_CODE, filters.fault_codes.iter().map(|each| identifier::dotted(each))),
    );
    push(None, labels(label::PART, filters.parts.iter().map(|each| identifier::dotted(each))));
    push(Some(FacetField::Tag), labels(label::TAG, filters.tags.iter().map(|each| plain(each))));
    push(Some(FacetField::Lang), labels(label::LANG, filters.langs.iter().map(|each| each.to_lowercase())));
    push(Some(FacetField::Author), labels(label::AUTHOR, filters.authors.iter().map(author)));
    push(
        Some(FacetField::Confidence),
        labels(label::CONFIDENCE, filters.confidence.iter().map(|each| each.word().to_owned())),
    );
    push(Some(FacetField::Safety), labels(label::SAFETY, filters.safety.iter().map(|each| each.word().to_owned())));
    if !filters.ages.is_empty() {
        let what = What::Aged { ages: filters.ages.clone(), now_micros };
        out.push(Demand { facet: Some(FacetField::Age), what });
    }
    out
}

/// The demand that a tip is among a source's.
pub(crate) fn must(source: Source) -> Demand {
    Demand { facet: None, what: What::AnyOf(vec![source]) }
}

fn author(id: &UserId) -> String {
    id.0.simple().to_string()
}

/// The demands of one `field:value` that was typed. Products and authors may be named by some of their words.
pub(crate) fn typed(name: FieldName, value: &str) -> Vec<Demand> {
    let one = |facet, sources| vec![Demand { facet, what: What::AnyOf(sources) }];
    match name {
        FieldName::Code => one(Some(FacetField::FaultCode), labels(label::FAULT_CODE, [identifier::dotted(value)])),
        FieldName::Part => one(None, labels(label::PART, [identifier::dotted(value)])),
        FieldName::Tag => one(Some(FacetField::Tag), labels(label::TAG, [plain(value)])),
        FieldName::Lang => one(Some(FacetField::Lang), labels(label::LANG, [value.to_lowercase()])),
        FieldName::Product => words(FacetField::Product, label::PRODUCT_WORD, value),
        FieldName::Author => words(FacetField::Author, label::AUTHOR_WORD, value),
    }
}

fn words(facet: FacetField, mark: char, value: &str) -> Vec<Demand> {
    plain(value)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| Demand { facet: Some(facet), what: What::AnyOf(labels(mark, [word.to_owned()])) })
        .collect()
}

/// Demands and exclusions, ready for one segment.
pub(crate) struct Gate<'v, 's> {
    view: &'v View<'s>,
    demands: Vec<(Option<FacetField>, Check)>,
    excluded: Membership,
}

enum Check {
    Labels(Membership),
    Aged { column: Column<i64>, ages: Vec<Age>, now_micros: i64 },
}

/// How a tip fares at the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passes {
    /// Every demand is met.
    All,
    /// Only demands on this facet are not met: the tip counts for that facet alone.
    AllBut(FacetField),
    /// No result, and counted nowhere.
    No,
}

impl<'v, 's> Gate<'v, 's> {
    pub(crate) fn new(
        scope: &Scope<'_>,
        view: &'v View<'s>,
        demands: &[Demand],
        excluded: &[Source],
    ) -> Result<Self, SearchError> {
        let mut checks = Vec::with_capacity(demands.len());
        for demand in demands {
            let check = match &demand.what {
                What::AnyOf(sources) => Check::Labels(Membership::new(scope, view, sources)?),
                What::Aged { ages, now_micros } => {
                    Check::Aged { column: view.columns.updated.clone(), ages: ages.clone(), now_micros: *now_micros }
                }
            };
            checks.push((demand.facet, check));
        }
        Ok(Self { view, demands: checks, excluded: Membership::new(scope, view, excluded)? })
    }

    /// Whether every tip passes.
    pub(crate) fn is_open(&self) -> bool {
        self.view.sees_all() && self.excluded.is_empty() && self.demands.is_empty()
    }

    /// Asks about one tip. Tips are asked for in rising order.
    pub(crate) fn check(&mut self, doc: DocId) -> Passes {
        if !self.view.sees(doc) || self.excluded.has(doc) {
            return Passes::No;
        }
        let mut failed = None;
        for (facet, check) in &mut self.demands {
            let met = match check {
                Check::Labels(members) => members.has(doc),
                Check::Aged { column, ages, now_micros } => {
                    column.first(doc).is_some_and(|updated| ages.contains(&Age::of(now_micros.saturating_sub(updated))))
                }
            };
            if met {
                continue;
            }
            match (*facet, failed) {
                (Some(facet), None) => failed = Some(facet),
                (Some(facet), Some(before)) if facet == before => {}
                _ => return Passes::No,
            }
        }
        failed.map_or(Passes::All, Passes::AllBut)
    }

    /// The cheapest demand that tips can be walked by, for a query without text.
    pub(crate) fn cheapest(&self) -> Option<usize> {
        self.demands
            .iter()
            .enumerate()
            .filter_map(|(at, (_, check))| match check {
                Check::Labels(members) => Some((members.cost(), at)),
                Check::Aged { .. } => None,
            })
            .min()
            .map(|(_, at)| at)
    }

    /// The next tip at or after `target` that meets the demand at a place.
    pub(crate) fn next_of(&mut self, place: usize, target: DocId) -> DocId {
        match self.demands.get_mut(place) {
            Some((_, Check::Labels(members))) => members.next(target),
            _ => tantivy::TERMINATED,
        }
    }
}
