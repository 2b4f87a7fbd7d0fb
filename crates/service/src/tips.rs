//! Tips: writing, reading, sending to review, taking back. What keepers do to published ones is in `tips/keeping.rs` and
//! `tips/replacing.rs`.

mod keeping;
mod replacing;

use eureka_domain::access::{self, Caller};
use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::community::Community;
use eureka_domain::diff::{FieldDiff, FileDiff, diff, diff_files};
use eureka_domain::ids::{GapId, ReviewId, TipId, TipRef, UserId};
use eureka_domain::review::{Amendment, Outcome, Review, Verdict};
use eureka_domain::tip::{Confidence, Revision, Safety, State, Tip, TipText};
use eureka_domain::workflow::{self, Action, Edited};
use eureka_domain::{Instant, RuleError, visibility};
use eureka_store::tips::{TipFilter, TipSheet};
use eureka_store::{Conn, Written, communities, notifications, reviews, revisions, tips};

use crate::attachments::release;
use crate::notifications::record;
use crate::views::{one_tip_view, tip_views};
use crate::{Answer, Once, Page, PageRequest, Service, ServiceError, TipView, audit, gaps, once};

pub(crate) use keeping::{Keeping, keep};
pub(crate) use replacing::{replace, successor};

/// A tip to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTip {
    /// The slug of the community that will own it.
    pub community: String,
    /// What it says.
    pub text: TipText,
    /// Whether to send it to reviewers at once.
    pub submit: bool,
    /// The gap that it is to answer.
    pub gap: Option<GapId>,
}

/// The fields of a text to change; `None` leaves a field, `Some(None)` removes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TipChanges {
    /// One line that names the problem.
    pub title: Option<String>,
    /// What was seen.
    pub problem: Option<String>,
    /// Why it happens.
    pub cause: Option<Option<String>>,
    /// What fixes it.
    pub solution: Option<Option<String>>,
    /// Machines it applies to.
    pub products: Option<Vec<String>>,
    /// Fault codes.
    pub fault_codes: Option<Vec<String>>,
    /// Part numbers.
    pub parts: Option<Vec<String>>,
    /// Free labels.
    pub tags: Option<Vec<String>>,
    /// How dangerous the work is.
    pub safety: Option<Safety>,
    /// The hazard in words.
    pub hazard: Option<Option<String>>,
    /// Language of the text.
    pub lang: Option<Option<String>>,
}

impl TipChanges {
    pub(crate) fn apply(self, text: TipText) -> TipText {
        TipText {
            title: self.title.unwrap_or(text.title),
            problem: self.problem.unwrap_or(text.problem),
            cause: self.cause.unwrap_or(text.cause),
            solution: self.solution.unwrap_or(text.solution),
            products: self.products.unwrap_or(text.products),
            fault_codes: self.fault_codes.unwrap_or(text.fault_codes),
            parts: self.parts.unwrap_or(text.parts),
            tags: self.tags.unwrap_or(text.tags),
            safety: self.safety.unwrap_or(text.safety),
            hazard: self.hazard.unwrap_or(text.hazard),
            lang: self.lang.unwrap_or(text.lang),
            attachments: text.attachments,
        }
    }
}

/// The state a change was made against: `If-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// Any state.
    Any,
    /// One of these entity tags.
    Tags(Vec<String>),
}

impl IfMatch {
    /// Refuses a change that was made against another state. Of a tag in two parts, the first is that of the state.
    pub(crate) fn check(&self, current: String) -> Result<(), ServiceError> {
        fn state(tag: &str) -> &str {
            tag.split_once('.').map_or(tag.trim_end_matches('"'), |(state, _)| state)
        }
        match self {
            Self::Tags(tags) if !tags.iter().any(|tag| state(tag) == state(&current)) => {
                Err(ServiceError::Stale { current })
            }
            _ => Ok(()),
        }
    }
}

/// Which tips to list, beside those that the caller may not see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TipQuery {
    /// Of the community with this slug.
    pub community: Option<String>,
    /// By this author, or with what they wrote merged into it.
    pub author: Option<UserId>,
    /// Whose newest revision that the caller sees is in this state.
    pub state: Option<State>,
    /// Of this confidence.
    pub confidence: Option<Confidence>,
    /// For this product.
    pub product: Option<String>,
    /// With this fault code.
    pub fault_code: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
}

