//! Who may do what. Each use case asks [`may`] once, after it has made sure the caller may know of the thing at all.

use std::collections::BTreeMap;

use crate::api_key::{Scope, Scopes};
use crate::community::{Community, Openness, Role};
use crate::error::RuleError;
use crate::ids::{ApiKeyId, CommunityId, SessionId, UserId};
use crate::tip::{Revision, State, Tip};
use crate::user::SiteRole;
use crate::visibility::Audience;
use crate::workflow::Action;

/// One person's place in one community, with what is needed to tell what they may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What they are there.
    pub role: Role,
    /// Who else reads there.
    pub openness: Openness,
}

/// Whoever makes a request: an active account, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// What they are to the site.
    pub site_role: SiteRole,
    /// What they are in each community they belong to.
    pub standings: BTreeMap<CommunityId, Standing>,
    /// The session they came in with; absent for an API key and for the command line.
    pub session: Option<SessionId>,
    /// The API key they came in with, and what it grants.
    pub key: Option<(ApiKeyId, Scopes)>,
}

impl Caller {
    /// Whether this is a site admin.
    pub fn is_admin(&self) -> bool {
        self.site_role == SiteRole::Admin
    }

    /// The role in a community, if a member.
    pub fn role_in(&self, community: CommunityId) -> Option<Role> {
        self.standings.get(&community).map(|standing| standing.role)
    }

    /// Whether the caller has at least `role` in a community.
    pub fn has(&self, community: CommunityId, role: Role) -> bool {
        self.role_in(community).is_some_and(|held| held >= role)
    }

    /// Whether the caller is a reviewer (or steward) of a community.
    pub fn reviews(&self, community: CommunityId) -> bool {
        self.has(community, Role::Reviewer)
    }

    /// The communities the caller is a reviewer (or steward) of.
    pub fn reviewed(&self) -> Vec<CommunityId> {
        self.standings.keys().copied().filter(|&community| self.reviews(community)).collect()
    }

    /// Whose tips the caller may read.
    pub fn audience(&self) -> Audience {
        Audience {
            everything: self.is_admin(),
            private: self
                .standings
                .iter()
                .filter(|(_, standing)| standing.openness == Openness::Private)
                .map(|(&community, _)| community)
                .collect(),
        }
    }

    /// What a key of these scopes leaves of the caller's rights: every rule asks for a role, and the roles are cut here.
    #[must_use]
    pub fn within(self, key: ApiKeyId, scopes: &Scopes) -> Self {
        let most = if scopes.grant(Scope::Review) || scopes.grant(Scope::Admin) {
            Role::Steward
        } else if scopes.grant(Scope::Write) {
            Role::Contributor
        } else {
            Role::Reader
        };
        let cut = |standing: Standing| Standing { role: standing.role.min(most), ..standing };
        Self {
            site_role: if scopes.grant(Scope::Admin) { self.site_role } else { SiteRole::Member },
            standings: self.standings.into_iter().map(|(community, standing)| (community, cut(standing))).collect(),
            session: None,
            key: Some((key, scopes.clone())),
            ..self
        }
    }

    /// Whether the caller may know that a community exists.
    pub fn knows(&self, community: &Community) -> bool {
        self.audience().reads(community.id, community.openness)
    }
}

/// Whether the caller may write tips in a community.
pub fn may_contribute(caller: &Caller, community: CommunityId) -> Result<(), RuleError> {
    granted(caller.has(community, Role::Contributor), "write tips in this community")
}

/// Whether the caller may see and answer the gaps of a community, or those of no community's own.
pub fn may_answer_gaps(caller: &Caller, community: Option<CommunityId>) -> Result<(), RuleError> {
    let writes = match community {
        Some(community) => caller.has(community, Role::Contributor),
        None => caller.standings.values().any(|standing| standing.role >= Role::Contributor),
    };
    granted(caller.is_admin() || writes, "answer gaps here")
}

