//! Statements that stay prepared. Diesel prepares every UPDATE anew, because the number of its forms is not bounded; one
//! that always sets the same columns has one form, and on PostgreSQL the preparing is a journey of its own.

use diesel::RunQueryDsl;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;

/// A statement of one form only.
pub(crate) struct Kept<T>(pub(crate) T);

impl<T, DB: Backend> QueryFragment<DB> for Kept<T>
where
    T: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<T> QueryId for Kept<T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T, C> RunQueryDsl<C> for Kept<T> {}