/// What one revision changes of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionDiff {
    /// Of which tip.
    pub tip: TipId,
    /// The number of the old one.
    pub from: i32,
    /// The number of the new one.
    pub to: i32,
    /// The fields that differ.
    pub changes: Vec<FieldDiff>,
    /// The files that differ.
    pub files: Vec<FileDiff>,
}

impl Service {
    /// Starts a tip; sends it to reviewers if asked to.
    pub fn create_tip(&self, caller: &Caller, new: NewTip, once: Once<TipView>) -> Result<Answer, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let tip_id = TipId(self.new_id(now));
        let review_id = ReviewId(self.new_id(now));
        let written = self.store.write(move |conn| {
            let permit = |conn: &mut Conn<'_>| community_to_write_in(conn, &caller, &new.community);
            once::run(conn, caller.user, once, now, permit, |conn, community| {
                let text = new.text.checked()?;
                let (mut tip, draft) = first_draft(conn, tip_id, &community, text, caller.user, now)?;
                tips::insert(conn, &tip)?;
                revisions::insert(conn, &tip, &draft)?;
                if let Some(gap) = new.gap {
                    gaps::answer_with(conn, &caller, gap, &tip, now)?;
                }
                record(conn, &change(Kind::TipCreated, &caller, &tip, now).at_revision(None, &draft), &tip, &draft)?;
                let latest =
                    if new.submit { send_to_reviewers(conn, &caller, &mut tip, draft, review_id, now)? } else { draft };
                one_tip_view(conn, &caller, TipSheet { tip, live: None, latest }, now)
            })
        })?;
        Ok(written.value)
    }

    /// One tip, as the caller sees it.
    pub fn read_tip(&self, caller: &Caller, tip: TipRef) -> Result<TipView, ServiceError> {
        let now = self.clock.now();
        self.store.read(|conn| {
            let sheet = tips::sheet(conn, &tip)?.ok_or(ServiceError::NotFound("tip"))?;
            one_tip_view(conn, caller, sheet, now)
        })
    }

    /// The tips that the caller sees, newest first.
    pub fn list_tips(
        &self,
        caller: &Caller,
        query: TipQuery,
        page: &PageRequest,
    ) -> Result<Page<TipView>, ServiceError> {
        let now = self.clock.now();
        self.store.read(|conn| {
            let community = match query.community {
                Some(slug) => match communities::find_slug(conn, &slug)? {
                    Some(community) if caller.knows(&community) => Some(community.id),
                    _ => return Ok(Page { items: Vec::new(), next: None }),
                },
                None => None,
            };
            let filter = TipFilter {
                caller: caller.user,
                audience: caller.audience(),
                reviews_in: caller.reviewed(),
                is_admin: caller.is_admin(),
                community,
                author: query.author,
                state: query.state,
                confidence: query.confidence,
                product: query.product,
                fault_code: query.fault_code,
                tag: query.tag,
            };
            let sheets = tips::list(conn, &filter, page.after()?, page.fetch())?;
            let sheets = page.page(sheets, |sheet| (sheet.tip.created_at, sheet.tip.id))?;
            Ok(Page { items: tip_views(conn, caller, sheets.items, now)?, next: sheets.next })
        })
    }

    /// The revisions that the caller may read, oldest first.
    pub fn list_revisions(&self, caller: &Caller, tip: TipRef) -> Result<Vec<Revision>, ServiceError> {
        self.store.read(|conn| {
            let (sheet, community) = visible_sheet(conn, caller, tip)?;
            let mut found = revisions::list(conn, sheet.tip.id)?;
            found.retain(|revision| visibility::sees_revision(caller, &sheet.tip, revision, &community));
            Ok(found)
        })
    }

    /// One revision.
    pub fn read_revision(&self, caller: &Caller, tip: TipRef, number: i32) -> Result<Revision, ServiceError> {
        self.store.read(|conn| {
            let (sheet, community) = visible_sheet(conn, caller, tip)?;
            revisions::find(conn, sheet.tip.id, number)?
                .filter(|revision| visibility::sees_revision(caller, &sheet.tip, revision, &community))
                .ok_or(ServiceError::NotFound("revision"))
        })
    }

    /// Rewrites the draft, or starts the next revision. An edit of a text under review takes its place in the queue, and
    /// approvals of the text before it no longer count.
    pub fn edit_tip(
        &self,
        caller: &Caller,
        tip: TipRef,
        changes: TipChanges,
        expected: IfMatch,
    ) -> Result<Written<TipView>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let review_id = ReviewId(self.new_id(now));
        self.store.write(move |conn| {
            let sheet = open(conn, &caller, tip, Action::Edit, &expected, now)?;
            let text = changes.apply(text_to_edit(conn, &caller, &sheet)?).checked()?;
            let sheet = rewrite(conn, &caller, sheet, text, review_id, now)?;
            let change = change(Kind::TipEdited, &caller, &sheet.tip, now).at_revision(None, &sheet.latest);
            record(conn, &change, &sheet.tip, &sheet.latest)?;
            one_tip_view(conn, &caller, sheet, now)
        })
    }

    /// Takes up the text of an earlier revision again, as an edit does: it is reviewed like any other.
    pub fn revert_tip(
        &self,
        caller: &Caller,
        tip: TipRef,
        to: i32,
        reason: Option<String>,
        expected: IfMatch,
    ) -> Result<Written<TipView>, ServiceError> {
        let reason = workflow::given_reason(reason.as_deref())?;
        let (caller, now) = (caller.clone(), self.clock.now());
        let review_id = ReviewId(self.new_id(now));
        self.store.write(move |conn| {
            let (_, community) = visible_sheet(conn, &caller, tip)?;
            let sheet = open(conn, &caller, tip, Action::Edit, &expected, now)?;
            let earlier = revisions::find(conn, sheet.tip.id, to)?
                .filter(|earlier| visibility::sees_revision(&caller, &sheet.tip, earlier, &community))
                .ok_or_else(|| RuleError::field("/to", "unknown", "there is no such revision"))?;
            let was = sheet.latest.number.to_string();
            let sheet = rewrite(conn, &caller, sheet, earlier.text, review_id, now)?;
            let facts = Facts { reason, ..Facts::turned(&was, &to.to_string()) };
            let change = change(Kind::TipReverted, &caller, &sheet.tip, now).at_revision(None, &sheet.latest);
            record(conn, &change.telling(audit::payload(&facts)?), &sheet.tip, &sheet.latest)?;
            one_tip_view(conn, &caller, sheet, now)
        })
    }

    /// What a revision changes of another, by default of the one before it.
    pub fn diff_revisions(
        &self,
        caller: &Caller,
        tip: TipRef,
        number: i32,
        from: Option<i32>,
    ) -> Result<RevisionDiff, ServiceError> {
        let from = from.unwrap_or(number.saturating_sub(1));
        self.store.read(|conn| {
            let (sheet, community) = visible_sheet(conn, caller, tip)?;
            let mut seen = |number| {
                revisions::find(conn, sheet.tip.id, number)?
                    .filter(|revision| visibility::sees_revision(caller, &sheet.tip, revision, &community))
                    .ok_or(ServiceError::NotFound("revision"))
            };
            let (old, new) = (seen(from)?, seen(number)?);
            let (changes, files) = (diff(&old.text, &new.text), diff_files(&old.text, &new.text));
            Ok(RevisionDiff { tip: sheet.tip.id, from, to: number, changes, files })
        })
    }

    /// Sends the draft to reviewers.
    pub fn submit_tip(
        &self,
        caller: &Caller,
        tip: TipRef,
        expected: IfMatch,
    ) -> Result<Written<TipView>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let review_id = ReviewId(self.new_id(now));
        self.store.write(move |conn| {
            let TipSheet { mut tip, live, latest } = open(conn, &caller, tip, Action::Submit, &expected, now)?;
            let latest = send_to_reviewers(conn, &caller, &mut tip, latest, review_id, now)?;
            one_tip_view(conn, &caller, TipSheet { tip, live, latest }, now)
        })
    }

    /// Takes the draft or the submission back; what is live stays live.
    pub fn withdraw_tip(
        &self,
        caller: &Caller,
        tip: TipRef,
        reason: Option<String>,
        expected: IfMatch,
    ) -> Result<Written<TipView>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let reason = workflow::given_reason(reason.as_deref())?;
        let payload = audit::payload(&Facts { reason, ..Facts::default() })?;
        self.store.write(move |conn| {
            let TipSheet { mut tip, live, latest } = open(conn, &caller, tip, Action::Withdraw, &expected, now)?;
            let (before, review) = (latest.state, tip.review);
            let latest = workflow::withdraw(&mut tip, latest, now)?;
            if let Some(mut review) = review.map(|id| reviews::find(conn, id)).transpose()?.flatten() {
                review.close(Outcome::Withdrawn, now);
                reviews::save(conn, &review)?;
            }
            revisions::save_state(conn, &latest)?;
            tips::save(conn, &tip)?;
            let change = change(Kind::TipWithdrawn, &caller, &tip, now).telling(payload);
            record(conn, &change.at_revision(Some(before), &latest), &tip, &latest)?;
            one_tip_view(conn, &caller, TipSheet { tip, live, latest }, now)
        })
    }
}

