//! Import of tips that were approved elsewhere: in slices, repeatable without doubles, each refusal told.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use eureka_domain::change::{Change, Kind};
use eureka_domain::ids::{CommunityId, TipId, TipNumber, UserId};
use eureka_domain::tip::{Confidence, Revision, State, Tip, TipText};
use eureka_domain::user::{SiteRole, User, UserStatus, checked_name};
use eureka_domain::{FieldError, Ids, Instant, RuleError};
use eureka_store::{Conn, communities, log, tips, users};

use crate::{Service, ServiceError};

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
        let mut report = ImportReport::default();
        let mut accepted = Vec::with_capacity(lines.len());
        for line in lines {
            let (number, external_id) = (line.line, line.external_id.clone());
            match checked(line) {
                Ok(line) => accepted.push((TipId(self.new_id(now)), line)),
                Err(errors) => report.refused.push(Refusal { line: number, external_id, errors }),
            }
        }
        let ids = Arc::clone(&self.ids);
        let written = self.store.write(move |conn| insert_all(conn, accepted, &*ids, now))?;
        report.add(written.value);
        report.position = written.position;
        Ok(report)
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
    Ok(ImportLine { external_id, author, text, ..line })
}

fn insert_all(
    conn: &mut Conn<'_>,
    lines: Vec<(TipId, ImportLine)>,
    ids: &dyn Ids,
    now: Instant,
) -> Result<ImportReport, ServiceError> {
    let mut report = ImportReport::default();
    let mut number = tips::next_number(conn)?.0;
    let mut rows: Vec<(Tip, Revision)> = Vec::with_capacity(lines.len());
    let mut authors: HashMap<String, UserId> = HashMap::new();
    let mut homes = homes_of(conn, &lines)?;
    for (id, line) in &lines {
        let Some(Home { community, known }) = homes.get_mut(&line.community) else {
            report.refused.push(Refusal {
                line: line.line,
                external_id: line.external_id.clone(),
                errors: vec![FieldError::new("/community", "unknown", "there is no such community")],
            });
            continue;
        };
        if !known.insert(line.external_id.clone()) {
            report.known += 1;
            continue;
        }
        let author = match authors.get(&line.author) {
            Some(&author) => author,
            None => imported_author(conn, &line.author, ids, now)?,
        };
        authors.insert(line.author.clone(), author);
        rows.push(approved(*id, TipNumber(number), *community, author, line, now));
        number += 1;
    }
    eureka_store::insert_imported(conn, &rows)?;
    for (tip, revision) in &rows {
        let change = Change::new(Kind::TipImported, None, now).of_tip(tip.id);
        log::append(conn, &change.at_revision(None, revision))?;
    }
    report.imported = rows.len();
    Ok(report)
}

/// A community that tips are imported into, and the external ids that it has.
struct Home {
    community: CommunityId,
    known: HashSet<String>,
}

/// The communities that the lines name, by slug; those that there are.
fn homes_of(conn: &mut Conn<'_>, lines: &[(TipId, ImportLine)]) -> Result<HashMap<String, Home>, ServiceError> {
    let mut external_ids: HashMap<&str, Vec<String>> = HashMap::new();
    for (_, line) in lines {
        external_ids.entry(&line.community).or_default().push(line.external_id.clone());
    }
    let mut homes = HashMap::new();
    for (slug, external_ids) in external_ids {
        if let Some(community) = communities::find_slug(conn, slug)? {
            let known = tips::by_external_ids(conn, community.id, &external_ids)?.into_keys().collect();
            homes.insert(slug.to_owned(), Home { community: community.id, known });
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
        confidence: Confidence::Validated,
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
