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
    /// In any of the communities with these slugs; empty: in all.
    pub communities: Vec<String>,
    /// For any of these products.
    pub products: Vec<String>,
    /// With any of these fault codes.
    pub fault_codes: Vec<String>,
    /// With any of these tags.
    pub tags: Vec<String>,
    /// In any of these languages.
    pub langs: Vec<String>,
    /// By any of these authors.
    pub authors: Vec<UserId>,
    /// Of any of these confidences.
    pub confidence: Vec<Confidence>,
    /// Of any of these safety levels.
    pub safety: Vec<Safety>,
    /// Last changed so long ago.
    pub ages: Vec<Age>,
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
    /// The same question, however often and in whatever order its values are named.
    fn in_order(mut self) -> Self {
        fn sort<T: Ord>(values: &mut Vec<T>) {
            values.sort_unstable();
            values.dedup();
        }
        sort(&mut self.communities);
        sort(&mut self.products);
        sort(&mut self.fault_codes);
        sort(&mut self.tags);
        sort(&mut self.langs);
        sort(&mut self.authors);
        sort(&mut self.confidence);
        sort(&mut self.safety);
        sort(&mut self.ages);
        self
    }

    /// Whether getting it ready may have to wait, for the database or for the index.
    pub fn waits(&self) -> bool {
        self.min_position.is_some() || !self.communities.is_empty()
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
        let query = query.in_order();
        let asked = self.to_remember(caller, &query)?;
        Ok(ReadySearch { asked, ..self.ready(caller, query)? })
    }

    /// Gets a search ready that a feed reader asks again and again: nobody is in need of an answer, and nothing is
    /// remembered of it. May block.
    pub fn ready_feed(&self, caller: &Caller, query: SearchQuery) -> Result<ReadySearch, ServiceError> {
        self.ready(caller, query.in_order())
    }

    fn ready(&self, caller: &Caller, query: SearchQuery) -> Result<ReadySearch, ServiceError> {
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
    /// it when only community, product and code narrow it, one of each.
    fn to_remember(&self, caller: &Caller, query: &SearchQuery) -> Result<Option<Asked>, ServiceError> {
        let asks = !query.q.trim().is_empty() || !query.fault_codes.is_empty();
        if query.cursor.is_some() || query.explain || !asks {
            return Ok(None);
        }
        let of_several =
            [&query.communities, &query.products, &query.fault_codes].iter().any(|values| values.len() > 1);
        let narrowed = of_several
            || !query.tags.is_empty()
            || !query.langs.is_empty()
            || !query.authors.is_empty()
            || !query.confidence.is_empty()
            || !query.safety.is_empty()
            || !query.ages.is_empty();
        let codes = query.fault_codes.join(" ");
        let now = self.clock.now();
        let home = if narrowed {
            None
        } else {
            let community = self.communities_of(&query.communities)?.first().copied();
            Self::home_of_gap(caller, community)
        };
        Ok(Some(Asked {
            id: self.new_id(now),
            at: now,
            user: caller.user,
            audience: caller.audience(),
            home,
            product: if let [only] = &query.products[..] { Some(only.clone()) } else { None },
            fault_code: (!codes.is_empty()).then_some(codes),
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
        let communities = self.communities_of(&query.communities)?;
        let audience = caller.audience();
        let lower = |values: Vec<String>| values.iter().map(|value| value.to_lowercase()).collect();
        let request = SearchRequest {
            synonyms: self.indexer.words().spoken_in(&q, &audience, &communities),
            audience,
            filters: Filters {
                communities,
                products: query.products,
                fault_codes: query.fault_codes,
                tags: lower(query.tags),
                langs: lower(query.langs),
                authors: query.authors,
                confidence: query.confidence,
                safety: query.safety,
                ages: query.ages,
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

    /// The communities with these slugs, remembered: slugs never change hands. One that does not exist, or not for the
    /// caller, finds nothing, since the audience is part of the query.
    fn communities_of(&self, slugs: &[String]) -> Result<Vec<CommunityId>, ServiceError> {
        let known = |slug: &String| self.slugs.get(slug.as_str());
        if let Some(all) = slugs.iter().map(known).collect() {
            return Ok(all);
        }
        self.store.read(|conn| {
            let find = |slug: &String| {
                if let Some(id) = known(slug) {
                    return Ok(id);
                }
                let Some(community) = communities::find_slug(conn, slug)? else { return Ok(CommunityId(Uuid::nil())) };
                self.slugs.insert(slug.clone(), community.id);
                Ok(community.id)
            };
            slugs.iter().map(find).collect()
        })
    }
}