/// Locks a tip for `action`: it exists for the caller (404), they may (403), and it is as they last saw it (412).
pub(crate) fn open(
    conn: &mut Conn<'_>,
    caller: &Caller,
    tip: TipRef,
    action: Action,
    expected: &IfMatch,
    now: Instant,
) -> Result<TipSheet, ServiceError> {
    let sheet = tips::lock(conn, &tip)?.ok_or(ServiceError::NotFound("tip"))?;
    let view = one_tip_view(conn, caller, sheet.clone(), now)?;
    access::may(caller, action, &sheet.tip, &sheet.latest)?;
    expected.check(view.etag())?;
    workflow::require(&sheet.tip, &sheet.latest, action)?;
    Ok(sheet)
}

/// The newest text that the caller reads. What somebody else wrote and threw away is not built on.
pub(crate) fn text_to_edit(conn: &mut Conn<'_>, caller: &Caller, sheet: &TipSheet) -> Result<TipText, ServiceError> {
    let TipSheet { tip, live, latest } = sheet;
    let community = communities::find(conn, tip.community)?.ok_or(ServiceError::NotFound("community"))?;
    let reads_latest = visibility::sees_revision(caller, tip, latest, &community);
    let base = if reads_latest { latest } else { live.as_ref().ok_or(ServiceError::NotFound("tip"))? };
    Ok(base.text.clone())
}

