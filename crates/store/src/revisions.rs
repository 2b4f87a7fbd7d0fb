//! Revisions: the texts of a tip, and who is credited on each.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use eureka_domain::ids::{TipId, UserId};
use eureka_domain::tip::{Revision, Safety, State, Tip, TipText};

use crate::schema::{revision_credits, revisions};
use crate::sql_types::{DbInstant, DbUuid};
use crate::update::update;
use crate::{Conn, StoreError};

/// Adds a revision and credits those whose words are in it. Conflicts: `revisions.number`, `one_open_revision`,
/// `one_published_revision`.
pub fn insert(conn: &mut Conn<'_>, tip: &Tip, revision: &Revision) -> Result<(), StoreError> {
    let row = Row::try_from(revision)?;
    on_each!(conn, c => diesel::insert_into(revisions::table).values(&row).execute(*c))?;
    credit(conn, tip, revision)
}

/// Writes the state of a revision. Where another one is to be superseded or closed, do that first: a tip has one open and
/// one published revision at any moment.
pub fn save_state(conn: &mut Conn<'_>, revision: &Revision) -> Result<(), StoreError> {
    let stored = revisions::tip_id.eq(DbUuid(revision.tip.0)).and(revisions::number.eq(revision.number));
    let state = (
        revisions::state.eq(revision.state.word()),
        revisions::updated_at.eq(DbInstant(revision.updated_at)),
        revisions::submitted_at.eq(revision.submitted_at.map(DbInstant)),
        revisions::decided_at.eq(revision.decided_at.map(DbInstant)),
    );
    on_each!(conn, c => update(revisions::table, stored, state).execute(*c))?;
    Ok(())
}

/// Writes all of a revision and credits those whose words are in it. A changed text that was submitted is a conflict,
/// `submitted_text`.
pub fn rewrite(conn: &mut Conn<'_>, tip: &Tip, revision: &Revision) -> Result<(), StoreError> {
    let row = Row::try_from(revision)?;
    let stored = revisions::table.find((row.tip_id, row.number));
    on_each!(conn, c => diesel::update(stored).set(&row).execute(*c))?;
    credit(conn, tip, revision)
}

/// One revision.
pub fn find(conn: &mut Conn<'_>, tip: TipId, number: i32) -> Result<Option<Revision>, StoreError> {
    let query = revisions::table.find((DbUuid(tip.0), number));
    let row: Option<Row> = on_each!(conn, c => query.select(Row::as_select()).first(*c).optional())?;
    Ok(with_credits(conn, row.into_iter().collect())?.pop())
}

/// Every revision of a tip, oldest first.
pub fn list(conn: &mut Conn<'_>, tip: TipId) -> Result<Vec<Revision>, StoreError> {
    let query = revisions::table.filter(revisions::tip_id.eq(DbUuid(tip.0))).order(revisions::number);
    let rows: Vec<Row> = on_each!(conn, c => query.select(Row::as_select()).load(*c))?;
    with_credits(conn, rows)
}

/// Adds to each revision those credited on it, in one query. The rows are of no more tips than [`crate::MANY`].
pub(crate) fn with_credits(conn: &mut Conn<'_>, rows: Vec<Row>) -> Result<Vec<Revision>, StoreError> {
    let mut tips: Vec<DbUuid> = rows.iter().map(|row| row.tip_id).collect();
    tips.dedup();
    let query = revision_credits::table.filter(revision_credits::tip_id.eq_any(tips)).select((
        revision_credits::tip_id,
        revision_credits::revision,
        revision_credits::user_id,
    ));
    let found: Vec<(DbUuid, i32, DbUuid)> = on_each!(conn, c => query.load(*c))?;
    let mut credited: HashMap<(TipId, i32), BTreeSet<UserId>> = HashMap::new();
    for (tip, number, user) in found {
        credited.entry((TipId(tip.0), number)).or_default().insert(UserId(user.0));
    }
    rows.into_iter()
        .map(|row| {
            let credited = credited.remove(&(TipId(row.tip_id.0), row.number)).unwrap_or_default();
            row.credited(credited)
        })
        .collect()
}