/// Whether the caller may change a community and its members.
pub fn may_steward(caller: &Caller, community: CommunityId) -> Result<(), RuleError> {
    granted(caller.is_admin() || caller.has(community, Role::Steward), "steward this community")
}

/// Whether the caller may take tips in as approved at all; [`may_steward`] says where.
pub fn may_import(caller: &Caller) -> Result<(), RuleError> {
    let steward = caller.standings.values().any(|standing| standing.role >= Role::Steward);
    granted(caller.is_admin() || steward, "import tips")
}

/// Whether the caller may see who the members of a community are.
pub fn may_see_members(caller: &Caller, community: CommunityId) -> Result<(), RuleError> {
    granted(caller.is_admin() || caller.has(community, Role::Reader), "see this community's members")
}

/// Whether the caller may see to the flags of a community.
pub fn may_see_to_flags(caller: &Caller, community: CommunityId) -> Result<(), RuleError> {
    granted(caller.reviews(community), "see to flags of this community")
}

/// Whether the caller may make a flag somebody's task: their own, and stewards anybody's.
pub fn may_assign(caller: &Caller, community: CommunityId, to: UserId) -> Result<(), RuleError> {
    granted(caller.user == to || caller.has(community, Role::Steward), "give tasks to others")
}

/// Whether the caller may look after accounts, found communities and operate the service.
pub fn may_administer(caller: &Caller) -> Result<(), RuleError> {
    granted(caller.is_admin(), "administer this site")
}

/// Whether the caller is there in person, and not as a program with a key: what gives access to others, or for longer, is
/// for persons alone.
pub fn in_person(caller: &Caller) -> Result<(), RuleError> {
    granted(caller.key.is_none(), "manage keys, passwords and admins with an API key")
}

/// Whether the caller may do `action` to a tip whose newest revision is `latest`.
///
/// Writing is for the tip's author, the revision's editor, and a steward (who leaves others' drafts alone); deciding for
/// reviewers of the community who are not credited on the text, admins included; holding and archiving for the
/// community's keepers.
pub fn may(caller: &Caller, action: Action, tip: &Tip, latest: &Revision) -> Result<(), RuleError> {
    let credited = is_credited(caller.user, tip, latest);
    let contributes = caller.has(tip.community, Role::Contributor);
    let steward = caller.has(tip.community, Role::Steward);
    match action {
        Action::Edit => {
            let others_draft = latest.state == State::Draft && !credited;
            granted((credited && contributes) || (steward && !others_draft), "edit this tip")
        }
        Action::Submit => granted(credited && contributes, "submit this tip"),
        Action::Withdraw => granted(credited, "withdraw this tip"),
        Action::Claim | Action::Approve | Action::RequestChanges | Action::Reject => {
            granted(caller.reviews(tip.community), "review tips of this community")?;
            if credited { Err(RuleError::OwnTip) } else { Ok(()) }
        }
        // Nobody agrees to their own edits; an author's own are for nobody to agree to.
        Action::AcceptEdits | Action::DeclineEdits => {
            let edited_it = caller.user == latest.editor && caller.user != tip.author;
            granted(credited && contributes && !edited_it, "answer for this text")
        }
        Action::Release => granted(caller.reviews(tip.community), "review tips of this community"),
        Action::Hold => granted(caller.reviews(tip.community), "put tips of this community on hold"),
        Action::Unhold => granted(steward, "release a hold"),
        Action::Archive | Action::Restore => granted(steward, "archive or restore this tip"),
        Action::Merge | Action::Supersede | Action::Separate => granted(steward, "merge, supersede or separate tips"),
    }
}

/// Whether a person's words are in the text: the tip's author, and whoever edited what no peer has approved yet.
pub fn is_credited(user: UserId, tip: &Tip, revision: &Revision) -> bool {
    user == tip.author || revision.credited.contains(&user)
}

fn granted(yes: bool, what: &'static str) -> Result<(), RuleError> {
    if yes { Ok(()) } else { Err(RuleError::NotPermitted(what)) }
}
