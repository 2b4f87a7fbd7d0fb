//! What is said in reviews.

use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::comment::Comment;
use eureka_domain::ids::{CommentId, ReviewId, UserId};
use eureka_domain::tip::Field;

use crate::schema::review_comments;
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// Adds a comment.
pub fn insert(conn: &mut Conn<'_>, comment: &Comment) -> Result<(), StoreError> {
    let row = Row {
        id: DbUuid(comment.id.0),
        review_id: DbUuid(comment.review.0),
        reply_to: comment.reply_to.map(|id| DbUuid(id.0)),
        field: comment.field.map(|field| field.word().to_owned()),
        author_id: DbUuid(comment.author.0),
        body: comment.text.clone(),
        at: DbInstant(comment.at),
    };
    on_each!(conn, c => diesel::insert_into(review_comments::table).values(&row).execute(*c))?;
    Ok(())
}

/// One comment.
pub fn find(conn: &mut Conn<'_>, id: CommentId) -> Result<Option<Comment>, StoreError> {
    let query = review_comments::table.find(DbUuid(id.0));
    on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?.map(Comment::try_from).transpose()
}

/// What was said in a review, oldest first, at most `limit` after one of them.
pub fn list(
    conn: &mut Conn<'_>,
    review: ReviewId,
    after: Option<(Instant, CommentId)>,
    limit: i64,
) -> Result<Vec<Comment>, StoreError> {
    let rows: Vec<Row> = on_each!(conn, c => {
        let mut query = review_comments::table
            .filter(review_comments::review_id.eq(DbUuid(review.0)))
            .select(Row::as_select())
            .into_boxed();
        if let Some((at, id)) = after {
            let (at, id) = (DbInstant(at), DbUuid(id.0));
            let later = review_comments::at.gt(at).or(review_comments::id.gt(id));
            query = query.filter(review_comments::at.ge(at)).filter(later);
        }
        query.order((review_comments::at, review_comments::id)).limit(limit).load(*c)
    })?;
    rows.into_iter().map(Comment::try_from).collect()
}

/// Whoever has said something in a review.
pub fn speakers(conn: &mut Conn<'_>, review: ReviewId) -> Result<Vec<UserId>, StoreError> {
    let query = review_comments::table
        .filter(review_comments::review_id.eq(DbUuid(review.0)))
        .select(review_comments::author_id)
        .distinct();
    let rows: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
    Ok(rows.into_iter().map(|id| UserId(id.0)).collect())
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = review_comments, treat_none_as_default_value = false)]
struct Row {
    id: DbUuid,
    review_id: DbUuid,
    reply_to: Option<DbUuid>,
    field: Option<String>,
    author_id: DbUuid,
    body: String,
    at: DbInstant,
}

impl TryFrom<Row> for Comment {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let field =
            |word: String| Field::from_word(&word).ok_or_else(|| StoreError::corrupt("review_comments.field", word));
        Ok(Self {
            id: CommentId(row.id.0),
            review: ReviewId(row.review_id.0),
            reply_to: row.reply_to.map(|id| CommentId(id.0)),
            field: row.field.map(field).transpose()?,
            author: UserId(row.author_id.0),
            text: row.body,
            at: row.at.0,
        })
    }
}
