//! Files: each kept once, as long as a tip holds on to it; and what is attached to a submitted text stays.

use eureka_domain::attachment::{Attachment, Media};
use eureka_domain::community::Openness;
use eureka_domain::ids::{AttachmentId, TipId};
use eureka_domain::tip::{Revision, State};
use eureka_store::attachments::Stock;
use eureka_store::{Store, attachments, revisions};
use eureka_testkit::on_both;

use crate::support::{at, community, draft, id, number, person, raw, read, refused, store_tip, undone, write};

fn file(id: AttachmentId, bytes: usize) -> Attachment {
    let sha256 = format!("{bytes:064x}");
    let bytes = u32::try_from(bytes).unwrap();
    Attachment { id, name: "a.jpg".into(), media: Media::Jpeg, bytes, sha256, pixels: Some((3, 2)) }
}

fn keep(store: &Store, tip: TipId, bytes: &[u8]) -> AttachmentId {
    let new = AttachmentId(id());
    let (sha256, bytes) = (file(new, bytes.len()).sha256, bytes.to_vec());
    write(store, move |conn| {
        let file = attachments::File { sha256: &sha256, bytes: &bytes, thumbnail: Some(b"small") };
        attachments::keep(conn, tip, new, file)
    })
    .unwrap();
    new
}

fn files(store: &Store) -> [i64; 3] {
    ["attachment_files", "attachment_parts", "attachments"]
        .map(|table| number(store, &format!("SELECT count(*) AS n FROM {table}")))
}

#[test]
fn a_file_is_kept_once_in_parts_and_goes_with_the_last_tip_that_holds_on_to_it() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let [one, other] = [1001, 1002].map(|number| {
            let (tip, revision) = draft(printers, author, number);
            store_tip(store, &tip, &revision).unwrap();
            tip.id
        });
        let bytes: Vec<u8> = (0..attachments::PART * 2 + 5).map(|n| n.to_le_bytes()[0]).collect();
        let (first, second) = (keep(store, one, &bytes), keep(store, other, &bytes));
        let small = keep(store, one, b"tiny");
        assert_eq!(files(store), [2, 4, 3]);
        let sha256 = file(first, bytes.len()).sha256;
        let part = |place| read(store, |conn| attachments::part(conn, &sha256, place));
        assert_eq!([part(0), part(1), part(2)].into_iter().flatten().flatten().collect::<Vec<u8>>(), bytes);
        assert_eq!(part(3), None);
        assert_eq!(read(store, |conn| attachments::thumbnail(conn, &sha256)), Some(b"small".to_vec()));

        let let_go = |id| write(store, move |conn| attachments::let_go(conn, id)).unwrap();
        let_go(first);
        assert_eq!(part(0).map(|bytes| bytes.len()), Some(attachments::PART), "the other tip has it still");
        let_go(second);
        let_go(second);
        assert_eq!((part(0), files(store)), (None, [1, 1, 1]));
        let_go(small);
        assert_eq!(files(store), [0, 0, 0]);
    });
}

#[test]
fn a_write_that_fails_behind_a_file_keeps_nothing_of_it() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let (tip, revision) = draft(printers, author, 1001);
        store_tip(store, &tip, &revision).unwrap();
        let (sha256, bytes) = ("a".repeat(64), vec![7; attachments::PART + 1]);
        undone(store, move |conn| {
            let file = attachments::File { sha256: &sha256, bytes: &bytes, thumbnail: None };
            attachments::keep(conn, tip.id, AttachmentId(id()), file)
        });
        assert_eq!(files(store), [0, 0, 0]);
    });
}

#[test]
fn what_is_missing_and_what_nobody_needs_is_found() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let (tip, mut revision) = draft(printers, author, 1001);
        store_tip(store, &tip, &revision).unwrap();
        let stock = || read(store, attachments::stock);
        assert_eq!(stock(), Stock::default());
        let bytes = vec![7; attachments::PART + 5];
        let kept = keep(store, tip.id, &bytes);
        let length = i64::try_from(bytes.len()).unwrap();
        let whole = Stock { files: 1, bytes: length, ..Stock::default() };
        assert_eq!(stock(), Stock { unneeded: 1, ..whole.clone() }, "no text has it yet");
        revision.text.attachments = vec![file(kept, bytes.len())];
        let changed = revision.clone();
        let owner = tip.clone();
        write(store, move |conn| revisions::rewrite(conn, &owner, &changed)).unwrap();
        assert_eq!(stock(), whole);
        let gone = AttachmentId(id());
        revision.text.attachments.push(Attachment { name: "b.jpg".into(), ..file(gone, 9) });
        write(store, move |conn| revisions::rewrite(conn, &tip, &revision)).unwrap();
        raw(store, "DELETE FROM attachment_parts WHERE place = 1").unwrap();
        let found = stock();
        assert_eq!((found.missing, found.unneeded), ([kept, gone].into(), 0));
    });
}

#[test]
fn what_is_attached_to_a_submitted_text_is_as_immutable_as_its_words() {
    on_both(|db| {
        let store = db.store();
        let author = person(store, "ana");
        let printers = community(store, "printers", Openness::Open);
        let (tip, mut revision) = draft(printers, author, 1001);
        revision.text.attachments = vec![file(AttachmentId(id()), 7), file(AttachmentId(id()), 8)];
        store_tip(store, &tip, &revision).unwrap();
        let stored = read(store, |conn| revisions::find(conn, tip.id, 1)).unwrap();
        assert_eq!(stored.text.attachments, revision.text.attachments);
        let save = |revision: &Revision| {
            let (tip, revision) = (tip.clone(), revision.clone());
            write(store, move |conn| revisions::rewrite(conn, &tip, &revision)).map(|_| ())
        };
        revision.text.attachments.pop();
        save(&revision).unwrap();
        revision = Revision { state: State::Submitted, submitted_at: Some(at(1)), ..revision };
        save(&revision).unwrap();
        let mut other = revision.clone();
        other.text.attachments[0].sha256 = "0".repeat(64);
        assert_eq!(refused(save(&other)), "submitted_text");
        other.text.attachments.clear();
        assert_eq!(refused(save(&other)), "submitted_text");
        assert_eq!(refused(raw(store, "UPDATE revisions SET attachments = '[]'")), "submitted_text");
        save(&Revision { state: State::InReview, ..revision }).unwrap();
    });
}
