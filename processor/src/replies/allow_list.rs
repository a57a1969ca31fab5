//! The topics allowed for replies to direct producers.

/// The topics allowed for replies to direct producers. Any producer can name a reply topic in a request,
/// so without this list a producer could write to any topic through the processor.
pub(super) struct AllowList {
    exact: Vec<String>,
    prefixes: Vec<String>,
}

impl AllowList {
    pub(super) fn new(topics: &[String]) -> Self {
        let mut list = Self { exact: Vec::new(), prefixes: Vec::new() };
        for topic in topics {
            match topic.strip_suffix('*') {
                Some(prefix) => list.prefixes.push(prefix.to_owned()),
                None => list.exact.push(topic.clone()),
            }
        }
        list
    }

    pub(super) fn allows(&self, topic: &str) -> bool {
        self.exact.iter().any(|allowed| allowed == topic)
            || self.prefixes.iter().any(|prefix| topic.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_go_only_where_they_are_allowed() {
        let list = AllowList::new(&["own", "exact", "abacus.replies.*"].map(str::to_owned));
        for allowed in ["own", "exact", "abacus.replies.billing"] {
            assert!(list.allows(allowed), "{allowed}");
        }
        for forbidden in ["", "owner", "exact.not", "abacus.compute.completed.v1"] {
            assert!(!list.allows(forbidden), "{forbidden}");
        }
    }
}
