//! `eureka import`: approved tips from NDJSON, plain or gzipped, streaming; and all that is in a file that `eureka export`
//! has written, with `--all` or without. A line that could not have come about here is refused with its number; what is here
//! by its name is left as it is.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use eureka_domain::community::{Charter, Openness, ReviewPolicy};
use eureka_domain::ids::UserId;
use eureka_domain::tip::{Confidence, Safety, TipText};
use eureka_domain::{FieldError, RuleError};
use eureka_service::{
    Arrival, ImportLine, ImportReport, Moved, MovedFile, MovedPerson, MovedTip, Refusal, Service, ServiceError,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;

use crate::config::Settings;
use crate::lines::{KINDS, MovedLine};
use crate::{logging, operate, start};

/// What to import.
#[derive(Args)]
pub(crate) struct Arguments {
    /// NDJSON file, plain or gzipped: one tip a line with `id, title, problem, cause?, solution?, product(s)?,
    /// fault_codes?, parts?, tags?, safety?, hazard?, lang?, author?, source?, community?`; or what `export` has written, with
    /// `--all` or without: what is here by its name is left as it is, what could not have come about here is refused. No
    /// passwords, sessions, keys or webhooks come with it: an admin lets people in
    file: PathBuf,
    /// Community of tips that name none; made, open, if it is not there
    #[arg(long, default_value = "imported", value_name = "SLUG")]
    community: String,
    /// How many refused lines to print
    #[arg(long, default_value_t = 10, value_name = "N")]
    show_refused: usize,
}

/// One line of an import file.
#[derive(Deserialize)]
struct Line {
    external_id: Option<String>,
    #[serde(default)]
    id: serde_json::Value,
    community: Option<String>,
    title: String,
    problem: String,
    cause: Option<String>,
    solution: Option<String>,
    product: Option<String>,
    #[serde(default)]
    products: Vec<String>,
    #[serde(default)]
    fault_codes: Vec<String>,
    #[serde(default, alias = "part_numbers")]
    parts: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
    safety: Option<Safety>,
    hazard: Option<String>,
    lang: Option<String>,
    author: Option<Author>,
    source: Option<String>,
    confidence: Option<Confidence>,
}

/// A name, or a person as the API shows them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Author {
    Name(String),
    Person { name: String },
}

/// Lines are written in groups of this many.
const GROUP: usize = eureka_service::IMPORT_SLICE;
/// Or of as many as have files of this many bytes together.
const BYTES: usize = 64 << 20;

/// Imports a file.
pub(crate) fn import(settings: &Settings, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    logging::start(settings)?;
    let bytes =
        std::fs::metadata(&arguments.file).with_context(|| format!("cannot read {}", arguments.file.display()))?.len();
    let started = start::start(settings)?;
    start::ensure_admin(settings, &started.service)?;

    let bar = ProgressBar::new(bytes)
        .with_style(ProgressStyle::with_template("{bar:30} {percent:>3} %  {elapsed} elapsed, {eta} left  {msg}")?);
    let begun = Instant::now();
    let input = bar.wrap_read(File::open(&arguments.file)?);
    let report = import_lines(&started.service, lines_of(&arguments.file, input), arguments, |report| {
        bar.set_message(format!("{} imported, {} refused", report.imported, report.refused.len()));
    })?;
    bar.finish();
    let written = begun.elapsed();
    started.service.indexer().catch_up()?;
    let searchable = begun.elapsed();
    summarise(&report, arguments.show_refused);
    println!(
        "{} tips written in {:.1} s and searchable after {:.1} s: {:.0} tips/s",
        report.imported,
        written.as_secs_f64(),
        searchable.as_secs_f64(),
        operate::rate(report.imported, searchable),
    );
    started.stop();
    Ok(ExitCode::SUCCESS)
}

/// Imports lines of text, telling what has come of them after each group.
fn import_lines(
    service: &Service,
    lines: impl Iterator<Item = std::io::Result<String>>,
    arguments: &Arguments,
    mut progress: impl FnMut(&ImportReport),
) -> anyhow::Result<ImportReport> {
    let mut report = ImportReport::default();
    let mut group = Vec::with_capacity(GROUP);
    let mut is_home_made = false;
    let mut move_in = MoveIn::of(service);
    for (place, line) in lines.enumerate() {
        let line = line.context("the file cannot be read further")?;
        if line.trim().is_empty() {
            continue;
        }
        if is_moved(&line) {
            match read_moved(place + 1, &line) {
                Ok(moved) => move_in.take(place + 1, moved, &mut report)?,
                Err(refusal) => {
                    move_in.files.clear(); // they may be of this line's tip
                    report.refused.push(refusal);
                }
            }
            progress(&report);
            continue;
        }
        match read_line(place + 1, &line, &arguments.community) {
            Ok(line) => {
                if line.community == arguments.community && !is_home_made {
                    ensure_community(service, for_the_rest(&arguments.community))?;
                    is_home_made = true;
                }
                group.push(line);
            }
            Err(refusal) => report.refused.push(refusal),
        }
        if group.len() == GROUP {
            report.add(service.import_tips(std::mem::take(&mut group))?);
            progress(&report);
        }
    }
    report.add(service.import_tips(group)?);
    move_in.settle(&mut report)?;
    progress(&report);
    if move_in.other != (0, 0) {
        println!("and {} of what belongs to tips and communities, {} here before", move_in.other.0, move_in.other.1);
    }
    Ok(report)
}

