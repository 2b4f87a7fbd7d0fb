//! The bytes of what is attached to texts: each file once, by its SHA-256, in parts. What a text has attached stands in the
//! text itself; here is which tip holds on to which file, so that one that nobody needs any more can go.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use eureka_domain::attachment::Attachment;
use eureka_domain::ids::{AttachmentId, TipId};

use crate::schema::{attachment_files, attachment_parts, attachments, revisions};
use crate::sql_types::DbUuid;
use crate::{Conn, StoreError};

/// How many bytes a part has; the last one has what is left.
pub const PART: usize = 256 << 10;

/// A file to be kept.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// The SHA-256 of its bytes, hexadecimal.
    pub sha256: &'a str,
    /// What it holds.
    pub bytes: &'a [u8],
    /// A small picture of it.
    pub thumbnail: Option<&'a [u8]>,
}

/// Keeps a file for a tip; one that is here already is not kept twice.
pub fn keep(conn: &mut Conn<'_>, tip: TipId, id: AttachmentId, file: File<'_>) -> Result<(), StoreError> {
    let row = (attachment_files::sha256.eq(file.sha256), attachment_files::thumbnail.eq(file.thumbnail));
    let new = on_each!(conn, c => diesel::insert_into(attachment_files::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(*c))?;
    if new > 0 {
        for (place, bytes) in (0_i32..).zip(file.bytes.chunks(PART)) {
            let row = (
                attachment_parts::sha256.eq(file.sha256),
                attachment_parts::place.eq(place),
                attachment_parts::bytes.eq(bytes),
            );
            on_each!(conn, c => diesel::insert_into(attachment_parts::table).values(row).execute(*c))?;
        }
    }
    let row =
        (attachments::id.eq(DbUuid(id.0)), attachments::tip_id.eq(DbUuid(tip.0)), attachments::sha256.eq(file.sha256));
    on_each!(conn, c => diesel::insert_into(attachments::table).values(row).execute(*c))?;
    Ok(())
}

/// One part of a file, from 0.
pub fn part(conn: &mut Conn<'_>, sha256: &str, place: i32) -> Result<Option<Vec<u8>>, StoreError> {
    let query = attachment_parts::table.find((sha256, place)).select(attachment_parts::bytes);
    Ok(on_each!(conn, c => query.first(*c).optional())?)
}

/// The small picture of a file, if there is one.
pub fn thumbnail(conn: &mut Conn<'_>, sha256: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let query = attachment_files::table.find(sha256).select(attachment_files::thumbnail);
    let found: Option<Option<Vec<u8>>> = on_each!(conn, c => query.first(*c).optional())?;
    Ok(found.flatten())
}

/// A file as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// A small picture of it.
    pub thumbnail: Option<Vec<u8>>,
}

/// A file as it was kept, all of it at once.
pub fn whole(conn: &mut Conn<'_>, sha256: &str) -> Result<Option<Whole>, StoreError> {
    let query = attachment_files::table.find(sha256).select(attachment_files::thumbnail);
    let found: Option<Option<Vec<u8>>> = on_each!(conn, c => query.first(*c).optional())?;
    let Some(thumbnail) = found else { return Ok(None) };
    let parts = attachment_parts::table.filter(attachment_parts::sha256.eq(sha256)).order(attachment_parts::place);
    let parts: Vec<Vec<u8>> = on_each!(conn, c => parts.select(attachment_parts::bytes).load(*c))?;
    Ok(Some(Whole { bytes: parts.concat(), thumbnail }))
}

/// Whether some tip has a file under this id.
pub fn is_held(conn: &mut Conn<'_>, id: AttachmentId) -> Result<bool, StoreError> {
    let row = attachments::table.find(DbUuid(id.0)).count();
    let rows: i64 = on_each!(conn, c => row.get_result(*c))?;
    Ok(rows > 0)
}

/// What is kept, held against what texts have attached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stock {
    /// How many files there are.
    pub files: usize,
    /// How many bytes they have.
    pub bytes: i64,
    /// Files of texts that their tip does not hold on to, or of which bytes are missing.
    pub missing: BTreeSet<AttachmentId>,
    /// Files that no tip holds on to, and ids that no text of their tip has.
    pub unneeded: usize,
}

/// Looks whether everything that texts have attached is there, and nothing else. The bytes are counted and not read.
pub fn stock(conn: &mut Conn<'_>) -> Result<Stock, StoreError> {
    #[derive(QueryableByName)]
    struct Length {
        #[diesel(sql_type = Text)]
        sha256: String,
        #[diesel(sql_type = BigInt)]
        bytes: i64,
    }
    let query = "SELECT f.sha256 AS sha256, CAST(coalesce(sum(length(p.bytes)), 0) AS BIGINT) AS bytes \
                 FROM attachment_files f LEFT JOIN attachment_parts p ON p.sha256 = f.sha256 GROUP BY f.sha256";
    let lengths: Vec<Length> = on_each!(conn, c => diesel::sql_query(query).load(*c))?;
    let lengths: HashMap<String, i64> = lengths.into_iter().map(|file| (file.sha256, file.bytes)).collect();
    let rows: Vec<(DbUuid, DbUuid, String)> = on_each!(conn, c => attachments::table.load(*c))?;
    let held: HashMap<(TipId, AttachmentId), &String> =
        rows.iter().map(|(id, tip, sha256)| ((TipId(tip.0), AttachmentId(id.0)), sha256)).collect();

    let texts = revisions::table.filter(revisions::attachments.ne("[]"));
    let texts: Vec<(DbUuid, String)> =
        on_each!(conn, c => texts.select((revisions::tip_id, revisions::attachments)).load(*c))?;
    let (mut missing, mut needed) = (BTreeSet::new(), HashSet::new());
    for (tip, text) in texts {
        let tip = TipId(tip.0);
        let text: Vec<Attachment> =
            serde_json::from_str(&text).map_err(|error| StoreError::corrupt("revisions.attachments", error))?;
        for file in text {
            let is_there = held.get(&(tip, file.id)) == Some(&&file.sha256)
                && lengths.get(&file.sha256) == Some(&i64::from(file.bytes));
            if !is_there {
                missing.insert(file.id);
            }
            needed.insert((tip, file.id));
        }
    }
    let kept: HashSet<&String> = held.values().copied().collect();
    let unneeded = lengths.keys().filter(|sha256| !kept.contains(sha256)).count()
        + held.keys().filter(|place| !needed.contains(place)).count();
    Ok(Stock { files: lengths.len(), bytes: lengths.values().sum(), missing, unneeded })
}

/// Lets go of a file that no text of its tip has attached any more. Its bytes go with the last tip that holds on to them.
pub fn let_go(conn: &mut Conn<'_>, id: AttachmentId) -> Result<(), StoreError> {
    let id = DbUuid(id.0);
    let row = attachments::table.find(id).select(attachments::sha256);
    let sha256: Option<String> = on_each!(conn, c => row.first(*c).optional())?;
    let Some(sha256) = sha256 else { return Ok(()) };
    on_each!(conn, c => diesel::delete(attachments::table.find(id)).execute(*c))?;
    let others = attachments::table.filter(attachments::sha256.eq(&sha256)).count();
    let others: i64 = on_each!(conn, c => others.get_result(*c))?;
    if others == 0 {
        on_each!(conn, c => {
            diesel::delete(attachment_parts::table.filter(attachment_parts::sha256.eq(&sha256))).execute(*c)?;
            diesel::delete(attachment_files::table.find(&sha256)).execute(*c)
        })?;
    }
    Ok(())
}
