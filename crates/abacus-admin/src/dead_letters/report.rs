//! How many letters of each class something became of.

use std::collections::BTreeMap;
use std::fmt;

/// Counts by class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    classes: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn add(&mut self, class: &str) {
        *self.classes.entry(class.to_owned()).or_default() += 1;
    }

    pub(super) fn total(&self) -> u64 {
        self.classes.values().sum()
    }

    pub(super) fn of(&self, class: &str) -> u64 {
        self.classes.get(class).copied().unwrap_or_default()
    }

    pub(super) fn classes(&self) -> impl Iterator<Item = (&str, u64)> {
        self.classes.iter().map(|(class, count)| (class.as_str(), *count))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.total() == 1 { "" } else { "s" };
        write!(f, "{} letter{plural}", self.total())?;
        for (index, (class, count)) in self.classes().enumerate() {
            write!(f, "{} {count} {class}", if index == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_reads_as_a_sentence() {
        let mut tally = Tally::default();
        assert_eq!(tally.to_string(), "0 letters");
        tally.add("malformed");
        assert_eq!(tally.to_string(), "1 letter: 1 malformed");
        tally.add("unknown-schema");
        tally.add("malformed");
        assert_eq!(tally.to_string(), "3 letters: 2 malformed, 1 unknown-schema");
    }
}
