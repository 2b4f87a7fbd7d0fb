//! The fields of both indexes. Any change of a field or of the analysis raises [`SCHEMA_VERSION`].

use tantivy::schema::{BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions};

/// Version of fields and analysis together; an index of another version is rebuilt from the database.
pub const SCHEMA_VERSION: u32 = 4;

/// Name under which the splitter of pre-analysed text is registered.
pub(crate) const ANALYSED: &str = "analysed";

/// Names of the columns read while searching.
pub(crate) mod column {
    pub(crate) const TIP_HIGH: &str = "tip_high";
    pub(crate) const TIP_LOW: &str = "tip_low";
    pub(crate) const NUMBER: &str = "number";
    pub(crate) const REVISION: &str = "revision";
    pub(crate) const FINGERPRINT: &str = "fingerprint";
    pub(crate) const UPDATED: &str = "updated";
    pub(crate) const PROOF: &str = "proof";
    pub(crate) const CONFIDENCE: &str = "confidence";
    pub(crate) const SAFETY: &str = "safety";
    pub(crate) const COMMUNITY: &str = "community";
    pub(crate) const PRODUCT: &str = "product";
    pub(crate) const FAULT_CODE: &str = "fault_code";
    pub(crate) const TAG: &str = "tag";
    pub(crate) const LANG: &str = "lang";
    pub(crate) const AUTHOR: &str = "author";
}

/// Handles of the fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    /// The tip's id, 16 bytes: what a change deletes by.
    pub(crate) id: Field,
    /// Everything a tip says, analysed in its language, with positions.
    pub(crate) all: Field,
    /// Title, products and codes again: words here weigh more.
    pub(crate) headline: Field,
    /// Words as written (folded, not stemmed): prefixes, typos, exactness.
    pub(crate) words: Field,
    /// Identifiers without separators, and their parts.
    pub(crate) ident: Field,
    /// What filters ask for, as prefixed terms.
    pub(crate) label: Field,
    /// The tip as a hit shows it.
    pub(crate) shown: Field,
    pub(crate) tip_high: Field,
    pub(crate) tip_low: Field,
    pub(crate) number: Field,
    pub(crate) revision: Field,
    pub(crate) fingerprint: Field,
    pub(crate) updated: Field,
    pub(crate) proof: Field,
    pub(crate) confidence: Field,
    pub(crate) safety: Field,
    pub(crate) community: Field,
    pub(crate) product: Field,
    pub(crate) fault_code: Field,
    pub(crate) tag: Field,
    pub(crate) lang: Field,
    pub(crate) author: Field,
}

/// Builds the schema. Deterministic: two calls give equal schemas.
pub(crate) fn build() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let text = |record: IndexRecordOption, norms: bool| {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default().set_tokenizer(ANALYSED).set_index_option(record).set_fieldnorms(norms),
        )
    };
    let number = || NumericOptions::default().set_fast();
    let labels = || TextOptions::default().set_fast(tantivy::tokenizer::RAW_TOKENIZER_NAME);
    let fields = Fields {
        id: schema.add_bytes_field("id", BytesOptions::default().set_indexed()),
        all: schema.add_text_field("all", text(IndexRecordOption::WithFreqsAndPositions, true)),
        headline: schema.add_text_field("headline", text(IndexRecordOption::WithFreqs, true)),
        words: schema.add_text_field("words", text(IndexRecordOption::Basic, false)),
        ident: schema.add_text_field("ident", text(IndexRecordOption::Basic, false)),
        label: schema.add_text_field("label", text(IndexRecordOption::Basic, false)),
        shown: schema.add_text_field("shown", TextOptions::default().set_stored()),
        tip_high: schema.add_u64_field(column::TIP_HIGH, number()),
        tip_low: schema.add_u64_field(column::TIP_LOW, number()),
        number: schema.add_i64_field(column::NUMBER, number()),
        revision: schema.add_i64_field(column::REVISION, number()),
        fingerprint: schema.add_u64_field(column::FINGERPRINT, number()),
        updated: schema.add_i64_field(column::UPDATED, number()),
        proof: schema.add_u64_field(column::PROOF, number()),
        confidence: schema.add_u64_field(column::CONFIDENCE, number()),
        safety: schema.add_u64_field(column::SAFETY, number()),
        community: schema.add_text_field(column::COMMUNITY, labels()),
        product: schema.add_text_field(column::PRODUCT, labels()),
        fault_code: schema.add_text_field(column::FAULT_CODE, labels()),
        tag: schema.add_text_field(column::TAG, labels()),
        lang: schema.add_text_field(column::LANG, labels()),
        author: schema.add_text_field(column::AUTHOR, labels()),
    };
    (schema.build(), fields)
}
