//! What is said in a review: between author and reviewers, in threads, about the whole text or one field of it.

use std::collections::BTreeSet;

use eureka_domain::RuleError;
use eureka_domain::access::Caller;
use eureka_domain::change::{Facts, Kind};
use eureka_domain::comment::Comment;
use eureka_domain::ids::{CommentId, ReviewId, UserId};
use eureka_domain::tip::Field;
use eureka_store::{Conn, comments, log, notifications, reviews, users};

use super::{Found, NONE, find};
use crate::tips::change;
use crate::{Answer, Once, Page, PageRequest, Person, Service, ServiceError, audit, once};

/// A comment to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewComment {
    /// What to say.
    pub text: String,
    /// The field it is about.
    pub field: Option<Field>,
    /// The comment it answers.
    pub reply_to: Option<CommentId>,
}

/// A comment, as those who may read the review see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentView {
    /// The comment.
    pub comment: Comment,
    /// Who said it.
    pub author: Person,
}

impl Service {
    /// What was said in a review, oldest first: for the community's reviewers and the tip's author.
    pub fn list_comments(
        &self,
        caller: &Caller,
        id: ReviewId,
        page: &PageRequest,
    ) -> Result<Page<CommentView>, ServiceError> {
        self.store.read(|conn| {
            found(conn, caller, id)?;
            let said = comments::list(conn, id, page.after()?, page.fetch())?;
            let said = page.page(said, |comment| (comment.at, comment.id))?;
            Ok(Page { items: views(conn, said.items)?, next: said.next })
        })
    }

    /// Says something in a review, and tells the others: who wrote the text, who holds the review, who has spoken. Whoever
    /// holds it goes on holding it.
    pub fn comment_review(
        &self,
        caller: &Caller,
        id: ReviewId,
        new: NewComment,
        once: Once<CommentView>,
    ) -> Result<Answer, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let comment = Comment {
            id: CommentId(self.new_id(now)),
            review: id,
            reply_to: new.reply_to,
            field: new.field,
            author: caller.user,
            text: new.text,
            at: now,
        };
        let comment = comment.checked()?;
        let payload = audit::payload(&Facts { reason: Some(comment.text.clone()), ..Facts::default() })?;
        let written = self.store.write(move |conn| {
            let permit = |conn: &mut Conn<'_>| found(conn, &caller, id);
            once::run(conn, caller.user, once, now, permit, |conn, mut found| {
                let comment = in_its_thread(conn, comment)?;
                let mut concerned: BTreeSet<UserId> = comments::speakers(conn, id)?.into_iter().collect();
                concerned.extend(found.revision.credited.iter().copied().chain([found.tip.author]));
                concerned.extend(found.review.live_claim(now).map(|claim| claim.by));
                concerned.remove(&caller.user);
                comments::insert(conn, &comment)?;
                if found.review.live_claim(now).is_some_and(|claim| claim.by == caller.user) {
                    found.review.claim_for(caller.user, found.community.policy.claim_minutes, now);
                    reviews::save(conn, &found.review)?;
                }
                let change = change(Kind::ReviewCommented, &caller, &found.tip, now).on_revision(found.revision.number);
                let seq = log::append(conn, &change.about(id.0).telling(payload))?;
                notifications::tell(conn, seq, &concerned)?;
                views(conn, vec![comment])?.pop().ok_or(NONE)
            })
        })?;
        Ok(written.value)
    }
}

fn found(conn: &mut Conn<'_>, caller: &Caller, id: ReviewId) -> Result<Found, ServiceError> {
    let review = reviews::find(conn, id)?.ok_or(NONE)?;
    find(conn, caller, review)
}

/// A reply belongs to the thread, and the field, of what it answers, whichever comment of the thread that is.
fn in_its_thread(conn: &mut Conn<'_>, comment: Comment) -> Result<Comment, ServiceError> {
    let Some(answered) = comment.reply_to else { return Ok(comment) };
    let answered = comments::find(conn, answered)?.filter(|answered| answered.review == comment.review);
    let Some(answered) = answered else {
        return Err(RuleError::field("/reply_to", "unknown", "there is no such comment in this review").into());
    };
    Ok(Comment { reply_to: Some(answered.reply_to.unwrap_or(answered.id)), field: answered.field, ..comment })
}

/// The comments with the names of those who said them.
pub(super) fn views(conn: &mut Conn<'_>, said: Vec<Comment>) -> Result<Vec<CommentView>, ServiceError> {
    let names = users::names(conn, &said.iter().map(|comment| comment.author).collect::<Vec<_>>())?;
    let view = |comment: Comment| CommentView { author: Person::named(comment.author, &names), comment };
    Ok(said.into_iter().map(view).collect())
}
