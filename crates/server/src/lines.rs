//! The lines of a file that `eureka export` writes and `eureka import` reads: one JSON object each, with its `kind`. Reviews,
//! which stand in the line of their tip, are in `lines/reviews.rs`, gaps and watches in `lines/gaps.rs`.

mod gaps;
mod reviews;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eureka_domain::Instant;
use eureka_domain::community::{Charter, Community, Openness, ReviewPolicy, Role};
use eureka_domain::flag::{Flag, FlagKind, Resolution, Resolved};
use eureka_domain::glossary::{Glossary, GlossaryEntry};
use eureka_domain::ids::{CommunityId, FlagId, OutcomeId, TipId, UserId};
use eureka_domain::outcome::{Counting, Outcome, OutcomeResult};
use eureka_domain::relation::{Confirmed, Relation, RelationKind};
use eureka_domain::tip::{Confidence, Replaced, Revision, State, TipText};
use eureka_service::{Moved, MovedFile, MovedName, MovedPerson, MovedReview, MovedTip};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use gaps::{GapLine, WatchLine};
use reviews::ReviewLine;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum MovedLine {
    /// A community with its charter.
    Community(CommunityLine),
    /// A person whom later lines name by their id.
    Person(PersonLine),
    /// A membership.
    Member(MemberLine),
    /// The glossary of a community.
    Glossary(GlossaryLine),
    /// A file of the next tip.
    File(FileLine),
    /// A tip with its texts and outcomes.
    Tip(Box<TipLine>),
    /// A flag on a tip.
    Flag(Box<FlagLine>),
    /// What is said of a tip and another.
    Relation(RelationLine),
    /// That another tip took a tip's place.
    Replaced(ReplacedLine),
    /// That somebody watches a tip.
    Watch(WatchLine),
    /// A gap.
    Gap(Box<GapLine>),
}

