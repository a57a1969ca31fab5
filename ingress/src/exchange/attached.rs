//! The seats of those who wait for a computation that was asked for elsewhere or earlier; several
//! may wait for one. Pure bookkeeping: the lock is [`crate::exchange::waiters`]'.

use std::collections::HashMap;

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::exchange::waiters::Ending;

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// The request log has the request.
    Known,
    /// The computation has ended.
    Ended,
}

/// One who waits.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) ticket: u64,
    pub(crate) until: Until,
    pub(crate) ending: oneshot::Sender<Ending>,
}

/// All seats, by what they wait for.
#[derive(Debug, Default)]
pub(crate) struct Attached {
    seats: HashMap<Uuid, Vec<Seat>>,
    count: usize,
}

impl Attached {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn insert(&mut self, id: Uuid, seat: Seat) {
        self.seats.entry(id).or_default().push(seat);
        self.count += 1;
    }

    /// Everybody who waits for `id`.
    pub(crate) fn take(&mut self, id: Uuid) -> Vec<Seat> {
        if self.seats.is_empty() {
            return Vec::new();
        }
        let seats = self.seats.remove(&id).unwrap_or_default();
        self.count -= seats.len();
        seats
    }

    /// Those who only wait for `id` to be known.
    pub(crate) fn take_known(&mut self, id: Uuid) -> Vec<Seat> {
        self.take_if(id, |seat| seat.until == Until::Known)
    }

    /// The seat with that ticket, if it is still taken.
    pub(crate) fn leave(&mut self, id: Uuid, ticket: u64) -> Option<Seat> {
        self.take_if(id, |seat| seat.ticket == ticket).pop()
    }

    fn take_if(&mut self, id: Uuid, is_meant: impl Fn(&Seat) -> bool) -> Vec<Seat> {
        let Some(seats) = self.seats.get_mut(&id) else { return Vec::new() };
        let taken: Vec<Seat> = seats.extract_if(.., |seat| is_meant(seat)).collect();
        self.count -= taken.len();
        if seats.is_empty() {
            self.seats.remove(&id);
        }
        taken
    }

    /// Everybody.
    pub(crate) fn take_all(&mut self) -> Vec<Seat> {
        self.count = 0;
        self.seats.drain().flat_map(|(_, seats)| seats).collect()
    }

    /// What is waited for.
    pub(crate) fn awaited(&self) -> Awaited {
        let mut awaited = Awaited::default();
        for (id, seats) in &self.seats {
            awaited.all.push(*id);
            if seats.iter().any(|seat| seat.until == Until::Known) {
                awaited.unknown.push(*id);
            }
        }
        awaited
    }
}

/// The ids that somebody waits for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Awaited {
    pub(crate) all: Vec<Uuid>,
    /// Those of them that are not known to the log yet, so that any news is good news.
    pub(crate) unknown: Vec<Uuid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(ticket: u64, until: Until) -> Seat {
        Seat { ticket, until, ending: oneshot::channel().0 }
    }

    #[test]
    fn several_wait_for_one_and_each_leaves_alone() {
        let mut attached = Attached::default();
        let id = Uuid::from_u128(1);
        for ticket in 1..=3 {
            attached.insert(id, seat(ticket, Until::Ended));
        }
        assert_eq!(attached.leave(id, 2).unwrap().ticket, 2);
        assert!(attached.leave(id, 2).is_none());
        assert_eq!(attached.len(), 2);
        assert_eq!(attached.take(id).len(), 2);
        assert_eq!((attached.len(), attached.awaited()), (0, Awaited::default()));
    }

    #[test]
    fn news_that_a_request_is_known_ends_only_the_waits_for_that() {
        let mut attached = Attached::default();
        let id = Uuid::from_u128(1);
        attached.insert(id, seat(1, Until::Ended));
        attached.insert(id, seat(2, Until::Known));
        assert_eq!(attached.awaited(), Awaited { all: vec![id], unknown: vec![id] });
        assert_eq!(attached.take_known(id).len(), 1);
        assert_eq!(attached.awaited(), Awaited { all: vec![id], unknown: vec![] });
    }
}
