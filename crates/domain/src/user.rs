//! People: who they are to the site, and what their profile must be.

use crate::clock::Instant;
use crate::error::RuleError;
use crate::ids::UserId;
use crate::word::word_enum;

word_enum! {
    /// What a person is to the whole site, beside their roles in communities.
    SiteRole {
        /// One of the people.
        Member = "member",
        /// Looks after accounts, communities and the service itself.
        Admin = "admin",
    }
}

word_enum! {
    /// Whether a person may sign in.
    UserStatus {
        /// May.
        Active = "active",
        /// May not, until an admin lifts it.
        Suspended = "suspended",
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// For ever.
    pub id: UserId,
    /// Where mail reaches them; the login name, lower case, unique. Absent for authors who were imported.
    pub email: Option<String>,
    /// The name on their tips.
    pub name: String,
    /// What they are to the site.
    pub site_role: SiteRole,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// Raised whenever every token given before must stop working.
    pub auth_epoch: i32,
    /// When the account was made.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

/// Lower-cases and checks an e-mail address: something before one `@`, a dotted name after it.
pub fn checked_email(email: &str, pointer: &str) -> Result<String, RuleError> {
    let email = email.trim().to_lowercase();
    let plausible = email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && email.split_once('@').is_some_and(|(local, host)| {
            !local.is_empty()
                && !host.contains('@')
                && host.contains('.')
                && host.split('.').all(|part| !part.is_empty())
        });
    if plausible { Ok(email) } else { Err(RuleError::field(pointer, "invalid", "not an e-mail address")) }
}

/// Trims and checks the name that will stand on a person's tips.
pub fn checked_name(name: &str, pointer: &str) -> Result<String, RuleError> {
    let name = name.trim();
    if name.is_empty() {
        return Err(RuleError::field(pointer, "required", "must not be empty"));
    }
    if name.chars().count() > 120 || name.chars().any(char::is_control) {
        return Err(RuleError::field(pointer, "invalid", "at most 120 characters, none of them control characters"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_lower_cased_and_must_look_like_one() {
        assert_eq!(checked_email(" Ana@Example.ORG ", "/email").unwrap(), "ana@example.org");
        for wrong in ["", "ana", "@b.c", "a@b", "a@b.", "a@.c", "a b@c.d", "a@b@c.d"] {
            assert!(checked_email(wrong, "/email").is_err(), "{wrong}");
        }
    }
}
