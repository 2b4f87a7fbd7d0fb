//! A judged collection: documents, queries, and which documents answer which.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use eureka_domain::tip::{BODY_MAX, Confidence, Safety, TITLE_MAX, TipText};
use eureka_service::ImportLine;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::import;

/// The community of all documents.
pub(super) const COMMUNITY: &str = "collection";
/// Words of a text that stand for a title where there is none.
const TITLE_WORDS: usize = 8;

/// Documents with judgements.
pub(super) struct Collection {
    /// The folder's name.
    pub(super) name: String,
    /// The documents, as tips to be imported under their own names.
    pub(super) documents: Vec<ImportLine>,
    folder: PathBuf,
    /// Grades by query and document; queries without a relevant document are left out. Absent for known items.
    judged: Option<HashMap<String, HashMap<String, i32>>>,
}

/// One file of queries.
pub(super) struct Queries {
    /// What its name says beyond `queries`.
    pub(super) variant: String,
    /// Those that are judged.
    pub(super) asked: Vec<Query>,
    /// How many queries are judged, in the file or not: one that is not asked found nothing.
    pub(super) judged: usize,
    /// Whether each query was drawn from one document, which is to be found again.
    pub(super) are_known_items: bool,
}

/// One query.
pub(super) struct Query {
    /// Its name in judgements and runs.
    pub(super) id: String,
    /// What is typed.
    pub(super) text: String,
    /// The document that the query is.
    pub(super) own: Option<String>,
    /// What kind of query it is, where that is told.
    pub(super) kind: Option<String>,
    /// Grades by document.
    pub(super) relevant: HashMap<String, i32>,
}

#[derive(Deserialize)]
struct DocumentLine {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    title: String,
    text: String,
    lang: Option<String>,
}

#[derive(Deserialize)]
struct QueryLine {
    #[serde(rename = "_id")]
    id: String,
    text: String,
    doc: Option<String>,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct KnownItemLine {
    q: String,
    source: serde_json::Value,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Collection {
    /// Reads documents and judgements.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let name = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let name = name.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let known_items = folder.join("tips.jsonl.gz");
        let (documents, judged) = if known_items.exists() {
            (tips(&known_items)?, None)
        } else {
            (documents(&folder.join("corpus.jsonl"))?, Some(judgements(&folder.join("qrels.tsv"))?))
        };
        Ok(Self { name, documents, folder: folder.to_owned(), judged })
    }

    /// Every `queries*.jsonl` of the folder, the plain one first.
    pub(super) fn all_queries(&self) -> anyhow::Result<Vec<Queries>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("queries") && name.ends_with(".jsonl") {
                files.push(path);
            }
        }
        if files.is_empty() {
            bail!("{} has no queries*.jsonl", self.folder.display());
        }
        files.sort_by_key(|path| (path.file_stem().map(std::ffi::OsStr::len), path.clone()));
        files.iter().map(|file| self.queries(file)).collect()
    }

    /// One file of queries.
    pub(super) fn queries(&self, file: &Path) -> anyhow::Result<Queries> {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let variant = stem.strip_prefix("queries").unwrap_or(&stem).to_owned();
        let Some(judged) = &self.judged else {
            let asked = known_items(file)?;
            return Ok(Queries { variant, judged: asked.len(), asked, are_known_items: true });
        };
        let mut asked = Vec::new();
        each_line(file, |_, line: QueryLine| {
            if let Some(relevant) = judged.get(&line.id) {
                let relevant = relevant.clone();
                asked.push(Query { id: line.id, text: line.text, own: line.doc, kind: line.kind, relevant });
            }
            Ok(())
        })?;
        Ok(Queries { variant, asked, judged: judged.len(), are_known_items: false })
    }
}

fn documents(path: &Path) -> anyhow::Result<Vec<ImportLine>> {
    let mut documents = Vec::new();
    each_line(path, |number, line: DocumentLine| {
        // An empty document is found by nothing, and is no tip.
        if !(line.title.trim().is_empty() && line.text.trim().is_empty()) {
            documents.push(as_tip(number, line));
        }
        Ok(())
    })?;
    Ok(documents)
}

