#![doc = include_str!("../README.md")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a checker: any failure of its own fails the check"
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
mod late_end_txn;
pub mod oracle;
mod plan;
mod pool;
mod question;
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
