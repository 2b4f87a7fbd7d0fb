//! Look-alikes of a text, and completions of what is being typed: from the index, within the caller's audience.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use eureka_domain::access::Caller;
use eureka_domain::ids::{TipId, TipRef};
use eureka_domain::tip::TipText;
use eureka_search::{Index, SimilarRequest, SimilarTip, SuggestRequest, Suggestion};

use crate::{Service, ServiceError};

/// Longest time that completions are looked for: later ones help nobody who types.
const SUGGEST_PATIENCE: Duration = Duration::from_millis(500);

/// A text to find look-alikes of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SimilarText {
    /// One line that names the problem.
    pub title: String,
    /// Problem, cause and solution.
    pub text: String,
    /// Fault codes.
    pub fault_codes: Vec<String>,
    /// Part numbers.
    pub parts: Vec<String>,
    /// Machines it applies to.
    pub products: Vec<String>,
    /// The tip that the text is of: no look-alike of itself.
    pub of: Option<TipId>,
    /// Tips that peers agreed are about something else: no look-alikes any more.
    pub apart: BTreeSet<TipId>,
}

impl SimilarText {
    /// The text of a tip.
    pub fn of(text: &TipText, tip: TipId) -> Self {
        Self { of: Some(tip), ..Self::from(text) }
    }
}

/// The text of a tip that is not there yet.
impl From<&TipText> for SimilarText {
    fn from(text: &TipText) -> Self {
        let body = [Some(&text.problem), text.cause.as_ref(), text.solution.as_ref()];
        Self {
            title: text.title.clone(),
            text: body.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("\n"),
            fault_codes: text.fault_codes.clone(),
            parts: text.parts.clone(),
            products: text.products.clone(),
            ..Self::default()
        }
    }
}

impl Service {
    /// The text of a tip as the caller sees it, to find look-alikes of.
    pub fn similar_text(&self, caller: &Caller, tip: TipRef) -> Result<SimilarText, ServiceError> {
        let view = self.read_tip(caller, tip)?;
        Ok(SimilarText::of(&view.shown.text, view.tip.id))
    }

    /// The approved tips that look like a text, of those the caller may see, the most alike first.
    pub async fn similar_tips<T: Send + 'static>(
        &self,
        caller: &Caller,
        text: SimilarText,
        limit: usize,
        shape: impl FnOnce(Vec<SimilarTip>) -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let index = self.open_index()?;
        let request = SimilarRequest {
            fault_codes: text.fault_codes,
            parts: text.parts,
            products: text.products,
            not: text.of,
            audience: caller.audience(),
            limit: limit + text.apart.len(),
            ..SimilarRequest::new(text.title, text.text)
        };
        let answer = self.pools.searches.run(move |left| {
            let request = SimilarRequest { deadline: left, ..request };
            let mut found = index.similar(&request)?;
            found.retain(|similar| !text.apart.contains(&similar.tip.tip));
            found.truncate(limit);
            Ok(shape(found))
        });
        Ok(answer.await?)
    }

    /// Completions of what was typed, each from a tip that the caller may see.
    pub async fn suggest<T: Send + 'static>(
        &self,
        caller: &Caller,
        q: String,
        limit: usize,
        shape: impl FnOnce(Vec<Suggestion>) -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let index = self.open_index()?;
        let audience = caller.audience();
        let terms = self.indexer.words().complete(&q, &audience, limit);
        let request = SuggestRequest { audience, terms, limit, ..SuggestRequest::new(q) };
        let answer = self.pools.searches.run(move |left| {
            let request = SuggestRequest { deadline: left.min(SUGGEST_PATIENCE), ..request };
            index.suggest(&request).map(shape)
        });
        Ok(answer.await?)
    }

    pub(crate) fn open_index(&self) -> Result<Arc<Index>, ServiceError> {
        self.indexer.index().ok_or_else(|| ServiceError::Unavailable("the index is being made".into()))
    }
}
