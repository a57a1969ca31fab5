//! Cursor of the list of requests: a row's key as text. The next page begins after the row.
//!
//! A cursor is 24 bytes in base64 for URLs, opaque to callers. A cursor holds no requester, so a
//! forged cursor shows no request of another caller. Every well-formed text is a valid position for
//! the database.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::log::Cursor;

/// Bounds of the times in rows: the first microsecond of the year 0, and the last of the year 9999.
const FIRST_MICROS: i64 = -62_167_219_200_000_000;
const LAST_MICROS: i64 = 253_402_300_799_999_999;

/// Parses a text of [`write()`].
pub(super) fn parse(text: &str) -> Option<Cursor> {
    let bytes: [u8; 24] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (micros, id) = bytes.split_first_chunk::<8>()?;
    Some(Cursor {
        requested_at: from_micros(i64::from_be_bytes(*micros)),
        request_id: Uuid::from_slice(id).ok()?,
    })
}

/// Returns the cursor's text.
pub(super) fn write(cursor: &Cursor) -> String {
    let mut bytes = to_micros(cursor.requested_at).to_be_bytes().to_vec();
    bytes.extend(cursor.request_id.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn from_micros(micros: i64) -> SystemTime {
    let micros = micros.clamp(FIRST_MICROS, LAST_MICROS);
    let distance = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
}

fn to_micros(at: SystemTime) -> i64 {
    let micros = |distance: Duration| i64::try_from(distance.as_micros()).unwrap_or(i64::MAX);
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => micros(since),
        Err(before) => -micros(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        for micros in [0, 1, -1, 1_763_715_600_123_456, FIRST_MICROS, LAST_MICROS] {
            let cursor = Cursor { requested_at: from_micros(micros), request_id: Uuid::now_v7() };
            let text = write(&cursor);
            assert_eq!(text.len(), 32);
            assert_eq!(parse(&text), Some(cursor), "{micros}");
        }
    }

    #[test]
    fn every_text_of_its_form_is_a_position_and_no_other() {
        for text in ["A".repeat(32), "_".repeat(32), "-9zZ".repeat(8)] {
            let cursor = parse(&text).unwrap();
            let micros = to_micros(cursor.requested_at);
            assert!((FIRST_MICROS..=LAST_MICROS).contains(&micros), "{text}");
        }
        for text in ["", "A", &"A".repeat(31), &"A".repeat(33), &"+".repeat(32), &"é".repeat(16)] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
