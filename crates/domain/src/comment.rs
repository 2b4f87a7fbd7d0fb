//! What is said in a review: to the author and among reviewers, about the whole text or one field of it.

use crate::clock::Instant;
use crate::error::{FieldError, RuleError};
use crate::ids::{CommentId, ReviewId, UserId};
use crate::review::COMMENT_MAX;
use crate::tip::Field;

/// A comment; those that reply to one make a thread with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// For ever.
    pub id: CommentId,
    /// The review it was said in.
    pub review: ReviewId,
    /// The comment that began the thread; absent for that one itself.
    pub reply_to: Option<CommentId>,
    /// The field it is about; absent where it is about the whole text.
    pub field: Option<Field>,
    /// Who said it.
    pub author: UserId,
    /// What.
    pub text: String,
    /// When.
    pub at: Instant,
}

impl Comment {
    /// Trims, and refuses an empty or endless comment.
    pub fn checked(mut self) -> Result<Self, RuleError> {
        self.text = self.text.trim().to_owned();
        if self.text.is_empty() {
            return Err(RuleError::field("/text", "required", "must not be empty"));
        }
        if self.text.chars().count() > COMMENT_MAX {
            let detail = format!("at most {COMMENT_MAX} characters");
            return Err(RuleError::Invalid(vec![FieldError::new("/text", "too_long", detail)]));
        }
        Ok(self)
    }
}
