//! How tips relate to those that look like them: what their authors say, what reviewers see of it, and which pairs are not
//! held against anybody again.

use std::collections::BTreeSet;

use eureka_domain::access::{self, Caller};
use eureka_domain::change::{Facts, Kind};
use eureka_domain::clock::Ids;
use eureka_domain::ids::{FlagId, TipId, TipRef, UserId};
use eureka_domain::relation::{Confirmed, Relation, RelationKind, is_material};
use eureka_domain::tip::{Confidence, Revision, Tip, TipText};
use eureka_domain::workflow::Action;
use eureka_domain::{Instant, RuleError, visibility};
use eureka_store::tips::TipSheet;
use eureka_store::{Conn, Written, relations, revisions, tips, users};

use crate::notifications::record;
use crate::rechecks::{self, Case, Why};
use crate::tips::{change, known_sheet, visible_sheet};
use crate::{Person, Service, ServiceError, SimilarText, TipBrief, TipView, audit};

/// What is said of a tip and another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationView {
    /// What is said.
    pub relation: Relation,
    /// The other tip.
    pub other: TipBrief,
    /// Who says so.
    pub by: Person,
}

impl Service {
    /// What is said of a tip and those that look like it: all of it for its author and reviewers, and what peers agreed to,
    /// without why, for other readers. Other tips that the caller may not know of are left out.
    pub fn list_relations(&self, caller: &Caller, tip: TipRef) -> Result<Vec<RelationView>, ServiceError> {
        self.store.read(|conn| {
            let (sheet, _) = visible_sheet(conn, caller, tip)?;
            let mut said = views(conn, caller, sheet.tip.id)?;
            if !(audit::is_inside(caller, &sheet.tip) || caller.is_admin()) {
                said.retain(|view| view.relation.confirmed.is_some());
                for view in &mut said {
                    view.relation.reason = None;
                }
            }
            Ok(said)
        })
    }

    /// Says how a tip relates to another one: whoever may edit it.
    pub fn relate_tip(
        &self,
        caller: &Caller,
        tip: TipRef,
        other: TipRef,
        kind: RelationKind,
        reason: Option<String>,
    ) -> Result<Written<RelationView>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store.write(move |conn| {
            let (tip, latest) = to_relate(conn, &caller, tip)?;
            let (other, owner) = visible_sheet(conn, &caller, other)?;
            if other.tip.id == tip.id {
                return Err(RuleError::field("", "invalid", "a tip has no relation to itself").into());
            }
            let relation =
                Relation { tip: tip.id, other: other.tip.id, kind, reason, by: caller.user, at: now, confirmed: None };
            let relation = relation.checked()?;
            relations::set(conn, &relation)?;
            let named = visibility::may_be_named(&other.tip, &owner, &tip);
            let facts = Facts {
                reason: relation.reason.filter(|_| named),
                reason_code: Some(kind.word().to_owned()),
                value: named.then(|| other.tip.number.to_string()),
                ..Facts::default()
            };
            let change = change(Kind::TipRelated, &caller, &tip, now).on_revision(latest.number);
            record(conn, &change.telling(audit::payload(&facts)?), &tip, &latest)?;
            let said = views(conn, &caller, tip.id)?.into_iter().find(|view| view.other.id == other.tip.id);
            said.ok_or(ServiceError::NotFound("tip"))
        })
    }

    /// Takes back what was said of a tip and another one: whoever may edit it.
    pub fn unrelate_tip(&self, caller: &Caller, tip: TipRef, other: TipRef) -> Result<Written<()>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store.write(move |conn| {
            let (tip, latest) = to_relate(conn, &caller, tip)?;
            let (other, owner) = visible_sheet(conn, &caller, other)?;
            if relations::remove(conn, tip.id, other.tip.id)? {
                let named = visibility::may_be_named(&other.tip, &owner, &tip);
                let value = named.then(|| other.tip.number.to_string());
                let facts = Facts { value, ..Facts::default() };
                let change = change(Kind::TipUnrelated, &caller, &tip, now).on_revision(latest.number);
                record(conn, &change.telling(audit::payload(&facts)?), &tip, &latest)?;
            }
            Ok(())
        })
    }

    /// The newest text of a tip that somebody sees, to find look-alikes of that were not told apart from it.
    pub fn text_to_compare(&self, view: &TipView) -> Result<SimilarText, ServiceError> {
        let text = &view.pending.as_ref().unwrap_or(&view.shown).text;
        let apart = self.store.read(|conn| told_apart(conn, view.tip.id, text))?;
        Ok(SimilarText { apart, ..SimilarText::of(text, view.tip.id) })
    }
}

