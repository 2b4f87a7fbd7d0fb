//! The change log: the one gap-free, ordered, hash-chained record of who changed what.
//!
//! A row's hash is `SHA-256(previous hash || canonical row)`. What names or describes a person stands in an erasable
//! payload beside the row; the row holds only a salted commitment to it, so erasing keeps the chain.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::Instant;
use crate::ids::{TipId, UserId};
use crate::tip::{Revision, State};
use crate::word::word_enum;

word_enum! {
    /// What happened.
    Kind {
        /// A tip was started.
        TipCreated = "tip.created",
        /// A draft was rewritten, or the next revision started.
        TipEdited = "tip.edited",
        /// A photo or document was attached to a draft, or to the next revision.
        TipAttached = "tip.attached",
        /// One was taken away from it.
        TipDetached = "tip.detached",
        /// A revision was sent to reviewers.
        TipSubmitted = "tip.submitted",
        /// A draft or submission was taken back.
        TipWithdrawn = "tip.withdrawn",
        /// A reviewer took up a review.
        ReviewClaimed = "review.claimed",
        /// A review went back to the queue.
        ReviewReleased = "review.released",
        /// Nobody had taken a review up in time; its reviewers were told.
        ReviewReminded = "review.reminded",
        /// A review was not decided in time; the stewards were told.
        ReviewEscalated = "review.escalated",
        /// Somebody said something in a review.
        ReviewCommented = "review.commented",
        /// A reviewer approved, and the quorum is not reached yet.
        ReviewApproved = "review.approved",
        /// A reviewer approved a text as they would have it; those whose words it was are asked.
        ReviewEdited = "review.edited",
        /// Somebody whose words a reviewer had edited agreed, and the quorum is not reached yet.
        ReviewEditsAccepted = "review.edits_accepted",
        /// Somebody whose words a reviewer had edited has their own text back under review.
        ReviewEditsDeclined = "review.edits_declined",
        /// A reviewer sent a revision back.
        TipChangesRequested = "tip.changes_requested",
        /// A revision was turned down.
        TipRejected = "tip.rejected",
        /// A revision was approved; readers see it.
        TipPublished = "tip.published",
        /// An approved tip came in from elsewhere.
        TipImported = "tip.imported",
        /// The use of a tip was stopped.
        TipHeld = "tip.held",
        /// A hold was lifted.
        TipUnheld = "tip.unheld",
        /// A tip was taken out of all results.
        TipArchived = "tip.archived",
        /// An archived tip came back.
        TipRestored = "tip.restored",
        /// The text of an earlier revision was taken up again.
        TipReverted = "tip.reverted",
        /// Another tip that says the same took its place.
        TipMerged = "tip.merged",
        /// Another tip that says it better took its place.
        TipSuperseded = "tip.superseded",
        /// A replaced tip got its place back.
        TipSeparated = "tip.separated",
        /// Its author said how a tip relates to one that looks like it.
        TipRelated = "tip.related",
        /// That was taken back.
        TipUnrelated = "tip.unrelated",
        /// Somebody told what using a tip did.
        OutcomeRecorded = "outcome.recorded",
        /// What using another tip did counts here from now on, or no longer: it was merged into this one, or separated.
        OutcomesMoved = "outcomes.moved",
        /// A flag was raised on a tip, or a re-check asked for.
        FlagOpened = "flag.opened",
        /// A flag became somebody's task.
        FlagAssigned = "flag.assigned",
        /// A flag ended.
        FlagResolved = "flag.resolved",
        /// A tip came into doubt.
        TipDisputed = "tip.disputed",
        /// A tip was confirmed, by its use or by a reviewer.
        TipRenewed = "tip.renewed",
        /// A community was founded.
        CommunityCreated = "community.created",
        /// A community's charter was changed, other than in who reads there.
        CommunityUpdated = "community.updated",
        /// A community became open or private.
        CommunityOpennessChanged = "community.openness_changed",
        /// A community's glossary was rewritten.
        GlossaryUpdated = "community.glossary_updated",
        /// A person joined a community or changed role.
        MemberSet = "member.set",
        /// A person left a community.
        MemberRemoved = "member.removed",
        /// An account was made.
        UserCreated = "user.created",
        /// An account was changed: from before each matter had a word of its own.
        UserUpdated = "user.updated",
        /// A person took another name.
        UserRenamed = "user.renamed",
        /// A password was set, which ended every session.
        UserPasswordChanged = "user.password_changed",
        /// An admin made a token with which a person may set a new password.
        UserPasswordReset = "user.password_reset",
        /// A person was made an admin, or a member again.
        UserRoleChanged = "user.role_changed",
        /// A person was suspended, or let in again.
        UserStatusChanged = "user.status_changed",
        /// A person's name and mail address were erased; what they did stays.
        UserErased = "user.erased",
        /// A person is known to an identity provider from here on, or by another of its subjects.
        IdentityLinked = "identity.linked",
        /// That an identity provider's subject is this person was taken back.
        IdentityUnlinked = "identity.unlinked",
        /// A person made a key for a program.
        ApiKeyCreated = "api_key.created",
        /// Such a key was ended before its time.
        ApiKeyEnded = "api_key.ended",
        /// A person asked to be told of changes at a URL.
        WebhookCreated = "webhook.created",
        /// A webhook's URL, filters or standing was changed.
        WebhookUpdated = "webhook.updated",
        /// A webhook got another secret.
        WebhookRotated = "webhook.secret_rotated",
        /// A webhook was turned off by the service: nothing took its messages. Its owner was told.
        WebhookDisabled = "webhook.disabled",
        /// A webhook was ended.
        WebhookEnded = "webhook.ended",
        /// A person undertook to answer a gap.
        GapClaimed = "gap.claimed",
        /// A gap was given back.
        GapReleased = "gap.released",
        /// A tip that answers a gap was approved.
        GapAnswered = "gap.answered",
        /// The database was restored from a backup: what had come after it is lost, and its life is another one.
        LogRestored = "log.restored",
    }
}