fn credit(conn: &mut Conn<'_>, tip: &Tip, revision: &Revision) -> Result<(), StoreError> {
    for row in credits(tip, revision) {
        on_each!(conn, c => diesel::insert_into(revision_credits::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(*c))?;
    }
    Ok(())
}

/// Those whose words are in what readers of a tip have seen up to a revision: who is credited on one that was published,
/// or that went into one.
pub fn credited_up_to(conn: &mut Conn<'_>, tip: TipId, live: i32) -> Result<BTreeSet<UserId>, StoreError> {
    let of_revision =
        revision_credits::tip_id.eq(revisions::tip_id).and(revision_credits::revision.eq(revisions::number));
    let query = revision_credits::table
        .inner_join(revisions::table.on(of_revision))
        .filter(revisions::tip_id.eq(DbUuid(tip.0)))
        .filter(revisions::number.le(live))
        .filter(revisions::state.eq_any([State::Published.word(), State::Superseded.word()]))
        .select(revision_credits::user_id)
        .distinct();
    let people: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
    Ok(people.into_iter().map(|id| UserId(id.0)).collect())
}

/// Which of these people have their words in what readers of any tip have seen, as [`credited_up_to`] has it.
pub fn who_is_credited(conn: &mut Conn<'_>, people: &[UserId]) -> Result<BTreeSet<UserId>, StoreError> {
    let mut found = BTreeSet::new();
    for people in people.chunks(crate::MANY) {
        let people: Vec<DbUuid> = people.iter().map(|id| DbUuid(id.0)).collect();
        let of_revision =
            revision_credits::tip_id.eq(revisions::tip_id).and(revision_credits::revision.eq(revisions::number));
        let query = revision_credits::table
            .inner_join(revisions::table.on(of_revision))
            .filter(revision_credits::user_id.eq_any(people))
            .filter(revisions::state.eq_any([State::Published.word(), State::Superseded.word()]))
            .select(revision_credits::user_id)
            .distinct();
        let rows: Vec<DbUuid> = on_each!(conn, c => query.load(*c))?;
        found.extend(rows.into_iter().map(|id| UserId(id.0)));
    }
    Ok(found)
}

/// Those whose words are in a text: its rows to be stored.
pub(crate) fn credits(tip: &Tip, revision: &Revision) -> impl Iterator<Item = Credit> {
    let (tip_id, number) = (DbUuid(revision.tip.0), revision.number);
    let people: BTreeSet<UserId> = revision.credited.iter().copied().chain([tip.author, revision.editor]).collect();
    people.into_iter().map(move |user| Credit { tip_id, revision: number, user_id: DbUuid(user.0) })
}

/// One person's name on one text.
#[derive(Insertable)]
#[diesel(table_name = revision_credits, treat_none_as_default_value = false)]
pub(crate) struct Credit {
    tip_id: DbUuid,
    revision: i32,
    user_id: DbUuid,
}

/// A revision as it is stored.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = revisions, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct Row {
    tip_id: DbUuid,
    number: i32,
    state: String,
    round: i32,
    title: String,
    problem: String,
    cause: Option<String>,
    solution: Option<String>,
    products: String,
    fault_codes: String,
    parts: String,
    tags: String,
    safety: String,
    hazard: Option<String>,
    lang: Option<String>,
    attachments: String,
    editor_id: DbUuid,
    created_at: DbInstant,
    updated_at: DbInstant,
    submitted_at: Option<DbInstant>,
    decided_at: Option<DbInstant>,
}

impl TryFrom<&Revision> for Row {
    type Error = StoreError;

    fn try_from(revision: &Revision) -> Result<Self, StoreError> {
        let text = &revision.text;
        Ok(Self {
            tip_id: DbUuid(revision.tip.0),
            number: revision.number,
            state: revision.state.word().to_owned(),
            round: revision.round,
            title: text.title.clone(),
            problem: text.problem.clone(),
            cause: text.cause.clone(),
            solution: text.solution.clone(),
            products: to_json(&text.products)?,
            fault_codes: to_json(&text.fault_codes)?,
            parts: to_json(&text.parts)?,
            tags: to_json(&text.tags)?,
            safety: text.safety.word().to_owned(),
            hazard: text.hazard.clone(),
            lang: text.lang.clone(),
            attachments: serde_json::to_string(&text.attachments)
                .map_err(|error| StoreError::corrupt("attachments", error))?,
            editor_id: DbUuid(revision.editor.0),
            created_at: DbInstant(revision.created_at),
            updated_at: DbInstant(revision.updated_at),
            submitted_at: revision.submitted_at.map(DbInstant),
            decided_at: revision.decided_at.map(DbInstant),
        })
    }
}

impl Row {
    fn credited(self, credited: BTreeSet<UserId>) -> Result<Revision, StoreError> {
        let row = self;
        let state = State::from_word(&row.state);
        let safety = Safety::from_word(&row.safety);
        Ok(Revision {
            tip: TipId(row.tip_id.0),
            number: row.number,
            round: row.round,
            state: state.ok_or_else(|| StoreError::corrupt("revisions.state", &row.state))?,
            text: TipText {
                title: row.title,
                problem: row.problem,
                cause: row.cause,
                solution: row.solution,
                products: from_json(&row.products)?,
                fault_codes: from_json(&row.fault_codes)?,
                parts: from_json(&row.parts)?,
                tags: from_json(&row.tags)?,
                safety: safety.ok_or_else(|| StoreError::corrupt("revisions.safety", &row.safety))?,
                hazard: row.hazard,
                lang: row.lang,
                attachments: serde_json::from_str(&row.attachments)
                    .map_err(|error| StoreError::corrupt("revisions.attachments", error))?,
            },
            editor: UserId(row.editor_id.0),
            credited,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            submitted_at: row.submitted_at.map(|at| at.0),
            decided_at: row.decided_at.map(|at| at.0),
        })
    }
}

/// A JSON array with each label on a line of its own.
fn to_json(labels: &[String]) -> Result<String, StoreError> {
    let lines: Vec<String> = labels.iter().map(|label| stored_form(label)).collect::<Result<_, _>>()?;
    Ok(format!("[{}]", lines.join(",")))
}

pub(crate) fn from_json(text: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt("labels of a revision", error))
}

/// How a label stands in a stored list. JSON escapes the line breaks inside of labels, so one that is there begins a
/// label, and finding this form is finding exactly this label.
pub(crate) fn stored_form(label: &str) -> Result<String, StoreError> {
    let quoted = serde_json::to_string(label).map_err(|error| StoreError::corrupt("label", error))?;
    Ok(format!("\n{quoted}"))
}

/// Whether a column of labels holds one, byte for byte. `$form` comes from [`stored_form`].
macro_rules! holds {
    ($column:expr, $form:expr) => {
        crate::schema::replace($column, $form.clone(), "").ne($column)
    };
}
pub(crate) use holds;
