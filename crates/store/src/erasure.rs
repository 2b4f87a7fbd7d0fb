//! Erasing a person: their name, mail address, password and sessions, and their name wherever others wrote it. What they
//! did stays, under an id that names nobody; so does the change log, whose rows hold no name.

use std::time::{Duration, Instant as Stopwatch};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use eureka_domain::Instant;
use eureka_domain::erasure::Traces;
use eureka_domain::ids::{TipNumber, UserId};

use crate::connect;
use crate::schema::{
    api_keys, change_payloads, flags, gap_tips, gaps, idempotency_keys, identities, members, notifications,
    password_resets, reviews, searches, sessions, users, watches, webhooks,
};
use crate::sql_types::{DbInstant, DbUuid};
use crate::target::Target;
use crate::{Conn, Store, StoreError};

/// Free text that may be rewritten: table, key, column. Submitted texts and the log are not among them.
const TEXTS: [(&str, &str, &str); 13] = [
    ("api_keys", "id", "name"),
    ("webhooks", "id", "description"),
    ("outcomes", "id", "note"),
    ("outcomes", "id", "work_order"),
    ("flags", "id", "text"),
    ("flags", "id", "reason"),
    ("decisions", "id", "comment"),
    ("review_comments", "id", "body"),
    ("tips", "id", "hold"),
    ("gaps", "id", "wording"),
    ("relations", "CAST(tip_id AS TEXT) || CAST(other_id AS TEXT)", "reason"),
    ("communities", "id", "name"),
    ("communities", "id", "description"),
];

/// The same in JSON: what was told of each line of an import.
const OF_IMPORTS: (&str, &str, &str) = ("imports", "id", "lines");

/// The tables that rows were taken from or rewritten in, and those of texts and files, from which people take things
/// themselves.
const TOUCHED: &str = "users, sessions, refresh_tokens, api_keys, members, identities, notifications, watches, searches, gaps, gap_tips, reviews, \
                       flags, outcomes, decisions, review_comments, relations, tips, change_payloads, idempotency_keys, \
                       communities, glossaries, imports, revisions, attachments, attachment_files, attachment_parts, \
                        webhooks, webhook_secrets, webhook_deliveries, webhook_told";

/// How long older readers may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Takes what belongs to an account alone: password, sessions, keys, identities, webhooks, replies, memberships, what they were told, watched and
/// searched for, what they had undertaken. Name and address are [`crate::users::save`]'s.
pub fn empty_account(conn: &mut Conn<'_>, user: UserId, now: Instant) -> Result<(), StoreError> {
    let id = DbUuid(user.0);
    let now = DbInstant(now);
    on_each!(conn, c => {
        diesel::delete(sessions::table.filter(sessions::user_id.eq(id))).execute(*c)?;
        diesel::delete(password_resets::table.find(id)).execute(*c)?;
        diesel::delete(api_keys::table.filter(api_keys::user_id.eq(id))).execute(*c)?;
        diesel::delete(webhooks::table.filter(webhooks::user_id.eq(id))).execute(*c)?;
        diesel::delete(idempotency_keys::table.filter(idempotency_keys::caller.eq(user.to_string()))).execute(*c)?;
        diesel::delete(members::table.filter(members::user_id.eq(id))).execute(*c)?;
        diesel::delete(identities::table.filter(identities::user_id.eq(id))).execute(*c)?;
        diesel::delete(notifications::table.filter(notifications::user_id.eq(id))).execute(*c)?;
        diesel::delete(watches::table.filter(watches::user_id.eq(id))).execute(*c)?;
        diesel::delete(searches::table.filter(searches::user_id.eq(id))).execute(*c)?;
        diesel::update(users::table.find(id)).set(users::password_hash.eq(None::<String>)).execute(*c)?;
        let open = flags::table.filter(flags::assignee.eq(id)).filter(flags::resolved_at.is_null());
        diesel::update(open).set(flags::assignee.eq(None::<DbUuid>)).execute(*c)?;
        let offered = reviews::table.filter(reviews::offered_to.eq(id)).filter(reviews::closed_at.is_null());
        diesel::update(offered).set(reviews::offered_to.eq(None::<DbUuid>)).execute(*c)?;
        // A claim that ends now is taken up by the next reviewer as one that has run out.
        let claimed = reviews::table.filter(reviews::claimed_by.eq(id)).filter(reviews::claimed_until.gt(now));
        diesel::update(claimed).set(reviews::claimed_until.eq(now)).execute(*c)?;
        let claimed = gaps::table.filter(gaps::claimed_by.eq(id)).filter(gaps::claimed_until.gt(now));
        diesel::update(claimed).set(gaps::claimed_until.eq(now)).execute(*c)
    })?;
    Ok(())
}

