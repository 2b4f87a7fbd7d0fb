//! What a caller sees of a tip: the text that is live, the one that is pending if they may know of it, and what they can
//! do now. Everything that leaves the service about a tip is one of these, so that nothing else can leak.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eureka_domain::Instant;
use eureka_domain::access::{self, Caller};
use eureka_domain::community::Community;
use eureka_domain::ids::{ReviewId, TipNumber, TipRef, UserId};
use eureka_domain::proof::Tally;
use eureka_domain::review::{Claim, Due, Review};
use eureka_domain::tip::{Replaced, Revision, Tip};
use eureka_domain::visibility;
use eureka_domain::workflow::{self, Action};
use eureka_store::tips::TipSheet;
use eureka_store::{Conn, communities, proofs, rechecks, reviews, tips, users};
use sha2::{Digest, Sha256};

use crate::ServiceError;

/// A person, as others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// The name on their tips.
    pub name: String,
}

impl Person {
    /// A person with their name; one whose account was erased has none.
    pub(crate) fn named(id: UserId, names: &HashMap<UserId, String>) -> Self {
        Self { id, name: names.get(&id).cloned().unwrap_or_default() }
    }

    /// A person who is to be given their name.
    fn unnamed(id: UserId) -> Self {
        Self { id, name: String::new() }
    }
}

/// What the people around a tip see of its open review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewBrief {
    /// The review.
    pub id: ReviewId,
    /// When the text entered the queue.
    pub opened_at: Instant,
    /// When it is to be taken up and decided.
    pub due: Due,
    /// Who has taken it up.
    pub claim: Option<(Person, Claim)>,
    /// How many reviewers have approved.
    pub approvals: i32,
    /// Who has edited the text and approved it so, where the author is asked if they agree.
    pub edited_by: Option<Person>,
}

impl ReviewBrief {
    /// A review at a moment; its people are not named yet.
    fn of(review: &Review, now: Instant) -> Self {
        let edited_by = review.amendment.filter(|_| review.asks()).map(|amendment| amendment.by);
        Self {
            id: review.id,
            opened_at: review.opened_at,
            due: review.due,
            claim: review.live_claim(now).map(|claim| (Person::unnamed(claim.by), claim)),
            approvals: review.approvals(),
            edited_by: edited_by.map(Person::unnamed),
        }
    }

    /// Those named in it.
    fn people(&mut self) -> impl Iterator<Item = &mut Person> {
        self.claim.iter_mut().map(|(holder, _)| holder).chain(&mut self.edited_by)
    }
}

/// What the counted outcomes of a tip say at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofView {
    /// How many uses fixed it.
    pub fixed: u32,
    /// How many fixed it in part.
    pub partly: u32,
    /// How many did not.
    pub not_fixed: u32,
    /// Lower end of the interval of the share that fixed it, in thousandths.
    pub lower: u16,
    /// Its upper end.
    pub upper: u16,
    /// The last of these uses.
    pub last: Instant,
}

impl ProofView {
    /// What a tally says at a moment.
    pub fn of(tally: &Tally, now: Instant) -> Self {
        let (lower, upper) = tally.interval(now).thousandths();
        let Tally { fixed, partly, not_fixed, last, .. } = *tally;
        Self { fixed, partly, not_fixed, lower, upper, last }
    }
}

/// What one caller sees of one tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TipView {
    /// The tip; its `latest` and `updated_at` tell only of what the caller sees.
    pub tip: Tip,
    /// The community's slug.
    pub community: String,
    /// Whose name is on it.
    pub author: Person,
    /// Those whose tips were merged into it.
    pub also_by: Vec<Person>,
    /// The number of the tip that took its place, if one has and the caller may know of it: it is of the same community.
    pub replaced_by: Option<TipNumber>,
    /// The live revision, or the newest where none is live.
    pub shown: Revision,
    /// The newest revision, where it is not the one shown and the caller may read it.
    pub pending: Option<Revision>,
    /// The open review, where the caller may read its revision.
    pub review: Option<ReviewBrief>,
    /// What the caller can do to it now.
    pub possible: Vec<Action>,
    /// What its outcomes say, if any count, where the live text is shown.
    pub proof: Option<ProofView>,
    /// What the outcomes on each of the machines it is for say.
    pub models: Vec<(String, ProofView)>,
    /// When peers or use last confirmed it, where the live text is shown.
    pub confirmed_at: Option<Instant>,
}

impl TipView {
    /// Whether the text that readers see is the one shown.
    fn shows_live(&self) -> bool {
        self.tip.live == Some(self.shown.number)
    }

    /// The strong entity tag of this view: that of its state, then that of its proof. A change is made against the first
    /// alone, since an outcome is no conflict with it: see [`crate::IfMatch`].
    pub fn etag(&self) -> String {
        let state = entity_tag(&Self { proof: None, models: Vec::new(), confirmed_at: None, ..self.clone() });
        match &self.confirmed_at {
            Some(_) => {
                let proof = entity_tag(&(&self.proof, &self.models, &self.confirmed_at));
                format!("{}.{}", state.trim_end_matches('"'), proof.trim_start_matches('"'))
            }
            None => state,
        }
    }

    /// The number of the tip that it was merged into.
    pub fn merged_into(&self) -> Option<TipNumber> {
        self.replaced_by.filter(|_| self.tip.replaced.is_some_and(|replaced| replaced.how == Replaced::Merged))
    }
}

