//! Parsers of settings: one implementation of [`Setting`] per type.
//!
//! An error names the expected notation; [`Environment`](crate::Environment) adds the name of the
//! variable and the received text.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;

/// Type of a setting's value.
pub trait Setting: Sized {
    /// Parses the value. The error names the expected notation, for example
    /// ``expected `json` or `text` ``.
    fn parse(text: &str) -> Result<Self, String>;
}

impl Setting for String {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Setting for PathBuf {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::from(text))
    }
}

/// Returns a size in bytes, for the sizes of the standard library.
pub fn to_usize(size: ByteSize) -> usize {
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}

macro_rules! whole_numbers {
    ($($number:ty),+) => {$(
        impl Setting for $number {
            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| {
                    format!("expected a whole number from {} to {}", <$number>::MIN, <$number>::MAX)
                })
            }
        }
    )+};
}
whole_numbers!(u8, u16, u32, u64, usize, i16, i32, i64, NonZeroU32, NonZeroU64, NonZeroUsize);

impl Setting for f64 {
    fn parse(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number: &Self| number.is_finite());
        number.ok_or_else(|| "expected a number such as `0.5`".to_owned())
    }
}

impl Setting for bool {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "expected `true` or `false`".to_owned())
    }
}

/// Parses a number with a unit, for example `250ms`, `30s` or `2h`.
impl Setting for Duration {
    fn parse(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text)
            .map_err(|_| "expected a duration such as `250ms` or `30s`".to_owned())
    }
}

/// Parses a number of bytes, optionally with a unit, for example `KiB` or `MB`.
impl Setting for ByteSize {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "expected a size such as `512KiB` or `4MiB`".to_owned())
    }
}

impl Setting for SocketAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            "expected an IP address and a port such as `127.0.0.1:8080` or `[::]:8080`".to_owned()
        })
    }
}

/// Parses a comma-separated list. Spaces around entries and empty entries are dropped.
impl<T: Setting> Setting for Vec<T> {
    fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let values: Result<Self, String> = entries.map(T::parse).collect();
        values.map_err(|expected| format!("in a comma-separated list, {expected}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_its_usual_notation() {
        assert_eq!(u16::parse("8080"), Ok(8080));
        assert_eq!(f64::parse("0.5"), Ok(0.5));
        assert_eq!(bool::parse("true"), Ok(true));
        assert_eq!(Duration::parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(ByteSize::parse("4MiB"), Ok(ByteSize::mib(4)));
        assert_eq!(ByteSize::parse("4096"), Ok(ByteSize::b(4096)));
        assert_eq!(SocketAddr::parse("127.0.0.1:0"), Ok(([127, 0, 0, 1], 0).into()));
        assert_eq!(Vec::<String>::parse(" a, b,,c "), Ok(vec!["a".into(), "b".into(), "c".into()]));
        assert_eq!(Vec::<u16>::parse(""), Ok(vec![]));
    }

    #[test]
    fn an_error_says_what_is_expected() {
        assert_eq!(u8::parse("256"), Err("expected a whole number from 0 to 255".into()));
        assert_eq!(NonZeroU32::parse("0").unwrap_err().split(" to ").count(), 2);
        assert!(f64::parse("NaN").unwrap_err().contains("a number"));
        assert!(bool::parse("yes").unwrap_err().contains("`true` or `false`"));
        assert!(Duration::parse("soon").unwrap_err().contains("250ms"));
        assert!(ByteSize::parse("big").unwrap_err().contains("4MiB"));
        assert!(SocketAddr::parse("localhost").unwrap_err().contains("127.0.0.1:8080"));
        assert!(Vec::<u8>::parse("1,x").unwrap_err().contains("comma-separated"));
    }
}
