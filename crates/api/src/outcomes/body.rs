//! The shapes of outcomes and of proof on the wire.

use chrono::{DateTime, Utc};
use eureka_domain::clock;
use eureka_domain::outcome::{Counting, OutcomeDraft, OutcomeResult};
use eureka_service::{OutcomeView, ProofView, TipView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::wire::{Person, instant, wire_enum};

wire_enum! {
    /// What using the tip did. `not_applicable`: the tip is about something else, which says nothing for or against it.
    ResultWord = OutcomeResult {
        Fixed = "fixed", Partly = "partly", NotFixed = "not_fixed", NotApplicable = "not_applicable",
    }
}
wire_enum! {
    /// Whether it is taken into the proof: `own`, told by somebody whose words are in the tip; `replaced`, the same
    /// person told of the same job again.
    CountingWord = Counting { Counted = "counted", Own = "own", Replaced = "replaced" }
}

/// What using a tip did.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"result": "fixed", "client_id": "0192a4b2-7c1e-7aa0-8f5e-3f1d2c4b5a69"}))]
pub(crate) struct NewOutcomeBody {
    /// What it did.
    result: ResultWord,
    /// How long the work took.
    #[schema(minimum = 0, maximum = 100_800)]
    minutes_spent: Option<i32>,
    /// How much longer it would have taken without the tip.
    #[schema(minimum = 0, maximum = 100_800)]
    minutes_saved: Option<i32>,
    /// The machine you used it on; up to 200 characters.
    product: Option<String>,
    /// The job you used it for; up to 200 characters. Your last word on each counts.
    work_order: Option<String>,
    /// When, if not now.
    happened_at: Option<DateTime<Utc>>,
    /// What else there is to say; up to 2,000 characters.
    note: Option<String>,
    /// Your own name for this outcome, up to 64 characters: sent again, it is the same one.
    client_id: Option<String>,
}

impl From<NewOutcomeBody> for OutcomeDraft {
    fn from(body: NewOutcomeBody) -> Self {
        Self {
            result: body.result.into(),
            minutes_spent: body.minutes_spent,
            minutes_saved: body.minutes_saved,
            product: body.product,
            work_order: body.work_order,
            happened_at: body.happened_at.map(clock::truncate),
            note: body.note,
            client_id: body.client_id,
        }
    }
}

/// What happened when a tip was used.
#[derive(Serialize, ToSchema)]
pub(crate) struct OutcomeBody {
    /// For ever.
    id: Uuid,
    /// The tip.
    tip: Uuid,
    /// The revision that readers saw when it was used.
    revision: i32,
    /// What it did.
    result: ResultWord,
    /// Whether it is taken into the proof.
    counting: CountingWord,
    /// Who told it: yourself, or anybody if you review in the community.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Person>,
    /// How long the work took.
    #[serde(skip_serializing_if = "Option::is_none")]
    minutes_spent: Option<i32>,
    /// How much longer it would have taken without the tip.
    #[serde(skip_serializing_if = "Option::is_none")]
    minutes_saved: Option<i32>,
    /// The machine it was used on, spelled as in the tip where the tip names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    /// The job it was used for; for the same people as `by`.
    #[serde(skip_serializing_if = "Option::is_none")]
    work_order: Option<String>,
    /// What else there was to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// Its name at the client that told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// When the tip was used.
    #[schema(format = DateTime)]
    happened_at: String,
    /// When that was told.
    #[schema(format = DateTime)]
    reported_at: String,
}

impl From<&OutcomeView> for OutcomeBody {
    fn from(view: &OutcomeView) -> Self {
        let outcome = &view.outcome;
        Self {
            id: outcome.id.0,
            tip: outcome.tip.0,
            revision: outcome.revision,
            result: outcome.result.into(),
            counting: outcome.counting.into(),
            by: view.by.as_ref().map(Into::into),
            minutes_spent: outcome.minutes_spent,
            minutes_saved: outcome.minutes_saved,
            product: outcome.product.clone(),
            work_order: outcome.work_order.clone(),
            note: outcome.note.clone(),
            client_id: outcome.client_id.clone(),
            happened_at: instant(outcome.happened_at),
            reported_at: instant(outcome.reported_at),
        }
    }
}

/// Which outcomes of a tip to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutcomeParams {
    /// Of this revision and of later ones.
    pub(crate) since_revision: Option<i32>,
    /// Those that are taken into the proof, or one kind of those that are not.
    pub(crate) counting: Option<CountingWord>,
    /// Told by you.
    pub(crate) mine: Option<bool>,
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(crate) limit: Option<i64>,
    /// The `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

/// What its uses say of a tip: "fixed it `fixed` of `total`, last on `last_used_at`".
#[derive(Serialize, ToSchema)]
pub(crate) struct ProofBody {
    /// How many uses fixed it.
    fixed: u32,
    /// How many fixed it in part; each is worth half a fix.
    partly: u32,
    /// How many did not fix it.
    not_fixed: u32,
    /// How many uses were told.
    total: u32,
    /// Lower end of the 90 % interval of the share of uses that fix it (Wilson score; a use weighs half after a year): 0
    /// to 1.
    lower: f64,
    /// Its upper end.
    upper: f64,
    /// The last of these uses.
    #[schema(format = DateTime)]
    last_used_at: String,
}

impl From<&ProofView> for ProofBody {
    fn from(proof: &ProofView) -> Self {
        Self {
            fixed: proof.fixed,
            partly: proof.partly,
            not_fixed: proof.not_fixed,
            total: proof.fixed + proof.partly + proof.not_fixed,
            lower: f64::from(proof.lower) / 1000.0,
            upper: f64::from(proof.upper) / 1000.0,
            last_used_at: instant(proof.last),
        }
    }
}

/// What its uses say of a tip, and those on each machine that it is for.
#[derive(Serialize, ToSchema)]
pub(crate) struct TipProofBody {
    #[serde(flatten)]
    all: ProofBody,
    /// Machines that it is for and was used on.
    models: Vec<ModelProofBody>,
}

/// What its uses on one machine say of a tip.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelProofBody {
    /// The machine.
    product: String,
    #[serde(flatten)]
    proof: ProofBody,
}

impl TipProofBody {
    /// What a tip's uses say, if any are counted.
    pub(crate) fn of(view: &TipView) -> Option<Self> {
        let model =
            |(product, proof): &(String, ProofView)| ModelProofBody { product: product.clone(), proof: proof.into() };
        Some(Self { all: view.proof.as_ref()?.into(), models: view.models.iter().map(model).collect() })
    }
}
