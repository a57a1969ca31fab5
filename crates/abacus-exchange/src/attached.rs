//! Entries of attached waiters: callers waiting for a request published elsewhere or earlier.
//! Several callers may wait for a request. The lock is in [`Waiters`](crate::Waiters).

use std::collections::HashMap;

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::outcome::{WaitCondition, WaitOutcome};

/// Identity of a waiter within an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaiterId(pub(crate) u64);

/// An attached waiter.
#[derive(Debug)]
pub(crate) struct AttachedEntry<L> {
    pub(crate) waiter: WaiterId,
    pub(crate) condition: WaitCondition,
    pub(crate) outcome: oneshot::Sender<WaitOutcome<L>>,
}

/// All attached waiters, by request.
#[derive(Debug)]
pub(crate) struct AttachedEntries<L> {
    entries: HashMap<Uuid, Vec<AttachedEntry<L>>>,
    count: usize,
}

impl<L> Default for AttachedEntries<L> {
    fn default() -> Self {
        Self { entries: HashMap::new(), count: 0 }
    }
}

impl<L> AttachedEntries<L> {
    /// Number of attached waiters.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Adds a waiter for `id`.
    pub(crate) fn insert(&mut self, id: Uuid, entry: AttachedEntry<L>) {
        self.entries.entry(id).or_default().push(entry);
        self.count += 1;
    }

    /// Removes all waiters for `id`.
    pub(crate) fn take(&mut self, id: Uuid) -> Vec<AttachedEntry<L>> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        let entries = self.entries.remove(&id).unwrap_or_default();
        self.count -= entries.len();
        entries
    }

    /// Removes the waiters with [`WaitCondition::Known`] for `id`.
    pub(crate) fn take_known(&mut self, id: Uuid) -> Vec<AttachedEntry<L>> {
        self.take_if(id, |entry| entry.condition == WaitCondition::Known)
    }

    /// Removes a waiter that is still attached.
    pub(crate) fn remove(&mut self, id: Uuid, waiter: WaiterId) -> Option<AttachedEntry<L>> {
        self.take_if(id, |entry| entry.waiter == waiter).pop()
    }

    fn take_if(
        &mut self,
        id: Uuid,
        is_meant: impl Fn(&AttachedEntry<L>) -> bool,
    ) -> Vec<AttachedEntry<L>> {
        let Some(entries) = self.entries.get_mut(&id) else { return Vec::new() };
        let taken: Vec<AttachedEntry<L>> =
            entries.extract_if(.., |entry| is_meant(entry)).collect();
        self.count -= taken.len();
        if entries.is_empty() {
            self.entries.remove(&id);
        }
        taken
    }

    /// Removes all waiters.
    pub(crate) fn take_all(&mut self) -> Vec<AttachedEntry<L>> {
        self.count = 0;
        self.entries.drain().flat_map(|(_, entries)| entries).collect()
    }

    /// Returns the awaited requests.
    pub(crate) fn awaited(&self) -> Awaited {
        let mut awaited = Awaited::default();
        for (id, entries) in &self.entries {
            awaited.all.push(*id);
            if entries.iter().any(|entry| entry.condition == WaitCondition::Known) {
                awaited.unknown.push(*id);
            }
        }
        awaited
    }
}

/// The requests of all attached waiters.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Awaited {
    /// Every awaited request.
    pub all: Vec<Uuid>,
    /// Requests not known to be in the log. Any entry of the log ends a wait for them.
    pub unknown: Vec<Uuid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u64, condition: WaitCondition) -> AttachedEntry<()> {
        AttachedEntry { waiter: WaiterId(id), condition, outcome: oneshot::channel().0 }
    }

    #[test]
    fn several_wait_for_one_and_each_leaves_alone() {
        let mut attached = AttachedEntries::default();
        let id = Uuid::from_u128(1);
        for waiter in 1..=3 {
            attached.insert(id, entry(waiter, WaitCondition::Completed));
        }
        assert_eq!(attached.remove(id, WaiterId(2)).unwrap().waiter, WaiterId(2));
        assert!(attached.remove(id, WaiterId(2)).is_none());
        assert_eq!(attached.len(), 2);
        assert_eq!(attached.take(id).len(), 2);
        assert_eq!((attached.len(), attached.awaited()), (0, Awaited::default()));
    }

    #[test]
    fn news_that_a_request_is_known_ends_only_the_waits_for_that() {
        let mut attached = AttachedEntries::default();
        let id = Uuid::from_u128(1);
        attached.insert(id, entry(1, WaitCondition::Completed));
        attached.insert(id, entry(2, WaitCondition::Known));
        assert_eq!(attached.awaited(), Awaited { all: vec![id], unknown: vec![id] });
        assert_eq!(attached.take_known(id).len(), 1);
        assert_eq!(attached.awaited(), Awaited { all: vec![id], unknown: vec![] });
    }
}
