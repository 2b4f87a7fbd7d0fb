//! The reference for searches: bare tantivy, one stemmed text field with everything in it, all words wanted, ten stored
//! titles read. No typo, no relaxing, no highlights, no visibility: what the engine itself costs.

use eureka_search::TipDocument;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{Index, IndexReader, TantivyDocument, Term};

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
