//! Moving out: the tips that a caller finds, page by page, each page a snapshot of its own, and the place in the change
//! log from which a copy goes on to follow.

use eureka_domain::access::Caller;
use eureka_domain::community::Community;
use eureka_domain::ids::TipId;
use eureka_domain::visibility::Audience;
use eureka_store::tips::ListedFilter;
use eureka_store::{communities, log, tips};

use crate::callers::as_they_are;
use crate::feed::FeedCursor;
use crate::views::tip_views;
use crate::{Service, ServiceError, TipQuery, TipView};

/// How many tips are read at once.
const PAGE: i64 = 200;

/// Some of the tips that are moved out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportPage {
    /// The tips, in the order of their ids.
    pub tips: Vec<TipView>,
    /// The tip after which there are more.
    pub next: Option<TipId>,
    /// A copy that begins with this page follows from here.
    pub follow: FeedCursor,
}

impl Service {
    /// The next of the approved tips that the caller may read and that are not held, archived or replaced: what they
    /// find. The state of a revision filters nothing, all of these are published.
    pub fn export_tips(
        &self,
        caller: &Caller,
        query: &TipQuery,
        after: Option<TipId>,
    ) -> Result<ExportPage, ServiceError> {
        let now = self.clock.now();
        self.store.read(|conn| {
            // An export takes its time; what the caller may read is asked again for each page.
            let caller = as_they_are(conn, caller, now)?;
            let head = log::head(conn)?;
            let follow = FeedCursor::at(&head, head.seq);
            let community = match &query.community {
                Some(slug) => match communities::find_slug(conn, slug)? {
                    Some(community) if caller.knows(&community) => Some(community.id),
                    _ => return Ok(ExportPage { tips: Vec::new(), next: None, follow }),
                },
                None => None,
            };
            let filter = ListedFilter {
                audience: caller.audience(),
                community,
                author: query.author,
                confidence: query.confidence,
                product: query.product.clone(),
                fault_code: query.fault_code.clone(),
                tag: query.tag.clone(),
            };
            let sheets = tips::listed(conn, &filter, after, PAGE)?;
            let is_full = i64::try_from(sheets.len()).is_ok_and(|tips| tips == PAGE);
            let next = sheets.last().filter(|_| is_full).map(|sheet| sheet.tip.id);
            Ok(ExportPage { tips: tip_views(conn, &caller, sheets, now)?, next, follow })
        })
    }

    /// Every community, for the operator, in the order of founding.
    pub fn every_community(&self) -> Result<Vec<Community>, ServiceError> {
        let everything = Audience { everything: true, ..Audience::default() };
        self.store.read(|conn| Ok(communities::list(conn, &everything, None, i64::MAX)?))
    }
}
