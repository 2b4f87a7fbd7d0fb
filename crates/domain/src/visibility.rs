//! What a reader may see. One predicate, used by the database reads and, through [`Audience`], inside every query of
//! the index.

use std::collections::BTreeSet;

use crate::access::Caller;
use crate::community::{Community, Openness};
use crate::flag::Flag;
use crate::ids::CommunityId;
use crate::tip::{Confidence, Replaced, Revision, State, Tip};

/// Whose tips a caller may read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audience {
    /// Every community, private ones too: site admins.
    pub everything: bool,
    /// The private communities the caller is a member of.
    pub private: BTreeSet<CommunityId>,
}

impl Audience {
    /// Whether the approved tips of a community may be read.
    pub fn reads(&self, community: CommunityId, openness: Openness) -> bool {
        openness == Openness::Open || self.everything || self.private.contains(&community)
    }

    /// Whether the audience reaches beyond the open communities.
    pub fn is_public(&self) -> bool {
        !self.everything && self.private.is_empty()
    }
}

/// Whether a tip belongs in results: approved in some revision, not on hold, not archived, not replaced by another.
///
/// The one place that decides what is indexed; the follower of the change log and the rebuild both ask here.
pub fn is_listed(tip: &Tip) -> bool {
    may_be_found(tip) && tip.replaced.is_none()
}

/// Whether a tip was merged into another that is to be found by its words as well.
pub fn speaks_through_another(tip: &Tip) -> bool {
    may_be_found(tip) && tip.replaced.is_some_and(|replaced| replaced.how == Replaced::Merged)
}

fn may_be_found(tip: &Tip) -> bool {
    tip.live.is_some() && tip.hold.is_none() && tip.confidence != Confidence::Archived
}

/// Whether a caller may know of a tip at all. What is not visible does not exist: 404.
pub fn sees_tip(caller: &Caller, tip: &Tip, latest: &Revision, community: &Community) -> bool {
    (tip.live.is_some() && caller.audience().reads(community.id, community.openness))
        || sees_revision(caller, tip, latest, community)
}

/// Whether a caller may read a given revision.
///
/// The live one: whoever reads the community. A draft: those who write it, which is the author, its last editor, and
/// whoever else is credited on it and reads the community. Anything else that was sent to reviewers: those, and the
/// community's reviewers.
pub fn sees_revision(caller: &Caller, tip: &Tip, revision: &Revision, community: &Community) -> bool {
    let reads = caller.knows(community);
    if tip.live == Some(revision.number) && reads {
        return true;
    }
    let wrote_of_it = revision.credited.contains(&caller.user);
    let writes_it = caller.user == tip.author || caller.user == revision.editor || (wrote_of_it && reads);
    match revision.state {
        State::Draft => writes_it,
        _ if revision.submitted_at.is_none() => writes_it, // a draft that was thrown away
        _ => writes_it || caller.reviews(community.id) || caller.is_admin(),
    }
}

/// Whether whoever may read a tip's history may know of another tip, so that it can be named there.
pub fn may_be_named(other: &Tip, owner: &Community, of: &Tip) -> bool {
    other.live.is_some() && (owner.id == of.community || owner.openness == Openness::Open)
}

/// Whether a caller may know of a flag: the community's reviewers, and whoever raised it, as long as they read the tip.
pub fn sees_flag(caller: &Caller, flag: &Flag, community: &Community) -> bool {
    let raised = flag.flagged_by == Some(caller.user) && caller.knows(community);
    raised || caller.reviews(community.id) || caller.is_admin()
}
