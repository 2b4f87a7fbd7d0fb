//! Login sessions and their refresh tokens. A token is stored as its hash and used once.

use diesel::prelude::*;
use eureka_domain::Instant;
use eureka_domain::ids::{SessionId, UserId};

use crate::schema::{refresh_tokens, sessions};
use crate::sql_types::{DbInstant, DbUuid};
use crate::{Conn, StoreError};

/// A login session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// For ever.
    pub id: SessionId,
    /// Who logged in.
    pub user: UserId,
    /// When.
    pub created_at: Instant,
    /// When it ends by itself.
    pub expires_at: Instant,
    /// When it was ended before that.
    pub ended_at: Option<Instant>,
    /// Why.
    pub end_reason: Option<String>,
}

/// What a client presents to get the next access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Of the secret; the secret itself is stored nowhere.
    pub hash: String,
    /// The session it continues.
    pub session: SessionId,
    /// When it was given.
    pub issued_at: Instant,
    /// When it ends by itself.
    pub expires_at: Instant,
    /// When it was used.
    pub used_at: Option<Instant>,
}

/// Opens a session.
pub fn insert(conn: &mut Conn<'_>, session: &Session) -> Result<(), StoreError> {
    let row = SessionRow {
        id: DbUuid(session.id.0),
        user_id: DbUuid(session.user.0),
        created_at: DbInstant(session.created_at),
        expires_at: DbInstant(session.expires_at),
        ended_at: session.ended_at.map(DbInstant),
        end_reason: session.end_reason.clone(),
    };
    on_each!(conn, c => diesel::insert_into(sessions::table).values(&row).execute(*c))?;
    Ok(())
}

/// One session.
pub fn find(conn: &mut Conn<'_>, id: SessionId) -> Result<Option<Session>, StoreError> {
    let query = sessions::table.find(DbUuid(id.0));
    Ok(on_each!(conn, c => query.select(SessionRow::as_select()).first(*c).optional())?.map(Session::from))
}

/// Ends a session; says whether it was still open.
pub fn end(conn: &mut Conn<'_>, id: SessionId, reason: &str, at: Instant) -> Result<bool, StoreError> {
    let open = sessions::table.find(DbUuid(id.0)).filter(sessions::ended_at.is_null());
    let ended = (sessions::ended_at.eq(DbInstant(at)), sessions::end_reason.eq(reason));
    Ok(on_each!(conn, c => diesel::update(open).set(ended).execute(*c))? == 1)
}

/// Ends every open session of a person; says how many there were.
pub fn end_all(conn: &mut Conn<'_>, user: UserId, reason: &str, at: Instant) -> Result<usize, StoreError> {
    let open = sessions::table.filter(sessions::user_id.eq(DbUuid(user.0))).filter(sessions::ended_at.is_null());
    let ended = (sessions::ended_at.eq(DbInstant(at)), sessions::end_reason.eq(reason));
    Ok(on_each!(conn, c => diesel::update(open).set(ended).execute(*c))?)
}

/// Adds a token to its session.
pub fn insert_token(conn: &mut Conn<'_>, token: &RefreshToken) -> Result<(), StoreError> {
    let row = TokenRow {
        hash: token.hash.clone(),
        session_id: DbUuid(token.session.0),
        issued_at: DbInstant(token.issued_at),
        expires_at: DbInstant(token.expires_at),
        used_at: token.used_at.map(DbInstant),
    };
    on_each!(conn, c => diesel::insert_into(refresh_tokens::table).values(&row).execute(*c))?;
    Ok(())
}

/// The token with this hash.
pub fn find_token(conn: &mut Conn<'_>, hash: &str) -> Result<Option<RefreshToken>, StoreError> {
    let query = refresh_tokens::table.find(hash);
    Ok(on_each!(conn, c => query.select(TokenRow::as_select()).first(*c).optional())?.map(RefreshToken::from))
}

/// Uses a token up; false if it was used before, or there is none.
pub fn use_token(conn: &mut Conn<'_>, hash: &str, at: Instant) -> Result<bool, StoreError> {
    let unused = refresh_tokens::table.find(hash).filter(refresh_tokens::used_at.is_null());
    let used = refresh_tokens::used_at.eq(DbInstant(at));
    Ok(on_each!(conn, c => diesel::update(unused).set(used).execute(*c))? == 1)
}

/// Forgets the sessions (with their tokens) and the tokens that expired before a moment; says how many rows it named.
pub fn purge(conn: &mut Conn<'_>, before: Instant) -> Result<usize, StoreError> {
    let tokens = refresh_tokens::table.filter(refresh_tokens::expires_at.lt(DbInstant(before)));
    let expired = sessions::table.filter(sessions::expires_at.lt(DbInstant(before)));
    let tokens = on_each!(conn, c => diesel::delete(tokens).execute(*c))?;
    let sessions = on_each!(conn, c => diesel::delete(expired).execute(*c))?;
    Ok(tokens + sessions)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
struct SessionRow {
    id: DbUuid,
    user_id: DbUuid,
    created_at: DbInstant,
    expires_at: DbInstant,
    ended_at: Option<DbInstant>,
    end_reason: Option<String>,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: SessionId(row.id.0),
            user: UserId(row.user_id.0),
            created_at: row.created_at.0,
            expires_at: row.expires_at.0,
            ended_at: row.ended_at.map(|at| at.0),
            end_reason: row.end_reason,
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = refresh_tokens, treat_none_as_default_value = false)]
struct TokenRow {
    hash: String,
    session_id: DbUuid,
    issued_at: DbInstant,
    expires_at: DbInstant,
    used_at: Option<DbInstant>,
}

impl From<TokenRow> for RefreshToken {
    fn from(row: TokenRow) -> Self {
        Self {
            hash: row.hash,
            session: SessionId(row.session_id.0),
            issued_at: row.issued_at.0,
            expires_at: row.expires_at.0,
            used_at: row.used_at.map(|at| at.0),
        }
    }
}
