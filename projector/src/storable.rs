//! Conversion of values that Postgres cannot hold, with as little change as possible. The change is
//! recorded: a row with a changed requester is better than no row.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use abacus_schemas::Timestamp;

/// First moment of the Postgres calendar, 4714-11-24 BC, in microseconds before the Unix epoch.
const EARLIEST_MICROS: i64 = -210_866_803_200_000_000;

/// First moment of the year 1, in microseconds before the Unix epoch.
const YEAR_1_MICROS: i64 = -62_135_596_800_000_000;

/// Last microsecond of the year 9999, since the Unix epoch.
const YEAR_9999_MICROS: i64 = 253_402_300_799_999_999;

/// Longest indexed text, in bytes. A B-tree accepts keys of up to 2704 bytes.
const MAX_INDEXED_BYTES: usize = 1000;

/// Converts the values of one row.
#[derive(Debug, Default)]
pub(crate) struct Storable {
    /// `true` after a value was changed.
    pub(crate) altered: bool,
}

impl Storable {
    /// Replaces U+0000, which neither `text` nor `jsonb` can hold, by U+FFFD, the replacement
    /// character.
    pub(crate) fn text(&mut self, text: String) -> String {
        if !text.contains('\0') {
            return text;
        }
        self.altered = true;
        text.replace('\0', "\u{FFFD}")
    }

    /// Converts a text of an index: too long texts are cut.
    pub(crate) fn indexed_text(&mut self, text: String) -> String {
        let mut text = self.text(text);
        if text.len() > MAX_INDEXED_BYTES {
            self.altered = true;
            text.truncate(text.floor_char_boundary(MAX_INDEXED_BYTES));
        }
        text
    }

    pub(crate) fn texts(&mut self, texts: BTreeMap<String, String>) -> BTreeMap<String, String> {
        texts.into_iter().map(|(key, value)| (self.text(key), self.text(value))).collect()
    }

    /// Moves times before the Postgres calendar to its first moment. The calendar ends after the
    /// last [`Timestamp`].
    pub(crate) fn time(&mut self, time: Timestamp) -> SystemTime {
        self.time_in(time, EARLIEST_MICROS..=i64::MAX)
    }

    /// Moves times outside the years 1 to 9999, the calendar of RFC 3339, to its first or last
    /// moment.
    pub(crate) fn rfc3339_time(&mut self, time: Timestamp) -> SystemTime {
        self.time_in(time, YEAR_1_MICROS..=YEAR_9999_MICROS)
    }

    fn time_in(&mut self, time: Timestamp, calendar: RangeInclusive<i64>) -> SystemTime {
        let micros = time.as_micros().clamp(*calendar.start(), *calendar.end());
        self.altered |= micros != time.as_micros();
        let distance = Duration::from_micros(micros.unsigned_abs());
        if micros < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn altered<T>(change: impl FnOnce(&mut Storable) -> T) -> (T, bool) {
        let mut storable = Storable::default();
        (change(&mut storable), storable.altered)
    }

    #[test]
    fn a_nul_becomes_the_replacement_character() {
        assert_eq!(altered(|s| s.text("a\0b".into())), ("a\u{FFFD}b".into(), true));
        assert_eq!(altered(|s| s.text("größer".into())), ("größer".into(), false));
    }

    #[test]
    fn a_nul_in_an_operands_name_or_value_is_replaced() {
        let operands = BTreeMap::from([("n\0".to_owned(), "\0".to_owned())]);
        let expected = BTreeMap::from([("n\u{FFFD}".to_owned(), "\u{FFFD}".to_owned())]);
        assert_eq!(altered(|s| s.texts(operands)), (expected, true));
    }

    #[test]
    fn an_indexed_text_is_cut_between_characters() {
        let long = "a".to_owned() + &"ö".repeat(600);
        let (cut, was_altered) = altered(|s| s.indexed_text(long));
        assert_eq!((cut.len(), was_altered), (999, true));
        assert_eq!(altered(|s| s.indexed_text("a".repeat(1000))), ("a".repeat(1000), false));
    }

    #[test]
    fn times_outside_of_postgres_calendar_are_moved_into_it() {
        let earliest = UNIX_EPOCH - Duration::from_micros(EARLIEST_MICROS.unsigned_abs());
        assert_eq!(altered(|s| s.time(Timestamp::from_micros(i64::MIN))), (earliest, true));
        let kept = Timestamp::from_micros(-1);
        let expected = UNIX_EPOCH - Duration::from_micros(1);
        assert_eq!(altered(|s| s.time(kept)), (expected, false));
        assert!(!altered(|s| s.time(Timestamp::from_micros(i64::MAX))).1);
    }
    #[test]
    fn times_outside_of_rfc_3339_are_moved_into_it() {
        for (micros, expected) in [
            (i64::MIN, YEAR_1_MICROS),
            (YEAR_1_MICROS, YEAR_1_MICROS),
            (YEAR_9999_MICROS, YEAR_9999_MICROS),
            (i64::MAX, YEAR_9999_MICROS),
        ] {
            let moved = altered(|s| s.rfc3339_time(Timestamp::from_micros(micros)));
            let kept = altered(|s| s.time(Timestamp::from_micros(expected))).0;
            assert_eq!(moved, (kept, micros != expected), "{micros}");
        }
    }
}