/// A title is one line and demanded: texts without one get their beginning. What is longer than a tip can be is cut.
fn as_tip(number: usize, document: DocumentLine) -> ImportLine {
    let title = if document.title.trim().is_empty() {
        document.text.split_whitespace().take(TITLE_WORDS).collect::<Vec<_>>().join(" ")
    } else {
        document.title.replace('\n', " ")
    };
    let title = beginning(&title, TITLE_MAX);
    let problem = if document.text.trim().is_empty() { title.clone() } else { beginning(&document.text, BODY_MAX) };
    ImportLine {
        line: number,
        external_id: document.id,
        community: COMMUNITY.to_owned(),
        author: "Collection".to_owned(),
        confidence: Confidence::Validated,
        text: TipText {
            title,
            problem,
            cause: None,
            solution: None,
            products: Vec::new(),
            fault_codes: Vec::new(),
            parts: Vec::new(),
            tags: Vec::new(),
            safety: Safety::None,
            hazard: None,
            attachments: Vec::new(),
            lang: document.lang,
        },
    }
}

/// As much of a text as a tip can hold.
fn beginning(text: &str, most: usize) -> String {
    text.trim().chars().take(most).collect()
}

fn tips(path: &Path) -> anyhow::Result<Vec<ImportLine>> {
    let mut documents = Vec::new();
    for (place, line) in lines(path)?.enumerate() {
        let line = import::read_line(place + 1, &line?, COMMUNITY)
            .map_err(|refusal| anyhow::anyhow!("{}: {refusal:?}", path.display()))?;
        documents.push(ImportLine { community: COMMUNITY.to_owned(), ..line });
    }
    Ok(documents)
}

fn known_items(path: &Path) -> anyhow::Result<Vec<Query>> {
    let mut asked = Vec::new();
    each_line(path, |number, line: KnownItemLine| {
        let source = line.source.as_str().map_or_else(|| line.source.to_string(), str::to_owned);
        let relevant = HashMap::from([(source, 1)]);
        asked.push(Query { id: format!("q{number}"), text: line.q, own: None, kind: line.kind, relevant });
        Ok(())
    })?;
    Ok(asked)
}

/// Reads `query-id<TAB>corpus-id<TAB>score`, or TREC's four columns; of each query with a relevant document.
fn judgements(path: &Path) -> anyhow::Result<HashMap<String, HashMap<String, i32>>> {
    let mut judged: HashMap<String, HashMap<String, i32>> = HashMap::new();
    for (place, line) in lines(path)?.enumerate() {
        let line = line?;
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (query, document, grade) = match columns.as_slice() {
            [] | ["query-id" | "qid", ..] => continue,
            [query, document, grade] | [query, _, document, grade] => (query, document, grade),
            _ => bail!("{}:{}: three or four columns are wanted", path.display(), place + 1),
        };
        let grade: f64 = grade.parse().with_context(|| format!("{}:{}: a grade", path.display(), place + 1))?;
        #[allow(clippy::cast_possible_truncation, reason = "grades are small")]
        judged.entry((*query).to_owned()).or_default().insert((*document).to_owned(), grade as i32);
    }
    judged.retain(|_, grades| grades.values().any(|grade| *grade > 0));
    Ok(judged)
}

fn each_line<T: DeserializeOwned>(
    path: &Path,
    mut f: impl FnMut(usize, T) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for (place, line) in lines(path)?.enumerate() {
        let line = line?;
        if !line.trim().is_empty() {
            let value = serde_json::from_str(&line).with_context(|| format!("{}:{}", path.display(), place + 1))?;
            f(place + 1, value)?;
        }
    }
    Ok(())
}

fn lines(path: &Path) -> anyhow::Result<impl Iterator<Item = std::io::Result<String>>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let unpacked: Box<dyn Read> = if path.extension().is_some_and(|end| end == "gz") {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    Ok(BufReader::new(unpacked).lines())
}