/// The tip that a caller wants to say something of, locked, with its newest revision.
fn to_relate(conn: &mut Conn<'_>, caller: &Caller, tip: TipRef) -> Result<(Tip, Revision), ServiceError> {
    tips::lock(conn, &tip)?;
    let (sheet, _) = visible_sheet(conn, caller, tip)?;
    access::may(caller, Action::Edit, &sheet.tip, &sheet.latest)?;
    Ok((sheet.tip, sheet.latest))
}

/// What is said of a tip, as far as the caller may know of the others.
pub(crate) fn views(conn: &mut Conn<'_>, caller: &Caller, tip: TipId) -> Result<Vec<RelationView>, ServiceError> {
    let said = relations::of_tip(conn, tip)?;
    let names = users::names(conn, &said.iter().map(|relation| relation.by).collect::<Vec<_>>())?;
    let mut views = Vec::with_capacity(said.len());
    for relation in said {
        let Some((other, _)) = known_sheet(conn, caller, TipRef::Id(relation.other))? else { continue };
        let title = other.live.unwrap_or(other.latest).text.title;
        let other = TipBrief { id: other.tip.id, number: other.tip.number, title };
        views.push(RelationView { by: Person::named(relation.by, &names), other, relation });
    }
    Ok(views)
}

/// Notes that peers agreed to what is said of a tip by approving its text. What they agreed says it better puts the other
/// tip of the community in doubt.
pub(crate) fn confirm(
    conn: &mut Conn<'_>,
    by: UserId,
    tip: &Tip,
    published: &Revision,
    ids: &dyn Ids,
    now: Instant,
) -> Result<(), ServiceError> {
    for relation in relations::of_tip(conn, tip.id)? {
        let Some(TipSheet { tip: mut other, live: Some(live), .. }) = tips::lock(conn, &TipRef::Id(relation.other))?
        else {
            continue;
        };
        let confirmed = Some(Confirmed { revision: published.number, other: live.number, at: now });
        relations::set(conn, &Relation { confirmed, ..relation.clone() })?;
        let is_news = relation.confirmed.is_none() && relation.kind == RelationKind::Replaces;
        if is_news && other.community == tip.community && other.confidence == Confidence::Validated {
            let reason = format!("{} was approved, whose author says that it replaces it.", tip.number);
            let case = Case { tip: &mut other, live: &live, by: Some(by), now };
            rechecks::dispute(conn, case, &Why { reason, code: "replaced" }, FlagId(ids.next(now)))?;
        }
    }
    Ok(())
}

/// Notes that a reviewer found two tips not to be the same, which a flag had said of them.
pub(crate) fn tell_apart(
    conn: &mut Conn<'_>,
    (tip, live): (&Tip, &Revision),
    other: TipId,
    by: UserId,
    reason: String,
    now: Instant,
) -> Result<(), ServiceError> {
    let Some(live_other) = tips::find(conn, &TipRef::Id(other))?.and_then(|other| other.live) else { return Ok(()) };
    let relation = Relation {
        tip: tip.id,
        other,
        kind: RelationKind::DiffersBecause,
        reason: Some(reason),
        by,
        at: now,
        confirmed: Some(Confirmed { revision: live.number, other: live_other, at: now }),
    };
    Ok(relations::set(conn, &relation)?)
}

/// The tips that peers agreed are about something else than this one, as long as neither has come to say something else.
pub(crate) fn told_apart(conn: &mut Conn<'_>, tip: TipId, text: &TipText) -> Result<BTreeSet<TipId>, ServiceError> {
    let mut apart = BTreeSet::new();
    for relation in relations::confirmed(conn, tip, RelationKind::DiffersBecause)? {
        let Some(then) = relation.confirmed else { continue };
        let (other, own_then, other_then) = if relation.tip == tip {
            (relation.other, then.revision, then.other)
        } else {
            (relation.tip, then.other, then.revision)
        };
        let own = revisions::find(conn, tip, own_then)?;
        let as_it_was = own.is_some_and(|own| !is_material(&own.text, text));
        if as_it_was && says_what_it_said(conn, other, other_then)? {
            apart.insert(other);
        }
    }
    Ok(apart)
}

/// Whether readers of a tip see what a revision of it says, or words to that effect.
fn says_what_it_said(conn: &mut Conn<'_>, tip: TipId, then: i32) -> Result<bool, ServiceError> {
    let live = tips::find(conn, &TipRef::Id(tip))?.and_then(|tip| tip.live);
    Ok(match live {
        Some(live) if live == then => true,
        Some(live) => match (revisions::find(conn, tip, then)?, revisions::find(conn, tip, live)?) {
            (Some(then), Some(live)) => !is_material(&then.text, &live.text),
            _ => false,
        },
        None => false,
    })
}
