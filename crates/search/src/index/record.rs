//! A tip document as the engine's document: terms, columns and the stored text.

use std::collections::BTreeSet;

use eureka_domain::ids::TipId;
use eureka_domain::tip::{Confidence, Safety};
use tantivy::TantivyDocument;

use crate::analysis::language::{self, Language};
use crate::analysis::vocabulary::Vocabulary;
use crate::analysis::{fold, identifier, streams};
use crate::document::TipDocument;
use crate::error::SearchError;
use crate::index::proof;
use crate::schema::Fields;

/// Marks of the label field's terms; each stands before the folded label.
pub(crate) mod label {
    /// A whole product name.
    pub(crate) const PRODUCT: char = 'P';
    /// One word of a product name.
    pub(crate) const PRODUCT_WORD: char = 'p';
    /// A fault code without separators.
    pub(crate) const FAULT_CODE: char = 'c';
    /// A part number without separators.
    pub(crate) const PART: char = 'n';
    /// A tag.
    pub(crate) const TAG: char = 't';
    /// A language.
    pub(crate) const LANG: char = 'l';
    /// An author's id.
    pub(crate) const AUTHOR: char = 'A';
    /// One word of an author's name.
    pub(crate) const AUTHOR_WORD: char = 'a';
    /// A community's id.
    pub(crate) const COMMUNITY: char = 'C';
    /// A community's slug.
    pub(crate) const COMMUNITY_SLUG: char = 'S';
    /// A confidence word.
    pub(crate) const CONFIDENCE: char = 'f';
    /// A safety word.
    pub(crate) const SAFETY: char = 's';
    /// A tip's number.
    pub(crate) const NUMBER: char = '#';
}

/// A label's term.
pub(crate) fn term(mark: char, text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    out.push(mark);
    out.push_str(text);
    out
}

/// The form in which labels are compared: folded, inner spaces single.
pub(crate) fn plain(label: &str) -> String {
    fold::folded(label).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The two halves of a tip's id.
pub(crate) fn id_halves(tip: TipId) -> (u64, u64) {
    tip.0.as_u64_pair()
}

/// What a community's column says: id, then slug.
pub(crate) fn community_value(tip: &TipDocument) -> String {
    format!("{}/{}", tip.community.0.simple(), tip.community_slug)
}

/// What an author's column says: id, then name.
pub(crate) fn author_value(tip: &TipDocument) -> String {
    format!("{}/{}", tip.author.0.simple(), tip.author_name)
}

/// Turns a tip into the engine's document. Fills in the language when it is absent.
pub(crate) fn build(
    fields: &Fields,
    vocabulary: &mut Vocabulary,
    tip: &TipDocument,
) -> Result<TantivyDocument, SearchError> {
    let fingerprint = tip.fingerprint();
    let mut shown = tip.clone();
    if shown.lang.is_none() {
        let text = format!("{} {}", tip.title, tip.problem);
        shown.lang = language::detect_text(&text).map(str::to_owned);
    }
    let language = shown.lang.as_deref().and_then(Language::from_code);
    let streams = streams::analyse(tip, vocabulary.next_text(language));

    let mut document = TantivyDocument::new();
    document.add_bytes(fields.id, tip.tip.0.as_bytes());
    document.add_text(fields.all, streams.all);
    document.add_text(fields.headline, streams.headline);
    document.add_text(fields.words, streams.words);
    document.add_text(fields.ident, streams.ident);
    document.add_text(fields.label, labels(&shown));
    let stored = serde_json::to_string(&shown).map_err(|error| SearchError::Engine(error.to_string()))?;
    document.add_text(fields.shown, stored);

    let (high, low) = id_halves(tip.tip);
    document.add_u64(fields.tip_high, high);
    document.add_u64(fields.tip_low, low);
    document.add_i64(fields.number, tip.number.0);
    document.add_i64(fields.revision, i64::from(tip.revision));
    document.add_u64(fields.fingerprint, fingerprint);
    document.add_i64(fields.updated, tip.updated_at.timestamp_micros());
    document.add_u64(fields.proof, tip.proof.as_ref().map_or(0, proof::packed));
    document.add_u64(fields.confidence, place(Confidence::ALL, tip.confidence));
    document.add_u64(fields.safety, place(Safety::ALL, tip.safety));
    document.add_text(fields.community, community_value(tip));
    document.add_text(fields.author, author_value(tip));
    if let Some(lang) = &shown.lang {
        document.add_text(fields.lang, lang);
    }
    for (field, values) in [(fields.product, &tip.products), (fields.tag, &tip.tags)] {
        for value in values {
            document.add_text(field, value);
        }
    }
    for code in tip.all_fault_codes().collect::<BTreeSet<_>>() {
        document.add_text(fields.fault_code, code);
    }
    Ok(document)
}

/// The place of a word in its list, as columns hold it.
pub(crate) fn place<T: PartialEq>(all: &[T], value: T) -> u64 {
    all.iter().position(|each| *each == value).unwrap_or_default() as u64
}

fn labels(tip: &TipDocument) -> String {
    let mut out = String::new();
    let mut push = |mark: char, text: &str| {
        if !text.is_empty() {
            streams::push_label(&mut out, &term(mark, text));
        }
    };
    for product in &tip.products {
        let product = plain(product);
        push(label::PRODUCT, &product);
        for word in product.split(|c: char| !c.is_alphanumeric()) {
            push(label::PRODUCT_WORD, word);
        }
    }
    for code in tip.all_fault_codes() {
        push(label::FAULT_CODE, &identifier::dotted(code));
    }
    for part in tip.all_parts() {
        push(label::PART, &identifier::dotted(part));
    }
    for tag in &tip.tags {
        push(label::TAG, &plain(tag));
    }
    if let Some(lang) = &tip.lang {
        push(label::LANG, lang);
    }
    push(label::AUTHOR, &tip.author.0.simple().to_string());
    for word in plain(&tip.author_name).split(|c: char| !c.is_alphanumeric()) {
        push(label::AUTHOR_WORD, word);
    }
    push(label::COMMUNITY, &tip.community.0.simple().to_string());
    push(label::COMMUNITY_SLUG, &tip.community_slug);
    push(label::CONFIDENCE, tip.confidence.word());
    push(label::SAFETY, tip.safety.word());
    for number in std::iter::once(tip.number).chain(tip.stands_for.iter().map(|merged| merged.number)) {
        push(label::NUMBER, &number.0.to_string());
    }
    out
}