/// A change about to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub kind: Kind,
    /// Who did it; absent for the system itself.
    pub actor: Option<UserId>,
    /// When.
    pub at: Instant,
    /// The tip it happened to.
    pub tip: Option<TipId>,
    /// The revision it happened to.
    pub revision: Option<i32>,
    /// The revision's state before.
    pub from: Option<State>,
    /// The revision's state after.
    pub to: Option<State>,
    /// The community, user, review or other tip it happened to or with, where that is not the tip.
    pub subject: Option<Uuid>,
    /// Reasons and names: erasable.
    pub payload: Option<Payload>,
}

/// What may be erased from a change later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// 16 random bytes, hexadecimal, so that a short reason cannot be guessed from its commitment.
    pub salt: String,
    /// What is told: a JSON object.
    pub body: String,
}

impl Payload {
    /// `SHA-256(salt || body)`, hexadecimal.
    pub fn commitment(&self) -> String {
        hex::encode(Sha256::new().chain_update(&self.salt).chain_update(&self.body).finalize())
    }
}

/// The facts that stand in a payload; absent ones are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Why, from the list.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason_code: Option<String>,
    /// The role, status or openness before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub was: Option<String>,
    /// The role, status or openness that was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// The parts of a charter that were changed.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fields: Vec<String>,
    /// A second party: the member whose role changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<UserId>,
}

impl Facts {
    /// That something was one thing and is another.
    pub fn turned(was: &str, value: &str) -> Self {
        Self { was: Some(was.to_owned()), value: Some(value.to_owned()), ..Self::default() }
    }

    /// The facts, without why.
    #[must_use]
    pub fn without_reason(&self) -> Self {
        Self { reason: None, reason_code: None, ..self.clone() }
    }

    /// Whether there is anything to tell.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A recorded change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the log: 1, 2, 3 … without gaps.
    pub seq: i64,
    /// What happened.
    pub kind: Kind,
    /// Who did it.
    pub actor: Option<UserId>,
    /// When.
    pub at: Instant,
    /// The tip it happened to.
    pub tip: Option<TipId>,
    /// The revision it happened to.
    pub revision: Option<i32>,
    /// The revision's state before.
    pub from: Option<State>,
    /// The revision's state after.
    pub to: Option<State>,
    /// The community, user, review or other tip it happened to or with, where that is not the tip.
    pub subject: Option<Uuid>,
    /// The commitment to its payload, if it had one.
    pub commitment: Option<String>,
    /// The hash of the row before.
    pub prev_hash: String,
    /// This row's hash.
    pub hash: String,
}

/// The hash before the first row.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A place in the log of one database: what an index, a feed or a pinned copy remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Marks one database's life; a restore as new gets a new one.
    pub log_id: Uuid,
    /// The last row, 0 when there is none.
    pub seq: i64,
    /// Its hash, [`GENESIS`] when there is none.
    pub hash: String,
}

