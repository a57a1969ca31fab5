//! One range of bytes (RFC 9110, section 14). Several at once, and other units, are answered by the
//! whole, as the standard allows.

use std::ops::Range;

/// What a `Range` header comes to, for a body of some length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it: there is no range in it that we serve.
    Whole,
    /// These bytes.
    Part(Range<usize>),
    /// Nothing that there is.
    Nothing,
}

pub(super) fn read(range: &str, len: usize) -> Asked {
    let Some((unit, set)) = range.split_once('=') else { return Asked::Whole };
    let Some((first, last)) = set.trim().split_once('-') else { return Asked::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes")
        || !is_number_or_empty(first)
        || !is_number_or_empty(last)
    {
        return Asked::Whole;
    }
    // What is too large for a number is beyond every end.
    let number = |text: &str| text.parse().unwrap_or(usize::MAX);
    match (first, last) {
        ("", "") => Asked::Whole,
        ("", suffix) => part(len.saturating_sub(number(suffix)), len, len),
        (first, "") => part(number(first), len, len),
        (first, last) if number(first) > number(last) => Asked::Whole,
        (first, last) => part(number(first), number(last).saturating_add(1).min(len), len),
    }
}

fn part(start: usize, end: usize, len: usize) -> Asked {
    if start < end && end <= len { Asked::Part(start..end) } else { Asked::Nothing }
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
            assert_eq!(read(range, 10), Asked::Part(part), "{range}");
        }
    }

    #[test]
    fn what_is_not_there_is_nothing() {
        for range in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(read(range, 10), Asked::Nothing, "{range}");
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
            assert_eq!(read(range, 10), Asked::Whole, "{range}");
        }
    }
}
