//! Breaks a running system on purpose, and shows that it kept its promises all the same.
//!
//! A [`Plan`] says how much is asked and what is broken; both follow from its seed. [`run`] starts
//! brokers and services of its own, asks (over HTTP and straight over Kafka), kills, freezes, adds
//! and removes processors, bounces one broker at a time, and stops everything. Then it scans the
//! topics from their beginning and has [`judge`] compare what is there with what was asked and
//! with an [`Oracle`](oracle::Oracle) that shares no code with the services.
//!
//! What it demands: every request has exactly one completion under `read_committed`, and it is the
//! oracle's; every caller got its own answer, a definite error or, over HTTP, a 202 for a request that was then
//! completed; every kind of fault that was
//! planned has really happened.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a checker: whatever keeps it from checking fails the check"
)]

mod arrivals;
mod direct_load;
mod driver;
mod evidence;
mod fault;
mod gate;
mod http_load;
mod injection;
mod judge;
pub mod oracle;
mod plan;
mod pool;
mod question;
mod random;
mod report;
mod run;
mod verdict;

pub use fault::{Failpoint, Fault, Kind};
pub use judge::judge;
pub use plan::Plan;
pub use question::Question;
pub use report::Report;
pub use run::run;
pub use verdict::{CallerCounts, Verdict, Violation};
