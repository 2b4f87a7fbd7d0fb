//! Updates that stay prepared. Diesel prepares each of its own anew, because the number of their forms is not bounded; one
//! that always sets the same columns has one form, and on PostgreSQL to prepare it is a journey of its own.

use diesel::backend::Backend;
use diesel::query_builder::{AsChangeset, AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::Bool;
use diesel::{AppearsOnTable, Expression, QuerySource, RunQueryDsl, Table};

/// `UPDATE from SET set WHERE only`.
pub(crate) struct Update<F, S, W> {
    from: F,
    set: S,
    only: W,
}

/// Writes `set` into the rows of a table that `only` holds of.
pub(crate) fn update<T, S, W>(table: T, only: W, set: S) -> Update<T::FromClause, S::Changeset, W>
where
    T: Table,
    S: AsChangeset<Target = T>,
    W: Expression<SqlType = Bool> + AppearsOnTable<T>,
{
    Update { from: QuerySource::from_clause(&table), set: set.as_changeset(), only }
}

impl<F, S, W, DB> QueryFragment<DB> for Update<F, S, W>
where
    DB: Backend,
    F: QueryFragment<DB>,
    S: QueryFragment<DB>,
    W: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        self.set.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.only.walk_ast(out.reborrow())
    }
}

impl<F, S, W> QueryId for Update<F, S, W> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false; // it is known by its text
}

impl<F, S, W, C> RunQueryDsl<C> for Update<F, S, W> {}
