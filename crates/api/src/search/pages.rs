//! Memory for pages of hits, used again and again by the thread that sends them: the thread that fills one is another, and
//! memory that one core takes and another gives back is cold for both.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use actix_web::web::Bytes;

/// The bytes of a page of hits, mostly.
const PAGE: usize = 16 * 1024;
/// A page that has become larger than this is not kept.
const LARGEST_KEPT: usize = 128 * 1024;
/// Most pages that a thread keeps.
const MOST_KEPT: usize = 64;

thread_local! {
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty page, which the thread that drops it keeps for the next one.
pub(super) struct Page(Vec<u8>);

/// An empty page.
pub(super) fn take() -> Page {
    Page(KEPT.with(|kept| kept.borrow_mut().pop()).unwrap_or_else(|| Vec::with_capacity(PAGE)))
}

impl Page {
    /// The page as it is sent, without being copied.
    pub(super) fn sent(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl Deref for Page {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Page {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let mut page = std::mem::take(&mut self.0);
        page.clear();
        // The thread may be about to end; then nothing is kept.
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < MOST_KEPT && page.capacity() <= LARGEST_KEPT {
                kept.push(page);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_empty_when_it_is_used_again() {
        let mut page = take();
        page.extend_from_slice(b"a secret of somebody else");
        let place = page.as_ptr();
        let sent = page.sent();
        assert_eq!(&sent[..], b"a secret of somebody else");
        let copy = sent.clone();
        drop(sent);
        assert_ne!(take().as_ptr(), place, "it is still to be sent");
        drop(copy);
        let again = take();
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        let mut great = take();
        great.resize(LARGEST_KEPT + 1, 0);
        drop(great.sent());
        assert!(take().capacity() <= LARGEST_KEPT);
    }
}
