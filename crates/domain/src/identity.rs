//! Who a person is to an outside identity provider, and what the groups that it tells of them give here.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::clock::Instant;
use crate::community::Role;
use crate::ids::{IdentityId, UserId};

/// A person, as a provider knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// For ever.
    pub id: IdentityId,
    /// The provider's name for itself: `iss`.
    pub issuer: String,
    /// Its name for the person: `sub`, never given to anybody else.
    pub subject: String,
    /// Who that is here.
    pub user: UserId,
    /// Since when.
    pub linked_at: Instant,
    /// When the newest token was issued whose groups were taken up; absent before the first.
    pub token_at: Option<Instant>,
    /// The mapping that they were taken up with: see [`Mapping::fingerprint`].
    pub rules: String,
    /// Tokens that were issued until then are good for nothing any more.
    pub revoked_at: Option<Instant>,
    /// Whether it was its groups that made the person an admin.
    pub gave_admin: bool,
}

impl Identity {
    /// Whether a token has more to say than what was taken up before: one that was issued later, or the same one now
    /// that its groups mean something else. An older one has not: what a group gave and a newer token took away stays away.
    pub fn learns_from(&self, issued_at: Instant, rules: &str) -> bool {
        self.token_at.is_none_or(|known| issued_at > known || (issued_at == known && self.rules != rules))
    }

    /// Whether a token is from before the person logged out or was suspended.
    pub fn has_revoked(&self, issued_at: Instant) -> bool {
        self.revoked_at.is_some_and(|until| issued_at <= until)
    }
}

/// What a group gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gives {
    /// Looking after the whole site.
    Admin,
    /// A role in a community.
    Role {
        /// Its slug.
        community: String,
        /// The role.
        role: Role,
    },
}

/// What the groups of one provider give: a group may stand in it more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping(pub Vec<(String, Gives)>);

/// What somebody's groups give them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted {
    /// Whether they look after the whole site.
    pub admin: bool,
    /// The highest role in each community, by its slug.
    pub roles: BTreeMap<String, Role>,
}

impl Mapping {
    /// What these groups give.
    pub fn grant(&self, groups: &BTreeSet<String>) -> Granted {
        let mut granted = Granted::default();
        for (_, gives) in self.0.iter().filter(|(group, _)| groups.contains(group)) {
            match gives {
                Gives::Admin => granted.admin = true,
                Gives::Role { community, role } => {
                    let held = granted.roles.entry(community.clone()).or_insert(*role);
                    *held = (*held).max(*role);
                }
            }
        }
        granted
    }

    /// Tells one mapping from another.
    pub fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        for (group, gives) in &self.0 {
            let (community, role) = match gives {
                Gives::Admin => ("", "admin"),
                Gives::Role { community, role } => (community.as_str(), role.word()),
            };
            hasher.update(format!("{}:{group}{}:{community}{role};", group.len(), community.len()));
        }
        hex::encode(hasher.finalize())
    }
}

/// What becomes of a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is as it should be, or none of the groups' business.
    Stays,
    /// The person gets this role.
    Given(Role),
    /// What the groups gave is taken back.
    Taken,
}

/// What the groups of an identity make of a membership: they give where there is none, and raise, lower and take away what
/// they gave themselves. `held` is the role and the identity that gave it, none where a person or the operator did: that
/// one is left alone.
pub fn turn(identity: IdentityId, held: Option<(Role, Option<IdentityId>)>, granted: Option<Role>) -> Turn {
    match (held, granted) {
        (None, Some(role)) => Turn::Given(role),
        (Some((held, Some(by))), Some(role)) if by == identity && held != role => Turn::Given(role),
        (Some((_, Some(by))), None) if by == identity => Turn::Taken,
        _ => Turn::Stays,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn mapping() -> Mapping {
        let role = |community: &str, role| Gives::Role { community: community.to_owned(), role };
        Mapping(vec![
            ("field".to_owned(), role("printers", Role::Contributor)),
            ("peers".to_owned(), role("printers", Role::Reviewer)),
            ("peers".to_owned(), role("scanners", Role::Reader)),
            ("it".to_owned(), Gives::Admin),
        ])
    }

    fn groups(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn groups_give_the_highest_role_that_any_of_them_gives_and_unknown_ones_nothing() {
        let granted = mapping().grant(&groups(&["peers", "field", "Peers", "canteen"]));
        let roles: Vec<_> = granted.roles.iter().map(|(slug, role)| (slug.as_str(), *role)).collect();
        assert_eq!(roles, [("printers", Role::Reviewer), ("scanners", Role::Reader)]);
        assert!(!granted.admin);
        assert_eq!(mapping().grant(&groups(&[])), Granted::default());
        assert!(mapping().grant(&groups(&["it"])).admin);
    }

    #[test]
    fn a_mapping_is_told_from_any_other() {
        let mut other = mapping();
        other.0.pop();
        assert_ne!(mapping().fingerprint(), other.fingerprint());
        assert_eq!(mapping().fingerprint(), mapping().fingerprint());
        let shifted = |group: &str, community: &str| {
            Mapping(vec![(group.to_owned(), Gives::Role { community: community.to_owned(), role: Role::Reader })])
        };
        assert_ne!(shifted("ab", "c").fingerprint(), shifted("a", "bc").fingerprint());
    }

    #[test]
    fn groups_take_away_what_they_gave_and_leave_alone_what_others_gave() {
        let (this, other) = (IdentityId(Uuid::from_u128(1)), IdentityId(Uuid::from_u128(2)));
        let (low, high) = (Role::Reader, Role::Steward);
        for (held, granted, expected) in [
            (None, None, Turn::Stays),
            (None, Some(high), Turn::Given(high)),
            (Some((low, Some(this))), Some(low), Turn::Stays),
            (Some((low, Some(this))), Some(high), Turn::Given(high)),
            (Some((high, Some(this))), Some(low), Turn::Given(low)),
            (Some((high, Some(this))), None, Turn::Taken),
            (Some((low, None)), Some(high), Turn::Stays),
            (Some((high, None)), None, Turn::Stays),
            (Some((low, Some(other))), Some(high), Turn::Stays),
            (Some((high, Some(other))), None, Turn::Stays),
        ] {
            assert_eq!(turn(this, held, granted), expected, "{held:?} {granted:?}");
        }
    }

    #[test]
    fn an_older_token_has_nothing_to_say_and_the_newest_has_again_when_the_mapping_changes() {
        let at = |seconds: i64| chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap();
        let mut identity = Identity {
            id: IdentityId(Uuid::nil()),
            issuer: String::new(),
            subject: String::new(),
            user: UserId(Uuid::nil()),
            linked_at: at(0),
            token_at: None,
            rules: "old".to_owned(),
            revoked_at: Some(at(5)),
            gave_admin: false,
        };
        assert!(identity.learns_from(at(1), "old"));
        identity.token_at = Some(at(10));
        for (seconds, rules, learns) in
            [(9, "old", false), (9, "new", false), (10, "old", false), (10, "new", true), (11, "old", true)]
        {
            assert_eq!(identity.learns_from(at(seconds), rules), learns, "{seconds} {rules}");
        }
        assert!(identity.has_revoked(at(5)) && !identity.has_revoked(at(6)));
    }
}
