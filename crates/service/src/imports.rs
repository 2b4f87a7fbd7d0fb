//! Import of tips that were approved elsewhere: in slices, repeatable without doubles, each refusal told. What stewards send
//! over HTTP is in `imports/sent.rs`.

mod sent;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use eureka_domain::change::{Change, Kind};
use eureka_domain::community::Community;
use eureka_domain::ids::{CommunityId, TipId, TipNumber, UserId};
use eureka_domain::tip::{Confidence, Revision, State, Tip, TipText};
use eureka_domain::user::{SiteRole, User, UserStatus, checked_name};
use eureka_domain::{FieldError, Ids, Instant, RuleError};
use eureka_store::{Conn, communities, log, tips, users};

use crate::{Service, ServiceError};

pub use sent::{ImportOrder, ImportView, LineOutcome, LineResult};

/// How many tips are written in one transaction, so that others wait milliseconds for the writer.
pub const SLICE: usize = 250;

/// A tip to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportLine {
    /// Its number in the input, from 1.
    pub line: usize,
    /// Its name where it comes from; an import of the same name is skipped.
    pub external_id: String,
    /// The slug of the community that will own it.
    pub community: String,
    /// The name on it.
    pub author: String,
    /// How far it can be relied on: validated, or not.
    pub confidence: Confidence,
    /// What it says.
    pub text: TipText,
}

/// A line that was not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its number in the input, from 1.
    pub line: usize,
    /// Its name where it comes from.
    pub external_id: String,
    /// Why, field by field.
    pub errors: Vec<FieldError>,
}

/// What came of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// How many tips were made.
    pub imported: usize,
    /// How many were here before.
    pub known: usize,
    /// What was not taken.
    pub refused: Vec<Refusal>,
    /// The position of the last change.
    pub position: i64,
}

impl ImportReport {
    /// Adds what came of the next slice.
    pub fn add(&mut self, other: Self) {
        self.imported += other.imported;
        self.known += other.known;
        self.refused.extend(other.refused);
        self.position = self.position.max(other.position);
    }
}

impl Service {
    /// Takes tips in as approved, in slices of [`SLICE`]: each slice whole or not at all.
    pub fn import_tips(&self, lines: Vec<ImportLine>) -> Result<ImportReport, ServiceError> {
        let mut report = ImportReport::default();
        let mut lines = lines.into_iter().peekable();
        while lines.peek().is_some() {
            let slice: Vec<_> = lines.by_ref().take(SLICE).collect();
            report.add(self.import_slice(slice)?);
        }
        Ok(report)
    }

    fn import_slice(&self, lines: Vec<ImportLine>) -> Result<ImportReport, ServiceError> {
        let now = self.clock.now();
        let (accepted, refused) = self.checked_slice(lines, now);
        let mut report = ImportReport { refused, ..ImportReport::default() };
        let ids = Arc::clone(&self.ids);
        let written = self.store.write(move |conn| insert_all(conn, accepted, None, &|_| Ok(()), &*ids, now))?;
        for (line, verdict) in written.value {
            match verdict {
                Verdict::Taken(..) => report.imported += 1,
                Verdict::Known => report.known += 1,
                Verdict::Refused(errors) => {
                    report.refused.push(Refusal { line: line.line, external_id: line.external_id, errors });
                }
            }
        }
        report.position = written.position;
        Ok(report)
    }

    /// The lines that break no rule, each with an id for its tip, and the others.
    fn checked_slice(&self, lines: Vec<ImportLine>, now: Instant) -> (Vec<(TipId, ImportLine)>, Vec<Refusal>) {
        let (mut accepted, mut refused) = (Vec::with_capacity(lines.len()), Vec::new());
        for line in lines {
            let (number, external_id) = (line.line, line.external_id.clone());
            match checked(line) {
                Ok(line) => accepted.push((TipId(self.new_id(now)), line)),
                Err(errors) => refused.push(Refusal { line: number, external_id, errors }),
            }
        }
        (accepted, refused)
    }
}

fn checked(line: ImportLine) -> Result<ImportLine, Vec<FieldError>> {
    let fields = |error: RuleError| match error {
        RuleError::Invalid(errors) => errors,
        other => vec![FieldError::new("", "invalid", other.to_string())],
    };
    let author = checked_name(&line.author, "/author").map_err(fields)?;
    let text = line.text.checked().map_err(fields)?;
    let external_id = line.external_id.trim().to_owned();
    if external_id.is_empty() || external_id.len() > 200 {
        return Err(vec![FieldError::new("/id", "invalid", "1 to 200 bytes")]);
    }
    if !matches!(line.confidence, Confidence::Validated | Confidence::NotValidated) {
        return Err(vec![FieldError::new("/confidence", "invalid", "validated, or not_validated")]);
    }
    Ok(ImportLine { external_id, author, text, ..line })
}

/// What comes of a line that breaks no rule of its own.
pub(crate) enum Verdict {
    /// It became this tip.
    Taken(TipId, TipNumber),
    /// The tip was here before.
    Known,
    /// It is not taken.
    Refused(Vec<FieldError>),
}

