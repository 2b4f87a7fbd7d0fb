//! Being told: whoever wrote a text, or watches a tip, is told of what others do to it, with who did it and why.

use std::collections::{BTreeSet, HashMap};

use eureka_domain::access::{self, Caller};
use eureka_domain::change::{Change, Recorded};
use eureka_domain::community::Community;
use eureka_domain::ids::{CommunityId, TipId, TipNumber, TipRef};
use eureka_domain::tip::{Revision, Tip};
use eureka_domain::{Instant, visibility};
use eureka_store::notifications::{self, Notification};
use eureka_store::tips::TipSheet;
use eureka_store::{Conn, Written, communities, log, revisions, tips, watches};

use crate::audit::{self, HistoryEntry};
use crate::tips::visible_sheet;
use crate::{Page, PageRequest, Service, ServiceError};

const NONE: ServiceError = ServiceError::NotFound("notification");

/// What somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationView {
    /// What happened; its place in the log is the notification's name.
    pub entry: HistoryEntry,
    /// When they said that they had read it.
    pub read_at: Option<Instant>,
    /// The tip it happened to.
    pub tip: Option<TipBrief>,
}

/// Enough of a tip to recognise it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TipBrief {
    /// For ever.
    pub id: TipId,
    /// Its number, for people.
    pub number: TipNumber,
    /// Its title, as the caller sees it.
    pub title: String,
}

impl Service {
    /// What the caller is told, the newest first; what they may no longer see of it is left out.
    pub fn list_notifications(
        &self,
        caller: &Caller,
        unread: bool,
        page: &PageRequest,
    ) -> Result<Page<NotificationView>, ServiceError> {
        self.store.read(|conn| {
            let found = notifications::list(conn, caller.user, unread, page.after()?, page.fetch())?;
            let page = page.page(found, |notification| notification.change.seq)?;
            Ok(Page { items: views(conn, caller, page.items)?, next: page.next })
        })
    }

    /// Notes that the caller has read a notification.
    pub fn read_notification(&self, caller: &Caller, seq: i64) -> Result<Written<NotificationView>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store.write(move |conn| {
            notifications::mark_read(conn, caller.user, seq, now)?;
            let found = notifications::find(conn, caller.user, seq)?.ok_or(NONE)?;
            views(conn, &caller, vec![found])?.pop().ok_or(NONE)
        })
    }

    /// Tells the caller from now on what happens to a tip.
    pub fn watch_tip(&self, caller: &Caller, tip: TipRef) -> Result<Written<()>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store.write(move |conn| {
            let (sheet, _) = visible_sheet(conn, &caller, tip)?;
            Ok(watches::set(conn, sheet.tip.id, caller.user, now)?)
        })
    }

    /// Tells the caller no longer what happens to a tip, unless it is their own.
    pub fn unwatch_tip(&self, caller: &Caller, tip: TipRef) -> Result<Written<()>, ServiceError> {
        let caller = caller.clone();
        self.store.write(move |conn| {
            let (sheet, _) = visible_sheet(conn, &caller, tip)?;
            Ok(watches::remove(conn, sheet.tip.id, caller.user)?)
        })
    }
}

/// Records a change of a tip and tells those concerned, though nobody of what they did themselves: whose words are in
/// the text, and, of what every reader may know, whoever watches the tip. Answers the change's place.
pub(crate) fn record(conn: &mut Conn<'_>, change: &Change, tip: &Tip, text: &Revision) -> Result<i64, ServiceError> {
    let seq = log::append(conn, change)?;
    let mut concerned: BTreeSet<_> = text.credited.iter().copied().chain([tip.author]).collect();
    if change.kind.is_public() {
        concerned.extend(watches::of_tip(conn, tip.id)?);
    }
    if let Some(actor) = change.actor {
        concerned.remove(&actor);
    }
    notifications::tell(conn, seq, &concerned)?;
    Ok(seq)
}

/// The notifications as the caller sees them; those of what they may no longer see are left out.
fn views(
    conn: &mut Conn<'_>,
    caller: &Caller,
    found: Vec<Notification>,
) -> Result<Vec<NotificationView>, ServiceError> {
    let named: BTreeSet<TipId> = found.iter().filter_map(|notification| notification.change.tip).collect();
    let sheets = tips::sheets(conn, &named.into_iter().collect::<Vec<_>>())?;
    let mut owners: HashMap<CommunityId, Community> = HashMap::new();
    for id in sheets.iter().map(|sheet| sheet.tip.community).collect::<BTreeSet<_>>() {
        owners.extend(communities::find(conn, id)?.map(|owner| (id, owner)));
    }
    let sheets: HashMap<TipId, TipSheet> = sheets.into_iter().map(|sheet| (sheet.tip.id, sheet)).collect();
    let (changes, read): (Vec<_>, Vec<_>) = found.into_iter().map(|told| (told.change, told.read_at)).unzip();
    let mut views = Vec::with_capacity(changes.len());
    for (entry, read_at) in audit::entries(conn, changes)?.into_iter().zip(read) {
        let Some(id) = entry.change.tip else {
            views.push(NotificationView { entry, read_at, tip: None });
            continue;
        };
        let Some(sheet) = sheets.get(&id) else { continue };
        let Some(owner) = owners.get(&sheet.tip.community) else { continue };
        if let Some((brief, inside)) = seen(conn, caller, sheet, owner, &entry.change)? {
            views.push(NotificationView { entry: entry.told_to(inside), read_at, tip: Some(brief) });
        }
    }
    Ok(views)
}

/// The tip that a change was made to, if the caller may still know of it, and whether they belong to it.
fn seen(
    conn: &mut Conn<'_>,
    caller: &Caller,
    sheet: &TipSheet,
    owner: &Community,
    change: &Recorded,
) -> Result<Option<(TipBrief, bool)>, ServiceError> {
    let TipSheet { tip, live, latest } = sheet;
    let at_hand = |number: i32| live.iter().chain([latest]).find(|revision| revision.number == number).cloned();
    let named = match change.revision {
        Some(number) => {
            at_hand(number).map_or_else(|| revisions::find(conn, tip.id, number), |at_hand| Ok(Some(at_hand)))?
        }
        None => None,
    };
    let sees = |revision: &Revision| visibility::sees_revision(caller, tip, revision, owner);
    let named = named.filter(sees);
    let is_known = change.kind.is_public() && visibility::sees_tip(caller, tip, latest, owner);
    if named.is_none() && !is_known {
        return Ok(None);
    }
    let text = named.as_ref().or(live.as_ref().filter(|live| sees(live))).unwrap_or(latest);
    let inside =
        audit::is_inside(caller, tip) || named.as_ref().is_some_and(|text| access::is_credited(caller.user, tip, text));
    Ok(Some((TipBrief { id: tip.id, number: tip.number, title: text.text.title.clone() }, inside)))
}
