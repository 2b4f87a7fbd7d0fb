//! Photos and PDFs of a tip. To attach one and to take one away are edits: they change the draft, or start the next revision,
//! and readers see what reviewers have approved. Whoever reads a text reads what is attached to it, and nobody else does.

use eureka_domain::access::{self, Caller};
use eureka_domain::attachment::{Attachment, Sent, attach, clean_name};
use eureka_domain::change::Kind;
use eureka_domain::ids::{AttachmentId, ReviewId, TipId, TipRef};
use eureka_domain::tip::Revision;
use eureka_domain::visibility;
use eureka_domain::workflow::Action;
use eureka_store::{Conn, Written, attachments, revisions};

use crate::notifications::record;
use crate::tips::{change, open, rewrite, text_to_edit, visible_sheet};
use crate::views::one_tip_view;
use crate::{Answer, IfMatch, Once, Service, ServiceError, once};

const NONE: ServiceError = ServiceError::NotFound("attachment");

/// A file to be attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachment {
    /// What it is called where it comes from.
    pub name: String,
    /// What its bytes are.
    pub sent: Sent,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// A file of a tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentView {
    /// Whose.
    pub tip: TipId,
    /// What.
    pub file: Attachment,
}

impl Service {
    /// Refuses whoever may not attach anything to a tip, before anything is sent. Whether there is room for one more is asked
    /// when it is there: it may have been attached before, by the same request.
    pub fn may_attach(&self, caller: &Caller, tip: TipRef) -> Result<(), ServiceError> {
        self.store.read(|conn| {
            let (sheet, _) = visible_sheet(conn, caller, tip)?;
            Ok(access::may(caller, Action::Edit, &sheet.tip, &sheet.latest)?)
        })
    }

    /// Attaches a file to the draft, or to the next revision. It goes with any other change of the text, so that it is made
    /// against no state of it.
    pub fn attach_file(
        &self,
        caller: &Caller,
        tip: TipRef,
        new: NewAttachment,
        once: Once<AttachmentView>,
    ) -> Result<Answer, ServiceError> {
        let prepared = self.pools.photos.prepare(new.sent, new.bytes)?;
        let (caller, now) = (caller.clone(), self.clock.now());
        let (id, review) = (AttachmentId(self.new_id(now)), ReviewId(self.new_id(now)));
        let file = Attachment {
            id,
            name: clean_name(&new.name, prepared.media),
            media: prepared.media,
            bytes: u32::try_from(prepared.bytes.len()).map_err(ServiceError::internal)?,
            sha256: prepared.sha256.clone(),
            pixels: prepared.pixels,
        };
        let written = self.store.write(move |conn| {
            let permit = |conn: &mut Conn<'_>| {
                let (sheet, _) = visible_sheet(conn, &caller, tip)?;
                Ok(access::may(&caller, Action::Edit, &sheet.tip, &sheet.latest)?)
            };
            once::run(conn, caller.user, once, now, permit, |conn, ()| {
                let sheet = open(conn, &caller, tip, Action::Edit, &IfMatch::Any, now)?;
                let mut text = text_to_edit(conn, &caller, &sheet)?;
                attach(&mut text.attachments, file)?;
                let kept = attachments::File {
                    sha256: &prepared.sha256,
                    bytes: &prepared.bytes,
                    thumbnail: prepared.thumbnail.as_deref(),
                };
                attachments::keep(conn, sheet.tip.id, id, kept)?;
                let file = text.attachments.last().cloned().ok_or(NONE)?;
                let sheet = rewrite(conn, &caller, sheet, text, review, now)?;
                // By its id alone: its name is a word of a text that administrators, who read the log, may not read.
                let change = change(Kind::TipAttached, &caller, &sheet.tip, now).about(id.0);
                let change = change.at_revision(None, &sheet.latest);
                record(conn, &change, &sheet.tip, &sheet.latest)?;
                Ok(AttachmentView { tip: sheet.tip.id, file })
            })
        })?;
        Ok(written.value)
    }

    /// Takes a file away from the draft, or from the next revision. Where an earlier text has it, it stays there.
    pub fn detach_file(&self, caller: &Caller, tip: TipRef, id: AttachmentId) -> Result<Written<()>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let review = ReviewId(self.new_id(now));
        self.store.write(move |conn| {
            let sheet = open(conn, &caller, tip, Action::Edit, &IfMatch::Any, now)?;
            let mut text = text_to_edit(conn, &caller, &sheet)?;
            let place = text.attachments.iter().position(|file| file.id == id).ok_or(NONE)?;
            text.attachments.remove(place);
            let sheet = rewrite(conn, &caller, sheet, text, review, now)?;
            let change = change(Kind::TipDetached, &caller, &sheet.tip, now).about(id.0);
            let change = change.at_revision(None, &sheet.latest);
            record(conn, &change, &sheet.tip, &sheet.latest)?;
            Ok(())
        })
    }

    /// What is attached to the text that the caller sees of a tip, or to one of its revisions.
    pub fn list_attachments(
        &self,
        caller: &Caller,
        tip: TipRef,
        revision: Option<i32>,
    ) -> Result<Vec<AttachmentView>, ServiceError> {
        let shown = if let Some(number) = revision {
            self.read_revision(caller, tip, number)?
        } else {
            let now = self.clock.now();
            self.store.read(|conn| {
                let (sheet, _) = visible_sheet(conn, caller, tip)?;
                Ok::<_, ServiceError>(one_tip_view(conn, caller, sheet, now)?.shown)
            })?
        };
        let tip = shown.tip;
        Ok(shown.text.attachments.into_iter().map(|file| AttachmentView { tip, file }).collect())
    }

    /// One file of a tip: of any text that the caller reads.
    pub fn read_attachment(
        &self,
        caller: &Caller,
        tip: TipRef,
        id: AttachmentId,
    ) -> Result<AttachmentView, ServiceError> {
        self.store.read(|conn| found(conn, caller, tip, id))
    }

    /// The small picture of a file: of a photo, and not of a document.
    pub fn read_thumbnail(
        &self,
        caller: &Caller,
        tip: TipRef,
        id: AttachmentId,
    ) -> Result<(AttachmentView, Vec<u8>), ServiceError> {
        self.store.read(|conn| {
            let view = found(conn, caller, tip, id)?;
            let picture =
                attachments::thumbnail(conn, &view.file.sha256)?.ok_or(ServiceError::NotFound("thumbnail"))?;
            Ok((view, picture))
        })
    }

    /// One part of a file that was found for its reader, from 0. Who reads it was asked then.
    pub fn attachment_part(&self, file: &Attachment, place: i32) -> Result<Vec<u8>, ServiceError> {
        self.store.read(|conn| attachments::part(conn, &file.sha256, place)?.ok_or(NONE))
    }
}