/// Whether tips may be taken into a community.
type Permit<'a> = &'a dyn Fn(&Community) -> Result<(), FieldError>;

/// What comes of each line: the community it is for, unless it is known or refused.
fn judged(
    conn: &mut Conn<'_>,
    lines: &[(TipId, ImportLine)],
    permit: Permit<'_>,
) -> Result<Vec<Result<CommunityId, Verdict>>, ServiceError> {
    let mut homes = homes_of(conn, lines, permit)?;
    let judge = |(_, line): &(TipId, ImportLine)| match homes.get_mut(&line.community) {
        None => Err(Verdict::Refused(vec![unknown_community()])),
        Some(Err(refusal)) => Err(Verdict::Refused(vec![refusal.clone()])),
        Some(Ok(home)) => {
            let is_new = home.known.insert(line.external_id.clone());
            if is_new { Ok(home.community) } else { Err(Verdict::Known) }
        }
    };
    Ok(lines.iter().map(judge).collect())
}

pub(crate) fn unknown_community() -> FieldError {
    FieldError::new("/community", "unknown", "there is no such community")
}

fn insert_all(
    conn: &mut Conn<'_>,
    lines: Vec<(TipId, ImportLine)>,
    actor: Option<UserId>,
    permit: Permit<'_>,
    ids: &dyn Ids,
    now: Instant,
) -> Result<Vec<(ImportLine, Verdict)>, ServiceError> {
    let mut number = tips::next_number(conn)?.0;
    let mut rows: Vec<(Tip, Revision)> = Vec::with_capacity(lines.len());
    let mut authors: HashMap<String, UserId> = HashMap::new();
    let verdicts = judged(conn, &lines, permit)?;
    let mut told = Vec::with_capacity(lines.len());
    for ((id, line), verdict) in lines.into_iter().zip(verdicts) {
        let community = match verdict {
            Ok(community) => community,
            Err(verdict) => {
                told.push((line, verdict));
                continue;
            }
        };
        let author = match authors.get(&line.author) {
            Some(&author) => author,
            None => imported_author(conn, &line.author, ids, now)?,
        };
        authors.insert(line.author.clone(), author);
        rows.push(approved(id, TipNumber(number), community, author, &line, now));
        told.push((line, Verdict::Taken(id, TipNumber(number))));
        number += 1;
    }
    eureka_store::insert_imported(conn, &rows)?;
    for (tip, revision) in &rows {
        let change = Change::new(Kind::TipImported, actor, now).of_tip(tip.id);
        log::append(conn, &change.at_revision(None, revision))?;
    }
    Ok(told)
}

/// A community that tips are imported into, and the external ids that it has.
struct Home {
    community: CommunityId,
    known: HashSet<String>,
}

/// The communities that the lines name, by slug: those that there are, or why nothing may be taken into them.
fn homes_of(
    conn: &mut Conn<'_>,
    lines: &[(TipId, ImportLine)],
    permit: Permit<'_>,
) -> Result<HashMap<String, Result<Home, FieldError>>, ServiceError> {
    let mut external_ids: HashMap<&str, Vec<String>> = HashMap::new();
    for (_, line) in lines {
        external_ids.entry(&line.community).or_default().push(line.external_id.clone());
    }
    let mut homes = HashMap::new();
    for (slug, external_ids) in external_ids {
        if let Some(community) = communities::find_slug(conn, slug)? {
            let home = match permit(&community) {
                Ok(()) => {
                    let known = tips::by_external_ids(conn, community.id, &external_ids)?.into_keys().collect();
                    Ok(Home { community: community.id, known })
                }
                Err(refusal) => Err(refusal),
            };
            homes.insert(slug.to_owned(), home);
        }
    }
    Ok(homes)
}

/// The account that stands for an author who never signs in: found again by their name.
fn imported_author(conn: &mut Conn<'_>, name: &str, ids: &dyn Ids, now: Instant) -> Result<UserId, ServiceError> {
    if let Some(known) = users::find_imported(conn, name)? {
        return Ok(known);
    }
    let user = User {
        id: UserId(ids.next(now)),
        email: None,
        name: name.to_owned(),
        site_role: SiteRole::Member,
        status: UserStatus::Active,
        auth_epoch: 0,
        created_at: now,
        updated_at: now,
    };
    users::insert(conn, &user, None)?;
    Ok(user.id)
}

fn approved(
    id: TipId,
    number: TipNumber,
    community: CommunityId,
    author: UserId,
    line: &ImportLine,
    now: Instant,
) -> (Tip, Revision) {
    let tip = Tip {
        id,
        number,
        community,
        author,
        confidence: line.confidence,
        hold: None,
        replaced: None,
        live: Some(1),
        latest: 1,
        review: None,
        external_id: Some(line.external_id.clone()),
        created_at: now,
        updated_at: now,
        published_at: Some(now),
    };
    let revision = Revision {
        tip: id,
        number: 1,
        round: 1,
        state: State::Published,
        text: line.text.clone(),
        editor: author,
        credited: [author].into(),
        created_at: now,
        updated_at: now,
        submitted_at: Some(now),
        decided_at: Some(now),
    };
    (tip, revision)
}