/// Puts a text into the draft, or starts the next revision with it.
pub(crate) fn rewrite(
    conn: &mut Conn<'_>,
    caller: &Caller,
    sheet: TipSheet,
    text: TipText,
    review: ReviewId,
    now: Instant,
) -> Result<TipSheet, ServiceError> {
    let TipSheet { mut tip, live, latest } = sheet;
    let before = latest.text.attachments.clone();
    let latest = match workflow::edit(&mut tip, latest, text, caller.user, now)? {
        Edited::Rewritten(draft) => {
            revisions::rewrite(conn, &tip, &draft)?;
            release(conn, &draft, &before)?;
            draft
        }
        Edited::Started { before, next } => {
            succeed(conn, &mut tip, &before, &next, Successor { id: review, amendment: None }, now)?;
            next
        }
    };
    tips::save(conn, &tip)?;
    Ok(TipSheet { tip, live, latest })
}

/// Puts the next revision where the one before it was, under review too if that one was.
pub(crate) fn succeed(
    conn: &mut Conn<'_>,
    tip: &mut Tip,
    before: &Revision,
    next: &Revision,
    review: Successor,
    now: Instant,
) -> Result<(), ServiceError> {
    revisions::save_state(conn, before)?;
    revisions::insert(conn, tip, next)?;
    hand_over_review(conn, tip, next, review, now)
}

/// The community a tip is to be written in: the caller knows it and contributes to it.
fn community_to_write_in(conn: &mut Conn<'_>, caller: &Caller, slug: &str) -> Result<Community, ServiceError> {
    let community = communities::find_slug(conn, slug)?.filter(|community| caller.knows(community));
    let Some(community) = community else {
        return Err(RuleError::field("/community", "unknown", "there is no such community").into());
    };
    access::may_contribute(caller, community.id)?;
    Ok(community)
}

fn first_draft(
    conn: &mut Conn<'_>,
    id: TipId,
    community: &Community,
    text: TipText,
    author: UserId,
    now: Instant,
) -> Result<(Tip, Revision), ServiceError> {
    let tip = Tip {
        id,
        number: tips::next_number(conn)?,
        community: community.id,
        author,
        confidence: Confidence::WorkInProgress,
        hold: None,
        replaced: None,
        live: None,
        latest: 1,
        review: None,
        external_id: None,
        created_at: now,
        updated_at: now,
        published_at: None,
    };
    let draft = Revision {
        tip: id,
        number: 1,
        round: 1,
        state: State::Draft,
        text,
        editor: author,
        credited: [author].into(),
        created_at: now,
        updated_at: now,
        submitted_at: None,
        decided_at: None,
    };
    Ok((tip, draft))
}

