//! API keys: what a program may do in its owner's name, until when, and how a key is written.

use std::collections::BTreeSet;
use std::fmt;

use chrono::Duration;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::Instant;
use crate::error::RuleError;
use crate::ids::{ApiKeyId, UserId};
use crate::user::checked_name;
use crate::word::word_enum;

/// How long a key lasts where nothing is said, in days.
pub const DEFAULT_DAYS: i64 = 90;
/// How long a key lasts at most, in days.
pub const MAX_DAYS: i64 = 366;
/// How many keys a person has at most.
pub const MAX_KEYS: usize = 50;

word_enum! {
    /// What a key may be used for.
    Scope {
        /// Reading and searching as a reader; every key may.
        Read = "read",
        /// Writing tips, comments and flags, reporting outcomes, as a contributor.
        Write = "write",
        /// What reviewers and stewards do to tips.
        Review = "review",
        /// Communities and their members, accounts, operating the service.
        Admin = "admin",
    }
}

/// The scopes of a key: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// These scopes; there must be one.
    pub fn checked(scopes: impl IntoIterator<Item = Scope>, pointer: &str) -> Result<Self, RuleError> {
        let scopes: BTreeSet<Scope> = scopes.into_iter().collect();
        if scopes.is_empty() {
            return Err(RuleError::field(pointer, "required", "at least one of read, write, review, admin"));
        }
        Ok(Self(scopes))
    }

    /// The scopes that words separated by spaces name.
    pub fn from_words(words: &str) -> Option<Self> {
        let scopes: BTreeSet<Scope> = words.split(' ').map(Scope::from_word).collect::<Option<_>>()?;
        (!scopes.is_empty()).then_some(Self(scopes))
    }

    /// Whether the key may be used for this.
    pub fn grant(&self, scope: Scope) -> bool {
        scope == Scope::Read || self.0.contains(&scope)
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.0.iter().map(|scope| scope.word()).collect();
        f.write_str(&words.join(" "))
    }
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// For ever; written in the key itself.
    pub id: ApiKeyId,
    /// In whose name it acts, with the rights they have at that moment.
    pub owner: UserId,
    /// What it is for, in its owner's words.
    pub name: String,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Instant,
    /// When it ends by itself.
    pub expires_at: Instant,
    /// When it was last used, give or take ten minutes.
    pub last_used_at: Option<Instant>,
}

impl ApiKey {
    /// A key to be made now, checked.
    pub fn checked(self) -> Result<Self, RuleError> {
        let name = checked_name(&self.name, "/name")?;
        let lasts = self.expires_at - self.created_at;
        if lasts <= Duration::zero() || lasts > Duration::days(MAX_DAYS) {
            let detail = format!("in the future, and within {MAX_DAYS} days");
            return Err(RuleError::field("/expires_at", "invalid", detail));
        }
        Ok(Self { name, ..self })
    }
}

/// A key as programs send it: `eur_<id>_<secret><checksum>`, all hexadecimal. The checksum tells a mistyped key, and a
/// scanner a real one, without asking any database. Has no `Debug`: it must not get into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct WrittenKey {
    /// Which key.
    pub id: ApiKeyId,
    /// 160 random bits, hexadecimal.
    pub secret: String,
}

/// What every key begins with.
pub const PREFIX: &str = "eur_";
const ID: usize = 32;
const SECRET: usize = 40;
const CHECKSUM: usize = 8;

impl WrittenKey {
    /// A key with 160 random bits.
    pub fn new(id: ApiKeyId, random: [u8; SECRET / 2]) -> Self {
        Self { id, secret: hex::encode(random) }
    }

    /// As it is written.
    pub fn text(&self) -> String {
        let body = format!("{PREFIX}{}_{}", self.id.0.simple(), self.secret);
        let checksum = checksum(&body);
        body + &checksum
    }

    /// Reads a key; `None` if it is none, or mistyped.
    pub fn read(text: &str) -> Option<Self> {
        let plain = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        let (id, rest) = text.strip_prefix(PREFIX)?.split_once('_')?;
        if id.len() != ID || rest.len() != SECRET + CHECKSUM || !id.bytes().chain(rest.bytes()).all(plain) {
            return None;
        }
        let (secret, _) = rest.split_at_checked(SECRET)?;
        let key = Self { id: ApiKeyId(Uuid::try_parse(id).ok()?), secret: secret.to_owned() };
        (key.text() == text).then_some(key)
    }
}

fn checksum(body: &str) -> String {
    hex::encode(Sha256::digest(body)).chars().take(CHECKSUM).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_one_mistyped_character_is_told() {
        let key = WrittenKey::new(ApiKeyId(Uuid::from_u128(7)), [0xab; 20]);
        let text = key.text();
        assert!(text.starts_with("eur_00000000000000000000000000000007_abab"), "{text}");
        assert_eq!(text.len(), 4 + 32 + 1 + 40 + 8);
        assert!(WrittenKey::read(&text) == Some(key));
        for place in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[place] = if wrong[place] == b'0' { b'1' } else { b'0' };
            assert!(WrittenKey::read(std::str::from_utf8(&wrong).unwrap()).is_none(), "{place}");
        }
        for wrong in ["", "eur_", "eur__", &text[..84], &format!("{text}0"), &text.to_uppercase()] {
            assert!(WrittenKey::read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn scopes_read_back_and_unknown_ones_do_not() {
        let scopes = Scopes::checked([Scope::Write, Scope::Read, Scope::Write], "/scopes").unwrap();
        assert_eq!(scopes.to_string(), "read write");
        assert_eq!(Scopes::from_words("read write"), Some(scopes));
        assert!(Scopes::from_words("").is_none() && Scopes::from_words("read root").is_none());
        assert!(Scopes::checked([], "/scopes").is_err());
    }
}
