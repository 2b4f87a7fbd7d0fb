//! The change feed: what a follower is told to keep a copy of the tips they may read.
//!
//! An entry tells of a tip as it is now, to the caller as they are now, and not of the event: so a copy that follows to
//! the end of the log holds exactly what a list would, whatever was changed meanwhile. A change of who reads a community
//! is told as one entry for each tip that had been approved by then.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::str::FromStr;

use eureka_domain::Instant;
use eureka_domain::access::Caller;
use eureka_domain::change::{Head, Kind, Recorded};
use eureka_domain::community::{Community, Openness};
use eureka_domain::feed::{self, Told};
use eureka_domain::ids::{CommunityId, TipId, TipNumber, TipRef, UserId};
use eureka_store::feed::Concerned;
use eureka_store::{Conn, communities, log, tips};
use uuid::Uuid;

use crate::callers::as_they_are;
use crate::{Service, ServiceError, audit};

/// How many rows of the log one look goes over at most.
const WINDOW: i64 = 5_000;
/// How many rows that may be followed it reads of them.
const ROWS: i64 = 500;
/// How many looks one request takes at most, until there is something to tell.
const LOOKS: usize = 10;

/// A place in the feed of one database's life; after a row of the log, or within one that concerns many tips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedCursor {
    pub(crate) log_id: Uuid,
    /// The last row that has been told in full.
    pub(crate) seq: i64,
    /// The last tip of the next row that has been told.
    pub(crate) within: Option<TipId>,
}

/// What is told of one tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// The place in the log of the change.
    pub position: i64,
    /// When.
    pub at: Instant,
    /// What happened.
    pub kind: Kind,
    /// The tip.
    pub tip: TipId,
    /// Its human key.
    pub number: TipNumber,
    /// The slug of its community, where the caller reads it.
    pub community: Option<String>,
    /// Its community, for whoever chooses by it: not to be told where the slug is not.
    pub owner: CommunityId,
    /// What it is to the caller now.
    pub told: Told,
}

/// One page of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// What is told, in the order of the log.
    pub entries: Vec<FeedEntry>,
    /// Where to go on.
    pub next: FeedCursor,
    /// Whether there are rows of the log that have not been looked at.
    pub more: bool,
}

impl FeedCursor {
    /// After a row of the log.
    pub(crate) fn at(head: &Head, seq: i64) -> Self {
        Self { log_id: head.log_id, seq, within: None }
    }

    /// The last row of the log that has been told in full.
    pub fn position(&self) -> i64 {
        self.seq
    }

    /// The life of the database that it belongs to.
    pub fn log_id(&self) -> Uuid {
        self.log_id
    }
}

impl fmt::Display for FeedCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.log_id.simple(), self.seq)?;
        match self.within {
            Some(tip) => write!(f, ".{}", tip.0.simple()),
            None => Ok(()),
        }
    }
}

impl FromStr for FeedCursor {
    type Err = ServiceError;

    fn from_str(text: &str) -> Result<Self, ServiceError> {
        const NONE: ServiceError = ServiceError::InvalidCursor;
        let uuid = |text: &str| if text.len() == 32 { text.parse::<Uuid>().map_err(|_| NONE) } else { Err(NONE) };
        let mut parts = text.split('.');
        let (Some(log_id), Some(seq)) = (parts.next(), parts.next()) else { return Err(NONE) };
        let within = parts.next().map(uuid).transpose()?.map(TipId);
        let is_number = !seq.is_empty() && seq.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || parts.next().is_some() {
            return Err(NONE);
        }
        Ok(Self { log_id: uuid(log_id)?, seq: seq.parse().map_err(|_| NONE)?, within })
    }
}

impl Service {
    /// What has changed after a place, of what the caller may see; from the beginning without one. A page may be empty
    /// though there are `more`.
    pub fn list_changes(
        &self,
        caller: &Caller,
        after: Option<FeedCursor>,
        limit: i64,
    ) -> Result<FeedPage, ServiceError> {
        let now = self.clock.now();
        self.store.read(|conn| {
            // As of this snapshot: a membership that ends between two looks must not be missed by both.
            let caller = as_they_are(conn, caller, now)?;
            let head = log::head(conn)?;
            let mut cursor = after.unwrap_or_else(|| FeedCursor::at(&head, 0));
            if cursor.log_id != head.log_id || cursor.seq > head.seq {
                return Err(ServiceError::OtherLife);
            }
            let mut entries = Vec::new();
            for _ in 0..LOOKS {
                (entries, cursor) = look(conn, &caller, cursor, &head, limit)?;
                if !entries.is_empty() || cursor.seq == head.seq {
                    break;
                }
            }
            Ok(FeedPage { entries, next: cursor, more: cursor.seq < head.seq })
        })
    }
}

