#![doc = include_str!("../README.md")]

pub mod admission;
pub mod gcra;
pub mod ledger;
pub mod metrics;
pub mod rate_limit;
pub mod subject;

pub use admission::{
    Admission, AdmissionConfig, AdmissionError, ComputePermit, Demand, MemoryPermit, QueueKind,
    WaitKind, WaitPermit,
};
pub use gcra::{Limit, Quota};
pub use ledger::{Charges, Ledger};
pub use metrics::Metrics;
pub use rate_limit::{Exceeded, LeaseStore, RateLimit, RateLimitStatus};
pub use subject::Subject;