/// Whether a line is one of `eureka export`.
fn is_moved(line: &str) -> bool {
    #[derive(Deserialize)]
    struct Kinded {
        kind: Option<String>,
    }
    let kind = serde_json::from_str::<Kinded>(line).ok().and_then(|line| line.kind);
    kind.is_some_and(|kind| KINDS.contains(&kind.as_str()))
}

/// Reads a line of `eureka export`. A NUL character is in none: a text in PostgreSQL cannot hold it.
fn read_moved(number: usize, line: &str) -> Result<MovedLine, Refusal> {
    let moved = serde_json::from_str(line).map_err(|error| malformed(number, &error))?;
    if line.contains("\\u0000") && serde_json::from_str(line).is_ok_and(|value| has_nul(&value)) {
        return Err(refusal(number, String::new(), "a NUL character is in it".to_owned()));
    }
    Ok(moved)
}

fn has_nul(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, field)| name.contains('\0') || has_nul(field)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A whole base on its way in, in groups.
struct MoveIn<'s> {
    service: &'s Service,
    /// Who people are here, by who they were there.
    people: HashMap<UserId, UserId>,
    arriving: Vec<(usize, MovedPerson)>,
    /// Those of the next tip.
    files: Vec<MovedFile>,
    tips: Vec<(usize, MovedTip, Vec<MovedFile>)>,
    /// How many bytes the files of these tips have.
    bytes: usize,
    rest: Vec<(usize, Moved)>,
    /// How much of the rest came in, and how much was here.
    other: (usize, usize),
}

impl<'s> MoveIn<'s> {
    fn of(service: &'s Service) -> Self {
        let (people, arriving, rest) = (HashMap::new(), Vec::new(), Vec::new());
        let (files, tips) = (Vec::new(), Vec::new());
        Self { service, people, arriving, files, tips, bytes: 0, rest, other: (0, 0) }
    }

    fn take(&mut self, number: usize, line: MovedLine, report: &mut ImportReport) -> anyhow::Result<()> {
        match line {
            MovedLine::Community(community) => match self.service.found_community(community.into()) {
                Ok(_) | Err(ServiceError::Taken { .. }) => {}
                Err(ServiceError::Rule(RuleError::Invalid(errors))) => {
                    report.refused.push(Refusal { line: number, external_id: String::new(), errors });
                }
                Err(error) => return Err(error.into()),
            },
            MovedLine::Person(person) => self.arriving.push((number, person.into())),
            MovedLine::File(file) => match MovedFile::try_from(file) {
                Ok(file) => self.files.push(file),
                Err(why) => report.refused.push(refusal(number, String::new(), format!("its bytes: {why}"))),
            },
            MovedLine::Tip(tip) => {
                let files = std::mem::take(&mut self.files);
                self.bytes += files.iter().map(|file| file.bytes.len()).sum::<usize>();
                self.tips.push((number, (*tip).into(), files));
            }
            MovedLine::Member(member) => self.rest.push((number, member.into())),
            MovedLine::Glossary(glossary) => self.rest.push((number, glossary.into())),
            MovedLine::Flag(flag) => self.rest.push((number, (*flag).into())),
            MovedLine::Relation(relation) => self.rest.push((number, relation.into())),
            MovedLine::Replaced(replaced) => self.rest.push((number, replaced.into())),
            MovedLine::Watch(watch) => self.rest.push((number, watch.into())),
            MovedLine::Gap(gap) => self.rest.push((number, (*gap).into())),
        }
        // Lines name what stands before them.
        let is_full = self.arriving.len().max(self.tips.len()).max(self.rest.len()) >= GROUP;
        if is_full || self.bytes >= BYTES { self.settle(report) } else { Ok(()) }
    }

