//! What Eureka does: one function and one transaction per use case, named as in the API; and the indexer that follows
//! the change log. Knows nothing of HTTP.

mod api_keys;
mod attachments;
mod attempts;
mod audit;
mod callers;
mod communities;
mod documents;
mod erasure;
mod error;
mod expiry;
mod exports;
mod feed;
mod figures;
mod flags;
#[cfg(test)]
mod fuzz;
mod gaps;
mod glossary;
mod identities;
mod imports;
mod indexer;
mod moving;
mod notifications;
mod once;
mod operating;
mod outcomes;
mod page;
mod passwords;
mod photos;
mod providers;
mod rechecks;
mod relations;
mod remembered;
mod reviews;
mod search;
mod sessions;
mod similar;
mod tips;
mod tokens;
mod users;
mod views;
mod webhooks;
mod workers;

use std::sync::Arc;

use eureka_domain::ids::CommunityId;
use eureka_domain::{Clock, Ids, Instant};
use eureka_store::Store;
use moka::sync::Cache;
use uuid::Uuid;

use crate::operating::LastWork;
use crate::remembered::Remembered;
use crate::webhooks::Sending;

pub use api_keys::{MadeKey, NewApiKey};
pub use attachments::{AttachmentView, NewAttachment, attachment_parts};
pub use audit::{AuditQuery, HistoryEntry};
pub use callers::Callers;
pub use communities::{CommunityChanges, MemberView, PolicyChanges};
pub use error::ServiceError;
pub use eureka_search::{
    Age, Cursor, ExplainPart, FacetField, FacetValue, Highlight, Hit, PoolOptions, Relaxed, SCHEMA_VERSION, SearchPool,
    SearchResponse, Shipment, SimilarTip, Sort, Suggestion, SuggestionKind, TipDocument,
};
pub use eureka_store::reviews::{QueueSort, QueueState};
pub use eureka_store::{Load, Written};
pub use exports::ExportPage;
pub use feed::{FeedCursor, FeedEntry, FeedPage};
pub use figures::Figures;
pub use flags::{FlagQuery, FlagView, NewFlag};
pub use gaps::{GapQuery, GapView};
pub use glossary::GlossaryView;
pub use imports::{
    ImportLine, ImportOrder, ImportReport, ImportView, LineOutcome, LineResult, Refusal, SLICE as IMPORT_SLICE,
};
pub use indexer::{Chain, Drift, Hold, IndexState, Indexer};
pub use moving::{
    Arrival, Moved, MovedDecision, MovedFile, MovedGap, MovedName, MovedPerson, MovedReview, MovedThread, MovedTip,
    Portion, Remark, ThereAndHere,
};
pub use notifications::{NotificationView, TipBrief};
pub use once::{Answer, Key, Once, Render, Reply};
pub use operating::{IndexOutcome, IndexStatus, IndexTask, IndexWork};
pub use outcomes::{OutcomeQuery, OutcomeView};
pub use page::{Page, PageRequest};
pub use passwords::{Passwords, ResetToken};
pub use photos::Photos;
pub use providers::{KeySource, Linking, Newcomers, ProviderOptions, Providers, SignedWith};
pub use relations::RelationView;
pub use reviews::{
    CommentView, DecisionDraft, EarlierReason, NewComment, QueueCounts, QueueQuery, QueueStats, ReviewDesk,
    ReviewDetail, ThinProduct,
};
pub use search::{ReadySearch, SearchQuery};
pub use sessions::Tokens;
pub use similar::SimilarText;
pub use tips::{IfMatch, NewTip, RevisionDiff, TipChanges, TipQuery};
pub use tokens::{ACCESS_MINUTES, Keys, PublicKey, generate_key};
pub use users::{NewUser, UserChanges};
pub use views::{Person, ProofView, ReviewBrief, TipView, entity_tag, name_of};
pub use webhooks::{
    Courier, Envelope, MadeWebhook, Message, Names, NewWebhook, Parcel, Post, WebhookChanges, WebhookFigures,
    WebhookView,
};

/// What takes the processor for long, each kind on threads of its own behind a bounded queue.
pub struct Pools {
    /// Hashes.
    pub passwords: Passwords,
    /// Pictures.
    pub photos: Photos,
    /// Searches.
    pub searches: SearchPool,
}

/// Everything the use cases work with.
pub struct Service {
    store: Store,
    indexer: Arc<Indexer>,
    index_work: LastWork,
    callers: Callers,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    keys: Keys,
    providers: Providers,
    pools: Pools,
    remembered: Arc<Remembered>,
    slugs: Cache<String, CommunityId>,
    sending: Sending,
}

impl Service {
    /// Puts the parts together.
    pub fn new(
        store: Store,
        indexer: Arc<Indexer>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        keys: Keys,
        pools: Pools,
    ) -> Self {
        let remembered = Arc::new(Remembered::new(store.clone(), Arc::clone(&ids)));
        let sending = Sending::new(Arc::new(Courier::new(Vec::new())));
        Self {
            store,
            remembered,
            indexer,
            index_work: LastWork::default(),
            callers: Callers::default(),
            clock,
            ids,
            keys,
            providers: Providers::default(),
            pools,
            slugs: Cache::new(10_000),
            sending,
        }
    }

    /// The service, with another way for webhooks to leave the house.
    #[must_use]
    pub fn posting(self, post: Arc<dyn Post>) -> Self {
        Self { sending: Sending::new(post), ..self }
    }

    /// The same, believing the tokens of these identity providers as well as its own.
    #[must_use]
    pub fn believing(self, providers: Providers) -> Self {
        Self { providers, ..self }
    }

    /// The present moment.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The public keys that access tokens verify with.
    pub fn public_keys(&self) -> Vec<PublicKey> {
        self.keys.public()
    }

    /// How many passwords were looked at since the start, whether anybody has them or not.
    pub fn passwords_looked_at(&self) -> u64 {
        self.pools.passwords.looked_at()
    }

    /// The indexer: its state, and the place it has reached.
    pub fn indexer(&self) -> &Arc<Indexer> {
        &self.indexer
    }

    /// The database, for the operator's commands.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A new id for a request that came without one.
    pub fn new_request_id(&self) -> Uuid {
        self.new_id(self.clock.now())
    }

    fn new_id(&self, now: Instant) -> Uuid {
        self.ids.next(now)
    }
}
