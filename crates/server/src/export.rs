//! `eureka export`: a whole base as NDJSON, for `eureka import` elsewhere: communities, glossaries, the tips that were ever
//! approved with their earlier texts, their files and what using them did, flags, relations, and what took whose place; with
//! `--all` also what peers have not approved, reviews, watches and gaps. Each person is told of before the first line that
//! names them, a tip comes behind its files, and behind a tip that a decision on it names.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use eureka_domain::ids::UserId;
use eureka_service::{Moved, MovedReview, MovedTip, Portion, Service};
use serde::Serialize;

use crate::config::Settings;
use crate::lines::{CommunityLine, MovedLine, TipLine};
use crate::manifest::create_private;
use crate::start;

/// Where to.
#[derive(Args)]
pub(crate) struct Arguments {
    /// NDJSON file, gzipped where its name ends in `.gz`; it must not be there
    file: PathBuf,
    /// Also everybody's name and login name, and who is what in which community. Without it people have no name but those
    /// whose words are in tips
    #[arg(long)]
    people: bool,
    /// Everything that people wrote, with `--people`: also drafts, what is under review, and what was sent back, turned down
    /// or taken back; reviews with their decisions and comments; who watches what; gaps. Never in the file are passwords,
    /// sessions, API keys, webhooks, identities of providers, notifications, kept replies, reports of imports, remembered
    /// searches, and the change log: `backup` keeps those
    #[arg(long)]
    all: bool,
}

/// Writes the file.
pub(crate) fn export(settings: &Settings, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let service = start::offline(settings, start::open_to_read(settings)?)?;
    let path = &arguments.file;
    let file = create_private(path)?;
    let (communities, tips) = if path.extension().is_some_and(|extension| extension == "gz") {
        let out = flate2::write::GzEncoder::new(BufWriter::new(file), flate2::Compression::default());
        let mut exporter = Exporter::new(&service, arguments, out);
        let written = exporter.write()?;
        exporter.out.finish()?.into_inner()?.sync_all()?;
        written
    } else {
        let mut exporter = Exporter::new(&service, arguments, BufWriter::new(file));
        let written = exporter.write()?;
        exporter.out.into_inner()?.sync_all()?;
        written
    };
    println!("exported {communities} communities and {tips} tips");
    Ok(ExitCode::SUCCESS)
}

struct Exporter<'s, W> {
    service: &'s Service,
    with_people: bool,
    portion: Portion,
    /// Those who have a line.
    told: BTreeSet<UserId>,
    out: W,
}

impl<'s, W: Write> Exporter<'s, W> {
    fn new(service: &'s Service, arguments: &Arguments, out: W) -> Self {
        let portion = if arguments.all { Portion::Everything } else { Portion::Approved };
        Self { service, with_people: arguments.people || arguments.all, portion, told: BTreeSet::new(), out }
    }

    /// Says how many communities and tips there were.
    fn write(&mut self) -> anyhow::Result<(usize, usize)> {
        let communities = self.service.every_community()?;
        let (count, mut tips) = (communities.len(), 0);
        for community in communities {
            self.line(&MovedLine::Community(CommunityLine::from(community)))?;
        }
        if self.with_people {
            self.all_people()?;
            self.all(self.service.members_to_move()?)?;
        }
        self.all(self.service.glossaries_to_move()?)?;
        let mut after = None;
        loop {
            let (moved, next) = self.service.tips_to_move(self.portion, after)?;
            tips += self.tips(moved)?;
            after = next;
            if after.is_none() {
                break;
            }
        }
        if self.portion == Portion::Everything {
            tips += self.tips(self.service.tips_turned_into_others()?)?;
        }
        loop {
            let (moved, next) = self.service.links_to_move(self.portion, after)?;
            self.all(moved)?;
            after = next;
            if after.is_none() {
                break;
            }
        }
        if self.portion == Portion::Everything {
            self.gaps()?;
        }
        Ok((count, tips))
    }

    /// Writes tips, each behind its files; says how many.
    fn tips(&mut self, moved: Vec<MovedTip>) -> anyhow::Result<usize> {
        let count = moved.len();
        for tip in moved {
            self.tell(named_by_tip(&tip))?;
            for sha256 in tip.files() {
                let file = self.service.file_to_move(&sha256)?;
                self.line(&MovedLine::File(file.into()))?;
            }
            self.line(&MovedLine::Tip(Box::new(TipLine::from(tip))))?;
        }
        Ok(count)
    }

    fn gaps(&mut self) -> anyhow::Result<()> {
        let mut after = None;
        loop {
            let (moved, next) = self.service.gaps_to_move(after)?;
            self.all(moved)?;
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn all_people(&mut self) -> anyhow::Result<()> {
        let mut after = None;
        loop {
            let (people, next) = self.service.people_to_move(after)?;
            self.tell(people.into_iter().collect())?;
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn all(&mut self, moved: Vec<Moved>) -> anyhow::Result<()> {
        for moved in moved {
            self.tell(named_by(&moved))?;
            self.line(&MovedLine::from(moved))?;
        }
        Ok(())
    }

    /// Tells of these people, those who have a line excepted.
    fn tell(&mut self, people: BTreeSet<UserId>) -> anyhow::Result<()> {
        let new: Vec<UserId> = people.into_iter().filter(|person| self.told.insert(*person)).collect();
        for person in self.service.people_named(&new, self.with_people)? {
            self.line(&MovedLine::Person(person.into()))?;
        }
        Ok(())
    }

    fn line(&mut self, line: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        Ok(self.out.write_all(b"\n")?)
    }
}

fn named_by_tip(tip: &MovedTip) -> BTreeSet<UserId> {
    let of_texts = tip.revisions.iter().flat_map(|text| text.credited.iter().copied().chain([text.editor]));
    let of_reviews = tip.reviews.iter().flat_map(MovedReview::people);
    of_texts.chain(of_reviews).chain(tip.outcomes.iter().map(|outcome| outcome.user)).chain([tip.author]).collect()
}

fn named_by(moved: &Moved) -> BTreeSet<UserId> {
    match moved {
        Moved::Member { user, .. } => [*user].into(),
        Moved::Glossary { versions, .. } => versions.iter().filter_map(|version| version.editor).collect(),
        Moved::Flag { flag, .. } => {
            let by = flag.resolved.as_ref().and_then(|end| end.by);
            [flag.flagged_by, flag.assignee, by].into_iter().flatten().collect()
        }
        Moved::Relation { relation, .. } => [relation.by].into(),
        Moved::Replaced { .. } => BTreeSet::new(),
        Moved::Watch { user, .. } => [*user].into(),
        Moved::Gap(moved) => moved.gap.claim.map(|claim| claim.by).into_iter().collect(),
    }
}
