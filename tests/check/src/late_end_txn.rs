//! Injection of late `EndTxn` requests. librdkafka repeats a request after the loss of its
//! connection, so the broker receives the lost request beside the repeated one (KIP-890).

use std::time::{Duration, Instant};

use abacus_testkit::CaughtEndTxn;

use crate::driver::Driver;
use crate::injection::{ATTEMPTS, PATIENCE};

/// Duration of a broker's stop. Shorter than the broker's session, so the broker stays coordinator.
const STOP: Duration = Duration::from_secs(1);
/// Longest wait for the next transaction of a processor, or for the answer to a late request.
const NEXT: Duration = Duration::from_secs(15);

impl Driver<'_> {
    /// Stops a broker with an `EndTxn` in its socket, after which the broker must get in sync again.
    pub(crate) fn stop_with_end_txn(&mut self) -> bool {
        // A processor may end, or a broker may lose its role, between two steps.
        (0..ATTEMPTS).any(|_| self.stop_once())
            && self.wait_under_load(PATIENCE, |driver| driver.cluster.is_in_sync().is_ok())
            && self.goes_on()
    }

    /// Stops a broker, writes an `EndTxn` into its socket, and closes the processor's connection.
    /// The broker reads the request after the stop.
    fn stop_once(&mut self) -> bool {
        let Some(caught) = self.catch_end_txn() else { return false };
        let broker = caught.broker();
        self.cluster.broker(broker).pause();
        let is_in_socket = caught.send();
        caught.lose_connection();
        let end = Instant::now() + STOP;
        self.wait_under_load(PATIENCE, |_| Instant::now() >= end);
        let is_unread = caught.answer(Duration::ZERO).is_none();
        self.cluster.broker(broker).resume();
        let is_read = self.wait_under_load(NEXT, |_| caught.answer(Duration::ZERO).is_some());
        is_in_socket && is_unread && is_read
    }

    /// Delivers an `EndTxn` during the next transaction of its processor, while no offsets of this
    /// transaction are written.
    pub(crate) fn delay_end_txn(&mut self) -> bool {
        // A processor that has just lost its partitions has no next transaction.
        (0..ATTEMPTS).any(|_| self.delay_one()) && self.goes_on()
    }

    fn delay_one(&mut self) -> bool {
        let Some(caught) = self.catch_end_txn() else { return false };
        caught.lose_connection();
        self.cluster.end_txn_trap().deliver_in_next_transaction(caught);
        let is_answered =
            self.wait_under_load(NEXT, |driver| driver.cluster.end_txn_trap().answer().is_some());
        self.cluster.end_txn_trap().unset();
        is_answered
    }

    fn catch_end_txn(&mut self) -> Option<CaughtEndTxn> {
        // The producers of the heavy lane are named after another group, and have few transactions.
        let main_lane = format!("{}-", self.system.processor_group());
        self.cluster.end_txn_trap().set(main_lane);
        let mut caught = None;
        self.wait_under_load(PATIENCE, |driver| {
            caught = driver.cluster.end_txn_trap().take();
            caught.is_some()
        });
        if caught.is_none() {
            self.cluster.end_txn_trap().unset();
        }
        caught
    }
}
