//! The record: what happened to a tip, and whether the chain of the change log holds.

use eureka_domain::access::{self, Caller};
use eureka_domain::change::{Facts, Head, Kind, Payload, Recorded};
use eureka_domain::ids::TipRef;
use eureka_domain::tip::{Confidence, Tip};
use eureka_domain::visibility;
use eureka_store::{Conn, log, revisions, users};
use uuid::Uuid;

use crate::tips::visible_sheet;
use crate::{Page, PageRequest, Person, Service, ServiceError};

/// One thing that happened to a tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// What happened.
    pub change: Recorded,
    /// Who did it; absent for the system itself.
    pub actor: Option<Person>,
    /// Why, and what was given.
    pub facts: Facts,
}

impl HistoryEntry {
    /// The entry for somebody who belongs to the tip, or does not: what a reviewer said when deciding was said to the
    /// author.
    pub(crate) fn told_to(self, inside: bool) -> Self {
        let decided = self.change.to.is_some();
        if inside || !decided { self } else { Self { facts: self.facts.without_reason(), ..self } }
    }
}

/// Whether somebody belongs to a tip: as its author, or as one of those who decide on it.
pub(crate) fn is_inside(caller: &Caller, tip: &Tip) -> bool {
    caller.user == tip.author || caller.reviews(tip.community)
}

/// Which changes to list; those that all of this is true of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Of this kind.
    pub kind: Option<Kind>,
    /// By this person.
    pub actor: Option<Uuid>,
    /// Of this tip.
    pub tip: Option<Uuid>,
    /// Of this community, account, key or other thing.
    pub subject: Option<Uuid>,
}

impl Service {
    /// The changes of the log, the newest first: admins.
    pub fn list_audit(
        &self,
        caller: &Caller,
        query: &AuditQuery,
        page: &PageRequest,
    ) -> Result<Page<HistoryEntry>, ServiceError> {
        access::may_administer(caller)?;
        let AuditQuery { kind, actor, tip, subject } = *query;
        let filter = log::Filter { kind, actor, tip, subject };
        self.store.read(|conn| {
            let changes = log::before(conn, &filter, page.after()?, page.fetch())?;
            let page = page.page(changes, |change| change.seq)?;
            Ok(Page { items: entries(conn, page.items)?, next: page.next })
        })
    }

    /// What happened to a tip, oldest first. Callers who see only its live text see only what concerns live texts.
    pub fn tip_history(&self, caller: &Caller, tip: TipRef) -> Result<Vec<HistoryEntry>, ServiceError> {
        self.store.read(|conn| {
            let (sheet, community) = visible_sheet(conn, caller, tip)?;
            let seen: Vec<i32> = revisions::list(conn, sheet.tip.id)?
                .iter()
                .filter(|revision| visibility::sees_revision(caller, &sheet.tip, revision, &community))
                .map(|revision| revision.number)
                .collect();
            let inside = is_inside(caller, &sheet.tip);
            let changes: Vec<Recorded> = log::of_tip(conn, sheet.tip.id)?
                .into_iter()
                .filter(|change| {
                    let on_seen = change.revision.is_none_or(|number| seen.contains(&number));
                    change.kind.is_public() || (inside && on_seen)
                })
                .collect();
            let told = entries(conn, changes)?.into_iter();
            Ok(told.map(|entry| entry.told_to(inside)).collect())
        })
    }

    /// Walks the whole chain of the change log: its head, or the first row that does not hold.
    pub fn verify_log(&self, progress: impl FnMut(i64)) -> Result<log::Verdict, ServiceError> {
        Ok(log::verify_all(&self.store, progress)?)
    }

    /// Whether the change log passes through a head that somebody kept.
    pub fn log_passes(&self, kept: &Head) -> Result<bool, ServiceError> {
        Ok(self.store.read(|conn| log::passes(conn, kept))?)
    }
}

/// Changes, with who made them and why.
pub(crate) fn entries(conn: &mut Conn<'_>, changes: Vec<Recorded>) -> Result<Vec<HistoryEntry>, ServiceError> {
    let payloads = log::payloads(conn, &changes.iter().map(|change| change.seq).collect::<Vec<_>>())?;
    let actors: Vec<_> = changes.iter().filter_map(|change| change.actor).collect();
    let names = users::names(conn, &actors)?;
    let entry = |change: Recorded| {
        let facts = payloads.get(&change.seq).map(facts_of).transpose()?.unwrap_or_default();
        let actor = change.actor.map(|id| Person::named(id, &names));
        Ok(HistoryEntry { change, actor, facts })
    };
    changes.into_iter().map(entry).collect()
}

/// What a tip's confidence was and is, if it is another.
pub(crate) fn turned(before: Confidence, after: Confidence) -> Facts {
    if before == after { Facts::default() } else { Facts::turned(before.word(), after.word()) }
}

/// Facts as an erasable payload with a fresh salt, if there are any.
pub(crate) fn payload(facts: &Facts) -> Result<Option<Payload>, ServiceError> {
    if facts.is_empty() {
        return Ok(None);
    }
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(ServiceError::internal)?;
    let body = serde_json::to_string(facts).map_err(ServiceError::internal)?;
    Ok(Some(Payload { salt: hex::encode(salt), body }))
}

/// What a payload tells.
pub(crate) fn facts_of(payload: &Payload) -> Result<Facts, ServiceError> {
    serde_json::from_str(&payload.body).map_err(ServiceError::internal)
}