/// Tells of at most `limit` tips; also how far it came.
pub(crate) fn look(
    conn: &mut Conn<'_>,
    caller: &Caller,
    from: FeedCursor,
    head: &Head,
    limit: i64,
) -> Result<(Vec<FeedEntry>, FeedCursor), ServiceError> {
    let until = head.seq.min(from.seq.saturating_add(WINDOW));
    let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|&kind| feed::is_followed(kind)).collect();
    let rows = eureka_store::feed::rows(conn, &kinds, from.seq, until, ROWS)?;
    let is_whole = i64::try_from(rows.len()).is_ok_and(|rows| rows < ROWS);
    let mut known: HashMap<CommunityId, Option<Community>> = HashMap::new();
    let (mut entries, mut left, mut reached) = (Vec::new(), limit, from);
    for row in rows {
        let Some((concerned, was_read)) = concerned_by(conn, caller, &row)? else {
            reached = FeedCursor::at(head, row.seq);
            continue;
        };
        let within = from.within.filter(|_| row.seq == from.seq + 1);
        for tip in eureka_store::feed::tips(conn, &concerned, within, left)? {
            left -= 1;
            reached.within = Some(tip.id);
            if let Entry::Vacant(owner) = known.entry(tip.community) {
                owner.insert(communities::find(conn, tip.community)?);
            }
            let community = known.get(&tip.community).and_then(Option::as_ref);
            let community = community.filter(|community| caller.knows(community));
            let Some(told) = feed::told(&tip, community.is_some(), was_read) else { continue };
            entries.push(FeedEntry {
                position: row.seq,
                at: row.at,
                kind: row.kind,
                tip: tip.id,
                number: tip.number,
                community: community.map(|community| community.slug.clone()),
                owner: tip.community,
                told,
            });
        }
        if left <= 0 {
            // There may be more tips that this row concerns.
            return Ok((entries, FeedCursor { seq: row.seq - 1, ..reached }));
        }
        reached = FeedCursor::at(head, row.seq);
    }
    if is_whole {
        reached = FeedCursor::at(head, until);
    }
    Ok((entries, reached))
}

/// The tips that a change concerns, for this caller, and whether they have read those among them that they do not read
/// now: before the change or after it, whichever way it went.
fn concerned_by(
    conn: &mut Conn<'_>,
    caller: &Caller,
    row: &Recorded,
) -> Result<Option<(Concerned, bool)>, ServiceError> {
    let is_callers = row.subject == Some(caller.user.0);
    Ok(match (row.kind, row.tip, row.subject) {
        (Kind::TipMerged, Some(tip), _) => {
            let into = tips::find(conn, &TipRef::Id(tip))?.and_then(|tip| tip.replaced).map(|replaced| replaced.by);
            Some((Concerned::These([tip].into_iter().chain(into).collect()), false))
        }
        (Kind::TipSeparated, Some(tip), from) => {
            Some((Concerned::These([tip].into_iter().chain(from.map(TipId)).collect()), false))
        }
        (kind, Some(tip), _) if kind.is_indexed() => Some((Concerned::These(vec![tip]), false)),
        (Kind::CommunityOpennessChanged, _, Some(id)) => Some((Concerned::OfCommunity(CommunityId(id), row.seq), true)),
        (Kind::MemberSet | Kind::MemberRemoved, _, Some(id)) if joins_or_leaves(conn, caller, row)? => {
            // What is open to all is open without a membership; when it was not, another row says so.
            let community = communities::find(conn, CommunityId(id))?;
            let is_private = community.is_some_and(|community| community.openness == Openness::Private);
            is_private.then_some((Concerned::OfCommunity(CommunityId(id), row.seq), true))
        }
        (Kind::UserRoleChanged | Kind::UserUpdated, ..) if is_callers => Some((Concerned::OfPrivate(row.seq), true)),
        (kind, _, Some(user)) if feed::changes_name(kind) => Some((Concerned::By(UserId(user)), false)),
        _ => None,
    })
}

/// Whether it is the caller who became a member, or no longer is one.
fn joins_or_leaves(conn: &mut Conn<'_>, caller: &Caller, row: &Recorded) -> Result<bool, ServiceError> {
    let payloads = log::payloads(conn, &[row.seq])?;
    let Some(facts) = payloads.get(&row.seq).map(audit::facts_of).transpose()? else { return Ok(false) };
    let only_role = row.kind == Kind::MemberSet && facts.was.is_some();
    Ok(facts.user == Some(caller.user) && !only_role)
}
