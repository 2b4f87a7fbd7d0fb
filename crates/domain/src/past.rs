//! The past of a tip, as it is told from elsewhere: whether its texts and their reviews are such as the workflow leaves
//! them. Approved texts may stand without those that came between them, and without their reviews; nothing else may. When
//! things were done is not asked: clocks are set.

use std::collections::BTreeMap;

use crate::community::Role;
use crate::error::RuleError;
use crate::ids::UserId;
use crate::review::{Decision, Outcome, Review, Verdict};
use crate::tip::{Revision, State};

/// Refuses texts and reviews that no sequence of actions leads to, naming the first that cannot be.
///
/// `author` is whose name is on the tip, `texts` are in the order of their numbers, and `reviews` in that of their texts.
pub fn checked(author: UserId, texts: &[Revision], reviews: &[Review]) -> Result<(), RuleError> {
    let past = Past {
        author,
        texts: texts.iter().map(|text| (text.number, text)).collect(),
        reviews: reviews.iter().map(|review| (review.revision, review)).collect(),
    };
    let Some(last) = texts.last().map(|text| text.number) else { return Err(wrong("/texts", 0, "it has no text")) };
    let mut before = 0;
    for (place, text) in texts.iter().enumerate() {
        if text.number <= before || text.round < 1 {
            return Err(wrong("/texts", place, "the texts are not in order"));
        }
        before = text.number;
        past.text(text, last).map_err(|why| wrong("/texts", place, why))?;
    }
    let mut before = 0;
    for (place, review) in reviews.iter().enumerate() {
        if review.revision <= before {
            return Err(wrong("/reviews", place, "the reviews are not in order"));
        }
        before = review.revision;
        past.review(review).map_err(|why| wrong("/reviews", place, why))?;
    }
    Ok(())
}

/// Whether readers have seen a text: it is published, or was until the next one took its place. One whose place another took
/// while it was under review they have not.
pub fn was_seen(text: &Revision, review: Option<&Review>) -> bool {
    match text.state {
        State::Published => true,
        State::Superseded => !matches!(review.and_then(|review| review.closed), Some((Outcome::Superseded, _))),
        _ => false,
    }
}

/// What is wrong with one of a list.
fn wrong(list: &str, place: usize, why: &str) -> RuleError {
    RuleError::field(format!("{list}/{place}"), "invalid", why)
}

/// Texts and reviews by the numbers of the texts.
struct Past<'a> {
    author: UserId,
    texts: BTreeMap<i32, &'a Revision>,
    reviews: BTreeMap<i32, &'a Review>,
}

