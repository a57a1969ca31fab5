//! Violations of promises, for the verdicts of checks.

use std::collections::BTreeMap;
use std::fmt;

/// Number of each kind of violation `V`, with at most `EXAMPLES` examples of each kind.
#[derive(Clone, Debug)]
pub struct Violations<V, const EXAMPLES: usize>(BTreeMap<V, (usize, Vec<String>)>);

impl<V: Ord, const EXAMPLES: usize> Violations<V, EXAMPLES> {
    /// Returns whether there is no violation.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of violations of a kind.
    pub fn count(&self, violation: &V) -> usize {
        self.0.get(violation).map_or(0, |(count, _)| *count)
    }

    /// The kinds that were found, in order.
    pub fn into_kinds(self) -> impl Iterator<Item = V> {
        self.0.into_keys()
    }

    /// Counts a violation.
    pub fn note(&mut self, violation: V, example: impl FnOnce() -> String) {
        let (count, examples) = self.0.entry(violation).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.push(example());
        }
    }
}

impl<V, const EXAMPLES: usize> Default for Violations<V, EXAMPLES> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V: fmt::Debug, const EXAMPLES: usize> fmt::Display for Violations<V, EXAMPLES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (violation, (count, examples)) in &self.0 {
            writeln!(f, "BROKEN: {violation:?} ({count})")?;
            examples.iter().try_for_each(|example| writeln!(f, "  {example}"))?;
        }
        Ok(())
    }
}