/// Takes a person's name and address out of what others wrote, as far as it may be rewritten: reasons in the log's
/// payloads go as a whole, which its chain allows.
pub fn rewrite_texts(conn: &mut Conn<'_>, traces: &Traces) -> Result<(), StoreError> {
    for (table, key, column) in TEXTS {
        for (key_of_row, text) in mentions(conn, table, key, column, traces)? {
            if let Some(cleaned) = traces.taken_out_of(&text) {
                rewrite(conn, table, key, column, &key_of_row, &cleaned)?;
            }
        }
    }
    for (seq, body) in mentions(conn, "change_payloads", "seq", "body", traces)? {
        if traces.taken_out_of(&body).is_some() {
            let seq: i64 = seq.parse().map_err(|_| StoreError::corrupt("change_payloads.seq", &seq))?;
            on_each!(conn, c => diesel::delete(change_payloads::table.find(seq)).execute(*c))?;
        }
    }
    forget_searches(conn, traces)
}

/// Has what was told of imports rewritten where it may name a person; `None` leaves it as it is.
pub fn rewrite_imports(
    conn: &mut Conn<'_>,
    traces: &Traces,
    change: impl Fn(&str) -> Option<String>,
) -> Result<(), StoreError> {
    let (table, key, column) = OF_IMPORTS;
    for (key_of_row, text) in mentions(conn, table, key, column, traces)? {
        if let Some(cleaned) = change(&text) {
            rewrite(conn, table, key, column, &key_of_row, &cleaned)?;
        }
    }
    Ok(())
}

fn rewrite(conn: &mut Conn<'_>, table: &str, key: &str, column: &str, row: &str, text: &str) -> Result<(), StoreError> {
    let update = format!("UPDATE {table} SET {column} = $1 WHERE CAST({key} AS TEXT) = $2");
    on_each!(conn, c => diesel::sql_query(&update).bind::<Text, _>(text).bind::<Text, _>(row).execute(*c))?;
    Ok(())
}

/// Searches for a person, and the gaps that came of them.
fn forget_searches(conn: &mut Conn<'_>, traces: &Traces) -> Result<(), StoreError> {
    for (id, typed) in mentions(conn, "searches", "id", "typed", traces)? {
        if traces.taken_out_of(&typed).is_some() {
            let id = id.parse().map_err(|_| StoreError::corrupt("searches.id", &id))?;
            on_each!(conn, c => diesel::delete(searches::table.find(DbUuid(id))).execute(*c))?;
        }
    }
    let known: Vec<(DbUuid, String)> = on_each!(conn, c => gaps::table.select((gaps::id, gaps::terms)).load(*c))?;
    for (id, terms) in known {
        if traces.taken_out_of(&terms.replace('\n', " ")).is_some() {
            on_each!(conn, c => {
                diesel::update(searches::table.filter(searches::gap_id.eq(id)))
                    .set(searches::gap_id.eq(None::<DbUuid>))
                    .execute(*c)?;
                diesel::delete(gap_tips::table.filter(gap_tips::gap_id.eq(id))).execute(*c)?;
                diesel::delete(gaps::table.find(id)).execute(*c)
            })?;
        }
    }
    Ok(())
}