/// How many parts a file has.
pub fn attachment_parts(file: &Attachment) -> i32 {
    i32::try_from((file.bytes as usize).div_ceil(attachments::PART)).unwrap_or(i32::MAX)
}

/// Lets go of what a draft had attached before it was rewritten, as far as no other text of its tip has it.
pub(crate) fn release(conn: &mut Conn<'_>, draft: &Revision, before: &[Attachment]) -> Result<(), ServiceError> {
    let mut gone = before.iter().map(|file| file.id).filter(|id| !has(draft, *id)).peekable();
    if gone.peek().is_none() {
        return Ok(());
    }
    let texts = revisions::list(conn, draft.tip)?;
    for id in gone {
        if !texts.iter().any(|text| has(text, id)) {
            attachments::let_go(conn, id)?;
        }
    }
    Ok(())
}

fn has(revision: &Revision, id: AttachmentId) -> bool {
    revision.text.attachments.iter().any(|file| file.id == id)
}

fn found(conn: &mut Conn<'_>, caller: &Caller, tip: TipRef, id: AttachmentId) -> Result<AttachmentView, ServiceError> {
    let (sheet, community) = visible_sheet(conn, caller, tip)?;
    let fits =
        |revision: &Revision| has(revision, id) && visibility::sees_revision(caller, &sheet.tip, revision, &community);
    let at_hand = sheet.live.iter().chain([&sheet.latest]).find(|revision| fits(revision)).cloned();
    let revision = match at_hand {
        Some(revision) => revision,
        None => revisions::list(conn, sheet.tip.id)?.into_iter().find(|revision| fits(revision)).ok_or(NONE)?,
    };
    let file = revision.text.attachments.into_iter().find(|file| file.id == id).ok_or(NONE)?;
    Ok(AttachmentView { tip: sheet.tip.id, file })
}
