//! The references: what the engine itself costs. For searches, one stemmed text field with everything in it, all words
//! wanted, ten stored titles read: no typo, no relaxing, no highlights, no visibility. For indexing, the product's own
//! fields, filled by the engine's own tokenizers.

use std::path::Path;

use eureka_search::TipDocument;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{FAST, Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value};
use tantivy::store::{Compressor, ZstdCompressor};
use tantivy::tokenizer::{TextAnalyzer, TokenizerManager};
use tantivy::{Index, IndexReader, IndexSettings, TantivyDocument, Term};

/// A bare index.
pub struct Bare {
    index: Index,
    reader: IndexReader,
    text: Field,
    title: Field,
}

impl Bare {
    /// Indexes the tips.
    pub fn new(tips: &[TipDocument]) -> Self {
        let mut schema = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("en_stem")
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let text = schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
        let title = schema.add_text_field("title", STORED);
        let index = Index::create_in_ram(schema.build());
        let mut writer = index.writer::<TantivyDocument>(100_000_000).expect("a writer");
        for tip in tips {
            let mut document = TantivyDocument::default();
            let parts = [
                tip.title.as_str(),
                &tip.problem,
                tip.cause.as_deref().unwrap_or_default(),
                tip.solution.as_deref().unwrap_or_default(),
                &tip.fault_codes.join(" "),
            ];
            document.add_text(text, parts.join("\n"));
            document.add_text(title, &tip.title);
            writer.add_document(document).expect("room");
        }
        writer.commit().expect("a commit");
        let reader = index.reader().expect("a reader");
        Self { index, reader, text, title }
    }

    /// The ten best titles that hold every word.
    pub fn search(&self, q: &str) -> Vec<String> {
        let mut analyzer: TextAnalyzer = self.index.tokenizer_for_field(self.text).expect("its tokenizer");
        let mut words: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        analyzer.token_stream(q).process(&mut |token| {
            let term = Term::from_field_text(self.text, &token.text);
            words.push((Occur::Must, Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))));
        });
        let searcher = self.reader.searcher();
        let best = TopDocs::with_limit(10).order_by_score();
        let found = searcher.search(&BooleanQuery::new(words), &best).expect("an answer");
        let title = |address| {
            let document: TantivyDocument = searcher.doc(address).expect("a document");
            document.get_first(self.title).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
        };
        found.into_iter().map(|(_, address)| title(address)).collect()
    }
}

/// The engine's own analysis of English.
pub fn bare_analyzer() -> TextAnalyzer {
    TokenizerManager::default().get("en_stem").expect("its tokenizer")
}

/// How many terms it makes of a tip's texts.
pub fn count_terms(analyzer: &mut TextAnalyzer, tip: &TipDocument) -> usize {
    let texts = [Some(&tip.title), Some(&tip.problem), tip.cause.as_ref(), tip.solution.as_ref()];
    let mut terms = 0;
    for text in texts.into_iter().flatten() {
        analyzer.token_stream(text).process(&mut |_| terms += 1);
    }
    terms
}

/// Bare tantivy with the fields that the product has: text with positions, the headline again, words as written, codes,
/// labels, columns to filter and count by, and the whole tip to show.
pub struct SameFields;

impl SameFields {
    /// Indexes the tips in a folder.
    pub fn index(tips: &[TipDocument], folder: &Path) {
        let mut schema = Schema::builder();
        let text = |tokenizer: &str, record| {
            let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(record);
            TextOptions::default().set_indexing_options(indexing)
        };
        let all = schema.add_text_field("all", text("en_stem", IndexRecordOption::WithFreqsAndPositions));
        let headline = schema.add_text_field("headline", text("en_stem", IndexRecordOption::WithFreqs));
        let words = schema.add_text_field("words", text("default", IndexRecordOption::Basic));
        let codes = schema.add_text_field("codes", text("raw", IndexRecordOption::Basic));
        let labels = schema.add_text_field("labels", text("raw", IndexRecordOption::Basic));
        let shown = schema.add_text_field("shown", STORED);
        let columns = ["community", "author", "lang", "product", "fault_code"]
            .map(|name| schema.add_text_field(name, TextOptions::default().set_fast("raw")));
        let numbers = ["high", "low", "number", "revision", "fingerprint", "updated", "proof", "confidence", "safety"]
            .map(|name| schema.add_u64_field(name, FAST));
        let settings = IndexSettings {
            docstore_compression: Compressor::Zstd(ZstdCompressor::default()),
            ..IndexSettings::default()
        };
        let index = Index::builder().schema(schema.build()).settings(settings).create_in_dir(folder);
        let index = index.expect("an index");
        let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, 25_000_000).expect("a writer");
        for tip in tips {
            let mut document = TantivyDocument::default();
            let parts = [
                tip.title.as_str(),
                &tip.problem,
                tip.cause.as_deref().unwrap_or_default(),
                tip.solution.as_deref().unwrap_or_default(),
                &tip.products.join(" "),
                &tip.fault_codes.join(" "),
            ];
            document.add_text(all, parts.join("\n"));
            document.add_text(headline, &tip.title);
            document.add_text(words, parts.join("\n"));
            let author = tip.author.0.simple().to_string();
            let community = tip.community.0.simple().to_string();
            for label in tip.products.iter().chain(&tip.fault_codes).chain([&author, &community, &tip.author_name]) {
                document.add_text(labels, label);
            }
            document.add_text(shown, serde_json::to_string(tip).expect("JSON"));
            let lang = tip.lang.as_deref().unwrap_or_default();
            let values = [&community, &author, lang, &tip.products.join(" "), &tip.fault_codes.join(" ")];
            for (column, value) in columns.iter().zip(values) {
                document.add_text(*column, value);
            }
            for code in &tip.fault_codes {
                document.add_text(codes, code);
            }
            for (place, field) in numbers.iter().enumerate() {
                document.add_u64(*field, tip.tip.0.as_u64_pair().1.rotate_left(u32::try_from(place).unwrap_or(0)));
            }
            writer.add_document(document).expect("room");
        }
        writer.commit().expect("a commit");
        writer.wait_merging_threads().expect("an end");
    }
}
