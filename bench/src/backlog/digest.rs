//! A sum over results, independent of their order.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The number of results, and the sum of their hashes. Equal digests hold equal results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) results: u64,
    sum: u64,
}

impl Digest {
    /// Adds the `result` of one request.
    pub(super) fn add(&mut self, request_id: &str, result: &str) {
        let mut hasher = DefaultHasher::new();
        (request_id, result).hash(&mut hasher);
        self.sum = self.sum.wrapping_add(hasher.finish());
        self.results += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(results: &[(&str, &str)]) -> Digest {
        let mut digest = Digest::default();
        for (id, result) in results {
            digest.add(id, result);
        }
        digest
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let right = digest(&[("a", "1"), ("b", "8")]);
        assert_eq!(digest(&[("b", "8"), ("a", "1")]), right);
        for wrong in [&[("a", "8"), ("b", "1")][..], &[("a", "1")], &[("a", "1"), ("a", "1")]] {
            assert_ne!(digest(wrong), right);
        }
    }
}
