//! What becomes of one tip, told as plainly as it can be and without a look at the product's rules: who may do what when,
//! what it leads to, and who then sees what.

use std::collections::BTreeSet;

use chrono::Duration;
use eureka_domain::Instant;
use eureka_domain::review::Verdict;
use eureka_domain::tip::{Confidence, Safety, State};
use eureka_domain::workflow::Action;

/// Everybody there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Technician,
    OtherTechnician,
    ReviewerA,
    ReviewerB,
    ReviewerC,
    Steward,
    Admin,
    Outsider,
}

impl Who {
    pub(crate) const ALL: [Self; 8] = [
        Self::Technician,
        Self::OtherTechnician,
        Self::ReviewerA,
        Self::ReviewerB,
        Self::ReviewerC,
        Self::Steward,
        Self::Admin,
        Self::Outsider,
    ];
    pub(crate) const REVIEWERS: [Self; 4] = [Self::ReviewerA, Self::ReviewerB, Self::ReviewerC, Self::Steward];

    fn reviews(self) -> bool {
        Self::REVIEWERS.contains(&self)
    }

    fn contributes(self) -> bool {
        self.reviews() || matches!(self, Self::Technician | Self::OtherTechnician)
    }
}

/// What somebody tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Writes a new title, and this safety level, if one is given.
    Edit(Option<Safety>),
    /// Takes up the text of this revision again.
    Revert(usize),
    Submit,
    Withdraw,
    Claim,
    Release,
    /// Decides on the revision that is so many before the one under review.
    Decide(Verdict, usize),
    /// Turns the text down because the other tip says the same.
    RejectInto,
    Hold,
    Unhold,
    Archive,
    Restore,
    /// Has the other tip take its place, which says the same.
    Merge,
    /// Has the other tip take its place, which says it better.
    Supersede,
    Separate,
    /// So many minutes pass.
    Wait(i64),
}

/// What can be done to a tip.
const TO_TIP: [(Action, Act); 10] = [
    (Action::Edit, Act::Edit(None)),
    (Action::Submit, Act::Submit),
    (Action::Withdraw, Act::Withdraw),
    (Action::Hold, Act::Hold),
    (Action::Unhold, Act::Unhold),
    (Action::Archive, Act::Archive),
    (Action::Restore, Act::Restore),
    (Action::Merge, Act::Merge),
    (Action::Supersede, Act::Supersede),
    (Action::Separate, Act::Separate),
];

/// What can be done to a review.
const TO_REVIEW: [(Action, Act); 5] = [
    (Action::Claim, Act::Claim),
    (Action::Release, Act::Release),
    (Action::Approve, Act::Decide(Verdict::Approve, 0)),
    (Action::RequestChanges, Act::Decide(Verdict::RequestChanges, 0)),
    (Action::Reject, Act::Decide(Verdict::Reject, 0)),
];

/// Whether the model knows of it as something that is done to a tip.
pub(crate) fn is_to_tip(action: Action) -> bool {
    TO_TIP.iter().any(|&(known, _)| known == action)
}

/// Whether the model knows of it as something that is done to a review.
pub(crate) fn is_to_review(action: Action) -> bool {
    TO_REVIEW.iter().any(|&(known, _)| known == action)
}

/// How long a claim lasts.
const CLAIM: Duration = Duration::minutes(30);

/// One revision.
#[derive(Debug, Clone)]
struct Text {
    title: String,
    safety: Safety,
    state: State,
    round: i32,
    credited: BTreeSet<Who>,
    /// Whether reviewers have ever got it.
    sent: bool,
}

/// The review of one revision.
#[derive(Debug, Clone)]
struct Review {
    revision: usize,
    open: bool,
    approved_by: BTreeSet<Who>,
    /// Who holds it, until when.
    claim: Option<(Who, Instant)>,
    offered_to: Option<Who>,
    sent_back_by: Option<Who>,
}

/// One tip.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    author: Who,
    /// Revision 1 is the first.
    texts: Vec<Text>,
    live: Option<usize>,
    confidence: Confidence,
    held: bool,
    replaced: bool,
    reviews: Vec<Review>,
    /// How many approvals of texts after the live one no longer count.
    stale_approvals: usize,
    /// How many texts have been written.
    written: usize,
    now: Instant,
}