impl Past<'_> {
    /// Looks at a text beside its review, and beside the texts around it.
    fn text(&self, text: &Revision, last: i32) -> Result<(), &'static str> {
        let review = self.reviews.get(&text.number);
        let ended = review.map(|review| review.closed.map(|(outcome, _)| outcome));
        let fits = match text.state {
            State::Draft => ended.is_none(),
            State::Submitted | State::InReview => ended == Some(None),
            State::ChangesRequested => ended == Some(Some(Outcome::ChangesRequested)),
            State::Rejected => ended == Some(Some(Outcome::Rejected)),
            State::Withdrawn => ended == text.submitted_at.map(|_| Some(Outcome::Withdrawn)),
            State::Published => matches!(ended, None | Some(Some(Outcome::Approved))),
            State::Superseded => matches!(ended, None | Some(Some(Outcome::Approved | Outcome::Superseded))),
        };
        if !fits {
            return Err("its review is not what its state says");
        }
        // Of an approved text that came without its review, nothing more is known.
        let is_bare = ended.is_none() && matches!(text.state, State::Published | State::Superseded);
        let was_sent = ended.is_some();
        let is_decided = !matches!(text.state, State::Draft | State::Submitted | State::InReview);
        if !is_bare && (text.submitted_at.is_some() != was_sent || text.decided_at.is_some() != is_decided) {
            return Err("when it was submitted and decided is not what its state says");
        }
        let is_last = text.number == last;
        if (!is_decided && !is_last) || (text.state == State::Superseded && is_last) {
            return Err("no text can come after it, or one has to");
        }
        let later = self.texts.range(text.number + 1..).any(|(_, later)| self.was_seen(later));
        if self.was_seen(text) && (text.state == State::Superseded) != later {
            return Err("of the approved texts the last is published, those before it are superseded");
        }
        Ok(())
    }

    fn was_seen(&self, text: &Revision) -> bool {
        was_seen(text, self.reviews.get(&text.number).copied())
    }

    fn review(&self, review: &Review) -> Result<(), &'static str> {
        let text = self.texts.get(&review.revision).ok_or("there is no such text")?;
        if review.round != text.round {
            return Err("it is of another round than its text");
        }
        self.holder(review, text)?;
        for (place, decision) in review.decisions.iter().enumerate() {
            let is_second = review.decisions.iter().take(place).any(|other| other.reviewer == decision.reviewer);
            if is_second {
                return Err("somebody decides twice");
            }
            self.decision(review, text, decision)?;
        }
        self.amendment(review, text)?;
        ending(review)?;
        let next = review.revision.saturating_add(1);
        if review.closed.is_some_and(|(outcome, _)| outcome == Outcome::Superseded) && !self.reviews.contains_key(&next)
        {
            return Err("no other review took over from it");
        }
        Ok(())
    }

    /// Whether somebody's words are in a text.
    fn is_credited(&self, user: UserId, text: &Revision) -> bool {
        user == self.author || user == text.editor || text.credited.contains(&user)
    }

    /// Whoever holds a review, or is to take it up first, may decide in it.
    fn holder(&self, review: &Review, text: &Revision) -> Result<(), &'static str> {
        if let Some(claim) = review.claim
            && (text.state != State::InReview || self.is_credited(claim.by, text) || review.has_decided(claim.by))
        {
            return Err("whoever holds it has nothing to decide in it");
        }
        if text.state == State::Submitted && review.approvals() > 0 {
            return Err("a text that somebody has approved is in review");
        }
        let is_offered_to_author = review.offered_to.is_some_and(|user| self.is_credited(user, text));
        if review.closed.is_none() && is_offered_to_author {
            return Err("it is offered to somebody whose words it is about");
        }
        Ok(())
    }

    fn decision(&self, review: &Review, text: &Revision, decision: &Decision) -> Result<(), &'static str> {
        if decision.revision != review.revision {
            return Err("a decision is about another text");
        }
        if self.is_credited(decision.reviewer, text) {
            return Err("somebody decides on a text of their own");
        }
        if decision.role < Role::Reviewer {
            return Err("somebody decides who is no reviewer");
        }
        if decision.clone().checked().is_err() {
            return Err("a decision owes the author a reason, and says it in words");
        }
        let readers_saw_it = self.texts.range(..text.number).any(|(_, earlier)| self.was_seen(earlier));
        if decision.into.is_some() && (decision.verdict != Verdict::Reject || readers_saw_it) {
            return Err("only what is turned down, and of a tip that readers never saw, belongs into another tip");
        }
        let Some(next) = decision.edited_into else { return Ok(()) };
        let amends = |next: &&Review| {
            next.amendment.is_some_and(|amended| amended.by == decision.reviewer && amended.role == decision.role)
        };
        let is_last = review.closed.is_some_and(|(outcome, _)| outcome == Outcome::Superseded);
        let is_next = review.revision.checked_add(1) == Some(next);
        if decision.verdict != Verdict::Approve || !is_last || !is_next || !self.reviews.get(&next).is_some_and(amends)
        {
            return Err("an approval with edits makes the next text, and counts there");
        }
        Ok(())
    }

    fn amendment(&self, review: &Review, text: &Revision) -> Result<(), &'static str> {
        let Some(amendment) = review.amendment else { return Ok(()) };
        let before = self.reviews.get(&review.revision.saturating_sub(1));
        let made = before.is_some_and(|before| {
            before.decisions.iter().any(|one| one.reviewer == amendment.by && one.edited_into == Some(text.number))
        });
        if made && text.editor == amendment.by { Ok(()) } else { Err("nobody approved it so edited") }
    }
}

/// A review ends by what is decided in it, and goes on as long as nobody has ended it.
fn ending(review: &Review) -> Result<(), &'static str> {
    let outcome = review.closed.map(|(outcome, _)| outcome);
    let against: Vec<Verdict> =
        review.decisions.iter().map(|one| one.verdict).filter(|verdict| *verdict != Verdict::Approve).collect();
    let ends = match outcome {
        None | Some(Outcome::Withdrawn | Outcome::Superseded) => against.is_empty(),
        Some(Outcome::Approved) => against.is_empty() && review.approvals() > 0,
        Some(Outcome::ChangesRequested) => against == [Verdict::RequestChanges],
        Some(Outcome::Rejected) => against == [Verdict::Reject],
    };
    if ends { Ok(()) } else { Err("it does not end as its decisions say") }
}
