//! The files of moved tips. Each tip comes with its own, so that it is taken in with all of them or not at all.

use std::collections::{BTreeMap, BTreeSet};

use eureka_domain::attachment::{self, Attachment, Sent, sniff};
use eureka_domain::ids::{AttachmentId, TipId};
use eureka_domain::tip::Revision;
use eureka_domain::{Ids, Instant};
use eureka_store::{Conn, attachments};
use sha2::{Digest, Sha256};

use super::here::told;
use super::{MovedFile, MovedTip};
use crate::{Service, ServiceError};

/// Largest thumbnail that is taken in, in bytes; ours are a tenth of it.
const THUMBNAIL_MAX: usize = 1 << 20;

impl Service {
    /// A file of a text, with its bytes.
    pub fn file_to_move(&self, sha256: &str) -> Result<MovedFile, ServiceError> {
        let found = self.store.read(|conn| Ok::<_, ServiceError>(attachments::whole(conn, sha256)?))?;
        let attachments::Whole { bytes, thumbnail } = found.ok_or(ServiceError::NotFound("attachment"))?;
        Ok(MovedFile { sha256: sha256.to_owned(), bytes, thumbnail })
    }
}

impl MovedTip {
    /// The SHA-256 of each of its files, those of its first text first.
    pub fn files(&self) -> Vec<String> {
        let mut told = BTreeSet::new();
        let files = self.revisions.iter().flat_map(|revision| &revision.text.attachments);
        files.filter(|file| told.insert(&file.sha256)).map(|file| file.sha256.clone()).collect()
    }
}

/// Holds what texts say of their files against the files that came with them; says what is not right.
pub(super) fn check(revisions: &[Revision], files: &[MovedFile]) -> Result<(), String> {
    let mut sound = BTreeMap::new();
    for file in files {
        if hex::encode(Sha256::digest(&file.bytes)) != file.sha256 {
            return Err(format!("the file {} is not what it was", file.sha256));
        }
        sound.insert(file.sha256.as_str(), file);
    }
    let mut known: BTreeMap<AttachmentId, &Attachment> = BTreeMap::new();
    for attached in revisions.iter().map(|revision| &revision.text.attachments) {
        attachment::checked(attached).map_err(told)?;
        for file in attached {
            let came = sound.get(file.sha256.as_str()).ok_or(format!("the file {} did not come with it", file.name))?;
            let is_small = came.thumbnail.as_ref().is_none_or(|small| {
                file.media.is_picture() && small.len() <= THUMBNAIL_MAX && sniff(small) == Some(Sent::Jpeg)
            });
            if !file.fits(&came.bytes) || !is_small || *known.entry(file.id).or_insert(file) != file {
                return Err(format!("the file {} is not what its text says", file.name));
            }
        }
    }
    Ok(())
}

/// Keeps the files of a tip that is here now. Where another tip has one under the same id, it gets another one here.
pub(super) fn take(
    conn: &mut Conn<'_>,
    tip: TipId,
    revisions: &mut [Revision],
    files: &[MovedFile],
    ids: &dyn Ids,
    now: Instant,
) -> Result<(), ServiceError> {
    let came: BTreeMap<&str, &MovedFile> = files.iter().map(|file| (file.sha256.as_str(), file)).collect();
    let mut here: BTreeMap<AttachmentId, AttachmentId> = BTreeMap::new();
    for file in revisions.iter_mut().flat_map(|revision| &mut revision.text.attachments) {
        if let Some(id) = here.get(&file.id) {
            file.id = *id;
            continue;
        }
        let there = file.id;
        if attachments::is_held(conn, there)? {
            file.id = AttachmentId(ids.next(now));
        }
        here.insert(there, file.id);
        let came = came.get(file.sha256.as_str()).ok_or(ServiceError::NotFound("attachment"))?;
        let kept = attachments::File { sha256: &came.sha256, bytes: &came.bytes, thumbnail: came.thumbnail.as_deref() };
        attachments::keep(conn, tip, file.id, kept)?;
    }
    Ok(())
}