/// The tips whose texts name a person. Submitted texts are never rewritten: an edit is the next revision.
pub fn tips_that_mention(conn: &mut Conn<'_>, traces: &Traces) -> Result<Vec<TipNumber>, StoreError> {
    #[derive(QueryableByName)]
    struct Numbered {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let text = "title || ' ' || problem || ' ' || coalesce(cause, '') || ' ' || coalesce(solution, '') || ' ' || \
                coalesce(hazard, '') || ' ' || tags || ' ' || attachments";
    let revisions = format!("(SELECT tip_id, {text} AS text FROM revisions) AS texts");
    let mut numbers = Vec::new();
    for (tip, text) in mentions(conn, &revisions, "tip_id", "text", traces)? {
        if traces.taken_out_of(&text).is_some() {
            let query = "SELECT CAST(number AS BIGINT) AS number FROM tips WHERE CAST(id AS TEXT) = $1";
            let found: Numbered = on_each!(conn, c => diesel::sql_query(query).bind::<Text, _>(&tip).get_result(*c))?;
            numbers.push(TipNumber(found.number));
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// The rows that may have a person's name or address in a column: their keys, and the text.
fn mentions(
    conn: &mut Conn<'_>,
    table: &str,
    key: &str,
    column: &str,
    traces: &Traces,
) -> Result<Vec<(String, String)>, StoreError> {
    #[derive(QueryableByName)]
    struct Mention {
        #[diesel(sql_type = Text)]
        key: String,
        #[diesel(sql_type = Text)]
        text: String,
    }
    let query = format!(
        "SELECT CAST({key} AS TEXT) AS key, {column} AS text FROM {table} \
         WHERE lower({column}) LIKE $1 ESCAPE '!'"
    );
    let mut found = Vec::new();
    for word in traces.words() {
        let escaped = word.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        // Databases do not agree on the case of other letters: any will do here, whoever asked looks closely.
        // JSON has quotes and backslashes in another form.
        let is_plain = |c: char| c.is_ascii() && !matches!(c, '"' | '\\');
        let letters = escaped.chars().map(|c| if is_plain(c) { c.to_ascii_lowercase() } else { '%' });
        let pattern = format!("%{}%", letters.collect::<String>());
        let rows: Vec<Mention> = on_each!(conn, c => diesel::sql_query(&query).bind::<Text, _>(&pattern).load(*c))?;
        found.extend(rows.into_iter().map(|row| (row.key, row.text)));
    }
    Ok(found)
}

impl Store {
    /// Rewrites the files of what was erased, so that it is not only out of sight. Writers wait meanwhile.
    pub fn scrub(&self) -> Result<(), StoreError> {
        match self.target() {
            Target::Sqlite(path) => {
                let mut conn = connect::sqlite(path)?;
                conn.batch_execute("VACUUM")?;
                truncate_log(&mut conn)
            }
            Target::Postgres(url) => {
                let mut conn = connect::postgres(url, "SET lock_timeout = '1min'")?;
                await_older_readers(&mut conn)?;
                Ok(conn.batch_execute(&format!("VACUUM (FULL, ANALYZE) {TOUCHED}"))?)
            }
        }
    }
}

/// PostgreSQL keeps what was deleted, and copies it along, for as long as anybody reads a state from before. What counts is
/// the oldest transaction of the whole server: every snapshot looks back to it, that of the copying itself included. It is
/// the server's own account of it that is asked, since the list of activities hides those of other roles.
fn await_older_readers(conn: &mut PgConnection) -> Result<(), StoreError> {
    let now: i64 = diesel::select(sql::<BigInt>("txid_current()")).get_result(conn)?;
    let none_older = format!(
        "(txid_snapshot_xmin(txid_current_snapshot()) >= {now} AND NOT EXISTS ( \
           SELECT 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
           AND age(backend_xmin) > age(({now} % 4294967296)::text::xid)))"
    );
    let since = Stopwatch::now();
    while !diesel::select(sql::<Bool>(&none_older)).get_result::<bool>(conn)? {
        if since.elapsed() > PATIENCE {
            return Err(StoreError::Busy);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Empties SQLite's write-ahead log into the database; not possible while somebody reads an older state.
fn truncate_log(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Checkpoint {
        #[diesel(sql_type = BigInt)]
        busy: i64,
    }
    let done: Checkpoint = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(conn)?;
    if done.busy == 0 { Ok(()) } else { Err(StoreError::Busy) }
}
