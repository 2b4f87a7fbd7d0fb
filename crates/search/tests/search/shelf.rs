//! A shelf of tips to search in: an index in a directory of its own, and tips that are quick to write down.

use std::path::Path;
use std::time::Duration;

use chrono::TimeZone;
use eureka_domain::Instant;
use eureka_domain::community::Openness;
use eureka_domain::ids::{CommunityId, TipId, TipNumber, UserId};
use eureka_domain::tip::{Confidence, Safety};
use eureka_domain::visibility::Audience;
use eureka_search::{
    Change, Cursor, FacetField, Index, OpenOptions, Opened, SearchError, SearchRequest, SearchResponse, SuggestRequest,
    TipDocument,
};
use tempfile::TempDir;
use uuid::Uuid;

/// Everything that can be counted by.
pub(crate) const FACETS: [FacetField; 9] = [
    FacetField::Community,
    FacetField::Product,
    FacetField::FaultCode,
    FacetField::Tag,
    FacetField::Lang,
    FacetField::Author,
    FacetField::Confidence,
    FacetField::Safety,
    FacetField::Age,
];

pub(crate) struct Shelf {
    pub(crate) index: Index,
    pub(crate) dir: TempDir,
}

impl Shelf {
    pub(crate) fn of(tips: impl IntoIterator<Item = TipDocument>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let index = open(dir.path());
        let shelf = Self { index, dir };
        shelf.put(tips, 1);
        shelf
    }

    pub(crate) fn put(&self, tips: impl IntoIterator<Item = TipDocument>, seq: i64) {
        let changes = tips.into_iter().map(|tip| Change::Put(Box::new(tip))).collect();
        self.index.apply(changes, &cursor(seq)).unwrap();
    }

    pub(crate) fn remove(&self, numbers: &[i64], seq: i64) {
        let changes = numbers.iter().map(|number| Change::Remove(tip_id(*number))).collect();
        self.index.apply(changes, &cursor(seq)).unwrap();
    }

    pub(crate) fn ask(&self, request: &SearchRequest) -> SearchResponse {
        self.index.search(request, now()).unwrap()
    }

    pub(crate) fn search(&self, q: &str) -> SearchResponse {
        self.ask(&SearchRequest::new(q))
    }

    /// The numbers of the tips that a query finds, in order.
    pub(crate) fn find(&self, q: &str) -> Vec<i64> {
        numbers(&self.search(q))
    }

    /// The texts of suggestions.
    pub(crate) fn suggest(&self, q: &str) -> Vec<String> {
        self.index.suggest(&SuggestRequest::new(q)).unwrap().into_iter().map(|each| each.text).collect()
    }
}

/// Opens an index that was open a moment ago: a process that another test begins holds its lock until it is one.
pub(crate) fn opened(dir: &Path) -> Opened {
    loop {
        match Index::open(dir, OpenOptions::default()) {
            Err(SearchError::Locked) => std::thread::sleep(Duration::from_millis(5)),
            other => return other.unwrap(),
        }
    }
}

pub(crate) fn open(dir: &Path) -> Index {
    match opened(dir) {
        Opened::Fresh(index) | Opened::Usable(index) => index,
        Opened::Unusable { why } => panic!("{why}"),
    }
}

pub(crate) fn numbers(response: &SearchResponse) -> Vec<i64> {
    response.hits.iter().map(|hit| hit.tip.number.0).collect()
}

pub(crate) fn cursor(seq: i64) -> Cursor {
    Cursor::new(Uuid::from_u128(77), seq, format!("hash of {seq}"))
}

pub(crate) fn now() -> Instant {
    chrono::Utc.timestamp_opt(1_767_225_600, 0).unwrap()
}

pub(crate) fn tip_id(number: i64) -> TipId {
    TipId(Uuid::from_u128(number.unsigned_abs().into()))
}

/// A community's id from a small number.
pub(crate) fn community(number: u128) -> CommunityId {
    CommunityId(Uuid::from_u128(1_000_000 + number))
}

/// One who reads open communities and these private ones.
pub(crate) fn member_of(communities: &[u128]) -> Audience {
    Audience { everything: false, private: communities.iter().map(|number| community(*number)).collect() }
}

/// One who reads everything.
pub(crate) fn everyone() -> Audience {
    Audience { everything: true, ..Audience::default() }
}

/// A published tip of an open community.
pub(crate) fn tip(number: i64, title: &str, problem: &str) -> TipDocument {
    TipDocument {
        tip: tip_id(number),
        number: TipNumber(number),
        revision: 1,
        community: community(0),
        community_slug: "office-printers".to_owned(),
        openness: Openness::Open,
        title: title.to_owned(),
        problem: problem.to_owned(),
        cause: None,
        solution: None,
        products: Vec::new(),
        fault_codes: Vec::new(),
        parts: Vec::new(),
        tags: Vec::new(),
        safety: Safety::None,
        hazard: None,
        lang: Some("en".to_owned()),
        author: UserId(Uuid::from_u128(5)),
        author_name: "Ada Okafor".to_owned(),
        confidence: Confidence::Validated,
        published_at: now(),
        updated_at: now(),
        proof: None,
        stands_for: Vec::new(),
    }
}

/// Short ways to say what differs.
pub(crate) trait With: Sized {
    fn codes(self, codes: &[&str]) -> Self;
    fn parts(self, parts: &[&str]) -> Self;
    fn products(self, products: &[&str]) -> Self;
    fn tags(self, tags: &[&str]) -> Self;
    fn lang(self, lang: &str) -> Self;
    fn private(self, number: u128) -> Self;
    fn days_old(self, days: i64) -> Self;
}

impl With for TipDocument {
    fn codes(mut self, codes: &[&str]) -> Self {
        self.fault_codes = owned(codes);
        self
    }

    fn parts(mut self, parts: &[&str]) -> Self {
        self.parts = owned(parts);
        self
    }

    fn products(mut self, products: &[&str]) -> Self {
        self.products = owned(products);
        self
    }

    fn tags(mut self, tags: &[&str]) -> Self {
        self.tags = owned(tags);
        self
    }

    fn lang(mut self, lang: &str) -> Self {
        self.lang = (!lang.is_empty()).then(|| lang.to_owned());
        self
    }

    fn private(mut self, number: u128) -> Self {
        self.community = community(number);
        self.community_slug = format!("private-{number}");
        self.openness = Openness::Private;
        self
    }

    fn days_old(mut self, days: i64) -> Self {
        self.updated_at = now() - chrono::TimeDelta::days(days);
        self
    }
}

fn owned(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}
