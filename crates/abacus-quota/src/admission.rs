//! Admission control: refuses work when too much is in flight.
//!
//! Three things can run out: a subject's part of the requests in flight, so that one flood leaves room for the others; the
//! memory of requests in flight; and time, when the queue is longer than the processors work off in time.
//!
//! A [`ComputePermit`] is a computation's turn, until its reply. A [`MemoryPermit`] counts the memory of an answer until
//! it is written, because a slow reader keeps the answer in memory long after the reply. A [`WaitPermit`] lets a subject
//! wait for an earlier computation. A permit is returned when it is dropped.

mod config;
mod control;
mod demand;
mod queue;
mod usage;

pub use config::AdmissionConfig;
pub use control::{Admission, ComputePermit, MemoryPermit, WaitPermit};
pub use demand::{AdmissionError, Demand, QueueKind, WaitKind};
