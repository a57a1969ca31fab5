//! `Range` with a single range of bytes (RFC 9110, section 14). A list of ranges, or a unit besides
//! bytes, gets the whole body, as the standard allows.

use std::ops::Range;

/// Bytes selected from a body by a `Range`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestedRange {
    /// The whole body: the header has no supported range.
    Whole,
    /// A part of the body.
    Part(Range<usize>),
    /// The range lies beyond the end of the body.
    Unsatisfiable,
}

/// Reads a `Range` for a body of `len` bytes.
///
/// ```
/// use abacus_http::fields::range::{RequestedRange, read};
/// assert_eq!(read("bytes=-4", 10), RequestedRange::Part(6..10));
/// assert_eq!(read("bytes=10-", 10), RequestedRange::Unsatisfiable);
/// assert_eq!(read("lines=0-1", 10), RequestedRange::Whole);
/// ```
pub fn read(range: &str, len: usize) -> RequestedRange {
    let Some((unit, set)) = range.split_once('=') else { return RequestedRange::Whole };
    let Some((first, last)) = set.trim().split_once('-') else { return RequestedRange::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes")
        || !is_number_or_empty(first)
        || !is_number_or_empty(last)
    {
        return RequestedRange::Whole;
    }
    // An overflowing number lies beyond every end.
    let number = |text: &str| text.parse().unwrap_or(usize::MAX);
    match (first, last) {
        ("", "") => RequestedRange::Whole,
        ("", suffix) => part(len.saturating_sub(number(suffix)), len, len),
        (first, "") => part(number(first), len, len),
        (first, last) if number(first) > number(last) => RequestedRange::Whole,
        (first, last) => part(number(first), number(last).saturating_add(1).min(len), len),
    }
}

fn part(start: usize, end: usize, len: usize) -> RequestedRange {
    if start < end && end <= len {
        RequestedRange::Part(start..end)
    } else {
        RequestedRange::Unsatisfiable
    }
}

fn is_number_or_empty(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_served() {
        for (range, part) in [
            ("bytes=0-3", 0..4),
            ("bytes=3-", 3..10),
            ("bytes=-4", 6..10),
            ("bytes=-40", 0..10),
            ("Bytes = 5-500", 5..10),
            ("bytes=9-99999999999999999999999", 9..10),
        ] {
            assert_eq!(read(range, 10), RequestedRange::Part(part), "{range}");
        }
    }

    #[test]
    fn what_is_not_there_is_nothing() {
        for range in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(read(range, 10), RequestedRange::Unsatisfiable, "{range}");
        }
    }

    #[test]
    fn everything_else_is_the_whole() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-3",
            "bytes=0-1,4-5",
            "lines=0-1",
            "bytes=a-b",
        ] {
            assert_eq!(read(range, 10), RequestedRange::Whole, "{range}");
        }
    }
}
