//! Any bytes where clients hand back what they were given: cursors, and tokens before anything is looked up. Random here and
//! in `make fuzz`, which only takes longer.

use std::panic::AssertUnwindSafe;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{TimeZone, Utc};
use eureka_domain::Instant;
use eureka_domain::api_key::WrittenKey;
use eureka_domain::ids::{SessionId, TipId, UserId};
use uuid::Uuid;

use crate::tokens::{Keys, generate_key};
use crate::{FeedCursor, PageRequest, ServiceError};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What became of a sound text: some bytes of it are others.
fn damaged(sound: &str, bytes: &[u8]) -> String {
    let mut damaged = sound.as_bytes().to_vec();
    for pair in bytes.chunks_exact(2).take(4) {
        let place = usize::from(pair[0]) % damaged.len();
        damaged[place] = pair[1];
    }
    text(&damaged)
}

#[test]
fn a_cursor_is_one_of_ours_or_refused() {
    type Key = (Instant, TipId);
    let read = |cursor: String| PageRequest { cursor: Some(cursor), limit: 1 }.after::<Key>();
    bolero::check!().with_max_len(200_usize).for_each(|bytes: &[u8]| {
        for cursor in [text(bytes), URL_SAFE_NO_PAD.encode(bytes)] {
            match read(cursor) {
                Ok(Some(key)) => {
                    let page = PageRequest { cursor: None, limit: 1 }.page(vec![key, key], |key| *key).unwrap();
                    assert_eq!(read(page.next.unwrap()).unwrap(), Some(key));
                }
                Ok(None) => panic!("a cursor that names nothing"),
                Err(error) => assert!(matches!(error, ServiceError::InvalidCursor)),
            }
        }
    });
}

#[test]
fn a_place_in_the_feed_is_one_of_ours_or_refused() {
    let sound = format!("{}.42.{}", Uuid::from_u128(7).simple(), Uuid::from_u128(8).simple());
    assert!(sound.parse::<FeedCursor>().is_ok());
    bolero::check!().with_max_len(120_usize).for_each(|bytes: &[u8]| {
        for text in [text(bytes), damaged(&sound, bytes)] {
            if let Ok(cursor) = text.parse::<FeedCursor>() {
                assert_eq!(cursor.to_string().parse::<FeedCursor>().unwrap(), cursor);
            }
        }
    });
}

#[test]
fn a_token_that_is_not_byte_for_byte_ours_opens_nothing() {
    let now = Utc.with_ymd_and_hms(2026, 11, 29, 12, 0, 0).unwrap();
    let keys = Keys::new("eureka", &[generate_key().unwrap()]).unwrap();
    let token = keys.issue(UserId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)), 0, now).unwrap();
    let claims = keys.verify(&token, now).unwrap();
    let keys = AssertUnwindSafe(keys); // a panic ends the test
    bolero::check!().with_max_len(200_usize).for_each(|bytes: &[u8]| {
        assert!(keys.verify(&text(bytes), now).is_err());
        let other = damaged(&token, bytes);
        if let Ok(read) = keys.verify(&other, now) {
            assert_eq!((&other, read.sid), (&token, claims.sid));
        }
    });
}

#[test]
fn a_key_is_written_as_we_write_it_or_is_none() {
    let sound = WrittenKey::new(eureka_domain::ids::ApiKeyId(Uuid::from_u128(3)), [7; 20]).text();
    assert!(WrittenKey::read(&sound).is_some());
    bolero::check!().with_max_len(200_usize).for_each(|bytes: &[u8]| {
        for written in [text(bytes), format!("eur_{}", text(bytes)), damaged(&sound, bytes)] {
            if let Some(key) = WrittenKey::read(&written) {
                assert_eq!(key.text(), written);
            }
        }
    });
}
