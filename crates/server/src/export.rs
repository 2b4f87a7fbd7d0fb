//! `eureka export`: what `eureka import` takes in elsewhere, as NDJSON: the communities, then the tips that readers find, in
//! the order in which they were written.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use eureka_domain::community::{Charter, Community, Openness, ReviewPolicy};
use eureka_domain::tip::TipText;
use eureka_service::ImportLine;
use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::start;

/// Where to.
#[derive(Args)]
pub(crate) struct Arguments {
    /// NDJSON file, gzipped where its name ends in `.gz`; it must not be there
    file: PathBuf,
}

/// A community, as a line of the file.
#[derive(Serialize, Deserialize)]
pub(crate) struct CommunityLine {
    /// What tells it from a tip.
    record: CommunityRecord,
    slug: String,
    name: String,
    description: String,
    visibility: Openness,
    policy: PolicyLine,
}

#[derive(Serialize, Deserialize)]
enum CommunityRecord {
    #[serde(rename = "community")]
    Community,
}

#[derive(Serialize, Deserialize)]
struct PolicyLine {
    quorum: i32,
    safety_quorum: i32,
    claim_minutes: i32,
    first_response_days: i32,
    decision_days: i32,
}

impl From<Community> for CommunityLine {
    fn from(community: Community) -> Self {
        let ReviewPolicy { quorum, safety_quorum, claim_minutes, first_response_days, decision_days } =
            community.policy;
        Self {
            record: CommunityRecord::Community,
            slug: community.slug,
            name: community.name,
            description: community.description,
            visibility: community.openness,
            policy: PolicyLine { quorum, safety_quorum, claim_minutes, first_response_days, decision_days },
        }
    }
}

impl From<CommunityLine> for Charter {
    fn from(line: CommunityLine) -> Self {
        let PolicyLine { quorum, safety_quorum, claim_minutes, first_response_days, decision_days } = line.policy;
        Self {
            slug: line.slug,
            name: line.name,
            description: line.description,
            openness: line.visibility,
            policy: ReviewPolicy { quorum, safety_quorum, claim_minutes, first_response_days, decision_days },
        }
    }
}

/// A tip, as a line of the file.
#[derive(Serialize)]
struct TipLine {
    id: String,
    community: String,
    author: String,
    confidence: eureka_domain::tip::Confidence,
    #[serde(flatten)]
    text: TextLine,
}

#[derive(Serialize)]
struct TextLine {
    title: String,
    problem: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    solution: Option<String>,
    products: Vec<String>,
    fault_codes: Vec<String>,
    parts: Vec<String>,
    tags: Vec<String>,
    safety: eureka_domain::tip::Safety,
    #[serde(skip_serializing_if = "Option::is_none")]
    hazard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lang: Option<String>,
}

impl From<ImportLine> for TipLine {
    fn from(line: ImportLine) -> Self {
        let ImportLine { external_id, community, author, confidence, text, .. } = line;
        let TipText { title, problem, cause, solution, products, fault_codes, parts, tags, safety, hazard, lang } =
            text;
        let text =
            TextLine { title, problem, cause, solution, products, fault_codes, parts, tags, safety, hazard, lang };
        Self { id: external_id, community, author, confidence, text }
    }
}

/// Writes the file.
pub(crate) fn export(settings: &Settings, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let service = start::offline(settings, start::open_to_read(settings)?)?;
    let path = &arguments.file;
    let file = File::create_new(path).with_context(|| format!("cannot make {}", path.display()))?;
    let (communities, tips) = if path.extension().is_some_and(|extension| extension == "gz") {
        let mut out = flate2::write::GzEncoder::new(BufWriter::new(file), flate2::Compression::default());
        let written = write(&service, &mut out)?;
        out.finish()?.into_inner()?.sync_all()?;
        written
    } else {
        let mut out = BufWriter::new(file);
        let written = write(&service, &mut out)?;
        out.into_inner()?.sync_all()?;
        written
    };
    println!("exported {communities} communities and {tips} tips");
    Ok(ExitCode::SUCCESS)
}

/// Says how many communities and tips there were.
fn write(service: &eureka_service::Service, out: &mut impl Write) -> anyhow::Result<(usize, usize)> {
    let (mut communities, mut tips) = (0, 0);
    for community in service.every_community()? {
        write_line(out, &CommunityLine::from(community))?;
        communities += 1;
    }
    let mut after = None;
    loop {
        let (lines, next) = service.export_lines(after)?;
        tips += lines.len();
        for line in lines {
            write_line(out, &TipLine::from(line))?;
        }
        if next.is_none() {
            return Ok((communities, tips));
        }
        after = next;
    }
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    Ok(out.write_all(b"\n")?)
}
