//! Steps of indexing and searching by themselves, for the benchmarks; nobody else needs them.

use eureka_domain::visibility::Audience;

use crate::analysis::language::Language;
use crate::analysis::streams;
use crate::analysis::vocabulary::Vocabulary;
use crate::document::TipDocument;
use crate::error::SearchError;
use crate::index::Index;
use crate::query::scope::Scope;
use crate::query::{plan, syntax};

/// Analyses one tip after the other, as the writer of an index does.
#[derive(Default)]
pub struct Analyst(Vocabulary);

impl Analyst {
    /// The bytes of a tip's terms.
    pub fn analyse(&mut self, tip: &TipDocument) -> usize {
        let language = tip.lang.as_deref().and_then(Language::from_code);
        let streams = streams::analyse(tip, self.0.next_text(language));
        streams.all.len() + streams.headline.len() + streams.words.len() + streams.ident.len()
    }
}

/// Builds the query of a text, for everybody, and says how many things it asks for.
pub fn plan(index: &Index, q: &str) -> Result<usize, SearchError> {
    let snapshot = index.snapshot();
    let scope = Scope::new(&snapshot, &Audience::default())?;
    let parsed = syntax::parse(q);
    let plan = plan::plan(&scope, &parsed.text, &parsed.phrases, &parsed.excluded, &[], None)?;
    Ok(plan.slots.len())
}