/// A revision as somebody sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SeenText {
    pub(crate) number: usize,
    pub(crate) title: String,
    pub(crate) safety: Safety,
    pub(crate) state: State,
    pub(crate) round: i32,
}

/// A tip as somebody sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SeenTip {
    pub(crate) shown: SeenText,
    pub(crate) pending: Option<SeenText>,
    pub(crate) confidence: Confidence,
    pub(crate) held: bool,
    pub(crate) replaced: bool,
    /// How many approve, and who holds the review until when.
    pub(crate) review: Option<(usize, Option<(Who, Instant)>)>,
    pub(crate) possible: BTreeSet<Action>,
}

/// An open review as somebody sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SeenReview {
    pub(crate) revision: usize,
    pub(crate) claim: Option<(Who, Instant)>,
    pub(crate) approved_by: BTreeSet<Who>,
    pub(crate) stale_approvals: usize,
    pub(crate) offered_to: Option<Who>,
    pub(crate) possible: BTreeSet<Action>,
}

impl Model {
    /// A tip whose first draft is written.
    pub(crate) fn new(author: Who, safety: Safety, now: Instant) -> Self {
        let first = Text {
            title: "Text 1".to_owned(),
            safety,
            state: State::Draft,
            round: 1,
            credited: [author].into(),
            sent: false,
        };
        Self {
            author,
            texts: vec![first],
            live: None,
            confidence: Confidence::WorkInProgress,
            held: false,
            replaced: false,
            reviews: Vec::new(),
            stale_approvals: 0,
            written: 1,
            now,
        }
    }

    /// The title that the next text gets.
    pub(crate) fn next_title(&self) -> String {
        format!("Text {}", self.written + 1)
    }

    /// The number of the revision that was sent to reviewers last.
    pub(crate) fn under_review(&self) -> usize {
        self.reviews.last().map_or(1, |review| review.revision)
    }

