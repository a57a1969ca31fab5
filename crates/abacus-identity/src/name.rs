//! Names of accounts. Requests are recorded under a name: a name never changes and is never used again.

use crate::error::Error;

/// Lengths of a name, in characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=64;

/// A well-formed name, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    /// Reads a typed name. Capital letters become small letters.
    pub fn parse(given: &str) -> Result<Self, Error> {
        let name = given.to_ascii_lowercase();
        let starts_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
        if LENGTHS.contains(&name.len()) && starts_well && name.bytes().all(is_allowed) {
            Ok(Self(name))
        } else {
            Err(Error::MalformedName)
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_ascii_of_three_to_sixty_four_characters() {
        let longest = "x".repeat(64);
        for (given, name) in [("Ada", "ada"), ("7up", "7up"), ("a.b_c-d", "a.b_c-d")] {
            assert_eq!(UserName::parse(given).unwrap().as_str(), name);
        }
        assert_eq!(UserName::parse(&longest).unwrap().as_str(), longest);
        for given in ["", "ab", ".ab", "-ab", "a b", "äda", "ada\n", "a/b", &"x".repeat(65)] {
            assert!(UserName::parse(given).is_err(), "{given:?}");
        }
    }
}
