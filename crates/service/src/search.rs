//! Finding: the caller's audience goes into the query, so that nothing they may not see takes part in the answer.

use std::sync::Arc;
use std::time::Duration;

use eureka_domain::RuleError;
use eureka_domain::access::Caller;
use eureka_domain::community::{Openness, Role};
use eureka_domain::ids::{CommunityId, UserId};
use eureka_domain::tip::{Confidence, Safety};
use eureka_search::{Age, FacetField, Filters, Index, PageCursor, SearchError, SearchRequest, SearchResponse, Sort};
use eureka_store::communities;
use uuid::Uuid;

use crate::remembered::{Asked, Home};
use crate::{Service, ServiceError};

/// How long a search waits for the index to reach a position.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest text of a query that is looked at, in bytes; the rest is cut off.
const LONGEST: usize = 4096;
/// How much of a query is remembered, in characters.
const MOST_REMEMBERED: usize = 500;

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
    /// Last changed so long ago.
    pub age: Option<Age>,
    /// The language of the caller's screen: its tips come first among equals.
    pub screen: Option<String>,
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
    /// What is remembered of it, once it is known how much it finds.
    asked: Option<Asked>,
}

impl ReadySearch {
    /// The search's name, if it is to be remembered.
    pub fn id(&self) -> Option<Uuid> {
        self.asked.as_ref().map(|asked| asked.id)
    }
}

impl Service {
    /// Refuses a search while those before it wait too long. Looks at nothing else, so that a refusal costs next to nothing.
    pub fn may_search(&self) -> Result<(), ServiceError> {
        if self.pools.searches.is_behind() { Err(SearchError::Busy.into()) } else { Ok(()) }
    }

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
        let asked = self.to_remember(caller, &query)?;
        Ok(ReadySearch { asked, ..self.ready_feed(caller, query)? })
    }

    /// Gets a search ready that a feed reader asks again and again: nobody is in need of an answer, and nothing is
    /// remembered of it. May block.
    pub fn ready_feed(&self, caller: &Caller, query: SearchQuery) -> Result<ReadySearch, ServiceError> {
        let request = self.request(caller, query)?;
        let (_, position) = self.indexer.state(); // before the search: what it finds is at least as new
        let index = self.open_index()?;
        Ok(ReadySearch { request, index, position, asked: None })
    }

    /// The tips that fit the query, of those the caller may see; `shape` makes of them what is to be sent, on the thread
    /// that searched.
    pub async fn search_tips<T: Send + 'static>(
        &self,
        search: ReadySearch,
        shape: impl FnOnce(SearchResponse) -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let ReadySearch { request, index, position, asked } = search;
        let now = self.clock.now();
        let remembered = Arc::clone(&self.remembered);
        let answer = self.pools.searches.run(move |left| {
            let request = SearchRequest { deadline: left, ..request };
            let found = index.search(&request, now)?;
            if let Some(asked) = asked {
                let hits = i64::try_from(found.total.value).unwrap_or(i64::MAX);
                remembered.asked(Asked { hits, in_vain: found.in_vain, lang: found.lang, ..asked });
            }
            Ok(shape(SearchResponse { position, ..found }))
        });
        Ok(answer.await?)
    }

    /// What is to be remembered of a search: of its first page, unless a steward is looking into scores. A gap may come of
    /// it when only community, product and code narrow it.
    fn to_remember(&self, caller: &Caller, query: &SearchQuery) -> Result<Option<Asked>, ServiceError> {
        let asks = !query.q.trim().is_empty() || query.fault_code.is_some();
        if query.cursor.is_some() || query.explain || !asks {
            return Ok(None);
        }
        let narrowed = query.tag.is_some()
            || query.lang.is_some()
            || query.author.is_some()
            || query.confidence.is_some()
            || query.safety.is_some()
            || query.age.is_some();
        let now = self.clock.now();
        let community = query.community.as_deref().map(|slug| self.community_of(slug)).transpose()?;
        Ok(Some(Asked {
            id: self.new_id(now),
            at: now,
            user: caller.user,
            audience: caller.audience(),
            home: if narrowed { None } else { Self::home_of_gap(caller, community) },
            product: query.product.clone(),
            fault_code: query.fault_code.clone(),
            q: query.q.chars().take(MOST_REMEMBERED).collect(),
            hits: 0,
            in_vain: false,
            lang: None,
        }))
    }

    /// Where a gap belongs that a caller's search shows. What members of private communities search for may say what is
    /// only for those: it stays there, or where there are several of them, makes no gap at all.
    fn home_of_gap(caller: &Caller, named: Option<CommunityId>) -> Option<Home> {
        if named.is_some() {
            return Some(Home(named)); // whether they know it is seen to when it is written down
        }
        let of = |openness| caller.standings.iter().filter(move |(_, standing)| standing.openness == openness);
        let private: Vec<CommunityId> = of(Openness::Private).map(|(id, _)| *id).collect();
        let open: Vec<CommunityId> = of(Openness::Open).map(|(id, _)| *id).collect();
        match (private.as_slice(), open.as_slice()) {
            ([only], _) | ([], [only]) => Some(Home(Some(*only))),
            ([], _) => Some(Home(None)),
            _ => None,
        }
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
        let request = SearchRequest {
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
                ages: query.age.into_iter().collect(),
                ..Filters::default()
            },
            sort: query.sort,
            facets: query.facets,
            explain: query.explain,
            limit: query.limit,
            ui_lang: query.screen,
            cursor,
            ..SearchRequest::new(q)
        };
        let goes_on = request.cursor.as_ref().is_none_or(|cursor| cursor.is_of(&request));
        if goes_on { Ok(request) } else { Err(ServiceError::InvalidCursor) }
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