/// `LOG:SEQ:HASH`, to be kept elsewhere and compared later.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.log_id, self.seq, self.hash)
    }
}

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, ':');
        let (log_id, seq, hash) = (parts.next(), parts.next(), parts.next());
        Ok(Self {
            log_id: log_id.and_then(|id| id.parse().ok()).ok_or("it begins with the id of a log")?,
            seq: seq.and_then(|seq| seq.parse().ok()).ok_or("its second part is a position")?,
            hash: hash.filter(|hash| hash.len() == GENESIS.len()).ok_or("its third part is a hash")?.to_owned(),
        })
    }
}

impl Recorded {
    /// Gives a change its place after `head`.
    pub fn after(head: &Head, change: &Change) -> Self {
        let mut row = Self {
            seq: head.seq + 1,
            kind: change.kind,
            actor: change.actor,
            at: change.at,
            tip: change.tip,
            revision: change.revision,
            from: change.from,
            to: change.to,
            subject: change.subject,
            commitment: change.payload.as_ref().map(Payload::commitment),
            prev_hash: head.hash.clone(),
            hash: String::new(),
        };
        row.hash = row.expected_hash();
        row
    }

    /// `SHA-256(prev_hash || canonical row)`, hexadecimal. The canonical row is a list of its fields, each as its
    /// length in bytes, a colon and its text (absent: a dash), so that no two rows share a form.
    pub fn expected_hash(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(&self.prev_hash);
        let mut field = |text: Option<String>| match text {
            Some(text) => hasher.update(format!("{}:{text}", text.len())),
            None => hasher.update("-"),
        };
        field(Some(self.seq.to_string()));
        field(Some(self.kind.word().to_owned()));
        field(self.actor.map(|id| id.to_string()));
        field(Some(self.at.timestamp_micros().to_string()));
        field(self.tip.map(|id| id.to_string()));
        field(self.revision.map(|n| n.to_string()));
        field(self.from.map(|s| s.word().to_owned()));
        field(self.to.map(|s| s.word().to_owned()));
        field(self.subject.map(|id| id.to_string()));
        field(self.commitment.clone());
        hex::encode(hasher.finalize())
    }
}

impl Change {
    /// A change of this kind, to be filled in further.
    pub fn new(kind: Kind, actor: Option<UserId>, at: Instant) -> Self {
        Self { kind, actor, at, tip: None, revision: None, from: None, to: None, subject: None, payload: None }
    }

    /// The change, as one of a tip.
    #[must_use]
    pub fn of_tip(self, tip: TipId) -> Self {
        Self { tip: Some(tip), ..self }
    }

    /// The change, as one of a community, user or review.
    #[must_use]
    pub fn about(self, subject: Uuid) -> Self {
        Self { subject: Some(subject), ..self }
    }

    /// The change, as one of a revision whose state it leaves as it is.
    #[must_use]
    pub fn on_revision(self, number: i32) -> Self {
        Self { revision: Some(number), ..self }
    }

    /// The change, with what may be erased from it later.
    #[must_use]
    pub fn telling(self, payload: Option<Payload>) -> Self {
        Self { payload, ..self }
    }

    /// The change, as one of a revision that went from a state to the one it is in now.
    #[must_use]
    pub fn at_revision(self, from: Option<State>, revision: &Revision) -> Self {
        Self { revision: Some(revision.number), from, to: Some(revision.state), ..self }
    }
}

impl Kind {
    /// Whether every reader of a tip may know of it: what happened to live texts, not to those under review.
    pub fn is_public(self) -> bool {
        matches!(
            self,
            Self::TipPublished
                | Self::TipImported
                | Self::TipHeld
                | Self::TipUnheld
                | Self::TipArchived
                | Self::TipRestored
                | Self::TipDisputed
                | Self::TipRenewed
                | Self::TipMerged
                | Self::TipSuperseded
                | Self::TipSeparated
                | Self::GapAnswered
        )
    }

    /// Whether it is of a flag, which whoever is told of it may know of as long as they read the tip.
    pub fn is_of_flag(self) -> bool {
        matches!(self, Self::FlagOpened | Self::FlagAssigned | Self::FlagResolved)
    }

    /// Whether what is indexed of the tip may differ after it.
    pub fn is_indexed(self) -> bool {
        self.is_public() || matches!(self, Self::OutcomeRecorded | Self::OutcomesMoved)
    }
}
