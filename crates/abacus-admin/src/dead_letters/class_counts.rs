//! Numbers of dead letters by class.

use std::collections::BTreeMap;
use std::fmt;

/// Number of dead letters of each class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClassCounts {
    classes: BTreeMap<String, u64>,
}

impl ClassCounts {
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

impl fmt::Display for ClassCounts {
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
    fn counts_read_as_a_sentence() {
        let mut counts = ClassCounts::default();
        assert_eq!(counts.to_string(), "0 letters");
        counts.add("malformed");
        assert_eq!(counts.to_string(), "1 letter: 1 malformed");
        counts.add("unknown-schema");
        counts.add("malformed");
        assert_eq!(counts.to_string(), "3 letters: 2 malformed, 1 unknown-schema");
    }
}
