//! Finding: the caller's audience goes into the query, so that nothing they may not see takes part in the answer.

use std::sync::Arc;
use std::time::Duration;

use eureka_domain::RuleError;
use eureka_domain::access::Caller;
use eureka_domain::community::Role;
use eureka_domain::ids::{CommunityId, UserId};
use eureka_domain::tip::{Confidence, Safety};
use eureka_search::{FacetField, Filters, Index, PageCursor, SearchRequest, SearchResponse, Sort};
use eureka_store::communities;
use uuid::Uuid;

use crate::{Service, ServiceError};

/// How long a search waits for the index to reach a position.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest text of a query that is looked at, in bytes; the rest is cut off.
const LONGEST: usize = 4096;

/// A search, as a caller asks it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchQuery {
    /// What was typed.
    pub q: String,
    /// In the community with this slug.
    pub community: Option<String>,
    /// For this product.
    pub product: Option<String>,
    /// With this fault code.
    pub fault_code: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// In this language.
    pub lang: Option<String>,
    /// By this author.
    pub author: Option<UserId>,
    /// Of this confidence.
    pub confidence: Option<Confidence>,
    /// Of this safety level.
    pub safety: Option<Safety>,
    /// The order.
    pub sort: Sort,
    /// What to count by.
    pub facets: Vec<FacetField>,
    /// Whether each hit tells the parts of its score: for stewards and admins.
    pub explain: bool,
    /// How many hits at most.
    pub limit: usize,
    /// The place to go on from.
    pub cursor: Option<String>,
    /// Wait until the index has reached this position.
    pub min_position: Option<i64>,
}

impl SearchQuery {
    /// Whether getting it ready may have to wait, for the database or for the index.
    pub fn waits(&self) -> bool {
        self.min_position.is_some() || self.community.is_some()
    }
}

/// A search that may begin.
pub struct ReadySearch {
    request: SearchRequest,
    index: Arc<Index>,
    position: i64,
}

impl Service {
    /// Gets a search ready: the caller may ask this, the index has come far enough. Blocks where
    /// [`SearchQuery::waits`].
    pub fn ready_search(&self, caller: &Caller, query: SearchQuery) -> Result<ReadySearch, ServiceError> {
        if query.explain {
            let steward = caller.standings.values().any(|standing| standing.role >= Role::Steward);
            if !steward && !caller.is_admin() {
                return Err(RuleError::NotPermitted("see the parts of scores").into());
            }
        }
        if let Some(position) = query.min_position {
            self.indexer.wait_for(position, PATIENCE)?;
        }
        let request = self.request(caller, query)?;
        let (_, position) = self.indexer.state(); // before the search: what it finds is at least as new
        let index = self.open_index()?;
        Ok(ReadySearch { request, index, position })
    }

    /// The tips that fit the query, of those the caller may see; `shape` makes of them what is to be sent, on the thread
    /// that searched.
    pub async fn search_tips<T: Send + 'static>(
        &self,
        search: ReadySearch,
        shape: impl FnOnce(SearchResponse) -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let ReadySearch { request, index, position } = search;
        let now = self.clock.now();
        let answer = self.searches.run(move |left| {
            let request = SearchRequest { deadline: left, ..request };
            let found = index.search(&request, now)?;
            Ok(shape(SearchResponse { position, ..found }))
        });
        Ok(answer.await?)
    }

    fn request(&self, caller: &Caller, query: SearchQuery) -> Result<SearchRequest, ServiceError> {
        let mut q = query.q;
        if q.len() > LONGEST {
            q.truncate(q.floor_char_boundary(LONGEST));
        }
        let cursor =
            query.cursor.map(|text| PageCursor::parse(&text).ok_or(ServiceError::InvalidCursor)).transpose()?;
        let community = query.community.map(|slug| self.community_of(&slug)).transpose()?;
        let audience = caller.audience();
        Ok(SearchRequest {
            synonyms: self.indexer.words().spoken_in(&q, &audience, community),
            audience,
            filters: Filters {
                communities: community.into_iter().collect(),
                products: query.product.into_iter().collect(),
                fault_codes: query.fault_code.into_iter().collect(),
                tags: query.tag.map(|tag| tag.to_lowercase()).into_iter().collect(),
                langs: query.lang.map(|lang| lang.to_lowercase()).into_iter().collect(),
                authors: query.author.into_iter().collect(),
                confidence: query.confidence.into_iter().collect(),
                safety: query.safety.into_iter().collect(),
                ..Filters::default()
            },
            sort: query.sort,
            facets: query.facets,
            explain: query.explain,
            limit: query.limit,
            cursor,
            ..SearchRequest::new(q)
        })
    }

    /// The community with this slug, remembered: slugs never change hands. One that does not exist, or not for the
    /// caller, finds nothing, since the audience is part of the query.
    fn community_of(&self, slug: &str) -> Result<CommunityId, ServiceError> {
        if let Some(id) = self.slugs.get(slug) {
            return Ok(id);
        }
        match self.store.read(|conn| communities::find_slug(conn, slug))? {
            Some(community) => {
                self.slugs.insert(slug.to_owned(), community.id);
                Ok(community.id)
            }
            None => Ok(CommunityId(Uuid::nil())),
        }
    }
}