/// Submits a draft and opens its review.
fn send_to_reviewers(
    conn: &mut Conn<'_>,
    caller: &Caller,
    tip: &mut Tip,
    draft: Revision,
    review: ReviewId,
    now: Instant,
) -> Result<Revision, ServiceError> {
    let before = draft.state;
    let submitted = workflow::submit(tip, draft, now)?;
    let policy = communities::find(conn, tip.community)?.ok_or(ServiceError::NotFound("community"))?.policy;
    let offered_to = who_sent_it_back(conn, tip.id)?.filter(|&user| !access::is_credited(user, tip, &submitted));
    let review = Review { offered_to, ..Review::opened(review, tip.community, &submitted, policy.due(now), now) };
    tip.review = Some(review.id);
    revisions::save_state(conn, &submitted)?;
    reviews::insert(conn, &review)?;
    tips::save(conn, tip)?;
    let change = change(Kind::TipSubmitted, caller, tip, now).about(review.id.0);
    let seq = record(conn, &change.at_revision(Some(before), &submitted), tip, &submitted)?;
    notifications::tell(conn, seq, &offered_to.into_iter().collect())?;
    Ok(submitted)
}

/// The reviewer who asked for the changes that the text comes back with.
fn who_sent_it_back(conn: &mut Conn<'_>, tip: TipId) -> Result<Option<UserId>, ServiceError> {
    let Some(last) = reviews::of_tip(conn, tip)?.pop() else { return Ok(None) };
    let asked = last.decisions.iter().rev().find(|decision| decision.verdict == Verdict::RequestChanges);
    Ok(asked.map(|decision| decision.reviewer))
}

/// The review that takes over when the text under review changes.
pub(crate) struct Successor {
    /// Its id, if there is one to take over from.
    pub(crate) id: ReviewId,
    /// The approval that the new text came about by.
    pub(crate) amendment: Option<Amendment>,
}

/// When the text under review was edited: ends its review and opens that of the next revision, which keeps the place in
/// the queue and the reviewer who has claimed it, unless the edit was theirs.
fn hand_over_review(
    conn: &mut Conn<'_>,
    tip: &mut Tip,
    next: &Revision,
    Successor { id, amendment }: Successor,
    now: Instant,
) -> Result<(), ServiceError> {
    let Some(mut old) = tip.review.map(|id| reviews::find(conn, id)).transpose()?.flatten() else {
        return Ok(());
    };
    let claim = old.claim.filter(|claim| !access::is_credited(claim.by, tip, next));
    let review = Review {
        claim,
        amendment,
        offered_to: old.offered_to.filter(|&user| !access::is_credited(user, tip, next)),
        responded_at: old.responded_at,
        ..Review::opened(id, tip.community, next, old.due, old.opened_at)
    };
    old.close(Outcome::Superseded, now);
    reviews::save(conn, &old)?;
    reviews::insert(conn, &review)?;
    tip.review = Some(review.id);
    Ok(())
}

/// A change to a tip, to be filled in further.
pub(crate) fn change(kind: Kind, caller: &Caller, tip: &Tip, now: Instant) -> Change {
    Change::new(kind, Some(caller.user), now).of_tip(tip.id)
}

/// The tip that a caller names; 404 for one that they may not know of.
pub(crate) fn visible_sheet(
    conn: &mut Conn<'_>,
    caller: &Caller,
    tip: TipRef,
) -> Result<(TipSheet, Community), ServiceError> {
    known_sheet(conn, caller, tip)?.ok_or(ServiceError::NotFound("tip"))
}

/// The tip that a caller or another row names, if the caller may know of it.
pub(crate) fn known_sheet(
    conn: &mut Conn<'_>,
    caller: &Caller,
    tip: TipRef,
) -> Result<Option<(TipSheet, Community)>, ServiceError> {
    let Some(sheet) = tips::sheet(conn, &tip)? else { return Ok(None) };
    let Some(community) = communities::find(conn, sheet.tip.community)? else { return Ok(None) };
    let known = visibility::sees_tip(caller, &sheet.tip, &sheet.latest, &community);
    Ok(known.then_some((sheet, community)))
}
