//! Admission control: refuses work when too much is in flight.
//!
//! Admission sets three limits: the part of each subject in the requests and bytes in flight, which leaves capacity for
//! every other subject during a flood; the bytes of all requests in flight; and the estimated queue delay.
//!
//! A [`ComputePermit`] lets a computation be in flight, until its reply. A [`MemoryPermit`] counts the memory of an
//! answer until the answer is written, because a slow reader keeps the answer in memory long after the reply. A
//! [`WaitPermit`] lets a subject wait for an earlier computation. Dropping a permit returns the permit.

mod config;
mod control;
mod demand;
mod queue;
mod usage;

pub use config::AdmissionConfig;
pub use control::{Admission, ComputePermit, MemoryPermit, WaitPermit};
pub use demand::{AdmissionError, Demand, QueueKind, WaitKind};
