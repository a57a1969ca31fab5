//! Conversion of values that Postgres cannot hold, with as little change as possible. The change
//! is recorded: a log entry with a changed requester is better than none.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use abacus_schemas::Timestamp;

/// First moment of the Postgres calendar, 4714-11-24 BC, in microseconds before the Unix epoch.
const EARLIEST_MICROS: i64 = -210_866_803_200_000_000;

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
        let micros = time.as_micros().max(EARLIEST_MICROS);
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
}
