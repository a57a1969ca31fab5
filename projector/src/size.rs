//! Sizes of rows as Postgres receives them, counted without writing the row.

use std::collections::BTreeMap;

use crate::row::{CompletedRow, RequestedRow};

/// Longest escape of one byte in JSON: `\u0001`.
const LONGEST_ESCAPE: u64 = 6;

/// Returns the size of the row if it is larger than `limit`.
pub(crate) fn excess_of_request(row: &RequestedRow, limit: u64) -> Option<u64> {
    let texts = [row.operation.as_str(), row.requester.as_deref().unwrap_or(""), &row.source];
    let texts = texts.iter().map(|text| length(text)).sum();
    excess(texts, &row.operands, limit)
}

/// Returns the size of the row if it is larger than `limit`.
pub(crate) fn excess_of_completion(row: &CompletedRow, limit: u64) -> Option<u64> {
    let outcome = &row.outcome;
    let texts = [&outcome.result, &outcome.error_code, &outcome.error_message];
    let texts: u64 = texts.into_iter().flatten().map(|text| length(text)).sum();
    excess(texts + length(&row.processor), &BTreeMap::new(), limit)
}

/// Adds the JSON text of `operands`. Most rows are too small for any escapes to matter, and their
/// bytes are not counted one by one.
fn excess(texts: u64, operands: &BTreeMap<String, String>, limit: u64) -> Option<u64> {
    let fixed = texts + 2 + operands.len() as u64 * PUNCTUATION;
    let pieces = || operands.iter().flat_map(|(name, value)| [name, value]);
    let plain: u64 = pieces().map(|piece| length(piece)).sum();
    if fixed + plain.saturating_mul(LONGEST_ESCAPE) <= limit {
        return None;
    }
    let size = fixed + pieces().map(|piece| json_length(piece)).sum::<u64>();
    (size > limit).then_some(size)
}

/// Bytes around a name and a value: four quotation marks, a colon and a comma.
const PUNCTUATION: u64 = 6;

fn length(text: &str) -> u64 {
    text.len() as u64
}

/// Returns the length of a text in JSON without its quotation marks.
fn json_length(text: &str) -> u64 {
    text.bytes().map(escaped_length).sum()
}

fn escaped_length(byte: u8) -> u64 {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..0x20 => LONGEST_ESCAPE,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A limit that makes every row too large, and shows its size.
    fn size(operands: &BTreeMap<String, String>) -> u64 {
        excess(0, operands, 0).unwrap()
    }

    #[test]
    fn a_control_character_takes_six_bytes() {
        let operands = BTreeMap::from([("n".to_owned(), "\u{1}".repeat(1000))]);
        assert_eq!(excess(0, &operands, 6009), None);
        assert_eq!(excess(0, &operands, 6008), Some(6009));
        assert_eq!(excess(1, &operands, 6009), Some(6010));
    }

    proptest! {
        /// The comma after the last pair is counted too.
        #[test]
        fn the_size_is_that_of_the_json_text(
            operands in prop::collection::btree_map(any::<String>(), any::<String>(), 1..5),
        ) {
            let text = serde_json::to_string(&operands).unwrap();
            prop_assert_eq!(size(&operands), text.len() as u64 + 1);
        }
    }
}