    /// Writes what has been read: people, tips, and what belongs to both.
    fn settle(&mut self, report: &mut ImportReport) -> anyhow::Result<()> {
        let (numbers, arriving): (Vec<usize>, Vec<_>) = std::mem::take(&mut self.arriving).into_iter().unzip();
        for (number, taken) in numbers.into_iter().zip(self.service.take_people(arriving)?) {
            match taken {
                Ok((there, here)) => _ = self.people.insert(there, here),
                Err(why) => report.refused.push(refusal(number, String::new(), why)),
            }
        }
        self.bytes = 0;
        let tips = std::mem::take(&mut self.tips);
        let names: Vec<String> = tips.iter().map(|(_, tip, _)| tip.name.id.clone()).collect();
        let (numbers, tips): (Vec<usize>, Vec<_>) =
            tips.into_iter().map(|(number, tip, files)| (number, (tip, files))).unzip();
        let arrived = self.service.take_tips(tips, &self.people)?;
        for ((number, name), arrival) in numbers.into_iter().zip(names).zip(arrived) {
            match arrival {
                Arrival::New => report.imported += 1,
                Arrival::Known => report.known += 1,
                Arrival::Refused(why) => report.refused.push(refusal(number, name, why)),
            }
        }
        let (numbers, rest): (Vec<usize>, Vec<Moved>) = std::mem::take(&mut self.rest).into_iter().unzip();
        for (number, arrival) in numbers.into_iter().zip(self.service.take(rest, &self.people)?) {
            match arrival {
                Arrival::New => self.other.0 += 1,
                Arrival::Known => self.other.1 += 1,
                Arrival::Refused(why) => report.refused.push(refusal(number, String::new(), why)),
            }
        }
        Ok(())
    }
}

fn refusal(line: usize, external_id: String, why: String) -> Refusal {
    Refusal { line, external_id, errors: vec![FieldError::new("", "invalid", why)] }
}

fn malformed(line: usize, error: &serde_json::Error) -> Refusal {
    Refusal { line, external_id: String::new(), errors: vec![FieldError::new("", "malformed", error.to_string())] }
}

/// Reads one line of an import file.
pub(crate) fn read_line(number: usize, line: &str, community: &str) -> Result<ImportLine, Refusal> {
    let line: Line = serde_json::from_str(line).map_err(|error| malformed(number, &error))?;
    let external_id = line.external_id.unwrap_or_else(|| match line.id {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    });
    let author = line.author.map(|author| match author {
        Author::Name(name) | Author::Person { name } => name,
    });
    let mut products = line.products;
    products.extend(line.product.iter().flat_map(|names| names.split(';')).map(str::to_owned));
    Ok(ImportLine {
        line: number,
        external_id,
        community: line.community.unwrap_or_else(|| community.to_owned()),
        // One author a source: the people named in bulk sources never agreed to be authors here.
        author: line.source.or(author).unwrap_or_else(|| "Imported".to_owned()),
        confidence: line.confidence.unwrap_or(Confidence::Validated),
        text: TipText {
            title: line.title,
            problem: line.problem,
            cause: line.cause,
            solution: line.solution,
            products,
            fault_codes: line.fault_codes,
            parts: line.parts,
            tags: line.tags,
            safety: line.safety.unwrap_or(Safety::None),
            hazard: line.hazard,
            attachments: Vec::new(),
            lang: line.lang,
        },
    })
}

/// The lines of a file, unpacked if its name says so.
fn lines_of(path: &Path, input: impl Read + 'static) -> impl Iterator<Item = std::io::Result<String>> {
    let gzipped = path.extension().is_some_and(|extension| extension == "gz");
    let unpacked: Box<dyn Read> =
        if gzipped { Box::new(flate2::read::MultiGzDecoder::new(input)) } else { Box::new(input) };
    BufReader::with_capacity(1 << 16, unpacked).lines()
}

/// Founds a community, where it is not there.
fn ensure_community(service: &Service, charter: Charter) -> anyhow::Result<()> {
    match service.found_community(charter) {
        Ok(_) | Err(ServiceError::Taken { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The community of imported tips that name none.
fn for_the_rest(slug: &str) -> Charter {
    Charter {
        slug: slug.to_owned(),
        name: slug.to_owned(),
        description: "Tips taken in from elsewhere.".to_owned(),
        openness: Openness::Open,
        policy: ReviewPolicy::default(),
    }
}

fn summarise(report: &ImportReport, most: usize) {
    println!("imported {}, here before {}, refused {}", report.imported, report.known, report.refused.len());
    for refusal in report.refused.iter().take(most) {
        for error in &refusal.errors {
            println!(
                "  line {} {}: {} {}: {}",
                refusal.line, refusal.external_id, error.pointer, error.code, error.detail
            );
        }
    }
    if report.refused.len() > most {
        println!("  … and {} more", report.refused.len() - most);
    }
}
