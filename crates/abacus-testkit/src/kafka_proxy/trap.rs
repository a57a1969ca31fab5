//! Catches an `EndTxn` between a producer and its transaction coordinator, and delivers the request
//! late: while the broker is stopped, or during the next transaction of the producer (KIP-890).

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::connection::Connection;
use super::frame::Frame;

/// Longest wait for the broker's answer to a late `EndTxn`, while the next transaction is held up.
const ANSWER: Duration = Duration::from_secs(5);

/// A trap in all proxies of a cluster. Catches one `EndTxn` each time it is set.
#[derive(Default)]
pub struct EndTxnTrap(Mutex<State>);

#[derive(Default)]
struct State {
    /// Beginning of the `transactional.id` to catch.
    prefix: Option<String>,
    caught: Option<CaughtEndTxn>,
    /// Awaits the next transaction with its `transactional.id`.
    late: Option<CaughtEndTxn>,
    /// Error code of the answer to the last late `EndTxn`.
    answer: Option<i16>,
}

/// An `EndTxn` kept from its broker. Dropping this closes the connection to the broker.
pub struct CaughtEndTxn {
    request: Frame,
    connection: Arc<Connection>,
    answers: Receiver<Frame>,
    broker: usize,
}

impl EndTxnTrap {
    /// Sets the trap for the next `EndTxn` with a `transactional.id` that begins with `prefix`.
    pub fn set(&self, prefix: impl Into<String>) {
        *self.state() = State { prefix: Some(prefix.into()), ..State::default() };
    }

    /// Returns the caught `EndTxn`, if any.
    pub fn take(&self) -> Option<CaughtEndTxn> {
        self.state().caught.take()
    }

    /// Removes the trap. A caught `EndTxn` and its connection are dropped.
    pub fn unset(&self) {
        *self.state() = State::default();
    }

    /// Delivers `late` during the next transaction of its producer: after `AddOffsetsToTxn`, so all
    /// records of the transaction are written, and none of its offsets.
    pub fn deliver_in_next_transaction(&self, late: CaughtEndTxn) {
        self.state().late = Some(late);
    }

    /// Error code of the broker's answer to the late `EndTxn`, once the broker has answered. 0 means
    /// that the broker has ended the later transaction.
    pub fn answer(&self) -> Option<i16> {
        self.state().answer
    }

    /// Returns whether `request` is caught. The caller then [puts](Self::put) the request here.
    pub(super) fn catches(&self, request: &Frame) -> bool {
        let Some(id) = request.ended_transaction() else { return false };
        let is_match = |prefix: &mut String| id.starts_with(prefix.as_bytes());
        self.state().prefix.take_if(is_match).is_some()
    }

    pub(super) fn put(&self, caught: CaughtEndTxn) {
        self.state().caught = Some(caught);
    }

    /// Returns whether the late `EndTxn` is to arrive before the answer to `request`.
    pub(super) fn awaits(&self, request: &Frame) -> bool {
        let Some(id) = request.transaction_with_offsets() else { return false };
        self.state().late.as_ref().is_some_and(|late| late.request.ended_transaction() == Some(id))
    }

    /// Delivers the late `EndTxn` and waits for the broker's answer.
    pub(super) fn deliver(&self) {
        let Some(late) = self.state().late.take() else { return };
        let answer = if late.send() { late.answer(ANSWER) } else { None };
        self.state().answer = answer;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl CaughtEndTxn {
    pub(super) fn new(request: Frame, connection: &Arc<Connection>, broker: usize) -> Self {
        let (connection, answers) = (Arc::clone(connection), connection.divert_answers());
        Self { request, connection, answers, broker }
    }

    /// Index of the broker in its cluster.
    pub fn broker(&self) -> usize {
        self.broker
    }

    /// Closes the connection at the producer's end. The broker's end stays open.
    pub fn lose_connection(&self) {
        self.connection.lose_client();
    }

    /// Writes the request into the broker's socket. Returns whether the socket was open.
    pub fn send(&self) -> bool {
        self.connection.ask(&self.request)
    }

    /// Error code of the broker's answer, if the answer comes in time.
    pub fn answer(&self, patience: Duration) -> Option<i16> {
        let correlation = self.request.correlation()?;
        // Answers to earlier requests of the connection may come first.
        while let Ok(answer) = self.answers.recv_timeout(patience) {
            if answer.answers(correlation) {
                return answer.error_code();
            }
        }
        None
    }
}

impl Drop for CaughtEndTxn {
    fn drop(&mut self) {
        self.connection.close();
    }
}