/// A strong entity tag: a digest of all that a view holds.
pub fn entity_tag(view: &impl Debug) -> String {
    let digest = Sha256::digest(format!("{view:?}"));
    let short: Vec<u8> = digest.iter().copied().take(12).collect();
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(short))
}

/// 128 bits of a text's SHA-256: a name that anybody makes again who has the text.
pub fn name_of(text: &str) -> u128 {
    Sha256::digest(text).iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}

/// What the caller sees of each tip that they may know of; the others are left out.
pub(crate) fn tip_views(
    conn: &mut Conn<'_>,
    caller: &Caller,
    sheets: Vec<TipSheet>,
    now: Instant,
) -> Result<Vec<TipView>, ServiceError> {
    let mut known = HashMap::new();
    for id in sheets.iter().map(|sheet| sheet.tip.community).collect::<BTreeSet<_>>() {
        if let Some(community) = communities::find(conn, id)? {
            known.insert(id, community);
        }
    }
    let mut merged = tips::merged_authors(conn, &sheets.iter().map(|sheet| sheet.tip.id).collect::<Vec<_>>())?;
    let mut views = Vec::with_capacity(sheets.len());
    let mut people: BTreeSet<UserId> = BTreeSet::new();
    for sheet in sheets {
        let Some(community) = known.get(&sheet.tip.community) else {
            return Err(ServiceError::internal("a tip's community is missing"));
        };
        if let Some(mut view) = tip_view(conn, caller, sheet, community, now)? {
            let also_by: BTreeSet<UserId> = merged.remove(&view.tip.id).into_iter().flatten().collect();
            people.extend(&also_by);
            view.also_by = also_by.into_iter().map(Person::unnamed).collect();
            if let Some(replaced) = view.tip.replaced.filter(|_| caller.knows(community)) {
                view.replaced_by = tips::find(conn, &TipRef::Id(replaced.by))?.map(|tip| tip.number);
            }
            people.insert(view.author.id);
            people.extend(view.review.iter_mut().flat_map(ReviewBrief::people).map(|person| person.id));
            views.push(view);
        }
    }
    let names = users::names(conn, &people.into_iter().collect::<Vec<_>>())?;
    let live: Vec<_> = views.iter().filter(|view| view.shows_live()).map(|view| view.tip.id).collect();
    let (proofs, confirmed) = (proofs::of_tips(conn, &live)?, rechecks::confirmed(conn, &live)?);
    for view in &mut views {
        view.confirmed_at = confirmed.get(&view.tip.id).copied();
        if let Some(proof) = proofs.get(&view.tip.id) {
            let products = view.shown.text.products.iter();
            let model = |product: &String| Some((product.clone(), ProofView::of(proof.products.get(product)?, now)));
            view.models = products.filter_map(model).collect();
            view.proof = Some(ProofView::of(&proof.all, now));
        }
        name(&mut view.author, &names);
        view.also_by.iter_mut().for_each(|person| name(person, &names));
        view.review.iter_mut().flat_map(ReviewBrief::people).for_each(|person| name(person, &names));
    }
    Ok(views)
}

/// What the caller sees of one tip, or that there is no such tip.
pub(crate) fn one_tip_view(
    conn: &mut Conn<'_>,
    caller: &Caller,
    sheet: TipSheet,
    now: Instant,
) -> Result<TipView, ServiceError> {
    tip_views(conn, caller, vec![sheet], now)?.pop().ok_or(ServiceError::NotFound("tip"))
}

/// A view whose people are not named yet.
fn tip_view(
    conn: &mut Conn<'_>,
    caller: &Caller,
    sheet: TipSheet,
    community: &Community,
    now: Instant,
) -> Result<Option<TipView>, ServiceError> {
    let TipSheet { mut tip, live, latest } = sheet;
    if !visibility::sees_tip(caller, &tip, &latest, community) {
        return Ok(None);
    }
    let sees_latest = visibility::sees_revision(caller, &tip, &latest, community);
    let mut view = TipView {
        community: community.slug.clone(),
        author: Person::unnamed(tip.author),
        also_by: Vec::new(),
        replaced_by: None,
        shown: latest.clone(),
        pending: None,
        review: None,
        possible: Vec::new(),
        proof: None,
        models: Vec::new(),
        confirmed_at: None,
        tip: tip.clone(),
    };
    let review = tip.review.filter(|_| sees_latest).map(|id| reviews::find(conn, id)).transpose()?.flatten();
    view.possible = workflow::possible(&tip, &latest)
        .into_iter()
        .chain(review.iter().flat_map(workflow::answers).copied())
        .filter(|&action| access::may(caller, action, &tip, &latest).is_ok())
        .collect();
    if sees_latest {
        view.review = review.as_ref().map(|review| ReviewBrief::of(review, now));
        if let Some(live) = live
            && live.number != latest.number
            && visibility::sees_revision(caller, &tip, &live, community)
        {
            view.shown = live;
            view.pending = Some(latest);
        }
    } else if let Some(live) = live {
        tip.latest = live.number;
        tip.review = None;
        tip.updated_at = live.decided_at.unwrap_or(live.updated_at);
        view.shown = live;
        view.tip = tip;
    }
    Ok(Some(view))
}

/// Gives a person their name; one whose account was erased keeps none.
fn name(person: &mut Person, names: &HashMap<UserId, String>) {
    if let Some(name) = names.get(&person.id) {
        person.name.clone_from(name);
    }
}