/// The kinds of lines; a line of no such kind is a tip as other programs write them.
pub(crate) const KINDS: [&str; 11] =
    ["community", "person", "member", "glossary", "file", "tip", "flag", "relation", "replaced", "watch", "gap"];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommunityLine {
    slug: String,
    name: String,
    description: String,
    visibility: Openness,
    policy: PolicyLine,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyLine {
    quorum: i32,
    safety_quorum: i32,
    claim_minutes: i32,
    first_response_days: i32,
    decision_days: i32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonLine {
    id: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    suspended: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberLine {
    community: String,
    person: UserId,
    role: Role,
    since: Instant,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GlossaryLine {
    community: String,
    versions: Vec<VersionLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionLine {
    entries: Vec<GlossaryEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    editor: Option<UserId>,
    at: Instant,
}

/// Bytes are in base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileLine {
    sha256: String,
    bytes: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TipLine {
    id: String,
    community: String,
    author: UserId,
    confidence: Confidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<String>,
    created_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<Instant>,
    texts: Vec<RevisionLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reviews: Vec<ReviewLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outcomes: Vec<OutcomeLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RevisionLine {
    revision: i32,
    round: i32,
    state: State,
    text: TipText,
    editor: UserId,
    credited: BTreeSet<UserId>,
    created_at: Instant,
    updated_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<Instant>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeLine {
    revision: i32,
    by: UserId,
    result: OutcomeResult,
    counting: Counting,
    #[serde(skip_serializing_if = "Option::is_none")]
    minutes_spent: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minutes_saved: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    work_order: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    happened_at: Instant,
    reported_at: Instant,
}

/// A tip, from another line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NameLine {
    community: String,
    id: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlagLine {
    tip: NameLine,
    id: Uuid,
    revision: i32,
    says: FlagKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<NameLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee: Option<UserId>,
    opened_at: Instant,
    due_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<ResolvedLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResolvedLine {
    resolution: Resolution,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<UserId>,
    at: Instant,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RelationLine {
    tip: NameLine,
    other: NameLine,
    relation: RelationKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    by: UserId,
    at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed: Option<ConfirmedLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmedLine {
    revision: i32,
    other: i32,
    at: Instant,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplacedLine {
    tip: NameLine,
    by: NameLine,
    how: Replaced,
}

impl From<Community> for CommunityLine {
    fn from(community: Community) -> Self {
        let ReviewPolicy { quorum, safety_quorum, claim_minutes, first_response_days, decision_days } =
            community.policy;
        Self {
            slug: community.slug,
            name: community.name,
            description: community.description,
            visibility: community.openness,
            policy: PolicyLine { quorum, safety_quorum, claim_minutes, first_response_days, decision_days },
        }
    }
}

impl From<CommunityLine> for Charter {
    fn from(line: CommunityLine) -> Self {
        let PolicyLine { quorum, safety_quorum, claim_minutes, first_response_days, decision_days } = line.policy;
        Self {
            slug: line.slug,
            name: line.name,
            description: line.description,
            openness: line.visibility,
            policy: ReviewPolicy { quorum, safety_quorum, claim_minutes, first_response_days, decision_days },
        }
    }
}

impl From<MovedPerson> for PersonLine {
    fn from(person: MovedPerson) -> Self {
        let MovedPerson { id, name, email, is_suspended: suspended } = person;
        Self { id, name, email, suspended }
    }
}

impl From<PersonLine> for MovedPerson {
    fn from(line: PersonLine) -> Self {
        let PersonLine { id, name, email, suspended: is_suspended } = line;
        Self { id, name, email, is_suspended }
    }
}

impl From<MovedName> for NameLine {
    fn from(name: MovedName) -> Self {
        let MovedName { community, id } = name;
        Self { community, id }
    }
}

impl From<NameLine> for MovedName {
    fn from(line: NameLine) -> Self {
        let NameLine { community, id } = line;
        Self { community, id }
    }
}

impl From<MovedFile> for FileLine {
    fn from(file: MovedFile) -> Self {
        let thumbnail = file.thumbnail.map(|small| BASE64.encode(small));
        Self { sha256: file.sha256, bytes: BASE64.encode(file.bytes), thumbnail }
    }
}

impl TryFrom<FileLine> for MovedFile {
    type Error = base64::DecodeError;

    fn try_from(line: FileLine) -> Result<Self, Self::Error> {
        let thumbnail = line.thumbnail.map(|small| BASE64.decode(small)).transpose()?;
        Ok(Self { sha256: line.sha256, bytes: BASE64.decode(line.bytes)?, thumbnail })
    }
}

impl From<MovedTip> for TipLine {
    fn from(tip: MovedTip) -> Self {
        Self {
            id: tip.name.id,
            community: tip.name.community,
            author: tip.author,
            confidence: tip.confidence,
            hold: tip.hold,
            created_at: tip.created_at,
            published_at: tip.published_at,
            texts: tip.revisions.into_iter().map(RevisionLine::from).collect(),
            reviews: tip.reviews.into_iter().map(ReviewLine::from).collect(),
            outcomes: tip.outcomes.into_iter().map(OutcomeLine::from).collect(),
        }
    }
}

impl From<TipLine> for MovedTip {
    fn from(line: TipLine) -> Self {
        Self {
            name: MovedName { community: line.community, id: line.id },
            author: line.author,
            confidence: line.confidence,
            hold: line.hold,
            created_at: line.created_at,
            published_at: line.published_at,
            revisions: line.texts.into_iter().map(Revision::from).collect(),
            reviews: line.reviews.into_iter().map(MovedReview::from).collect(),
            outcomes: line.outcomes.into_iter().map(Outcome::from).collect(),
        }
    }
}

/// The tip of a text, an outcome, a flag or a relation, until it is known here.
const ELSEWHERE: TipId = TipId(Uuid::nil());

impl From<Revision> for RevisionLine {
    fn from(revision: Revision) -> Self {
        Self {
            revision: revision.number,
            round: revision.round,
            state: revision.state,
            text: revision.text,
            editor: revision.editor,
            credited: revision.credited,
            created_at: revision.created_at,
            updated_at: revision.updated_at,
            submitted_at: revision.submitted_at,
            decided_at: revision.decided_at,
        }
    }
}

impl From<RevisionLine> for Revision {
    fn from(line: RevisionLine) -> Self {
        Self {
            tip: ELSEWHERE,
            number: line.revision,
            round: line.round,
            state: line.state,
            text: line.text,
            editor: line.editor,
            credited: line.credited,
            created_at: line.created_at,
            updated_at: line.updated_at,
            submitted_at: line.submitted_at,
            decided_at: line.decided_at,
        }
    }
}

impl From<Outcome> for OutcomeLine {
    fn from(outcome: Outcome) -> Self {
        Self {
            revision: outcome.revision,
            by: outcome.user,
            result: outcome.result,
            counting: outcome.counting,
            minutes_spent: outcome.minutes_spent,
            minutes_saved: outcome.minutes_saved,
            product: outcome.product,
            work_order: outcome.work_order,
            note: outcome.note,
            client_id: outcome.client_id,
            happened_at: outcome.happened_at,
            reported_at: outcome.reported_at,
        }
    }
}

impl From<OutcomeLine> for Outcome {
    fn from(line: OutcomeLine) -> Self {
        Self {
            id: OutcomeId(Uuid::nil()),
            tip: ELSEWHERE,
            revision: line.revision,
            user: line.by,
            result: line.result,
            counting: line.counting,
            minutes_spent: line.minutes_spent,
            minutes_saved: line.minutes_saved,
            product: line.product,
            work_order: line.work_order,
            note: line.note,
            client_id: line.client_id,
            happened_at: line.happened_at,
            reported_at: line.reported_at,
            seq: 0,
        }
    }
}

impl From<Moved> for MovedLine {
    fn from(moved: Moved) -> Self {
        match moved {
            Moved::Member { community, user: person, role, since } => {
                Self::Member(MemberLine { community, person, role, since })
            }
            Moved::Glossary { community, versions } => {
                let version = |Glossary { entries, editor, at, .. }| VersionLine { entries, editor, at };
                Self::Glossary(GlossaryLine { community, versions: versions.into_iter().map(version).collect() })
            }
            Moved::Flag { tip, other, flag } => Self::Flag(Box::new(FlagLine {
                tip: tip.into(),
                id: flag.id.0,
                revision: flag.revision,
                says: flag.kind,
                by: flag.flagged_by,
                text: flag.text,
                duplicate_of: other.map(NameLine::from),
                assignee: flag.assignee,
                opened_at: flag.opened_at,
                due_at: flag.due_at,
                resolved: flag.resolved.map(|Resolved { resolution, reason, by, at }| ResolvedLine {
                    resolution,
                    reason,
                    by,
                    at,
                }),
            })),
            Moved::Relation { tip, other, relation } => Self::Relation(RelationLine {
                tip: tip.into(),
                other: other.into(),
                relation: relation.kind,
                reason: relation.reason,
                by: relation.by,
                at: relation.at,
                confirmed: relation.confirmed.map(|Confirmed { revision, other, at }| ConfirmedLine {
                    revision,
                    other,
                    at,
                }),
            }),
            Moved::Replaced { tip, by, how } => Self::Replaced(ReplacedLine { tip: tip.into(), by: by.into(), how }),
            Moved::Watch { tip, user, since } => Self::Watch(WatchLine::of(tip, user, since)),
            Moved::Gap(gap) => Self::Gap(Box::new((*gap).into())),
        }
    }
}

impl From<MemberLine> for Moved {
    fn from(line: MemberLine) -> Self {
        let MemberLine { community, person: user, role, since } = line;
        Self::Member { community, user, role, since }
    }
}

impl From<GlossaryLine> for Moved {
    fn from(line: GlossaryLine) -> Self {
        let nowhere = CommunityId(Uuid::nil());
        let version = |(version, VersionLine { entries, editor, at })| Glossary {
            community: nowhere,
            version,
            entries,
            editor,
            at,
        };
        Self::Glossary { community: line.community, versions: (1..).zip(line.versions).map(version).collect() }
    }
}

impl From<FlagLine> for Moved {
    fn from(line: FlagLine) -> Self {
        let flag = Flag {
            id: FlagId(line.id),
            tip: ELSEWHERE,
            revision: line.revision,
            community: CommunityId(Uuid::nil()),
            kind: line.says,
            flagged_by: line.by,
            text: line.text,
            duplicate_of: None,
            assignee: line.assignee,
            due_at: line.due_at,
            opened_at: line.opened_at,
            resolved: line.resolved.map(|ResolvedLine { resolution, reason, by, at }| Resolved {
                resolution,
                reason,
                by,
                at,
            }),
        };
        Self::Flag { tip: line.tip.into(), other: line.duplicate_of.map(MovedName::from), flag }
    }
}

impl From<RelationLine> for Moved {
    fn from(line: RelationLine) -> Self {
        let relation = Relation {
            tip: ELSEWHERE,
            other: ELSEWHERE,
            kind: line.relation,
            reason: line.reason,
            by: line.by,
            at: line.at,
            confirmed: line.confirmed.map(|ConfirmedLine { revision, other, at }| Confirmed { revision, other, at }),
        };
        Self::Relation { tip: line.tip.into(), other: line.other.into(), relation }
    }
}

impl From<ReplacedLine> for Moved {
    fn from(line: ReplacedLine) -> Self {
        Self::Replaced { tip: line.tip.into(), by: line.by.into(), how: line.how }
    }
}