    /// Does it, or says why not: the code of the refusal.
    pub(crate) fn attempt(&mut self, who: Who, act: Act) -> Result<(), &'static str> {
        let refusal = self.refusal(who, act);
        if refusal.is_none() {
            self.apply(who, act);
        }
        refusal.map_or(Ok(()), Err)
    }

    pub(crate) fn has_open_review(&self) -> bool {
        self.reviews.last().is_some_and(|review| review.open)
    }

    /// What somebody sees of the tip, if anything.
    pub(crate) fn tip_seen_by(&self, who: Who) -> Option<SeenTip> {
        let newest = self.texts.len();
        let sees_newest = self.reads(who, newest);
        let shown = if sees_newest { self.live.unwrap_or(newest) } else { self.live? };
        let review = self.reviews.last().filter(|review| review.open && sees_newest);
        Some(SeenTip {
            shown: self.seen(shown),
            pending: (sees_newest && shown != newest).then(|| self.seen(newest)),
            confidence: self.confidence,
            held: self.held,
            replaced: self.replaced,
            review: review.map(|review| (review.approved_by.len(), self.live_claim(review))),
            possible: self.possible(who, &TO_TIP),
        })
    }

    /// What somebody sees of the open review, if there is one and they see it.
    pub(crate) fn review_seen_by(&self, who: Who) -> Option<SeenReview> {
        let review = self.reviews.last().filter(|review| review.open && self.knows_review(who, review))?;
        Some(SeenReview {
            revision: review.revision,
            claim: self.live_claim(review),
            approved_by: review.approved_by.clone(),
            stale_approvals: self.stale_approvals,
            offered_to: review.offered_to,
            possible: self.possible(who, &TO_REVIEW),
        })
    }

    fn seen(&self, number: usize) -> SeenText {
        let Text { title, safety, state, round, .. } = self.text(number).clone();
        SeenText { number, title, safety, state, round }
    }

    fn possible(&self, who: Who, of: &[(Action, Act)]) -> BTreeSet<Action> {
        of.iter().filter(|(_, act)| self.refusal(who, *act).is_none()).map(|&(action, _)| action).collect()
    }

    fn text(&self, number: usize) -> &Text {
        &self.texts[number - 1]
    }

    fn newest(&mut self) -> &mut Text {
        self.texts.last_mut().unwrap()
    }

    /// Nobody builds on what they do not read.
    fn text_to_edit(&self, who: Who) -> &Text {
        let newest = self.texts.len();
        self.text(if self.reads(who, newest) { newest } else { self.live.unwrap() })
    }

    fn wrote(&self, who: Who, text: &Text) -> bool {
        who == self.author || text.credited.contains(&who)
    }

    /// Everybody reads what is live; drafts are for those who write them, the rest for them and for reviewers.
    fn reads(&self, who: Who, number: usize) -> bool {
        let text = self.text(number);
        self.live == Some(number) || self.wrote(who, text) || (text.sent && (who.reviews() || who == Who::Admin))
    }

    fn knows_review(&self, who: Who, review: &Review) -> bool {
        let inside = self.wrote(who, self.text(review.revision)) || who.reviews() || who == Who::Admin;
        inside && self.reads(who, review.revision)
    }

    fn live_claim(&self, review: &Review) -> Option<(Who, Instant)> {
        review.claim.filter(|&(_, until)| until > self.now)
    }

    fn refusal(&self, who: Who, act: Act) -> Option<&'static str> {
        match act {
            Act::Wait(_) => None,
            Act::Claim | Act::Release | Act::Decide(..) | Act::RejectInto => self.review_refusal(who, act),
            _ => self.tip_refusal(who, act),
        }
    }

    fn tip_refusal(&self, who: Who, act: Act) -> Option<&'static str> {
        let text = self.texts.last()?;
        let wrote = self.wrote(who, text);
        let steward = who == Who::Steward;
        let may = match act {
            Act::Edit(_) | Act::Revert(_) => (wrote && who.contributes()) || (steward && text.state != State::Draft),
            Act::Submit => wrote && who.contributes(),
            Act::Withdraw => wrote,
            Act::Hold => who.reviews(),
            _ => steward,
        };
        let in_review = matches!(text.state, State::Submitted | State::InReview);
        let fits = match act {
            Act::Edit(_) | Act::Revert(_) => !self.replaced,
            Act::Submit => text.state == State::Draft && !self.replaced,
            Act::Withdraw => (text.state == State::Draft || in_review) && !self.replaced,
            Act::Hold => self.live.is_some() && !self.held,
            Act::Unhold => self.held,
            Act::Archive => self.live.is_some() && self.confidence != Confidence::Archived,
            Act::Restore => self.confidence == Confidence::Archived,
            Act::Merge | Act::Supersede => self.live.is_some() && !in_review && !self.replaced,
            _ => self.replaced,
        };
        match act {
            _ if self.live.is_none() && !self.reads(who, self.texts.len()) => Some("not_found"),
            _ if !may => Some("not_permitted"),
            _ if !fits => Some("invalid_state"),
            Act::Revert(to) if to > self.texts.len() || !self.reads(who, to) => Some("validation_failed"),
            _ => None,
        }
    }

    fn review_refusal(&self, who: Who, act: Act) -> Option<&'static str> {
        let Some(review) = self.reviews.last().filter(|review| self.knows_review(who, review)) else {
            return Some("not_found");
        };
        let text = self.text(review.revision);
        let held_by_other = self.live_claim(review).is_some_and(|(holder, _)| holder != who);
        match act {
            _ if !who.reviews() => Some("not_permitted"),
            Act::Claim | Act::Decide(..) | Act::RejectInto if self.wrote(who, text) => Some("own_tip"),
            _ if !review.open => Some("invalid_state"),
            Act::Decide(_, before) if before > 0 => Some("stale_revision"),
            Act::Release if who == Who::Steward => None,
            _ if held_by_other => Some("claimed_by_other"),
            Act::Release => None,
            _ if review.approved_by.contains(&who) => Some("already_decided"),
            Act::RejectInto if self.live.is_some() => Some("validation_failed"),
            _ => None,
        }
        .or_else(|| (act == Act::Release && text.state != State::InReview).then_some("invalid_state"))
    }

    fn apply(&mut self, who: Who, act: Act) {
        match act {
            Act::Edit(safety) => {
                let (title, base) = (self.next_title(), self.text_to_edit(who));
                self.rewrite(who, title, safety.unwrap_or(base.safety));
            }
            Act::Revert(to) => {
                let Text { title, safety, .. } = self.text(to).clone();
                self.rewrite(who, title, safety);
            }
            Act::Submit => self.submit(),
            Act::Withdraw => {
                self.newest().state = State::Withdrawn;
                self.end_review();
            }
            Act::Claim => {
                let until = self.now + CLAIM;
                self.review().claim = Some((who, until));
                self.newest().state = State::InReview;
            }
            Act::Release => {
                self.review().claim = None;
                let taken_up = !self.review().approved_by.is_empty();
                self.newest().state = if taken_up { State::InReview } else { State::Submitted };
            }
            Act::Decide(Verdict::Approve, _) => self.approve(who),
            Act::Decide(Verdict::RequestChanges, _) => {
                self.review().sent_back_by = Some(who);
                self.newest().state = State::ChangesRequested;
                self.end_review();
            }
            Act::Decide(Verdict::Reject, _) | Act::RejectInto => {
                self.newest().state = State::Rejected;
                self.replaced = act == Act::RejectInto;
                self.end_review();
            }
            Act::Hold => self.held = true,
            Act::Unhold => self.held = false,
            Act::Archive => self.confidence = Confidence::Archived,
            Act::Restore => self.confidence = Confidence::NotValidated,
            Act::Merge | Act::Supersede => self.replaced = true,
            Act::Separate => self.replaced = false,
            Act::Wait(minutes) => self.now += Duration::minutes(minutes),
        }
    }

    fn review(&mut self) -> &mut Review {
        self.reviews.last_mut().unwrap()
    }

    /// The open review, if there is one, ends; who has approved in it has approved a text that is of the past.
    fn end_review(&mut self) {
        if let Some(review) = self.reviews.last_mut().filter(|review| review.open) {
            review.open = false;
            self.stale_approvals += review.approved_by.len();
        }
    }

    fn rewrite(&mut self, who: Who, title: String, safety: Safety) {
        self.written += 1;
        let author = self.author;
        let old = self.newest();
        let mut text = Text { title, safety, ..old.clone() };
        text.credited.insert(who);
        match old.state {
            State::Draft => return *old = text,
            State::Submitted | State::InReview => {
                old.state = State::Superseded;
                text.round += 1;
            }
            State::Published => {
                text = Text { state: State::Draft, round: 1, credited: [author, who].into(), sent: false, ..text };
            }
            _ => {
                text = Text { state: State::Draft, round: text.round + 1, sent: false, ..text };
            }
        }
        self.texts.push(text);
        if self.newest().sent {
            self.hand_over_review();
        }
    }

    /// The next text takes the place in the queue, and keeps those who may decide it too.
    fn hand_over_review(&mut self) {
        let text = self.text(self.texts.len()).clone();
        let still = |who: &Who| !self.wrote(*who, &text);
        let old = self.reviews.last().unwrap();
        let next = Review {
            revision: self.texts.len(),
            open: true,
            approved_by: BTreeSet::new(),
            claim: old.claim.filter(|(holder, _)| still(holder)),
            offered_to: old.offered_to.filter(still),
            sent_back_by: None,
        };
        self.end_review();
        self.reviews.push(next);
    }

    fn submit(&mut self) {
        let text = self.text(self.texts.len()).clone();
        let sent_back_by = self.reviews.last().and_then(|review| review.sent_back_by);
        self.reviews.push(Review {
            revision: self.texts.len(),
            open: true,
            approved_by: BTreeSet::new(),
            claim: None,
            offered_to: sent_back_by.filter(|&who| !self.wrote(who, &text)),
            sent_back_by: None,
        });
        let text = self.newest();
        text.state = State::Submitted;
        text.sent = true;
    }

    fn approve(&mut self, who: Who) {
        let review = self.review();
        review.claim = None;
        review.approved_by.insert(who);
        let (count, steward) = (review.approved_by.len(), review.approved_by.contains(&Who::Steward));
        let enough = match self.newest().safety {
            Safety::None => count >= 1,
            Safety::Caution => count >= 2,
            Safety::Danger => count >= 2 && steward,
        };
        if !enough {
            self.newest().state = State::InReview;
            return;
        }
        if let Some(live) = self.live {
            self.texts[live - 1].state = State::Superseded;
        }
        self.newest().state = State::Published;
        self.live = Some(self.texts.len());
        if self.confidence != Confidence::Archived {
            self.confidence = Confidence::Validated;
        }
        self.end_review();
        self.stale_approvals = 0;
    }
}
