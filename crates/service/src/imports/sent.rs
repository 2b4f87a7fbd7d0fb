//! Imports that stewards send over HTTP: into their own communities, in slices, with what came of each line kept to be read
//! again. One that breaks off is sent again: what it has taken is known by its external id.

use std::sync::Arc;

use eureka_domain::access::{self, Caller};
use eureka_domain::community::Community;
use eureka_domain::ids::{ImportId, UserId};
use eureka_domain::{FieldError, Instant};
use eureka_store::imports::{self, Import};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ImportLine, Refusal, SLICE, Verdict, insert_all, judged, unknown_community};
use crate::callers::as_they_are;
use crate::{Answer, Once, Service, ServiceError, once};

const NONE: ServiceError = ServiceError::NotFound("import");

/// What a steward sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportOrder {
    /// The lines that could be read.
    pub lines: Vec<ImportLine>,
    /// Those that could not.
    pub unreadable: Vec<Refusal>,
    /// Whether only to say what would come of it.
    pub dry_run: bool,
}

/// What came of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineResult {
    /// Its number, from 1.
    pub line: usize,
    /// Its name where it comes from.
    pub external_id: String,
    /// What came of it.
    pub outcome: LineOutcome,
}

/// What came of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineOutcome {
    /// It became this tip.
    Imported(Uuid, String),
    /// It would become a tip.
    Importable,
    /// The tip was here before.
    Known,
    /// It was not taken: pointer, code and detail of each reason.
    Refused(Vec<(String, String, String)>),
}

/// An import, as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportView {
    /// For ever.
    pub id: ImportId,
    /// Whether it only said what would come of it.
    pub dry_run: bool,
    /// When it began.
    pub started_at: Instant,
    /// When it ended; one without an end broke off.
    pub finished_at: Option<Instant>,
    /// What came of each line, in their order.
    pub lines: Vec<LineResult>,
}

impl Service {
    /// Takes tips in as approved, into communities that the caller is a steward of, or says what would come of it. The
    /// rights are looked at again with each slice.
    pub fn import_sent(
        &self,
        caller: &Caller,
        order: ImportOrder,
        once: Once<ImportView>,
    ) -> Result<Answer, ServiceError> {
        access::may_import(caller)?;
        let (user, now) = (caller.user, self.clock.now());
        if let Some(answer) = self.store.read(|conn| once::stored(conn, user, once.key.as_ref(), now))? {
            return Ok(answer);
        }
        let id = ImportId(self.new_id(now));
        let lines = order.unreadable.into_iter().map(refused).collect();
        let mut view = ImportView { id, dry_run: order.dry_run, started_at: now, finished_at: None, lines };
        if order.dry_run {
            view.lines.extend(self.foresee(caller, order.lines, now)?);
        } else {
            let mut lines = order.lines.into_iter().peekable();
            while lines.peek().is_some() {
                view = self.take_in(caller, lines.by_ref().take(SLICE).collect(), view)?;
            }
        }
        view.lines.sort_by_key(|result| result.line);
        let finished = ImportView { finished_at: Some(self.clock.now()), ..view };
        let written = self.store.write(move |conn| {
            let permit = |_: &mut eureka_store::Conn<'_>| Ok(());
            once::run(conn, user, once, now, permit, |conn, ()| {
                imports::save(conn, &stored(&finished, user)?)?;
                Ok(finished)
            })
        })?;
        Ok(written.value)
    }

    /// What came of an import: for whoever sent it.
    pub fn read_import(&self, caller: &Caller, id: ImportId) -> Result<ImportView, ServiceError> {
        self.store.read(|conn| {
            let import = imports::find(conn, id)?.filter(|import| import.user == caller.user).ok_or(NONE)?;
            let lines = serde_json::from_str(&import.lines).map_err(ServiceError::internal)?;
            let Import { dry_run, started_at, finished_at, .. } = import;
            Ok(ImportView { id, dry_run, started_at, finished_at, lines })
        })
    }

    /// Takes one slice in, and notes it with how far the import has come.
    fn take_in(&self, caller: &Caller, lines: Vec<ImportLine>, view: ImportView) -> Result<ImportView, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let (accepted, unfit) = self.checked_slice(lines, now);
        let ids = Arc::clone(&self.ids);
        let written = self.store.write(move |conn| {
            let caller = as_they_are(conn, &caller, now)?;
            let permit = |community: &Community| may_take_in(&caller, community);
            let told = insert_all(conn, accepted, Some(caller.user), &permit, &*ids, now)?;
            let told = told.into_iter().map(|(line, verdict)| result(&line, verdict));
            let mut view = view;
            view.lines.extend(unfit.into_iter().map(refused).chain(told));
            imports::save(conn, &stored(&view, caller.user)?)?;
            Ok::<_, ServiceError>(view)
        })?;
        Ok(written.value)
    }

    /// What would come of these lines.
    fn foresee(&self, caller: &Caller, lines: Vec<ImportLine>, now: Instant) -> Result<Vec<LineResult>, ServiceError> {
        let (accepted, unfit) = self.checked_slice(lines, now);
        self.store.read(|conn| {
            let caller = as_they_are(conn, caller, now)?;
            let verdicts = judged(conn, &accepted, &|community| may_take_in(&caller, community))?;
            let told = accepted.iter().zip(verdicts).map(|((_, line), verdict)| match verdict {
                Ok(_) => LineResult {
                    line: line.line,
                    external_id: line.external_id.clone(),
                    outcome: LineOutcome::Importable,
                },
                Err(verdict) => result(line, verdict),
            });
            Ok(unfit.into_iter().map(refused).chain(told).collect())
        })
    }
}

/// A community that the caller does not know does not exist.
fn may_take_in(caller: &Caller, community: &Community) -> Result<(), FieldError> {
    if !caller.knows(community) {
        return Err(unknown_community());
    }
    access::may_steward(caller, community.id)
        .map_err(|error| FieldError::new("/community", "not_permitted", error.to_string()))
}

fn result(line: &ImportLine, verdict: Verdict) -> LineResult {
    let outcome = match verdict {
        Verdict::Taken(tip, number) => LineOutcome::Imported(tip.0, number.to_string()),
        Verdict::Known => LineOutcome::Known,
        Verdict::Refused(errors) => {
            return refused(Refusal { line: line.line, external_id: line.external_id.clone(), errors });
        }
    };
    LineResult { line: line.line, external_id: line.external_id.clone(), outcome }
}

fn refused(refusal: Refusal) -> LineResult {
    let errors = refusal.errors.into_iter().map(|error| (error.pointer, error.code.to_owned(), error.detail)).collect();
    LineResult { line: refusal.line, external_id: refusal.external_id, outcome: LineOutcome::Refused(errors) }
}

fn stored(view: &ImportView, user: UserId) -> Result<Import, ServiceError> {
    Ok(Import {
        id: view.id,
        user,
        dry_run: view.dry_run,
        started_at: view.started_at,
        finished_at: view.finished_at,
        lines: serde_json::to_string(&view.lines).map_err(ServiceError::internal)?,
    })
}
