//! Moving a whole base from one place to another, from the command line: people, memberships, glossaries, approved tips with
//! their earlier texts, their files and what using them did, flags, relations, and what took whose place; and where all of it
//! is asked for, also what peers have not approved, reviews with what was decided and said in them, gaps, and who watches what.
//!
//! What was is told as it was (who, when, what it said); that it came in here is what the change log says, at the moment it
//! did, by nobody. Passwords, sessions, keys, webhooks, notifications, kept replies, remembered searches and the log itself
//! stay where they are.

mod away;
mod files;
mod gaps;
mod here;
mod links;
mod reviews;
mod tips;

use eureka_domain::Instant;
use eureka_domain::community::Role;
use eureka_domain::flag::Flag;
use eureka_domain::gap::Gap;
use eureka_domain::glossary::Glossary;
use eureka_domain::ids::UserId;
use eureka_domain::outcome::Outcome;
use eureka_domain::relation::Relation;
use eureka_domain::tip::{Confidence, Replaced, Revision};

pub use here::ThereAndHere;
pub use reviews::{MovedDecision, MovedReview, MovedThread, Remark};

/// How much of a base is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Portion {
    /// What peers have approved, and what came of it.
    Approved,
    /// Everything that people wrote.
    Everything,
}

/// A person who is named by what is moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedPerson {
    /// The same everywhere.
    pub id: UserId,
    /// The name, where it is told.
    pub name: Option<String>,
    /// The login name, where it is told.
    pub email: Option<String>,
    /// Whether they may not sign in.
    pub is_suspended: bool,
}

/// A tip as it is named from one place to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MovedName {
    /// The slug of its community.
    pub community: String,
    /// Its external id, or its id where it was written.
    pub id: String,
}

/// What a tip said once, or says now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedTip {
    /// Its name.
    pub name: MovedName,
    /// Whose name is on it.
    pub author: UserId,
    /// How far it can be relied on.
    pub confidence: Confidence,
    /// Why it must not be used, if so.
    pub hold: Option<String>,
    /// When it was started.
    pub created_at: Instant,
    /// When it was first published.
    pub published_at: Option<Instant>,
    /// The texts, oldest first: the approved ones, of which the last is live, or all of them. The tip in them is that of the
    /// place they come from.
    pub revisions: Vec<Revision>,
    /// The reviews of these texts, in their order, where they are told.
    pub reviews: Vec<MovedReview>,
    /// What using it did, in the order it was told in.
    pub outcomes: Vec<Outcome>,
}

/// What a text of a tip has attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedFile {
    /// The SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// A small JPEG of a picture.
    pub thumbnail: Option<Vec<u8>>,
}

/// What else is moved, each of it a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// A membership.
    Member {
        /// The community's slug.
        community: String,
        /// Who.
        user: UserId,
        /// As what.
        role: Role,
        /// Since when.
        since: Instant,
    },
    /// The glossary of a community.
    Glossary {
        /// The community's slug.
        community: String,
        /// Every version, oldest first; the community in them is that of the place they come from.
        versions: Vec<Glossary>,
    },
    /// A flag on a tip.
    Flag {
        /// The tip.
        tip: MovedName,
        /// The tip that says the same, with a duplicate.
        other: Option<MovedName>,
        /// The flag; the tips in it are those of the place it comes from.
        flag: Flag,
    },
    /// What the author of a tip says of another.
    Relation {
        /// The tip.
        tip: MovedName,
        /// The other.
        other: MovedName,
        /// The relation; the tips in it are those of the place it comes from.
        relation: Relation,
    },
    /// That another tip took a tip's place.
    Replaced {
        /// The tip.
        tip: MovedName,
        /// The one in its place.
        by: MovedName,
        /// How.
        how: Replaced,
    },
    /// That somebody wants to be told of what happens to a tip.
    Watch {
        /// The tip.
        tip: MovedName,
        /// Who.
        user: UserId,
        /// Since when.
        since: Instant,
    },
    /// A gap that has been asked for often enough to be shown.
    Gap(Box<MovedGap>),
}

/// A gap, and the tips that are to answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedGap {
    /// The slug of the community that it belongs to, if it is one's.
    pub community: Option<String>,
    /// The gap; the community and the tip in it are those of the place it comes from.
    pub gap: Gap,
    /// The tips that were written to answer it, and since when.
    pub tips: Vec<(MovedName, Instant)>,
    /// The one of them that answers it, and since when.
    pub answer: Option<(MovedName, Instant)>,
}

/// What came of what was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// It is here now.
    New,
    /// It was here before.
    Known,
    /// It is not taken.
    Refused(String),
}
