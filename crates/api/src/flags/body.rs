//! The shapes of flags on the wire.

use eureka_domain::flag::{FlagKind, Resolution};
use eureka_service::{FlagView, NewFlag};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::wire::{Person, instant, wire_enum};

wire_enum! {
    /// What is said of a tip. `recheck` is opened by Eureka itself: use or time ask whether the tip still holds.
    FlagKindWord = FlagKind {
        Wrong = "wrong", Unsafe = "unsafe", Outdated = "outdated", Duplicate = "duplicate",
        Unclear = "unclear", CustomerData = "customer_data", Recheck = "recheck",
    }
}
wire_enum! {
    /// How a flag ended.
    ResolutionWord = Resolution {
        Fixed = "fixed", Merged = "merged", Held = "held", NoAction = "no_action",
    }
}

/// Which flags, by how they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FlagStateWord {
    /// To be seen to.
    Open,
    /// Ended.
    Resolved,
    /// Both.
    All,
}

impl FlagStateWord {
    /// Whether those that are open are asked for, those that are not, or both.
    pub(crate) fn is_open(self) -> Option<bool> {
        match self {
            Self::Open => Some(true),
            Self::Resolved => Some(false),
            Self::All => None,
        }
    }
}

/// What is wrong with a tip.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "outdated", "text": "The holders changed with serial number 4000."}))]
pub(crate) struct NewFlagBody {
    /// What is said of it; not `recheck`.
    kind: FlagKindWord,
    /// In words; up to 2,000 characters.
    #[schema(max_length = 2000)]
    text: Option<String>,
    /// With `duplicate`: the id or number of the tip that says the same.
    duplicate_of: Option<String>,
}

impl From<NewFlagBody> for NewFlag {
    fn from(body: NewFlagBody) -> Self {
        Self { kind: body.kind.into(), text: body.text, duplicate_of: body.duplicate_of }
    }
}

/// Whose task a flag becomes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignBody {
    /// A reviewer of the community; yourself unless given.
    pub(crate) assignee: Option<Uuid>,
}

/// How a flag ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"resolution": "no_action", "reason": "Serial numbers from 4000 on have their own tip."}))]
pub(crate) struct ResolveBody {
    /// How. `merged` merges the tip into the one that a duplicate flag names, which stewards may, unless that is done
    /// already; `held` stops its use.
    pub(crate) resolution: ResolutionWord,
    /// Why, in words; up to 2,000 characters.
    pub(crate) reason: String,
}

/// The tip that a flag is about.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlaggedTip {
    /// For ever.
    id: Uuid,
    /// The human key.
    #[schema(example = "T-1042")]
    number: String,
    /// What it is called now.
    title: String,
}

/// A flag, and the task that it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlagBody {
    /// For ever.
    id: Uuid,
    /// The tip.
    tip: FlaggedTip,
    /// The slug of the tip's community.
    community: String,
    /// The revision that readers saw.
    revision: i32,
    /// What is said of the tip.
    kind: FlagKindWord,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// With `duplicate`: the tip that says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<Uuid>,
    /// Who says so; absent for Eureka itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    flagged_by: Option<Person>,
    /// Whose task it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee: Option<Person>,
    /// When it was raised.
    #[schema(format = DateTime)]
    opened_at: String,
    /// When it is to be seen to.
    #[schema(format = DateTime)]
    due_at: String,
    /// How it ended; absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<ResolutionWord>,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Who ended it; absent for Eureka itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_by: Option<Person>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    resolved_at: Option<String>,
    /// Whether you can end it now.
    may_resolve: bool,
}

impl From<&FlagView> for FlagBody {
    fn from(view: &FlagView) -> Self {
        let flag = &view.flag;
        let person = |id: eureka_domain::ids::UserId| {
            let known = view.people.iter().find(|person| person.id == id);
            known.map_or(Person { id: id.0, name: String::new() }, Into::into)
        };
        let end = flag.resolved.as_ref();
        Self {
            id: flag.id.0,
            tip: FlaggedTip { id: view.tip.id.0, number: view.tip.number.to_string(), title: view.tip.title.clone() },
            community: view.community.clone(),
            revision: flag.revision,
            kind: flag.kind.into(),
            text: flag.text.clone(),
            duplicate_of: flag.duplicate_of.map(|id| id.0),
            flagged_by: flag.flagged_by.map(person),
            assignee: flag.assignee.map(person),
            opened_at: instant(flag.opened_at),
            due_at: instant(flag.due_at),
            resolution: end.map(|end| end.resolution.into()),
            reason: end.map(|end| end.reason.clone()),
            resolved_by: end.and_then(|end| end.by).map(person),
            resolved_at: end.map(|end| instant(end.at)),
            may_resolve: view.may_resolve,
        }
    }
}

/// Which flags to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlagParams {
    /// `open` unless given.
    pub(crate) state: Option<FlagStateWord>,
    /// Of the community with this slug.
    pub(crate) community: Option<String>,
    /// On this tip: its id or number.
    pub(crate) tip: Option<String>,
    /// Of this kind.
    pub(crate) kind: Option<FlagKindWord>,
    /// For you to see to.
    pub(crate) mine: Option<bool>,
    /// Open, and past their date.
    pub(crate) overdue: Option<bool>,
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(crate) limit: Option<i64>,
    /// The `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}
